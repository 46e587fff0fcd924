/*
 * Judges figures and their growth by rules, and says in a sentence each what came of it.
 */
#include "analysis/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/near_name.h"
#include "analysis/quantity.h"
#include "base/array.h"

enum {
	/* Bytes of a name in a sentence; whole names are in `subject`. */
	NAME_SHOWN = 300,
	/* A history to which nothing has been added for that long says nothing of now. */
	FRESH_S = 2 * 3600,
};

/* What judging needs, and what it has found so far. */
struct judge {
	const struct pyi_rules *rules;
	const struct pyi_sample *sample;
	const struct pyi_check_history *history;
	struct pyi_check check;
	size_t capacity;
};

static struct pyi_error *format_message(struct pyi_check_finding *finding, const char *format, ...)
	PYI_PRINTF(2, 3);

static struct pyi_error *format_message(struct pyi_check_finding *finding, const char *format, ...)
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
static struct pyi_check_finding *add_finding(struct judge *judge, const struct pyi_rule *rule,
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

static const char *quantity(char text[PYI_QUANTITY_TEXT], enum pyi_check_unit unit, double value)
{
	if (unit == PYI_CHECK_BYTES || unit == PYI_CHECK_BYTES_PER_HOUR)
		return pyi_quantity_bytes(text, value);
	return pyi_quantity_count(text, value);
}

static enum pyi_check_status status_of(const struct pyi_check_finding *finding, double value)
{
	if (value > finding->critical)
		return PYI_CHECK_CRITICAL;
	return value > finding->warning ? PYI_CHECK_WARNING : PYI_CHECK_OK;
}

/* The limit that a value is above, or the lowest one that it is not above. */
static double limit_of(const struct pyi_check_finding *finding)
{
	if (finding->status == PYI_CHECK_CRITICAL)
		return finding->critical;
	if (finding->status == PYI_CHECK_WARNING)
		return finding->warning;
	return fmin(finding->warning, finding->critical);
}

static struct pyi_error *set_unknown(struct pyi_check_finding *finding, const char *what,
				     const char *why)
{
	finding->status = PYI_CHECK_UNKNOWN;
	return format_message(finding, "%s: %s", what, why);
}

/* "A has 3 entries, more than 2", from the words before and behind the number. */
static struct pyi_error *set_value(struct judge *judge, struct pyi_check_finding *finding,
				   double value, bool may_be_too_low, const char *before,
				   const char *behind)
{
	char figure[PYI_QUANTITY_TEXT];
	char limit[PYI_QUANTITY_TEXT];
	double limit_value;

	finding->value_known = true;
	finding->value = value;
	finding->status = status_of(finding, value);
	limit_value = limit_of(finding);
	quantity(figure, finding->unit, value);
	quantity(limit, finding->unit, limit_value);
	if (finding->status != PYI_CHECK_OK)
		return format_message(finding, "%s %s%s, more than %s", before, figure, behind,
				      limit);
	if (may_be_too_low && judge->sample->incomplete) {
		finding->status = PYI_CHECK_UNKNOWN;
		return format_message(finding, "%s at least %s%s; the look was not complete",
				      before, figure, behind);
	}
	if (isinf(limit_value))
		return format_message(finding, "%s %s%s", before, figure, behind);
	return format_message(finding, "%s %s%s, no more than %s", before, figure, behind, limit);
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
	return format_message(finding,
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

static const char *why_no_history(const struct judge *judge);

/* Whether what is not there may be taken for none. */
static struct pyi_error *may_be_absent(struct judge *judge, const struct pyi_rule *rule,
				       enum pyi_figure_kind kind, bool *ret_may)
{
	*ret_may = rule->may_be_absent;
	if (*ret_may || why_no_history(judge) || !judge->history->seen)
		return NULL;
	return judge->history->seen(judge->history->argument, kind, rule->subject, ret_may);
}

/*
 * What a rule is about is not in the process. A name with a mistake in it would be OK for ever, so
 * one that was never there is UNKNOWN; `*ret_none` says that the rule is to be judged with none.
 */
static struct pyi_error *judge_absent(struct judge *judge, struct pyi_check_finding *finding,
				      const struct pyi_rule *rule, enum pyi_figure_kind kind,
				      bool *ret_none)
{
	const char *what = kind == PYI_FIGURE_CONTAINER ? "container" : "type";
	const char *near_name;
	struct pyi_error *error;

	*ret_none = false;
	/* It may be in what could not be read. */
	if (judge->sample->incomplete)
		return set_unknown(finding, rule->subject, "the look was not complete");
	error = may_be_absent(judge, rule, kind, ret_none);
	if (error || *ret_none)
		return error;
	finding->status = PYI_CHECK_UNKNOWN;
	near_name = find_near(judge->sample, kind == PYI_FIGURE_CONTAINER ? kind : PYI_FIGURE_TYPE,
			      rule->subject);
	if (near_name)
		return format_message(finding,
				      "%.*s: there is no such %s, and none was seen before; there "
				      "is %.*s",
				      NAME_SHOWN, rule->subject, what, NAME_SHOWN, near_name);
	return format_message(finding,
			      "%.*s: there is no such %s, and none was seen before; is the name "
			      "right?",
			      NAME_SHOWN, rule->subject, what);
}

/*
 * The figure of the type that a rule is about; NULL: there is none of it. `*ret_judged`: that is
 * not clear, and the finding says why.
 */
static struct pyi_error *find_meant(struct judge *judge, struct pyi_check_finding *finding,
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

static struct pyi_error *judge_type(struct judge *judge, const struct pyi_rule *rule)
{
	struct pyi_check_finding *finding = add_finding(judge, rule, rule->subject);
	const struct pyi_figure *figure;
	char before[NAME_SHOWN + 32];
	struct pyi_error *error;
	bool judged;

	if (!finding)
		return pyi_error_no_memory();
	error = find_meant(judge, finding, rule, &figure, &judged);
	if (error || judged)
		return error;
	if (rule->kind == PYI_RULE_MAX_BYTES) {
		snprintf(before, sizeof(before), "objects of %.*s take", NAME_SHOWN, rule->subject);
		return set_value(judge, finding, figure ? (double)figure->bytes : 0, true, before,
				 "");
	}
	snprintf(before, sizeof(before), "%.*s has", NAME_SHOWN, rule->subject);
	return set_value(judge, finding, figure ? (double)figure->count : 0, true, before,
			 figure && figure->count == 1 ? " object" : " objects");
}

static struct pyi_error *judge_container(struct judge *judge, const struct pyi_rule *rule)
{
	struct pyi_check_finding *finding = add_finding(judge, rule, rule->subject);
	const struct pyi_figure *longest;
	const struct pyi_figure *figure;
	char before[NAME_SHOWN + 32];
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
	if (longest && longest->count != figure->count)
		snprintf(behind, sizeof(behind), " entries in all instances (the longest %s)",
			 pyi_quantity_count(length, (double)longest->count));
	snprintf(before, sizeof(before), "%.*s has", NAME_SHOWN, rule->subject);
	return set_value(judge, finding, figure ? (double)figure->count : 0, true, before, behind);
}

static struct pyi_error *judge_process(struct judge *judge, const struct pyi_rule *rule)
{
	struct pyi_check_finding *finding = add_finding(judge, rule, NULL);
	bool rss = rule->kind == PYI_RULE_MAX_RSS;
	const struct pyi_figure *figure = pyi_sample_find(
		judge->sample, PYI_FIGURE_PROCESS, rss ? PYI_FIGURE_RSS : PYI_FIGURE_TRACKED);

	if (!finding)
		return pyi_error_no_memory();
	if (!figure)
		return set_unknown(finding, rss ? "resident memory" : "tracked objects",
				   "not measured");
	if (rss)
		return set_value(judge, finding, (double)figure->count, false, "the process has",
				 " of resident memory");
	return set_value(judge, finding, (double)figure->count, true, "the process has",
			 figure->count == 1 ? " tracked object" : " tracked objects");
}

static struct pyi_error *judge_slip(struct judge *judge, const struct pyi_rule *rule)
{
	const struct pyi_sample *sample = judge->sample;
	const struct pyi_figure *stale =
		pyi_sample_find(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE);
	const struct pyi_figure *dead =
		pyi_sample_find(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES);
	struct pyi_check_finding *finding = add_finding(judge, rule, NULL);
	bool match = rule->kind == PYI_RULE_SLIP_DEAD_MATCH;

	if (!finding)
		return pyi_error_no_memory();
	if (!pyi_sample_find(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS)) {
		if (sample->incomplete)
			return set_unknown(finding, "python-slip", "the look was not complete");
		return format_message(finding, "python-slip keeps nothing in this process");
	}
	if (!stale || (match && !dead))
		return set_unknown(finding, "python-slip",
				   "the bus could not be asked which senders are gone");
	if (match && !dead->count) {
		finding->value_known = true;
		return format_message(finding, "python-slip notices when senders go");
	}
	return set_value(judge, finding, (double)stale->count, true,
			 match ? "python-slip no longer notices when senders go, and keeps"
			       : "python-slip keeps",
			 stale->count == 1 ? " that is gone" : " that are gone");
}

/* The series of a figure of the history; nothing is no error. */
static struct pyi_error *get_series(struct judge *judge, enum pyi_figure_kind kind,
				    const char *name, struct pyi_series *ret_series)
{
	*ret_series = (struct pyi_series){ 0 };
	return judge->history->series(judge->history->argument, kind, name, ret_series);
}

static const char *why_no_history(const struct judge *judge)
{
	if (!judge->history || !judge->history->series)
		return judge->history && judge->history->unavailable ? judge->history->unavailable
								     : "there is no history";
	return judge->history->unavailable;
}

/* True if this look is not in the history, or of no use there, and neither is one shortly before.
 */
static struct pyi_error *look_whether_stale(struct judge *judge, bool *ret_stale)
{
	uint64_t now_s = judge->sample->age_s;
	uint64_t last_s = 0;
	struct pyi_series series;
	struct pyi_error *error;

	*ret_stale = false;
	if (!judge->history->unwritten && !judge->sample->incomplete)
		return NULL;
	error = get_series(judge, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, &series);
	if (error)
		return error;
	/* The last one may be that of now. */
	for (size_t p = 0; p < series.point_count && series.points[p].age_s < now_s; p++)
		last_s = series.points[p].age_s;
	pyi_series_deinit(&series);
	*ret_stale = now_s - last_s > FRESH_S;
	return NULL;
}

/* That no growth was seen says nothing if the looks that would show it are missing. */
static struct pyi_error *doubt_growth(struct judge *judge, struct pyi_check_finding *finding,
				      const char *what)
{
	struct pyi_error *error;
	bool stale;

	if (finding->status != PYI_CHECK_OK)
		return NULL;
	error = look_whether_stale(judge, &stale);
	if (error || !stale)
		return error;
	return set_unknown(finding, what,
			   judge->sample->incomplete ? "no look has been complete for hours"
						     : judge->history->unwritten);
}

static struct pyi_error *set_growth(struct pyi_check_finding *finding, const char *what,
				    const struct pyi_trend *trend)
{
	char slope[PYI_QUANTITY_TEXT];
	char low[PYI_QUANTITY_TEXT];
	char high[PYI_QUANTITY_TEXT];
	char span[PYI_QUANTITY_TEXT];
	char limit[PYI_QUANTITY_TEXT];

	pyi_quantity_duration(span, trend->span_s);
	if (!trend->known) {
		char wanted[PYI_QUANTITY_TEXT];

		if (trend->span_s < PYI_TREND_KNOWN_S)
			return format_message(
				finding,
				"%s: whether it grows is known after %s; the history "
				"is of %s",
				what, pyi_quantity_duration(wanted, PYI_TREND_KNOWN_S), span);
		return format_message(finding,
				      "%s: whether it grows is not known, too few looks in %s",
				      what, span);
	}
	finding->value_known = true;
	finding->value = trend->slope;
	if (!trend->grows)
		return format_message(finding, "%s does not grow, over %s", what, span);
	finding->status = status_of(finding, trend->slope_sure);
	quantity(slope, finding->unit, trend->slope);
	quantity(low, finding->unit, trend->slope_low);
	quantity(high, finding->unit, trend->slope_high);
	quantity(limit, finding->unit, limit_of(finding));
	return format_message(
		finding,
		"%s grows by %s an hour (%s to %s with 95 %% confidence) over %s, %s "
		"%s",
		what, slope, low, high, span,
		finding->status == PYI_CHECK_OK ? "not surely more than" : "more than", limit);
}

static struct pyi_error *judge_growth(struct judge *judge, const struct pyi_rule *rule)
{
	static const char *const whats[PYI_RULE_KINDS] = {
		[PYI_RULE_MAX_RSS_GROWTH] = "resident memory",
		[PYI_RULE_MAX_TRACKED_GROWTH] = "the number of tracked objects",
	};
	const char *name =
		rule->kind == PYI_RULE_MAX_RSS_GROWTH ? PYI_FIGURE_RSS : PYI_FIGURE_TRACKED;
	const char *what = whats[rule->kind] ? whats[rule->kind] : rule->subject;
	enum pyi_figure_kind kind = PYI_FIGURE_PROCESS;
	struct pyi_check_finding *finding = add_finding(judge, rule, rule->subject);
	const struct pyi_figure *figure;
	struct pyi_error *error;
	struct pyi_series series;
	struct pyi_trend trend;
	bool judged;

	if (!finding)
		return pyi_error_no_memory();
	if (rule->kind == PYI_RULE_MAX_GROWTH) {
		error = find_meant(judge, finding, rule, &figure, &judged);
		if (error || judged)
			return error;
		kind = PYI_FIGURE_TYPE_TREE;
		name = figure ? figure->name : rule->subject;
	}
	if (why_no_history(judge))
		return set_unknown(finding, what, why_no_history(judge));
	error = get_series(judge, kind, name, &series);
	if (error)
		return error;
	trend = pyi_trend_of(&series, false);
	pyi_series_deinit(&series);
	error = set_growth(finding, what, &trend);
	return error ? error : doubt_growth(judge, finding, what);
}

static bool has_own_rule(const struct judge *judge, const char *container)
{
	for (size_t r = 0; r < judge->rules->count; r++) {
		const struct pyi_rule *rule = &judge->rules->items[r];

		if (rule->kind == PYI_RULE_MAX_CONTAINER && strcmp(rule->subject, container) == 0)
			return true;
	}
	return false;
}

static struct pyi_error *judge_one_container(struct judge *judge, const struct pyi_rule *rule,
					     const struct pyi_figure *figure, bool *ret_grows)
{
	struct pyi_check_finding *finding;
	struct pyi_series series;
	struct pyi_error *error;
	char before[NAME_SHOWN + 64];

	error = get_series(judge, PYI_FIGURE_CONTAINER, figure->name, &series);
	if (error)
		return error;
	*ret_grows = pyi_trend_never_shrinks(&series, rule->runs);
	pyi_series_deinit(&series);
	if (!*ret_grows)
		return NULL;
	finding = add_finding(judge, rule, figure->name);
	if (!finding)
		return pyi_error_no_memory();
	snprintf(before, sizeof(before), "%.*s grows and never shrinks: it has", NAME_SHOWN,
		 figure->name);
	return set_value(judge, finding, (double)figure->count, false, before, " entries");
}

static struct pyi_error *judge_containers(struct judge *judge, const struct pyi_rule *rule)
{
	double least = fmin(rule->warning, rule->critical);
	struct pyi_check_finding *finding;
	struct pyi_error *error = NULL;
	bool any = false;

	if (why_no_history(judge)) {
		finding = add_finding(judge, rule, NULL);
		return !finding ? pyi_error_no_memory()
				: set_unknown(finding, "growing containers", why_no_history(judge));
	}
	for (size_t f = 0; f < judge->sample->figure_count && !error; f++) {
		const struct pyi_figure *figure = &judge->sample->figures[f];
		bool grows = false;

		/* Most are small: their history need not be read. */
		if (figure->kind != PYI_FIGURE_CONTAINER || !((double)figure->count > least) ||
		    has_own_rule(judge, figure->name))
			continue;
		error = judge_one_container(judge, rule, figure, &grows);
		any = any || grows;
	}
	if (error || any)
		return error;
	finding = add_finding(judge, rule, NULL);
	if (!finding)
		return pyi_error_no_memory();
	if (judge->sample->incomplete)
		return set_unknown(finding, "growing containers", "the look was not complete");
	error = format_message(finding, "no container of a module or class grows all the time");
	if (!error)
		error = doubt_growth(judge, finding, "growing containers");
	finding->value_known = finding->status == PYI_CHECK_OK;
	return error;
}

static struct pyi_error *judge_rule(struct judge *judge, const struct pyi_rule *rule)
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
		return judge_containers(judge, rule);
	case PYI_RULE_MAX_GROWTH:
	case PYI_RULE_MAX_RSS_GROWTH:
	case PYI_RULE_MAX_TRACKED_GROWTH:
		break;
	}
	return judge_growth(judge, rule);
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
	struct judge judge = {
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
