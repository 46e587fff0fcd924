/*
 * Where the host enters the payload: at offset 0 of the blob. Does no work itself.
 */
#include <stddef.h>

#include "walk.h"

/* payloads/arch_<cpu>.S knows where the mark is. */
_Static_assert(offsetof(struct pyi_payload_arguments, mark) == 8, "mark has moved");

uint64_t pyi_payload_message(uint64_t number, uint64_t first, uint64_t second);

static uint64_t send(void *context, uint64_t number, uint64_t first, uint64_t second)
{
	(void)context;
	return pyi_payload_message(number, first, second);
}

__attribute__((noreturn)) void pyi_payload_entry(struct pyi_payload_arguments *arguments);

__attribute__((section(".text.entry"))) void
pyi_payload_entry(struct pyi_payload_arguments *arguments)
{
	if (arguments->abi == PYI_PAYLOAD_ABI && arguments->size_bytes == sizeof(*arguments)) {
		arguments->recover_pc = (uint64_t)(uintptr_t)pyi_payload_recover;
		pyi_walk_do(arguments, send, NULL);
	} else {
		pyi_payload_message(PYI_MESSAGE_DONE, PYI_PAYLOAD_BAD_ABI, 0);
	}
	/* The host never lets it get here. */
	for (;;)
		pyi_payload_message(PYI_MESSAGE_DONE, PYI_PAYLOAD_OK, 0);
}
