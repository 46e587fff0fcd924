/*
 * The parts of reports on types. Does not choose, order or sum them.
 */
#include "report/census.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/output.h"

bool pyi_report_any_estimated(const struct pyi_census *census, size_t first)
{
	for (size_t i = first; i < census->type_count; i++)
		if (census->types[i].estimated)
			return true;
	return false;
}

bool pyi_report_put_type(const struct pyi_table *table, const char *name, uint32_t classes)
{
	size_t used = pyi_table_text_start(table);
	PYI_CLEANUP(pyi_guard_free) char *safe = NULL;
	char count[32] = "";

	if (classes > 1)
		snprintf(count, sizeof(count), " (%" PRIu32 " classes)", classes);
	safe = pyi_output_fit(name, pyi_table_room(table, used + strlen(count)));
	if (safe)
		fprintf(table->stream, "%s%s\n", safe, count);
	return safe != NULL;
}

bool pyi_report_add_type(cJSON *json, const struct pyi_census_type *type)
{
	return pyi_output_add_text(json, "type", type->name) &&
	       pyi_output_add_unsigned(json, "count", type->count) &&
	       pyi_output_add_unsigned(json, "bytes", type->bytes) &&
	       (!type->estimated || cJSON_AddTrueToObject(json, "estimated")) &&
	       (type->classes < 2 || pyi_output_add_unsigned(json, "classes", type->classes));
}

bool pyi_report_add_types(cJSON *result, const struct pyi_census *census, size_t shown)
{
	cJSON *types = cJSON_AddArrayToObject(result, "types");
	bool ok = types != NULL;

	for (size_t i = 0; ok && i < shown; i++) {
		cJSON *type = pyi_output_append_object(types);

		ok = type && pyi_report_add_type(type, &census->types[i]);
	}
	return ok;
}

bool pyi_report_add_other(cJSON *result, const struct pyi_census_sum *sum)
{
	cJSON *other = cJSON_AddObjectToObject(result, "other");

	return other && pyi_output_add_unsigned(other, "types", sum->types) &&
	       pyi_output_add_unsigned(other, "count", sum->count) &&
	       pyi_output_add_unsigned(other, "bytes", sum->bytes);
}

bool pyi_report_add_filter(cJSON *result, const struct pyi_census_filter *filter)
{
	cJSON *json;

	if (!filter->type && !filter->module && !filter->no_builtins)
		return true;
	json = cJSON_AddObjectToObject(result, "filter");
	return json && pyi_output_add_text(json, "type", filter->type) &&
	       pyi_output_add_text(json, "module", filter->module) &&
	       cJSON_AddBoolToObject(json, "no_builtins", filter->no_builtins);
}
