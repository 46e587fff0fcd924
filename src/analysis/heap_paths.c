/*
 * A search in breadth, from the best entries first, until all members are met and all that refers
 * to them. From these back to the entries, what leads to members is marked; in the order of the
 * search, each marked node gets the step that it belongs to. What a node leads to stands together
 * in the queue; what a __dict__ leads to stands behind what its object does.
 */
#include "analysis/heap_paths.h"

#include <pyinspect/payload.h>

#include "graph/bits.h"

enum {
	/* Regions that are only needed meanwhile. */
	MARKS = 4,
};

struct search {
	const struct pyi_graph *graph;
	const struct pyi_heap_paths_query *query;
	struct pyi_heap_paths *paths;
	uint64_t taken;
	/* Of each node: at which place it is among what its `from` refers to; later the number of
	   its step. */
	uint32_t *places;
	uint64_t *met;
	uint64_t *needed;
	/* Members that another member retains, and what has been looked at for that. Before, while
	   searching: members, and what refers to them by another way; and how many of these have
	   not been met, or may still be met by their object. */
	union {
		uint64_t *nested;
		uint64_t *wanted;
	};
	uint64_t missing;
};

enum pyi_heap_rank pyi_heap_root_rank(const struct pyi_graph_root *root,
				      const struct pyi_heap_root_order *order)
{
	if (root->kind == PYI_EDGE_FRAME)
		return PYI_RANK_FRAME;
	if (root->kind == PYI_EDGE_LOCAL || root->kind == PYI_EDGE_THREAD)
		return PYI_RANK_THREAD;
	if (root->kind != PYI_EDGE_INTERPRETER)
		return PYI_RANK_ROOT;
	if (root->detail == order->last)
		return PYI_RANK_ALIVE;
	return root->detail == order->first ? PYI_RANK_FIRST_ROOT : PYI_RANK_INTERPRETER;
}

enum pyi_heap_rank pyi_heap_rank_of(const struct pyi_graph *graph, uint32_t node,
				    const struct pyi_heap_root_order *order)
{
	const uint32_t flags = pyi_graph_flags(graph, node);
	enum pyi_heap_rank best = PYI_RANK_ALIVE;

	if (!(flags & PYI_NODE_ROOT)) {
		if (flags & (PYI_NODE_IMMORTAL | PYI_NODE_STATIC))
			return PYI_RANK_ALIVE;
		return pyi_graph_held(graph, node) ? PYI_RANK_HELD : PYI_RANK_UNREACHED;
	}
	for (size_t r = pyi_graph_first_root(graph, node);
	     r < graph->root_count && graph->roots[r].node == node; r++) {
		enum pyi_heap_rank rank = pyi_heap_root_rank(&graph->roots[r], order);

		if (rank < best)
			best = rank;
	}
	return best;
}

uint64_t pyi_heap_place_of(const struct pyi_graph *graph, uint32_t source, uint32_t target)
{
	struct pyi_graph_nodes referents = pyi_graph_referents(graph, source);
	bool is_type = graph->types[pyi_graph_type(graph, source)].node == target;
	uint64_t found = UINT64_MAX;

	for (uint64_t e = 0; e < referents.count && (is_type || found == UINT64_MAX); e++)
		if (referents.items[e] == target)
			found = e;
	return found;
}

static bool is_dict_of_object(const struct search *search, uint32_t node)
{
	return search->query->owners && search->query->owners[node] != PYI_GRAPH_NONE;
}

static void want(struct search *search, uint32_t node)
{
	search->missing += pyi_bits_set(search->wanted, node);
}

static void want_all(struct search *search)
{
	for (uint32_t node = 0; node < search->graph->node_count; node++) {
		struct pyi_graph_nodes referrers;

		if (!pyi_bits_has(search->query->set, node))
			continue;
		want(search, node);
		referrers = pyi_graph_referrers(search->graph, node);
		for (uint64_t r = 0; r < referrers.count; r++)
			if (pyi_bits_has(search->query->outside, referrers.items[r]))
				want(search, referrers.items[r]);
	}
}

static void meet(struct search *search, uint32_t node, uint32_t from, uint32_t place)
{
	search->paths->from[node] = from;
	search->places[node] = place;
	search->paths->order[search->paths->count++] = node;
	if (pyi_bits_has(search->wanted, node) && !is_dict_of_object(search, node))
		search->missing--;
}

/* True if it was not before: then nothing else is taken to lead to it any more. */
static bool go_through_dict(struct search *search, uint32_t dict)
{
	if (!pyi_bits_set(search->needed, dict))
		return false;
	search->missing -= pyi_bits_has(search->wanted, dict);
	return true;
}

static void take_referents(struct search *search, uint32_t node)
{
	struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, node);
	const uint32_t type = search->graph->types[pyi_graph_type(search->graph, node)].node;

	for (uint64_t e = 0; e < referents.count; e++) {
		uint32_t target = referents.items[e];

		/* An attribute may be the type of the object, which comes last. */
		if (target == type && search->paths->from[target] == node && target != node &&
		    pyi_bits_has(search->met, target))
			search->places[target] = (uint32_t)e;
		if (pyi_bits_set(search->met, target))
			meet(search, target, node, (uint32_t)e);
	}
}

/*
 * The __dict__ of a node that is being searched; its contents are as near as the attributes are.
 * `needed` says meanwhile which dicts have been gone through.
 */
static void take_dict(struct search *search, uint32_t node)
{
	struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, node);

	for (uint64_t e = 0; e < referents.count; e++) {
		uint32_t dict = referents.items[e];

		if (search->query->owners[dict] != node || !go_through_dict(search, dict))
			continue;
		/* Something further away may have met it first. */
		if (search->paths->from[dict] != PYI_GRAPH_NONE) {
			search->paths->from[dict] = node;
			search->places[dict] = (uint32_t)e;
		}
		take_referents(search, dict);
	}
}

/* Goes on from what was met before number `end`. */
static void search_until(struct search *search, uint64_t end)
{
	while (search->taken < end && search->missing) {
		uint32_t node;

		pyi_graph_prefetch_queue(search->graph, search->paths->order, search->taken,
					 search->paths->count);
		node = search->paths->order[search->taken++];
		if (is_dict_of_object(search, node) && !go_through_dict(search, node))
			continue;
		take_referents(search, node);
		if (search->query->owners)
			take_dict(search, node);
	}
}

static void search_on(struct search *search)
{
	while (search->taken < search->paths->count && search->missing)
		search_until(search, search->paths->count);
}

static void search_all(struct search *search)
{
	const struct pyi_graph_entries *entries = search->query->entries;
	struct pyi_heap_paths *paths = search->paths;

	for (int rank = 0; rank < PYI_RANK_COUNT; rank++) {
		paths->ranks[rank] = paths->count;
		for (uint64_t e = 0; e < entries->count && search->missing; e++) {
			uint32_t node = entries->nodes[e];

			if (pyi_bits_has(search->met, node) ||
			    (int)pyi_heap_rank_of(search->graph, node, &search->query->order) !=
				    rank)
				continue;
			(void)pyi_bits_set(search->met, node);
			meet(search, node, PYI_GRAPH_NONE, 0);
		}
		/* The first ones are equally near. */
		if (rank > PYI_RANK_ROOT)
			search_on(search);
		for (int step = 0; rank == PYI_RANK_ROOT && step < PYI_HEAD_START; step++)
			search_until(search, paths->count);
	}
	paths->ranks[PYI_RANK_COUNT] = paths->count;
}

/* A node, and all that the search came through on the way to it. */
static void need(struct search *search, uint32_t node)
{
	for (; node != PYI_GRAPH_NONE && pyi_bits_set(search->needed, node);
	     node = search->paths->from[node])
		;
}

/* Members, and what refers to one that is reached by another way. */
static void mark_needed(struct search *search)
{
	for (uint64_t word = 0; word < pyi_bits_bytes(search->graph->node_count) / 8; word++)
		search->needed[word] = search->met[word] = search->nested[word] = 0;
	for (uint32_t node = 0; node < search->graph->node_count; node++) {
		struct pyi_graph_nodes referrers;

		if (!pyi_bits_has(search->query->set, node))
			continue;
		need(search, node);
		referrers = pyi_graph_referrers(search->graph, node);
		for (uint64_t r = 0; r < referrers.count; r++)
			if (pyi_bits_has(search->query->outside, referrers.items[r]) &&
			    search->paths->from[node] != referrers.items[r])
				need(search, referrers.items[r]);
	}
}

/* True if a member is above. What has been asked is not asked again: `met` is free by then. */
static bool is_nested(struct search *search, uint32_t member)
{
	const uint32_t *above = search->query->dominators->dominators;
	const uint64_t *set = search->query->set;
	uint32_t at = above[member];
	bool nested;

	while (at != PYI_GRAPH_NONE && !pyi_bits_has(set, at) && pyi_bits_set(search->met, at))
		at = above[at];
	nested =
		at != PYI_GRAPH_NONE && (pyi_bits_has(set, at) || pyi_bits_has(search->nested, at));
	for (uint32_t up = above[member]; nested && up != at; up = above[up])
		pyi_bits_set(search->nested, up);
	return nested;
}

static uint64_t bytes_of(struct search *search, uint32_t member)
{
	if (!search->query->dominators)
		return search->query->retained_bytes ? search->query->retained_bytes
						     : pyi_graph_size(search->graph, member);
	return is_nested(search, member) ? 0 : search->query->dominators->retained_bytes[member];
}

static void add(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

/* True if the kind of a reference was guessed: only in plain dicts are values and keys in turn. */
static bool is_guessed(const struct search *search, uint32_t source, uint64_t place)
{
	const uint16_t *labels = pyi_graph_labels(search->graph, source);

	if (!search->query->namer)
		return false;
	return labels ? !labels[place]
		      : search->graph->types[pyi_graph_type(search->graph, source)].addr !=
				search->query->dict_type_addr;
}

/* What leads to a node: of one that many are alike with, only of what kind it is. */
static struct pyi_error *describe(const struct search *search, uint32_t source, uint64_t place,
				  bool apart, struct pyi_heap_step *ret_step)
{
	const struct pyi_heap_namer *namer = search->query->namer;
	struct pyi_heap_step step = pyi_heap_step_of(search->graph, source, place);
	struct pyi_error *error = NULL;

	if (!apart) {
		step.place = PYI_AT_ANY;
		step.detail = 0;
		step.label &= ~(uint32_t)(PYI_LABEL_SLOTS - 1);
		if (pyi_label_kind_of(step.label) == PYI_LABEL_KEY &&
		    is_guessed(search, source, place))
			step.label = PYI_LABEL_VALUE << PYI_LABEL_KIND_SHIFT;
	} else if (namer) {
		step.label = 0;
		step.place = PYI_AT_NAMED;
		error = namer->reference(namer->argument, source, place, &step.detail);
	}
	*ret_step = step;
	return error;
}

static struct pyi_error *describe_entry(const struct search *search, uint32_t node, bool apart,
					struct pyi_heap_step *ret_step)
{
	const struct pyi_heap_namer *namer = search->query->namer;

	*ret_step = (struct pyi_heap_step){ .above = PYI_GRAPH_NONE,
					    .place = PYI_AT_ENTRY,
					    .detail = node };
	if (namer) {
		ret_step->place = PYI_AT_NAMED;
		return namer->entry(namer->argument, node, &ret_step->detail);
	}
	if (!apart) {
		ret_step->place = PYI_AT_ANY;
		ret_step->detail = 0;
	}
	return NULL;
}

static struct pyi_error *take(struct search *search, uint32_t node, bool apart)
{
	const struct pyi_graph *graph = search->graph;
	const uint32_t from = search->paths->from[node];
	bool member = pyi_bits_has(search->query->set, node);
	struct pyi_heap_step like;
	struct pyi_heap_step *step;
	struct pyi_error *error;
	uint32_t number;

	if (from == PYI_GRAPH_NONE) {
		error = describe_entry(search, node, apart, &like);
	} else {
		error = describe(search, from, search->places[node], apart, &like);
		like.above = search->places[from];
	}
	if (error)
		return error;
	like.type = pyi_graph_type(graph, node);
	like.example = node;
	error = pyi_heap_steps_find(&search->paths->steps, &like, &number);
	if (error)
		return error;
	search->places[node] = number;
	step = &search->paths->steps.items[number];
	step->nodes++;
	add(&step->node_bytes, pyi_graph_size(graph, node));
	if (!member)
		return NULL;
	if (!step->members++)
		step->example = node;
	add(&step->member_bytes, bytes_of(search, node));
	return NULL;
}

/* True if what a node leads to is always told apart: names that programmers gave. */
static bool is_namespace(const struct search *search, uint32_t node)
{
	const struct pyi_graph *graph = search->graph;
	const uint32_t *owners = search->query->owners;
	uint32_t kind;

	if (search->paths->from[node] == PYI_GRAPH_NONE &&
	    pyi_heap_rank_of(graph, node, &search->query->order) == PYI_RANK_FIRST_ROOT)
		return true;
	if (!owners || owners[node] == PYI_GRAPH_NONE)
		return false;
	kind = graph->types[pyi_graph_type(graph, owners[node])].kind;
	return kind == PYI_KIND_MODULE || kind == PYI_KIND_TYPE || kind == PYI_KIND_CLASS;
}

/* All references of a node to members that are not what they were reached by. */
static struct pyi_error *take_seconds(struct search *search, uint32_t node)
{
	struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, node);
	struct pyi_error *error = NULL;
	uint64_t count = 0;
	bool apart;

	for (uint64_t e = 0; e < referents.count; e++)
		count += pyi_bits_has(search->query->set, referents.items[e]);
	apart = count <= pyi_heap_steps_apart(search->graph, node) || is_namespace(search, node);
	for (uint64_t e = 0; e < referents.count && !error; e++) {
		uint32_t target = referents.items[e];
		struct pyi_heap_step like;
		uint32_t number;

		if (!pyi_bits_has(search->query->set, target) ||
		    search->paths->from[target] == node)
			continue;
		error = describe(search, node, e, apart, &like);
		if (error)
			break;
		like.above = search->places[node];
		like.type = pyi_graph_type(search->graph, target);
		like.example = target;
		error = pyi_heap_steps_find(&search->paths->steps, &like, &number);
		if (!error)
			search->paths->steps.items[number].also++;
	}
	return error;
}

static void add_up(struct pyi_heap_steps *steps)
{
	for (size_t s = steps->count; s; s--) {
		struct pyi_heap_step *step = &steps->items[s - 1];

		add(&step->all_members, step->members);
		add(&step->all_bytes, step->member_bytes);
		if (step->above == PYI_GRAPH_NONE)
			continue;
		add(&steps->items[step->above].all_members, step->all_members);
		add(&steps->items[step->above].all_bytes, step->all_bytes);
	}
}

static struct pyi_error *merge(struct search *search)
{
	const struct pyi_heap_paths *paths = search->paths;
	struct pyi_error *error = NULL;
	uint64_t end;

	for (uint64_t at = 0; at < paths->count && !error; at = end) {
		uint32_t from = paths->from[paths->order[at]];
		uint64_t needed = 0;
		bool apart;

		for (end = at; end < paths->count && paths->from[paths->order[end]] == from; end++)
			needed += pyi_bits_has(search->needed, paths->order[end]);
		apart = needed <= (from == PYI_GRAPH_NONE
					   ? PYI_STEPS_APART
					   : pyi_heap_steps_apart(search->graph, from)) ||
			(from != PYI_GRAPH_NONE && is_namespace(search, from));
		for (uint64_t n = at; n < end && needed && !error; n++)
			if (pyi_bits_has(search->needed, paths->order[n]))
				error = take(search, paths->order[n], apart);
	}
	for (uint64_t at = 0; at < paths->count && !error; at++)
		if (pyi_bits_has(search->needed, paths->order[at]) &&
		    pyi_bits_has(search->query->outside, paths->order[at]))
			error = take_seconds(search, paths->order[at]);
	if (!error)
		add_up(&search->paths->steps);
	return error;
}

static struct pyi_error *find(struct search *search)
{
	const uint64_t nodes = search->graph->node_count;
	const uint64_t bits = pyi_bits_bytes(nodes);
	const uint64_t sizes[MARKS] = { nodes * sizeof(uint32_t), bits, bits, bits };
	struct pyi_graph_space *space = search->graph->space;
	void *regions[MARKS] = { NULL };
	struct pyi_error *error = NULL;

	for (int r = 0; r < MARKS && !error; r++)
		error = pyi_graph_space_map(space, sizes[r], &regions[r]);
	if (!error) {
		search->places = regions[0];
		search->met = regions[1];
		search->needed = regions[2];
		search->nested = regions[3];
		want_all(search);
		search_all(search);
		mark_needed(search);
		error = merge(search);
	}
	for (int r = 0; r < MARKS; r++)
		pyi_graph_space_unmap(space, regions[r], sizes[r]);
	return error;
}

struct pyi_error *pyi_heap_paths_find(const struct pyi_graph *graph,
				      const struct pyi_heap_paths_query *query,
				      struct pyi_heap_paths *ret_paths)
{
	struct pyi_heap_paths paths = { .space = graph->space, .node_count = graph->node_count };
	struct search search = { .graph = graph, .query = query, .paths = &paths };
	const uint64_t bytes = paths.node_count * sizeof(uint32_t);
	struct pyi_error *error = pyi_heap_steps_init(&paths.steps);
	void *region;

	if (!error)
		error = pyi_graph_space_map(graph->space, bytes, &region);
	if (!error) {
		paths.from = region;
		error = pyi_graph_space_map(graph->space, bytes, &region);
	}
	if (!error) {
		paths.order = region;
		error = find(&search);
	}
	if (error) {
		pyi_heap_paths_deinit(&paths);
		return error;
	}
	*ret_paths = paths;
	return NULL;
}

void pyi_heap_paths_deinit(struct pyi_heap_paths *paths)
{
	const uint64_t bytes = paths->node_count * sizeof(uint32_t);

	pyi_heap_steps_deinit(&paths->steps);
	if (paths->space) {
		pyi_graph_space_unmap(paths->space, paths->from, bytes);
		pyi_graph_space_unmap(paths->space, paths->order, bytes);
	}
	*paths = (struct pyi_heap_paths){ 0 };
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
		if (needed > pyi_heap_steps_apart(graph, node)) {
			like.place = PYI_AT_ANY;
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
