/*
 * What the parts of the walk share: the state of one census, and how heap memory is read.
 *
 * An address of the heap is a uint64_t; it is turned into a pointer only in the load functions
 * below.
 */
#ifndef PYI_PAYLOADS_STATE_H
#define PYI_PAYLOADS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/type_flags.h>

#include "walk.h"

/* Log2 of the bytes of a chunk. The fuzzers have small ones, whose bitmaps are cleared in no time.
 */
#ifndef PYI_CHUNK_SHIFT
#define PYI_CHUNK_SHIFT 30
#endif

enum {
	/* Type table: a power of two of slots, at most half full. */
	PYI_TYPE_SLOTS = 1 << 19,
	PYI_TYPE_LIMIT = PYI_TYPE_SLOTS / 2,
	/* Referents gathered before they are looked at, so that their memory is on its way. */
	PYI_REFERENT_BATCH = 64,
};

/* Code that runs seldom: small rather than fast, the payload's room is limited. */
#define PYI_SELDOM __attribute__((cold, noinline))

/* One type met, with what its objects need at hand. */
struct pyi_walk_type {
	uint64_t addr;
	uint64_t count;
	uint64_t bytes;
	uint64_t flags;
	/* Function addresses, 0 for none. */
	uint64_t traverse;
	uint64_t is_gc;
	int64_t basicsize;
	int64_t itemsize;
	uint32_t kind;
	/* NULL: none. */
	const struct pyi_type_rule *rule;
	/* Bytes in front of the object that sys.getsizeof() adds, when they only depend on the
	 * type. */
	uint32_t presize;
	/* It is one of pyi_payload_arguments.known_types itself, not a subclass. */
	bool exact;
};

/* How a reference was learnt of. */
enum pyi_via {
	/* tp_traverse reported it. */
	PYI_VIA_TRAVERSE = 0,
	/* Left out by tp_traverse: the type, a key of a dict, a field. */
	PYI_VIA_TYPE,
	PYI_VIA_KEY,
	PYI_VIA_FIELD,
};

/* One GiB of the address space: which pages can be read, and which 16-byte granules hold an object
 * seen. */
struct pyi_chunk {
	uint64_t *readable;
	uint64_t *marks;
};

struct pyi_stream;

struct pyi_walk {
	struct pyi_payload_arguments *arguments;
	const struct pyi_layout *layout;
	pyi_send_function *send;
	void *send_context;

	/* Bump allocation within the arena. */
	uint64_t arena_next;
	uint64_t arena_end;

	uint32_t *directory;
	struct pyi_chunk *chunks;
	uint64_t chunk_count;

	uint32_t *type_slots;
	struct pyi_walk_type *types;
	uint64_t type_count;

	/* Untracked containers still to be visited. */
	uint64_t *work;
	uint64_t work_count;
	uint64_t work_capacity;

	/* Referents gathered: [taken, gathered) are not looked at yet. */
	uint64_t referents[PYI_REFERENT_BATCH];
	uint64_t referent_count;
	uint64_t referent_taken;
	/* All of them are marked, and those marked before are gone. */
	bool referents_marked;

	/* How the next reference is learnt of. */
	enum pyi_via via;
	/* References that tp_traverse reported of the object visited last. */
	uint64_t reported;
	/* Its type was among them. */
	bool type_reported;
	uint64_t visiting_type;
	/* References of it by its type's rule that tp_traverse has not reported so far. */
	uint64_t hidden[PYI_RULE_REFERENCES];
	uint64_t hidden_count;

	/* Where the list walk is. */
	uint64_t list_index;
	uint64_t node;
	uint64_t previous;
	/* Not 0 while links are followed: a fault then ends the list, else it ends an object. */
	uint64_t following;
	uint64_t root_index;
	bool frozen;
	/* In a page: the next block, and which of them are free; NULL where there are no pages. */
	uint64_t block;
	uint64_t *free_blocks;
	/* PYI_JOB_GRAPH; else NULL. */
	struct pyi_stream *stream;

	uint64_t records_used;
	uint64_t objects;
	uint64_t next_progress;
	struct pyi_record_summary summary;
};

static inline uint64_t pyi_load64(uint64_t addr)
{
	uint64_t value;

	__builtin_memcpy(&value, (const void *)(uintptr_t)addr, sizeof(value));
	return value;
}

static inline uint32_t pyi_load32(uint64_t addr)
{
	uint32_t value;

	__builtin_memcpy(&value, (const void *)(uintptr_t)addr, sizeof(value));
	return value;
}

static inline uint8_t pyi_load8(uint64_t addr)
{
	return *(const uint8_t *)(uintptr_t)addr;
}

/* A field of an object, by a layout offset that is known to be present. */
static inline uint64_t pyi_field(uint64_t object, uint32_t offset)
{
	return pyi_load64(object + offset);
}

/*
 * More than fits an address space is garbage. It stays so large, but no larger: sums of a few do
 * not wrap, and pyi_size_of() sees it.
 */
#define PYI_SIZE_LIMIT (UINT64_C(1) << 47)

static inline uint64_t pyi_bounded(uint64_t bytes)
{
	return bytes < PYI_SIZE_LIMIT ? bytes : PYI_SIZE_LIMIT;
}

/* marks.c: memory that can be read, and objects seen */

/* Sets up directory and chunks from the argument's ranges; false without room. */
bool pyi_marks_init(struct pyi_walk *walk);
/* True if an object could begin at `addr`: aligned, and its header readable. */
bool pyi_marks_is_readable(const struct pyi_walk *walk, uint64_t addr);
/* Marks a readable address; true if it was not marked before. */
bool pyi_marks_set(struct pyi_walk *walk, uint64_t addr);
/* Zeroed memory from the arena, NULL without room. */
void *pyi_walk_allocate(struct pyi_walk *walk, uint64_t size_bytes);

/* types.c: the types met */

bool pyi_types_init(struct pyi_walk *walk);
/* The entry of the type at `addr`, made if it is new; NULL if that is no type. */
struct pyi_walk_type *pyi_type_at(struct pyi_walk *walk, uint64_t addr);
/*
 * The entry of what an object is an instance of, as above. Instances of old-style classes (2.7)
 * have one type: for them it is the class that has an entry, with all that the type has.
 */
struct pyi_walk_type *pyi_type_of(struct pyi_walk *walk, uint64_t object);
/* The first of the known types that is of this kind; 0: none is. */
uint64_t pyi_type_known(const struct pyi_walk *walk, uint32_t kind);

/* size.c: so many of so many bytes each, bounded */
uint64_t pyi_times(uint64_t count, uint64_t unit);
/* sys.getsizeof() of an object; of one that says it is larger than all memory 0, and
 * PYI_TROUBLE_SIZE. */
uint64_t pyi_size_of(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type);
/* By tp_basicsize and tp_itemsize alone. */
uint64_t pyi_size_plain(const struct pyi_walk *walk, uint64_t object,
			const struct pyi_walk_type *type);
/* Bytes of a PyDictKeysObject. */
uint64_t pyi_size_of_keys(const struct pyi_walk *walk, uint64_t keys);

/* True if PyObject_IS_GC() says so: there is a PyGC_Head in front of the object. */
bool pyi_object_is_gc(const struct pyi_walk *walk, uint64_t object,
		      const struct pyi_walk_type *type);
/*
 * How many references there are to an object, as its header says; UINT32_MAX: as many, or more, or
 * it is never freed.
 */
uint32_t pyi_object_references(const struct pyi_layout *layout, uint64_t object);
/* True if it is on a list of the collector, or is marked so where there are none. */
bool pyi_object_is_tracked(const struct pyi_walk *walk, uint64_t object,
			   const struct pyi_walk_type *type);

/* pages.c: objects that are on no list */

/* Room for the work below; false without it. */
bool pyi_pages_init(struct pyi_walk *walk);
/* Begins a page; false if it makes no sense. */
bool pyi_page_begin(struct pyi_walk *walk, const struct pyi_gc_list *page);
/* The next tracked object of it, with walk->frozen; 0 at its end. */
uint64_t pyi_page_next(struct pyi_walk *walk, const struct pyi_gc_list *page);

/* rules.c: types that do not tell by themselves */

/* What a type's rule adds to the size of its objects. */
uint64_t pyi_size_by_rule(const struct pyi_walk *walk, uint64_t object,
			  const struct pyi_type_rule *rule);
/* True if the size of the object includes one that only it has: that is no object to count. */
bool pyi_size_has_own_bytes(const struct pyi_walk *walk, uint64_t object,
			    const struct pyi_type_rule *rule);

/* Where the elements of an array of objects are, if the array owns them. */
struct pyi_object_array {
	uint64_t first_addr;
	uint64_t count;
};

/* False if the rule is not that of arrays, or if the array has no elements of its own. */
bool pyi_object_array_find(const struct pyi_walk *walk, uint64_t object,
			   const struct pyi_type_rule *rule, struct pyi_object_array *ret_array);

/* references.c: what an object refers to. Calls pyi_walk_refer() for each. */
void pyi_references_visit(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type);

/* walk.c */
void pyi_walk_refer(struct pyi_walk *walk, uint64_t object);
void pyi_walk_skip(struct pyi_walk *walk, enum pyi_trouble trouble, uint64_t addr);
/* Sends a record, or keeps it until there are more. */
void pyi_walk_put(struct pyi_walk *walk, const void *record, uint64_t size_bytes);
void pyi_walk_flush(struct pyi_walk *walk);
void pyi_walk_trouble(struct pyi_walk *walk, enum pyi_trouble trouble, uint64_t addr);

struct pyi_dict_entries;

/* size.c: pyi_dict_table_entries() */
bool pyi_dict_entries_find(const struct pyi_walk *walk, uint64_t keys,
			   struct pyi_dict_entries *ret_entries);

/* greenlets.c: calls pyi_walk_refer() for all that the frames of one hold, if it is suspended. */
void pyi_greenlet_visit(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type);

/* stream.c: PYI_JOB_GRAPH, a census that also says what it meets */

bool pyi_stream_init(struct pyi_walk *walk);
/* An object that is counted; `flags` say whether it is on a list of the collector. */
void pyi_stream_node(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type,
		     uint64_t bytes, uint32_t flags);
/* Around a visit; a fault ends it, too. */
void pyi_stream_begin(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type);
void pyi_stream_end(struct pyi_walk *walk, bool complete);
/* A reference of the object that is visited. */
void pyi_stream_refer(struct pyi_walk *walk, uint64_t object);
/* In place of its tp_traverse: what a dict refers to, in order. It is sound. False: the values are
 * left to tp_traverse. */
bool pyi_stream_dict(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type);
/* A reference of the object that is visited to keys that are shared; false if they are none. */
bool pyi_stream_keys(struct pyi_walk *walk, uint64_t keys, const struct pyi_walk_type *type);
/* What the stream needs to be understood. */
void pyi_stream_send_tables(struct pyi_walk *walk);

#endif
