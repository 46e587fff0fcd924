/*
 * Opens, fills and reads the history for a check. Does not judge.
 */
#include "cli/check_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void warn(struct pyi_envelope *envelope, const struct pyi_error *error)
{
	pyi_envelope_warn(envelope, "no-history", "%s", error->message);
}

static void add_sample(struct pyi_check_past *past, struct pyi_envelope *envelope)
{
	PYI_CLEANUP(pyi_guard_error)
	struct pyi_error *error = pyi_history_add(past->history, &past->process, past->sample);

	past->kept = !error;
	if (!error)
		return;
	warn(envelope, error);
	past->why = strdup(error->message);
}

void pyi_check_past_none(const char *why, const struct pyi_history_process *process,
			 const struct pyi_sample *sample, struct pyi_check_past *ret_past)
{
	*ret_past = (struct pyi_check_past){ .process = *process,
					     .sample = sample,
					     .why = strdup(why) };
}

void pyi_check_past_open(const char *path, const struct pyi_history_process *process,
			 const struct pyi_sample *sample, uint64_t deadline_ns,
			 struct pyi_envelope *envelope, struct pyi_check_past *ret_past)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	struct pyi_error *second;

	if (!path) {
		pyi_check_past_none("no history is wanted (--no-history)", process, sample,
				    ret_past);
		return;
	}
	*ret_past = (struct pyi_check_past){ .process = *process, .sample = sample };
	error = pyi_history_open(path, false, deadline_ns, &ret_past->history);
	if (!error) {
		add_sample(ret_past, envelope);
		return;
	}
	warn(envelope, error);
	ret_past->why = strdup(error->message);
	second = pyi_history_open(path, true, deadline_ns, &ret_past->history);
	if (second)
		ret_past->history = NULL;
	pyi_error_destroy(second);
}

/* The point of now, where it is not in the history. */
static struct pyi_error *append_now(const struct pyi_check_past *past, enum pyi_figure_kind kind,
				    const char *name, struct pyi_series *series)
{
	const struct pyi_figure *figure = pyi_sample_find(past->sample, kind, name);
	struct pyi_point *points;

	/* As the history does it: what is too low would look like growth afterwards. */
	if (!figure || past->sample->incomplete ||
	    (series->point_count &&
	     series->points[series->point_count - 1].age_s >= past->sample->age_s))
		return NULL;
	points = reallocarray(series->points, series->point_count + 1, sizeof(*points));
	if (!points)
		return pyi_error_no_memory();
	series->points = points;
	points[series->point_count++] =
		(struct pyi_point){ past->sample->time_s, past->sample->age_s, figure->count,
				    figure->bytes };
	return NULL;
}

static struct pyi_error *read_series(void *argument, enum pyi_figure_kind kind, const char *name,
				     struct pyi_series *ret_series)
{
	struct pyi_check_past *past = argument;
	struct pyi_error *error =
		pyi_history_series(past->history, &past->process, kind, name, ret_series);

	if (error || past->kept)
		return error;
	error = append_now(past, kind, name, ret_series);
	if (error)
		pyi_series_deinit(ret_series);
	return error;
}

static struct pyi_error *look_whether_seen(void *argument, enum pyi_figure_kind kind,
					   const char *name, bool *ret_seen)
{
	struct pyi_check_past *past = argument;

	return pyi_history_has_seen(past->history, &past->process, kind, name, ret_seen);
}

struct pyi_error *pyi_check_past_judge(struct pyi_check_past *past, const struct pyi_rules *rules,
				       struct pyi_envelope *envelope, struct pyi_check *ret_check)
{
	const char *why = past->why ? past->why : "there is no history";
	struct pyi_check_history history = {
		.series = past->history ? read_series : NULL,
		.seen = past->history ? look_whether_seen : NULL,
		.argument = past,
		.unavailable = past->history ? NULL : why,
		.unwritten = past->kept ? NULL : why,
		.no_rss = past->no_rss,
	};
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;

	error = pyi_check_judge(rules, past->sample, &history, ret_check);
	if (!error || error->code != PYI_ERROR_NO_HISTORY)
		return pyi_return_ptr(error);
	warn(envelope, error);
	history.series = NULL;
	history.seen = NULL;
	history.unavailable = error->message;
	return pyi_check_judge(rules, past->sample, &history, ret_check);
}

/* A type that is looked for; more is better. */
struct candidate {
	const char *name;
	uint64_t count;
};

/* Of all types, and of those that say more than what everything is made of. */
struct candidates {
	struct candidate any;
	struct candidate of_module;
};

static void consider(struct candidates *candidates, const char *name, uint64_t count)
{
	if (count > candidates->any.count)
		candidates->any = (struct candidate){ name, count };
	if (count > candidates->of_module.count && strchr(name, '.'))
		candidates->of_module = (struct candidate){ name, count };
}

static void consider_growth(struct candidates *candidates, const struct pyi_sample *sample,
			    const struct pyi_series *series)
{
	const struct pyi_figure *now = pyi_sample_find(sample, PYI_FIGURE_TYPE, series->name);

	if (now && series->point_count > 1 && now->count > series->points[0].count)
		consider(candidates, series->name, now->count - series->points[0].count);
}

static void consider_size(struct candidates *candidates, const struct pyi_sample *sample)
{
	for (size_t f = 0; f < sample->figure_count; f++)
		if (sample->figures[f].kind == PYI_FIGURE_TYPE)
			consider(candidates, sample->figures[f].name, sample->figures[f].count);
}

void pyi_check_past_growing_types(struct pyi_check_past *past, char *ret_types[PYI_GROWING_TYPES])
{
	struct candidates best = { 0 };
	struct pyi_series *list = NULL;
	struct pyi_error *error = NULL;
	size_t count = 0;

	if (past->history)
		error = pyi_history_all_series(past->history, &past->process, PYI_FIGURE_TYPE,
					       &list, &count);
	if (error)
		count = 0;
	pyi_error_destroy(error);
	for (size_t s = 0; s < count; s++)
		consider_growth(&best, past->sample, &list[s]);
	if (!best.any.name)
		consider_size(&best, past->sample);
	ret_types[0] = best.of_module.name ? strdup(best.of_module.name) : NULL;
	ret_types[1] = best.any.name && best.any.name != best.of_module.name ? strdup(best.any.name)
									     : NULL;
	for (size_t s = 0; s < count; s++)
		pyi_series_deinit(&list[s]);
	free(list);
}

void pyi_check_past_close(struct pyi_check_past *past)
{
	pyi_history_close(past->history);
	free(past->why);
	*past = (struct pyi_check_past){ 0 };
}
