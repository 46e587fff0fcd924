/*
 * Modules in the order of sys.modules, classes by name, roots by kind.
 */
#include "heap/path_starts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "python/attributes.h"
#include "python/places.h"

enum {
	/* What a number is about: the name with this index, this root, or an object of this type.
	 */
	NUMBER_KIND_SHIFT = 30,
	NUMBER_NAMED = 0,
	NUMBER_ROOT = 1,
	NUMBER_TYPE = 2,
	NAMES_LIMIT = 1 << 20,
};

#define NUMBER_MASK ((UINT32_C(1) << NUMBER_KIND_SHIFT) - 1)
/* What is there for a while only. */
#define TRANSIENT                                                                                  \
	(UINT64_C(1) << PYI_KIND_FRAME | UINT64_C(1) << PYI_KIND_GENERATOR |                       \
	 UINT64_C(1) << PYI_KIND_GREENLET)

struct starting {
	struct pyi_path_starts *starts;
	struct pyi_names *names;
	struct pyi_spanning_tree *tree;
	struct pyi_error *error;
};

void pyi_path_starts_deinit(struct pyi_path_starts *starts)
{
	for (size_t n = 0; n < starts->count; n++)
		free(starts->names[n]);
	free(starts->names);
	*starts = (struct pyi_path_starts){ 0 };
}

static struct pyi_error *start_named(struct starting *starting, uint64_t addr, const char *name)
{
	struct pyi_path_starts *starts = starting->starts;
	uint32_t node = pyi_graph_find(starting->tree->graph, addr);
	char *copy;

	if (node == PYI_GRAPH_NONE || starts->count >= NAMES_LIMIT ||
	    !pyi_spanning_tree_start(starting->tree, node, (uint32_t)starts->count))
		return NULL;
	copy = strdup(name);
	if (!copy || !pyi_array_reserve(&starts->names, starts->count, &starts->capacity,
					sizeof(*starts->names))) {
		free(copy);
		return pyi_error_no_memory();
	}
	starts->names[starts->count++] = copy;
	return NULL;
}

static bool start_module(void *argument, uint64_t key, uint64_t value)
{
	struct starting *starting = argument;
	const struct pyi_places *places = &starting->names->places;
	char name[PYI_NAME_BYTES];

	if (pyi_objects_read_str(places->runtime, places->reader, key, name) &&
	    pyi_places_is_module_name(name))
		starting->error = start_named(starting, value, name);
	return !starting->error;
}

static struct pyi_error *start_modules(struct starting *starting,
				       const struct pyi_interpreters *interpreters)
{
	const struct pyi_places *places = &starting->names->places;

	for (size_t i = 0; i < interpreters->count && !starting->error; i++) {
		uint64_t modules;

		/* What cannot be read is reached in another way, or said to be missing by others.
		 */
		if (pyi_memory_try_read_u64(places->reader,
					    interpreters->addr[i] +
						    places->runtime->layout->interp_modules,
					    &modules) &&
		    modules)
			(void)pyi_attributes_each_item(places->runtime, places->reader, modules,
						       start_module, starting);
	}
	return starting->error;
}

static int compare_type_names(const void *left, const void *right)
{
	const struct pyi_type *a = *(const struct pyi_type *const *)left;
	const struct pyi_type *b = *(const struct pyi_type *const *)right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->addr > b->addr) - (a->addr < b->addr);
}

static struct pyi_error *start_classes(struct starting *starting, const struct pyi_type_list *types)
{
	const struct pyi_type **by_name = calloc(types->count + 1, sizeof(const struct pyi_type *));
	struct pyi_error *error = NULL;

	if (!by_name)
		return pyi_error_no_memory();
	for (size_t t = 0; t < types->count; t++)
		by_name[t] = &types->types[t];
	qsort((void *)by_name, types->count, sizeof(const struct pyi_type *), compare_type_names);
	for (size_t t = 0; t < types->count && !error; t++)
		error = start_named(starting, by_name[t]->addr, by_name[t]->name);
	free((void *)by_name);
	return error;
}

static void start_roots_of(struct pyi_spanning_tree *tree, bool of_frames)
{
	const struct pyi_graph *graph = tree->graph;

	for (size_t r = 0; r < graph->root_count && r <= NUMBER_MASK; r++) {
		const struct pyi_graph_root *root = &graph->roots[r];
		bool of_frame = root->kind == PYI_EDGE_LOCAL || root->kind == PYI_EDGE_FRAME;

		if (of_frame == of_frames)
			(void)pyi_spanning_tree_start(
				tree, root->node, NUMBER_ROOT << NUMBER_KIND_SHIFT | (uint32_t)r);
	}
}

/* Builtins have no module in their names. */
static bool is_class(const char *type)
{
	return type && strchr(type, '.');
}

static void start_by_type(struct pyi_spanning_tree *tree, uint32_t node)
{
	(void)pyi_spanning_tree_start(tree, node,
				      (uint32_t)NUMBER_TYPE << NUMBER_KIND_SHIFT |
					      pyi_graph_type(tree->graph, node));
}

static bool is_instance(const struct pyi_graph *graph, uint32_t node)
{
	const struct pyi_graph_type *type = &graph->types[pyi_graph_type(graph, node)];

	return type->kind == PYI_KIND_INSTANCE ||
	       (type->kind == PYI_KIND_PLAIN && is_class(type->name));
}

/* Bits of what objects refer to that were not reached, other than themselves. */
static void find_referred(const struct pyi_spanning_tree *tree, uint64_t *referred)
{
	const struct pyi_graph *graph = tree->graph;

	for (uint32_t node = 0; node < graph->node_count; node++) {
		const struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);

		if (pyi_bits_has(tree->reached, node))
			continue;
		for (uint64_t e = 0; e < referents.count; e++)
			if (referents.items[e] != node)
				pyi_bits_set(referred, referents.items[e]);
	}
}

/* What C code holds, and garbage: instances are called by their class, whatever holds them; then
 * comes what nothing refers to. */
static struct pyi_error *start_unreached(struct pyi_spanning_tree *tree)
{
	const struct pyi_graph *graph = tree->graph;
	const uint64_t bytes = pyi_bits_bytes(graph->node_count);
	void *region;
	struct pyi_error *error = pyi_graph_space_map(graph->space, bytes, &region);

	if (error)
		return error;
	for (uint32_t node = 0; node < graph->node_count; node++)
		if (is_instance(graph, node))
			start_by_type(tree, node);
	pyi_spanning_tree_grow(tree, 0);
	find_referred(tree, region);
	for (uint32_t node = 0; node < graph->node_count; node++)
		if (!pyi_bits_has(region, node))
			start_by_type(tree, node);
	pyi_spanning_tree_grow(tree, 0);
	for (uint32_t node = 0; node < graph->node_count; node++) {
		start_by_type(tree, node);
		pyi_spanning_tree_grow(tree, 0);
	}
	pyi_graph_space_unmap(graph->space, region, bytes);
	return NULL;
}

struct pyi_error *pyi_path_starts_grow(struct pyi_path_starts *starts, struct pyi_names *names,
				       const struct pyi_interpreters *interpreters,
				       const struct pyi_type_list *types,
				       struct pyi_spanning_tree *tree)
{
	struct starting starting = { .starts = starts, .names = names, .tree = tree };
	struct pyi_error *error = start_modules(&starting, interpreters);

	if (!error)
		error = start_classes(&starting, types);
	if (error)
		return error;
	pyi_spanning_tree_grow(tree, TRANSIENT);
	start_roots_of(tree, false);
	pyi_spanning_tree_grow(tree, TRANSIENT);
	start_roots_of(tree, true);
	pyi_spanning_tree_grow(tree, 0);
	return start_unreached(tree);
}

char *pyi_path_starts_name(const struct pyi_path_starts *starts, uint32_t number,
			   const struct pyi_graph *graph, const struct pyi_names *names)
{
	uint32_t index = number & NUMBER_MASK;
	const char *type;
	char *name;

	switch (number >> NUMBER_KIND_SHIFT) {
	case NUMBER_NAMED:
		return strdup(starts->names[index]);
	case NUMBER_ROOT:
		return pyi_names_root_text(names, &graph->roots[index]);
	default:
		type = graph->types[index].name;
		return asprintf(&name, "%s%s", is_class(type) ? "" : "unreached ",
				type ? type : "object") < 0
			       ? NULL
			       : name;
	}
}
