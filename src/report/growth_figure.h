/*
 * A figure of two moments: how much it has grown.
 */
#ifndef PYI_REPORT_GROWTH_FIGURE_H
#define PYI_REPORT_GROWTH_FIGURE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "analysis/type_changes.h"
#include "report/table.h"

/* "+1,234", "-1,234", "0"; with "~" in front if it is an estimate. */
void pyi_growth_figure(char figure[PYI_TABLE_FIGURE_BYTES], struct pyi_change change,
		       bool estimated);

/* As {"before","after","growth"}; growth is negative for what has become less. False without
   memory. */
bool pyi_growth_add(cJSON *json, const char *key, struct pyi_change change) PYI_MUST_CHECK;

#endif
