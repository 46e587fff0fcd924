/*
 * Whether a figure grows, how fast, and how sure that is: from its series of one process.
 *
 * Pure functions. A leak raises the floor that a figure falls back to; load raises and lowers what
 * is above it. So warm-up, daily cycles and bursts are no growth, however steep they are.
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
	/* Enough points over enough time to say anything at all. */
	bool known;
	/* It grows, and this is neither noise, warm-up nor a part of a daily cycle. */
	bool grows;
};

/* Of the counts, or with `bytes` of the bytes. */
struct pyi_trend pyi_trend_of(const struct pyi_series *series, bool bytes);

/* True if the last `runs` points never fall, and rise over every span that says something (see
 * trend.c); false also with fewer points. */
bool pyi_trend_never_shrinks(const struct pyi_series *series, unsigned runs);

#endif
