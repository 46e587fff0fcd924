/*
 * A heap of Python objects that no Python made: a builder for tests, at real addresses of the
 * test's own memory, in any layout.
 *
 * Not all that Python has: static and heap types, tuples, lists, dicts, strings, ints, and objects
 * with slots. Nothing is freed before the whole heap. Every function fails the running test if
 * there is no room.
 */
#ifndef PYI_TESTS_INVENTED_HEAP_H
#define PYI_TESTS_INVENTED_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pyinspect/payload.h>

/* Bits of tp_flags, as in CPython's Include/object.h. */
enum {
	INVENTED_FLAG_STATIC_BUILTIN = 1 << 1,
	INVENTED_FLAG_HEAP_TYPE = 1 << 9,
	INVENTED_FLAG_READY = 1 << 12,
	INVENTED_FLAG_GC = 1 << 14,
	INVENTED_FLAG_LIST = 1 << 25,
	INVENTED_FLAG_TUPLE = 1 << 26,
	INVENTED_FLAG_STR = 1 << 28,
	INVENTED_FLAG_DICT = 1 << 29,
};
#define INVENTED_FLAG_TYPE (UINT64_C(1) << 31)

enum {
	INVENTED_PAGE_BYTES = 4096,
	/* Three generations and what is frozen. */
	INVENTED_LISTS = 4,
	INVENTED_FROZEN = 3,
};

struct invented_heap {
	struct pyi_layout layout;
	/* All that can be read, whole pages; the pages before and behind it cannot be. */
	struct pyi_payload_range range;
	uint64_t next_addr;
	void *reserved;

	struct pyi_gc_list lists[INVENTED_LISTS];
	/* `type` and `object`, static as all types here but those of invented_heap_type(). */
	uint64_t type_type;
	uint64_t object_type;
	uint64_t tuple_type;
	uint64_t list_type;
	uint64_t dict_type;
	uint64_t str_type;
	uint64_t int_type;
	/* An object with one reference, to be set with invented_node_set(). */
	uint64_t node_type;
	/* Ends with an entry of zeroes. */
	struct pyi_known_type known_types[8];
};

/* A layout that no Python ever had; the smallest that the walk can work with. */
void invented_layout_init(struct pyi_layout *ret_layout);
/* The layout of a real version, e.g. 0x030b. */
const struct pyi_layout *invented_layout_of(uint32_t python_version);

/* The heap crosses a border of 1 GiB behind its first two pages. */
void invented_heap_create(struct invented_heap *heap, const struct pyi_layout *layout,
			  size_t size_bytes);
/* Safe on a zeroed struct. */
void invented_heap_destroy(struct invented_heap *heap);

void invented_set(uint64_t addr, uint64_t value);
uint64_t invented_get(uint64_t addr);

/* Zeroed memory, aligned to 16. */
uint64_t invented_raw(struct invented_heap *heap, uint64_t size_bytes);

/* An object of `size_bytes`, behind an (untracked) PyGC_Head if its type says so. */
uint64_t invented_object(struct invented_heap *heap, uint64_t type_addr, uint64_t size_bytes);
/* Puts an object at the end of a list. */
void invented_track(struct invented_heap *heap, uint64_t object, int list);
/* The address of an object's PyGC_Head. */
uint64_t invented_head_of(const struct invented_heap *heap, uint64_t object);

struct invented_type {
	const char *name;
	uint64_t base;
	int64_t basicsize;
	int64_t itemsize;
	uint64_t flags;
	/* int (*)(void *object, int (*visit)(void *, void *), void *argument), or NULL */
	int (*traverse)(void *object, int (*visit)(void *object, void *argument), void *argument);
};

/* A static type. */
uint64_t invented_static_type(struct invented_heap *heap, const struct invented_type *type);
/* A type made by a class statement, untracked; `name` becomes its tp_name, `qualname` a str. */
uint64_t invented_heap_type(struct invented_heap *heap, const struct invented_type *type,
			    uint64_t qualname);

uint64_t invented_tuple(struct invented_heap *heap, const uint64_t *items, size_t count);
uint64_t invented_list(struct invented_heap *heap, const uint64_t *items, size_t count);
/* A compact ASCII str. */
uint64_t invented_str(struct invented_heap *heap, const char *text);
/* A compact str that is not ASCII, of `width` 1, 2 or 4 bytes a character. */
uint64_t invented_wide_str(struct invented_heap *heap, int width, const uint32_t *characters,
			   size_t count);
/* An int of one digit. */
uint64_t invented_int(struct invented_heap *heap, uint32_t value);
uint64_t invented_node(struct invented_heap *heap, uint64_t reference);
void invented_node_set(struct invented_heap *heap, uint64_t node, uint64_t reference);

/* The keys object of a dict, with as many slots as CPython would give it; `general`: not all keys
 * are strings. */
uint64_t invented_keys(struct invented_heap *heap, const uint64_t *keys, const uint64_t *values,
		       size_t count, bool general);
uint64_t invented_dict(struct invented_heap *heap, const uint64_t *keys, const uint64_t *values,
		       size_t count, bool general);
/* The address of entry `index` of a keys object, or of a dict that has none (the key of it, if not
 * `value`). */
uint64_t invented_entry_addr(const struct invented_heap *heap, uint64_t keys, size_t index,
			     bool value);

#endif
