/*
 * Looks up rows of type_fields.c by the names and sizes of types.
 */
#include "python/type_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "python/attributes.h"
#include "python/members.h"
#include "python/objects_private.h"
#include "python/type_fields.h"

enum {
	MODULE_LIMIT = 1 << 17,
	/* sizeof(PyObject) in the builds that the rows are of. */
	ROW_OBJECT_BYTES = 16,
};

/* By how much all fields are further behind: where the header of objects is larger. */
static uint32_t shift_of(const struct pyi_runtime *runtime)
{
	return runtime->layout->object_size - ROW_OBJECT_BYTES;
}

static bool is_of(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		  const struct pyi_type_row *row, uint64_t type_addr)
{
	uint64_t basicsize;

	uint32_t version = runtime->layout->python_version - PYI_TYPE_ROWS_FROM;

	return version < 32 && row->versions >> version & 1 &&
	       pyi_memory_try_read_u64(reader, type_addr + runtime->layout->type_basicsize,
				       &basicsize) &&
	       basicsize == row->basicsize + shift_of(runtime);
}

static const char *find_field(const struct pyi_type_row *row, uint64_t offset)
{
	for (size_t f = 0; f < row->field_count; f++) {
		const struct pyi_type_field *field = &pyi_type_fields[row->first_field + f];

		if (field->offset == offset && field->flag != PYI_FIELD_CONDITION)
			return field->name;
	}
	return NULL;
}

const char *pyi_type_rules_field_name(const struct pyi_runtime *runtime,
				      struct pyi_memory_reader *reader, uint64_t type_addr,
				      uint64_t offset)
{
	uint64_t type;

	for (uint64_t i = 0; (type = pyi_members_mro_type(runtime, reader, type_addr, i)); i++) {
		PYI_CLEANUP(pyi_guard_free)
		char *name = pyi_objects_type_name(runtime, reader, type);

		for (size_t r = 0; name && r < pyi_type_row_count; r++) {
			const struct pyi_type_row *row = &pyi_type_rows[r];
			const char *found;

			if (strcmp(row->name, name) != 0 || !is_of(runtime, reader, row, type))
				continue;
			found = find_field(row, offset - shift_of(runtime));
			if (found)
				return found;
		}
	}
	return NULL;
}

/* False if the row has nothing that the payload needs to know. */
static bool make_rule(const struct pyi_type_row *row, uint32_t shift,
		      struct pyi_type_rule *ret_rule)
{
	struct pyi_type_rule rule = {
		.size_rule = row->size_rule,
		.unit = row->unit,
		.condition = PYI_ABSENT,
	};
	size_t references = 0;
	size_t sizes = 0;

	memset(rule.references, 0xff, sizeof(rule.references));
	for (size_t f = 0; f < row->field_count; f++) {
		const struct pyi_type_field *field = &pyi_type_fields[row->first_field + f];

		if (field->flag == PYI_FIELD_HIDDEN && references < PYI_RULE_REFERENCES)
			rule.references[references++] = field->offset + shift;
		else if (field->flag == PYI_FIELD_SIZE && sizes < PYI_RULE_FIELDS)
			rule.fields[sizes++] = field->offset + shift;
		else if (field->flag == PYI_FIELD_CONDITION)
			rule.condition = field->offset + shift;
	}
	*ret_rule = rule;
	return references || row->size_rule != PYI_SIZE_NONE;
}

struct search {
	const struct pyi_runtime *runtime;
	struct pyi_memory_reader *reader;
	struct pyi_type_rule *rules;
	size_t count;
	size_t modules;
};

/* Sub-interpreters share static types. */
static bool is_there(const struct search *search, uint64_t type)
{
	for (size_t r = 0; r < search->count; r++)
		if (search->rules[r].type_addr == type)
			return true;
	return false;
}

static bool visit_module(void *argument, uint64_t key, uint64_t value)
{
	struct search *search = argument;
	const struct pyi_runtime *runtime = search->runtime;
	char module[PYI_NAME_BYTES];
	size_t length;

	if (search->modules++ == MODULE_LIMIT)
		return false;
	if (!pyi_objects_read_str(runtime, search->reader, key, module))
		return true;
	length = strlen(module);
	for (size_t r = 0; r < pyi_type_row_count; r++) {
		const struct pyi_type_row *row = &pyi_type_rows[r];
		struct pyi_type_rule rule;
		uint64_t dict;
		uint64_t type;

		if (strncmp(row->where, module, length) != 0 || row->where[length] != '.' ||
		    search->count == PYI_TYPE_RULES || !make_rule(row, shift_of(runtime), &rule) ||
		    !pyi_memory_try_read_u64(search->reader, value + runtime->layout->module_dict,
					     &dict) ||
		    !pyi_objects_dict_get(runtime, search->reader, dict, row->where + length + 1,
					  &type) ||
		    !pyi_objects_has_flag(runtime, search->reader, type, PYI_SUBCLASS_TYPE_BIT) ||
		    !is_of(runtime, search->reader, row, type) || is_there(search, type))
			continue;
		rule.type_addr = type;
		search->rules[search->count++] = rule;
	}
	return true;
}

/* Without the type of its items the size of an array is not known: it stays an estimate. */
static size_t drop_arrays(struct pyi_type_rule *rules, size_t count)
{
	size_t kept = 0;

	for (size_t r = 0; r < count; r++)
		if (rules[r].size_rule == PYI_SIZE_ITEM)
			return count;
	for (size_t r = 0; r < count; r++)
		if (rules[r].size_rule != PYI_SIZE_NDARRAY)
			rules[kept++] = rules[r];
	return kept;
}

size_t pyi_type_rules_add(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			  uint64_t modules_addr, struct pyi_type_rule rules[PYI_TYPE_RULES],
			  size_t count)
{
	struct search search = {
		.runtime = runtime,
		.reader = reader,
		.rules = rules,
		.count = count,
	};

	/* What cannot be read leads to no types. */
	(void)pyi_attributes_each_item(runtime, reader, modules_addr, visit_module, &search);
	return drop_arrays(rules, search.count);
}
