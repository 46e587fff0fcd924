/*
 * The tp_traverse of a type that means harm: where a snapshot runs it, it goes on as if it were the
 * payload, and sends records for ever, or takes all memory there is.
 *
 * Never called in the process itself: the garbage collector is off there.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <pyinspect/payload.h>

enum {
	RECORDS_BYTES = 4 << 20,
};

/* What is sent; the address of a type with a long name, and of a long str. */
static uint32_t kind;
static uint64_t type_addr;
static uint64_t text_addr;

static void put(uint8_t *at, uint64_t number, uint32_t *ret_size)
{
	struct pyi_record_type type = { kind, sizeof(type), type_addr, 1, 16, 0 };
	struct pyi_record_graph_type graph_type = { kind, sizeof(graph_type), number, type_addr,
						    0 };
	struct pyi_record_graph_root graph_root = {
		.kind = kind,
		.size_bytes = sizeof(graph_root),
		.root = { text_addr, { PYI_EDGE_THREAD, 0, number, 0 } },
	};
	/* The graph stream: a node of 16 bytes and of type 0, wherever it is. */
	const struct {
		uint32_t kind;
		uint32_t size_bytes;
		uint64_t words[2];
	} graph = { kind, sizeof(graph), { (number + 1) * 64 << 16, UINT64_C(16) << 40 } };
	struct pyi_record_object object = { kind, sizeof(object), text_addr, type_addr, 16 };
	const void *record = &object;

	*ret_size = sizeof(object);
	switch (kind) {
	case PYI_RECORD_TYPE:
		record = &type;
		*ret_size = sizeof(type);
		break;
	case PYI_RECORD_GRAPH:
		record = &graph;
		*ret_size = sizeof(graph);
		break;
	case PYI_RECORD_GRAPH_TYPE:
		record = &graph_type;
		*ret_size = sizeof(graph_type);
		break;
	case PYI_RECORD_GRAPH_ROOT:
		record = &graph_root;
		*ret_size = sizeof(graph_root);
		break;
	default:
		break;
	}
	memcpy(at, record, *ret_size);
}

/* Writes to all memory that was mapped for the payload, again and again. */
static void fill(const struct pyi_payload_arguments *arguments)
{
	volatile uint8_t *arena = (uint8_t *)(uintptr_t)arguments->arena_addr;

	for (;;)
		for (uint64_t at = arguments->arena_bytes; at > 4096; at -= 4096)
			arena[at - 1] = 1;
}

/* The payload passes what it knows, first of all its arguments. */
static int flood(void *object, int (*visit)(void *, void *), void *walk)
{
	const struct pyi_payload_arguments *arguments =
		*(struct pyi_payload_arguments *const *)walk;
	uint8_t *records = (uint8_t *)(uintptr_t)arguments->records_addr;

	(void)object;
	(void)visit;
	if (!kind)
		fill(arguments);
	for (uint64_t number = 0;;) {
		uint64_t at = 0;
		uint32_t size = 0;

		for (; at + 256 < RECORDS_BYTES; at += size)
			put(records + at, number++, &size);
		syscall(PYI_MESSAGE_RECORDS, records, at);
	}
	return 0;
}

__attribute__((visibility("default"))) void
flooding_begin(uint32_t wanted_kind, uint64_t *traverse_slot, uint64_t wanted_type, uint64_t text);

void flooding_begin(uint32_t wanted_kind, uint64_t *traverse_slot, uint64_t wanted_type,
		    uint64_t text)
{
	kind = wanted_kind;
	type_addr = wanted_type;
	text_addr = text;
	*traverse_slot = (uint64_t)(uintptr_t)flood;
}
