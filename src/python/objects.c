/*
 * Strings, dicts and type names, read from outside. Does not call anything in the target.
 */
#include "python/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>
#include <pyinspect/str_text.h>
#include <pyinspect/type_flags.h>

#include "base/plain_text.h"
#include "base/utf8.h"
#include "python/builtin_types.h"
#include "python/objects_private.h"

enum {
	ENTRY_LIMIT = 1 << 16,
	MRO_LIMIT = 1000,
};

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
		       uint64_t addr, char ret_text[PYI_NAME_BYTES], bool *ret_whole)
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
	*ret_whole = strlen(ret_text) == (size_t)(out - ret_text);
	return true;
}

/* `*ret_whole`: it has no NUL in it. */
static bool read_str(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		     uint64_t addr, char ret_text[PYI_NAME_BYTES], bool *ret_whole)
{
	const struct pyi_layout *layout = runtime->layout;
	uint8_t raw[PYI_NAME_LIMIT * 4];
	struct pyi_str_text text;
	uint64_t length;
	char *out = ret_text;

	if (!pyi_objects_has_flag(runtime, reader, addr, PYI_SUBCLASS_UNICODE_BIT))
		return pyi_objects_is_name(runtime, reader, addr) &&
		       read_bytes(layout, reader, addr, ret_text, ret_whole);
	text = pyi_str_text(reader, layout, addr);
	if (!text.width)
		return false;
	length = text.length < PYI_NAME_LIMIT ? text.length : PYI_NAME_LIMIT;
	if (length && !pyi_memory_try_read(reader, text.addr, raw, (size_t)length * text.width))
		return false;
	for (size_t i = 0; i < length; i++) {
		uint32_t character = 0;
		size_t size_bytes;

		/* Both architectures are little-endian. */
		memcpy(&character, raw + i * text.width, text.width);
		size_bytes = pyi_utf8_encode(character, out);
		if (!size_bytes)
			*out = '?';
		out += size_bytes ? size_bytes : 1;
	}
	*out = '\0';
	*ret_whole = strlen(ret_text) == (size_t)(out - ret_text);
	return true;
}

bool pyi_objects_read_str(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t addr, char ret_text[PYI_NAME_BYTES])
{
	const struct pyi_made_memory *made = pyi_memory_reader_made(reader);
	const char *known = made ? made->text(made->argument, addr) : NULL;
	bool whole;
	bool read;

	if (made && (!known || strlen(known) >= PYI_NAME_BYTES))
		return false;
	if (made) {
		memcpy(ret_text, known, strlen(known) + 1);
		return true;
	}
	pyi_memory_text_begin(reader);
	read = read_str(runtime, reader, addr, ret_text, &whole);
	pyi_memory_text_end(reader, addr, read && whole ? ret_text : NULL);
	return read;
}

bool pyi_objects_find_dict(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			   uint64_t dict_addr, struct pyi_dict_entries *ret_entries,
			   uint64_t *ret_values_addr)
{
	uint64_t values = pyi_dict_table_values(reader, layout, dict_addr);

	*ret_values_addr = values ? pyi_dict_values_items(layout, values) : 0;
	return pyi_dict_table_entries(reader, layout,
				      pyi_dict_table_keys(reader, layout, dict_addr), ret_entries);
}

/* Without a state: it may be bytes, or an array of units. */
static bool plain_str_is(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			 uint64_t addr, const struct pyi_str_text *units, const char *text,
			 size_t length)
{
	uint8_t raw[PYI_KEY_LIMIT * 4];

	if (pyi_memory_try_read(reader, addr + layout->bytes_value, raw, length) &&
	    memcmp(raw, text, length) == 0)
		return true;
	if (!pyi_memory_try_read(reader, units->addr, raw, length * units->width))
		return false;
	for (size_t i = 0; i < length; i++) {
		uint32_t character = 0;

		memcpy(&character, raw + i * units->width, units->width);
		if (character != (unsigned char)text[i])
			return false;
	}
	return true;
}

static bool str_is(const struct pyi_layout *layout, struct pyi_memory_reader *reader, uint64_t addr,
		   const char *text, size_t length)
{
	const struct pyi_str_text found = pyi_str_text(reader, layout, addr);
	char raw[PYI_KEY_LIMIT];

	if (length > sizeof(raw) || found.length != length)
		return false;
	if (!pyi_has(layout->str_state))
		return plain_str_is(layout, reader, addr, &found, text, length);
	return pyi_str_is_compact_ascii(&found) &&
	       pyi_memory_try_read(reader, found.addr, raw, length) &&
	       memcmp(raw, text, length) == 0;
}

bool pyi_objects_str_is(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			uint64_t addr, const char *text, size_t length)
{
	const struct pyi_made_memory *made = pyi_memory_reader_made(reader);
	const char *known = made ? made->text(made->argument, addr) : NULL;
	bool is;

	if (made)
		return known && strlen(known) == length && memcmp(known, text, length) == 0;
	pyi_memory_text_begin(reader);
	is = str_is(layout, reader, addr, text, length);
	/* Whoever asks has a text that ends there. */
	pyi_memory_text_end(reader, addr, is ? text : NULL);
	return is;
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
	       pyi_objects_dict_get(
		       runtime, reader,
		       pyi_memory_u64(reader, module_addr + runtime->layout->module_dict), name,
		       ret_value);
}

/* "module.name" of a static type's tp_name, or "name" of a builtin. */
static char *static_type_name(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			      uint64_t type_addr)
{
	static const char builtins[] = "builtins.";
	char text[PYI_NAME_BYTES];

	if (!pyi_memory_try_read_string(reader,
					pyi_memory_u64(reader, type_addr + layout->type_name), text,
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

	return type && addr && pyi_memory_u64(reader, addr + runtime->layout->object_type) == type;
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

	return class_name(runtime, reader, pyi_memory_u64(reader, type_addr + name),
			  pyi_memory_u64(reader, type_addr + layout->type_dict));
}

char *pyi_objects_type_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			    uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	char *name = NULL;

	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		name = class_name(runtime, reader,
				  pyi_memory_u64(reader, type_addr + layout->class_name),
				  pyi_memory_u64(reader, type_addr + layout->class_dict));
	else if (pyi_memory_u64(reader, type_addr + layout->type_flags) & PYI_TPFLAG_HEAP_TYPE)
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
	uint64_t mro = pyi_memory_u64(reader, type_addr + layout->type_mro);
	uint64_t count = mro ? pyi_memory_u64(reader, mro + layout->var_size) : 0;

	/* sys.getsizeof() does not ask them (2.7). */
	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		return false;
	for (uint64_t i = 0; i < count && i < MRO_LIMIT; i++) {
		uint64_t type =
			pyi_memory_u64(reader, mro + layout->tuple_items + i * sizeof(uint64_t));
		uint64_t method;

		if (is_among(type, modelled, modelled_count))
			return false;
		if (pyi_objects_is_old_class(runtime, reader, type))
			continue;
		/* The interpreter's own static types: those with a rule of their own are modelled.
		 */
		if (layout->features & PYI_FEATURE_STATIC_TYPE_STATE &&
		    pyi_memory_u64(reader, type + layout->type_flags) & PYI_TPFLAG_STATIC_BUILTIN)
			continue;
		if (pyi_objects_dict_get(runtime, reader,
					 pyi_memory_u64(reader, type + layout->type_dict),
					 "__sizeof__", &method))
			return true;
	}
	return false;
}
