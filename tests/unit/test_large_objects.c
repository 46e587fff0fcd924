/*
 * Tests of src/heap/large_objects.c and src/heap/dict_keys.c on invented heaps: what is large, what
 * has many referents, and what it is named after.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "asked_graph.h"
#include "heap/dict_keys.h"
#include "heap/large_objects.h"

enum {
	MANY = 1500,
	FUZZ_ROUNDS = 200,
	FUZZ_WORDS = 64,
};

static struct pyi_large_objects ask(struct asked_graph *asked, size_t limit, const uint64_t *starts,
				    size_t start_count)
{
	struct pyi_large_objects_question question = {
		.by_bytes_limit = limit,
		.by_referents_limit = limit,
		.is_found = true,
		.found = asked_graph_found(asked, NULL, 0, starts, start_count),
	};
	const struct pyi_graph_question asking = pyi_large_objects_ask(&question);
	struct pyi_large_objects answer;

	assert_null(asking.ask(asking.argument, &asked->view));
	answer = question.answer;
	question.answer = (struct pyi_large_objects){ 0 };
	pyi_large_objects_question_deinit(&question);
	pyi_large_objects_question_deinit(&question);
	return answer;
}

static void expect_ordered(const struct pyi_large_objects *answer, size_t count)
{
	assert_int_equal(answer->by_bytes_count, count);
	assert_int_equal(answer->by_referents_count, count);
	for (size_t i = 1; i < count; i++) {
		assert_true(answer->by_bytes[i].bytes <= answer->by_bytes[i - 1].bytes);
		assert_true(answer->by_referents[i].referents <=
			    answer->by_referents[i - 1].referents);
	}
}

static void test_order(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const uint64_t name = graph_name(graph, "big");
	uint64_t items[900];
	uint64_t lists[3];
	uint64_t module;
	uint64_t twin;
	struct asked_graph asked;
	struct pyi_large_objects answer;

	for (size_t i = 0; i < 900; i++)
		items[i] = name;
	for (size_t i = 0; i < 3; i++) {
		lists[i] = invented_list(heap, items, 300 * (i + 1));
		invented_track(heap, lists[i], 1);
	}
	module = graph_module(graph, graph_dict_of(graph, name, lists[1]));
	/* As large, but behind it. */
	twin = invented_list(heap, items, 600);
	invented_track(heap, twin, 1);
	asked_graph_begin(graph, NULL, 0, &asked);
	answer = ask(&asked, 3, &module, 1);
	expect_ordered(&answer, 3);
	assert_int_equal(answer.objects, asked.session.summary.objects);
	assert_int_equal(answer.bytes, asked.session.summary.bytes);
	for (int order = 0; order < 2; order++) {
		const struct pyi_large_object *list = order ? answer.by_referents : answer.by_bytes;

		assert_int_equal(list[0].addr, lists[2]);
		assert_int_equal(list[1].addr, lists[1]);
		assert_int_equal(list[2].addr, twin);
		assert_int_equal(list[1].referents, 600);
		assert_true(list[1].has_length && list[1].length == 600);
		assert_string_equal(list[1].type, "list");
		assert_non_null(strstr(list[1].owner, ".big"));
		assert_int_equal(strncmp(list[1].owner, "module ", 7), 0);
		assert_null(list[2].owner);
		assert_null(list[0].value);
	}
	pyi_large_objects_deinit(&answer);
	answer = ask(&asked, 0, &module, 1);
	expect_ordered(&answer, 0);
	pyi_large_objects_deinit(&answer);
	asked_graph_end(&asked);
}

/* As many as are asked for, of more than there are. */
static void test_limit(void **state)
{
	struct graph *graph = *state;
	struct pyi_large_objects answer;
	struct asked_graph asked;
	uint64_t name;

	graph_resize(graph, 1 << 20);
	name = graph_name(graph, "x");
	for (int i = 0; i < MANY; i++)
		invented_track(&graph->heap, invented_tuple(&graph->heap, &name, 1), 0);
	asked_graph_begin(graph, NULL, 0, &asked);
	answer = ask(&asked, MANY - 100, NULL, 0);
	expect_ordered(&answer, MANY - 100);
	pyi_large_objects_deinit(&answer);
	asked_graph_end(&asked);
}

/* What refers to nothing is named as well: a long text, by the first thing that leads to it. */
static void test_leaf(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	char text[3000];
	uint64_t long_text;
	uint64_t instance;
	struct pyi_large_objects answer;
	struct asked_graph asked;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	long_text = invented_str(heap, text);
	instance = graph_instance(graph, graph_dict_of(graph, graph_name(graph, "note"),
						       invented_tuple(heap, &long_text, 1)));
	asked_graph_begin(graph, NULL, 0, &asked);
	answer = ask(&asked, 1, &instance, 1);
	assert_int_equal(answer.by_bytes_count, 1);
	assert_int_equal(answer.by_bytes[0].addr, long_text);
	assert_int_equal(answer.by_bytes[0].referents, 0);
	assert_string_equal(answer.by_bytes[0].owner, "instance app.App.note");
	pyi_large_objects_deinit(&answer);
	asked_graph_end(&asked);
}

static uint64_t referents_of(struct asked_graph *asked, uint64_t object)
{
	struct pyi_large_objects answer = ask(asked, MANY, NULL, 0);
	uint64_t referents = UINT64_MAX;

	for (size_t i = 0; i < answer.by_referents_count; i++)
		if (answer.by_referents[i].addr == object)
			referents = answer.by_referents[i].referents;
	pyi_large_objects_deinit(&answer);
	return referents;
}

/* gc.get_referents() has the keys of a table that is not for strings alone. */
static void test_keys(void **state)
{
	enum { ENTRIES = 5 };
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const struct pyi_layout *layout = &heap->layout;
	bool told = layout->keys_kind != PYI_ABSENT;
	uint64_t names[ENTRIES];
	uint64_t mixed[ENTRIES];
	uint64_t values[ENTRIES];
	uint64_t dicts[3];
	struct asked_graph asked;

	for (int i = 0; i < ENTRIES; i++) {
		names[i] = graph_name(graph, "k");
		mixed[i] = i ? names[i] : invented_int(heap, 7);
		values[i] = graph_leaf(graph);
	}
	dicts[0] = invented_dict(heap, names, values, ENTRIES, false);
	/* Strings alone, but the table is for all. */
	dicts[1] = invented_dict(heap, names, values, ENTRIES, true);
	dicts[2] = invented_dict(heap, mixed, values, ENTRIES, true);
	for (int d = 0; d < 3; d++)
		invented_track(heap, dicts[d], 0);
	/* Without it nothing says that the second is not like the first. */
	for (int known = told; known < 2; known++) {
		if (known && !told)
			for (int d = 0; d < 3; d++)
				invented_set(invented_get(dicts[d] + layout->dict_keys) +
						     layout->keys_size + 8,
					     d ? 0x1000 : 0x2000);
		asked_graph_begin(graph, NULL, 0, &asked);
		assert_int_equal(referents_of(&asked, dicts[0]), ENTRIES);
		assert_int_equal(referents_of(&asked, dicts[1]), known ? 2 * ENTRIES : ENTRIES);
		assert_int_equal(referents_of(&asked, dicts[2]), 2 * ENTRIES);
		asked_graph_end(&asked);
	}
}

/* The type of an instance is reported, and its __dict__ is; what is internal does not count. */
static void test_instances(void **state)
{
	struct graph *graph = *state;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t instance = graph_instance(graph, graph_dict_of(graph, leaf, leaf));
	const uint64_t slots = graph_with_slots(graph, leaf, leaf);
	const uint64_t empty = graph_with_slots(graph, 0, 0);
	struct asked_graph asked;

	asked_graph_begin(graph, NULL, 0, &asked);
	assert_int_equal(referents_of(&asked, instance), 2);
	assert_int_equal(referents_of(&asked, slots), 3);
	assert_int_equal(referents_of(&asked, empty), 1);
	assert_int_equal(referents_of(&asked, leaf), UINT64_MAX);
	asked_graph_end(&asked);
}

/* As long as the graph stands, whatever is read of the heap. */
static void test_fuzz(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const uint64_t leaf = graph_leaf(graph);
	const uint64_t items[] = { leaf, leaf };
	uint64_t list = invented_list(heap, items, 2);
	uint64_t module = graph_module(graph, graph_dict_of(graph, graph_name(graph, "a"), list));
	struct asked_graph asked;
	uint64_t words;

	invented_track(heap, list, 0);
	(void)graph_with_slots(graph, leaf, list);
	(void)graph_function(graph, graph_code(graph), invented_tuple(heap, items, 2),
			     invented_tuple(heap, items, 2));
	words = (heap->next_addr - heap->range.start_addr) / 8;
	asked_graph_begin(graph, NULL, 0, &asked);
	srand(3);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct pyi_large_objects answer = ask(&asked, MANY, &module, 1);

		assert_true(answer.by_bytes_count > 3);
		pyi_large_objects_deinit(&answer);
		for (int w = 0; w < FUZZ_WORDS; w++) {
			uint64_t at = heap->range.start_addr + (uint64_t)rand() % words * 8;

			invented_set(at, rand() % 2 ? (uint64_t)rand() * (uint64_t)rand()
						    : heap->range.start_addr +
							      (uint64_t)rand() % words * 8);
		}
		memset(asked.named.names.types, 0,
		       asked.named.made.graph.type_count * sizeof(*asked.named.names.types));
	}
	asked_graph_end(&asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_IN_ALL(test_order), GRAPH_IN_ALL(test_limit),	GRAPH_IN_ALL(test_leaf),
		GRAPH_IN_ALL(test_keys),  GRAPH_IN_ALL(test_instances), GRAPH_IN_ALL(test_fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
