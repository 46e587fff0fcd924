/*
 * Collects, merges, orders and adds up the rows of a census.
 *
 * Does not look at names beyond comparing their bytes, and does not print.
 */
#include "analysis/census.h"

#include <fnmatch.h>
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

static const char *behind_last_dot(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static bool is_of_module(const char *name)
{
	return strchr(name, '.') != NULL;
}

bool pyi_census_wants(const struct pyi_census_filter *filter, const char *name)
{
	size_t length = filter->module ? strlen(filter->module) : 0;

	if (filter->no_builtins && !is_of_module(name))
		return false;
	if (filter->module && (strncmp(name, filter->module, length) != 0 || name[length] != '.'))
		return false;
	return !filter->type || fnmatch(filter->type, name, 0) == 0 ||
	       fnmatch(filter->type, behind_last_dot(name), 0) == 0;
}

void pyi_census_keep(struct pyi_census *census, const struct pyi_census_filter *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < census->type_count; i++) {
		if (pyi_census_wants(filter, census->types[i].name))
			census->types[kept++] = census->types[i];
		else
			free(census->types[i].name);
	}
	census->type_count = kept;
}

/* Moves a row to the place `to` before it. */
static void bring_forward(struct pyi_census *census, size_t from, size_t to)
{
	struct pyi_census_type type = census->types[from];

	memmove(&census->types[to + 1], &census->types[to], (from - to) * sizeof(type));
	census->types[to] = type;
}

size_t pyi_census_put_modules_first(struct pyi_census *census, size_t limit)
{
	size_t builtins = 0;
	size_t wanted;
	size_t front = 0;

	if (limit > census->type_count)
		limit = census->type_count;
	for (size_t i = 0; i < census->type_count; i++)
		builtins += !is_of_module(census->types[i].name);
	wanted = limit - limit / 2;
	if (limit - wanted > builtins)
		wanted = limit - builtins;
	for (size_t i = 0; i < census->type_count && front < wanted; i++)
		if (is_of_module(census->types[i].name))
			bring_forward(census, i, front++);
	for (size_t i = front, next = front; i < census->type_count && next < limit; i++)
		if (!is_of_module(census->types[i].name))
			bring_forward(census, i, next++);
	/* With nothing but types of modules the order is as it was. */
	return front < limit ? front : 0;
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
