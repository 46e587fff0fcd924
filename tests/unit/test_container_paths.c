/*
 * Tests of src/heap/container_paths.c on invented heaps: that lengths are added up under a name,
 * and that a heap which has changed under its graph gives something, and harms nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "heap/container_paths.h"
#include "named_graph.h"

enum {
	FUZZ_ROUNDS = 200,
	FUZZ_WORDS = 64,
	NAMES_MOST = 1000,
};

static struct pyi_error *go_on(const void *argument)
{
	(void)argument;
	return NULL;
}

static struct pyi_sample measure(struct named_graph *asked, uint64_t least, const char *wanted)
{
	static const struct pyi_interpreters none;
	const struct pyi_type_list types = { 0 };
	const struct pyi_container_list known = { 0 };
	const struct pyi_container_paths_request request = {
		.check = go_on,
		.interpreters = &none,
		.types = &types,
		.least = least,
		.wanted = &wanted,
		.wanted_count = wanted ? 1 : 0,
		.known = &known,
	};
	struct pyi_sample sample = { 0 };
	bool cut;

	assert_null(pyi_container_paths_measure(&request, &asked->made.graph, &asked->names,
						&sample, &cut));
	pyi_sample_sort(&sample);
	return sample;
}

/* Lists in lists: what is in the same place is one, and the longest of them is known. */
static void test_sums(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t items[] = { leaf, leaf, leaf, leaf, leaf };
	const uint64_t inner[] = { invented_list(heap, items, 5), invented_list(heap, items, 3),
				   invented_list(heap, items, 1) };
	const uint64_t outer = invented_list(heap, inner, 3);
	const struct pyi_figure *figure;
	struct pyi_sample sample;
	struct named_graph asked;

	for (int i = 0; i < 3; i++)
		invented_track(heap, inner[i], 0);
	invented_track(heap, outer, 0);
	named_graph_begin(graph, &asked);
	sample = measure(&asked, 2, NULL);
	figure = pyi_sample_find(&sample, PYI_FIGURE_CONTAINER, "unreached t[*]");
	assert_true(figure && figure->count == 8);
	figure = pyi_sample_find(&sample, PYI_FIGURE_LONGEST, "unreached t[*]");
	assert_true(figure && figure->count == 5);
	figure = pyi_sample_find(&sample, PYI_FIGURE_CONTAINER, "unreached t");
	assert_true(figure && figure->count == 3);
	assert_null(pyi_sample_find(&sample, PYI_FIGURE_LONGEST, "unreached t"));
	pyi_sample_deinit(&sample);
	/* What is wanted has the short ones, too, and nothing else is there. */
	sample = measure(&asked, UINT64_MAX, "unreached t[*]");
	assert_int_equal(sample.figure_count, 2);
	assert_int_equal(sample.figures[0].count, 9);
	pyi_sample_deinit(&sample);
	sample = measure(&asked, UINT64_MAX, "unreached t[*].entries");
	assert_int_equal(sample.figure_count, 0);
	pyi_sample_deinit(&sample);
	named_graph_end(&asked);
}

/* As long as the graph stands, whatever is read of the heap. */
static void test_fuzz(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t items[] = { leaf, leaf };
	uint64_t list = invented_list(heap, items, 2);
	uint64_t words;
	struct named_graph asked;

	invented_track(heap, list, 0);
	(void)graph_instance(graph, graph_dict_of(graph, graph_name(graph, "attribute"), list));
	(void)graph_with_slots(graph, leaf, list);
	(void)graph_function(graph, graph_code(graph), invented_tuple(heap, items, 2),
			     invented_tuple(heap, items, 2));
	words = (heap->next_addr - heap->range.start_addr) / 8;
	named_graph_begin(graph, &asked);
	srand(2);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct pyi_sample sample =
			measure(&asked, round % 3, round % 2 ? "unreached t.attribute" : NULL);

		assert_true(sample.figure_count < NAMES_MOST);
		pyi_sample_deinit(&sample);
		for (int w = 0; w < FUZZ_WORDS; w++) {
			uint64_t at = heap->range.start_addr + (uint64_t)rand() % words * 8;

			invented_set(at, rand() % 2 ? (uint64_t)rand() * (uint64_t)rand()
						    : heap->range.start_addr +
							      (uint64_t)rand() % words * 8);
		}
		memset(asked.names.types, 0,
		       asked.made.graph.type_count * sizeof(*asked.names.types));
	}
	named_graph_end(&asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_IN_ALL(test_sums),
		GRAPH_IN_ALL(test_fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
