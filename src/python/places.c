/*
 * Turns edges and places into text. Does not show a value that was not asked for, and makes no
 * text safe for a terminal: output does.
 */
#include "python/places.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "python/attributes.h"
#include "python/inner_arrays.h"
#include "python/layouts.h"
#include "python/members.h"
#include "python/objects_private.h"
#include "python/secrets.h"
#include "python/type_rules.h"

enum {
	/* A key of at most so many characters may be shown unasked. */
	KEY_LENGTH_LIMIT = 40,
	WORD_BYTES = 8,
	/* Include/cpython/code.h: CO_FAST_FREE, of co_localspluskinds */
	FREE_VARIABLE = 0x80,
	KINDS_LIMIT = 1 << 12,
	VARIABLE_LIMIT = 1 << 16,
};

static uint64_t load(const struct pyi_places *places, uint64_t addr)
{
	return pyi_memory_u64(places->reader, addr);
}

static bool read_name(const struct pyi_places *places, uint64_t addr, char ret_name[PYI_NAME_BYTES])
{
	return addr && pyi_objects_read_str(places->runtime, places->reader, addr, ret_name) &&
	       ret_name[0];
}

__attribute__((format(printf, 1, 2))) static char *format(const char *text, ...)
{
	va_list arguments;
	char *whole;
	int length;

	va_start(arguments, text);
	length = vasprintf(&whole, text, arguments);
	va_end(arguments);
	return length < 0 ? NULL : whole;
}

/* A tuple's items; 0 if it is none. */
static uint64_t count_items(const struct pyi_places *places, uint64_t tuple)
{
	uint64_t count;

	if (!pyi_objects_has_flag(places->runtime, places->reader, tuple, PYI_SUBCLASS_TUPLE_BIT))
		return 0;
	count = load(places, tuple + places->runtime->layout->var_size);
	return count < VARIABLE_LIMIT ? count : 0;
}

static bool read_item_name(const struct pyi_places *places, uint64_t tuple, uint64_t index,
			   char ret_name[PYI_NAME_BYTES])
{
	return read_name(
		places,
		load(places, tuple + places->runtime->layout->tuple_items + index * WORD_BYTES),
		ret_name);
}

/* The names of variables of a code object: tuples, one behind the other, unused ones are 0. */
struct variables {
	uint64_t tuple[3];
	uint64_t count[3];
	uint64_t total;
};

static struct variables find_variables(const struct pyi_places *places, uint64_t code)
{
	const struct pyi_layout *layout = places->runtime->layout;
	const uint32_t fields[] = { layout->code_varnames, layout->code_cellvars,
				    layout->code_freevars };
	struct variables variables = { 0 };

	if (layout->code_localsplusnames != PYI_ABSENT) {
		variables.tuple[0] = load(places, code + layout->code_localsplusnames);
		variables.count[0] = count_items(places, variables.tuple[0]);
		variables.total = variables.count[0];
		return variables;
	}
	for (int i = 0; i < 3; i++) {
		variables.tuple[i] = load(places, code + fields[i]);
		variables.count[i] = count_items(places, variables.tuple[i]);
		variables.total += variables.count[i];
	}
	return variables;
}

static bool read_variable_name(const struct pyi_places *places, const struct variables *variables,
			       uint64_t index, char ret_name[PYI_NAME_BYTES])
{
	for (int i = 0; i < 3; i++) {
		if (index < variables->count[i])
			return read_item_name(places, variables->tuple[i], index, ret_name);
		index -= variables->count[i];
	}
	return false;
}

static bool is_code(const struct pyi_places *places, uint64_t addr)
{
	return addr &&
	       pyi_members_kind(places->runtime, places->reader,
				load(places, addr + places->runtime->layout->object_type)) ==
		       PYI_KIND_CODE;
}

bool pyi_places_local_name(const struct pyi_places *places, uint64_t code_addr, uint64_t index,
			   char ret_name[PYI_NAME_BYTES])
{
	struct variables variables;

	if (!is_code(places, code_addr))
		return false;
	variables = find_variables(places, code_addr);
	return read_variable_name(places, &variables, index, ret_name);
}

/*
 * How many of a code object's variables are free, where they have no tuple of their own (3.11+).
 * Their kinds are bytes, and the reference right behind the one to their names.
 */
static uint64_t count_free(const struct pyi_places *places, uint64_t code, uint64_t total)
{
	const struct pyi_layout *layout = places->runtime->layout;
	uint8_t kinds[KINDS_LIMIT];
	uint64_t count = 0;
	uint64_t addr = 0;

	for (int i = 0; i + 1 < PYI_LAYOUT_LIST; i++)
		if (layout->code_references[i] == layout->code_localsplusnames &&
		    layout->code_references[i + 1] != PYI_ABSENT)
			addr = load(places, code + layout->code_references[i + 1]);
	if (!pyi_objects_has_flag(places->runtime, places->reader, addr, PYI_SUBCLASS_BYTES_BIT) ||
	    load(places, addr + layout->var_size) != total || total > sizeof(kinds) ||
	    !pyi_memory_try_read(places->reader, addr + layout->bytes_value, kinds, (size_t)total))
		return 0;
	for (uint64_t i = 0; i < total; i++)
		count += (kinds[i] & FREE_VARIABLE) != 0;
	return count;
}

static char *name_closure(const struct pyi_places *places, uint64_t code, uint64_t index)
{
	const struct pyi_layout *layout = places->runtime->layout;
	char name[PYI_NAME_BYTES];
	struct variables variables;
	uint64_t count;

	if (is_code(places, code)) {
		variables = find_variables(places, code);
		count = layout->code_freevars != PYI_ABSENT
				? variables.count[2]
				: count_free(places, code, variables.total);
		/* Free variables come last. */
		if (index < count &&
		    read_variable_name(places, &variables, variables.total - count + index, name))
			return format("closure %s", name);
	}
	return format("closure [%llu]", (unsigned long long)index);
}

static char *name_local(const struct pyi_places *places, uint64_t code, uint64_t index)
{
	char name[PYI_NAME_BYTES];
	struct variables variables;

	if (is_code(places, code)) {
		variables = find_variables(places, code);
		if (index >= variables.total)
			return strdup("stack");
		if (read_variable_name(places, &variables, index, name))
			return format("local %s", name);
	}
	return format("local [%llu]", (unsigned long long)index);
}

char *pyi_places_code_name(const struct pyi_places *places, uint64_t code_addr)
{
	const struct pyi_layout *layout = places->runtime->layout;
	char name[PYI_NAME_BYTES];

	if (is_code(places, code_addr) &&
	    ((layout->code_qualname != PYI_ABSENT &&
	      read_name(places, load(places, code_addr + layout->code_qualname), name)) ||
	     read_name(places, load(places, code_addr + layout->code_name), name)))
		return strdup(name);
	return strdup("?");
}

static bool is_letter(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       character == '_';
}

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

/* What Python takes for a name, as far as ASCII goes; all else may be a letter. */
bool pyi_places_is_identifier(const char *text)
{
	if (is_digit(*text))
		return false;
	for (; *text; text++)
		if (!is_letter(*text) && !is_digit(*text) && (unsigned char)*text < 0x80)
			return false;
	return true;
}

bool pyi_places_is_module_name(const char *name)
{
	char component[PYI_NAME_BYTES];

	for (;;) {
		size_t length = strcspn(name, ".");

		memcpy(component, name, length);
		component[length] = '\0';
		if (!length || !pyi_places_is_identifier(component))
			return false;
		if (!name[length])
			return true;
		name += length + 1;
	}
}

bool pyi_places_is_harmless_key(const char *text)
{
	size_t length = strlen(text);

	if (!length || length > KEY_LENGTH_LIMIT || is_digit(*text))
		return false;
	for (const char *at = text; *at; at++)
		if (!is_letter(*at) && !is_digit(*at) && *at != '.' && *at != '-')
			return false;
	return !pyi_secrets_looks_secret(text);
}

/* "['key']", "[7]", "[<int>]" */
static char *name_key(const struct pyi_places *places, uint64_t key)
{
	PYI_CLEANUP(pyi_guard_free) char *value = NULL;
	char text[PYI_NAME_BYTES];

	if (!key)
		return strdup("[*]");
	/* A text with a NUL in it looks shorter than it is. */
	if (read_name(places, key, text) && pyi_places_is_harmless_key(text) &&
	    load(places, key + places->runtime->layout->str_length) == strlen(text))
		return format("['%s']", text);
	value = pyi_places_describe(places, key);
	return value ? format("[%s]", value) : NULL;
}

bool pyi_places_attribute_name(const struct pyi_places *places, uint64_t key,
			       char ret_name[PYI_NAME_BYTES])
{
	return read_name(places, key, ret_name) && pyi_places_is_identifier(ret_name) &&
	       (places->values || !pyi_secrets_looks_secret(ret_name));
}

static char *name_attribute(const struct pyi_places *places, uint64_t key)
{
	PYI_CLEANUP(pyi_guard_free) char *item = NULL;
	char name[PYI_NAME_BYTES];

	if (pyi_places_attribute_name(places, key, name))
		return format(".%s", name);
	item = name_key(places, key);
	return item ? format(".__dict__%s", item) : NULL;
}

/* Where the variables of an object of this type begin that carries a frame; 0: it does not. */
static uint64_t find_localsplus(const struct pyi_layout *layout, uint32_t kind)
{
	if (kind == PYI_KIND_FRAME && layout->frame_localsplus != PYI_ABSENT)
		return layout->frame_localsplus;
	if (layout->iframe_localsplus == PYI_ABSENT)
		return 0;
	if (kind == PYI_KIND_GENERATOR && layout->generator_iframe != PYI_ABSENT)
		return (uint64_t)layout->generator_iframe + layout->iframe_localsplus;
	if (kind == PYI_KIND_FRAME && layout->frame_data != PYI_ABSENT)
		return (uint64_t)layout->frame_data + layout->iframe_localsplus;
	return 0;
}

static char *name_field(const struct pyi_places *places, uint64_t type, const struct pyi_edge *edge)
{
	const struct pyi_layout *layout = places->runtime->layout;
	uint32_t kind = pyi_members_kind(places->runtime, places->reader, type);
	uint64_t start = edge->context ? find_localsplus(layout, kind) : 0;
	const char *known;
	char name[PYI_NAME_BYTES];

	if (start && edge->detail >= start)
		return name_local(places, edge->context, (edge->detail - start) / WORD_BYTES);
	if (pyi_attributes_field_name(places->runtime, places->reader, type, edge->detail, name))
		return format(".%s", name);
	known = pyi_type_rules_field_name(places->runtime, places->reader, type, edge->detail);
	if (known)
		return format(".%s", known);
	/* What else a frame has that is part of a generator. */
	if (start && kind == PYI_KIND_GENERATOR && edge->detail >= layout->generator_iframe)
		return strdup("frame");
	return format(".<offset %llu>", (unsigned long long)edge->detail);
}

static char *name_interpreter_field(const struct pyi_layout *layout, uint64_t offset)
{
	const char *name;
	int length;

	if (offset == layout->interp_modules)
		return strdup("sys.modules");
	if (offset == layout->interp_sysdict)
		return strdup("sys.__dict__");
	if (offset == layout->interp_builtins)
		return strdup("builtins.__dict__");
	if (offset == PYI_EDGE_GC_GARBAGE)
		return strdup("gc.garbage");
	if (offset == PYI_EDGE_GC_CALLBACKS)
		return strdup("gc.callbacks");
	if (offset == PYI_EDGE_ATEXIT)
		return strdup("atexit callback");
	if (offset == layout->interp_interned)
		return strdup("interned strings");
	if (pyi_layouts_root_name(layout, offset, &length, &name))
		return format("interpreter state %.*s", length, name);
	return format("interpreter state +0x%llx", (unsigned long long)offset);
}

/* Where tools/layoutgen_table.c puts these among the roots of a thread; every CPython has them. */
enum thread_root {
	THREAD_ROOT_PROFILE = 2,
	THREAD_ROOT_TRACE = 3,
};

static char *name_thread_field(const struct pyi_layout *layout, uint64_t offset)
{
	/* It begins with what is no object. */
	if (!offset)
		return strdup("thread state");
	if (offset == layout->thread_roots[THREAD_ROOT_PROFILE])
		return strdup("thread state c_profileobj");
	if (offset == layout->thread_roots[THREAD_ROOT_TRACE])
		return strdup("thread state c_traceobj");
	if (layout->thread_exc_info != PYI_ABSENT && offset == layout->thread_exc_info)
		return strdup("thread state exc_info");
	return strdup("thread state");
}

/* What kind of memory of its own an object has it in. */
static char *name_elsewhere(const struct pyi_places *places, uint64_t type_addr)
{
	if (!type_addr)
		return strdup("(internal)");
	if (pyi_members_kind(places->runtime, places->reader, type_addr) == PYI_KIND_MODULE)
		return strdup("(state)");
	return strdup(pyi_inner_array_is_cache(places->runtime, places->reader, type_addr)
			      ? "(cached)"
			      : "(internal)");
}

char *pyi_places_edge(const struct pyi_places *places, uint64_t type_addr,
		      const struct pyi_edge *edge)
{
	switch (edge->kind) {
	case PYI_EDGE_NONE:
		return strdup("");
	case PYI_EDGE_ATTRIBUTE:
		return name_attribute(places, edge->detail);
	case PYI_EDGE_FIELD:
		return name_field(places, type_addr, edge);
	case PYI_EDGE_ITEM:
		return name_key(places, edge->detail);
	case PYI_EDGE_VALUES:
		return strdup("[*]");
	case PYI_EDGE_KEY:
		return strdup("key");
	case PYI_EDGE_INDEX:
		return format("[%llu]", (unsigned long long)edge->detail);
	case PYI_EDGE_ELEMENT:
		return strdup(pyi_members_kind(places->runtime, places->reader, type_addr) ==
					      PYI_KIND_SET
				      ? "{*}"
				      : "[*]");
	case PYI_EDGE_LOCAL:
		return name_local(places, edge->context, edge->detail);
	case PYI_EDGE_CLOSURE:
		return name_closure(places, edge->context, edge->detail);
	case PYI_EDGE_TYPE:
		return strdup(".__class__");
	case PYI_EDGE_DICT:
		return strdup(".__dict__");
	case PYI_EDGE_INTERPRETER:
		return name_interpreter_field(places->runtime->layout, edge->detail);
	case PYI_EDGE_THREAD:
		return name_thread_field(places->runtime->layout, edge->detail);
	case PYI_EDGE_FRAME:
		return strdup("frame");
	case PYI_EDGE_STATIC_TYPE:
		return strdup("static type");
	default:
		return name_elsewhere(places, type_addr);
	}
}

static char *name_module(const struct pyi_places *places, uint64_t module)
{
	char name[PYI_NAME_BYTES];
	uint64_t found;

	if (pyi_attributes_get(places->runtime, places->reader, module, "__name__", &found) &&
	    read_name(places, found, name))
		return strdup(name);
	return strdup("?");
}

static uint64_t builtin_type(const struct pyi_runtime *runtime, uint32_t kind)
{
	for (size_t i = 0; i < runtime->builtin_type_count; i++)
		if (runtime->builtin_types[i].kind == kind)
			return runtime->builtin_types[i].addr;
	return 0;
}

/* The type whose fields the edge of a place is in. */
static uint64_t holder_type(const struct pyi_places *places, const struct pyi_place *place)
{
	const struct pyi_layout *layout = places->runtime->layout;

	switch (place->holder) {
	case PYI_HOLDER_MODULE:
	case PYI_HOLDER_CLASS:
		return load(places, place->holder_addr + layout->object_type);
	case PYI_HOLDER_INSTANCE:
		return place->holder_addr;
	case PYI_HOLDER_FUNCTION:
		return builtin_type(places->runtime, PYI_KIND_FUNCTION);
	case PYI_HOLDER_FRAME:
		/* Frames that are objects hold no variables from 3.11 on; generators do. */
		return builtin_type(places->runtime, layout->frame_localsplus == PYI_ABSENT
							     ? PYI_KIND_GENERATOR
							     : PYI_KIND_FRAME);
	default:
		return 0;
	}
}

static char *name_holder(const struct pyi_places *places, const struct pyi_place *place,
			 const char **ret_word)
{
	*ret_word = "";
	switch (place->holder) {
	case PYI_HOLDER_MODULE:
		*ret_word = "module ";
		return name_module(places, place->holder_addr);
	case PYI_HOLDER_CLASS:
		/* An attribute of a class is written like Python writes it. */
		*ret_word = place->edge.kind == PYI_EDGE_NONE ? "class " : "";
		return pyi_objects_type_name(places->runtime, places->reader, place->holder_addr);
	case PYI_HOLDER_INSTANCE:
		*ret_word = "instance ";
		return pyi_objects_type_name(places->runtime, places->reader, place->holder_addr);
	case PYI_HOLDER_FUNCTION:
		*ret_word = "function ";
		return pyi_places_code_name(places, place->holder_addr);
	case PYI_HOLDER_CACHE:
		*ret_word = "function ";
		return pyi_places_code_name(places, place->holder_addr);
	case PYI_HOLDER_FRAME:
		*ret_word = "frame ";
		return pyi_places_code_name(places, place->holder_addr);
	default:
		return strdup(place->edge.kind == PYI_EDGE_NONE ? "interpreter" : "");
	}
}

char *pyi_places_owner(const struct pyi_places *places, const struct pyi_place *place,
		       bool *ret_none)
{
	PYI_CLEANUP(pyi_guard_free) char *holder = NULL;
	PYI_CLEANUP(pyi_guard_free) char *edge = NULL;
	const char *word;
	bool joined;

	*ret_none = place->holder == PYI_HOLDER_NONE;
	if (*ret_none)
		return NULL;
	if (place->holder == PYI_HOLDER_OTHER)
		return strdup("(other)");
	holder = name_holder(places, place, &word);
	/* Where in a cache it is says nothing. */
	if (place->holder == PYI_HOLDER_CACHE && place->edge.kind != PYI_EDGE_ATTRIBUTE)
		edge = strdup(place->edge.kind == PYI_EDGE_NONE ? "" : "(cached)");
	else
		edge = pyi_places_edge(places, holder_type(places, place), &place->edge);
	if (!holder || !edge)
		return NULL;
	/* ".attribute" and "[item]" follow the name as in Python, words after a space. */
	joined = !*holder || !*edge || strchr(".[{", *edge);
	return format("%s%s%s%s", word, holder, joined ? "" : " ", edge);
}
