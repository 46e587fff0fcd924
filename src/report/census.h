/*
 * What reports on types have in common: a type in a table and as JSON, what the other types have,
 * and which were asked for.
 */
#ifndef PYI_REPORT_CENSUS_H
#define PYI_REPORT_CENSUS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "analysis/census.h"
#include "report/table.h"

/* One estimated type makes every sum that it is part of an estimate: of those from `first` on. */
bool pyi_report_any_estimated(const struct pyi_census *census, size_t first);

/* The text that ends a line: the name, and of how many classes. False without memory. */
bool pyi_report_put_type(const struct pyi_table *table, const char *name,
			 uint32_t classes) PYI_MUST_CHECK;

/* The fields of one type, into an object that is there. False without memory. */
bool pyi_report_add_type(cJSON *json, const struct pyi_census_type *type) PYI_MUST_CHECK;

/* "types": the first `shown` of them. False without memory. */
bool pyi_report_add_types(cJSON *result, const struct pyi_census *census,
			  size_t shown) PYI_MUST_CHECK;

/* "other": what is not among the types that are shown. False without memory. */
bool pyi_report_add_other(cJSON *result, const struct pyi_census_sum *sum) PYI_MUST_CHECK;

/* "filter", if there is one. False without memory. */
bool pyi_report_add_filter(cJSON *result, const struct pyi_census_filter *filter) PYI_MUST_CHECK;

#endif
