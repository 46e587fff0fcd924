/*
 * PYI_JOB_LARGE: two lists of the biggest objects, kept in order while objects are visited.
 */
#include "graph.h"

static uint64_t figure(const struct pyi_record_large *row, int order)
{
	return order == PYI_LARGE_BY_BYTES ? row->bytes : row->referents;
}

static bool is_ranked(const struct pyi_graph *graph, int order, uint64_t limit,
		      const struct pyi_record_large *row)
{
	const struct pyi_record_large *list = graph->large[order];
	uint64_t count = graph->large_count[order];

	return limit && figure(row, order) &&
	       (count < limit || figure(row, order) > figure(&list[count - 1], order));
}

/* Puts a row where it belongs in a list that is in order. */
PYI_SELDOM static void rank(struct pyi_graph *graph, int order, uint64_t limit,
			    const struct pyi_record_large *row)
{
	struct pyi_record_large *list = graph->large[order];
	uint64_t count = graph->large_count[order];
	uint64_t at = count < limit ? count : count - 1;

	for (; at && figure(&list[at - 1], order) < figure(row, order); at--)
		list[at] = list[at - 1];
	list[at] = *row;
	list[at].order = (uint64_t)order;
	graph->large_count[order] = count < limit ? count + 1 : count;
}

void pyi_large_consider(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type,
			uint32_t tag, uint64_t referents)
{
	uint64_t bytes = pyi_size_of(walk, object, type);
	uint64_t limit =
		walk->arguments->limit < PYI_LARGE_LIMIT ? walk->arguments->limit : PYI_LARGE_LIMIT;
	struct pyi_record_large row = {
		.kind = PYI_RECORD_LARGE,
		.size_bytes = sizeof(row),
		.addr = object,
		.type_addr = type->addr,
		.bytes = bytes,
		.referents = referents,
	};

	type->count++;
	type->bytes += bytes;
	row.owner = pyi_owner_of(walk, object, type, tag);
	for (int order = 0; order < 2; order++)
		if (is_ranked(walk->graph, order, limit, &row))
			rank(walk->graph, order, limit, &row);
}

PYI_SELDOM void pyi_large_send(struct pyi_walk *walk)
{
	for (int order = 0; order < 2; order++)
		for (uint64_t r = 0; r < walk->graph->large_count[order]; r++)
			pyi_walk_put(walk, &walk->graph->large[order][r],
				     sizeof(walk->graph->large[order][r]));
}
