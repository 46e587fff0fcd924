/*
 * Judges figures and their growth by rules, and says in a sentence each what came of it.
 */
#include "analysis/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check_private.h"
#include "analysis/near_name.h"
#include "base/array.h"

struct pyi_error *pyi_judge_say(struct pyi_check_finding *finding, const char *format, ...)
{
	va_list arguments;
	int length;

	free(finding->message);
	va_start(arguments, format);
	length = vasprintf(&finding->message, format, arguments);
	va_end(arguments);
	if (length >= 0)
		return NULL;
	finding->message = NULL;
	return pyi_error_no_memory();
}

static enum pyi_check_unit unit_of(enum pyi_rule_kind kind)
{
	if (pyi_rule_kind_is_growth(kind))
		return pyi_rule_kind_in_bytes(kind) ? PYI_CHECK_BYTES_PER_HOUR
						    : PYI_CHECK_COUNT_PER_HOUR;
	return pyi_rule_kind_in_bytes(kind) ? PYI_CHECK_BYTES : PYI_CHECK_COUNT;
}

/* A finding that is OK and has no value yet; it belongs to the check at once. NULL: no memory. */
struct pyi_check_finding *pyi_judge_add(struct pyi_judge *judge, const struct pyi_rule *rule,
					const char *subject)
{
	struct pyi_check *check = &judge->check;
	struct pyi_check_finding *finding;

	if (!pyi_array_reserve(&check->findings, check->count, &judge->capacity,
			       sizeof(*check->findings)))
		return NULL;
	finding = &check->findings[check->count++];
	*finding = (struct pyi_check_finding){
		.kind = rule->kind,
		.status = PYI_CHECK_OK,
		.unit = unit_of(rule->kind),
		.warning = rule->warning,
		.critical = rule->critical,
		.rule = pyi_rule_name(rule),
		.subject = subject ? strdup(subject) : NULL,
	};
	if (!finding->rule || (subject && !finding->subject))
		return NULL;
	return finding;
}

const char *pyi_judge_quantity(char text[PYI_QUANTITY_TEXT], enum pyi_check_unit unit, double value)
{
	if (unit == PYI_CHECK_BYTES || unit == PYI_CHECK_BYTES_PER_HOUR)
		return pyi_quantity_bytes(text, value);
	return pyi_quantity_count(text, value);
}

enum pyi_check_status pyi_judge_status_of(const struct pyi_check_finding *finding, double value)
{
	if (value > finding->critical)
		return PYI_CHECK_CRITICAL;
	return value > finding->warning ? PYI_CHECK_WARNING : PYI_CHECK_OK;
}

/* The limit that a value is above, or the lowest one that it is not above. */
double pyi_judge_limit_of(const struct pyi_check_finding *finding)
{
	if (finding->status == PYI_CHECK_CRITICAL)
		return finding->critical;
	if (finding->status == PYI_CHECK_WARNING)
		return finding->warning;
	return fmin(finding->warning, finding->critical);
}

struct pyi_error *pyi_judge_unknown(struct pyi_check_finding *finding, const char *what,
				    const char *why)
{
	finding->status = PYI_CHECK_UNKNOWN;
	return pyi_judge_say(finding, "%s: %s", what, why);
}

/* "A has 3 entries, more than 2", from the words before and behind the number. */
struct pyi_error *pyi_judge_value(struct pyi_judge *judge, struct pyi_check_finding *finding,
				  double value, bool may_be_too_low, const char *before,
				  const char *behind)
{
	char figure[PYI_QUANTITY_TEXT];
	char limit[PYI_QUANTITY_TEXT];
	double limit_value;

	finding->value_known = true;
	finding->value = value;
	finding->status = pyi_judge_status_of(finding, value);
	limit_value = pyi_judge_limit_of(finding);
	pyi_judge_quantity(figure, finding->unit, value);
	pyi_judge_quantity(limit, finding->unit, limit_value);
	if (finding->status != PYI_CHECK_OK)
		return pyi_judge_say(finding, "%s %s%s, more than %s", before, figure, behind,
				     limit);
	if (may_be_too_low && judge->sample->incomplete) {
		finding->status = PYI_CHECK_UNKNOWN;
		return pyi_judge_say(finding, "%s at least %s%s; the look was not complete", before,
				     figure, behind);
	}
	if (isinf(limit_value))
		return pyi_judge_say(finding, "%s %s%s", before, figure, behind);
	return pyi_judge_say(finding, "%s %s%s, no more than %s", before, figure, behind, limit);
}

static bool ends_with_name(const char *full, const char *bare)
{
	size_t full_length = strlen(full);
	size_t length = strlen(bare);

	return full_length > length && full[full_length - length - 1] == '.' &&
	       strcmp(full + full_length - length, bare) == 0;
}

/* What a rule about a type means: NULL: there is none. With `other` it is not known which. */
struct meaning {
	const struct pyi_figure *figure;
	const struct pyi_figure *other;
};

/* By the name in the rule, or else by what that is the bare name of. */
static struct meaning find_type(const struct pyi_sample *sample, const char *name)
{
	struct meaning meaning = { pyi_sample_find(sample, PYI_FIGURE_TYPE_TREE, name), NULL };

	if (meaning.figure)
		return meaning;
	for (size_t f = 0; f < sample->figure_count && !meaning.other; f++) {
		const struct pyi_figure *figure = &sample->figures[f];

		if (figure->kind != PYI_FIGURE_TYPE_TREE || !ends_with_name(figure->name, name))
			continue;
		if (meaning.figure)
			meaning.other = figure;
		else
			meaning.figure = figure;
	}
	return meaning;
}

static struct pyi_error *set_ambiguous(struct pyi_check_finding *finding, const char *what,
				       const struct meaning *meaning)
{
	finding->status = PYI_CHECK_UNKNOWN;
	return pyi_judge_say(finding,
			     "%s: %s and %s have this name; give it with its module, or package",
			     what, meaning->figure->name, meaning->other->name);
}

/* What the sample has that is called nearly so; NULL: nothing. */
static const char *find_near(const struct pyi_sample *sample, enum pyi_figure_kind kind,
			     const char *name)
{
	struct pyi_near_name near_name = { .wanted = name };

	for (size_t f = 0; f < sample->figure_count; f++)
		if (sample->figures[f].kind == kind)
			pyi_near_name_offer(&near_name, sample->figures[f].name);
	return near_name.best;
}

const char *pyi_judge_why_no_history(const struct pyi_judge *judge)
{
	if (!judge->history || !judge->history->series)
		return judge->history && judge->history->unavailable ? judge->history->unavailable
								     : "there is no history";
	return judge->history->unavailable;
}

/* Whether what is not there may be taken for none. */
static struct pyi_error *may_be_absent(struct pyi_judge *judge, const struct pyi_rule *rule,
				       enum pyi_figure_kind kind, bool *ret_may)
{
	*ret_may = rule->may_be_absent;
	if (*ret_may || pyi_judge_why_no_history(judge) || !judge->history->seen)
		return NULL;
	return judge->history->seen(judge->history->argument, kind, rule->subject, ret_may);
}

/* As path and explain write the way to one object: "app.REG['rooms'][<int>]". */
static bool names_a_key(const char *subject)
{
	return strstr(subject, "['") || strstr(subject, "[<");
}

/*
 * What a rule is about is not in the process. A name with a mistake in it would be OK for ever, so
 * one that was never there is UNKNOWN; `*ret_none` says that the rule is to be judged with none.
 */
static struct pyi_error *judge_absent(struct pyi_judge *judge, struct pyi_check_finding *finding,
				      const struct pyi_rule *rule, enum pyi_figure_kind kind,
				      bool *ret_none)
{
	const char *what = kind == PYI_FIGURE_CONTAINER ? "container" : "type";
	const char *near_name;
	struct pyi_error *error;

	*ret_none = false;
	/* It may be in what could not be read. */
	if (judge->sample->incomplete)
		return pyi_judge_unknown(finding, rule->subject, "the look was not complete");
	if (kind == PYI_FIGURE_CONTAINER && judge->sample->containers_cut)
		return pyi_judge_unknown(finding, rule->subject,
					 "not all containers were looked at");
	error = may_be_absent(judge, rule, kind, ret_none);
	if (error || *ret_none)
		return error;
	finding->status = PYI_CHECK_UNKNOWN;
	finding->absent = true;
	near_name = find_near(judge->sample, kind == PYI_FIGURE_CONTAINER ? kind : PYI_FIGURE_TYPE,
			      rule->subject);
	if (near_name)
		return pyi_judge_say(finding,
				     "%.*s: there is no such %s, and none was seen before; there "
				     "is %.*s",
				     PYI_JUDGE_NAME_SHOWN, rule->subject, what,
				     PYI_JUDGE_NAME_SHOWN, near_name);
	if (kind == PYI_FIGURE_CONTAINER && names_a_key(rule->subject))
		return pyi_judge_say(finding,
				     "%.*s: there is no such container, and none was seen before; "
				     "names of containers have [*] for any key",
				     PYI_JUDGE_NAME_SHOWN, rule->subject);
	return pyi_judge_say(finding,
			     "%.*s: there is no such %s, and none was seen before; is the name "
			     "right?",
			     PYI_JUDGE_NAME_SHOWN, rule->subject, what);
}

/*
 * The figure of the type that a rule is about; NULL: there is none of it. `*ret_judged`: that is
 * not clear, and the finding says why.
 */
struct pyi_error *pyi_judge_find_type(struct pyi_judge *judge, struct pyi_check_finding *finding,
				      const struct pyi_rule *rule,
				      const struct pyi_figure **ret_figure, bool *ret_judged)
{
	struct meaning meaning = find_type(judge->sample, rule->subject);
	struct pyi_error *error = NULL;
	bool none = false;

	*ret_figure = meaning.figure;
	if (meaning.figure && !meaning.other) {
		*ret_judged = false;
		return NULL;
	}
	/* Of a name of several types that one of them had, there may be none at the moment. */
	if (meaning.other && !meaning.figure->count && !meaning.other->count)
		error = may_be_absent(judge, rule, PYI_FIGURE_TYPE_TREE, &none);
	else if (!meaning.figure)
		error = judge_absent(judge, finding, rule, PYI_FIGURE_TYPE_TREE, &none);
	if (!error && meaning.other && !none)
		error = set_ambiguous(finding, rule->subject, &meaning);
	if (meaning.other)
		*ret_figure = NULL;
	*ret_judged = !none;
	return error;
}

static struct pyi_error *judge_type(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	struct pyi_check_finding *finding = pyi_judge_add(judge, rule, rule->subject);
	const struct pyi_figure *figure;
	char before[PYI_JUDGE_NAME_SHOWN + 32];
	struct pyi_error *error;
	bool judged;

	if (!finding)
		return pyi_error_no_memory();
	error = pyi_judge_find_type(judge, finding, rule, &figure, &judged);
	if (error || judged)
		return error;
	if (rule->kind == PYI_RULE_MAX_BYTES) {
		snprintf(before, sizeof(before), "objects of %.*s take", PYI_JUDGE_NAME_SHOWN,
			 rule->subject);
		return pyi_judge_value(judge, finding, figure ? (double)figure->bytes : 0, true,
				       before, "");
	}
	snprintf(before, sizeof(before), "%.*s has", PYI_JUDGE_NAME_SHOWN, rule->subject);
	return pyi_judge_value(judge, finding, figure ? (double)figure->count : 0, true, before,
			       figure && figure->count == 1 ? " object" : " objects");
}

static struct pyi_error *judge_container(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	struct pyi_check_finding *finding = pyi_judge_add(judge, rule, rule->subject);
	const struct pyi_figure *longest;
	const struct pyi_figure *figure;
	char before[PYI_JUDGE_NAME_SHOWN + 32];
	char behind[PYI_QUANTITY_TEXT + 64];
	char length[PYI_QUANTITY_TEXT];
	bool none;

	if (!finding)
		return pyi_error_no_memory();
	figure = pyi_sample_find(judge->sample, PYI_FIGURE_CONTAINER, rule->subject);
	longest = pyi_sample_find(judge->sample, PYI_FIGURE_LONGEST, rule->subject);
	if (!figure) {
		struct pyi_error *error =
			judge_absent(judge, finding, rule, PYI_FIGURE_CONTAINER, &none);

		if (error || !none)
			return error;
	}
	snprintf(behind, sizeof(behind), figure && figure->count == 1 ? " entry" : " entries");
	if (figure && longest && longest->count != figure->count)
		snprintf(behind, sizeof(behind), " entries in all instances (the longest %s)",
			 pyi_quantity_count(length, (double)longest->count));
	snprintf(before, sizeof(before), "%.*s has", PYI_JUDGE_NAME_SHOWN, rule->subject);
	return pyi_judge_value(judge, finding, figure ? (double)figure->count : 0, true, before,
			       behind);
}

static struct pyi_error *judge_process(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	struct pyi_check_finding *finding = pyi_judge_add(judge, rule, NULL);
	bool rss = rule->kind == PYI_RULE_MAX_RSS;
	const struct pyi_figure *figure = pyi_sample_find(
		judge->sample, PYI_FIGURE_PROCESS, rss ? PYI_FIGURE_RSS : PYI_FIGURE_TRACKED);

	if (!finding)
		return pyi_error_no_memory();
	if (!figure)
		return pyi_judge_unknown(finding, rss ? "resident memory" : "tracked objects",
					 rss && judge->history && judge->history->no_rss
						 ? judge->history->no_rss
						 : "not measured");
	if (rss)
		return pyi_judge_value(judge, finding, (double)figure->count, false,
				       "the process has", " of resident memory");
	return pyi_judge_value(judge, finding, (double)figure->count, true, "the process has",
			       figure->count == 1 ? " tracked object" : " tracked objects");
}

static struct pyi_error *judge_slip(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	const struct pyi_sample *sample = judge->sample;
	const struct pyi_figure *stale =
		pyi_sample_find(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE);
	const struct pyi_figure *dead =
		pyi_sample_find(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES);
	struct pyi_check_finding *finding = pyi_judge_add(judge, rule, NULL);
	bool match = rule->kind == PYI_RULE_SLIP_DEAD_MATCH;

	if (!finding)
		return pyi_error_no_memory();
	if (!pyi_sample_find(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS)) {
		if (sample->incomplete)
			return pyi_judge_unknown(finding, "python-slip",
						 "the look was not complete");
		return pyi_judge_say(finding, "python-slip keeps nothing in this process");
	}
	if (!stale || (match && !dead))
		return pyi_judge_unknown(finding, "python-slip",
					 "the bus could not be asked which senders are gone");
	if (match && !dead->count) {
		finding->value_known = true;
		return pyi_judge_say(finding, "python-slip notices when senders go");
	}
	return pyi_judge_value(judge, finding, (double)stale->count, true,
			       match ? "python-slip no longer notices when senders go, and keeps"
				     : "python-slip keeps",
			       stale->count == 1 ? " that is gone" : " that are gone");
}

static struct pyi_error *judge_rule(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	switch (rule->kind) {
	case PYI_RULE_MAX_COUNT:
	case PYI_RULE_MAX_BYTES:
		return judge_type(judge, rule);
	case PYI_RULE_MAX_CONTAINER:
		return judge_container(judge, rule);
	case PYI_RULE_MAX_RSS:
	case PYI_RULE_MAX_TRACKED:
		return judge_process(judge, rule);
	case PYI_RULE_MAX_SLIP_STALE:
	case PYI_RULE_SLIP_DEAD_MATCH:
		return judge_slip(judge, rule);
	case PYI_RULE_GROWING_CONTAINERS:
		return pyi_judge_growing_containers(judge, rule);
	case PYI_RULE_GROWING_TYPES:
		return pyi_judge_growing_types(judge, rule);
	case PYI_RULE_MAX_GROWTH:
	case PYI_RULE_MAX_RSS_GROWTH:
	case PYI_RULE_MAX_TRACKED_GROWTH:
	case PYI_RULE_MAX_OTHER_GROWTH:
		break;
	}
	return pyi_judge_growth(judge, rule);
}

/* The worst first. */
static const enum pyi_check_status by_weight[] = {
	PYI_CHECK_CRITICAL,
	PYI_CHECK_WARNING,
	PYI_CHECK_UNKNOWN,
	PYI_CHECK_OK,
};

/* Puts the worst first and keeps the order of the rules otherwise. */
static struct pyi_error *order_findings(struct pyi_check *check, size_t *ret_capacity)
{
	struct pyi_check_finding *ordered = calloc(check->count, sizeof(*ordered));
	size_t count = 0;

	if (!ordered)
		return pyi_error_no_memory();
	for (size_t w = 0; w < sizeof(by_weight) / sizeof(by_weight[0]); w++) {
		for (size_t f = 0; f < check->count; f++) {
			if (check->findings[f].status == by_weight[w])
				ordered[count++] = check->findings[f];
		}
	}
	free(check->findings);
	check->findings = ordered;
	check->status = ordered[0].status;
	*ret_capacity = count;
	return NULL;
}

struct pyi_error *pyi_check_judge(const struct pyi_rules *rules, const struct pyi_sample *sample,
				  const struct pyi_check_history *history,
				  struct pyi_check *ret_check)
{
	struct pyi_judge judge = {
		.rules = rules,
		.sample = sample,
		.history = history,
		.check.status = PYI_CHECK_UNKNOWN,
	};
	struct pyi_error *error = NULL;

	for (size_t r = 0; r < rules->count && !error; r++)
		error = judge_rule(&judge, &rules->items[r]);
	if (!error && judge.check.count)
		error = order_findings(&judge.check, &judge.capacity);
	if (error) {
		pyi_check_deinit(&judge.check);
		return error;
	}
	*ret_check = judge.check;
	return NULL;
}

struct pyi_error *pyi_check_excuse_absent(struct pyi_check *check)
{
	size_t capacity;

	for (size_t f = 0; f < check->count; f++)
		if (check->findings[f].absent)
			check->findings[f].status = PYI_CHECK_OK;
	return check->count ? order_findings(check, &capacity) : NULL;
}

bool pyi_check_status_is_worse(enum pyi_check_status left, enum pyi_check_status right)
{
	size_t w = 0;

	while (by_weight[w] != left && by_weight[w] != right)
		w++;
	return left != right && by_weight[w] == left;
}

const char *pyi_check_status_name(enum pyi_check_status status)
{
	static const char *const names[] = {
		[PYI_CHECK_OK] = "ok",
		[PYI_CHECK_WARNING] = "warning",
		[PYI_CHECK_CRITICAL] = "critical",
		[PYI_CHECK_UNKNOWN] = "unknown",
	};

	return names[status];
}

void pyi_check_deinit(struct pyi_check *check)
{
	for (size_t f = 0; f < check->count; f++) {
		free(check->findings[f].rule);
		free(check->findings[f].subject);
		free(check->findings[f].message);
	}
	free(check->findings);
	*check = (struct pyi_check){ 0 };
}
