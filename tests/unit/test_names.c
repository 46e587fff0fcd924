/*
 * Tests of src/heap/names.c and src/python/references.c: what the references of a graph are called,
 * on a heap that is whole and on one that has changed under the graph.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_graph.h"

enum {
	FUZZ_ROUNDS = 200,
	FUZZ_WORDS = 64,
};

static uint32_t node_of(const struct named_graph *asked, uint64_t object)
{
	uint32_t node = pyi_graph_find(&asked->made.graph, object);

	assert_true(node != PYI_GRAPH_NONE);
	return node;
}

/* The number-th reference from one object to the other is called so. */
static void expect(struct named_graph *asked, uint64_t source, uint64_t target, unsigned number,
		   const char *expected)
{
	uint32_t node = node_of(asked, source);
	struct pyi_graph_nodes referents = pyi_graph_referents(&asked->made.graph, node);
	uint32_t wanted = node_of(asked, target);

	for (uint64_t e = 0; e < referents.count; e++) {
		char *text;

		if (referents.items[e] != wanted || number--)
			continue;
		text = pyi_names_text(&asked->names, node, e);
		assert_non_null(text);
		assert_string_equal(text, expected);
		free(text);
		return;
	}
	fail_msg("there is no such reference for %s", expected);
}

static void test_containers(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t other = graph_leaf(graph);
	const uint64_t items[] = { leaf, other, leaf };
	const uint64_t keys[] = { graph_name(graph, "one"), graph_name(graph, "two") };
	const uint64_t values[] = { leaf, leaf };
	const uint64_t mixed_keys[] = { other, invented_int(heap, 1) };
	const uint64_t list = invented_list(heap, items, 3);
	const uint64_t tuple = invented_tuple(heap, items, 3);
	const uint64_t dict = graph_dict(graph, keys, values, 2);
	const uint64_t mixed = invented_dict(heap, mixed_keys, values, 2, true);
	struct named_graph asked;

	invented_track(heap, list, 0);
	invented_track(heap, tuple, 0);
	invented_track(heap, dict, 0);
	invented_track(heap, mixed, 0);
	named_graph_begin(graph, &asked);
	/* The last item comes first. */
	expect(&asked, list, leaf, 0, "[2]");
	expect(&asked, list, leaf, 1, "[0]");
	expect(&asked, list, other, 0, "[1]");
	expect(&asked, tuple, leaf, 1, "[0]");
	expect(&asked, dict, leaf, 0, "['one']");
	expect(&asked, dict, leaf, 1, "['two']");
	expect(&asked, dict, keys[1], 0, "{<str>}");
	expect(&asked, mixed, leaf, 1, "[<int>]");
	expect(&asked, mixed, other, 0, "{<app.Node>}");
	named_graph_end(&asked);
}

static void test_instances(void **state)
{
	struct graph *graph = *state;
	const struct pyi_layout *layout = &graph->heap.layout;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t dict = graph_dict_of(graph, graph_name(graph, "attribute"), leaf);
	const uint64_t instance = graph_instance(graph, dict);
	const uint64_t slots = graph_with_slots(graph, leaf, leaf);
	const uint64_t second = graph_with_slots(graph, 0, leaf);
	const uint64_t globals = graph_dict_of(graph, graph_name(graph, "name"), leaf);
	const uint64_t module = graph_module(graph, globals);
	char first_slot[32];
	char second_slot[32];
	struct named_graph asked;

	snprintf(first_slot, sizeof(first_slot), ".<offset %u>", layout->object_size);
	snprintf(second_slot, sizeof(second_slot), ".<offset %u>", layout->object_size + 8);
	named_graph_begin(graph, &asked);
	expect(&asked, instance, dict, 0, ".__dict__");
	expect(&asked, instance, graph->app_class, 0, ".__class__");
	expect(&asked, slots, leaf, 0, first_slot);
	expect(&asked, slots, leaf, 1, second_slot);
	/* The first one of the graph, but not of the object. */
	expect(&asked, second, leaf, 0, second_slot);
	expect(&asked, module, globals, 0, ".__dict__");
	assert_int_equal(pyi_names_dict(&asked.names, node_of(&asked, instance)),
			 node_of(&asked, dict));
	assert_int_equal(pyi_names_dict(&asked.names, node_of(&asked, module)),
			 node_of(&asked, globals));
	assert_int_equal(pyi_names_dict(&asked.names, node_of(&asked, slots)), PYI_GRAPH_NONE);
	assert_int_equal(pyi_names_dict(&asked.names, node_of(&asked, leaf)), PYI_GRAPH_NONE);
	named_graph_end(&asked);
}

static void test_function(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t defaults = invented_tuple(heap, &leaf, 1);
	const uint64_t closure = invented_tuple(heap, &leaf, 1);
	const uint64_t code = graph_code(graph);
	const uint64_t function = graph_function(graph, code, defaults, closure);
	struct named_graph asked;

	named_graph_begin(graph, &asked);
	expect(&asked, function, code, 0, ".__code__");
	expect(&asked, function, defaults, 0, ".__defaults__");
	expect(&asked, function, closure, 0, ".__closure__");
	expect(&asked, closure, leaf, 0, "[0]");
	named_graph_end(&asked);
}

static void test_roots(void **state)
{
	struct graph *graph = *state;
	const struct pyi_graph_root roots[] = {
		{ .kind = PYI_EDGE_INTERPRETER, .detail = graph->heap.layout.interp_modules },
		{ .kind = PYI_EDGE_THREAD },
		{ .kind = PYI_EDGE_LOCAL, .context = 8 },
	};
	const char *const expected[] = { "sys.modules", "thread state", "frame ? local [0]" };
	struct named_graph asked;

	named_graph_begin(graph, &asked);
	for (int r = 0; r < 3; r++) {
		char *text = pyi_names_root_text(&asked.names, &roots[r]);

		assert_non_null(text);
		assert_string_equal(text, expected[r]);
		free(text);
	}
	named_graph_end(&asked);
}

/* The graph and the memory need not agree: each reference is still called something. */
static void test_fuzz(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t items[] = { leaf, leaf };
	uint64_t list = invented_list(heap, items, 2);
	uint64_t words = (heap->next_addr - heap->range.start_addr) / 8;
	struct named_graph asked;

	invented_track(heap, list, 0);
	(void)graph_instance(graph, graph_dict_of(graph, graph_name(graph, "attribute"), list));
	(void)graph_with_slots(graph, leaf, list);
	(void)graph_function(graph, graph_code(graph), invented_tuple(heap, items, 2),
			     invented_tuple(heap, items, 2));
	named_graph_begin(graph, &asked);
	srand(1);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		for (int w = 0; w < FUZZ_WORDS; w++) {
			uint64_t at = heap->range.start_addr + (uint64_t)rand() % words * 8;
			uint64_t value =
				rand() % 2 ? (uint64_t)rand() * (uint64_t)rand()
					   : heap->range.start_addr + (uint64_t)rand() % words * 8;

			invented_set(at, value);
		}
		for (uint32_t node = 0; node < asked.made.graph.node_count; node++) {
			uint64_t count = pyi_graph_referents(&asked.made.graph, node).count;

			(void)pyi_names_dict(&asked.names, node);
			for (uint64_t e = 0; e < count; e++) {
				char *text = pyi_names_text(&asked.names, node, e);

				assert_non_null(text);
				free(text);
			}
		}
		memset(asked.names.types, 0,
		       asked.made.graph.type_count * sizeof(*asked.names.types));
	}
	named_graph_end(&asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_IN_ALL(test_containers), GRAPH_IN_ALL(test_instances),
		GRAPH_IN_ALL(test_function),   GRAPH_IN_ALL(test_roots),
		GRAPH_IN_ALL(test_fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
