/*
 * The slope of a figure's floors, and whether it is more than load, warm-up and cycles.
 */
#include "analysis/trend.h"

#include <math.h>
#include <stdlib.h>

enum {
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	BLOCK_LIMIT = 14,
	PAIR_LIMIT = BLOCK_LIMIT * (BLOCK_LIMIT - 1) / 2,
	/* Floors that must be there, of 12 or more. */
	FLOORS_NEEDED = 7,
	QUARTERS = 4,
	/* Of eleven quarters of an hour; and how much their last look may be late. */
	FLOORS_OF_HOURS = 9,
	HOURS_LATE_S = 240,
	/* It has less time to wait. */
	HOURS_WARM_UP_S = 14 * 60,
	/* A process of less than that may still warm up for some hours. */
	YOUNG_S = 4 * HOUR_S,
	/* Values of which a median is taken. */
	MEDIAN_LIMIT = 64,
	/* Earlier days, or weeks, that are compared; with that part of the present at least. */
	PERIOD_LIMIT = 16,
	LEAST_PART_OF_NOW = 3,
};

/* Some 30,000 years; so that differences never overflow. */
#define MOST_AGE_S (INT64_C(1) << 40)

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
/* Of growth in hours: as part of the value an hour; a quarter as part of the whole rate. */
#define LEAST_AN_HOUR 0.0955
#define LEAST_OF_MUCH_AN_HOUR 0.08
#define LEAST_OF_HOURS 0.84
#define MOST_OF_HOURS 1.19
/* Of the normal distribution: 95 %, 99 % and 99.9 % lie within so many deviations. */
#define CONFIDENT 1.96
#define SURE 2.576
#define SURE_OF_WARM_UP 3.29

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

struct floors {
	size_t count;
	double hours[BLOCK_LIMIT];
	double values[BLOCK_LIMIT];
	/* From here on until now it was never lower. */
	double kept[BLOCK_LIMIT];
};

static double value_of(const struct pyi_point *point, bool bytes)
{
	return bytes ? (double)point->bytes : (double)point->count;
}

/* When it was, by the age of the process: a clock that is set does not change that. */
static int64_t moment_of(const struct pyi_point *point)
{
	return point->age_s < (uint64_t)MOST_AGE_S ? (int64_t)point->age_s : MOST_AGE_S;
}

static size_t first_of_age(const struct pyi_series *series, uint64_t age_s)
{
	size_t first = 0;

	while (first < series->point_count && series->points[first].age_s < age_s)
		first++;
	return first;
}

/* The first point that is at most `age_s` older than the last one. */
static size_t first_within(const struct pyi_series *series, size_t from, int64_t age_s)
{
	int64_t last_s = moment_of(&series->points[series->point_count - 1]);
	size_t to = series->point_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (last_s - moment_of(&series->points[middle]) > age_s)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Blocks are counted back from now, so that the present one is whole. */
static void find_floors(const struct pyi_series *series, size_t first, bool bytes,
			const struct scale *scale, struct floors *floors)
{
	const struct pyi_point *last = &series->points[series->point_count - 1];
	int64_t block = -1;

	*floors = (struct floors){ 0 };
	for (size_t p = first; p < series->point_count; p++) {
		const struct pyi_point *point = &series->points[p];
		int64_t of = (moment_of(last) - moment_of(point)) / scale->block_s;
		double value = value_of(point, bytes);
		size_t f;

		if (of >= (int64_t)scale->blocks)
			of = (int64_t)scale->blocks - 1;
		if (of != block)
			floors->values[floors->count++] = INFINITY;
		block = of;
		f = floors->count - 1;
		if (value < floors->values[f]) {
			floors->values[f] = value;
			floors->hours[f] = -(double)(moment_of(last) - moment_of(point)) / HOUR_S;
		}
	}
	for (size_t f = floors->count; f > 0; f--) {
		double value = floors->values[f - 1];

		floors->kept[f - 1] = f == floors->count ? value : fmin(value, floors->kept[f]);
	}
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The index of the floor that ends quarter `quarter`; the first one of all for 0. */
static size_t end_of_quarter(const struct floors *floors, size_t quarter)
{
	return quarter * (floors->count - 1) / QUARTERS;
}

/* How many of the slopes between `n` floors lie below their lower bound. */
static size_t below_bound(size_t pairs, double n, double deviations)
{
	double spread = deviations * sqrt(n * (n - 1) * (2 * n + 5) / 18);

	return (size_t)fmax(floor(((double)pairs - spread) / 2), 0);
}

/* Of the floors; while it warms up, of those that come after the first quarter. */
static void find_slope(const struct floors *floors, bool warms_up, struct pyi_trend *trend)
{
	size_t first = warms_up ? end_of_quarter(floors, 1) : 0;
	double n = (double)(floors->count - first);
	double slopes[PAIR_LIMIT];
	size_t pairs = 0;
	size_t below;

	for (size_t a = first; a < floors->count; a++) {
		for (size_t b = a + 1; b < floors->count; b++) {
			double hours = floors->hours[b] - floors->hours[a];

			if (hours > 0)
				slopes[pairs++] = (floors->values[b] - floors->values[a]) / hours;
		}
	}
	if (!pairs)
		return;
	qsort(slopes, pairs, sizeof(*slopes), compare);
	trend->slope =
		pairs % 2 ? slopes[pairs / 2] : (slopes[pairs / 2 - 1] + slopes[pairs / 2]) / 2;
	below = below_bound(pairs, n, CONFIDENT);
	trend->slope_low = slopes[below];
	trend->slope_high = slopes[pairs - 1 - below];
	trend->slope_sure = slopes[below_bound(pairs, n, warms_up ? SURE_OF_WARM_UP : SURE)];
}

/* How much the kept floor rises in each quarter. */
static void find_rises(const struct floors *floors, double rises[QUARTERS])
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
	size_t first = first_within(series, warm, from_s);
	size_t after = first_within(series, warm, to_s - 1);
	double values[MEDIAN_LIMIT];
	size_t step = (after - first) / MEDIAN_LIMIT + 1;
	size_t count = 0;

	for (size_t p = first; p < after; p += step)
		values[count++] = value_of(&series->points[p], bytes);
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
	int64_t known_s = moment_of(&series->points[series->point_count - 1]) -
			  moment_of(&series->points[warm]);
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
	size_t first = first_within(series, warm, scale->block_s * (int64_t)scale->blocks);
	struct pyi_trend trend = { .points = series->point_count - first };
	double rises[QUARTERS];
	struct floors floors;
	bool warms_up;

	if (!trend.points)
		return trend;
	trend.span_s = moment_of(&series->points[series->point_count - 1]) -
		       moment_of(&series->points[first]);
	if (trend.span_s < scale->least_span_s)
		return trend;
	find_floors(series, first, bytes, scale, &floors);
	if (floors.count < FLOORS_NEEDED)
		return trend;
	trend.known = true;
	find_rises(&floors, rises);
	warms_up = is_warming_up(&series->points[first], rises);
	find_slope(&floors, warms_up, &trend);
	trend.grows = trend.slope_sure > 0 && rises_throughout(rises, warms_up) &&
		      is_above_earlier(series, warm, bytes, scale, trend.slope);
	return trend;
}

struct pyi_trend pyi_trend_of(const struct pyi_series *series, bool bytes)
{
	size_t warm = first_of_age(series, PYI_TREND_WARM_UP_S);
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

/* Whether each quarter has brought about as much an hour as the others. */
static bool rises_evenly(const struct floors *floors)
{
	const double hours = floors->hours[floors->count - 1] - floors->hours[0];
	const double rate = (floors->kept[floors->count - 1] - floors->kept[0]) / hours;

	for (size_t q = 0; q < QUARTERS; q++) {
		size_t from = end_of_quarter(floors, q);
		size_t to = end_of_quarter(floors, q + 1);
		double of_quarter = (floors->kept[to] - floors->kept[from]) /
				    (floors->hours[to] - floors->hours[from]);

		if (!(of_quarter >= LEAST_OF_HOURS * rate && of_quarter <= MOST_OF_HOURS * rate))
			return false;
	}
	return true;
}

/* What was seen before the point `first` is below the middle of what has risen since. */
static bool is_above_all(const struct pyi_series *series, size_t warm, size_t first)
{
	const double begin = value_of(&series->points[first], false);
	const double now = value_of(&series->points[series->point_count - 1], false);

	for (size_t p = warm; p < first; p++)
		if (value_of(&series->points[p], false) > (begin + now) / 2)
			return false;
	return true;
}

static bool is_fast(const struct pyi_trend *trend, double begin, double much)
{
	double least = trend->slope_sure > much ? LEAST_OF_MUCH_AN_HOUR : LEAST_AN_HOUR;

	return trend->slope_sure > least * begin;
}

struct pyi_trend pyi_trend_of_hours(const struct pyi_series *series, double much)
{
	static const struct scale scale = { .block_s = 900, .blocks = 11 };
	size_t warm = first_of_age(series, HOURS_WARM_UP_S);
	struct pyi_trend trend = { 0 };
	struct floors floors;
	size_t first;

	if (warm == series->point_count)
		return trend;
	first = first_within(series, warm, scale.block_s * (int64_t)scale.blocks);
	trend.points = series->point_count - first;
	trend.span_s = moment_of(&series->points[series->point_count - 1]) -
		       moment_of(&series->points[first]);
	/* A timer comes a little late now and then. */
	if (trend.span_s < PYI_TREND_HOURS_S - HOURS_LATE_S)
		return trend;
	find_floors(series, first, false, &scale, &floors);
	if (floors.count < FLOORS_OF_HOURS)
		return trend;
	trend.known = true;
	find_slope(&floors, false, &trend);
	trend.grows = is_fast(&trend, floors.values[0], much) && rises_evenly(&floors) &&
		      is_above_all(series, warm, first);
	return trend;
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
	first = first_within(series, 0, PYI_TREND_NEVER_SHRINKS_S - 1);
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
		double until_s =
			(double)moment_of(&points[first]) +
			(double)(moment_of(&points[count - 1]) - moment_of(&points[first])) * part /
				runs;
		size_t from = at;

		while (at + 1 < count && (double)moment_of(&points[at + 1]) <= until_s)
			at++;
		if (points[at].count <= points[from].count)
			return false;
	}
	return true;
}
