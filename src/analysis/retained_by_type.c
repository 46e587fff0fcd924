/*
 * One search for 32 types: of each node, bit by bit, whether the entries lead to it when the
 * objects of a type are gone. A node from which more is known than it was gone on with is gone on
 * with again: once for each of the types at worst, which is what a search for each would be.
 */
#include "analysis/retained_by_type.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/bits.h"

enum {
	/* Types of one search. */
	BATCH = 32,
	/* How often it is asked whether there is still time. */
	NODES_PER_CHECK = 1 << 20,
	/* References whose memory is on its way, of nodes that are so far behind in the queue. */
	AHEAD = 4,
	FAR_AHEAD = 8,
	REGIONS = 3,
};

struct search {
	const struct pyi_graph *graph;
	const struct pyi_retained_check *check;
	/* By number of the type: the bit of its name; 0: nobody asks. */
	uint32_t *bits;
	uint32_t all;
	/* Of each node: it is reached without the objects of these types, or is one of them. */
	uint32_t *reached;
	/* A ring, in which no node is twice. */
	uint32_t *queue;
	uint64_t *queued;
	uint32_t first;
	uint64_t count;
};

static uint32_t bits_of(const struct search *search, uint32_t node)
{
	if (pyi_graph_flags(search->graph, node) & PYI_NODE_KEYS)
		return 0;
	return search->bits[pyi_graph_type(search->graph, node)];
}

static void reach(struct search *search, uint32_t node, uint32_t bits)
{
	uint64_t end;

	if (!(bits & ~search->reached[node]))
		return;
	search->reached[node] |= bits;
	if (!pyi_bits_set(search->queued, node))
		return;
	end = search->first + search->count++;
	search->queue[end < search->graph->node_count ? end : end - search->graph->node_count] =
		node;
}

static uint32_t take_first(struct search *search)
{
	uint32_t node = search->queue[search->first];

	if (++search->first == search->graph->node_count)
		search->first = 0;
	search->count--;
	search->queued[node / 64] &= ~(UINT64_C(1) << node % 64);
	return node;
}

static void prefetch(const struct search *search)
{
	/* What is in front of the end of the ring is enough. */
	const uint32_t *queue = search->queue;
	const uint64_t end = search->first + search->count;
	const uint64_t room = search->graph->node_count;
	const uint64_t last = end < room ? end : room;
	struct pyi_graph_nodes referents;

	pyi_graph_prefetch_queue(search->graph, queue, search->first, last);
	if (search->first + AHEAD >= last)
		return;
	referents = pyi_graph_referents(search->graph, queue[search->first + AHEAD]);
	for (uint64_t e = 0; e < AHEAD && e < referents.count; e++)
		__builtin_prefetch(&search->reached[referents.items[e]], 1);
}

static struct pyi_error *follow(struct search *search)
{
	struct pyi_error *error = NULL;

	for (uint64_t taken = 0; search->count && !error; taken++) {
		struct pyi_graph_nodes referents;
		uint32_t bits;
		uint32_t node;

		prefetch(search);
		node = take_first(search);
		bits = search->reached[node] & ~bits_of(search, node);
		referents = pyi_graph_referents(search->graph, node);
		for (uint64_t e = 0; e < referents.count; e++) {
			if (e + FAR_AHEAD < referents.count)
				__builtin_prefetch(&search->reached[referents.items[e + FAR_AHEAD]],
						   1);
			reach(search, referents.items[e], bits);
		}
		if (search->check && taken % NODES_PER_CHECK == 0)
			error = search->check->check(search->check->argument);
	}
	return error;
}

static void add_up(const struct search *search, struct pyi_retained *retained)
{
	const struct pyi_graph *graph = search->graph;

	for (uint32_t node = 0; node < graph->node_count; node++) {
		uint32_t left = (search->all & ~search->reached[node]) | bits_of(search, node);

		for (; left; left &= left - 1)
			pyi_retained_add(&retained[__builtin_ctz(left)], graph, node);
	}
}

static struct pyi_error *find(struct search *search, const struct pyi_graph_entries *entries,
			      struct pyi_retained *retained)
{
	struct pyi_error *error;

	for (uint32_t node = 0; node < search->graph->node_count; node++)
		search->reached[node] = bits_of(search, node);
	for (uint64_t e = 0; e < entries->count; e++)
		reach(search, entries->nodes[e], search->all);
	error = follow(search);
	if (!error)
		add_up(search, retained);
	return error;
}

static struct pyi_error *find_batch(const struct pyi_graph *graph,
				    const struct pyi_graph_entries *entries,
				    const char *const *names, size_t count,
				    const struct pyi_retained_check *check,
				    struct pyi_retained *retained)
{
	const uint64_t node_bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	const uint64_t sizes[REGIONS] = { node_bytes, node_bytes,
					  pyi_bits_bytes(graph->node_count) };
	PYI_CLEANUP(pyi_guard_free)
	uint32_t *bits = calloc((size_t)graph->type_count + 1, sizeof(*bits));
	struct search search = {
		.graph = graph,
		.check = check,
		.bits = bits,
		.all = UINT32_MAX >> (BATCH - count),
	};
	void *regions[REGIONS] = { NULL };
	struct pyi_error *error = NULL;

	if (!bits)
		return pyi_error_no_memory();
	for (uint32_t t = 0; t < graph->type_count; t++)
		for (size_t n = 0; n < count; n++)
			if (!strcmp(graph->types[t].name ? graph->types[t].name : "?", names[n]))
				bits[t] |= UINT32_C(1) << n;
	for (int r = 0; r < REGIONS && !error; r++)
		error = pyi_graph_space_map(graph->space, sizes[r], &regions[r]);
	if (!error) {
		search.reached = regions[0];
		search.queue = regions[1];
		search.queued = regions[2];
		error = find(&search, entries, retained);
	}
	for (int r = 0; r < REGIONS; r++)
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r]);
	return error;
}

struct pyi_error *pyi_retained_by_types(const struct pyi_graph *graph,
					const struct pyi_graph_entries *entries,
					const char *const *names, size_t count,
					const struct pyi_retained_check *check,
					struct pyi_retained *ret_retained)
{
	struct pyi_error *error = NULL;
	size_t batch;

	for (size_t at = 0; at < count && !error; at += batch) {
		batch = count - at < BATCH ? count - at : BATCH;
		memset(ret_retained + at, 0, batch * sizeof(*ret_retained));
		error = find_batch(graph, entries, names + at, batch, check, ret_retained + at);
	}
	return error;
}
