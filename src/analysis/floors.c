/*
 * The least values of equal parts of a series, and the median of the slopes between them.
 */
#include "analysis/floors.h"

#include <math.h>
#include <stdlib.h>

enum {
	HOUR_S = 3600,
	PAIR_LIMIT = PYI_FLOORS_LIMIT * (PYI_FLOORS_LIMIT - 1) / 2,
};

/* Some 30,000 years; so that differences never overflow. */
#define MOST_AGE_S (INT64_C(1) << 40)

double pyi_point_value(const struct pyi_point *point, bool bytes)
{
	return bytes ? (double)point->bytes : (double)point->count;
}

int64_t pyi_point_moment(const struct pyi_point *point)
{
	return point->age_s < (uint64_t)MOST_AGE_S ? (int64_t)point->age_s : MOST_AGE_S;
}

size_t pyi_series_first_of_age(const struct pyi_series *series, uint64_t age_s)
{
	size_t first = 0;

	while (first < series->point_count && series->points[first].age_s < age_s)
		first++;
	return first;
}

size_t pyi_series_first_within(const struct pyi_series *series, size_t from, int64_t age_s)
{
	int64_t last_s = pyi_point_moment(&series->points[series->point_count - 1]);
	size_t to = series->point_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (last_s - pyi_point_moment(&series->points[middle]) > age_s)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

void pyi_floors_find(const struct pyi_series *series, size_t first, bool bytes, int64_t block_s,
		     size_t blocks, struct pyi_floors *ret_floors)
{
	const struct pyi_point *last = &series->points[series->point_count - 1];
	struct pyi_floors *floors = ret_floors;
	int64_t block = -1;

	*floors = (struct pyi_floors){ 0 };
	for (size_t p = first; p < series->point_count; p++) {
		const struct pyi_point *point = &series->points[p];
		int64_t of = (pyi_point_moment(last) - pyi_point_moment(point)) / block_s;
		double value = pyi_point_value(point, bytes);
		size_t f;

		if (of >= (int64_t)blocks)
			of = (int64_t)blocks - 1;
		if (of != block)
			floors->values[floors->count++] = INFINITY;
		block = of;
		f = floors->count - 1;
		if (value < floors->values[f]) {
			floors->values[f] = value;
			floors->hours[f] =
				-(double)(pyi_point_moment(last) - pyi_point_moment(point)) /
				HOUR_S;
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

/* How many of the slopes between `n` floors lie below their lower bound. */
static size_t below_bound(size_t pairs, double n, double deviations)
{
	double spread = deviations * sqrt(n * (n - 1) * (2 * n + 5) / 18);

	return (size_t)fmax(floor(((double)pairs - spread) / 2), 0);
}

void pyi_floors_slope(const struct pyi_floors *floors, size_t first, double sure,
		      struct pyi_trend *trend)
{
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
	below = below_bound(pairs, n, PYI_FLOORS_CONFIDENT);
	trend->slope_low = slopes[below];
	trend->slope_high = slopes[pairs - 1 - below];
	trend->slope_sure = slopes[below_bound(pairs, n, sure)];
}
