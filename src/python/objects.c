/*
 * Strings, dicts and type names, read from outside. Does not call anything in the target.
 */
#include "python/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain_text.h"
#include "base/utf8.h"
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

bool pyi_objects_read_str(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t addr, char ret_text[PYI_NAME_BYTES])
{
	const struct pyi_layout *layout = runtime->layout;
	uint8_t raw[PYI_NAME_LIMIT * 4];
	uint64_t length;
	uint64_t data;
	uint8_t state;
	size_t width;
	char *out = ret_text;

	if (!pyi_objects_has_flag(runtime, reader, addr, PYI_SUBCLASS_UNICODE_BIT) ||
	    !pyi_memory_try_read_u64(reader, addr + layout->str_length, &length) ||
	    !pyi_memory_try_read(reader, addr + layout->str_state, &state, 1))
		return false;
	width = state >> STATE_KIND_SHIFT & STATE_KIND_MASK;
	if (width != 1 && width != 2 && width != 4)
		return false;
	if (!(state & STATE_COMPACT))
		data = load(reader, addr + layout->str_data);
	else if (state & STATE_ASCII)
		data = addr + layout->str_ascii_size;
	else
		data = addr + layout->str_compact_size;
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

bool pyi_objects_str_is(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			uint64_t addr, const char *text, size_t length)
{
	char raw[PYI_KEY_LIMIT];
	uint64_t found;
	uint8_t state;

	return length <= sizeof(raw) &&
	       pyi_memory_try_read_u64(reader, addr + layout->str_length, &found) &&
	       found == length &&
	       pyi_memory_try_read(reader, addr + layout->str_state, &state, 1) &&
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

	if (length > PYI_KEY_LIMIT ||
	    !pyi_objects_has_flag(runtime, reader, dict_addr, PYI_SUBCLASS_DICT_BIT) ||
	    load(reader, dict_addr + layout->dict_values) ||
	    !pyi_objects_find_entries(layout, reader, load(reader, dict_addr + layout->dict_keys),
				      &entries) ||
	    entries.count > ENTRY_LIMIT)
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
		    !pyi_objects_has_flag(runtime, reader, name, PYI_SUBCLASS_UNICODE_BIT))
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

static char *heap_type_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	char module[PYI_NAME_BYTES];
	char name[PYI_NAME_BYTES];
	uint64_t module_addr;
	char *whole;

	if (!pyi_objects_read_str(runtime, reader,
				  load(reader, type_addr + layout->heap_type_qualname), name))
		return NULL;
	if (!pyi_objects_dict_get(runtime, reader, load(reader, type_addr + layout->type_dict),
				  "__module__", &module_addr) ||
	    !pyi_objects_read_str(runtime, reader, module_addr, module) ||
	    strcmp(module, "builtins") == 0)
		return name[0] ? strdup(name) : NULL;
	return asprintf(&whole, "%s.%s", module, name) < 0 ? NULL : whole;
}

char *pyi_objects_type_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t type_addr)
{
	uint64_t flags = load(reader, type_addr + runtime->layout->type_flags);
	char *name = NULL;

	if (flags & FLAG_HEAP_TYPE)
		name = heap_type_name(runtime, reader, type_addr);
	if (!name)
		name = static_type_name(runtime->layout, reader, type_addr);
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

	for (uint64_t i = 0; i < count && i < MRO_LIMIT; i++) {
		uint64_t type = load(reader, mro + layout->tuple_items + i * sizeof(uint64_t));
		uint64_t method;

		if (is_among(type, modelled, modelled_count))
			return false;
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
