/*
 * Tests of src/heap/referrers.c on invented heaps: a tree of who refers to what.
 *
 * Which groups are followed is in test_referrer_tree.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "asked_graph.h"
#include "heap/reference_groups.h"
#include "heap/referrers.h"

static struct pyi_referrers ask_tree(const struct graph *graph, uint64_t object, unsigned depth,
				     uint64_t width)
{
	const struct pyi_subject subject = { .address = object };
	struct pyi_referrers_question question = {
		.subject = &subject,
		.depth = depth,
		.tree = true,
		.width = width,
		.is_found = true,
	};
	const struct pyi_graph_question graph_question = pyi_referrers_ask(&question);
	struct pyi_referrers answer;
	struct asked_graph asked;

	asked_graph_begin(graph, NULL, 0, &asked);
	assert_int_equal(asked.named.made.faults, 0);
	question.found = asked_graph_found(&asked, NULL, 0, NULL, 0);
	assert_null(graph_question.ask(graph_question.argument, &asked.view));
	answer = question.answer;
	question.answer = (struct pyi_referrers){ 0 };
	pyi_referrers_question_deinit(&question);
	asked_graph_end(&asked);
	return answer;
}

static const struct pyi_referrer_group *of_type(const struct pyi_referrer_list *list,
						const char *type)
{
	for (size_t g = 0; list && g < list->count; g++)
		if (strcmp(list->groups[g].type, type) == 0)
			return &list->groups[g];
	fail_msg("there is no group of type %s", type);
	return NULL;
}

static const struct pyi_referrer_group *below(const struct pyi_referrer_group *group,
					      const char *type)
{
	return of_type(group->referrers, type);
}

/* Each branch asks about its own objects, also where an object is in several. */
static void test_tree(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t list = invented_list(heap, &leaf, 1);
	uint64_t both[] = { leaf, list };
	uint64_t tuple = invented_tuple(heap, both, 2);
	uint64_t slots = graph_with_slots(graph, tuple, list);
	struct pyi_referrers answer;
	const struct pyi_referrer_group *of_list;
	const struct pyi_referrer_group *of_tuple;

	invented_track(heap, list, 0);
	answer = ask_tree(graph, leaf, 3, 0);
	assert_int_equal(answer.list.count, 2);
	of_list = of_type(&answer.list, "list");
	of_tuple = of_type(&answer.list, "tuple");
	assert_int_equal(of_list->referrers->count, 2);
	assert_int_equal(of_tuple->referrers->count, 1);
	assert_int_equal(below(of_list, "app.Slots")->example_addr, slots);
	assert_int_equal(below(of_tuple, "app.Slots")->example_addr, slots);
	assert_int_equal(below(of_tuple, "app.Slots")->referrers->count, 0);
	assert_int_equal(below(of_list, "tuple")->example_addr, tuple);
	assert_int_equal(below(of_list, "tuple")->references, 1);
	assert_int_equal(below(below(of_list, "tuple"), "app.Slots")->references, 1);
	assert_int_equal(below(below(of_list, "tuple"), "app.Slots")->ends, PYI_REFERRER_DEPTH);
	pyi_referrers_deinit(&answer);

	/* As wide as is wanted, and no deeper. */
	answer = ask_tree(graph, leaf, 2, 1);
	assert_non_null(answer.list.groups[0].referrers);
	assert_null(answer.list.groups[1].referrers);
	assert_int_equal(answer.list.groups[1].ends, PYI_REFERRER_GOES_ON);
	pyi_referrers_deinit(&answer);
}

/* A ring: each group is followed once. */
static void test_tree_of_a_ring(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t first = graph_with_slots(graph, leaf, leaf);
	uint64_t list = invented_list(heap, &first, 1);
	struct pyi_referrers answer;
	const struct pyi_referrer_group *group;

	invented_track(heap, list, 0);
	graph_with_slots(graph, list, first);
	/* From the first to the second of them, whose type and slot are alike. */
	answer = ask_tree(graph, leaf, 20, 0);
	for (size_t g = 0; g < answer.list.count; g++) {
		group = below(&answer.list.groups[g], "list");
		group = below(group, "app.Slots");
		/* One of the two edges was there before. */
		assert_int_equal(group->ends, strcmp(group->edge, answer.list.groups[g].edge) == 0
						      ? PYI_REFERRER_AGAIN
						      : PYI_REFERRER_GOES_ON);
	}
	assert_int_equal(answer.list.count, 2);
	pyi_referrers_deinit(&answer);
}

static uint64_t references_below(const struct pyi_referrer_group *group)
{
	uint64_t sum = 0;

	for (size_t g = 0; group->referrers && g < group->referrers->count; g++)
		sum += group->referrers->groups[g].references;
	return sum;
}

/* What there is no room for is counted with its branch. */
static void test_tree_without_room(void **state)
{
	enum { COUNT = PYI_REFERENCE_GROUP_LIMIT + 1000 };
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	struct pyi_referrers answer;
	uint64_t *values = calloc(COUNT, sizeof(*values));
	uint64_t *names = calloc(COUNT, sizeof(*names));
	uint64_t leaf;
	uint64_t tuple;
	uint64_t slots;
	char text[32];

	graph_resize(graph, (size_t)COUNT * 320);
	leaf = graph_leaf(graph);
	tuple = invented_tuple(heap, &leaf, 1);
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "x%zu", i);
		names[i] = graph_name(graph, text);
		values[i] = tuple;
	}
	graph_instance(graph, graph_dict(graph, names, values, COUNT));
	slots = graph_with_slots(graph, leaf, 0);
	invented_track(heap, invented_list(heap, &slots, 1), 0);
	answer = ask_tree(graph, leaf, 2, 0);
	assert_int_equal(answer.list.count, 2);
	assert_true(answer.truncated);
	assert_int_equal(references_below(of_type(&answer.list, "tuple")), COUNT);
	assert_int_equal(below(of_type(&answer.list, "tuple"), "(other)")->objects, 1);
	assert_int_equal(references_below(of_type(&answer.list, "app.Slots")), 1);
	pyi_referrers_deinit(&answer);
	free(values);
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_IN_ALL(test_tree),
		GRAPH_IN_ALL(test_tree_of_a_ring),
		GRAPH_IN(test_tree_without_room, 0x030b, "3.11"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
