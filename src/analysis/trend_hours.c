/*
 * Growth by a tenth an hour: known after hours, not after a day.
 */
#include "analysis/trend.h"

#include <math.h>

#include "analysis/floors.h"

enum {
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	BLOCKS = 11,
	/* The first sign; and where noise and bursts matter less. */
	QUICK_S = 900,
	STEADY_S = 1800,
	/* Of them, that must be there; and how much the last look may be late. */
	FLOORS_NEEDED = 9,
	LATE_S = 240,
	/* It has less time to wait than the growth of a day. */
	WARM_UP_S = 14 * 60,
	/* Constant, linear, quadratic, cubic. */
	DEGREES = 4,
};

/* As part of the whole, an hour: of what may be the first that the process does in its life. */
#define LEAST_AN_HOUR 0.0955
#define LEAST_OF_MUCH_AN_HOUR 0.08
/* How much it may bend, as part of what it rises; and in how many errors of that it must be less.
 */
#define MOST_BENT 0.05
#define BENT_SURE 2.0

/*
 * Of what is more than the process has ever done: the less of its life was seen before, the more
 * and the faster. In a day, what happens each day has been seen; but a weekend's day may be twice
 * as high, and what rises for most of a day is seen best in longer windows.
 */
static const struct past {
	int64_t block_s;
	int64_t known_s;
	/* How many times the range of all that was before. */
	double ranges;
	/* As part of the whole, an hour. */
	double least_an_hour;
} pasts[] = {
	{ QUICK_S, INT64_C(8) * HOUR_S, 2, 0.085 },
	{ QUICK_S, DAY_S, 1.5, 0.07 },
	{ STEADY_S, INT64_C(3) * DAY_S, 2, 0.07 },
};

/* The powers of the time, made orthogonal to each other on the moments of the floors. */
struct shape {
	double values[DEGREES][PYI_FLOORS_LIMIT];
	/* Of the floors' kept values: how much of each there is, at the last moment; and the error
	 * of that. */
	double part[DEGREES];
	double error[DEGREES];
};

static double product(const double *left, const double *right, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += left[i] * right[i];
	return sum;
}

/* Gram and Schmidt's way, and least squares; more floors than degrees. */
static void find_shape(const struct pyi_floors *floors, struct shape *shape)
{
	const size_t n = floors->count;
	const double middle = (floors->hours[0] + floors->hours[n - 1]) / 2;
	double rest[PYI_FLOORS_LIMIT];
	double deviation;

	for (size_t i = 0; i < n; i++)
		rest[i] = floors->kept[i];
	for (size_t d = 0; d < DEGREES; d++) {
		double *power = shape->values[d];
		double factor;

		for (size_t i = 0; i < n; i++)
			power[i] = d ? shape->values[d - 1][i] * (floors->hours[i] - middle) : 1;
		for (size_t lower = 0; lower < d; lower++) {
			const double *other = shape->values[lower];

			factor = product(power, other, n) / product(other, other, n);
			for (size_t i = 0; i < n; i++)
				power[i] -= factor * other[i];
		}
		factor = product(rest, power, n) / product(power, power, n);
		for (size_t i = 0; i < n; i++)
			rest[i] -= factor * power[i];
		shape->part[d] = factor * power[n - 1];
	}
	deviation = sqrt(product(rest, rest, n) / (double)(n - DEGREES));
	for (size_t d = 0; d < DEGREES; d++)
		shape->error[d] = deviation * fabs(shape->values[d][n - 1]) /
				  sqrt(product(shape->values[d], shape->values[d], n));
}

/* Whether it rises along a line, surely less bent than what comes to an end, or begins and ends. */
static bool rises_straight(const struct pyi_floors *floors)
{
	struct shape shape;

	find_shape(floors, &shape);
	for (size_t d = 2; d < DEGREES; d++)
		if (!(fabs(shape.part[d]) + BENT_SURE * shape.error[d] < MOST_BENT * shape.part[1]))
			return false;
	return true;
}

/* What was seen before the point `first` is below the middle of what has risen since. */
static bool is_above_all(const struct pyi_series *series, size_t warm, size_t first)
{
	const double begin = pyi_point_value(&series->points[first], false);
	const double now = pyi_point_value(&series->points[series->point_count - 1], false);

	for (size_t p = warm; p < first; p++)
		if (pyi_point_value(&series->points[p], false) > (begin + now) / 2)
			return false;
	return true;
}

/* What a figure fell back to before the point `first`, in times that are as long as the window. */
struct range {
	int64_t known_s;
	double lowest;
	double highest;
	/* Of the times, the last ones first, how many in a row somebody looked in. */
	size_t seen;
};

static void find_range(const struct pyi_series *series, size_t warm, size_t first, int64_t window_s,
		       struct range *range)
{
	const int64_t begin_s = pyi_point_moment(&series->points[first]);
	size_t p = first;

	*range = (struct range){ begin_s - pyi_point_moment(&series->points[warm]), INFINITY,
				 -INFINITY, 0 };
	while (p > warm) {
		const int64_t block =
			(begin_s - pyi_point_moment(&series->points[p - 1])) / window_s;
		double least = INFINITY;

		for (; p > warm &&
		       (begin_s - pyi_point_moment(&series->points[p - 1])) / window_s == block;
		     p--)
			least = fmin(least, pyi_point_value(&series->points[p - 1], false));
		range->seen += block == (int64_t)range->seen;
		range->highest = fmax(range->highest, least);
		range->lowest = fmin(range->lowest, least);
	}
}

/*
 * Whether it rises by more than what it fell back to has ever differed, and is above all of that by
 * half of it. A burst that is shorter than the window is no difference.
 */
static bool outgrows_the_past(const struct pyi_series *series, size_t warm, size_t first,
			      int64_t block_s, const struct pyi_floors *floors, double part_an_hour)
{
	const double begin = floors->kept[0];
	const double rise = floors->kept[floors->count - 1] - begin;
	const int64_t window_s = block_s * BLOCKS;
	struct range range;

	find_range(series, warm, first, window_s, &range);
	if (range.highest >= begin + rise / 2)
		return false;
	for (size_t p = 0; p < sizeof(pasts) / sizeof(pasts[0]); p++) {
		const struct past *past = &pasts[p];

		if (past->block_s == block_s && range.known_s >= past->known_s &&
		    range.seen >= (size_t)(past->known_s / window_s) &&
		    rise > past->ranges * (range.highest - range.lowest) &&
		    part_an_hour > past->least_an_hour)
			return true;
	}
	return false;
}

/* The value of `whole` when the first floor was; of the figure itself, if it is that. */
static double whole_at(const struct pyi_series *whole, const struct pyi_series *series,
		       size_t first, const struct pyi_floors *floors)
{
	const size_t at = whole ? pyi_series_first_of_age(whole, series->points[first].age_s) : 0;
	double value = floors->values[0];

	if (whole)
		value = at < whole->point_count ? pyi_point_value(&whole->points[at], false) : 0;
	/* A part of nothing is none. */
	return value > 0 ? value : INFINITY;
}

static struct pyi_trend trend_within(const struct pyi_series *series,
				     const struct pyi_series *whole, double much, int64_t block_s)
{
	size_t warm = pyi_series_first_of_age(series, WARM_UP_S);
	struct pyi_trend trend = { 0 };
	struct pyi_floors floors;
	double part_an_hour;
	size_t first;

	if (warm == series->point_count)
		return trend;
	first = pyi_series_first_within(series, warm, block_s * BLOCKS);
	trend.points = series->point_count - first;
	trend.span_s = pyi_point_moment(&series->points[series->point_count - 1]) -
		       pyi_point_moment(&series->points[first]);
	/* A timer comes a little late now and then. */
	if (trend.span_s < block_s * (BLOCKS - 1) - LATE_S)
		return trend;
	pyi_floors_find(series, first, false, block_s, BLOCKS, &floors);
	if (floors.count < FLOORS_NEEDED)
		return trend;
	trend.known = true;
	pyi_floors_slope(&floors, 0, PYI_FLOORS_SURE, &trend);
	if (!(trend.slope_sure > 0) || !rises_straight(&floors))
		return trend;
	part_an_hour = trend.slope_sure / whole_at(whole, series, first, &floors);
	trend.grows =
		block_s == QUICK_S && is_above_all(series, warm, first) &&
		part_an_hour > (trend.slope_sure > much ? LEAST_OF_MUCH_AN_HOUR : LEAST_AN_HOUR);
	trend.grows |= outgrows_the_past(series, warm, first, block_s, &floors, part_an_hour);
	return trend;
}

struct pyi_trend pyi_trend_of_hours(const struct pyi_series *series, const struct pyi_series *whole,
				    double much)
{
	struct pyi_trend quick = trend_within(series, whole, much, QUICK_S);
	struct pyi_trend steady;

	if (quick.grows)
		return quick;
	steady = trend_within(series, whole, much, STEADY_S);
	return steady.grows ? steady : quick;
}
