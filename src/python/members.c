/*
 * The fields that a type gives its instances, by its members and by the layout. Does not read
 * instances.
 */
#include "python/members.h"

#include <stddef.h>
#include <string.h>

#include <pyinspect/payload.h>
#include <pyinspect/type_flags.h>

#include "base/cleanup.h"
#include "python/attributes.h"
#include "python/builtin_types.h"
#include "python/objects_private.h"

enum {
	WORD_BYTES = 8,
	/* Include/structmember.h; the type of a member is an int right behind its name. */
	MEMBER_OBJECT = 6,
	MEMBER_OBJECT_EX = 16,
	MEMBER_TYPE_BEHIND_NAME = WORD_BYTES,
	MEMBER_LIMIT = 1000,
	MRO_LIMIT = 1000,
};

uint64_t pyi_members_mro_type(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t type_addr, uint64_t index)
{
	uint64_t mro = pyi_memory_u64(reader, type_addr + runtime->layout->type_mro);
	uint64_t type;

	/* Of an old-style class that stands for the type of its instances. */
	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		return index ? 0 : pyi_builtin_types_find(runtime, PYI_KIND_INSTANCE);
	if (!pyi_objects_has_flag(runtime, reader, mro, PYI_SUBCLASS_TUPLE_BIT))
		return index ? 0 : type_addr;
	if (index >= MRO_LIMIT || index >= pyi_memory_u64(reader, mro + runtime->layout->var_size))
		return 0;
	type = pyi_memory_u64(reader, mro + runtime->layout->tuple_items + index * WORD_BYTES);
	/* Among the bases of a type they add nothing that a type would tell. */
	return pyi_objects_is_old_class(runtime, reader, type) ? runtime->object_type_addr : type;
}

/* False if it cannot be read, or is the end of the list. */
static bool read_member(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			uint64_t member_addr, struct pyi_member *ret_member)
{
	struct pyi_member member = { .name_addr = pyi_memory_u64(
					     reader, member_addr + layout->member_name) };
	uint32_t type;

	if (!member.name_addr ||
	    !pyi_memory_try_read_u64(reader, member_addr + layout->member_offset, &member.offset) ||
	    !pyi_memory_try_read_u32(
		    reader, member_addr + layout->member_name + MEMBER_TYPE_BEHIND_NAME, &type))
		return false;
	member.is_object = type == MEMBER_OBJECT || type == MEMBER_OBJECT_EX;
	*ret_member = member;
	return true;
}

/*
 * Looks for a member of a type, of its own, that is an object: by name, or by `*offset` if `name`
 * is NULL.
 */
static bool find_member(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			uint64_t type_addr, const char *name, uint64_t *offset,
			char ret_name[PYI_NAME_BYTES])
{
	uint64_t member = pyi_memory_u64(reader, type_addr + layout->type_members);

	for (int i = 0; member && i < MEMBER_LIMIT; i++, member += layout->member_size) {
		struct pyi_member found;

		if (!read_member(layout, reader, member, &found))
			return false;
		if (!found.is_object || (!name && found.offset != *offset) ||
		    !pyi_memory_try_read_string(reader, found.name_addr, ret_name,
						PYI_NAME_BYTES) ||
		    (name && strcmp(name, ret_name) != 0))
			continue;
		*offset = found.offset;
		return ret_name[0] != '\0';
	}
	return false;
}

bool pyi_members_find(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		      uint64_t type_addr, const char *name, uint64_t *offset,
		      char ret_name[PYI_NAME_BYTES])
{
	uint64_t type;

	for (uint64_t i = 0; (type = pyi_members_mro_type(runtime, reader, type_addr, i)); i++)
		if (find_member(runtime->layout, reader, type, name, offset, ret_name))
			return true;
	return false;
}

void pyi_members_each_slot(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t type_addr,
			   bool (*member)(void *argument, const struct pyi_member *member),
			   void *argument)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t type;

	for (uint64_t i = 0; (type = pyi_members_mro_type(runtime, reader, type_addr, i)); i++) {
		uint64_t member_addr = pyi_memory_u64(reader, type + layout->type_members);
		struct pyi_member found;

		if (!member_addr ||
		    !(pyi_memory_u64(reader, type + layout->type_flags) & PYI_TPFLAG_HEAP_TYPE))
			continue;
		for (int m = 0;
		     m < MEMBER_LIMIT && read_member(layout, reader, member_addr, &found);
		     m++, member_addr += layout->member_size)
			if (!member(argument, &found))
				return;
	}
}

uint32_t pyi_members_kind(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t type_addr)
{
	uint64_t type;

	for (uint64_t i = 0; (type = pyi_members_mro_type(runtime, reader, type_addr, i)); i++)
		for (size_t b = 0; b < runtime->builtin_type_count; b++)
			if (runtime->builtin_types[b].addr == type)
				return runtime->builtin_types[b].kind;
	return PYI_KIND_PLAIN;
}

/* Fields that are no members: what Python calls them. */
struct field {
	uint32_t kind;
	/* Offset in struct pyi_layout of the field's offset. */
	size_t in_layout;
	const char *name;
};
#define FIELD(kind, field, name)                                                                   \
	{                                                                                          \
		PYI_KIND_##kind, offsetof(struct pyi_layout, field), name                          \
	}
static const struct field fields[] = {
	FIELD(FUNCTION, function_code, "__code__"),
	FIELD(FUNCTION, function_defaults, "__defaults__"),
	FIELD(FUNCTION, function_kwdefaults, "__kwdefaults__"),
	FIELD(FUNCTION, function_closure, "__closure__"),
	FIELD(FUNCTION, function_globals, "__globals__"),
	FIELD(FUNCTION, function_builtins, "__builtins__"),
	FIELD(FUNCTION, function_dict, "__dict__"),
	FIELD(FUNCTION, function_annotations, "__annotations__"),
	FIELD(FUNCTION, function_name, "__name__"),
	FIELD(FUNCTION, function_qualname, "__qualname__"),
	FIELD(FUNCTION, function_doc, "__doc__"),
	FIELD(FUNCTION, function_module, "__module__"),
	FIELD(CELL, cell_contents, "cell_contents"),
	FIELD(MODULE, module_dict, "__dict__"),
	FIELD(GENERATOR, generator_code, "gi_code"),
	FIELD(CODE, code_name, "co_name"),
	FIELD(CODE, code_qualname, "co_qualname"),
	FIELD(CODE, code_filename, "co_filename"),
	FIELD(CODE, code_varnames, "co_varnames"),
	FIELD(CODE, code_cellvars, "co_cellvars"),
	FIELD(CODE, code_freevars, "co_freevars"),
	FIELD(INSTANCE, instance_class, "__class__"),
	FIELD(INSTANCE, instance_dict, "__dict__"),
	FIELD(CLASS, class_bases, "__bases__"),
	FIELD(CLASS, class_dict, "__dict__"),
	FIELD(CLASS, class_name, "__name__"),
	FIELD(TYPE, type_dict, "__dict__"),
	FIELD(TYPE, type_bases, "__bases__"),
	FIELD(TYPE, type_mro, "__mro__"),
	FIELD(TYPE, type_base, "__base__"),
	FIELD(TYPE, type_subclasses, "__subclasses__()"),
	FIELD(TYPE, heap_type_name, "__name__"),
	FIELD(TYPE, heap_type_qualname, "__qualname__"),
	FIELD(TYPE, heap_type_slots, "__slots__"),
};

/* Lists of the layout that end with the fields of these two names. */
static const char *name_at_end(const uint32_t list[PYI_LAYOUT_LIST], uint64_t offset)
{
	int count = 0;

	while (count < PYI_LAYOUT_LIST && list[count] != PYI_ABSENT)
		count++;
	if (count >= 1 && list[count - 1] == offset)
		return "__qualname__";
	return count >= 2 && list[count - 2] == offset ? "__name__" : NULL;
}

/* Of a generator that has its frame in itself (3.11+). */
static const char *frame_field(const struct pyi_layout *layout, uint64_t offset)
{
	const struct {
		uint32_t offset;
		const char *name;
	} in_frame[] = {
		{ layout->iframe_code, "gi_frame.f_code" },
		{ layout->iframe_function, "gi_frame.f_func" },
		{ layout->iframe_locals, "gi_frame.f_locals" },
		{ layout->iframe_object, "gi_frame" },
	};

	if (!(layout->features & PYI_FEATURE_EMBEDDED_FRAMES) || offset < layout->generator_iframe)
		return NULL;
	for (size_t f = 0; f < sizeof(in_frame) / sizeof(in_frame[0]); f++)
		if (in_frame[f].offset == offset - layout->generator_iframe)
			return in_frame[f].name;
	return NULL;
}

static const char *builtin_field(const struct pyi_layout *layout, uint32_t kind, uint64_t offset)
{
	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		uint32_t found;

		memcpy(&found, (const char *)layout + fields[f].in_layout, sizeof(found));
		if (fields[f].kind == kind && found == offset && found != PYI_ABSENT)
			return fields[f].name;
	}
	if (kind == PYI_KIND_GENERATOR && !name_at_end(layout->generator_references, offset))
		return frame_field(layout, offset);
	if (kind == PYI_KIND_GENERATOR)
		return name_at_end(layout->generator_references, offset);
	if (kind == PYI_KIND_DESCRIPTOR)
		return name_at_end(layout->descriptor_references, offset);
	if (kind == PYI_KIND_MODULE && layout->module_references[0] == offset)
		return "__name__";
	return NULL;
}

/* Coroutines and asynchronous generators have the fields of generators by other names. */
static void rename_coroutine(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     uint64_t type_addr, char *name)
{
	PYI_CLEANUP(pyi_guard_free) char *type = NULL;

	if (strncmp(name, "gi_", 3) != 0)
		return;
	type = pyi_objects_type_name(runtime, reader, type_addr);
	if (type && strcmp(type, "coroutine") == 0)
		memcpy(name, "cr", 2);
	else if (type && strcmp(type, "async_generator") == 0)
		memcpy(name, "ag", 2);
}

bool pyi_attributes_field_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			       uint64_t type_addr, uint64_t offset, char ret_name[PYI_NAME_BYTES])
{
	const struct pyi_layout *layout = runtime->layout;
	char found[PYI_NAME_BYTES];
	const char *name = NULL;

	/* Offset 0 would be that of types that say they have none. */
	if (!type_addr || !offset)
		return false;
	if (pyi_members_find(runtime, reader, type_addr, NULL, &offset, found))
		name = found;
	if (!name)
		name = builtin_field(layout, pyi_members_kind(runtime, reader, type_addr), offset);
	if (!name && !pyi_objects_is_old_class(runtime, reader, type_addr) &&
	    pyi_memory_u64(reader, type_addr + layout->type_dictoffset) == offset)
		name = "__dict__";
	if (!name)
		return false;
	memcpy(ret_name, name, strlen(name) + 1);
	rename_coroutine(runtime, reader, type_addr, ret_name);
	return true;
}
