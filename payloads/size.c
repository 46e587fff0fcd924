/*
 * Sizes as sys.getsizeof() gives them, from an object's own fields. Does not call __sizeof__:
 * types that have one of their own, beside those known here, get the default rule
 * (the host labels them).
 *
 * Sources: CPython's Objects/ *object.c __sizeof__ implementations, Python/sysmodule.c
 * _PySys_GetSizeOf(), of the branches 3.6 to 3.15.
 */
#include <pyinspect/frame_slots.h>
#include <pyinspect/str_text.h>

#include "reader.h"
#include "state.h"

enum {
	WCHAR_BYTES = 4,
	DIGIT_BYTES = 4,
	SET_ENTRY_BYTES = 16,
	/* Modules/_collectionsmodule.c: besides pointers a block has two links. */
	DEQUE_BLOCK_LINKS = 2,
	/* Objects/odictobject.c: sizeof(_ODictNode), and a pointer for each fast node. */
	ODICT_NODE_BYTES = 32,
	/* Include/internal/pycore_code.h (3.8 to 3.10): sizeof(_PyOpcache) */
	OPCACHE_BYTES = 32,
};

__attribute__((noinline)) uint64_t pyi_times(uint64_t count, uint64_t unit)
{
	uint64_t bytes;

	return __builtin_mul_overflow(count, unit, &bytes) ? PYI_SIZE_LIMIT : pyi_bounded(bytes);
}

static uint64_t items_of(const struct pyi_walk *walk, uint64_t object)
{
	int64_t count = (int64_t)pyi_field(object, walk->layout->var_size);

	return pyi_bounded(count < 0 ? 0 - (uint64_t)count : (uint64_t)count);
}

uint64_t pyi_size_plain(const struct pyi_walk *walk, uint64_t object,
			const struct pyi_walk_type *type)
{
	uint64_t bytes = (uint64_t)type->basicsize;

	if (type->itemsize > 0)
		bytes += pyi_times(items_of(walk, object), (uint64_t)type->itemsize);
	return bytes;
}

bool pyi_dict_entries_find(const struct pyi_walk *walk, uint64_t keys,
			   struct pyi_dict_entries *ret_entries)
{
	return pyi_dict_table_entries(&(struct pyi_memory_reader){ walk }, walk->layout, keys,
				      ret_entries);
}

/* How many slots a keys object has; 0: it is none. */
static uint64_t slots_of(const struct pyi_walk *walk, uint64_t keys)
{
	uint64_t index_bytes;
	uint64_t slots;

	return pyi_dict_table_slots(&(struct pyi_memory_reader){ walk }, walk->layout, keys, &slots,
				    &index_bytes)
		       ? slots
		       : 0;
}

uint64_t pyi_size_of_keys(const struct pyi_walk *walk, uint64_t keys)
{
	struct pyi_dict_entries entries;

	if (!pyi_dict_entries_find(walk, keys, &entries))
		return 0;
	return pyi_bounded(entries.addr - keys +
			   pyi_dict_table_room(slots_of(walk, keys)) * entries.bytes);
}

static uint64_t dict_size(const struct pyi_walk *walk, uint64_t object,
			  const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t keys = pyi_dict_keys(walk, object);
	uint64_t bytes = (uint64_t)type->basicsize;

	if (pyi_has(layout->dict_table)) {
		if (pyi_field(object, layout->dict_table) != object + layout->dict_smalltable)
			bytes += pyi_times(pyi_field(object, layout->dict_mask) + 1,
					   PYI_DICT_ENTRY_BYTES);
		return bytes;
	}
	if (!pyi_marks_is_readable(walk, keys))
		return bytes;
	if (pyi_dict_values(walk, object)) {
		/* A split table: room for the values of all keys that fit. */
		uint64_t room = pyi_has(layout->keys_log2_size)
					? pyi_field(keys, layout->keys_nentries) +
						  pyi_field(keys, layout->keys_usable)
					: pyi_dict_table_room(slots_of(walk, keys));

		bytes += pyi_times(room, PYI_POINTER_BYTES);
	}
	if (pyi_field(keys, layout->keys_refcnt) == 1)
		bytes += pyi_size_of_keys(walk, keys);
	if (type->kind == PYI_KIND_ORDERED_DICT)
		bytes += pyi_times(pyi_field(object, layout->odict_fast_nodes_size),
				   PYI_POINTER_BYTES) +
			 pyi_times(pyi_field(object, layout->dict_used), ODICT_NODE_BYTES);
	return bytes;
}

/* Without a state: an array of units, or bytes. */
static uint64_t plain_str_size(const struct pyi_walk *walk, uint64_t object,
			       const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t length = items_of(walk, object);

	if (type->flags & PYI_TPFLAG_BYTES_SUBCLASS)
		return layout->bytes_value + 1 + length;
	return layout->str_legacy_size +
	       (length + 1) * (layout->features & PYI_FEATURE_WIDE_TEXT ? 4 : 2);
}

static uint64_t str_size(const struct pyi_walk *walk, uint64_t object)
{
	const struct pyi_layout *layout = walk->layout;
	const struct pyi_str_text text =
		pyi_str_text(&(struct pyi_memory_reader){ walk }, layout, object);
	uint64_t length = pyi_bounded(text.length);
	bool compact_ascii = pyi_str_is_compact_ascii(&text);
	uint64_t bytes;

	/* Where the characters begin is where the fields end. */
	if (text.state & PYI_STR_COMPACT)
		bytes = text.addr - object + (length + 1) * text.width;
	else
		bytes = layout->str_legacy_size + (text.addr ? (length + 1) * text.width : 0);
	if (pyi_has(layout->str_wstr)) {
		uint64_t wstr = pyi_field(object, layout->str_wstr);

		if (wstr && wstr != text.addr)
			bytes += ((compact_ascii ? length
						 : pyi_bounded(pyi_field(
							   object, layout->str_wstr_length))) +
				  1) *
				 WCHAR_BYTES;
	}
	if (!compact_ascii) {
		uint64_t utf8 = pyi_field(object, layout->str_utf8);

		if (utf8 && utf8 != text.addr)
			bytes += pyi_bounded(pyi_field(object, layout->str_utf8_length)) + 1;
	}
	return bytes;
}

static uint64_t int_size(const struct pyi_walk *walk, uint64_t object,
			 const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t digits;

	if (pyi_has(layout->int_tag)) {
		digits = pyi_bounded(pyi_field(object, layout->int_tag) >> 3);
		return (uint64_t)type->basicsize + (digits ? digits : 1) * DIGIT_BYTES;
	}
	digits = items_of(walk, object);
	if (!digits && layout->features & PYI_FEATURE_INT_ONE_DIGIT)
		digits = 1;
	/* Of `long`, subclasses are as large as they say (2.7). */
	return (pyi_has(layout->int_value) ? (uint64_t)type->basicsize : layout->int_digits) +
	       digits * DIGIT_BYTES;
}

static uint64_t type_size(const struct pyi_walk *walk, uint64_t object,
			  const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t keys;

	/* A type has no size of its own then. */
	if (!pyi_has(layout->heap_type_cached_keys))
		return pyi_size_plain(walk, object, type);
	if (!(pyi_field(object, layout->type_flags) & PYI_TPFLAG_HEAP_TYPE))
		return layout->type_size;
	keys = pyi_field(object, layout->heap_type_cached_keys);
	return layout->heap_type_size + (keys ? pyi_size_of_keys(walk, keys) : 0);
}

/* Of the variables and the stack of a frame that runs `code`. */
static uint64_t size_of_locals(const struct pyi_walk *walk, uint64_t code)
{
	if (!pyi_marks_is_readable(walk, code))
		return 0;
	return pyi_times(pyi_frame_room(&(struct pyi_memory_reader){ walk }, walk->layout, code),
			 PYI_POINTER_BYTES);
}

/* Of an interpreter frame (3.11+). */
static uint64_t iframe_size(const struct pyi_walk *walk, uint64_t iframe)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t code = pyi_frame_code(&(struct pyi_memory_reader){ walk }, layout, iframe);

	return layout->iframe_localsplus + size_of_locals(walk, code);
}

static uint64_t frame_size(const struct pyi_walk *walk, uint64_t object)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t code;
	uint64_t slots;

	if (pyi_has(layout->frame_iframe)) {
		uint64_t iframe = pyi_field(object, layout->frame_iframe);

		if (!pyi_marks_is_readable(walk, iframe))
			return layout->frame_data;
		return layout->frame_data + iframe_size(walk, iframe);
	}
	code = pyi_field(object, layout->frame_code);
	if (!pyi_marks_is_readable(walk, code))
		return layout->frame_size;
	slots = size_of_locals(walk, code) / PYI_POINTER_BYTES;
	/* One slot is part of the struct. */
	return layout->frame_size + (slots ? slots - 1 : 0) * PYI_POINTER_BYTES;
}

static uint64_t code_size(const struct pyi_walk *walk, uint64_t object,
			  const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t bytes = (pyi_size_plain(walk, object, type) + 7) & ~UINT64_C(7);
	uint64_t extra = pyi_has(layout->code_extra) ? pyi_field(object, layout->code_extra) : 0;

	if (pyi_has(layout->code_cell2arg)) {
		uint64_t cellvars = pyi_field(object, layout->code_cellvars);

		bytes = layout->code_size;
		if (pyi_field(object, layout->code_cell2arg) &&
		    pyi_marks_is_readable(walk, cellvars))
			bytes += items_of(walk, cellvars) * PYI_POINTER_BYTES;
	}
	if (pyi_has(layout->code_opcache) && pyi_field(object, layout->code_opcache_map)) {
		uint64_t code = pyi_field(object, layout->code_code);

		/* A byte for each instruction, and the caches in use. */
		if (pyi_marks_is_readable(walk, code))
			bytes += items_of(walk, code) / 2;
		bytes += (uint64_t)pyi_load8(object + layout->code_opcache_size) * OPCACHE_BYTES;
	}
	/* _PyCodeObjectExtra: ce_size, then that many pointers. */
	if (extra && pyi_marks_is_readable(walk, extra))
		bytes += PYI_POINTER_BYTES + pyi_times(pyi_load64(extra), PYI_POINTER_BYTES);
	return bytes;
}

static uint64_t bytearray_contents(const struct pyi_layout *layout, uint64_t object)
{
	uint64_t allocated = pyi_bounded(pyi_field(object, layout->bytearray_allocated));

	/* In a bytes object: its header, and a zero byte behind them. */
	if (allocated && pyi_has(layout->bytearray_object))
		allocated += layout->bytes_value + 1;
	return allocated;
}

static uint64_t own_size(const struct pyi_walk *walk, uint64_t object,
			 const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t basic = (uint64_t)type->basicsize;

	switch (type->kind) {
	case PYI_KIND_LIST:
		return basic +
		       pyi_times(pyi_field(object, layout->list_allocated), PYI_POINTER_BYTES);
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
		return dict_size(walk, object, type);
	case PYI_KIND_SET:
		if (pyi_field(object, layout->set_table) == object + layout->set_smalltable)
			return basic;
		return basic + pyi_times(pyi_field(object, layout->set_mask), SET_ENTRY_BYTES) +
		       SET_ENTRY_BYTES;
	case PYI_KIND_STR:
		if (!pyi_has(layout->str_state))
			return plain_str_size(walk, object, type);
		return str_size(walk, object);
	case PYI_KIND_BYTEARRAY:
		return basic + bytearray_contents(layout, object);
	case PYI_KIND_INT:
		return int_size(walk, object, type);
	case PYI_KIND_DEQUE: {
		uint64_t used = pyi_bounded(pyi_field(object, layout->deque_leftindex)) +
				(pyi_has(layout->deque_length)
					 ? pyi_bounded(pyi_field(object, layout->deque_length))
					 : items_of(walk, object));
		uint64_t items = layout->deque_block_size / PYI_POINTER_BYTES - DEQUE_BLOCK_LINKS;
		uint64_t blocks = (used + items - 1) / items;

		return basic + (blocks ? blocks : 1) * layout->deque_block_size;
	}
	case PYI_KIND_ARRAY: {
		uint64_t descr = pyi_field(object, layout->array_descr);

		if (!pyi_marks_is_readable(walk, descr & ~UINT64_C(7)))
			return basic;
		return basic + pyi_times(pyi_field(object, layout->array_allocated),
					 pyi_load32(descr + layout->array_descr_itemsize));
	}
	case PYI_KIND_CODE:
		return code_size(walk, object, type);
	case PYI_KIND_FRAME:
		return frame_size(walk, object);
	case PYI_KIND_GENERATOR:
		if (!(layout->features & PYI_FEATURE_EMBEDDED_FRAMES))
			return pyi_size_plain(walk, object, type);
		return layout->generator_iframe +
		       iframe_size(walk, object + layout->generator_iframe);
	case PYI_KIND_TYPE:
		return type_size(walk, object, type);
	default:
		if (type->rule && type->rule->size_rule != PYI_SIZE_NONE)
			return pyi_size_plain(walk, object, type) +
			       pyi_size_by_rule(walk, object, type->rule);
		return pyi_size_plain(walk, object, type);
	}
}

bool pyi_object_is_gc(const struct pyi_walk *walk, uint64_t object,
		      const struct pyi_walk_type *type)
{
	if (!(type->flags & PYI_TPFLAG_HAVE_GC))
		return false;
	if (type->kind == PYI_KIND_TYPE)
		return pyi_field(object, walk->layout->type_flags) & PYI_TPFLAG_HEAP_TYPE;
	if (!type->is_gc)
		return true;
	return ((int (*)(void *))(uintptr_t)type->is_gc)((void *)(uintptr_t)object);
}

/* True if a PyGC_Head at `head` says that its object is in a list. */
static bool says_tracked(const struct pyi_layout *layout, uint64_t head)
{
	/*
	 * Modules/gcmodule.c: _PyGC_REFS_UNTRACKED is -2, and above a bit for finalizers (to 3.7),
	 * where there is one.
	 */
	if (pyi_has(layout->gc_head_refs))
		return (int64_t)pyi_field(head, layout->gc_head_refs) >>
			       !(layout->features & PYI_FEATURE_GC_REFS_WHOLE) !=
		       -2;
	return pyi_field(head, layout->gc_head_next) != 0;
}

/* True if it is a link of a list: its neighbours link back. Heads of lists may be aligned to 4. */
static bool is_linked(const struct pyi_walk *walk, uint64_t head)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t next;
	uint64_t previous;

	if (!pyi_marks_is_readable(walk, head))
		return false;
	next = pyi_field(head, layout->gc_head_next) & ~UINT64_C(3);
	previous = pyi_field(head, layout->gc_head_prev) & ~UINT64_C(3);
	return pyi_marks_is_readable(walk, next & ~UINT64_C(7)) &&
	       pyi_marks_is_readable(walk, previous & ~UINT64_C(7)) &&
	       (pyi_field(next, layout->gc_head_prev) & ~UINT64_C(3)) == head &&
	       (pyi_field(previous, layout->gc_head_next) & ~UINT64_C(3)) == head;
}

uint32_t pyi_object_references(const struct pyi_layout *layout, uint64_t object)
{
	int64_t shared;
	int64_t all;

	/* Include/object.h: in front of the type. Only half of it counts (3.12+). */
	if (!pyi_has(layout->object_gc_bits))
		return pyi_load32(object + layout->object_type - PYI_POINTER_BYTES);
	all = pyi_load32(object + layout->object_ref_local);
	if (all == UINT32_MAX)
		return UINT32_MAX;
	/* Below them are two bits of state; of each the other thread has given back it may be
	   negative (Include/refcount.h, Py_REFCNT()). */
	shared = (int64_t)pyi_field(object, layout->object_ref_shared) >> 2;
	if (pyi_load8(object + layout->object_gc_bits) & PYI_GC_BIT_DEFERRED)
		shared--;
	if (__builtin_add_overflow(all, shared, &all) || all > UINT32_MAX)
		return UINT32_MAX;
	return all < 0 ? 0 : (uint32_t)all;
}

bool pyi_object_is_tracked(const struct pyi_walk *walk, uint64_t object,
			   const struct pyi_walk_type *type)
{
	uint64_t head = object - walk->layout->gc_head_size;

	if (!(type->flags & PYI_TPFLAG_HAVE_GC))
		return false;
	if (pyi_has(walk->layout->object_gc_bits))
		return pyi_load8(object + walk->layout->object_gc_bits) & PYI_GC_BIT_TRACKED;
	/*
	 * The collector goes by its lists. What tp_is_gc denies may have no head at all (static
	 * types), or be on a list nevertheless (greenlets that are suspended).
	 */
	return pyi_object_is_gc(walk, object, type) ? says_tracked(walk->layout, head)
						    : is_linked(walk, head);
}

uint64_t pyi_size_of(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	uint64_t bytes = own_size(walk, object, type);

	if (walk->layout->features & PYI_FEATURE_PRESIZE_BY_TYPE ||
	    pyi_object_is_gc(walk, object, type) ||
	    /* Only static types whose type is `type` have none there (_PySys_GetSizeOf() of 3.12).
	     */
	    (walk->layout->features & PYI_FEATURE_PRESIZE_MANAGED_WEAKREF &&
	     !(type->kind == PYI_KIND_TYPE && type->exact)))
		bytes += type->presize;
	if (bytes <= walk->arguments->mapped_bytes)
		return bytes;
	pyi_walk_trouble(walk, PYI_TROUBLE_SIZE, object);
	return 0;
}
