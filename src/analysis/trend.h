/*
 * Whether a figure grows, how fast, and how sure that is: from its series of one process.
 *
 * Pure functions. A leak raises the floor that a figure falls back to; load raises and lowers what
 * is above it. So warm-up, daily cycles and bursts are no growth, however steep they are.
 *
 * What is looked at are floors: the least value in each of 12 equal parts of the last 22 hours, and
 * if they do not rise, in each day of up to two weeks. It grows if
 * - the floors cover most of a day (20.5 h: what a day raises, it also lowers), or a week;
 * - the floor that was never fallen below since rises in each quarter of that time, and in the
 *   later half not much less than in the earlier one: this leaves out steps, plateaus, warm-up,
 *   caches that have become full, and the rising half of every cycle;
 * - now it is higher than the floors at this hour of all earlier days that are known (or in all
 *   earlier weeks): this leaves out what is gathered and emptied once a day or week;
 * - the slope is above 0 with 99 % confidence: each process is judged often. After a warm-up, which
 *   leaves fewer floors, with 99.9 %.
 * The slope is Theil and Sen's median of the slopes between any two floors, its bounds are Sen's
 * (1968), by the variance of Kendall's S. They are of the floors as they are, load and all: a daily
 * cycle makes them wide.
 *
 * What gathers for longer than the process has lived, and is emptied or full only then, cannot be
 * told from a leak for as long. doc/alarms.md has the limits, and how they are measured.
 */
#ifndef PYI_ANALYSIS_TREND_H
#define PYI_ANALYSIS_TREND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/sample.h"

struct pyi_trend {
	/* Points that were used, without warm-up, and the time that they span. */
	size_t points;
	int64_t span_s;
	/* Per hour; and the bounds between which it lies with 95 % confidence. */
	double slope;
	double slope_low;
	double slope_high;
	/* And what it is surely above: with 99 %, or more. What an alarm goes by. */
	double slope_sure;
	/* Enough points over enough time to say whether it grows; without it, the slope is 0. */
	bool known;
	/* It grows, and this is neither noise, warm-up nor a part of a cycle. */
	bool grows;
};

enum {
	/* A process is warm after this time; what it does before is not looked at. */
	PYI_TREND_WARM_UP_S = 30 * 60,
	/* Without that long a history nothing is known. */
	PYI_TREND_KNOWN_S = 41 * 1800,
	/* Of these hours. */
	PYI_TREND_HOURS_S = 10 * 900,
	/* A container must have grown for that long: longer than a day, so that one which is
	 * emptied every day has been seen empty. */
	PYI_TREND_NEVER_SHRINKS_S = 25 * 3600,
};

/*
 * Whether it grows by about a tenth an hour: a sign that does not wait for a day, for what takes
 * all memory before that. Part of what: of `whole` (another figure of the same process; NULL:
 * itself) when the window of PYI_TREND_HOURS_S began. It grows if
 * - its floors rise along a line in that window: how much a cubic curve through them bends is, with
 *   twice the error, less than a twentieth of the rise. Warm-up, steps, and a morning of three
 * hours bend more;
 * - and either all that was seen before is below the middle of what it has risen since, and with
 *   99 % confidence the slope is nearly a tenth an hour, or two hundredths less and above `much`,
 *   which a small cache that fills is not;
 * - or it is known what the process did before, for 8 hours or a day, and it rises by much more
 * than what it fell back to has ever differed: then 8.5 or 7 hundredths are enough. After three
 * days a window that is twice as long counts, too. What fills a cache as fast and as evenly at the
 * beginning of its life cannot be told from it.
 */
struct pyi_trend pyi_trend_of_hours(const struct pyi_series *series, const struct pyi_series *whole,
				    double much);

/* Of the counts, or with `bytes` of the bytes. Its time grows with the points, no faster. */
struct pyi_trend pyi_trend_of(const struct pyi_series *series, bool bytes);

/*
 * True if the count never falls from one point to the next, over the last `runs` looks and over at
 * least PYI_TREND_NEVER_SHRINKS_S; if it rises in each of `runs` equal parts of that time (so that
 * it does not matter how often one looks); and if it is higher than ever before. False with less
 * history, with a part without any look, and for `runs` of 0.
 */
bool pyi_trend_never_shrinks(const struct pyi_series *series, unsigned runs);

#endif
