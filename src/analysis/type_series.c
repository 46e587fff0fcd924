/*
 * A table of all names, with a figure of each census.
 */
#include "analysis/type_series.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *pyi_series_kind_name(enum pyi_series_kind kind)
{
	static const char *const names[] = {
		[PYI_SERIES_STEADY] = "steady",
		[PYI_SERIES_STEPS] = "steps",
		[PYI_SERIES_NOISE] = "noise",
	};

	return names[kind];
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int by_name(const void *name, const void *type)
{
	return strcmp(name, ((const struct pyi_census_type *)type)->name);
}

/* All names of all censuses, each once, in order. They stay the censuses'. */
static struct pyi_error *list_names(const struct pyi_census *censuses, size_t census_count,
				    const char ***ret_names, size_t *ret_count)
{
	const char **names;
	size_t count = 0;
	size_t kept = 0;

	for (size_t c = 0; c < census_count; c++)
		count += censuses[c].type_count;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		return pyi_error_no_memory();
	count = 0;
	for (size_t c = 0; c < census_count; c++)
		for (size_t t = 0; t < censuses[c].type_count; t++)
			names[count++] = censuses[c].types[t].name;
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	for (size_t n = 0; n < count; n++)
		if (!kept || strcmp(names[kept - 1], names[n]) != 0)
			names[kept++] = names[n];
	*ret_names = names;
	*ret_count = kept;
	return NULL;
}

static bool has_changed(const struct pyi_series_type *type, size_t census_count)
{
	for (size_t c = 1; c < census_count; c++)
		if (type->counts[c] != type->counts[0] || type->bytes[c] != type->bytes[0])
			return true;
	return false;
}

/* By what it is wanted, unless that stays as it is. */
static const uint64_t *figures_of(const struct pyi_series_type *type, size_t census_count,
				  bool by_count)
{
	const uint64_t *figures = by_count ? type->counts : type->bytes;

	for (size_t c = 1; c < census_count; c++)
		if (figures[c] != figures[0])
			return figures;
	return by_count ? type->bytes : type->counts;
}

static void judge(struct pyi_series_type *type, size_t census_count, bool by_count)
{
	const uint64_t *figures = figures_of(type, census_count, by_count);
	bool less = false;

	for (size_t c = 1; c < census_count; c++) {
		type->steps += figures[c] > figures[c - 1];
		less |= figures[c] < figures[c - 1];
	}
	if (less)
		type->kind = PYI_SERIES_NOISE;
	else if (census_count > 2 && type->steps == census_count - 1)
		type->kind = PYI_SERIES_STEADY;
	else
		type->kind = PYI_SERIES_STEPS;
}

static void free_type(struct pyi_series_type *type)
{
	free(type->name);
	free(type->counts);
	free(type->bytes);
}

/* Takes the figures of one name; false without memory. */
static bool make_type(const struct pyi_census *censuses, size_t census_count, const char *name,
		      struct pyi_series_type *ret_type)
{
	struct pyi_series_type type = {
		.name = strdup(name),
		.counts = calloc(census_count, sizeof(*type.counts)),
		.bytes = calloc(census_count, sizeof(*type.bytes)),
	};

	if (!type.name || !type.counts || !type.bytes) {
		free_type(&type);
		return false;
	}
	for (size_t c = 0; c < census_count; c++) {
		const struct pyi_census_type *found =
			censuses[c].type_count
				? bsearch(name, censuses[c].types, censuses[c].type_count,
					  sizeof(*found), by_name)
				: NULL;

		if (!found)
			continue;
		type.counts[c] = found->count;
		type.bytes[c] = found->bytes;
		type.estimated |= found->estimated;
	}
	type.count = (struct pyi_change){ type.counts[0], type.counts[census_count - 1] };
	type.size = (struct pyi_change){ type.bytes[0], type.bytes[census_count - 1] };
	*ret_type = type;
	return true;
}

static int compare_by_bytes(const void *left, const void *right)
{
	const struct pyi_series_type *a = left;
	const struct pyi_series_type *b = right;
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (!order)
		order = pyi_change_compare(a->size, b->size);
	if (!order)
		order = pyi_change_compare(a->count, b->count);
	return order ? order : strcmp(a->name, b->name);
}

static int compare_by_count(const void *left, const void *right)
{
	const struct pyi_series_type *a = left;
	const struct pyi_series_type *b = right;
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (!order)
		order = pyi_change_compare(a->count, b->count);
	return order ? order : compare_by_bytes(left, right);
}

struct pyi_error *pyi_type_series_find(const struct pyi_census *censuses, size_t census_count,
				       bool by_count, struct pyi_type_series *ret_series)
{
	PYI_CLEANUP(pyi_guard_free) const char **names = NULL;
	struct pyi_type_series series = { .census_count = census_count };
	size_t name_count = 0;
	struct pyi_error *error = list_names(censuses, census_count, &names, &name_count);

	if (error)
		return error;
	series.types = calloc(name_count + 1, sizeof(*series.types));
	if (!series.types)
		return pyi_error_no_memory();
	for (size_t n = 0; n < name_count; n++) {
		struct pyi_series_type type;

		if (!make_type(censuses, census_count, names[n], &type)) {
			pyi_type_series_deinit(&series);
			return pyi_error_no_memory();
		}
		if (has_changed(&type, census_count)) {
			judge(&type, census_count, by_count);
			series.types[series.type_count++] = type;
		} else {
			free_type(&type);
			series.same_count++;
		}
	}
	if (series.type_count)
		qsort(series.types, series.type_count, sizeof(*series.types),
		      by_count ? compare_by_count : compare_by_bytes);
	*ret_series = series;
	return NULL;
}

static void add_clamped(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

struct pyi_type_change pyi_type_series_sum(const struct pyi_type_series *series, size_t first)
{
	struct pyi_type_change sum = { 0 };

	for (size_t t = first; t < series->type_count; t++) {
		const struct pyi_series_type *type = &series->types[t];

		add_clamped(&sum.count.before, type->count.before);
		add_clamped(&sum.count.after, type->count.after);
		add_clamped(&sum.bytes.before, type->size.before);
		add_clamped(&sum.bytes.after, type->size.after);
		sum.estimated |= type->estimated;
	}
	return sum;
}

void pyi_type_series_deinit(struct pyi_type_series *series)
{
	for (size_t t = 0; t < series->type_count; t++)
		free_type(&series->types[t]);
	free(series->types);
	*series = (struct pyi_type_series){ 0 };
}
