/*
 * Builds objects as CPython would, by the offsets of a layout. Does not know what the walk does
 * with them.
 */
#include "invented_heap.h"

#include "invented_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "python/layouts.h"

enum {
	PAGES_BEFORE_BORDER = 2,
	SMALLEST_SLOTS_LOG2 = 3,
	POINTER_BYTES = 8,
};
#define BORDER_BYTES (UINT64_C(1) << 30)
#define FIRST_PLACE UINT64_C(0x300000000000)
#define LAST_PLACE UINT64_C(0x500000000000)
#define PLACE_STEP (UINT64_C(1) << 36)

/* What stands for code of the target may read anywhere, and then fault. */
#define UNCHECKED __attribute__((no_sanitize("address"))) __attribute__((no_sanitize("undefined")))

typedef int visit_function(void *object, void *argument);

/* tp_traverse functions are not told which heap they are in; there is one at a time. */
static const struct pyi_layout *current;

void invented_layout_init(struct pyi_layout *ret_layout)
{
	static const struct pyi_layout fields = {
		.python_version = 0x0363,
		.features = PYI_FEATURE_PRESIZE_GC_ONLY,
		.gc_head_size = 32,
		.gc_head_next = 24,
		.gc_head_prev = 8,
		.gc_head_refs = PYI_ABSENT,
		.object_size = 24,
		.object_type = 8,
		.var_size = 24,
		.type_size = 160,
		.type_name = 32,
		.type_basicsize = 48,
		.type_itemsize = 40,
		.type_flags = 56,
		.type_traverse = 64,
		.type_base = 72,
		.type_dict = 80,
		.type_is_gc = 88,
		.type_bases = 96,
		.type_mro = 104,
		.type_cache = 112,
		.type_subclasses = 120,
		.type_dictoffset = 144,
		.type_members = 128,
		.heap_type_size = 200,
		.heap_type_qualname = 168,
		.heap_type_cached_keys = 176,
		.member_size = 32,
		.member_name = 8,
		.member_offset = 24,
		.tuple_items = 32,
		.list_items = 40,
		.list_allocated = 32,
		.dict_used = 40,
		.dict_keys = 32,
		.dict_values = 24,
		.keys_refcnt = 8,
		.keys_size = PYI_ABSENT,
		.keys_log2_size = 1,
		.keys_log2_index_bytes = 2,
		.keys_kind = 0,
		.keys_usable = 24,
		.keys_nentries = 16,
		.keys_indices = 40,
		.values_items = PYI_ABSENT,
		.values_valid = PYI_ABSENT,
		.str_length = 32,
		.str_state = 25,
		.str_ascii_size = 48,
		.str_compact_size = 64,
		.str_legacy_size = 72,
		.str_wstr = PYI_ABSENT,
		.str_utf8 = 48,
		.str_utf8_length = 56,
		.str_data = 64,
		.int_tag = PYI_ABSENT,
		.int_digits = 32,
		.float_value = 24,
		.cell_contents = 32,
		.weakref_object = 40,
		.function_code = 112,
		.function_globals = 104,
		.function_builtins = PYI_ABSENT,
		.function_name = 88,
		.function_qualname = 80,
		.function_defaults = 72,
		.function_kwdefaults = 64,
		.function_closure = 56,
		.function_doc = 48,
		.function_dict = 40,
		.function_module = 32,
		.function_annotations = 24,
		.generator_code = PYI_ABSENT,
		.code_varnames = 64,
		.code_localsplusnames = PYI_ABSENT,
		.code_name = 56,
		.code_qualname = PYI_ABSENT,
		.code_filename = 48,
		.dict_mask = PYI_ABSENT,
		.dict_table = PYI_ABSENT,
		.dict_smalltable = PYI_ABSENT,
		.deque_length = PYI_ABSENT,
		.int_value = PYI_ABSENT,
		.instance_class = PYI_ABSENT,
		.instance_dict = PYI_ABSENT,
		.class_bases = PYI_ABSENT,
		.class_dict = PYI_ABSENT,
		.class_name = PYI_ABSENT,
		.heap_type_references = { 160, 168 },
	};

	*ret_layout = fields;
	memset((char *)ret_layout + PYI_LAYOUT_FREE_THREADED, 0xff,
	       sizeof(*ret_layout) - PYI_LAYOUT_FREE_THREADED);
	for (int i = 2; i < PYI_LAYOUT_LIST; i++)
		ret_layout->heap_type_references[i] = PYI_ABSENT;
}

const struct pyi_layout *invented_layout_of(uint32_t python_version)
{
	for (size_t i = 0; i < pyi_known_layout_count; i++)
		if (pyi_known_layouts[i].layout.python_version == python_version)
			return &pyi_known_layouts[i].layout;
	fail_msg("there is no layout of version 0x%x", python_version);
	return NULL;
}

void invented_set(uint64_t addr, uint64_t value)
{
	memcpy((void *)(uintptr_t)addr, &value, sizeof(value));
}

UNCHECKED uint64_t invented_get(uint64_t addr)
{
	uint64_t value;

	__builtin_memcpy(&value, (const void *)(uintptr_t)addr, sizeof(value));
	return value;
}

UNCHECKED static uint8_t get8(uint64_t addr)
{
	return *(const uint8_t *)(uintptr_t)addr;
}

static void set8(uint64_t addr, uint8_t value)
{
	*(uint8_t *)(uintptr_t)addr = value;
}

static void *pointer_to(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static int traverse_tuple(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;
	uint64_t count = invented_get(addr + current->var_size);
	int result = 0;

	for (uint64_t i = 0; i < count && !result; i++) {
		uint64_t item = invented_get(addr + current->tuple_items + i * POINTER_BYTES);

		if (item)
			result = visit(pointer_to(item), argument);
	}
	return result;
}

static int traverse_list(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;
	uint64_t items = invented_get(addr + current->list_items);
	uint64_t count = invented_get(addr + current->var_size);
	int result = 0;

	for (uint64_t i = 0; i < count && !result; i++) {
		uint64_t item = invented_get(items + i * POINTER_BYTES);

		if (item)
			result = visit(pointer_to(item), argument);
	}
	return result;
}

static bool has_log2_size(const struct pyi_layout *layout)
{
	return layout->keys_log2_size != PYI_ABSENT;
}

static bool is_general(const struct pyi_layout *layout, uint64_t keys)
{
	return !has_log2_size(layout) || get8(keys + layout->keys_kind) == 0;
}

/* Bytes of the indices, between the header and the entries. */
static uint64_t index_bytes_of(const struct pyi_layout *layout, uint64_t keys)
{
	uint64_t slots;

	if (has_log2_size(layout))
		return UINT64_C(1) << (get8(keys + layout->keys_log2_index_bytes) & 63);
	slots = invented_get(keys + layout->keys_size);
	return slots < 256 ? slots : slots < 65536 ? 2 * slots : 4 * slots;
}

static uint64_t entry_addr(const struct pyi_layout *layout, uint64_t keys, uint64_t index,
			   bool value)
{
	uint64_t first;

	if (invented_has_table(layout))
		return invented_get(keys + layout->dict_table) + index * 24 + (value ? 16 : 8);
	first = keys + layout->keys_indices + index_bytes_of(layout, keys);
	if (is_general(layout, keys))
		return first + index * 24 + (value ? 16 : 8);
	return first + index * 16 + (value ? 8 : 0);
}

uint64_t invented_entry_addr(const struct invented_heap *heap, uint64_t keys, size_t index,
			     bool value)
{
	return entry_addr(&heap->layout, keys, index, value);
}

/* As CPython: the keys only if not all of them are strings. */
static int traverse_dict(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;
	uint64_t keys;
	uint64_t values;
	uint64_t count;
	bool with_keys;
	int result = 0;

	if (invented_has_table(current))
		return invented_traverse_table(current, addr, visit, argument);
	keys = invented_get(addr + current->dict_keys);
	values = invented_get(addr + current->dict_values);
	count = invented_get(keys + current->keys_nentries);
	with_keys = has_log2_size(current) && is_general(current, keys);
	for (uint64_t i = 0; i < count && !result; i++) {
		uint64_t value = values ? invented_get(values + i * POINTER_BYTES)
					: invented_get(entry_addr(current, keys, i, true));

		if (!value)
			continue;
		result = visit(pointer_to(value), argument);
		if (with_keys && !result)
			result =
				visit(pointer_to(invented_get(entry_addr(current, keys, i, false))),
				      argument);
	}
	return result;
}

static int traverse_node(void *object, visit_function *visit, void *argument)
{
	uint64_t reference = invented_get((uintptr_t)object + current->object_size);

	return reference ? visit(pointer_to(reference), argument) : 0;
}

/* As CPython's type_traverse(), which ends the process for a static type. */
static int traverse_type(void *object, visit_function *visit, void *argument)
{
	uint64_t addr = (uintptr_t)object;
	const uint32_t fields[] = { current->type_dict, current->type_cache, current->type_mro,
				    current->type_bases, current->type_base };
	int result = 0;

	if (!(invented_get(addr + current->type_flags) & INVENTED_FLAG_HEAP_TYPE))
		abort();
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !result; i++) {
		uint64_t reference = invented_get(addr + fields[i]);

		if (reference)
			result = visit(pointer_to(reference), argument);
	}
	return result;
}

static int type_is_gc(void *object)
{
	return (invented_get((uintptr_t)object + current->type_flags) & INVENTED_FLAG_HEAP_TYPE) !=
	       0;
}

uint64_t invented_raw(struct invented_heap *heap, uint64_t size_bytes)
{
	uint64_t addr = heap->next_addr;

	if (heap->range.end_addr - addr < size_bytes)
		fail_msg("the invented heap is too small");
	heap->next_addr = addr + ((size_bytes + 15) & ~UINT64_C(15));
	if (heap->next_addr > heap->range.end_addr)
		heap->next_addr = heap->range.end_addr;
	return addr;
}

uint64_t invented_head_of(const struct invented_heap *heap, uint64_t object)
{
	return object - heap->layout.gc_head_size;
}

/* Above a bit for finalizers, where there is one. */
static uint64_t gc_refs(const struct pyi_layout *layout, int value)
{
	return (uint64_t)(layout->features & PYI_FEATURE_GC_REFS_WHOLE ? value : value * 2);
}

static uint64_t object_with(struct invented_heap *heap, uint64_t type_addr, uint64_t size_bytes,
			    bool gc)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t addr = invented_raw(heap, size_bytes + (gc ? layout->gc_head_size : 0));

	if (gc) {
		/* _PyGC_REFS_UNTRACKED */
		if (layout->gc_head_refs != PYI_ABSENT)
			invented_set(addr + layout->gc_head_refs, gc_refs(layout, -2));
		addr += layout->gc_head_size;
	}
	invented_set(addr + layout->object_type, type_addr);
	return addr;
}

uint64_t invented_object(struct invented_heap *heap, uint64_t type_addr, uint64_t size_bytes)
{
	return object_with(heap, type_addr, size_bytes,
			   invented_get(type_addr + heap->layout.type_flags) & INVENTED_FLAG_GC);
}

void invented_track(struct invented_heap *heap, uint64_t object, int list)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t head = heap->lists[list].head_addr;
	uint64_t node = invented_head_of(heap, object);
	uint64_t last = invented_get(head + layout->gc_head_prev);
	/* Low bits of prev are the collector's: finalized, collecting (3.8 and later). */
	uint64_t bits = layout->gc_head_refs == PYI_ABSENT ? node >> 4 & 3 : 0;

	invented_set(last + layout->gc_head_next, node);
	invented_set(node + layout->gc_head_prev, last | bits);
	invented_set(node + layout->gc_head_next, head);
	invented_set(head + layout->gc_head_prev, node);
	/* _PyGC_REFS_REACHABLE */
	if (layout->gc_head_refs != PYI_ABSENT)
		invented_set(node + layout->gc_head_refs, gc_refs(layout, -3));
}

static void fill_type(struct invented_heap *heap, uint64_t addr, const struct invented_type *type)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t name = invented_raw(heap, strlen(type->name) + 1);

	memcpy(pointer_to(name), type->name, strlen(type->name));
	invented_set(addr + layout->type_name, name);
	invented_set(addr + layout->type_base, type->base);
	invented_set(addr + layout->type_basicsize, (uint64_t)type->basicsize);
	invented_set(addr + layout->type_itemsize, (uint64_t)type->itemsize);
	invented_set(addr + layout->type_flags, type->flags | INVENTED_FLAG_READY);
	invented_set(addr + layout->type_traverse, (uintptr_t)type->traverse);
	if (type->flags & INVENTED_FLAG_TYPE)
		invented_set(addr + layout->type_is_gc, (uintptr_t)type_is_gc);
}

uint64_t invented_static_type(struct invented_heap *heap, const struct invented_type *type)
{
	uint64_t addr = object_with(heap, heap->type_type, heap->layout.type_size, false);

	fill_type(heap, addr, type);
	return addr;
}

uint64_t invented_heap_type(struct invented_heap *heap, const struct invented_type *type,
			    uint64_t qualname)
{
	uint64_t addr = object_with(heap, heap->type_type, heap->layout.heap_type_size, true);

	fill_type(heap, addr, type);
	invented_set(addr + heap->layout.type_flags,
		     type->flags | INVENTED_FLAG_READY | INVENTED_FLAG_HEAP_TYPE);
	invented_set(addr + (heap->layout.heap_type_qualname != PYI_ABSENT
				     ? heap->layout.heap_type_qualname
				     : heap->layout.heap_type_name),
		     qualname);
	return addr;
}

static uint64_t builtin(struct invented_heap *heap, const char *name, int64_t basicsize,
			int64_t itemsize, uint64_t flags,
			int (*traverse)(void *object, visit_function *visit, void *argument))
{
	return invented_static_type(heap, &(struct invented_type){
						  .name = name,
						  .base = heap->object_type,
						  .basicsize = basicsize,
						  .itemsize = itemsize,
						  .flags = flags,
						  .traverse = traverse,
					  });
}

static int64_t dict_bytes(const struct pyi_layout *layout)
{
	return invented_has_table(layout) ? layout->dict_size : 48;
}

static void create_types(struct invented_heap *heap)
{
	const struct pyi_layout *layout = &heap->layout;
	size_t known = 0;

	heap->type_type = builtin(heap, "type", layout->heap_type_size, 0,
				  INVENTED_FLAG_GC | INVENTED_FLAG_TYPE, traverse_type);
	invented_set(heap->type_type + layout->object_type, heap->type_type);
	heap->object_type = builtin(heap, "object", layout->object_size, 0, 0, NULL);
	invented_set(heap->type_type + layout->type_base, heap->object_type);
	heap->tuple_type = builtin(heap, "tuple", layout->tuple_items, POINTER_BYTES,
				   INVENTED_FLAG_GC | INVENTED_FLAG_TUPLE, traverse_tuple);
	heap->list_type = builtin(heap, "list", layout->list_items + 2 * POINTER_BYTES, 0,
				  INVENTED_FLAG_GC | INVENTED_FLAG_LIST, traverse_list);
	heap->dict_type = builtin(heap, "dict", dict_bytes(layout), 0,
				  INVENTED_FLAG_GC | INVENTED_FLAG_DICT, traverse_dict);
	heap->str_type =
		builtin(heap, layout->features & PYI_FEATURE_BYTES_NAMES ? "unicode" : "str",
			layout->str_legacy_size, 0, INVENTED_FLAG_STR, NULL);
	heap->int_type = builtin(heap, "int", layout->int_digits, 4, 0, NULL);
	heap->node_type = builtin(heap, "app.Node", layout->object_size + POINTER_BYTES, 0,
				  INVENTED_FLAG_GC, traverse_node);

	heap->known_types[known++] = (struct pyi_known_type){ heap->type_type, PYI_KIND_TYPE };
	heap->known_types[known++] = (struct pyi_known_type){ heap->list_type, PYI_KIND_LIST };
	heap->known_types[known++] = (struct pyi_known_type){ heap->dict_type, PYI_KIND_DICT };
	heap->known_types[known++] = (struct pyi_known_type){ heap->str_type, PYI_KIND_STR };
	heap->known_types[known++] = (struct pyi_known_type){ heap->int_type, PYI_KIND_INT };
}

/* Far from all else that is mapped: what a broken heap leads to shall be nothing. Only a hint. */
static void *next_place(void)
{
	static uint64_t place = FIRST_PLACE;
	uint64_t taken = place;

	place = place + PLACE_STEP < LAST_PLACE ? place + PLACE_STEP : FIRST_PLACE;
	return pointer_to(taken);
}

void invented_heap_create(struct invented_heap *heap, const struct pyi_layout *layout,
			  size_t size_bytes)
{
	uint64_t start;
	size_t size =
		(size_bytes + INVENTED_PAGE_BYTES - 1) / INVENTED_PAGE_BYTES * INVENTED_PAGE_BYTES;

	*heap = (struct invented_heap){ .layout = *layout };
	/* Somewhere in there is a border, with room for a page in front. */
	heap->reserved = mmap(next_place(), 2 * BORDER_BYTES + size, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(heap->reserved != MAP_FAILED);
	start = ((uintptr_t)heap->reserved + INVENTED_PAGE_BYTES * (PAGES_BEFORE_BORDER + 1) +
		 BORDER_BYTES - 1) &
		~(BORDER_BYTES - 1);
	start -= (uint64_t)PAGES_BEFORE_BORDER * INVENTED_PAGE_BYTES;
	assert_int_equal(mprotect(pointer_to(start), size, PROT_READ | PROT_WRITE), 0);
	heap->range = (struct pyi_payload_range){ start, start + size };
	heap->next_addr = start;
	current = &heap->layout;

	for (int i = 0; i < INVENTED_LISTS; i++) {
		uint64_t head = invented_raw(heap, layout->gc_head_size + POINTER_BYTES);

		/* As Debian's are. */
		if (i == 0)
			head += POINTER_BYTES / 2;
		invented_set(head + layout->gc_head_next, head);
		invented_set(head + layout->gc_head_prev, head);
		heap->lists[i].head_addr = head;
	}
	heap->lists[INVENTED_FROZEN].frozen = 1;
	create_types(heap);
}

void invented_heap_destroy(struct invented_heap *heap)
{
	size_t size = (size_t)(heap->range.end_addr - heap->range.start_addr);

	if (heap->reserved)
		munmap(heap->reserved, 2 * BORDER_BYTES + size);
	if (current == &heap->layout)
		current = NULL;
	*heap = (struct invented_heap){ 0 };
}

uint64_t invented_tuple(struct invented_heap *heap, const uint64_t *items, size_t count)
{
	uint64_t addr = invented_object(heap, heap->tuple_type,
					heap->layout.tuple_items + count * POINTER_BYTES);

	invented_set(addr + heap->layout.var_size, count);
	if (count)
		memcpy(pointer_to(addr + heap->layout.tuple_items), items, count * POINTER_BYTES);
	return addr;
}

uint64_t invented_list(struct invented_heap *heap, const uint64_t *items, size_t count)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t addr =
		invented_object(heap, heap->list_type, layout->list_items + 2 * POINTER_BYTES);
	uint64_t array;

	if (!count)
		return addr;
	array = invented_raw(heap, count * POINTER_BYTES);
	memcpy(pointer_to(array), items, count * POINTER_BYTES);
	invented_set(addr + layout->list_items, array);
	invented_set(addr + layout->list_allocated, count);
	invented_set(addr + layout->var_size, count);
	return addr;
}

uint64_t invented_str(struct invented_heap *heap, const char *text)
{
	const struct pyi_layout *layout = &heap->layout;
	size_t length = strlen(text);
	uint64_t addr;

	if (layout->str_state == PYI_ABSENT)
		return invented_unit_str(heap, text);
	addr = invented_object(heap, heap->str_type, layout->str_ascii_size + length + 1);
	invented_set(addr + layout->str_length, length);
	/* kind 1, compact, ascii, ready (up to 3.11) */
	set8(addr + layout->str_state, 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7);
	memcpy(pointer_to(addr + layout->str_ascii_size), text, length);
	return addr;
}

uint64_t invented_wide_str(struct invented_heap *heap, int width, const uint32_t *characters,
			   size_t count)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t addr;

	if (layout->str_state == PYI_ABSENT)
		return invented_units(heap, characters, count);
	addr = invented_object(heap, heap->str_type,
			       layout->str_compact_size + (count + 1) * (size_t)width);
	invented_set(addr + layout->str_length, count);
	set8(addr + layout->str_state, (uint8_t)(width << 2 | 1 << 5 | 1 << 7));
	/* Little-endian, as both architectures are. */
	for (size_t i = 0; i < count; i++)
		memcpy(pointer_to(addr + layout->str_compact_size + i * (size_t)width),
		       &characters[i], (size_t)width);
	return addr;
}

uint64_t invented_int(struct invented_heap *heap, uint32_t value)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t addr = invented_object(heap, heap->int_type, layout->int_digits + 8);

	if (layout->int_tag != PYI_ABSENT)
		invented_set(addr + layout->int_tag, 1 << 3);
	else
		invented_set(addr + layout->var_size, 1);
	memcpy(pointer_to(addr + layout->int_digits), &value, sizeof(value));
	return addr;
}

uint64_t invented_node(struct invented_heap *heap, uint64_t reference)
{
	uint64_t addr =
		invented_object(heap, heap->node_type, heap->layout.object_size + POINTER_BYTES);

	invented_node_set(heap, addr, reference);
	return addr;
}

void invented_node_set(struct invented_heap *heap, uint64_t node, uint64_t reference)
{
	invented_set(node + heap->layout.object_size, reference);
}

uint64_t invented_keys(struct invented_heap *heap, const uint64_t *keys, const uint64_t *values,
		       size_t count, bool general)
{
	const struct pyi_layout *layout = &heap->layout;
	uint8_t log2_slots = SMALLEST_SLOTS_LOG2;
	uint64_t entry_bytes = general || !has_log2_size(layout) ? 24 : 16;
	uint64_t usable;
	uint64_t index_bytes;
	uint64_t addr;

	if (invented_has_table(layout))
		fail_msg("dicts have no keys of their own in this layout");
	while ((UINT64_C(2) << log2_slots) / 3 < count)
		log2_slots++;
	usable = (UINT64_C(2) << log2_slots) / 3;
	index_bytes = (UINT64_C(1) << log2_slots) * (log2_slots < 8 ? 1 : log2_slots < 16 ? 2 : 4);
	addr = invented_raw(heap, layout->keys_indices + index_bytes + usable * entry_bytes);
	if (has_log2_size(layout)) {
		set8(addr + layout->keys_log2_size, log2_slots);
		set8(addr + layout->keys_log2_index_bytes,
		     (uint8_t)(log2_slots + (log2_slots < 8    ? 0
					     : log2_slots < 16 ? 1
							       : 2)));
		set8(addr + layout->keys_kind, general ? 0 : 1);
	} else {
		invented_set(addr + layout->keys_size, UINT64_C(1) << log2_slots);
	}
	invented_set(addr + layout->keys_refcnt, 1);
	invented_set(addr + layout->keys_nentries, count);
	invented_set(addr + layout->keys_usable, usable - count);
	for (size_t i = 0; i < count; i++) {
		invented_set(entry_addr(layout, addr, i, false), keys[i]);
		invented_set(entry_addr(layout, addr, i, true), values ? values[i] : 0);
	}
	return addr;
}

uint64_t invented_dict(struct invented_heap *heap, const uint64_t *keys, const uint64_t *values,
		       size_t count, bool general)
{
	const struct pyi_layout *layout = &heap->layout;
	uint64_t addr = invented_object(heap, heap->dict_type, (uint64_t)dict_bytes(layout));
	uint64_t used = 0;

	for (size_t i = 0; i < count; i++)
		used += values[i] != 0;
	invented_set(addr + layout->dict_used, used);
	if (invented_has_table(layout)) {
		invented_fill_table(heap, addr, keys, values, count);
		return addr;
	}
	invented_set(addr + layout->dict_keys, invented_keys(heap, keys, values, count, general));
	return addr;
}
