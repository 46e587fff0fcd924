/*
 * Strings, dicts and type names, read from outside. Does not call anything in the target.
 */
#include "python/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "base/plain_text.h"
#include "base/utf8.h"
#include "python/builtin_types.h"
#include "python/objects_private.h"

enum {
	FLAG_STATIC_BUILTIN = 1 << 1,
	FLAG_HEAP_TYPE = 1 << 9,
	STATE_KIND_SHIFT = 2,
	STATE_KIND_MASK = 7,
	STATE_COMPACT = 1 << 5,
	STATE_ASCII = 1 << 6,
	ENTRY_LIMIT = 1 << 16,
	MRO_LIMIT = 1000,
	LOG2_LIMIT = 40,
};

static uint64_t load(struct pyi_memory_reader *reader, uint64_t addr)
{
	uint64_t value;

	return pyi_memory_try_read_u64(reader, addr, &value) ? value : 0;
}

static uint8_t load8(struct pyi_memory_reader *reader, uint64_t addr)
{
	uint8_t value;

	return pyi_memory_try_read(reader, addr, &value, 1) ? value : 0;
}

bool pyi_objects_has_flag(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t addr, int bit)
{
	uint64_t type;
	uint64_t flags;

	return addr &&
	       pyi_memory_try_read_u64(reader, addr + runtime->layout->object_type, &type) &&
	       pyi_memory_try_read_u64(reader, type + runtime->layout->type_flags, &flags) &&
	       flags >> bit & 1;
}

bool pyi_objects_is_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t addr)
{
	return pyi_objects_has_flag(runtime, reader, addr, PYI_SUBCLASS_UNICODE_BIT) ||
	       (runtime->layout->features & PYI_FEATURE_BYTES_NAMES &&
		pyi_objects_has_flag(runtime, reader, addr, PYI_SUBCLASS_BYTES_BIT));
}

/* Bytes that should be UTF-8. */
static bool read_bytes(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
		       uint64_t addr, char ret_text[PYI_NAME_BYTES])
{
	char raw[PYI_NAME_LIMIT];
	uint64_t length;
	char *out = ret_text;

	if (!pyi_memory_try_read_u64(reader, addr + layout->var_size, &length))
		return false;
	if (length > PYI_NAME_LIMIT)
		length = PYI_NAME_LIMIT;
	if (length && !pyi_memory_try_read(reader, addr + layout->bytes_value, raw, (size_t)length))
		return false;
	for (size_t i = 0; i < length;) {
		uint32_t character;
		size_t size_bytes = pyi_utf8_decode(raw + i, (size_t)length - i, &character);

		if (size_bytes)
			memcpy(out, raw + i, size_bytes);
		else
			*out = '?';
		out += size_bytes ? size_bytes : 1;
		i += size_bytes ? size_bytes : 1;
	}
	*out = '\0';
	return true;
}

/* Bytes of a character of text without a state. */
static size_t unit_bytes(const struct pyi_layout *layout)
{
	return layout->features & PYI_FEATURE_WIDE_TEXT ? 4 : 2;
}

/* Where the characters of text are, and how wide each is; 0: it is broken. */
static size_t find_text(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			uint64_t addr, uint64_t *ret_data_addr)
{
	uint8_t state;
	size_t width;

	if (layout->str_state == PYI_ABSENT) {
		*ret_data_addr = load(reader, addr + layout->str_data);
		return unit_bytes(layout);
	}
	if (!pyi_memory_try_read(reader, addr + layout->str_state, &state, 1))
		return 0;
	if (!(state & STATE_COMPACT))
		*ret_data_addr = load(reader, addr + layout->str_data);
	else if (state & STATE_ASCII)
		*ret_data_addr = addr + layout->str_ascii_size;
	else
		*ret_data_addr = addr + layout->str_compact_size;
	width = state >> STATE_KIND_SHIFT & STATE_KIND_MASK;
	return width == 1 || width == 2 || width == 4 ? width : 0;
}

bool pyi_objects_read_str(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t addr, char ret_text[PYI_NAME_BYTES])
{
	const struct pyi_layout *layout = runtime->layout;
	uint8_t raw[PYI_NAME_LIMIT * 4];
	uint64_t length;
	uint64_t data;
	size_t width;
	char *out = ret_text;

	if (!pyi_objects_has_flag(runtime, reader, addr, PYI_SUBCLASS_UNICODE_BIT))
		return pyi_objects_is_name(runtime, reader, addr) &&
		       read_bytes(layout, reader, addr, ret_text);
	width = find_text(layout, reader, addr, &data);
	if (!width || !pyi_memory_try_read_u64(reader, addr + layout->str_length, &length))
		return false;
	if (length > PYI_NAME_LIMIT)
		length = PYI_NAME_LIMIT;
	if (length && !pyi_memory_try_read(reader, data, raw, (size_t)length * width))
		return false;
	for (size_t i = 0; i < length; i++) {
		uint32_t character = 0;
		size_t size_bytes;

		/* Both architectures are little-endian. */
		memcpy(&character, raw + i * width, width);
		size_bytes = pyi_utf8_encode(character, out);
		if (!size_bytes)
			*out = '?';
		out += size_bytes ? size_bytes : 1;
	}
	*out = '\0';
	return true;
}

bool pyi_objects_find_entries(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			      uint64_t keys, struct pyi_dict_entries *ret)
{
	bool general = true;
	uint64_t index_bytes;
	uint64_t slots;

	if (layout->keys_log2_size != PYI_ABSENT) {
		uint8_t log2_size = load8(reader, keys + layout->keys_log2_size);
		uint8_t log2_index = load8(reader, keys + layout->keys_log2_index_bytes);

		if (log2_size > LOG2_LIMIT || log2_index > LOG2_LIMIT)
			return false;
		slots = UINT64_C(1) << log2_size;
		index_bytes = UINT64_C(1) << log2_index;
		general = load8(reader, keys + layout->keys_kind) == 0;
	} else {
		slots = load(reader, keys + layout->keys_size);
		if (slots > UINT64_C(1) << LOG2_LIMIT)
			return false;
		index_bytes = slots * (slots <= UINT8_MAX    ? 1
				       : slots <= UINT16_MAX ? 2
				       : slots <= UINT32_MAX ? 4
							     : 8);
	}
	*ret = (struct pyi_dict_entries){
		.addr = keys + layout->keys_indices + index_bytes,
		.count = load(reader, keys + layout->keys_nentries),
		.bytes = general ? 24 : 16,
		.key = general ? 8 : 0,
		.value = general ? 16 : 8,
	};
	return ret->count <= slots;
}

bool pyi_objects_find_dict(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			   uint64_t dict_addr, struct pyi_dict_entries *ret_entries,
			   uint64_t *ret_values_addr)
{
	uint64_t values;
	uint64_t keys;

	*ret_values_addr = 0;
	if (layout->dict_table != PYI_ABSENT) {
		*ret_entries = (struct pyi_dict_entries){
			.addr = load(reader, dict_addr + layout->dict_table),
			.count = load(reader, dict_addr + layout->dict_mask) + 1,
			.bytes = 24,
			.key = 8,
			.value = 16,
		};
		return ret_entries->addr && ret_entries->count <= UINT64_C(1) << LOG2_LIMIT;
	}
	if (!pyi_memory_try_read_u64(reader, dict_addr + layout->dict_keys, &keys) ||
	    !pyi_memory_try_read_u64(reader, dict_addr + layout->dict_values, &values) || !keys ||
	    !pyi_objects_find_entries(layout, reader, keys, ret_entries))
		return false;
	if (values)
		*ret_values_addr =
			values + (layout->values_items != PYI_ABSENT ? layout->values_items : 0);
	return true;
}

static bool plain_str_is(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			 uint64_t addr, const char *text, size_t length)
{
	size_t width = unit_bytes(layout);
	uint8_t raw[PYI_KEY_LIMIT * 4];

	if (pyi_memory_try_read(reader, addr + layout->bytes_value, raw, length) &&
	    memcmp(raw, text, length) == 0)
		return true;
	if (!pyi_memory_try_read(reader, load(reader, addr + layout->str_data), raw,
				 length * width))
		return false;
	for (size_t i = 0; i < length; i++) {
		uint32_t character = 0;

		memcpy(&character, raw + i * width, width);
		if (character != (unsigned char)text[i])
			return false;
	}
	return true;
}

bool pyi_objects_str_is(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			uint64_t addr, const char *text, size_t length)
{
	char raw[PYI_KEY_LIMIT];
	uint64_t found;
	uint8_t state;

	if (length > sizeof(raw) ||
	    !pyi_memory_try_read_u64(reader, addr + layout->str_length, &found) || found != length)
		return false;
	if (layout->str_state == PYI_ABSENT)
		return plain_str_is(layout, reader, addr, text, length);
	return pyi_memory_try_read(reader, addr + layout->str_state, &state, 1) &&
	       (state & (STATE_COMPACT | STATE_ASCII)) == (STATE_COMPACT | STATE_ASCII) &&
	       pyi_memory_try_read(reader, addr + layout->str_ascii_size, raw, length) &&
	       memcmp(raw, text, length) == 0;
}

bool pyi_objects_dict_get(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t dict_addr, const char *key, uint64_t *ret_value)
{
	const struct pyi_layout *layout = runtime->layout;
	size_t length = strlen(key);
	struct pyi_dict_entries entries;
	uint64_t values_addr;

	if (length > PYI_KEY_LIMIT ||
	    !pyi_objects_has_flag(runtime, reader, dict_addr, PYI_SUBCLASS_DICT_BIT) ||
	    !pyi_objects_find_dict(layout, reader, dict_addr, &entries, &values_addr) ||
	    values_addr || entries.count > ENTRY_LIMIT)
		return false;
	for (uint64_t i = 0; i < entries.count; i++) {
		uint64_t entry = entries.addr + i * entries.bytes;
		uint64_t value;
		uint64_t name;

		/* A broken table may claim millions of entries: it ends where it cannot be read. */
		if (!pyi_memory_try_read_u64(reader, entry + entries.key, &name) ||
		    !pyi_memory_try_read_u64(reader, entry + entries.value, &value))
			return false;
		if (!value || !name || !pyi_objects_str_is(layout, reader, name, key, length) ||
		    !pyi_objects_is_name(runtime, reader, name))
			continue;
		*ret_value = value;
		return true;
	}
	return false;
}

bool pyi_objects_module_get(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t modules_addr, const char *module, const char *name,
			    uint64_t *ret_value)
{
	uint64_t module_addr;

	return pyi_objects_dict_get(runtime, reader, modules_addr, module, &module_addr) &&
	       pyi_objects_dict_get(runtime, reader,
				    load(reader, module_addr + runtime->layout->module_dict), name,
				    ret_value);
}

/* "module.name" of a static type's tp_name, or "name" of a builtin. */
static char *static_type_name(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			      uint64_t type_addr)
{
	static const char builtins[] = "builtins.";
	char text[PYI_NAME_BYTES];

	if (!pyi_memory_try_read_string(reader, load(reader, type_addr + layout->type_name), text,
					sizeof(text)) ||
	    !text[0])
		return NULL;
	/* An extension module may have any bytes there. */
	if (strncmp(text, builtins, sizeof(builtins) - 1) == 0 && text[sizeof(builtins) - 1])
		return pyi_plain_text_make_utf8(text + sizeof(builtins) - 1);
	return pyi_plain_text_make_utf8(text);
}

bool pyi_objects_is_old_class(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t addr)
{
	uint64_t type = pyi_builtin_types_find(runtime, PYI_KIND_CLASS);

	return type && addr && load(reader, addr + runtime->layout->object_type) == type;
}

/* "module.name" of what a class statement made. */
static char *class_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			uint64_t name_addr, uint64_t dict_addr)
{
	char module[PYI_NAME_BYTES];
	char name[PYI_NAME_BYTES];
	uint64_t module_addr;
	char *whole;

	if (!pyi_objects_read_str(runtime, reader, name_addr, name))
		return NULL;
	if (!pyi_objects_dict_get(runtime, reader, dict_addr, "__module__", &module_addr) ||
	    !pyi_objects_read_str(runtime, reader, module_addr, module) ||
	    strcmp(module, "builtins") == 0 || strcmp(module, "__builtin__") == 0)
		return name[0] ? strdup(name) : NULL;
	return asprintf(&whole, "%s.%s", module, name) < 0 ? NULL : whole;
}

static char *heap_type_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	uint32_t name = layout->heap_type_qualname != PYI_ABSENT ? layout->heap_type_qualname
								 : layout->heap_type_name;

	return class_name(runtime, reader, load(reader, type_addr + name),
			  load(reader, type_addr + layout->type_dict));
}

char *pyi_objects_type_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	char *name = NULL;

	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		name = class_name(runtime, reader, load(reader, type_addr + layout->class_name),
				  load(reader, type_addr + layout->class_dict));
	else if (load(reader, type_addr + layout->type_flags) & FLAG_HEAP_TYPE)
		name = heap_type_name(runtime, reader, type_addr);
	if (!name && !pyi_objects_is_old_class(runtime, reader, type_addr))
		name = static_type_name(layout, reader, type_addr);
	if (!name && asprintf(&name, "<type at 0x%llx>", (unsigned long long)type_addr) < 0)
		return NULL;
	return name;
}

static bool is_among(uint64_t value, const uint64_t *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sorted[i] == value)
			return true;
	return false;
}

bool pyi_objects_size_is_estimated(const struct pyi_runtime *runtime,
				   struct pyi_memory_reader *reader, uint64_t type_addr,
				   const uint64_t *modelled, size_t modelled_count)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t mro = load(reader, type_addr + layout->type_mro);
	uint64_t count = mro ? load(reader, mro + layout->var_size) : 0;

	/* sys.getsizeof() does not ask them (2.7). */
	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		return false;
	for (uint64_t i = 0; i < count && i < MRO_LIMIT; i++) {
		uint64_t type = load(reader, mro + layout->tuple_items + i * sizeof(uint64_t));
		uint64_t method;

		if (is_among(type, modelled, modelled_count))
			return false;
		if (pyi_objects_is_old_class(runtime, reader, type))
			continue;
		/* The interpreter's own static types: those with a rule of their own are modelled.
		 */
		if (layout->features & PYI_FEATURE_STATIC_TYPE_STATE &&
		    load(reader, type + layout->type_flags) & FLAG_STATIC_BUILTIN)
			continue;
		if (pyi_objects_dict_get(runtime, reader, load(reader, type + layout->type_dict),
					 "__sizeof__", &method))
			return true;
	}
	return false;
}
