/*
 * Orders ways, frees paths and lists of large objects, and names the kinds of steps. Does not
 * search for anything.
 */
#include "analysis/paths.h"

#include <stdlib.h>
#include <string.h>

const char *pyi_step_kind_name(enum pyi_step_kind kind)
{
	switch (kind) {
	case PYI_STEP_ROOT:
		return "root";
	case PYI_STEP_ATTRIBUTE:
		return "attribute";
	case PYI_STEP_FIELD:
		return "field";
	case PYI_STEP_ITEM:
		return "item";
	case PYI_STEP_KEY:
		return "key";
	case PYI_STEP_INDEX:
		return "index";
	case PYI_STEP_ELEMENT:
		return "element";
	case PYI_STEP_LOCAL:
		return "local";
	case PYI_STEP_CLASS:
		return "class";
	case PYI_STEP_DICT:
		return "dict";
	case PYI_STEP_INTERNAL:
		break;
	}
	return "internal";
}

void pyi_path_deinit(struct pyi_path *path)
{
	for (size_t i = 0; i < path->step_count; i++) {
		free(path->steps[i].type);
		free(path->steps[i].edge);
		free(path->steps[i].name);
	}
	free(path->steps);
	free(path->expression);
	*path = (struct pyi_path){ 0 };
}

const char *pyi_way_start_name(enum pyi_way_start start)
{
	switch (start) {
	case PYI_WAY_ROOT:
		return "root";
	case PYI_WAY_IMMORTAL:
		return "immortal";
	case PYI_WAY_HELD:
		return "held";
	case PYI_WAY_UNREACHED:
		break;
	}
	return "unreached";
}

static void deinit_way(struct pyi_way *way)
{
	free(way->expression);
	pyi_path_deinit(&way->example);
}

static void deinit_ways(struct pyi_way_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		deinit_way(&list->items[i]);
	free(list->items);
}

/* The same ones next to each other. */
static int compare_names(const void *left, const void *right)
{
	const struct pyi_way *one = left;
	const struct pyi_way *other = right;

	if (one->start != other->start)
		return one->start < other->start ? -1 : 1;
	return strcmp(one->expression, other->expression);
}

static int compare_figures(uint64_t one, uint64_t other)
{
	return one == other ? 0 : one < other ? 1 : -1;
}

static int compare_ways(const void *left, const void *right)
{
	const struct pyi_way *one = left;
	const struct pyi_way *other = right;
	int order = compare_figures(one->retained_bytes, other->retained_bytes);

	if (!order)
		order = compare_figures(one->instances, other->instances);
	if (!order)
		order = compare_figures(one->references, other->references);
	return order ? order : compare_names(left, right);
}

static void add(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

static void take_over(struct pyi_way *way, struct pyi_way *other)
{
	add(&way->instances, other->instances);
	add(&way->retained_bytes, other->retained_bytes);
	add(&way->references, other->references);
	deinit_way(other);
}

void pyi_ways_merge(struct pyi_way_list *list, size_t limit)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_names);
	for (size_t i = 1; i < list->count; i++) {
		if (compare_names(&list->items[kept], &list->items[i]) == 0)
			take_over(&list->items[kept], &list->items[i]);
		else
			list->items[++kept] = list->items[i];
	}
	list->count = kept + 1;
	qsort(list->items, list->count, sizeof(*list->items), compare_ways);
	while (list->count > limit) {
		struct pyi_way *way = &list->items[--list->count];

		list->other_ways++;
		add(&list->other_instances, way->instances);
		add(&list->other_references, way->references);
		deinit_way(way);
	}
}

void pyi_paths_deinit(struct pyi_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		pyi_path_deinit(&paths->paths[i]);
	free(paths->paths);
	free(paths->type);
	deinit_ways(&paths->ways);
	deinit_ways(&paths->also);
	*paths = (struct pyi_paths){ 0 };
}

static void free_list(struct pyi_large_object *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].type);
		free(list[i].owner);
		free(list[i].value);
	}
	free(list);
}

void pyi_large_objects_deinit(struct pyi_large_objects *objects)
{
	free_list(objects->by_bytes, objects->by_bytes_count);
	free_list(objects->by_referents, objects->by_referents_count);
	*objects = (struct pyi_large_objects){ 0 };
}
