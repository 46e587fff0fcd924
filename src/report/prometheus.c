/*
 * Prints a check as metrics. Does not judge.
 */
#include "report/prometheus.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	LABEL_COLUMNS = 200,
	LABELS = 2,
	/* Series of one metric, whatever the rules say. */
	SERIES = 2000,
};

/* One metric while its series are printed; the head comes with the first of them. */
struct metric {
	FILE *stream;
	const char *target;
	const char *name;
	const char *help;
	/* What was printed: a series that comes twice makes the whole file worthless. */
	char **labels;
	size_t count;
	bool no_memory;
};

static void begin(struct metric *metric, const char *name, const char *help)
{
	metric->name = name;
	metric->help = help;
}

static void end(struct metric *metric)
{
	for (size_t l = 0; l < metric->count; l++)
		free(metric->labels[l]);
	free(metric->labels);
	metric->labels = NULL;
	metric->count = 0;
}

static bool add_label(FILE *words, const char *name, const char *value)
{
	PYI_CLEANUP(pyi_guard_free) char *safe = pyi_output_fit(value, LABEL_COLUMNS);

	if (!safe)
		return false;
	fprintf(words, ",%s=\"", name);
	for (const char *letter = safe; *letter; letter++) {
		/* Control characters are written out already, as \xNN. */
		if (strchr("\\\"", *letter))
			fputc('\\', words);
		fputc(*letter, words);
	}
	fputc('"', words);
	return true;
}

/* `pairs`: names and values of labels besides the target's, ended by NULL. */
static char *make_labels(const struct metric *metric, const char *const *pairs)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_file) FILE *words = NULL;
	size_t size;

	words = open_memstream(&text, &size);
	if (!words || !add_label(words, "target", metric->target))
		return NULL;
	for (; pairs && *pairs; pairs += 2)
		if (!add_label(words, pairs[0], pairs[1]))
			return NULL;
	if (fclose(pyi_return_ptr(words)) != 0)
		return NULL;
	return pyi_return_ptr(text);
}

/* False if it was printed before, or there is no room for it. */
static bool remember(struct metric *metric, char *labels)
{
	char **longer;

	for (size_t l = 0; l < metric->count; l++)
		if (strcmp(metric->labels[l], labels) == 0)
			return false;
	if (metric->count >= SERIES)
		return false;
	longer = reallocarray(metric->labels, metric->count + 1, sizeof(*longer));
	metric->no_memory |= !longer;
	if (!longer)
		return false;
	metric->labels = longer;
	longer[metric->count++] = labels;
	return true;
}

static void put_text_value(struct metric *metric, const char *const *pairs, const char *value)
{
	char *labels = make_labels(metric, pairs);

	metric->no_memory |= !labels;
	if (!labels || !remember(metric, labels)) {
		free(labels);
		return;
	}
	if (metric->count == 1)
		fprintf(metric->stream, "# HELP %s %s\n# TYPE %s gauge\n", metric->name,
			metric->help, metric->name);
	/* Behind the comma that each label begins with. */
	fprintf(metric->stream, "%s{%s} %s\n", metric->name, labels + 1, value);
}

static void put_count(struct metric *metric, const char *const *pairs, uint64_t value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	put_text_value(metric, pairs, digits);
}

static void put_number(struct metric *metric, const char *const *pairs, double value)
{
	char digits[48];

	if (isinf(value))
		snprintf(digits, sizeof(digits), "%cInf", value > 0 ? '+' : '-');
	else if (isnan(value))
		snprintf(digits, sizeof(digits), "NaN");
	else
		snprintf(digits, sizeof(digits), "%.15g", value);
	put_text_value(metric, pairs, digits);
}

static void put_one(struct metric *metric, const char *name, const char *help, double value)
{
	begin(metric, name, help);
	put_number(metric, NULL, value);
	end(metric);
}

static void put_process(struct metric *metric, const struct pyi_sample *sample)
{
	static const struct {
		const char *figure;
		const char *name;
		const char *help;
	} figures[] = {
		{ PYI_FIGURE_RSS, "pyinspect_target_resident_memory_bytes",
		  "Resident memory of the process." },
		{ PYI_FIGURE_TRACKED, "pyinspect_target_tracked_objects",
		  "Objects that the garbage collector of the process tracks." },
		{ PYI_FIGURE_OBJECTS, "pyinspect_target_objects",
		  "Python objects in the process." },
		{ PYI_FIGURE_OBJECT_BYTES, "pyinspect_target_object_bytes",
		  "Shallow sizes of the Python objects in the process, added up." },
		{ PYI_FIGURE_SLIP_SENDERS, "pyinspect_slip_senders",
		  "D-Bus callers that python-slip keeps." },
		{ PYI_FIGURE_SLIP_STALE, "pyinspect_slip_stale_senders",
		  "D-Bus callers that python-slip keeps though they are gone." },
		{ PYI_FIGURE_SLIP_DEAD_MATCHES, "pyinspect_slip_dead_matches",
		  "Connections of python-slip on which nobody's end is noticed any more." },
	};

	for (size_t f = 0; f < sizeof(figures) / sizeof(figures[0]); f++) {
		const struct pyi_figure *figure =
			pyi_sample_find(sample, PYI_FIGURE_PROCESS, figures[f].figure);

		begin(metric, figures[f].name, figures[f].help);
		if (figure)
			put_count(metric, NULL, figure->count);
		end(metric);
	}
}

struct chosen {
	const struct pyi_figure *figure;
};

/* Bytes first, length for containers, which have none. */
static int biggest_first(const void *left, const void *right)
{
	const struct pyi_figure *a = ((const struct chosen *)left)->figure;
	const struct pyi_figure *b = ((const struct chosen *)right)->figure;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

static bool is_asked_for(const struct pyi_check *check, const struct pyi_figure *figure)
{
	for (size_t f = 0; f < check->count; f++)
		if (check->findings[f].subject &&
		    strcmp(check->findings[f].subject, figure->name) == 0)
			return true;
	return false;
}

/* Figures of one kind: those that rules are about, and the biggest of the others. */
struct choice {
	struct chosen *figures;
	size_t count;
};

/* A type without a module in its name. They are the biggest of any program, and say little of it.
 */
static bool is_builtin(const struct pyi_figure *figure)
{
	return figure->kind != PYI_FIGURE_CONTAINER && !strchr(figure->name, '.');
}

/* How many of those that no rule is about there may be: builtins are half of them, or what others
 * leave. */
static void share(const struct pyi_check_report *report, const struct chosen *figures, size_t count,
		  uint64_t *ret_builtins, uint64_t *ret_others)
{
	uint64_t builtins = 0;
	uint64_t others = 0;

	for (size_t f = 0; f < count; f++) {
		if (is_asked_for(report->check, figures[f].figure))
			continue;
		if (is_builtin(figures[f].figure))
			builtins++;
		else
			others++;
	}
	*ret_builtins = report->limit / 2;
	if (others < report->limit - *ret_builtins)
		*ret_builtins = report->limit - others;
	*ret_others = report->limit - (builtins < *ret_builtins ? builtins : *ret_builtins);
}

static bool choose(const struct pyi_check_report *report, enum pyi_figure_kind kind,
		   struct choice *ret_choice)
{
	const struct pyi_sample *sample = report->sample;
	struct chosen *figures = calloc(sample->figure_count + 1, sizeof(*figures));
	uint64_t builtins_left;
	uint64_t others_left;
	size_t count = 0;
	size_t kept = 0;

	if (!figures)
		return false;
	for (size_t f = 0; f < sample->figure_count; f++)
		if (sample->figures[f].kind == kind)
			figures[count++].figure = &sample->figures[f];
	qsort(figures, count, sizeof(*figures), biggest_first);
	share(report, figures, count, &builtins_left, &others_left);
	for (size_t f = 0; f < count; f++) {
		uint64_t *left = is_builtin(figures[f].figure) ? &builtins_left : &others_left;

		if (is_asked_for(report->check, figures[f].figure))
			figures[kept++] = figures[f];
		else if (*left && (*left)--)
			figures[kept++] = figures[f];
	}
	*ret_choice = (struct choice){ figures, kept };
	return true;
}

static void put_choice(struct metric *metric, const struct choice *choice, const char *label,
		       bool bytes)
{
	for (size_t f = 0; f < choice->count; f++) {
		const struct pyi_figure *figure = choice->figures[f].figure;
		const char *const pairs[] = { label, figure->name, NULL };

		put_count(metric, pairs, bytes ? figure->bytes : figure->count);
	}
	end(metric);
}

static bool put_types(struct metric *metric, const struct pyi_check_report *report)
{
	struct choice exact;
	struct choice trees;

	if (!choose(report, PYI_FIGURE_TYPE, &exact))
		return false;
	begin(metric, "pyinspect_type_objects",
	      "Objects of exactly this type: those of the rules, and the biggest.");
	put_choice(metric, &exact, "type", false);
	begin(metric, "pyinspect_type_bytes", "Shallow sizes of these objects, added up.");
	put_choice(metric, &exact, "type", true);
	free(exact.figures);
	if (!choose(report, PYI_FIGURE_TYPE_TREE, &trees))
		return false;
	begin(metric, "pyinspect_type_tree_objects",
	      "Objects of a type that a rule is about, and of its subclasses.");
	put_choice(metric, &trees, "type", false);
	begin(metric, "pyinspect_type_tree_bytes", "Shallow sizes of these objects, added up.");
	put_choice(metric, &trees, "type", true);
	free(trees.figures);
	return true;
}

static bool put_containers(struct metric *metric, const struct pyi_check_report *report)
{
	struct choice containers;

	if (!choose(report, PYI_FIGURE_CONTAINER, &containers))
		return false;
	begin(metric, "pyinspect_container_length",
	      "Items in a container that a module or class holds by name: those of the rules, and "
	      "the longest.");
	put_choice(metric, &containers, "container", false);
	free(containers.figures);
	return true;
}

enum rule_part {
	RULE_STATUS,
	RULE_VALUE,
	RULE_WARNING,
	RULE_CRITICAL,
};

static void put_rule_part(struct metric *metric, const struct pyi_check *check, enum rule_part part)
{
	for (size_t f = 0; f < check->count; f++) {
		const struct pyi_check_finding *finding = &check->findings[f];
		const char *const pairs[] = { "rule", finding->rule, "subject",
					      finding->subject ? finding->subject : "", NULL };

		if (part == RULE_STATUS)
			put_count(metric, pairs, finding->status);
		else if (part == RULE_VALUE && finding->value_known)
			put_number(metric, pairs, finding->value);
		else if (part == RULE_WARNING && isfinite(finding->warning))
			put_number(metric, pairs, finding->warning);
		else if (part == RULE_CRITICAL && isfinite(finding->critical))
			put_number(metric, pairs, finding->critical);
	}
	end(metric);
}

static void put_rules(struct metric *metric, const struct pyi_check *check)
{
	begin(metric, "pyinspect_rule_status",
	      "What came of a rule: 0 ok, 1 warning, 2 critical, 3 unknown.");
	put_rule_part(metric, check, RULE_STATUS);
	begin(metric, "pyinspect_rule_value",
	      "What a rule measured, in its own unit; growth is for each hour.");
	put_rule_part(metric, check, RULE_VALUE);
	begin(metric, "pyinspect_rule_warning_threshold", "A value above it is a warning.");
	put_rule_part(metric, check, RULE_WARNING);
	begin(metric, "pyinspect_rule_critical_threshold", "A value above it is critical.");
	put_rule_part(metric, check, RULE_CRITICAL);
}

static void put_run(struct metric *metric, enum pyi_check_status status, int64_t time_s)
{
	put_one(metric, "pyinspect_check_status",
		"What came of the last check: 0 ok, 1 warning, 2 critical, 3 unknown.",
		(double)status);
	put_one(metric, "pyinspect_last_run_timestamp_seconds",
		"When the last check was, since the epoch.", (double)time_s);
}

static void put_cost(struct metric *metric, const struct pyi_envelope *envelope)
{
	put_one(metric, "pyinspect_check_duration_seconds", "How long the check took.",
		envelope->elapsed_ms / 1000);
	put_one(metric, "pyinspect_check_paused_seconds",
		"For how long the process stood still for the check, in all.",
		envelope->paused_ms / 1000);
}

static void put_target(struct metric *metric, const struct pyi_envelope *envelope,
		       const struct pyi_check_report *report)
{
	const char *const pairs[] = { "exe", envelope->exe ? envelope->exe : "", "python",
				      envelope->python ? envelope->python : "", NULL };

	begin(metric, "pyinspect_target_info", "Which program the target is; always 1.");
	put_count(metric, pairs, 1);
	end(metric);
	if (!report->age_unknown)
		put_one(metric, "pyinspect_target_age_seconds",
			"For how long the process has lived.", (double)report->sample->age_s);
}

struct pyi_error *pyi_report_prometheus(FILE *stream, const struct pyi_envelope *envelope,
					const struct pyi_check_report *report)
{
	struct metric metric = { .stream = stream, .target = report->target };

	put_run(&metric, report->check->status, report->sample->time_s);
	put_one(&metric, "pyinspect_check_incomplete",
		"1 if figures may be too low or wrong because not all could be read, else 0.",
		report->sample->incomplete);
	if (report->history_wanted)
		put_one(&metric, "pyinspect_history_kept",
			"1 if the figures of this check were added to the history, else 0.",
			report->history_kept);
	put_cost(&metric, envelope);
	put_target(&metric, envelope, report);
	put_rules(&metric, report->check);
	put_process(&metric, report->sample);
	if (!put_types(&metric, report) || !put_containers(&metric, report) || metric.no_memory)
		return pyi_error_no_memory();
	return pyi_output_finish(stream);
}

struct pyi_error *pyi_report_prometheus_failure(FILE *stream, const char *target,
						enum pyi_check_status status, int64_t time_s)
{
	struct metric metric = { .stream = stream, .target = target ? target : "" };

	put_run(&metric, status, time_s);
	return metric.no_memory ? pyi_error_no_memory() : pyi_output_finish(stream);
}
