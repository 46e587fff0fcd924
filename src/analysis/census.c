/*
 * Collects, merges, orders and adds up the rows of a census.
 *
 * Does not look at names beyond comparing their bytes, and does not print.
 */
#include "analysis/census.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 64,
};

/* Figures come from the target: a sum that does not fit stays at the top instead of wrapping. */
static uint64_t add_clamped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static bool make_room(struct pyi_census *census)
{
	size_t capacity = census->capacity;
	struct pyi_census_type *types;

	if (census->type_count < capacity)
		return true;
	if (!capacity)
		capacity = FIRST_CAPACITY;
	else if (__builtin_mul_overflow(capacity, 2, &capacity))
		return false;
	types = reallocarray(census->types, capacity, sizeof(*types));
	if (!types)
		return false;
	census->types = types;
	census->capacity = capacity;
	return true;
}

struct pyi_error *pyi_census_add(struct pyi_census *census, char *name, uint64_t count,
				 uint64_t bytes, bool estimated)
{
	if (!name || !make_room(census)) {
		free(name);
		return pyi_error_no_memory();
	}
	census->types[census->type_count++] = (struct pyi_census_type){
		.name = name,
		.count = count,
		.bytes = bytes,
		.estimated = estimated,
		.classes = 1,
	};
	return NULL;
}

static int compare_names(const void *left, const void *right)
{
	const struct pyi_census_type *a = left;
	const struct pyi_census_type *b = right;

	return strcmp(a->name, b->name);
}

/* Bigger first. */
static int compare_figures(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare_by_bytes(const void *left, const void *right)
{
	const struct pyi_census_type *a = left;
	const struct pyi_census_type *b = right;
	int order = compare_figures(a->bytes, b->bytes);

	if (!order)
		order = compare_figures(a->count, b->count);
	return order ? order : compare_names(a, b);
}

static int compare_by_count(const void *left, const void *right)
{
	const struct pyi_census_type *a = left;
	const struct pyi_census_type *b = right;
	int order = compare_figures(a->count, b->count);

	if (!order)
		order = compare_figures(a->bytes, b->bytes);
	return order ? order : compare_names(a, b);
}

static void order_types(struct pyi_census *census, int (*compare)(const void *, const void *))
{
	/* qsort() wants an array even when there is nothing to sort. */
	if (census->type_count)
		qsort(census->types, census->type_count, sizeof(*census->types), compare);
}

void pyi_census_merge(struct pyi_census *census)
{
	size_t kept = 0;

	order_types(census, compare_names);
	for (size_t i = 0; i < census->type_count; i++) {
		struct pyi_census_type *type = &census->types[i];
		struct pyi_census_type *into = kept ? &census->types[kept - 1] : NULL;

		if (!into || strcmp(into->name, type->name) != 0) {
			census->types[kept++] = *type;
			continue;
		}
		into->count = add_clamped(into->count, type->count);
		into->bytes = add_clamped(into->bytes, type->bytes);
		into->estimated |= type->estimated;
		if (__builtin_add_overflow(into->classes, type->classes, &into->classes))
			into->classes = UINT32_MAX;
		free(type->name);
	}
	census->type_count = kept;
}

void pyi_census_sort(struct pyi_census *census, enum pyi_census_order order)
{
	order_types(census, order == PYI_CENSUS_BY_COUNT ? compare_by_count : compare_by_bytes);
}

struct pyi_census_sum pyi_census_sum_from(const struct pyi_census *census, size_t first)
{
	struct pyi_census_sum sum = { 0 };

	for (size_t i = first; i < census->type_count; i++) {
		sum.types++;
		sum.count = add_clamped(sum.count, census->types[i].count);
		sum.bytes = add_clamped(sum.bytes, census->types[i].bytes);
	}
	return sum;
}

void pyi_census_deinit(struct pyi_census *census)
{
	for (size_t i = 0; i < census->type_count; i++)
		free(census->types[i].name);
	free(census->types);
	*census = (struct pyi_census){ 0 };
}
