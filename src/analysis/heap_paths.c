/*
 * A search in breadth from all entries. Backwards through its queue, what leads to members is
 * marked; forwards, each marked node gets the step that it belongs to. What a node leads to stands
 * together in the queue.
 */
#include "analysis/heap_paths.h"

#include "graph/bits.h"

enum {
	REGIONS = 6,
};

struct search {
	const struct pyi_graph *graph;
	const struct pyi_graph_entries *entries;
	const uint64_t *set;
	const struct pyi_dominators *dominators;
	struct pyi_heap_steps *steps;
	uint32_t *queue;
	uint64_t count;
	/* Of each node: what led to it; and at which place, later the number of its step. */
	uint32_t *from;
	uint32_t *places;
	uint64_t *met;
	uint64_t *needed;
	/* Members that another member retains, and what has been looked at for that. */
	uint64_t *nested;
};

static void search_all(struct search *search)
{
	const struct pyi_graph *graph = search->graph;

	for (uint64_t e = 0; e < search->entries->count; e++) {
		uint32_t node = search->entries->nodes[e];

		if (!pyi_bits_set(search->met, node))
			continue;
		search->from[node] = PYI_GRAPH_NONE;
		search->queue[search->count++] = node;
	}
	for (uint64_t taken = 0; taken < search->count; taken++) {
		uint32_t node = search->queue[taken];
		struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);

		for (uint64_t e = 0; e < referents.count; e++) {
			uint32_t target = referents.items[e];

			if (!pyi_bits_set(search->met, target))
				continue;
			search->from[target] = node;
			search->places[target] = (uint32_t)e;
			search->queue[search->count++] = target;
		}
	}
	for (uint64_t at = search->count; at; at--) {
		uint32_t node = search->queue[at - 1];

		if (pyi_bits_has(search->set, node))
			pyi_bits_set(search->needed, node);
		if (pyi_bits_has(search->needed, node) && search->from[node] != PYI_GRAPH_NONE)
			pyi_bits_set(search->needed, search->from[node]);
	}
}

/* True if a member is above. What has been asked is not asked again: `met` is free by then. */
static bool is_nested(struct search *search, uint32_t member)
{
	const uint32_t *above = search->dominators->dominators;
	uint32_t at = above[member];
	bool nested;

	while (at != PYI_GRAPH_NONE && !pyi_bits_has(search->set, at) &&
	       pyi_bits_set(search->met, at))
		at = above[at];
	nested = at != PYI_GRAPH_NONE &&
		 (pyi_bits_has(search->set, at) || pyi_bits_has(search->nested, at));
	for (uint32_t up = above[member]; nested && up != at; up = above[up])
		pyi_bits_set(search->nested, up);
	return nested;
}

static uint64_t bytes_of(struct search *search, uint32_t member)
{
	if (!search->dominators)
		return pyi_graph_size(search->graph, member);
	return is_nested(search, member) ? 0 : search->dominators->retained_bytes[member];
}

static void add(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

static struct pyi_error *take(struct search *search, uint32_t node, bool apart)
{
	const struct pyi_graph *graph = search->graph;
	struct pyi_heap_step like = { .above = PYI_GRAPH_NONE,
				      .place = PYI_STEP_ENTRY,
				      .detail = node };
	struct pyi_heap_step *step;
	struct pyi_error *error;
	uint32_t number;

	if (search->from[node] != PYI_GRAPH_NONE) {
		like = pyi_heap_step_of(graph, search->from[node], search->places[node]);
		like.above = search->places[search->from[node]];
	}
	if (!apart) {
		like.place = PYI_STEP_ANY;
		like.detail = 0;
	}
	like.type = pyi_graph_type(graph, node);
	like.example = node;
	error = pyi_heap_steps_find(search->steps, &like, &number);
	if (error)
		return error;
	search->places[node] = number;
	step = &search->steps->items[number];
	step->nodes++;
	add(&step->node_bytes, pyi_graph_size(graph, node));
	if (pyi_bits_has(search->set, node)) {
		step->members++;
		add(&step->member_bytes, bytes_of(search, node));
	}
	return NULL;
}

static struct pyi_error *merge(struct search *search)
{
	struct pyi_error *error = NULL;
	uint64_t end;

	for (uint64_t at = 0; at < search->count && !error; at = end) {
		uint32_t from = search->from[search->queue[at]];
		uint64_t needed = 0;

		for (end = at; end < search->count && search->from[search->queue[end]] == from;
		     end++)
			needed += pyi_bits_has(search->needed, search->queue[end]);
		for (uint64_t n = at; n < end && needed && !error; n++)
			if (pyi_bits_has(search->needed, search->queue[n]))
				error = take(search, search->queue[n], needed <= PYI_STEPS_APART);
	}
	if (error)
		return error;
	for (size_t s = search->steps->count; s; s--) {
		struct pyi_heap_step *step = &search->steps->items[s - 1];

		add(&step->all_members, step->members);
		add(&step->all_bytes, step->member_bytes);
		if (step->above == PYI_GRAPH_NONE)
			continue;
		add(&search->steps->items[step->above].all_members, step->all_members);
		add(&search->steps->items[step->above].all_bytes, step->all_bytes);
	}
	return NULL;
}

static struct pyi_error *find(struct search *search)
{
	const uint64_t nodes = search->graph->node_count;
	const uint64_t sizes[REGIONS] = { nodes * sizeof(uint32_t), nodes * sizeof(uint32_t),
					  nodes * sizeof(uint32_t), pyi_bits_bytes(nodes),
					  pyi_bits_bytes(nodes),    pyi_bits_bytes(nodes) };
	struct pyi_graph_space *space = search->graph->space;
	void *regions[REGIONS] = { NULL };
	struct pyi_error *error = NULL;

	for (int r = 0; r < REGIONS && !error; r++)
		error = pyi_graph_space_map(space, sizes[r], &regions[r]);
	if (!error) {
		search->queue = regions[0];
		search->from = regions[1];
		search->places = regions[2];
		search->met = regions[3];
		search->needed = regions[4];
		search->nested = regions[5];
		search_all(search);
		for (uint64_t word = 0; word < sizes[3] / sizeof(uint64_t); word++)
			search->met[word] = 0;
		error = merge(search);
	}
	for (int r = 0; r < REGIONS; r++)
		pyi_graph_space_unmap(space, regions[r], sizes[r], sizes[r] ? sizes[r] : 1);
	return error;
}

struct pyi_error *pyi_heap_paths_find(const struct pyi_graph *graph,
				      const struct pyi_graph_entries *entries, const uint64_t *set,
				      const struct pyi_dominators *dominators,
				      struct pyi_heap_steps *ret_steps)
{
	struct pyi_heap_steps steps;
	struct search search = { .graph = graph,
				 .entries = entries,
				 .set = set,
				 .dominators = dominators,
				 .steps = &steps };
	struct pyi_error *error = pyi_heap_steps_init(&steps);

	if (!error)
		error = find(&search);
	if (error) {
		pyi_heap_steps_deinit(&steps);
		return error;
	}
	*ret_steps = steps;
	return NULL;
}

static struct pyi_error *add_referrer(const struct pyi_graph *graph, uint32_t node,
				      const uint64_t *set, struct pyi_heap_steps *steps)
{
	struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);
	uint64_t needed = 0;

	for (uint64_t e = 0; e < referents.count; e++)
		needed += pyi_bits_has(set, referents.items[e]);
	for (uint64_t e = 0; e < referents.count && needed; e++) {
		struct pyi_heap_step like;
		struct pyi_heap_step *step;
		struct pyi_error *error;
		uint32_t number;

		if (!pyi_bits_has(set, referents.items[e]))
			continue;
		like = pyi_heap_step_of(graph, node, e);
		like.type = pyi_graph_type(graph, node);
		if (needed > PYI_STEPS_APART) {
			like.place = PYI_STEP_ANY;
			like.detail = 0;
		}
		like.example = PYI_GRAPH_NONE;
		error = pyi_heap_steps_find(steps, &like, &number);
		if (error)
			return error;
		step = &steps->items[number];
		step->references++;
		/* Nodes come in order: the last one is known. */
		if (step->example == node)
			continue;
		step->example = node;
		step->example_referent = referents.items[e];
		step->nodes++;
		add(&step->node_bytes, pyi_graph_size(graph, node));
	}
	return NULL;
}

struct pyi_error *pyi_heap_referrers_find(const struct pyi_graph *graph, const uint64_t *set,
					  struct pyi_heap_steps *ret_steps)
{
	struct pyi_heap_steps steps;
	struct pyi_error *error = pyi_heap_steps_init(&steps);

	for (uint32_t node = 0; node < graph->node_count && !error; node++)
		error = add_referrer(graph, node, set, &steps);
	if (error) {
		pyi_heap_steps_deinit(&steps);
		return error;
	}
	*ret_steps = steps;
	return NULL;
}
