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
	PYI_PAYLOAD_ABI = 12,
	PYI_KNOWN_TYPES = 64,
	/* Rules of types that do not tell, and what one of them has room for. */
	PYI_TYPE_RULES = 96,
	PYI_RULE_REFERENCES = 8,
	PYI_RULE_FIELDS = 2,
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

/* What a payload is to do. */
enum pyi_job {
	/* Count objects by type. Records: TYPE, OBJECT. */
	PYI_JOB_CENSUS = 0,
	/*
	 * All objects with all their references; wants PYI_CENSUS_ALL. Records: GRAPH; then
	 * GRAPH_TYPE, GRAPH_ROOT, TYPE.
	 */
	PYI_JOB_GRAPH,
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
	PYI_KIND_TUPLE,
	PYI_KIND_CELL,
	PYI_KIND_FUNCTION,
	PYI_KIND_WEAKREF,
	/* Of the package greenlet. */
	PYI_KIND_GREENLET,
	/* Instances of old-style classes, which count as their types; and these classes (2.7). */
	PYI_KIND_INSTANCE,
	PYI_KIND_CLASS,
	PYI_KIND_COUNT,
};

struct pyi_known_type {
	uint64_t type_addr;
	/* enum pyi_object_kind */
	uint64_t kind;
};

/* What sys.getsizeof() adds to the fields of an object, with `fields` and `unit` of a rule. */
enum pyi_size_rule {
	PYI_SIZE_NONE = 0,
	/* If the first field is not NULL, as many units as the second says. */
	PYI_SIZE_COUNTED,
	/* An array of units at the first field, and the one that begins with NULL and ends it. */
	PYI_SIZE_TERMINATED,
	/* A bytes object at the first field, if nobody else has it; else that is a reference. */
	PYI_SIZE_OWNED,
	/* numpy.ndarray: data at the first field, type at the second, shape and strides. */
	PYI_SIZE_NDARRAY,
	/* numpy.dtype: nothing, but an array's item is as large as the first field (of `unit`
	   bytes) says. */
	PYI_SIZE_ITEM,
};

/* Of a type that does not tell by itself how large its objects are, or what they refer to. */
struct pyi_type_rule {
	/* 0: this one and those behind it are not in use. */
	uint64_t type_addr;
	/* enum pyi_size_rule */
	uint32_t size_rule;
	uint32_t unit;
	uint32_t fields[PYI_RULE_FIELDS];
	/* Offset of a byte that is 0 if the references are not there; PYI_ABSENT: none is. */
	uint32_t condition;
	/* Offsets of PyObject * that tp_traverse may leave out; unused ones are PYI_ABSENT. */
	uint32_t references[PYI_RULE_REFERENCES];
	uint32_t reserved;
};

enum {
	/* Of a page: for its thread, of its thread, of other threads. */
	PYI_FREE_LISTS = 3,
};

/* A doubly linked list of PyGC_Head, or a page of blocks with objects. */
struct pyi_gc_list {
	/* The head of the list; of a page its first block. */
	uint64_t head_addr;
	/* Not 0 for a permanent generation, which gc.get_objects() does not list. In pages each
	   object says it. */
	uint64_t frozen;
	/* 0: it is a list. A page that is known to be broken has 1: it is said to be, and left. */
	uint64_t block_bytes;
	/* Blocks that may be in use, and that there is room for: free ones are among these. */
	uint64_t block_count;
	uint64_t reserved_count;
	/* From the start of a block. */
	uint64_t object_offset;
	/* First blocks of lists of free ones, linked by their first words; 0: none. */
	uint64_t free_addrs[PYI_FREE_LISTS];
};

enum pyi_census_flag {
	/* Also what is reachable from tracked objects and roots, each object once. */
	PYI_CENSUS_ALL = 1 << 0,
	/* A PYI_RECORD_OBJECT for every object counted. */
	PYI_CENSUS_OBJECTS = 1 << 1,
};

/* How an object, or a root, refers to another object. */
enum pyi_edge_kind {
	PYI_EDGE_NONE = 0,
	/* In the object's __dict__, a module's or a class's: `detail` is the str that names it. */
	PYI_EDGE_ATTRIBUTE,
	/* In the object itself: `detail` is the offset; slots of Python classes too. */
	PYI_EDGE_FIELD,
	/* The value of a dict: `detail` is the key; or of any key (VALUES). */
	PYI_EDGE_ITEM,
	PYI_EDGE_VALUES,
	/* A key of a dict. */
	PYI_EDGE_KEY,
	/* The item `detail` of a list or tuple; or any item of a list, tuple, set, deque. */
	PYI_EDGE_INDEX,
	PYI_EDGE_ELEMENT,
	/* Local variable or stack slot `detail` of a frame that runs `context` (code). */
	PYI_EDGE_LOCAL,
	/* Free variable `detail` of a function of `context` (code). */
	PYI_EDGE_CLOSURE,
	/* The type of the object. */
	PYI_EDGE_TYPE,
	/* The object's __dict__. */
	PYI_EDGE_DICT,
	/* Somewhere in memory that the object owns, but that is not known. */
	PYI_EDGE_ELSEWHERE,
	/* Roots: a field `detail` of an interpreter, or of a thread state. */
	PYI_EDGE_INTERPRETER,
	PYI_EDGE_THREAD,
	/* Something else that a frame of `context` (code) keeps: its function, its globals. */
	PYI_EDGE_FRAME,
	/* The __dict__ or the subclasses of a static type, which the interpreter keeps. */
	PYI_EDGE_STATIC_TYPE,
};

/* For PYI_EDGE_INTERPRETER, where no field of the interpreter says it. */
#define PYI_EDGE_GC_GARBAGE UINT64_MAX
#define PYI_EDGE_GC_CALLBACKS (UINT64_MAX - 1)
#define PYI_EDGE_ATEXIT (UINT64_MAX - 2)

struct pyi_edge {
	/* enum pyi_edge_kind */
	uint32_t kind;
	/* Not 0 if tp_traverse does not report it: gc.get_referrers() does not know of it. */
	uint32_t internal;
	uint64_t detail;
	uint64_t context;
};

/*
 * In `internal` of a root. Uncounted: its reference count does not count this one, which is
 * borrowed, or is also that of an object.
 */
enum {
	PYI_ROOT_UNCOUNTED = 2,
	/* What the object refers to does not live by it: it takes itself out of it in time. */
	PYI_ROOT_WEAK = 4,
};

/* An object that no other object needs to lead to, and why it lives. */
struct pyi_payload_root {
	/* 0 is skipped. */
	uint64_t object_addr;
	struct pyi_edge edge;
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
	/* struct pyi_payload_root: objects to start from besides the lists. */
	uint64_t roots_addr;
	uint64_t root_count;

	/* enum pyi_job */
	uint64_t job;
	/*
	 * A function of the target to call before anything else, with one argument:
	 * PyThreadState_Swap() and a thread state, for tp_traverse functions that need one. 0: none
	 * is needed.
	 */
	uint64_t attach_addr;
	uint64_t attach_argument;

	/* enum pyi_census_flag */
	uint64_t flags;
	/* All memory that objects and what they own can be in: none is larger. */
	uint64_t mapped_bytes;
	struct pyi_known_type known_types[PYI_KNOWN_TYPES];
	struct pyi_type_rule rules[PYI_TYPE_RULES];
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
	PYI_RECORD_GRAPH = 9,
	PYI_RECORD_GRAPH_TYPE = 10,
	PYI_RECORD_GRAPH_ROOT = 11,
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

/* Whole entries of the graph stream (pyinspect/graph_stream.h); as long as there are any. */
struct pyi_record_graph {
	uint32_t kind;
	uint32_t size_bytes;
	uint64_t words[];
};

/* What the number of a type in the graph stream means. */
struct pyi_record_graph_type {
	uint32_t kind;
	uint32_t size_bytes;
	uint64_t number;
	uint64_t type_addr;
	/* enum pyi_object_kind */
	uint64_t object_kind;
};

/* One of pyi_payload_arguments.roots_addr. */
struct pyi_record_graph_root {
	uint32_t kind;
	uint32_t size_bytes;
	struct pyi_payload_root root;
};

/* What is wrong with the heap, if something is: first trouble only. */
enum pyi_trouble {
	PYI_TROUBLE_NONE = 0,
	/* A list or a page whose links do not agree (`trouble_addr`: the node). */
	PYI_TROUBLE_LIST,
	/* A pointer to something that is no object. */
	PYI_TROUBLE_OBJECT,
	/* A dict whose count and contents do not agree. */
	PYI_TROUBLE_DICT,
	/* A fault, or a stop by the host, while an object was visited. */
	PYI_TROUBLE_FAULT,
	/* Out of room for types or for work. */
	PYI_TROUBLE_MEMORY,
	/* An object that says it is larger than all memory: counted, with no bytes. */
	PYI_TROUBLE_SIZE,
};

struct pyi_record_summary {
	uint32_t kind;
	uint32_t size_bytes;
	/* All PYI_RECORD_TYPE counts added up, to check the stream. */
	uint64_t objects;
	uint64_t bytes;
	uint64_t frozen_objects;
	uint64_t frozen_bytes;
	/* PYI_JOB_CENSUS: how many gc.get_objects() would list, whatever else was counted. */
	uint64_t tracked_objects;
	/* Objects of which a part was not visited, or which were not counted. */
	uint64_t skipped_objects;
	uint64_t broken_lists;
	/* enum pyi_trouble */
	uint64_t trouble;
	uint64_t trouble_addr;
};

#endif
