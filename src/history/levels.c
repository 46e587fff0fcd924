/*
 * The levels of thinning: for how long which samples are kept. Does not drop any.
 */
#include "history/levels.h"

/*
 * Of samples not older than `reach_s` (counted from the newest one), the first of every `slot_s`
 * seconds is kept. Each slot is a multiple of the one before: a sample that goes is never missed
 * later.
 *
 * Growth (analysis/trend.h) is judged by the least of 2 hours, over a day, and by 3 hours of each
 * earlier day, up to 16 of them; tests/unit/test_alarms.c is with these levels.
 */
static const struct {
	int64_t reach_s;
	int64_t slot_s;
} levels[] = {
	{ 600, 1 },			 /* 10 minutes: all */
	{ INT64_C(2) * 3600, 60 },	 /* 2 hours: one a minute */
	{ INT64_C(48) * 3600, 600 },	 /* 2 days: one in 10 minutes */
	{ INT64_C(16) * 86400, 3600 },	 /* 16 days: one an hour */
	{ INT64_C(90) * 86400, 21600 },	 /* 90 days: four a day */
	{ INT64_C(730) * 86400, 86400 }, /* 2 years: one a day */
	{ INT64_MAX, 604800 },		 /* one a week */
};

static size_t level_of(int64_t before_s)
{
	size_t level = 0;

	while (before_s > levels[level].reach_s)
		level++;
	return level;
}

bool pyi_history_levels_keep(struct pyi_history_levels *walk, int64_t newest_age_s, int64_t age_s)
{
	struct pyi_history_levels now = { .started = true };
	int64_t before_s;
	bool kept;

	/* Ages that nobody can have: of a caller's mistake, but no reason to fail. */
	if (__builtin_sub_overflow(newest_age_s, age_s, &before_s))
		before_s = INT64_MAX;
	now.level = level_of(before_s);
	now.slot = age_s / levels[now.level].slot_s;
	kept = !walk->started || now.level != walk->level || now.slot != walk->slot;
	*walk = now;
	return kept;
}
