/*
 * One fact after the other. Those of a file are whatever somebody has written there.
 */
#include "cli/dump_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/output.h"

enum {
	/* PID_MAX_LIMIT of include/linux/threads.h */
	PID_LIMIT = 1 << 22,
};

/* Some thousands of years. */
#define MOMENT_LIMIT_MS (UINT64_C(1) << 47)

static struct pyi_error *put_warnings(struct pyi_graph *graph, const struct pyi_envelope *envelope)
{
	struct pyi_error *error = NULL;

	for (size_t w = 0; w < envelope->warning_count && !error; w++) {
		PYI_CLEANUP(pyi_guard_free) char *text = NULL;

		if (asprintf(&text, "%s %s", envelope->warnings[w].code,
			     envelope->warnings[w].message) < 0) {
			text = NULL;
			return pyi_error_no_memory();
		}
		error = pyi_graph_add_fact(graph, PYI_DUMP_WARNING, 0, text);
	}
	return error;
}

struct pyi_error *pyi_dump_facts_put(struct pyi_graph *graph, const struct pyi_envelope *envelope,
				     const struct pyi_record_summary *summary,
				     const struct pyi_dump_moment *moment)
{
	const struct {
		enum pyi_dump_fact key;
		uint64_t number;
		const char *text;
	} facts[] = {
		{ PYI_DUMP_PID, (uint64_t)envelope->pid, NULL },
		{ PYI_DUMP_STARTED, moment->start_ticks, NULL },
		{ PYI_DUMP_EXE, 0, envelope->exe },
		{ PYI_DUMP_PYTHON, 0, envelope->python },
		{ PYI_DUMP_INTERPRETERS, envelope->interpreters, NULL },
		{ PYI_DUMP_INTERPRETER, envelope->interpreter, NULL },
		{ PYI_DUMP_RSS_BYTES, envelope->rss_bytes, NULL },
		{ PYI_DUMP_TAKEN, moment->taken_ms, NULL },
		{ PYI_DUMP_HOST, 0, pyi_output_host() },
		{ PYI_DUMP_VERSION, 0, pyi_output_version() },
		{ PYI_DUMP_SOURCE, 0, envelope->source },
		{ PYI_DUMP_CONSISTENT, envelope->consistent, NULL },
		{ PYI_DUMP_ATTEMPTS, envelope->attempts, NULL },
		{ PYI_DUMP_FROZEN_OBJECTS, summary->frozen_objects, NULL },
		{ PYI_DUMP_FROZEN_BYTES, summary->frozen_bytes, NULL },
		{ PYI_DUMP_SKIPPED_OBJECTS, summary->skipped_objects, NULL },
	};
	struct pyi_error *error = NULL;

	for (size_t f = 0; f < sizeof(facts) / sizeof(facts[0]) && !error; f++)
		error = pyi_graph_add_fact(graph, facts[f].key, facts[f].number, facts[f].text);
	return error ? error : put_warnings(graph, envelope);
}

struct pyi_error *pyi_dump_facts_put_collector(struct pyi_graph *graph,
					       const struct pyi_collector *collector)
{
	struct pyi_error *error = NULL;

	if (collector->enabled_known)
		error = pyi_graph_add_fact(graph, PYI_DUMP_GC_ENABLED, collector->enabled, NULL);
	for (int g = 0; g < PYI_COLLECTOR_GENERATIONS && collector->counters_known && !error; g++) {
		error = pyi_graph_add_fact(graph, PYI_DUMP_GC_THRESHOLD, collector->thresholds[g],
					   NULL);
		if (!error)
			error = pyi_graph_add_fact(graph, PYI_DUMP_GC_COUNT, collector->counts[g],
						   NULL);
	}
	if (!error && collector->garbage_known)
		error = pyi_graph_add_fact(graph, PYI_DUMP_GC_GARBAGE, collector->garbage_length,
					   NULL);
	return error;
}

void pyi_dump_facts_get_collector(const struct pyi_graph *graph,
				  struct pyi_collector *ret_collector)
{
	struct pyi_collector collector = { 0 };
	int thresholds = 0;
	int counts = 0;

	for (size_t f = 0; f < graph->fact_count; f++) {
		const struct pyi_graph_fact *fact = &graph->facts[f];

		if (fact->key == PYI_DUMP_GC_ENABLED) {
			collector.enabled_known = true;
			collector.enabled = fact->number != 0;
		} else if (fact->key == PYI_DUMP_GC_THRESHOLD &&
			   thresholds < PYI_COLLECTOR_GENERATIONS) {
			collector.thresholds[thresholds++] = (uint32_t)fact->number;
		} else if (fact->key == PYI_DUMP_GC_COUNT && counts < PYI_COLLECTOR_GENERATIONS) {
			collector.counts[counts++] = (uint32_t)fact->number;
		} else if (fact->key == PYI_DUMP_GC_GARBAGE) {
			collector.garbage_known = true;
			collector.garbage_length = fact->number;
		}
	}
	collector.counters_known =
		thresholds == PYI_COLLECTOR_GENERATIONS && counts == PYI_COLLECTOR_GENERATIONS;
	*ret_collector = collector;
}

struct pyi_error *pyi_dump_facts_put_status(struct pyi_graph *graph,
					    const struct pyi_process_status *status)
{
	const struct {
		enum pyi_dump_fact key;
		uint64_t number;
	} facts[] = {
		{ PYI_DUMP_ANONYMOUS_BYTES, status->anonymous_bytes },
		{ PYI_DUMP_SWAPPED_BYTES, status->swapped_bytes },
		{ PYI_DUMP_HUGE_POOL_BYTES, status->huge_pool_bytes },
		{ PYI_DUMP_THREADS, status->thread_count },
	};
	struct pyi_error *error = NULL;

	for (size_t f = 0; f < sizeof(facts) / sizeof(facts[0]) && !error; f++)
		error = pyi_graph_add_fact(graph, facts[f].key, facts[f].number, NULL);
	return error;
}

void pyi_dump_facts_get_status(const struct pyi_graph *graph, struct pyi_process_status *ret_status)
{
	struct pyi_process_status status = { 0 };

	for (size_t f = 0; f < graph->fact_count; f++) {
		uint64_t number = graph->facts[f].number;

		if (graph->facts[f].key == PYI_DUMP_RSS_BYTES)
			status.rss_bytes = number;
		else if (graph->facts[f].key == PYI_DUMP_ANONYMOUS_BYTES)
			status.anonymous_bytes = number;
		else if (graph->facts[f].key == PYI_DUMP_SWAPPED_BYTES)
			status.swapped_bytes = number;
		else if (graph->facts[f].key == PYI_DUMP_HUGE_POOL_BYTES)
			status.huge_pool_bytes = number;
		else if (graph->facts[f].key == PYI_DUMP_THREADS && number <= PID_LIMIT)
			status.thread_count = (unsigned)number;
	}
	*ret_status = status;
}

static void get_warning(struct pyi_envelope *envelope, const char *text)
{
	const char *space = strchr(text, ' ');
	size_t length = space ? (size_t)(space - text) : 0;
	char code[PYI_WARNING_CODE_BYTES];

	if (!length || length >= sizeof(code) || !space[1] ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz-") != length)
		return;
	memcpy(code, text, length);
	code[length] = '\0';
	pyi_envelope_warn(envelope, code, "%s", space + 1);
}

/* The last one of several counts. */
static bool get_text(char **text, const char *from)
{
	free(pyi_return_ptr(*text));
	if (!from)
		return true;
	*text = strdup(from);
	return *text != NULL;
}

static bool is_version(const char *text)
{
	return text && text[0] >= '0' && text[0] <= '9' && strchr(text, '.');
}

/* False without memory. */
static bool get(const struct pyi_graph_fact *fact, struct pyi_envelope *envelope,
		struct pyi_record_summary *summary, struct pyi_dump_moment *moment)
{
	switch (fact->key) {
	case PYI_DUMP_PID:
		if (fact->number <= PID_LIMIT)
			envelope->pid = (int64_t)fact->number;
		return true;
	case PYI_DUMP_STARTED:
		moment->start_ticks = fact->number;
		return true;
	case PYI_DUMP_EXE:
		return get_text(&envelope->exe, fact->text);
	case PYI_DUMP_PYTHON:
		return get_text(&envelope->python, is_version(fact->text) ? fact->text : NULL);
	case PYI_DUMP_INTERPRETERS:
		envelope->interpreters = fact->number;
		return true;
	case PYI_DUMP_INTERPRETER:
		envelope->interpreter = fact->number;
		return true;
	case PYI_DUMP_RSS_BYTES:
		envelope->rss_bytes = fact->number;
		return true;
	case PYI_DUMP_TAKEN:
		if (fact->number < MOMENT_LIMIT_MS)
			moment->taken_ms = fact->number;
		return true;
	case PYI_DUMP_HOST:
		return get_text(&envelope->dump.host, fact->text);
	case PYI_DUMP_VERSION:
		return get_text(&envelope->dump.version, fact->text);
	case PYI_DUMP_SOURCE:
		return get_text(&envelope->dump.source, fact->text);
	case PYI_DUMP_CONSISTENT:
		envelope->consistent = fact->number != 0;
		return true;
	case PYI_DUMP_ATTEMPTS:
		envelope->attempts = fact->number;
		return true;
	case PYI_DUMP_FROZEN_OBJECTS:
		summary->frozen_objects = fact->number;
		return true;
	case PYI_DUMP_FROZEN_BYTES:
		summary->frozen_bytes = fact->number;
		return true;
	case PYI_DUMP_SKIPPED_OBJECTS:
		summary->skipped_objects = fact->number;
		return true;
	case PYI_DUMP_WARNING:
		if (fact->text)
			get_warning(envelope, fact->text);
		return true;
	default:
		return true;
	}
}

struct pyi_error *pyi_dump_facts_get(const struct pyi_graph *graph, const char *file,
				     struct pyi_envelope *envelope,
				     struct pyi_record_summary *summary,
				     struct pyi_dump_moment *moment)
{
	*moment = (struct pyi_dump_moment){ 0 };
	envelope->source = "dump";
	envelope->dump.file = file;
	for (size_t f = 0; f < graph->fact_count; f++)
		if (!get(&graph->facts[f], envelope, summary, moment))
			return pyi_error_no_memory();
	envelope->dump.taken_ms = moment->taken_ms;
	return NULL;
}
