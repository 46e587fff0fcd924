/*
 * The slope of a figure's floors, and whether it is more than load, warm-up and cycles.
 */
#include "analysis/trend.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/floors.h"

enum {
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	/* Floors that must be there, of 12 or more. */
	FLOORS_NEEDED = 7,
	QUARTERS = 4,
	/* A process of less than that may still warm up for some hours. */
	YOUNG_S = 4 * HOUR_S,
	/* Values of which a median is taken. */
	MEDIAN_LIMIT = 64,
	/* Earlier days, or weeks, that are compared; with that part of the present at least. */
	PERIOD_LIMIT = 16,
	LEAST_PART_OF_NOW = 3,
};

/* Of the whole growth, each quarter must bring that much: evenly it would be a quarter. */
#define LEAST_OF_FIRST 0.04
#define LEAST_OF_QUARTER 0.1
/* If the first quarter brings more than that, it is warm-up, at least in part. */
#define MUCH_OF_QUARTER 0.4
/* And the later half as part of the earlier one: what becomes slower comes to an end. */
#define LEAST_OF_HALF 0.33
#define LEAST_AFTER_WARM_UP 0.75
/* How much higher than a day (or week) ago, and than any earlier one, as part of what the slope
 * makes in one. */
#define LEAST_ABOVE_LAST 0.6
#define LEAST_ABOVE_EARLIER 0.5
/* What is looked at: floors of `blocks` blocks; how often whatever it is repeats itself. */
struct scale {
	int64_t block_s;
	size_t blocks;
	int64_t least_span_s;
	int64_t period_s;
	/* What is the present, when it is compared with earlier days or weeks. */
	int64_t now_s;
};

static const struct scale scales[] = {
	{ INT64_C(110) * 60, 12, PYI_TREND_KNOWN_S, DAY_S, INT64_C(3) * HOUR_S },
	{ DAY_S, 14, INT64_C(8) * DAY_S, INT64_C(7) * DAY_S, DAY_S },
};

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The index of the floor that ends quarter `quarter`; the first one of all for 0. */
static size_t end_of_quarter(const struct pyi_floors *floors, size_t quarter)
{
	return quarter * (floors->count - 1) / QUARTERS;
}

/* How much the kept floor rises in each quarter. */
static void find_rises(const struct pyi_floors *floors, double rises[QUARTERS])
{
	for (size_t q = 0; q < QUARTERS; q++)
		rises[q] = floors->kept[end_of_quarter(floors, q + 1)] -
			   floors->kept[end_of_quarter(floors, q)];
}

/* Whether the first quarter is the first of the process' life, and so steep, compared with the
 * rest, that it is still warm-up. */
static bool is_warming_up(const struct pyi_point *first, const double rises[QUARTERS])
{
	return first->age_s < YOUNG_S &&
	       rises[0] > MUCH_OF_QUARTER * (rises[0] + rises[1] + rises[2] + rises[3]);
}

/* Whether it rises in each quarter, and does not come to an end. */
static bool rises_throughout(const double rises[QUARTERS], bool warms_up)
{
	/* How much of a warm-up is part of the growth is not known. */
	double first = warms_up ? rises[1] : rises[0];
	double earlier = first + rises[1];
	double later = rises[2] + rises[3];

	for (size_t q = 0; q < QUARTERS; q++) {
		double least = q == 0 ? LEAST_OF_FIRST : LEAST_OF_QUARTER;

		if (!(rises[q] > 0) || rises[q] < least * (earlier + later))
			return false;
	}
	return later >= (warms_up ? LEAST_AFTER_WARM_UP : LEAST_OF_HALF) * earlier;
}

/* The median of what was seen from `from_s` to `to_s` ago; NAN: nothing was. */
static double median_within(const struct pyi_series *series, size_t warm, bool bytes,
			    int64_t from_s, int64_t to_s)
{
	size_t first = pyi_series_first_within(series, warm, from_s);
	size_t after = pyi_series_first_within(series, warm, to_s - 1);
	double values[MEDIAN_LIMIT];
	size_t step = (after - first) / MEDIAN_LIMIT + 1;
	size_t count = 0;

	for (size_t p = first; p < after; p += step)
		values[count++] = pyi_point_value(&series->points[p], bytes);
	if (!count)
		return NAN;
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Whether it is now above what it was at the same time of earlier days, or weeks. Those in which
 * nobody looked at that time say nothing; of the first one, what is known of it is compared. */
static bool is_above_earlier(const struct pyi_series *series, size_t warm, bool bytes,
			     const struct scale *scale, double slope)
{
	int64_t known_s = pyi_point_moment(&series->points[series->point_count - 1]) -
			  pyi_point_moment(&series->points[warm]);
	double a_period = slope * (double)scale->period_s / HOUR_S;

	for (int64_t p = 1; p <= PERIOD_LIMIT; p++) {
		int64_t to_s = p * scale->period_s;
		int64_t now_s = known_s - to_s < scale->now_s ? known_s - to_s : scale->now_s;
		double least = (p == 1 ? LEAST_ABOVE_LAST : LEAST_ABOVE_EARLIER) * a_period;
		double earlier;

		if (now_s < scale->now_s / LEAST_PART_OF_NOW)
			return true;
		earlier = median_within(series, warm, bytes, to_s + now_s, to_s);
		if (!isnan(earlier) &&
		    median_within(series, warm, bytes, now_s, 0) - earlier < least)
			return false;
	}
	return true;
}

static struct pyi_trend trend_by(const struct pyi_series *series, size_t warm, bool bytes,
				 const struct scale *scale)
{
	size_t first =
		pyi_series_first_within(series, warm, scale->block_s * (int64_t)scale->blocks);
	struct pyi_trend trend = { .points = series->point_count - first };
	double rises[QUARTERS];
	struct pyi_floors floors;
	bool warms_up;

	if (!trend.points)
		return trend;
	trend.span_s = pyi_point_moment(&series->points[series->point_count - 1]) -
		       pyi_point_moment(&series->points[first]);
	if (trend.span_s < scale->least_span_s)
		return trend;
	pyi_floors_find(series, first, bytes, scale->block_s, scale->blocks, &floors);
	if (floors.count < FLOORS_NEEDED)
		return trend;
	trend.known = true;
	find_rises(&floors, rises);
	warms_up = is_warming_up(&series->points[first], rises);
	/* While it warms up, of the floors that come after the first quarter. */
	pyi_floors_slope(&floors, warms_up ? end_of_quarter(&floors, 1) : 0,
			 warms_up ? PYI_FLOORS_VERY_SURE : PYI_FLOORS_SURE, &trend);
	trend.grows = trend.slope_sure > 0 && rises_throughout(rises, warms_up) &&
		      is_above_earlier(series, warm, bytes, scale, trend.slope);
	return trend;
}

struct pyi_trend pyi_trend_of(const struct pyi_series *series, bool bytes)
{
	size_t warm = pyi_series_first_of_age(series, PYI_TREND_WARM_UP_S);
	struct pyi_trend day;
	struct pyi_trend days;

	if (warm == series->point_count)
		return (struct pyi_trend){ 0 };
	day = trend_by(series, warm, bytes, &scales[0]);
	if (day.grows)
		return day;
	days = trend_by(series, warm, bytes, &scales[1]);
	return days.known ? days : day;
}

bool pyi_trend_never_shrinks(const struct pyi_series *series, unsigned runs)
{
	const struct pyi_point *points = series->points;
	size_t count = series->point_count;
	size_t first;
	size_t at;

	if (!runs || count <= runs)
		return false;
	/* The last point that is old enough. */
	first = pyi_series_first_within(series, 0, PYI_TREND_NEVER_SHRINKS_S - 1);
	if (!first)
		return false;
	first--;
	if (first > count - 1 - runs)
		first = count - 1 - runs;
	for (size_t p = 1; p < count; p++) {
		if (p > first && points[p].count < points[p - 1].count)
			return false;
		if (p <= first && points[p - 1].count > points[first].count)
			return false;
	}
	at = first;
	for (unsigned part = 1; part <= runs; part++) {
		double until_s = (double)pyi_point_moment(&points[first]) +
				 (double)(pyi_point_moment(&points[count - 1]) -
					  pyi_point_moment(&points[first])) *
					 part / runs;
		size_t from = at;

		while (at + 1 < count && (double)pyi_point_moment(&points[at + 1]) <= until_s)
			at++;
		if (points[at].count <= points[from].count)
			return false;
	}
	return true;
}
