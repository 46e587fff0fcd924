/*
 * The contract between the host and a payload: how it is entered, what it is given, how it answers.
 *
 * A payload is freestanding code, without libc, globals or relocations, that runs inside a snapshot
 * on a stack of its own. Its system calls are not executed: they are messages to the
 * host, which reads the payload's memory and sets the call's result. A fault is not fatal either:
 * the host makes the payload return from pyi_payload_mark() a second time.
 *
 * All integers are of the machine's byte order; all addresses are of the target.
 */
#ifndef PYINSPECT_PAYLOAD_H
#define PYINSPECT_PAYLOAD_H

#include <stdint.h>

#include <pyinspect/layout.h>

enum {
	/* Changed when anything in this header or in layout.h changes. */
	PYI_PAYLOAD_ABI = 1,
	PYI_KNOWN_TYPES = 48,
	PYI_MARK_WORDS = 24,
};

/* Messages: numbers of system calls that no kernel has. Arguments as for a system call. */
enum pyi_message {
	/* (address, size in bytes): records to be read now. */
	PYI_MESSAGE_RECORDS = 0x70001,
	/* (objects counted so far): a sign of life, about every million objects. */
	PYI_MESSAGE_PROGRESS = 0x70002,
	/* (enum pyi_payload_status): the end. */
	PYI_MESSAGE_DONE = 0x70003,
};

enum pyi_payload_status {
	PYI_PAYLOAD_OK = 0,
	PYI_PAYLOAD_BAD_ABI,
	/* The arena is too small; what was sent is not complete. */
	PYI_PAYLOAD_NO_MEMORY,
};

/* A readable range of the target's memory; end exclusive. */
struct pyi_payload_range {
	uint64_t start_addr;
	uint64_t end_addr;
};

/* How an object's size and hidden references are found: by the type whose layout it has. */
enum pyi_object_kind {
	PYI_KIND_PLAIN = 0,
	PYI_KIND_TYPE,
	PYI_KIND_DICT,
	PYI_KIND_ORDERED_DICT,
	PYI_KIND_LIST,
	PYI_KIND_SET,
	PYI_KIND_STR,
	PYI_KIND_BYTEARRAY,
	PYI_KIND_INT,
	PYI_KIND_DEQUE,
	PYI_KIND_ARRAY,
	PYI_KIND_CODE,
	PYI_KIND_FRAME,
	PYI_KIND_GENERATOR,
	PYI_KIND_DESCRIPTOR,
	PYI_KIND_MODULE,
	PYI_KIND_RANGE,
	/* Size by the default rule of object.__sizeof__() although ... the type adds nothing. */
	PYI_KIND_COUNT,
};

struct pyi_known_type {
	uint64_t type_addr;
	/* enum pyi_object_kind */
	uint64_t kind;
};

/* A doubly linked list of PyGC_Head. */
struct pyi_gc_list {
	uint64_t head_addr;
	/* Not 0 for a permanent generation, which gc.get_objects() does not list. */
	uint64_t frozen;
};

enum pyi_census_flag {
	/* Also what is reachable from tracked objects and roots, each object once. */
	PYI_CENSUS_ALL = 1 << 0,
	/* A PYI_RECORD_OBJECT for every object counted. */
	PYI_CENSUS_OBJECTS = 1 << 1,
};

struct pyi_payload_arguments {
	/* PYI_PAYLOAD_ABI, sizeof(struct pyi_payload_arguments) */
	uint32_t abi;
	uint32_t size_bytes;
	/* Filled by pyi_payload_mark(): what the host needs to make it return again. */
	uint64_t mark[PYI_MARK_WORDS];
	/* Set by the payload's entry: where the host continues it after a fault, with `arguments`
	 * as argument. */
	uint64_t recover_pc;

	/* Zeroed memory of the payload's own, and a buffer for records within it. */
	uint64_t arena_addr;
	uint64_t arena_bytes;
	uint64_t records_addr;
	uint64_t records_bytes;

	/* Ascending, disjoint. */
	uint64_t ranges_addr;
	uint64_t range_count;
	uint64_t lists_addr;
	uint64_t list_count;
	/* Addresses of objects to start from besides the lists; 0 is skipped. */
	uint64_t roots_addr;
	uint64_t root_count;

	/*
	 * A function of the target to call before anything else, with one argument:
	 * PyThreadState_Swap() and a thread state, for tp_traverse functions that need one. 0: none
	 * is needed.
	 */
	uint64_t attach_addr;
	uint64_t attach_argument;

	/* enum pyi_census_flag */
	uint64_t flags;
	struct pyi_known_type known_types[PYI_KNOWN_TYPES];
	struct pyi_layout layout;
};

/*
 * The record stream: each record begins with its kind and its whole size (a multiple of 8).
 *
 *   OFFSET  SIZE  DESCRIPTION
 *   0       4     enum pyi_record_kind
 *   4       4     size of the record in bytes, this header included
 */
enum pyi_record_kind {
	PYI_RECORD_TYPE = 1,
	PYI_RECORD_OBJECT = 2,
	PYI_RECORD_SUMMARY = 3,
};

struct pyi_record_type {
	uint32_t kind;
	uint32_t size_bytes;
	uint64_t type_addr;
	/* Not frozen (scope tracked), or all (scope all). */
	uint64_t count;
	uint64_t bytes;
	/* enum pyi_object_kind: which rule its sizes follow. */
	uint64_t object_kind;
};

struct pyi_record_object {
	uint32_t kind;
	uint32_t size_bytes;
	uint64_t addr;
	uint64_t type_addr;
	uint64_t bytes;
};

/* What is wrong with the heap, if something is: first trouble only. */
enum pyi_trouble {
	PYI_TROUBLE_NONE = 0,
	/* A list whose links do not agree (`trouble_addr`: the node). */
	PYI_TROUBLE_LIST,
	/* A pointer to something that is no object. */
	PYI_TROUBLE_OBJECT,
	/* A dict whose count and contents do not agree. */
	PYI_TROUBLE_DICT,
	/* A fault, or a stop by the host, while an object was visited. */
	PYI_TROUBLE_FAULT,
	/* Out of room for types or for work. */
	PYI_TROUBLE_MEMORY,
};

struct pyi_record_summary {
	uint32_t kind;
	uint32_t size_bytes;
	/* All PYI_RECORD_TYPE counts added up, to check the stream. */
	uint64_t objects;
	uint64_t bytes;
	uint64_t frozen_objects;
	uint64_t frozen_bytes;
	/* Objects of which a part was not visited, or which were not counted. */
	uint64_t skipped_objects;
	uint64_t broken_lists;
	/* enum pyi_trouble */
	uint64_t trouble;
	uint64_t trouble_addr;
};

#endif
