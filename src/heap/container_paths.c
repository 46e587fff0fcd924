/*
 * Grows a tree over the graph, marks the ways to what is long, and follows these from above, so
 * that only references on the way to something are named.
 */
#include "heap/container_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/spanning_tree.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/path_parts.h"
#include "heap/path_starts.h"
#include "heap/path_steps.h"
#include "python/attributes.h"

enum {
	/* References that are named: about a second of work. */
	NAMED_LIMIT = 1 << 18,
	NAMED_PER_CHECK = 256,
	/* Names that are kept. */
	KEPT_LIMIT = 4096,
	POINTER_BYTES = 8,
	REGIONS = 2,
};

struct search {
	const struct pyi_container_paths_request *request;
	const struct pyi_graph *graph;
	struct pyi_names *names;
	struct pyi_path_starts starts;
	struct pyi_spanning_tree tree;
	struct pyi_path_steps steps;
	/* Ascending. */
	uint64_t *known;
	size_t known_count;
	/* Nodes on the way to something long; of each node the number of its step, and one. */
	uint64_t *needed;
	uint32_t *step_of;
	uint64_t named;
	bool cut;
	/* Names that are wanted may begin with them. */
	bool frames_wanted;
	bool functions_wanted;
};

static void deinit_search(struct search *search)
{
	pyi_path_steps_deinit(&search->steps);
	pyi_spanning_tree_deinit(&search->tree);
	pyi_path_starts_deinit(&search->starts);
	free(search->known);
}

static uint32_t kind_of(const struct pyi_graph *graph, uint32_t node)
{
	return graph->types[pyi_graph_type(graph, node)].kind;
}

/* Bytes that an entry takes at least; 0: it is no container. */
static uint64_t entry_bytes(const struct pyi_graph *graph, uint32_t node)
{
	if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
		return 0;
	switch (kind_of(graph, node)) {
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
	case PYI_KIND_LIST:
	case PYI_KIND_SET:
	case PYI_KIND_DEQUE:
		return POINTER_BYTES;
	case PYI_KIND_BYTEARRAY:
	case PYI_KIND_ARRAY:
		return 1;
	default:
		return 0;
	}
}

static int compare_addresses(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static bool is_known(const struct search *search, uint32_t node)
{
	uint64_t addr = pyi_graph_address(search->graph, node);

	return search->known_count &&
	       bsearch(&addr, search->known, search->known_count, sizeof(addr), compare_addresses);
}

/* What it takes says that it may be long enough: its length need not be read of all. */
static bool may_be_long(const struct search *search, uint32_t node)
{
	uint64_t bytes = entry_bytes(search->graph, node);

	return bytes && pyi_graph_size(search->graph, node) / bytes >= search->request->least &&
	       !is_known(search, node);
}

static struct pyi_error *find_known(struct search *search)
{
	const struct pyi_container_list *list = search->request->known;

	search->known = calloc(list->count + 1, sizeof(*search->known));
	if (!search->known)
		return pyi_error_no_memory();
	for (size_t c = 0; c < list->count; c++)
		search->known[search->known_count++] = list->items[c].addr;
	qsort(search->known, search->known_count, sizeof(*search->known), compare_addresses);
	return NULL;
}

static void mark_needed(struct search *search)
{
	const struct pyi_spanning_tree *tree = &search->tree;

	for (uint64_t at = tree->count; at; at--) {
		uint32_t node = tree->order[at - 1];

		if ((pyi_bits_has(search->needed, node) || may_be_long(search, node)) &&
		    tree->above[node] != PYI_GRAPH_NONE)
			pyi_bits_set(search->needed, tree->above[node]);
		if (may_be_long(search, node))
			pyi_bits_set(search->needed, node);
	}
}

/* Adds a container to what it is called; `long_enough`: whatever its length. */
static void measure(struct search *search, uint32_t node, struct pyi_path_step *step)
{
	const struct pyi_places *places = &search->names->places;
	uint64_t length;
	uint64_t sum;

	if (!pyi_attributes_length(places->runtime, places->reader,
				   pyi_graph_address(search->graph, node), &length) ||
	    (length < search->request->least && !step->wanted) ||
	    __builtin_add_overflow(step->entries, length, &sum))
		return;
	step->entries = sum;
	step->containers++;
	if (length > step->longest)
		step->longest = length;
}

static bool is_frame(uint32_t kind)
{
	return kind == PYI_KIND_FRAME || kind == PYI_KIND_GENERATOR || kind == PYI_KIND_GREENLET;
}

/* Whether what a node is called matters. */
static bool is_asked(const struct search *search, uint32_t node, uint32_t above)
{
	uint32_t step;

	if (pyi_bits_has(search->needed, node))
		return true;
	if (!search->steps.wanted_count)
		return false;
	if (above == PYI_GRAPH_NONE)
		return true;
	step = search->step_of[above];
	if (step && search->steps.items[step - 1].leads_to_wanted)
		return true;
	return (search->frames_wanted && is_frame(kind_of(search->graph, above))) ||
	       (search->functions_wanted && kind_of(search->graph, above) == PYI_KIND_CELL);
}

static struct pyi_error *find_step(struct search *search, uint32_t node, uint32_t *ret_step)
{
	PYI_CLEANUP(pyi_path_part_deinit) struct pyi_path_part part = { 0 };
	struct pyi_path_step like = {
		.above = PYI_PATH_NONE,
		.type = pyi_graph_type(search->graph, node),
	};
	uint32_t above = search->tree.above[node];
	const struct pyi_path_step *from;
	const char *base = "";
	uint32_t step;

	*ret_step = PYI_PATH_NONE;
	if (above == PYI_GRAPH_NONE) {
		part.text = pyi_path_starts_name(&search->starts, search->tree.places[node],
						 search->graph, search->names);
		if (!part.text)
			return pyi_error_no_memory();
		return pyi_path_steps_find(&search->steps, &like, "", part.text, ret_step);
	}
	step = search->step_of[above];
	from = step ? &search->steps.items[step - 1] : NULL;
	if (!pyi_path_part_find(search->names, &search->tree, node, from && from->dict, &part))
		return pyi_error_no_memory();
	if (part.kind == PYI_PART_FIRST)
		return pyi_path_steps_find(&search->steps, &like, "", part.text, ret_step);
	if (!from)
		return NULL;
	if (part.kind == PYI_PART_NONE) {
		*ret_step = step - 1;
		return NULL;
	}
	like.above = step - 1;
	like.dict = part.kind == PYI_PART_DICT;
	base = from->name;
	/* Where the way is too long, what has it says more. */
	if (strlen(base) + strlen(part.text) > PYI_PATH_NAME_BYTES) {
		const char *type = search->graph->types[pyi_graph_type(search->graph, above)].name;

		base = type ? type : "?";
	}
	return pyi_path_steps_find(&search->steps, &like, base, part.text, ret_step);
}

static struct pyi_error *follow(struct search *search)
{
	const struct pyi_spanning_tree *tree = &search->tree;
	struct pyi_error *error = NULL;

	for (uint64_t at = 0; at < tree->count && !error; at++) {
		uint32_t node = tree->order[at];
		struct pyi_path_step *step;
		uint32_t number;

		if (!is_asked(search, node, tree->above[node]))
			continue;
		if (search->named++ >= NAMED_LIMIT) {
			search->cut = true;
			break;
		}
		if (search->named % NAMED_PER_CHECK == 0)
			error = search->request->check(search->request->check_argument);
		if (!error)
			error = find_step(search, node, &number);
		if (error || number == PYI_PATH_NONE)
			continue;
		search->step_of[node] = number + 1;
		step = &search->steps.items[number];
		if (may_be_long(search, node) || (step->wanted && entry_bytes(search->graph, node)))
			measure(search, node, step);
	}
	search->cut |= search->steps.full;
	return error;
}

static int most_entries_first(const void *left, const void *right)
{
	const struct pyi_path_step *a = left;
	const struct pyi_path_step *b = right;

	if (a->wanted != b->wanted)
		return a->wanted ? -1 : 1;
	if (a->entries != b->entries)
		return a->entries > b->entries ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* `there`: how many figures there were before. */
static struct pyi_error *add_figure(struct pyi_sample *sample, size_t there,
				    const struct pyi_path_step *step)
{
	PYI_CLEANUP(pyi_guard_free) char *name = pyi_path_step_name(step);
	struct pyi_error *error;

	if (!name)
		return pyi_error_no_memory();
	/* A way that reads like a name that is there: that one counts. */
	for (size_t f = 0; f < there; f++)
		if (sample->figures[f].kind == PYI_FIGURE_CONTAINER &&
		    strcmp(sample->figures[f].name, name) == 0)
			return NULL;
	error = pyi_sample_add(sample, PYI_FIGURE_CONTAINER, name, step->entries, 0);
	if (error || step->containers < 2)
		return error;
	return pyi_sample_add(sample, PYI_FIGURE_LONGEST, name, step->longest, 0);
}

static struct pyi_error *add_figures(struct search *search, struct pyi_sample *sample)
{
	struct pyi_path_step *items = search->steps.items;
	struct pyi_error *error = NULL;
	size_t there = sample->figure_count;
	size_t kept = 0;

	/* Nobody asks for a step by its number any more. */
	if (search->steps.count)
		qsort(items, search->steps.count, sizeof(*items), most_entries_first);
	for (size_t s = 0; s < search->steps.count && !error; s++) {
		if (!items[s].containers)
			continue;
		if (kept++ == KEPT_LIMIT) {
			search->cut = true;
			break;
		}
		error = add_figure(sample, there, &items[s]);
	}
	return error;
}

static struct pyi_error *measure_in(struct search *search, struct pyi_sample *sample)
{
	const struct pyi_container_paths_request *request = search->request;
	struct pyi_error *error = find_known(search);

	if (!error)
		error = pyi_path_steps_init(&search->steps, request->wanted, request->wanted_count);
	if (!error)
		error = pyi_spanning_tree_init(search->graph, &search->tree);
	if (!error)
		error = pyi_path_starts_grow(&search->starts, search->names, request->interpreters,
					     request->types, &search->tree);
	if (error)
		return error;
	search->frames_wanted = pyi_path_steps_want(&search->steps, PYI_PATH_FRAME);
	search->functions_wanted = pyi_path_steps_want(&search->steps, PYI_PATH_FUNCTION);
	mark_needed(search);
	error = follow(search);
	return error ? error : add_figures(search, sample);
}

struct pyi_error *pyi_container_paths_measure(const struct pyi_container_paths_request *request,
					      const struct pyi_graph *graph,
					      struct pyi_names *names, struct pyi_sample *sample,
					      bool *ret_cut)
{
	PYI_CLEANUP(deinit_search)
	struct search search = { .request = request, .graph = graph, .names = names };
	const uint64_t sizes[REGIONS] = { pyi_bits_bytes(graph->node_count),
					  (uint64_t)graph->node_count * sizeof(uint32_t) };
	void *regions[REGIONS] = { NULL };
	struct pyi_error *error = NULL;

	for (int r = 0; r < REGIONS && !error; r++)
		error = pyi_graph_space_map(graph->space, sizes[r], &regions[r]);
	search.needed = regions[0];
	search.step_of = regions[1];
	if (!error)
		error = measure_in(&search, sample);
	for (int r = 0; r < REGIONS; r++)
		pyi_graph_space_unmap(graph->space, regions[r], sizes[r]);
	*ret_cut = search.cut;
	return error;
}
