/*
 * check of several processes: the worst of each rule, with the process that it is of, and values by
 * which one is far from the others. What is kept (history, incidents, evidence) each process has
 * for itself.
 */
#include "cli/add_up.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check.h"
#include "base/cleanup.h"
#include "cli/check_aside.h"
#include "cli/inspection.h"
#include "report/check.h"

struct adding {
	struct pyi_sum sum;
	struct pyi_check check;
	struct pyi_sample sample;
	struct pyi_check_report report;
};

static enum pyi_check_status status_of(const char *name)
{
	for (int status = PYI_CHECK_OK; name && status < PYI_CHECK_UNKNOWN; status++)
		if (strcmp(name, pyi_check_status_name((enum pyi_check_status)status)) == 0)
			return (enum pyi_check_status)status;
	return PYI_CHECK_UNKNOWN;
}

static enum pyi_check_unit unit_of(const char *name)
{
	if (name && strcmp(name, "bytes") == 0)
		return PYI_CHECK_BYTES;
	if (name && strcmp(name, "count-per-hour") == 0)
		return PYI_CHECK_COUNT_PER_HOUR;
	return name && strcmp(name, "bytes-per-hour") == 0 ? PYI_CHECK_BYTES_PER_HOUR
							   : PYI_CHECK_COUNT;
}

static double limit_of(const cJSON *rule, const char *key)
{
	const cJSON *limit = cJSON_GetObjectItemCaseSensitive(rule, key);

	return cJSON_IsNumber(limit) ? limit->valuedouble : INFINITY;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct pyi_check_finding *find(const struct pyi_check *check, const char *rule,
				      const char *subject)
{
	for (size_t f = 0; f < check->count; f++)
		if (is_same(check->findings[f].rule, rule) &&
		    is_same(check->findings[f].subject, subject))
			return &check->findings[f];
	return NULL;
}

static void drop(struct pyi_check_finding *finding)
{
	free(finding->rule);
	free(finding->subject);
	free(finding->message);
}

/* Of the same rule in two processes: what one of them does not have says nothing if the other has
 * it.
 */
static bool outweighs(const struct pyi_check_finding *known,
		      const struct pyi_check_finding *finding)
{
	if (known->absent != finding->absent)
		return finding->absent;
	return pyi_check_status_is_worse(known->status, finding->status) ||
	       (known->status == finding->status && known->value >= finding->value);
}

/* Takes over what `finding` owns. */
static struct pyi_error *keep(struct pyi_check *check, struct pyi_check_finding *finding)
{
	struct pyi_check_finding *known = find(check, finding->rule, finding->subject);
	struct pyi_check_finding *longer;

	if (known && outweighs(known, finding)) {
		drop(finding);
		return NULL;
	}
	if (known) {
		drop(known);
		*known = *finding;
		return NULL;
	}
	longer = reallocarray(check->findings, check->count + 1, sizeof(*longer));
	if (!longer) {
		drop(finding);
		return pyi_error_no_memory();
	}
	check->findings = longer;
	longer[check->count++] = *finding;
	return NULL;
}

static struct pyi_error *add_finding(struct pyi_check *check, pid_t pid, const char *rule,
				     const char *subject, const char *message,
				     struct pyi_check_finding finding)
{
	int length =
		asprintf(&finding.message, "process %d: %s", (int)pid, message ? message : "?");

	finding.rule = strdup(rule);
	finding.subject = subject ? strdup(subject) : NULL;
	if (length < 0)
		finding.message = NULL;
	if (length >= 0 && finding.rule && (!subject || finding.subject))
		return keep(check, &finding);
	drop(&finding);
	return pyi_error_no_memory();
}

static struct pyi_error *add_rules(struct adding *adding, const struct pyi_part *part)
{
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(part->result, "rules");
	struct pyi_error *error = NULL;
	const cJSON *rule;

	cJSON_ArrayForEach(rule, rules)
	{
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(rule, "value");
		const char *name = pyi_part_text(rule, "rule");

		if (error || !name)
			continue;
		error = add_finding(&adding->check, part->pid, name, pyi_part_text(rule, "subject"),
				    pyi_part_text(rule, "message"),
				    (struct pyi_check_finding){
					    .status = status_of(pyi_part_text(rule, "status")),
					    .absent = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
						    rule, "absent")),
					    .value_known = cJSON_IsNumber(value),
					    .value = pyi_part_number(rule, "value"),
					    .unit = unit_of(pyi_part_text(rule, "unit")),
					    .warning = limit_of(rule, "warning"),
					    .critical = limit_of(rule, "critical"),
				    });
	}
	return error;
}

/* Figures of the processes, which are added up; NaN, and what is no figure, is none. */
static struct pyi_error *add_figures(struct pyi_sample *sample, const struct pyi_part *part)
{
	const cJSON *figures = cJSON_GetObjectItemCaseSensitive(part->result, "figures");
	struct pyi_error *error = NULL;
	const cJSON *figure;

	cJSON_ArrayForEach(figure, figures)
	{
		if (!error && cJSON_IsNumber(figure) && figure->string)
			error = pyi_sample_add(sample, PYI_FIGURE_PROCESS, figure->string,
					       pyi_part_unsigned(figures, figure->string), 0);
	}
	return error;
}

static void add_rest(struct adding *adding, const struct pyi_part *part, bool first)
{
	const cJSON *history = cJSON_GetObjectItemCaseSensitive(part->result, "history");
	const char *evidence = pyi_part_text(part->result, "evidence");
	struct pyi_check_report *report = &adding->report;
	struct pyi_sample *sample = &adding->sample;
	uint64_t age_s = pyi_part_unsigned(part->result, "age_s");

	sample->time_s = (int64_t)pyi_part_unsigned(part->result, "time_s");
	if (age_s > sample->age_s)
		sample->age_s = age_s;
	sample->incomplete |=
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(part->result, "incomplete"));
	report->skipped_objects += pyi_part_unsigned(part->result, "skipped");
	report->history = pyi_part_text(history, "file");
	report->history_wanted = !adding->sum.options->no_history;
	report->history_kept = (first || report->history_kept) &&
			       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(history, "kept"));
	if (!report->evidence)
		report->evidence = evidence;
}

/* One that could not be looked at, or may not be as it was. */
static struct pyi_error *add_failure(struct adding *adding, const struct pyi_part *part)
{
	enum pyi_check_status status = part->not_restored ? PYI_CHECK_CRITICAL : PYI_CHECK_UNKNOWN;

	return add_finding(&adding->check, part->pid, "measured", NULL,
			   part->error_message && !part->not_restored ? part->error_message
								      : pyi_part_lost(part),
			   (struct pyi_check_finding){
				   .status = status, .warning = INFINITY, .critical = INFINITY });
}

/* The value of a rule in the report of one process; 0: none. */
static double value_in(const struct pyi_part *part, const struct pyi_check_finding *finding)
{
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(part->result, "rules");
	const cJSON *rule;

	cJSON_ArrayForEach(rule, rules)
	{
		if (is_same(pyi_part_text(rule, "rule"), finding->rule) &&
		    is_same(pyi_part_text(rule, "subject"), finding->subject))
			return pyi_part_number(rule, "value");
	}
	return 0;
}

static struct pyi_error *compare_rules(struct adding *adding)
{
	struct pyi_sum *sum = &adding->sum;
	PYI_CLEANUP(pyi_guard_free)
	double *values = calloc(sum->group.member_count + 1, sizeof(*values));
	struct pyi_error *error = NULL;

	if (!values)
		return pyi_error_no_memory();
	for (size_t f = 0; f < adding->check.count && !error; f++) {
		const struct pyi_check_finding *finding = &adding->check.findings[f];
		size_t m = 0;

		if (finding->unit != PYI_CHECK_COUNT || !finding->value_known)
			continue;
		for (size_t p = 0; p < sum->parts->count; p++)
			if (sum->parts->items[p].result)
				values[m++] = value_in(&sum->parts->items[p], finding);
		error = pyi_sum_compare(sum, finding->subject ? finding->subject : finding->rule,
					values);
	}
	pyi_sum_end(sum);
	return error;
}

/* What one process has far more of than the others is said with its finding. */
static struct pyi_error *tell_differences(struct adding *adding)
{
	const struct pyi_group *group = &adding->sum.group;

	for (size_t d = 0; d < group->difference_count; d++) {
		const struct pyi_group_difference *difference = &group->differences[d];

		for (size_t f = 0; f < adding->check.count; f++) {
			struct pyi_check_finding *finding = &adding->check.findings[f];
			PYI_CLEANUP(pyi_guard_free) char *told = NULL;
			char *message;

			if (finding->status == PYI_CHECK_OK ||
			    !is_same(finding->subject ? finding->subject : finding->rule,
				     difference->what))
				continue;
			told = pyi_group_tell(group, difference);
			if (!told || asprintf(&message, "%s; %s", finding->message, told) < 0)
				return pyi_error_no_memory();
			free(finding->message);
			finding->message = message;
		}
	}
	return NULL;
}

/* What none of them has may be a name with a mistake in it. */
static void doubt_absent(struct pyi_check *check)
{
	for (size_t f = 0; f < check->count; f++)
		if (check->findings[f].absent)
			check->findings[f].status = PYI_CHECK_UNKNOWN;
}

/* The worst first, else in the order of the rules. */
static struct pyi_error *order(struct pyi_check *check)
{
	static const enum pyi_check_status by_weight[] = { PYI_CHECK_CRITICAL, PYI_CHECK_WARNING,
							   PYI_CHECK_UNKNOWN, PYI_CHECK_OK };
	struct pyi_check_finding *ordered = calloc(check->count + 1, sizeof(*ordered));
	size_t count = 0;

	if (!ordered)
		return pyi_error_no_memory();
	for (size_t w = 0; w < sizeof(by_weight) / sizeof(by_weight[0]); w++)
		for (size_t f = 0; f < check->count; f++)
			if (check->findings[f].status == by_weight[w])
				ordered[count++] = check->findings[f];
	free(check->findings);
	check->findings = ordered;
	check->status = count ? ordered[0].status : PYI_CHECK_UNKNOWN;
	return NULL;
}

static struct pyi_error *add_all(struct adding *adding)
{
	struct pyi_parts *parts = adding->sum.parts;
	struct pyi_error *error = NULL;
	size_t m = 0;

	for (size_t p = 0; p < parts->count && !error; p++) {
		const struct pyi_part *part = &parts->items[p];

		if (part->not_restored || (!part->result && !pyi_part_is_left_out(part)))
			error = add_failure(adding, part);
		if (error || !part->result)
			continue;
		adding->sum.group.members[m].objects = pyi_part_unsigned(
			cJSON_GetObjectItemCaseSensitive(part->result, "figures"), "objects");
		adding->sum.group.members[m].bytes = pyi_part_unsigned(
			cJSON_GetObjectItemCaseSensitive(part->result, "figures"), "object_bytes");
		adding->sum.group.members[m].status =
			pyi_check_status_name(status_of(pyi_part_text(part->result, "status")));
		error = add_rules(adding, part);
		if (!error)
			error = add_figures(&adding->sample, part);
		add_rest(adding, part, m++ == 0);
	}
	doubt_absent(&adding->check);
	if (!error)
		error = compare_rules(adding);
	if (!error)
		error = tell_differences(adding);
	return error ? error : order(&adding->check);
}

struct pyi_error *pyi_add_up_check(const struct pyi_options *options, struct pyi_envelope *envelope,
				   struct pyi_parts *parts, enum pyi_exit *ret_exit)
{
	struct adding adding = {
		.sum = { .options = options, .parts = parts, .envelope = envelope },
		.report = { .target = options->target, .limit = options->limit },
	};
	struct pyi_error *error = pyi_sum_begin(&adding.sum);

	if (!error)
		error = add_all(&adding);
	if (!error) {
		pyi_sample_sort(&adding.sample);
		adding.report.check = &adding.check;
		adding.report.sample = &adding.sample;
		pyi_check_aside_print(options, envelope, &adding.report);
		error = pyi_report_check(options->out, options->format,
					 pyi_inspection_columns(options), envelope, &adding.report);
	}
	if (!error)
		*ret_exit = (enum pyi_exit)adding.check.status;
	pyi_check_deinit(&adding.check);
	pyi_sample_deinit(&adding.sample);
	pyi_sum_deinit(&adding.sum);
	return error;
}
