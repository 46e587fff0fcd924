/*
 * Tarjan's components, then a search from those that nothing leads to.
 */
#include "analysis/garbage_cycles.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/bits.h"

enum {
	SHARED = UINT32_MAX,
};

/* A node whose referents are being followed, and which is next. */
struct step {
	uint64_t edge;
	uint32_t node;
};

struct search {
	const struct pyi_graph *graph;
	const struct pyi_garbage *garbage;
	struct pyi_garbage_cycles *cycles;
	/* Of each node: when it was reached, from 1; in the end one more than its component. */
	uint32_t *reached;
	uint32_t *lowest;
	/* Reached, and in no component yet; then nodes component by component. */
	uint32_t *open;
	uint32_t *members;
	struct step *steps;
	/* Where in `members` each begins, and where the last ends. */
	uint32_t *begins;
	uint64_t *led_to;
	uint32_t component_count;
	uint32_t member_count;
	/* Of each component that nothing leads to: one more than its kind. */
	uint32_t *kind_of;
	/* Of each node that is freed: one more than its kind, or SHARED. */
	uint32_t *owner;
	/* Of each type: component in which it was seen last, and one more. */
	uint32_t *seen;
};

/* Found by the collector, and freed. */
static bool is_in(const struct search *search, uint32_t node)
{
	return pyi_bits_has(search->garbage->found, node) &&
	       pyi_bits_has(search->garbage->freed, node);
}

static bool is_open(const struct search *search, uint32_t node)
{
	return search->lowest[node] != 0;
}

/* The component of which `node` was reached first. */
static void close_component(struct search *search, uint32_t node, uint32_t *open_count)
{
	uint32_t member;

	search->begins[search->component_count++] = search->member_count;
	do {
		member = search->open[--*open_count];
		search->members[search->member_count++] = member;
		search->reached[member] = search->component_count;
		search->lowest[member] = 0;
	} while (member != node);
	search->begins[search->component_count] = search->member_count;
}

static void reach(struct search *search, uint32_t node, uint32_t *number, uint32_t *open_count,
		  uint32_t *depth)
{
	search->reached[node] = ++*number;
	search->lowest[node] = *number;
	search->open[(*open_count)++] = node;
	search->steps[(*depth)++] = (struct step){ 0, node };
}

static void find_components_from(struct search *search, uint32_t start, uint32_t *number)
{
	uint32_t open_count = 0;
	uint32_t depth = 0;

	reach(search, start, number, &open_count, &depth);
	while (depth) {
		struct step *step = &search->steps[depth - 1];
		uint32_t node = step->node;
		struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, node);
		uint32_t target;

		if (step->edge < referents.count) {
			target = referents.items[step->edge++];
			if (!is_in(search, target))
				continue;
			if (!search->reached[target])
				reach(search, target, number, &open_count, &depth);
			else if (is_open(search, target) &&
				 search->reached[target] < search->lowest[node])
				search->lowest[node] = search->reached[target];
			continue;
		}
		depth--;
		if (depth) {
			uint32_t above = search->steps[depth - 1].node;

			if (search->lowest[node] < search->lowest[above])
				search->lowest[above] = search->lowest[node];
		}
		if (search->lowest[node] == search->reached[node])
			close_component(search, node, &open_count);
	}
}

static void find_components(struct search *search)
{
	uint32_t number = 0;

	for (uint32_t node = 0; node < search->graph->node_count; node++)
		if (is_in(search, node) && !search->reached[node])
			find_components_from(search, node, &number);
}

static void find_led_to(struct search *search)
{
	for (uint32_t m = 0; m < search->member_count; m++) {
		uint32_t node = search->members[m];
		struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, node);

		for (uint64_t e = 0; e < referents.count; e++) {
			uint32_t target = referents.items[e];

			if (is_in(search, target) &&
			    search->reached[target] != search->reached[node])
				pyi_bits_set(search->led_to, search->reached[target] - 1);
		}
	}
}

/* The smallest are kept, in order. */
static void add_type(struct pyi_garbage_cycle *cycle, uint32_t type)
{
	uint64_t kept = cycle->type_count < PYI_CYCLE_TYPES ? cycle->type_count : PYI_CYCLE_TYPES;
	uint64_t place = kept;

	while (place && cycle->types[place - 1] > type)
		place--;
	if (place < PYI_CYCLE_TYPES) {
		uint64_t moved = (kept < PYI_CYCLE_TYPES ? kept : PYI_CYCLE_TYPES - 1) - place;

		memmove(&cycle->types[place + 1], &cycle->types[place],
			moved * sizeof(cycle->types[0]));
		cycle->types[place] = type;
	}
	cycle->type_count++;
	/* The order in which they come does not matter. */
	cycle->hash += (type + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)type << 29;
}

static void describe(struct search *search, uint32_t component, struct pyi_garbage_cycle *cycle)
{
	const uint32_t begin = search->begins[component];
	const uint32_t end = search->begins[component + 1];

	*cycle = (struct pyi_garbage_cycle){ .cycles = 1,
					     .members = end - begin,
					     .example = search->members[begin] };
	for (uint32_t m = begin; m < end; m++) {
		uint32_t type = pyi_graph_type(search->graph, search->members[m]);

		if (search->members[m] < cycle->example)
			cycle->example = search->members[m];
		if (search->seen[type] == component + 1)
			continue;
		search->seen[type] = component + 1;
		add_type(cycle, type);
	}
}

static bool is_same_kind(const struct pyi_garbage_cycle *a, const struct pyi_garbage_cycle *b)
{
	return a->hash == b->hash && a->type_count == b->type_count &&
	       memcmp(a->types, b->types, sizeof(a->types)) == 0;
}

/* `previous`: most cycles are like the one before. */
static size_t place_of(const struct pyi_garbage_cycles *cycles, const struct pyi_garbage_cycle *one,
		       size_t previous)
{
	size_t k = 0;

	if (previous < cycles->kind_count && is_same_kind(&cycles->kinds[previous], one))
		return previous;
	while (k < cycles->kind_count && k < PYI_CYCLE_KINDS &&
	       !is_same_kind(&cycles->kinds[k], one))
		k++;
	return k;
}

static void sort_into_kinds(struct search *search)
{
	struct pyi_garbage_cycles *cycles = search->cycles;
	size_t k = 0;

	for (uint32_t c = 0; c < search->component_count; c++) {
		struct pyi_garbage_cycle one;
		struct pyi_garbage_cycle *kind;

		if (pyi_bits_has(search->led_to, c))
			continue;
		describe(search, c, &one);
		k = place_of(cycles, &one, k);
		kind = &cycles->kinds[k];
		search->kind_of[c] = (uint32_t)k + 1;
		if (k == cycles->kind_count) {
			*kind = one;
			cycles->kind_count++;
			/* The last one is of all types. */
			if (k == PYI_CYCLE_KINDS)
				kind->type_count = 0;
			continue;
		}
		kind->cycles++;
		kind->members += one.members;
	}
}

/* All that the first `depth` of the stack lead to and nobody has is `owner`'s. What another has is
 * shared, and so is what it leads to, which the other has as well. */
static void follow(struct search *search, uint32_t depth, uint32_t owner)
{
	uint32_t *stack = search->open;

	while (depth) {
		uint32_t node = stack[--depth];
		struct pyi_graph_nodes referents = pyi_graph_referents(search->graph, node);

		for (uint64_t e = 0; e < referents.count; e++) {
			uint32_t target = referents.items[e];
			uint32_t *of_target = &search->owner[target];

			if (!pyi_bits_has(search->garbage->freed, target) || *of_target == owner ||
			    *of_target == SHARED)
				continue;
			*of_target = *of_target ? SHARED : owner;
			stack[depth++] = target;
		}
	}
}

static void find_owners(struct search *search)
{
	for (uint32_t c = 0; c < search->component_count; c++) {
		const uint32_t kind = search->kind_of[c];
		uint32_t depth = 0;

		if (!kind)
			continue;
		for (uint32_t m = search->begins[c]; m < search->begins[c + 1]; m++) {
			uint32_t *owner = &search->owner[search->members[m]];

			*owner = *owner && *owner != kind ? SHARED : kind;
			search->open[depth++] = search->members[m];
		}
		follow(search, depth, kind);
	}
}

static void add_size(uint64_t *bytes, uint64_t size_bytes)
{
	if (__builtin_add_overflow(*bytes, size_bytes, bytes))
		*bytes = UINT64_MAX;
}

static void add_up(struct search *search)
{
	struct pyi_garbage_cycles *cycles = search->cycles;

	for (uint32_t node = 0; node < search->graph->node_count; node++) {
		uint32_t owner = search->owner[node];
		uint64_t size_bytes;

		if (!pyi_bits_has(search->garbage->freed, node) ||
		    pyi_graph_flags(search->graph, node) & PYI_NODE_KEYS)
			continue;
		size_bytes = pyi_graph_size(search->graph, node);
		if (owner && owner != SHARED) {
			cycles->kinds[owner - 1].objects++;
			add_size(&cycles->kinds[owner - 1].bytes, size_bytes);
		} else {
			cycles->shared_objects++;
			add_size(&cycles->shared_bytes, size_bytes);
		}
	}
}

static int compare(const void *one, const void *other)
{
	const struct pyi_garbage_cycle *a = one;
	const struct pyi_garbage_cycle *b = other;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return a->example < b->example ? -1 : a->example > b->example;
}

struct pyi_error *pyi_garbage_cycles_find(const struct pyi_graph *graph,
					  const struct pyi_garbage *garbage,
					  struct pyi_garbage_cycles *ret_cycles)
{
	struct pyi_garbage_cycles cycles = { 0 };
	struct search search = { .graph = graph, .garbage = garbage, .cycles = &cycles };
	const uint64_t node_bytes = (uint64_t)graph->node_count * sizeof(uint32_t);
	const uint64_t most = garbage->freed_objects + 1;
	const struct {
		void *place;
		uint64_t size_bytes;
	} regions[] = {
		{ &search.reached, node_bytes },
		{ &search.lowest, node_bytes },
		{ &search.owner, node_bytes },
		/* When owners are found, a node can be put there by three: as a member of a
		   component, by its kind, and by another one. */
		{ &search.open, 3 * most * sizeof(uint32_t) },
		{ &search.members, most * sizeof(uint32_t) },
		{ &search.steps, most * sizeof(struct step) },
		{ &search.begins, (most + 1) * sizeof(uint32_t) },
		{ &search.kind_of, most * sizeof(uint32_t) },
		{ &search.led_to, pyi_bits_bytes(most) },
		{ &search.seen, ((uint64_t)graph->type_count + 1) * sizeof(uint32_t) },
	};
	const size_t region_count = sizeof(regions) / sizeof(regions[0]);
	struct pyi_error *error = NULL;
	size_t mapped = 0;

	cycles.kinds = calloc(PYI_CYCLE_KINDS + 1, sizeof(*cycles.kinds));
	if (!cycles.kinds)
		return pyi_error_no_memory();
	while (mapped < region_count && !error) {
		void *region = NULL;

		error = pyi_graph_space_map(graph->space, regions[mapped].size_bytes, &region);
		memcpy(regions[mapped].place, &region, sizeof(region));
		mapped += !error;
	}
	if (!error) {
		find_components(&search);
		find_led_to(&search);
		sort_into_kinds(&search);
		find_owners(&search);
		add_up(&search);
		qsort(cycles.kinds, cycles.kind_count, sizeof(*cycles.kinds), compare);
	}
	while (mapped--) {
		void *region;

		memcpy(&region, regions[mapped].place, sizeof(region));
		pyi_graph_space_unmap(graph->space, region, regions[mapped].size_bytes);
	}
	if (error) {
		pyi_garbage_cycles_deinit(&cycles);
		return error;
	}
	*ret_cycles = cycles;
	return NULL;
}

void pyi_garbage_cycles_deinit(struct pyi_garbage_cycles *cycles)
{
	free(cycles->kinds);
	*cycles = (struct pyi_garbage_cycles){ 0 };
}
