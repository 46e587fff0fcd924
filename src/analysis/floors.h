/*
 * What a figure falls back to: the least value in each of some equal parts of the last time, and
 * how fast these rise.
 *
 * Pure. Does not say what the growth means (analysis/trend.h). Moments are ages of the process: a
 * clock that is set does not change them.
 */
#ifndef PYI_ANALYSIS_FLOORS_H
#define PYI_ANALYSIS_FLOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/sample.h"
#include "analysis/trend.h"

enum {
	/* Most blocks. */
	PYI_FLOORS_LIMIT = 14,
};

/* Of the normal distribution: 95 %, 99 % and 99.9 % lie within so many deviations. */
#define PYI_FLOORS_CONFIDENT 1.96
#define PYI_FLOORS_SURE 2.576
#define PYI_FLOORS_VERY_SURE 3.29

/* Of blocks in which somebody looked, the earliest first. */
struct pyi_floors {
	size_t count;
	/* When each was; of now it is 0, before it is negative. */
	double hours[PYI_FLOORS_LIMIT];
	double values[PYI_FLOORS_LIMIT];
	/* From here on until now it was never lower. */
	double kept[PYI_FLOORS_LIMIT];
};

/* The count of a point, or its bytes. */
double pyi_point_value(const struct pyi_point *point, bool bytes);

/* Its age in seconds, never so much that a difference could overflow. */
int64_t pyi_point_moment(const struct pyi_point *point);

/* The first point of a process that is that old; the number of points: there is none. */
size_t pyi_series_first_of_age(const struct pyi_series *series, uint64_t age_s);

/* The first point from number `from` on that is at most `age_s` older than the last one. */
size_t pyi_series_first_within(const struct pyi_series *series, size_t from, int64_t age_s);

/* Of the points from number `first` on, of which there is one. Blocks are counted back from now, so
 * that the present one is whole; what is older than all `blocks`, of which there are at most
 * PYI_FLOORS_LIMIT, is of the first. */
void pyi_floors_find(const struct pyi_series *series, size_t first, bool bytes, int64_t block_s,
		     size_t blocks, struct pyi_floors *ret_floors);

/*
 * Sets the slope of the trend and its bounds, by the floors from number `first` on; `sure` is of
 * the constants above, for `slope_sure`. Leaves all of them 0 with less than two floors.
 */
void pyi_floors_slope(const struct pyi_floors *floors, size_t first, double sure,
		      struct pyi_trend *trend);

#endif
