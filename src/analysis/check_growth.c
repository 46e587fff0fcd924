/*
 * Judges growth: of one figure, of any container, of any type. What growth is, trend.h says.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check_private.h"
#include "base/cleanup.h"

enum {
	/* A history to which nothing has been added for that long says nothing of now. */
	FRESH_S = 2 * 3600,
	/* An hour: no small cache that fills. */
	MUCH_BYTES = 10 << 20,
	MUCH_OBJECTS = 10000,
	/* Types whose history is read: those with the most objects. */
	TYPES_READ = 32,
};

/* The series of a figure of the history; nothing is no error. */
static struct pyi_error *get_series(struct pyi_judge *judge, enum pyi_figure_kind kind,
				    const char *name, struct pyi_series *ret_series)
{
	*ret_series = (struct pyi_series){ 0 };
	return judge->history->series(judge->history->argument, kind, name, ret_series);
}

/* True if this look is not in the history, or of no use there, and neither is one shortly before.
 */
static struct pyi_error *look_whether_stale(struct pyi_judge *judge, bool *ret_stale)
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
static struct pyi_error *doubt_growth(struct pyi_judge *judge, struct pyi_check_finding *finding,
				      const char *what)
{
	struct pyi_error *error;
	bool stale;

	if (finding->status != PYI_CHECK_OK)
		return NULL;
	error = look_whether_stale(judge, &stale);
	if (error || !stale)
		return error;
	return pyi_judge_unknown(finding, what,
				 judge->sample->incomplete ? "no look has been complete for hours"
							   : judge->history->unwritten);
}

/* `hours`: what of it is known earlier (pyi_trend_of_hours()), or NULL. */
static struct pyi_error *say_not_known(struct pyi_check_finding *finding, const char *what,
				       const struct pyi_trend *trend, const struct pyi_trend *hours)
{
	char wanted[PYI_QUANTITY_TEXT];
	char earlier[PYI_QUANTITY_TEXT];
	char span[PYI_QUANTITY_TEXT];

	pyi_quantity_duration(span, trend->span_s);
	/* Of a process that has just begun, some looks come before. */
	pyi_quantity_duration(earlier, PYI_TREND_HOURS_S + PYI_TREND_WARM_UP_S);
	if (trend->span_s >= PYI_TREND_KNOWN_S)
		return pyi_judge_say(finding,
				     "%s: whether it grows is not known, too few looks in %s", what,
				     span);
	pyi_quantity_duration(wanted, PYI_TREND_KNOWN_S);
	if (hours && hours->known)
		return pyi_judge_say(
			finding,
			"%s does not grow by a tenth an hour; whether it grows by less "
			"is known after %s; the history is of %s",
			what, wanted, span);
	if (hours)
		return pyi_judge_say(finding,
				     "%s: whether it grows by a tenth an hour is known after %s, "
				     "by less after %s; the history is of %s",
				     what, earlier, wanted, span);
	return pyi_judge_say(finding,
			     "%s: whether it grows is known after %s; the history is of %s", what,
			     wanted, span);
}

static struct pyi_error *set_growth(struct pyi_check_finding *finding, const char *what,
				    const struct pyi_trend *trend, const struct pyi_trend *hours)
{
	char slope[PYI_QUANTITY_TEXT];
	char low[PYI_QUANTITY_TEXT];
	char high[PYI_QUANTITY_TEXT];
	char span[PYI_QUANTITY_TEXT];
	char limit[PYI_QUANTITY_TEXT];

	/* What is fast is not waited for; what is slower than the rule's limit is not fast. */
	if (hours && hours->grows && !trend->grows &&
	    pyi_judge_status_of(finding, hours->slope_sure) != PYI_CHECK_OK)
		trend = hours;
	pyi_quantity_duration(span, trend->span_s);
	if (!trend->known)
		return say_not_known(finding, what, trend, hours);
	finding->value_known = true;
	finding->value = trend->slope;
	if (!trend->grows)
		return pyi_judge_say(finding, "%s does not grow, over %s", what, span);
	finding->status = pyi_judge_status_of(finding, trend->slope_sure);
	pyi_judge_quantity(slope, finding->unit, trend->slope);
	pyi_judge_quantity(low, finding->unit, trend->slope_low);
	pyi_judge_quantity(high, finding->unit, trend->slope_high);
	pyi_judge_quantity(limit, finding->unit, pyi_judge_limit_of(finding));
	return pyi_judge_say(finding,
			     "%s grows by %s an hour (%s to %s with 95 %% confidence) over %s, %s "
			     "%s",
			     what, slope, low, high, span,
			     finding->status == PYI_CHECK_OK ? "not surely more than" : "more than",
			     limit);
}

/* What of `rss` is not `objects`, at the moments that both have, in the place of `rss`. */
static void subtract(struct pyi_series *rss, const struct pyi_series *objects)
{
	size_t kept = 0;
	size_t o = 0;

	for (size_t p = 0; p < rss->point_count; p++) {
		struct pyi_point point = rss->points[p];

		while (o < objects->point_count && objects->points[o].age_s < point.age_s)
			o++;
		if (o == objects->point_count || objects->points[o].age_s != point.age_s)
			continue;
		point.count -= objects->points[o].count < point.count ? objects->points[o].count
								      : point.count;
		rss->points[kept++] = point;
	}
	rss->point_count = kept;
}

/* Memory besides the objects. What grows less than they do goes with them: room that allocators
 * leave between them. */
static struct pyi_error *find_other_trend(struct pyi_judge *judge, struct pyi_trend *ret_trend)
{
	struct pyi_series objects;
	struct pyi_series rss;
	struct pyi_trend trend;
	struct pyi_error *error = get_series(judge, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, &rss);

	if (error)
		return error;
	error = get_series(judge, PYI_FIGURE_PROCESS, PYI_FIGURE_OBJECT_BYTES, &objects);
	if (error) {
		pyi_series_deinit(&rss);
		return error;
	}
	subtract(&rss, &objects);
	*ret_trend = pyi_trend_of(&rss, false);
	trend = pyi_trend_of(&objects, false);
	if (trend.known && trend.slope >= ret_trend->slope)
		ret_trend->grows = false;
	pyi_series_deinit(&rss);
	pyi_series_deinit(&objects);
	return NULL;
}

/* `ret_hours` may be NULL; `much` as in pyi_trend_of_hours(). */
static struct pyi_error *find_trend(struct pyi_judge *judge, enum pyi_figure_kind kind,
				    const char *name, struct pyi_trend *ret_trend, double much,
				    struct pyi_trend *ret_hours)
{
	struct pyi_series series;
	struct pyi_error *error = get_series(judge, kind, name, &series);

	if (error)
		return error;
	*ret_trend = pyi_trend_of(&series, false);
	if (ret_hours)
		*ret_hours = pyi_trend_of_hours(&series, NULL, much);
	pyi_series_deinit(&series);
	return NULL;
}

/* By how much a figure has grown since an age of the process, when it may not have been there. */
static struct pyi_error *find_growth_since(struct pyi_judge *judge, const struct pyi_figure *figure,
					   uint64_t age_s, uint64_t *ret_growth)
{
	struct pyi_series series;
	struct pyi_error *error = get_series(judge, figure->kind, figure->name, &series);
	uint64_t before = 0;

	if (error)
		return error;
	for (size_t p = 0; p < series.point_count && series.points[p].age_s <= age_s; p++)
		before = series.points[p].count;
	*ret_growth = figure->count > before ? figure->count - before : 0;
	pyi_series_deinit(&series);
	return NULL;
}

/* The figure of a kind that has grown the most since then; NULL: none has. */
static struct pyi_error *find_most_grown(struct pyi_judge *judge, enum pyi_figure_kind kind,
					 uint64_t age_s, const struct pyi_figure **ret_figure,
					 uint64_t *ret_growth)
{
	const struct pyi_sample *sample = judge->sample;
	struct pyi_error *error = NULL;

	*ret_figure = NULL;
	*ret_growth = 0;
	for (size_t f = 0; f < sample->figure_count && !error; f++) {
		const struct pyi_figure *figure = &sample->figures[f];
		uint64_t growth = 0;

		/* It cannot have grown more than it is; builtins say little. */
		if (figure->kind != kind || figure->count <= *ret_growth ||
		    (kind == PYI_FIGURE_TYPE && !strchr(figure->name, '.')))
			continue;
		error = find_growth_since(judge, figure, age_s, &growth);
		if (error || growth <= *ret_growth)
			continue;
		*ret_figure = figure;
		*ret_growth = growth;
	}
	return error;
}

/* Says behind a sentence what of a kind has become more meanwhile: a lead, no proof. */
static struct pyi_error *add_suspect(struct pyi_judge *judge, struct pyi_check_finding *finding,
				     enum pyi_figure_kind kind, const struct pyi_trend *trend)
{
	PYI_CLEANUP(pyi_guard_free) char *sentence = strdup(finding->message);
	uint64_t span_s = (uint64_t)trend->span_s;
	uint64_t now_s = judge->sample->age_s;
	char growth_text[PYI_QUANTITY_TEXT];
	const struct pyi_figure *figure;
	struct pyi_error *error;
	uint64_t growth;

	if (!sentence)
		return pyi_error_no_memory();
	error = find_most_grown(judge, kind, now_s > span_s ? now_s - span_s : 0, &figure, &growth);
	if (error || !figure)
		return error;
	return pyi_judge_say(finding, "%s; meanwhile %s more %s %.*s", sentence,
			     pyi_quantity_count(growth_text, (double)growth),
			     kind == PYI_FIGURE_TYPE ? "of" : "in", PYI_JUDGE_NAME_SHOWN,
			     figure->name);
}

/* Of the memory of objects, as part of the resident memory: it falls when they go, which that does
 * not, and so it shows what has grown since a burst. */
static struct pyi_error *find_hours_of_objects(struct pyi_judge *judge, struct pyi_trend *ret_hours)
{
	struct pyi_series objects;
	struct pyi_series rss;
	struct pyi_error *error = get_series(judge, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, &rss);

	if (error)
		return error;
	error = get_series(judge, PYI_FIGURE_PROCESS, PYI_FIGURE_OBJECT_BYTES, &objects);
	if (!error) {
		*ret_hours = pyi_trend_of_hours(&objects, &rss, MUCH_BYTES);
		pyi_series_deinit(&objects);
	}
	pyi_series_deinit(&rss);
	return error;
}

struct pyi_error *pyi_judge_growth(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	static const char *const whats[PYI_RULE_KINDS] = {
		[PYI_RULE_MAX_RSS_GROWTH] = "resident memory",
		[PYI_RULE_MAX_TRACKED_GROWTH] = "the number of tracked objects",
		[PYI_RULE_MAX_OTHER_GROWTH] = "memory that is not objects",
	};
	const char *name =
		rule->kind == PYI_RULE_MAX_RSS_GROWTH ? PYI_FIGURE_RSS : PYI_FIGURE_TRACKED;
	const char *what = whats[rule->kind] ? whats[rule->kind] : rule->subject;
	enum pyi_figure_kind kind = PYI_FIGURE_PROCESS;
	struct pyi_check_finding *finding = pyi_judge_add(judge, rule, rule->subject);
	/* Of a single type or container a tenth is little. */
	bool fast =
		rule->kind == PYI_RULE_MAX_RSS_GROWTH || rule->kind == PYI_RULE_MAX_TRACKED_GROWTH;
	const struct pyi_figure *figure;
	struct pyi_error *error;
	struct pyi_trend trend;
	struct pyi_trend hours;
	bool judged;

	if (!finding)
		return pyi_error_no_memory();
	if (rule->kind == PYI_RULE_MAX_GROWTH) {
		error = pyi_judge_find_type(judge, finding, rule, &figure, &judged);
		if (error || judged)
			return error;
		kind = PYI_FIGURE_TYPE_TREE;
		name = figure ? figure->name : rule->subject;
	}
	if (pyi_judge_why_no_history(judge))
		return pyi_judge_unknown(finding, what, pyi_judge_why_no_history(judge));
	error = rule->kind == PYI_RULE_MAX_OTHER_GROWTH
			? find_other_trend(judge, &trend)
			: find_trend(judge, kind, name, &trend,
				     rule->kind == PYI_RULE_MAX_RSS_GROWTH ? MUCH_BYTES
									   : MUCH_OBJECTS,
				     fast ? &hours : NULL);
	if (!error && rule->kind == PYI_RULE_MAX_RSS_GROWTH && !trend.grows && !hours.grows) {
		struct pyi_trend of_objects;

		error = find_hours_of_objects(judge, &of_objects);
		if (!error && of_objects.grows) {
			hours = of_objects;
			what = "memory of objects";
		}
	}
	if (error)
		return error;
	error = set_growth(finding, what, &trend, fast ? &hours : NULL);
	if (!error && finding->status != PYI_CHECK_OK && fast && hours.grows)
		error = add_suspect(judge, finding, PYI_FIGURE_CONTAINER, &hours);
	if (!error && finding->status != PYI_CHECK_OK && fast && hours.grows)
		error = add_suspect(judge, finding, PYI_FIGURE_TYPE, &hours);
	return error ? error : doubt_growth(judge, finding, what);
}

/* Says that nothing grows; or, in the first `known_s` of a history, from when on that is known. */
static struct pyi_error *say_none_grows(struct pyi_judge *judge, struct pyi_check_finding *finding,
					const char *what, const char *none, int64_t known_s)
{
	char known[PYI_QUANTITY_TEXT];
	char span[PYI_QUANTITY_TEXT];
	struct pyi_series series;
	struct pyi_error *error = get_series(judge, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, &series);
	int64_t span_s = 0;

	if (error)
		return error;
	if (series.point_count)
		span_s = (int64_t)(series.points[series.point_count - 1].age_s -
				   series.points[0].age_s);
	pyi_series_deinit(&series);
	if (span_s < known_s)
		error = pyi_judge_say(finding, "%s: known after %s; the history is of %s", what,
				      pyi_quantity_duration(known, known_s),
				      pyi_quantity_duration(span, span_s));
	else
		error = pyi_judge_say(finding, "%s", none);
	if (!error)
		error = doubt_growth(judge, finding, what);
	finding->value_known = finding->status == PYI_CHECK_OK && span_s >= known_s;
	return error;
}

static bool has_own_rule(const struct pyi_judge *judge, enum pyi_rule_kind kind,
			 const char *subject)
{
	for (size_t r = 0; r < judge->rules->count; r++) {
		const struct pyi_rule *rule = &judge->rules->items[r];

		if (rule->kind == kind && strcmp(rule->subject, subject) == 0)
			return true;
	}
	return false;
}

static struct pyi_error *judge_one_container(struct pyi_judge *judge, const struct pyi_rule *rule,
					     const struct pyi_figure *figure, bool *ret_grows)
{
	struct pyi_check_finding *finding;
	struct pyi_series series;
	struct pyi_error *error;
	char before[PYI_JUDGE_NAME_SHOWN + 64];

	error = get_series(judge, PYI_FIGURE_CONTAINER, figure->name, &series);
	if (error)
		return error;
	*ret_grows = pyi_trend_never_shrinks(&series, rule->runs);
	pyi_series_deinit(&series);
	if (!*ret_grows)
		return NULL;
	finding = pyi_judge_add(judge, rule, figure->name);
	if (!finding)
		return pyi_error_no_memory();
	snprintf(before, sizeof(before), "%.*s grows and never shrinks: it has",
		 PYI_JUDGE_NAME_SHOWN, figure->name);
	return pyi_judge_value(judge, finding, (double)figure->count, false, before, " entries");
}

struct pyi_error *pyi_judge_growing_containers(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	double least = fmin(rule->warning, rule->critical);
	struct pyi_check_finding *finding;
	struct pyi_error *error = NULL;
	bool any = false;

	if (pyi_judge_why_no_history(judge)) {
		finding = pyi_judge_add(judge, rule, NULL);
		return !finding ? pyi_error_no_memory()
				: pyi_judge_unknown(finding, "growing containers",
						    pyi_judge_why_no_history(judge));
	}
	for (size_t f = 0; f < judge->sample->figure_count && !error; f++) {
		const struct pyi_figure *figure = &judge->sample->figures[f];
		bool grows = false;

		/* Most are small: their history need not be read. */
		if (figure->kind != PYI_FIGURE_CONTAINER || !((double)figure->count > least) ||
		    has_own_rule(judge, PYI_RULE_MAX_CONTAINER, figure->name))
			continue;
		error = judge_one_container(judge, rule, figure, &grows);
		any = any || grows;
	}
	if (error || any)
		return error;
	finding = pyi_judge_add(judge, rule, NULL);
	if (!finding)
		return pyi_error_no_memory();
	if (judge->sample->incomplete)
		return pyi_judge_unknown(finding, "growing containers",
					 "the look was not complete");
	return say_none_grows(judge, finding, "growing containers",
			      judge->sample->containers_anywhere && !judge->sample->containers_cut
				      ? "no container grows all the time"
			      : judge->sample->containers_anywhere
				      ? "no container that was looked at grows all the time"
				      : "no container of a module or class grows all the time",
			      PYI_TREND_NEVER_SHRINKS_S);
}

static int most_objects_first(const void *left, const void *right)
{
	const struct pyi_figure *a = *(const struct pyi_figure *const *)left;
	const struct pyi_figure *b = *(const struct pyi_figure *const *)right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Types that modules define, those with the most objects first, as many as are read. */
static struct pyi_error *choose_types(const struct pyi_judge *judge, double least,
				      const struct pyi_figure ***ret_types, size_t *ret_count)
{
	const struct pyi_sample *sample = judge->sample;
	const struct pyi_figure **types =
		calloc(sample->figure_count + 1, sizeof(const struct pyi_figure *));
	size_t count = 0;

	if (!types)
		return pyi_error_no_memory();
	for (size_t f = 0; f < sample->figure_count; f++) {
		const struct pyi_figure *figure = &sample->figures[f];

		/* Builtins have no module in their name. Fewer cannot have grown so fast for as
		 * long as it takes to know it. */
		if (figure->kind == PYI_FIGURE_TYPE && strchr(figure->name, '.') &&
		    (double)figure->count >= least * PYI_TREND_KNOWN_S / 3600 &&
		    !has_own_rule(judge, PYI_RULE_MAX_GROWTH, figure->name))
			types[count++] = figure;
	}
	qsort((void *)types, count, sizeof(const struct pyi_figure *), most_objects_first);
	*ret_types = types;
	*ret_count = count < TYPES_READ ? count : TYPES_READ;
	return NULL;
}

static struct pyi_error *judge_one_type(struct pyi_judge *judge, const struct pyi_rule *rule,
					const struct pyi_figure *figure, bool *ret_grows)
{
	struct pyi_check_finding *finding;
	struct pyi_trend trend;
	struct pyi_error *error = find_trend(judge, PYI_FIGURE_TYPE, figure->name, &trend, 0, NULL);

	if (error)
		return error;
	*ret_grows = trend.grows && trend.slope_sure > fmin(rule->warning, rule->critical);
	if (!*ret_grows)
		return NULL;
	finding = pyi_judge_add(judge, rule, figure->name);
	return finding ? set_growth(finding, figure->name, &trend, NULL) : pyi_error_no_memory();
}

struct pyi_error *pyi_judge_growing_types(struct pyi_judge *judge, const struct pyi_rule *rule)
{
	const struct pyi_figure **types = NULL;
	struct pyi_check_finding *finding;
	struct pyi_error *error;
	size_t count = 0;
	bool any = false;

	if (pyi_judge_why_no_history(judge)) {
		finding = pyi_judge_add(judge, rule, NULL);
		return !finding ? pyi_error_no_memory()
				: pyi_judge_unknown(finding, "growing types",
						    pyi_judge_why_no_history(judge));
	}
	error = choose_types(judge, fmin(rule->warning, rule->critical), &types, &count);
	for (size_t t = 0; t < count && !error; t++) {
		bool grows = false;

		error = judge_one_type(judge, rule, types[t], &grows);
		any = any || grows;
	}
	free((void *)types);
	if (error || any)
		return error;
	finding = pyi_judge_add(judge, rule, NULL);
	if (!finding)
		return pyi_error_no_memory();
	if (judge->sample->incomplete)
		return pyi_judge_unknown(finding, "growing types", "the look was not complete");
	return say_none_grows(judge, finding, "growing types", "no type of a module grows",
			      PYI_TREND_KNOWN_S);
}
