/*
 * Figures with names: adding, ordering, finding.
 */
#include "analysis/sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct pyi_error *pyi_sample_add(struct pyi_sample *sample, enum pyi_figure_kind kind,
				 const char *name, uint64_t count, uint64_t bytes)
{
	char *copy;

	if (!pyi_array_reserve(&sample->figures, sample->figure_count, &sample->capacity,
			       sizeof(*sample->figures)))
		return pyi_error_no_memory();
	copy = strdup(name);
	if (!copy)
		return pyi_error_no_memory();
	sample->figures[sample->figure_count++] = (struct pyi_figure){ kind, copy, count, bytes };
	return NULL;
}

static int compare(const void *left, const void *right)
{
	const struct pyi_figure *a = left;
	const struct pyi_figure *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

void pyi_sample_sort(struct pyi_sample *sample)
{
	size_t kept = 0;

	if (!sample->figure_count)
		return;
	qsort(sample->figures, sample->figure_count, sizeof(*sample->figures), compare);
	for (size_t f = 1; f < sample->figure_count; f++) {
		struct pyi_figure *last = &sample->figures[kept];
		struct pyi_figure *figure = &sample->figures[f];

		if (compare(last, figure) == 0) {
			last->count += figure->count;
			last->bytes += figure->bytes;
			free(figure->name);
		} else {
			sample->figures[++kept] = *figure;
		}
	}
	sample->figure_count = kept + 1;
}

const struct pyi_figure *pyi_sample_find(const struct pyi_sample *sample, enum pyi_figure_kind kind,
					 const char *name)
{
	const struct pyi_figure wanted = { .kind = kind, .name = (char *)(uintptr_t)name };

	if (!sample->figure_count)
		return NULL;
	return bsearch(&wanted, sample->figures, sample->figure_count, sizeof(*sample->figures),
		       compare);
}

void pyi_sample_deinit(struct pyi_sample *sample)
{
	for (size_t f = 0; f < sample->figure_count; f++)
		free(sample->figures[f].name);
	free(sample->figures);
	*sample = (struct pyi_sample){ 0 };
}

void pyi_series_deinit(struct pyi_series *series)
{
	free(series->name);
	free(series->points);
	*series = (struct pyi_series){ 0 };
}
