/*
 * The state of the garbage collector in reports: a sentence, and JSON.
 */
#ifndef PYI_REPORT_COLLECTOR_H
#define PYI_REPORT_COLLECTOR_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "python/collector.h"

/* "the collector is enabled (thresholds 700, 10, 10; counts 41, 3, 0); gc.garbage is empty": no
 * more than what is known. malloc'ed; NULL without memory. */
char *pyi_report_collector_words(const struct pyi_collector *collector);

/* "collector": {"enabled","thresholds","counts","garbage"}, each null if it is not known. */
bool pyi_report_add_collector(cJSON *result, const struct pyi_collector *collector) PYI_MUST_CHECK;

#endif
