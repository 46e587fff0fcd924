/*
 * Signs and digits.
 */
#include "report/growth_figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/output.h"

static bool is_less(struct pyi_change change)
{
	return change.after < change.before;
}

static uint64_t size_of(struct pyi_change change)
{
	return is_less(change) ? change.before - change.after : change.after - change.before;
}

void pyi_growth_figure(char figure[PYI_TABLE_FIGURE_BYTES], struct pyi_change change,
		       bool estimated)
{
	char digits[PYI_TABLE_FIGURE_BYTES];
	const char *sign = is_less(change) ? "-" : "+";

	if (change.after == change.before)
		sign = "";
	pyi_table_figure(digits, size_of(change));
	/* The longest is "~-" and 20 digits with 6 commas. */
	snprintf(figure, PYI_TABLE_FIGURE_BYTES, "%s%s%.26s", estimated && *sign ? "~" : "", sign,
		 digits);
}

bool pyi_growth_add(cJSON *json, const char *key, struct pyi_change change)
{
	cJSON *object = cJSON_AddObjectToObject(json, key);
	char growth[32];

	if (!object || !pyi_output_add_unsigned(object, "before", change.before) ||
	    !pyi_output_add_unsigned(object, "after", change.after))
		return false;
	snprintf(growth, sizeof(growth), "%s%" PRIu64, is_less(change) ? "-" : "", size_of(change));
	return cJSON_AddRawToObject(object, "growth", growth) != NULL;
}
