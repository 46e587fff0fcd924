/*
 * One pass over the nodes, then names.
 */
#include "analysis/heap_types.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/bits.h"

struct figures {
	uint64_t count;
	uint64_t bytes;
};

/* What is counted. */
struct choice {
	/* NULL: any. */
	const uint64_t *set;
	uint32_t flags;
};

static bool is_chosen(const struct pyi_graph *graph, const struct choice *choice, uint32_t node)
{
	uint32_t flags = pyi_graph_flags(graph, node);

	return !(flags & PYI_NODE_KEYS) && (flags & choice->flags) == choice->flags &&
	       (!choice->set || pyi_bits_has(choice->set, node));
}

static void count(const struct pyi_graph *graph, const struct choice *choice,
		  struct figures *figures)
{
	for (uint32_t node = 0; node < graph->node_count; node++) {
		struct figures *of_type = &figures[pyi_graph_type(graph, node)];

		if (!is_chosen(graph, choice, node))
			continue;
		of_type->count++;
		if (__builtin_add_overflow(of_type->bytes, pyi_graph_size(graph, node),
					   &of_type->bytes))
			of_type->bytes = UINT64_MAX;
	}
}

static struct pyi_error *count_types(const struct pyi_graph *graph, const struct choice *choice,
				     struct pyi_census *ret_census)
{
	PYI_CLEANUP(pyi_guard_free)
	struct figures *figures = calloc((size_t)graph->type_count + 1, sizeof(*figures));
	struct pyi_census census = { 0 };
	struct pyi_error *error = NULL;

	if (!figures)
		return pyi_error_no_memory();
	count(graph, choice, figures);
	for (uint32_t t = 0; t < graph->type_count && !error; t++) {
		const struct pyi_graph_type *type = &graph->types[t];
		char *name;

		if (!figures[t].count)
			continue;
		name = strdup(type->name ? type->name : "?");
		error = name ? pyi_census_add(&census, name, figures[t].count, figures[t].bytes,
					      type->estimated)
			     : pyi_error_no_memory();
	}
	if (error) {
		pyi_census_deinit(&census);
		return error;
	}
	pyi_census_merge(&census);
	*ret_census = census;
	return NULL;
}

struct pyi_error *pyi_heap_types(const struct pyi_graph *graph, const uint64_t *set,
				 struct pyi_census *ret_census)
{
	const struct choice choice = { .set = set };

	return count_types(graph, &choice, ret_census);
}

struct pyi_error *pyi_heap_types_flagged(const struct pyi_graph *graph, uint32_t flags,
					 struct pyi_census *ret_census)
{
	const struct choice choice = { .flags = flags };

	return count_types(graph, &choice, ret_census);
}
