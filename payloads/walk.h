/*
 * The heap walk: counts objects by type, or says of each what it is and what it refers to, through
 * gc lists and tp_traverse.
 *
 * One source, compiled into the payload and natively into unit tests and fuzzers. No libc, no
 * globals, no recursion, no allocation per object; memory only from the arena. Trusts no pointer of
 * the heap before it has been checked against the readable ranges; a fault all the same is
 * survived (see pyi_payload_mark()).
 */
#ifndef PYI_PAYLOADS_WALK_H
#define PYI_PAYLOADS_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/payload.h>

/* Sends a message to the host; returns what the host answers. */
typedef uint64_t pyi_send_function(void *context, uint64_t number, uint64_t first, uint64_t second);

/*
 * Does the job that `arguments` ask for; sends records, progress, and PYI_MESSAGE_DONE at the
 * end with the status it also returns.
 */
enum pyi_payload_status pyi_walk_do(struct pyi_payload_arguments *arguments,
				    pyi_send_function *send, void *send_context);

/*
 * Remembers this place in `arguments->mark` and returns 0; returns 1 again whenever
 * pyi_payload_recover(arguments) is called (by the host after a fault; by tests). In arch_<cpu>.S.
 */
uint64_t pyi_payload_mark(struct pyi_payload_arguments *arguments) __attribute__((returns_twice));
/* Hidden: its address is taken, and must not come from a global offset table. */
void pyi_payload_recover(struct pyi_payload_arguments *arguments)
	__attribute__((noreturn, visibility("hidden")));

#endif
