/*
 * The memory of what is said of one object.
 */
#include "analysis/object_facts.h"

#include <stdlib.h>

#include "base/array.h"

bool pyi_object_links_add(struct pyi_object_links *links, struct pyi_object_link *link)
{
	if (!pyi_array_reserve(&links->items, links->count, &links->capacity,
			       sizeof(*links->items))) {
		pyi_object_link_deinit(link);
		return false;
	}
	links->items[links->count++] = *link;
	*link = (struct pyi_object_link){ 0 };
	return true;
}

void pyi_object_link_deinit(struct pyi_object_link *link)
{
	free(link->edge);
	free(link->type);
	free(link->owner);
	free(link->value);
	*link = (struct pyi_object_link){ 0 };
}

static void free_links(struct pyi_object_links *links)
{
	for (size_t l = 0; l < links->count; l++)
		pyi_object_link_deinit(&links->items[l]);
	free(links->items);
}

void pyi_object_facts_deinit(struct pyi_object_facts *facts)
{
	pyi_object_link_deinit(&facts->object);
	pyi_object_link_deinit(&facts->dominator);
	for (size_t r = 0; r < facts->root_count; r++)
		free(facts->roots[r]);
	free(facts->roots);
	free(facts->path_expression);
	free_links(&facts->path);
	free_links(&facts->referents);
	free_links(&facts->referrers);
	*facts = (struct pyi_object_facts){ 0 };
}
