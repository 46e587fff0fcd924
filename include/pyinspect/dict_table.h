/*
 * The table of a dict: where its entries are, wherever a build keeps them. Shared by the host and
 * by payloads. Looks into no entry.
 *
 * Sources: Objects/dictobject.c and Include/internal/pycore_dict.h (to 3.10 Objects/dict-common.h)
 * of the branches 2.7 to 3.15: struct _dictkeysobject, DK_IXSIZE, DK_ENTRIES.
 */
#ifndef PYINSPECT_DICT_TABLE_H
#define PYINSPECT_DICT_TABLE_H

#include <pyinspect/memory.h>

enum {
	/* Larger tables are garbage. */
	PYI_DICT_LOG2_LIMIT = 48,
	/* Hash, key and value; keys that are all str know their hash themselves. */
	PYI_DICT_ENTRY_BYTES = 3 * PYI_POINTER_BYTES,
	PYI_DICT_STR_ENTRY_BYTES = 2 * PYI_POINTER_BYTES,
};

/* Untrusted; only `count` is bounded, by the table's size. */
struct pyi_dict_entries {
	uint64_t addr;
	uint64_t count;
	/* Size of one, and where its key and its value are; both are PyObject *. */
	uint32_t bytes;
	uint32_t key;
	uint32_t value;
};

/* Where the keys of a dict are: a PyDictKeysObject, or where there is none the dict itself. */
static inline uint64_t pyi_dict_table_keys(struct pyi_memory_reader *reader,
					   const struct pyi_layout *layout, uint64_t dict)
{
	return pyi_has(layout->dict_keys) ? pyi_memory_u64(reader, dict + layout->dict_keys) : dict;
}

/* The PyDictValues of a dict that shares its keys; 0 if the values are beside the keys. */
static inline uint64_t pyi_dict_table_values(struct pyi_memory_reader *reader,
					     const struct pyi_layout *layout, uint64_t dict)
{
	return pyi_has(layout->dict_values) ? pyi_memory_u64(reader, dict + layout->dict_values)
					    : 0;
}

/* Where the values of a PyDictValues are: one for each entry of the keys, in their order. */
static inline uint64_t pyi_dict_values_items(const struct pyi_layout *layout, uint64_t values)
{
	return values + (pyi_has(layout->values_items) ? layout->values_items : 0);
}

/* Slots of a PyDictKeysObject, and how many bytes their indices take; false: it is none. */
static inline bool pyi_dict_table_slots(struct pyi_memory_reader *reader,
					const struct pyi_layout *layout, uint64_t keys,
					uint64_t *ret_slots, uint64_t *ret_index_bytes)
{
	uint64_t slots;

	if (pyi_has(layout->keys_log2_size)) {
		uint8_t log2_size = pyi_memory_u8(reader, keys + layout->keys_log2_size);
		uint8_t log2_index = pyi_memory_u8(reader, keys + layout->keys_log2_index_bytes);

		if (log2_size > PYI_DICT_LOG2_LIMIT || log2_index > PYI_DICT_LOG2_LIMIT)
			return false;
		*ret_slots = UINT64_C(1) << log2_size;
		*ret_index_bytes = UINT64_C(1) << log2_index;
		return true;
	}
	slots = pyi_memory_u64(reader, keys + layout->keys_size);
	if (slots > UINT64_C(1) << PYI_DICT_LOG2_LIMIT)
		return false;
	*ret_slots = slots;
	*ret_index_bytes = slots <= UINT8_MAX	 ? slots
			   : slots <= UINT16_MAX ? slots * 2
			   : slots <= UINT32_MAX ? slots * 4
						 : slots * 8;
	return true;
}

/* How many entries there is room for in so many slots: USABLE_FRACTION. */
static inline uint64_t pyi_dict_table_room(uint64_t slots)
{
	return slots * 2 / 3;
}

/* The entries of what pyi_dict_table_keys() said; false if there cannot be such a table. */
static inline bool pyi_dict_table_entries(struct pyi_memory_reader *reader,
					  const struct pyi_layout *layout, uint64_t keys,
					  struct pyi_dict_entries *ret_entries)
{
	bool general = true;
	uint64_t index_bytes;
	uint64_t slots;

	if (!pyi_memory_can_hold(reader, keys))
		return false;
	if (pyi_has(layout->dict_table)) {
		*ret_entries = (struct pyi_dict_entries){
			.addr = pyi_memory_u64(reader, keys + layout->dict_table),
			.count = pyi_memory_u64(reader, keys + layout->dict_mask) + 1,
			.bytes = PYI_DICT_ENTRY_BYTES,
			.key = PYI_POINTER_BYTES,
			.value = 2 * PYI_POINTER_BYTES,
		};
		return ret_entries->count <= UINT64_C(1) << PYI_DICT_LOG2_LIMIT &&
		       pyi_memory_can_hold(reader, ret_entries->addr);
	}
	if (!pyi_dict_table_slots(reader, layout, keys, &slots, &index_bytes))
		return false;
	if (pyi_has(layout->keys_kind))
		general = pyi_memory_u8(reader, keys + layout->keys_kind) == 0;
	*ret_entries = (struct pyi_dict_entries){
		.addr = keys + layout->keys_indices + index_bytes,
		.count = pyi_memory_u64(reader, keys + layout->keys_nentries),
		.bytes = general ? PYI_DICT_ENTRY_BYTES : PYI_DICT_STR_ENTRY_BYTES,
		.key = general ? PYI_POINTER_BYTES : 0,
		.value = general ? 2 * PYI_POINTER_BYTES : PYI_POINTER_BYTES,
	};
	return ret_entries->count <= slots;
}

#endif
