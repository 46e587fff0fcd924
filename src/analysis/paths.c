/*
 * Frees paths and lists of large objects, and names the kinds of steps.
 *
 * Does not search or order anything: that comes from the payload.
 */
#include "analysis/paths.h"

#include <stdlib.h>

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

static void deinit_path(struct pyi_path *path)
{
	for (size_t i = 0; i < path->step_count; i++) {
		free(path->steps[i].type);
		free(path->steps[i].edge);
		free(path->steps[i].name);
	}
	free(path->steps);
	free(path->expression);
}

void pyi_paths_deinit(struct pyi_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		deinit_path(&paths->paths[i]);
	free(paths->paths);
	free(paths->type);
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
