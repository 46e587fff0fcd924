/*
 * Says what is known of the collector. Does not judge it.
 */
#include "report/collector.h"

#include <inttypes.h>
#include <stdlib.h>

#include "report/output.h"
#include "report/table.h"

static void put_counters(FILE *words, const struct pyi_collector *collector)
{
	const uint32_t *thresholds = collector->thresholds;
	const uint32_t *counts = collector->counts;

	fprintf(words,
		" (thresholds %" PRIu32 ", %" PRIu32 ", %" PRIu32 "; counts %" PRIu32 ", %" PRIu32
		", %" PRIu32 ")",
		thresholds[0], thresholds[1], thresholds[2], counts[0], counts[1], counts[2]);
}

char *pyi_report_collector_words(const struct pyi_collector *collector)
{
	char figure[PYI_TABLE_FIGURE_BYTES];
	char *text = NULL;
	size_t size;
	FILE *words = open_memstream(&text, &size);
	bool never = collector->counters_known && !collector->thresholds[0];

	if (!words)
		return NULL;
	if (!collector->enabled_known)
		fputs("whether the collector is enabled is not known", words);
	else if (!collector->enabled)
		fputs("the collector is disabled", words);
	else
		fputs(never ? "the collector is enabled, but never runs by itself, for its first "
			      "threshold is 0"
			    : "the collector is enabled",
		      words);
	if (collector->counters_known)
		put_counters(words, collector);
	if (collector->garbage_known && collector->garbage_length)
		fprintf(words, "; gc.garbage has %s object%s",
			pyi_table_figure(figure, collector->garbage_length),
			collector->garbage_length == 1 ? "" : "s");
	else if (collector->garbage_known)
		fputs("; gc.garbage is empty", words);
	if (fclose(words) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool add_counters(cJSON *json, const char *key, bool known, const uint32_t *values)
{
	cJSON *array = known ? cJSON_AddArrayToObject(json, key) : NULL;

	if (!known)
		return cJSON_AddNullToObject(json, key) != NULL;
	for (int g = 0; g < PYI_COLLECTOR_GENERATIONS && array; g++)
		if (!cJSON_AddItemToArray(array, cJSON_CreateNumber(values[g])))
			return false;
	return array != NULL;
}

bool pyi_report_add_collector(cJSON *result, const struct pyi_collector *collector)
{
	cJSON *json = cJSON_AddObjectToObject(result, "collector");

	return json &&
	       (collector->enabled_known
			? cJSON_AddBoolToObject(json, "enabled", collector->enabled)
			: cJSON_AddNullToObject(json, "enabled")) &&
	       add_counters(json, "thresholds", collector->counters_known, collector->thresholds) &&
	       add_counters(json, "counts", collector->counters_known, collector->counts) &&
	       (collector->garbage_known
			? pyi_output_add_unsigned(json, "garbage", collector->garbage_length)
			: cJSON_AddNullToObject(json, "garbage") != NULL);
}
