/*
 * Finds attributes where CPython stores them: dicts, values without a dict, slots. Does not look
 * at what a class computes.
 */
#include "python/attributes.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>
#include <pyinspect/type_flags.h>

#include "base/cleanup.h"
#include "python/builtin_types.h"
#include "python/interpreters.h"
#include "python/members.h"
#include "python/objects_private.h"

enum {
	/* What is in front of an object with a managed dict, and of its PyGC_Head, in words. */
	MANAGED_DICT_WORDS = 1,
	MANAGED_VALUES_WORDS = 2,
	WORD_BYTES = 8,
	INTERPRETER_LIMIT = 1000,
	/* At least 64 KiB a read: tables of that size shall not go through the reader's cache. */
	CHUNK_ENTRIES = 1 << 13,
	TYPE_NAME_BYTES = 32,
};
#define PREHEADER_FEATURES                                                                         \
	(PYI_FEATURE_MANAGED_DICT_AND_VALUES | PYI_FEATURE_MANAGED_DICT_OR_VALUES |                \
	 PYI_FEATURE_MANAGED_DICT)

static uint64_t type_of(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			uint64_t object_addr)
{
	return object_addr ? pyi_memory_u64(reader, object_addr + runtime->layout->object_type) : 0;
}

/* Keys and their values, which are in the entries or in an array of their own. */
struct table {
	struct pyi_dict_entries entries;
	/* 0: in the entries. */
	uint64_t values_addr;
};

static uint64_t word_at(const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* No more than keys and values: hashes say what they are of. */
static bool each_entry_apart(struct pyi_memory_reader *reader, const struct table *table,
			     bool (*item)(void *argument, uint64_t key, uint64_t value),
			     void *argument)
{
	const struct pyi_dict_entries *entries = &table->entries;

	for (uint64_t i = 0; i < entries->count; i++) {
		uint64_t entry = entries->addr + i * entries->bytes;
		uint64_t key;
		uint64_t value;

		if (!pyi_memory_try_read_u64(reader, entry + entries->key, &key) ||
		    !pyi_memory_try_read_u64(reader,
					     table->values_addr
						     ? table->values_addr + i * WORD_BYTES
						     : entry + entries->value,
					     &value))
			return false;
		if (key && value && !item(argument, key, value))
			return true;
	}
	return true;
}

static bool each_entry(struct pyi_memory_reader *reader, const struct table *table,
		       bool (*item)(void *argument, uint64_t key, uint64_t value), void *argument)
{
	const struct pyi_dict_entries *entries = &table->entries;
	uint64_t room = entries->count < CHUNK_ENTRIES ? entries->count : CHUNK_ENTRIES;
	PYI_CLEANUP(pyi_guard_free) unsigned char *chunk = malloc(room * entries->bytes + 1);
	PYI_CLEANUP(pyi_guard_free) unsigned char *values = malloc(room * WORD_BYTES + 1);

	if (pyi_memory_reader_is_narrow(reader))
		return each_entry_apart(reader, table, item, argument);
	if (!chunk || !values)
		return false;
	for (uint64_t done = 0; done < entries->count; done += room) {
		uint64_t left = entries->count - done;
		uint64_t count = left < room ? left : room;

		if (!pyi_memory_try_read(reader, entries->addr + done * entries->bytes, chunk,
					 count * entries->bytes))
			return false;
		if (table->values_addr &&
		    !pyi_memory_try_read(reader, table->values_addr + done * WORD_BYTES, values,
					 count * WORD_BYTES))
			return false;
		for (uint64_t i = 0; i < count; i++) {
			const unsigned char *entry = chunk + i * entries->bytes;
			uint64_t key = word_at(entry + entries->key);
			uint64_t value = table->values_addr ? word_at(values + i * WORD_BYTES)
							    : word_at(entry + entries->value);

			if (key && value && !item(argument, key, value))
				return true;
		}
	}
	return true;
}

static bool find_dict_table(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t dict_addr, struct table *ret_table)
{
	struct table table = { 0 };

	if (!pyi_objects_has_flag(runtime, reader, dict_addr, PYI_SUBCLASS_DICT_BIT) ||
	    !pyi_objects_find_dict(runtime->layout, reader, dict_addr, &table.entries,
				   &table.values_addr))
		return false;
	*ret_table = table;
	return true;
}

bool pyi_attributes_each_item(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t dict_addr,
			      bool (*item)(void *argument, uint64_t key, uint64_t value),
			      void *argument)
{
	struct table table;

	return find_dict_table(runtime, reader, dict_addr, &table) &&
	       each_entry(reader, &table, item, argument);
}

struct search {
	const struct pyi_runtime *runtime;
	struct pyi_memory_reader *reader;
	const char *name;
	size_t length;
	/* 0: not found. */
	uint64_t value;
};

static bool match(void *argument, uint64_t key, uint64_t value)
{
	struct search *search = argument;

	if (!pyi_objects_str_is(search->runtime->layout, search->reader, key, search->name,
				search->length) ||
	    !pyi_objects_is_name(search->runtime, search->reader, key))
		return true;
	search->value = value;
	return false;
}

static bool search_table(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 const struct table *table, const char *name, uint64_t *ret_value)
{
	struct search search = {
		.runtime = runtime,
		.reader = reader,
		.name = name,
		.length = strlen(name),
	};

	each_entry(reader, table, match, &search);
	if (search.value)
		*ret_value = search.value;
	return search.value != 0;
}

static bool search_dict(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			uint64_t dict_addr, const char *name, uint64_t *ret_value)
{
	struct table table;

	return dict_addr && find_dict_table(runtime, reader, dict_addr, &table) &&
	       search_table(runtime, reader, &table, name, ret_value);
}

static void find_managed(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			 uint64_t object, uint64_t type, uint64_t flags,
			 struct pyi_attribute_storage *storage)
{
	uint64_t head = object - layout->gc_head_size;
	uint64_t word = pyi_memory_u64(reader, head - (uint64_t)MANAGED_DICT_WORDS * WORD_BYTES);

	if (layout->features & PYI_FEATURE_MANAGED_DICT_AND_VALUES) {
		uint64_t values =
			pyi_memory_u64(reader, head - (uint64_t)MANAGED_VALUES_WORDS * WORD_BYTES);

		if (values)
			storage->values_addr = pyi_dict_values_items(layout, values);
		else
			storage->dict_addr = word;
	} else if (layout->features & PYI_FEATURE_MANAGED_DICT_OR_VALUES) {
		/* The mark is subtracted from the pointer, not set in it. */
		if (word & 1)
			storage->values_addr = pyi_dict_values_items(layout, word + 1);
		else
			storage->dict_addr = word;
	} else if (word) {
		storage->dict_addr = word;
	} else if (flags & PYI_TPFLAG_INLINE_VALUES) {
		uint64_t values = object + pyi_memory_u64(reader, type + layout->type_basicsize);
		uint8_t valid;

		if (pyi_memory_try_read(reader, values + layout->values_valid, &valid, 1) && valid)
			storage->values_addr = pyi_dict_values_items(layout, values);
	}
}

/* Objects of variable size have their dict at the end, and tp_dictoffset counts from there. */
static uint64_t dict_from_end(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			      uint64_t object, uint64_t type, uint64_t offset)
{
	int64_t count = (int64_t)pyi_memory_u64(reader, object + layout->var_size);
	uint64_t items = count < 0 ? -(uint64_t)count : (uint64_t)count;
	uint64_t bytes;

	if (__builtin_mul_overflow(items, pyi_memory_u64(reader, type + layout->type_itemsize),
				   &bytes) ||
	    __builtin_add_overflow(bytes, pyi_memory_u64(reader, type + layout->type_basicsize),
				   &bytes) ||
	    __builtin_add_overflow(bytes, WORD_BYTES - 1, &bytes))
		return 0;
	bytes -= bytes % WORD_BYTES;
	return pyi_memory_u64(reader, object + bytes + offset);
}

/* Instances of old-style classes, by their class too, and these classes, whose types do not tell
 * where the dict is (2.7); PYI_ABSENT: it is another type. */
static uint32_t old_dict_offset(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
				uint64_t type)
{
	if (runtime->layout->instance_dict == PYI_ABSENT || !type)
		return PYI_ABSENT;
	if (type == pyi_builtin_types_find(runtime, PYI_KIND_CLASS))
		return runtime->layout->class_dict;
	if (type == pyi_builtin_types_find(runtime, PYI_KIND_INSTANCE) ||
	    pyi_objects_is_old_class(runtime, reader, type))
		return runtime->layout->instance_dict;
	return PYI_ABSENT;
}

static struct pyi_attribute_storage find_storage(const struct pyi_runtime *runtime,
						 struct pyi_memory_reader *reader, uint64_t object,
						 uint64_t type)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t flags = pyi_memory_u64(reader, type + layout->type_flags);
	uint64_t offset = pyi_memory_u64(reader, type + layout->type_dictoffset);
	uint32_t old_offset = old_dict_offset(runtime, reader, type);
	struct pyi_attribute_storage storage = { 0 };

	if (old_offset != PYI_ABSENT)
		storage.dict_addr = pyi_memory_u64(reader, object + old_offset);
	else if (layout->features & PREHEADER_FEATURES && flags & PYI_TPFLAG_MANAGED_DICT)
		find_managed(layout, reader, object, type, flags, &storage);
	else if (offset && offset <= INT64_MAX)
		storage.dict_addr = pyi_memory_u64(reader, object + offset);
	else if (offset)
		storage.dict_addr = dict_from_end(layout, reader, object, type, offset);
	return storage;
}

/* The table behind values without a dict; false if there cannot be one. */
static bool find_values_table(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			      uint64_t type, const struct pyi_attribute_storage *storage,
			      struct table *ret_table)
{
	ret_table->values_addr = storage->values_addr;
	return pyi_memory_u64(reader, type + layout->type_flags) & PYI_TPFLAG_HEAP_TYPE &&
	       pyi_dict_table_entries(reader, layout,
				      pyi_memory_u64(reader, type + layout->heap_type_cached_keys),
				      &ret_table->entries);
}

static bool search_storage(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t object, uint64_t type, const char *name, uint64_t *ret_value)
{
	const struct pyi_layout *layout = runtime->layout;
	struct pyi_attribute_storage storage = find_storage(runtime, reader, object, type);
	struct table table;

	if (!storage.values_addr)
		return search_dict(runtime, reader, storage.dict_addr, name, ret_value);
	return find_values_table(layout, reader, type, &storage, &table) &&
	       search_table(runtime, reader, &table, name, ret_value);
}

struct pyi_attribute_storage pyi_attributes_storage(const struct pyi_runtime *runtime,
						    struct pyi_memory_reader *reader,
						    uint64_t object_addr, uint64_t type_addr)
{
	return find_storage(runtime, reader, object_addr, type_addr);
}

bool pyi_attributes_each(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t object_addr,
			 bool (*item)(void *argument, uint64_t key, uint64_t value), void *argument)
{
	uint64_t type = type_of(runtime, reader, object_addr);
	struct pyi_attribute_storage storage;
	struct table table;

	if (!type)
		return false;
	storage = find_storage(runtime, reader, object_addr, type);
	if (storage.values_addr)
		return find_values_table(runtime->layout, reader, type, &storage, &table) &&
		       each_entry(reader, &table, item, argument);
	return !storage.dict_addr ||
	       pyi_attributes_each_item(runtime, reader, storage.dict_addr, item, argument);
}

bool pyi_attributes_are_possible(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;

	if (old_dict_offset(runtime, reader, type_addr) != PYI_ABSENT)
		return true;
	return pyi_memory_u64(reader, type_addr + layout->type_dictoffset) ||
	       (layout->features & PREHEADER_FEATURES &&
		pyi_memory_u64(reader, type_addr + layout->type_flags) & PYI_TPFLAG_MANAGED_DICT);
}

bool pyi_attributes_get(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			uint64_t object_addr, const char *name, uint64_t *ret_value)
{
	uint64_t type = type_of(runtime, reader, object_addr);
	char found[PYI_NAME_BYTES];
	uint64_t offset = 0;
	uint64_t value;

	if (!type)
		return false;
	/* As getattr(): a slot goes before an item of the dict. */
	if (pyi_members_find(runtime, reader, type, name, &offset, found)) {
		value = pyi_memory_u64(reader, object_addr + offset);
		if (value) {
			*ret_value = value;
			return true;
		}
	}
	return search_storage(runtime, reader, object_addr, type, name, ret_value);
}

/* The dict of a static type of the interpreter's own, which each interpreter keeps (3.12+). */
static uint64_t static_type_dict(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t number = pyi_memory_u64(reader, type_addr + layout->type_subclasses);
	uint64_t interpreter =
		pyi_memory_u64(reader, runtime->addr + layout->runtime_interpreters_head);

	for (int i = 0; interpreter && number && i < INTERPRETER_LIMIT; i++) {
		uint64_t state = pyi_interpreters_static_types(runtime, interpreter) +
				 (number - 1) * layout->static_type_size;

		if (pyi_memory_u64(reader, state + layout->static_type_type) == type_addr)
			return pyi_memory_u64(reader, state + layout->static_type_dict);
		interpreter = pyi_memory_u64(reader, interpreter + layout->interp_next);
	}
	return 0;
}

/* Of any type; 0 if it has none. */
static uint64_t class_dict(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t dict;

	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		return pyi_memory_u64(reader, type_addr + layout->class_dict);
	dict = pyi_memory_u64(reader, type_addr + layout->type_dict);
	if (!dict && layout->features & PYI_FEATURE_STATIC_TYPE_STATE &&
	    pyi_memory_u64(reader, type_addr + layout->type_flags) & PYI_TPFLAG_STATIC_BUILTIN)
		dict = static_type_dict(runtime, reader, type_addr);
	return dict;
}

static bool is_class(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		     uint64_t addr)
{
	return pyi_objects_has_flag(runtime, reader, addr, PYI_SUBCLASS_TYPE_BIT) ||
	       pyi_objects_is_old_class(runtime, reader, addr);
}

bool pyi_attributes_get_class(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t type_addr, const char *name, uint64_t *ret_value)
{
	return is_class(runtime, reader, type_addr) &&
	       search_dict(runtime, reader, class_dict(runtime, reader, type_addr), name,
			   ret_value);
}

bool pyi_attributes_each_of_class(const struct pyi_runtime *runtime,
				  struct pyi_memory_reader *reader, uint64_t type_addr,
				  bool (*item)(void *argument, uint64_t key, uint64_t value),
				  void *argument)
{
	uint64_t dict;

	if (!is_class(runtime, reader, type_addr))
		return false;
	dict = class_dict(runtime, reader, type_addr);
	return !dict || pyi_attributes_each_item(runtime, reader, dict, item, argument);
}

/*
 * Types that are not exported by the interpreter: they are known by their full tp_name. Where the
 * length of their instances is; PYI_ABSENT: it is none of them.
 */
static uint32_t named_length_field(const struct pyi_runtime *runtime,
				   struct pyi_memory_reader *reader, uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t type;

	for (uint64_t i = 0; (type = pyi_members_mro_type(runtime, reader, type_addr, i)); i++) {
		char name[TYPE_NAME_BYTES];

		if (!pyi_memory_try_read_string(reader,
						pyi_memory_u64(reader, type + layout->type_name),
						name, sizeof(name)))
			continue;
		if (strcmp(name, "collections.deque") == 0)
			return layout->deque_length != PYI_ABSENT ? layout->deque_length
								  : layout->var_size;
		if (strcmp(name, "array.array") == 0)
			return layout->var_size;
	}
	return PYI_ABSENT;
}

/* Where the length of instances of a type is; PYI_ABSENT: not known. */
static uint32_t length_field(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t flags = pyi_memory_u64(reader, type_addr + layout->type_flags);
	uint32_t kind;

	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		return PYI_ABSENT;
	if (flags >> PYI_SUBCLASS_UNICODE_BIT & 1)
		return layout->str_length;
	if (flags >> PYI_SUBCLASS_DICT_BIT & 1)
		return layout->dict_used;
	if (flags >> PYI_SUBCLASS_LIST_BIT & 1 || flags >> PYI_SUBCLASS_TUPLE_BIT & 1 ||
	    flags >> PYI_SUBCLASS_BYTES_BIT & 1)
		return layout->var_size;
	kind = pyi_members_kind(runtime, reader, type_addr);
	if (kind == PYI_KIND_SET)
		return layout->set_used;
	if (kind == PYI_KIND_BYTEARRAY)
		return layout->var_size;
	return named_length_field(runtime, reader, type_addr);
}

bool pyi_attributes_is_container(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, uint64_t type_addr)
{
	uint64_t flags = pyi_memory_u64(reader, type_addr + runtime->layout->type_flags);

	return !(flags >> PYI_SUBCLASS_UNICODE_BIT & 1) && !(flags >> PYI_SUBCLASS_BYTES_BIT & 1) &&
	       !(flags >> PYI_SUBCLASS_TUPLE_BIT & 1) &&
	       length_field(runtime, reader, type_addr) != PYI_ABSENT;
}

bool pyi_attributes_length(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t object_addr, uint64_t *ret_length)
{
	uint64_t type = type_of(runtime, reader, object_addr);
	uint32_t field = type ? length_field(runtime, reader, type) : PYI_ABSENT;
	uint64_t length;

	if (field == PYI_ABSENT || !pyi_memory_try_read_u64(reader, object_addr + field, &length) ||
	    length > INT64_MAX)
		return false;
	*ret_length = length;
	return true;
}
