/*
 * Tests of what two moments differ by: by type, and of two graphs object by object, against brute
 * force.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/heap_diff.h"
#include "analysis/heap_types.h"
#include "analysis/type_changes.h"
#include "graph_model.h"

enum {
	ROUNDS = 300,
	NODES = 200,
};

#define LIMIT (UINT64_C(1) << 30)

static void add(struct pyi_census *census, const char *name, uint64_t count, uint64_t bytes)
{
	assert_null(pyi_census_add(census, strdup(name), count, bytes, name[0] == '~'));
}

/* The names in order, each with a space behind it. */
static void assert_names(const struct pyi_type_changes *changes, const char *expected)
{
	char names[256] = "";

	for (size_t i = 0; i < changes->count; i++) {
		strcat(names, changes->items[i].name);
		strcat(names, " ");
	}
	assert_string_equal(names, expected);
}

static void by_type(void **test)
{
	struct pyi_census before = { 0 };
	struct pyi_census after = { 0 };
	struct pyi_type_changes changes;
	struct pyi_type_change sum;

	(void)test;
	add(&before, "same", 5, 50);
	add(&before, "gone", 2, 30);
	add(&before, "less", 9, 900);
	add(&before, "more", 1, 10);
	add(&before, "~huge", 1, UINT64_MAX);
	add(&after, "~huge", 2, UINT64_MAX);
	add(&after, "more", 3, 110);
	add(&after, "new", 1, 200);
	add(&after, "less", 8, 100);
	add(&after, "same", 5, 50);
	pyi_census_merge(&before);
	pyi_census_merge(&after);
	assert_null(pyi_type_changes_find(&before, &after, &changes));
	assert_names(&changes, "gone less more new same ~huge ");
	assert_int_equal(changes.items[0].count.before, 2);
	assert_int_equal(changes.items[0].count.after, 0);
	assert_int_equal(changes.items[3].bytes.before, 0);
	assert_int_equal(changes.items[3].bytes.after, 200);
	assert_false(changes.items[3].estimated);
	assert_true(changes.items[5].estimated);
	sum = pyi_type_changes_sum(&changes, 0);
	assert_int_equal(sum.count.before, 18);
	assert_int_equal(sum.count.after, 19);
	/* It stays at the top. */
	assert_true(sum.bytes.before == UINT64_MAX && sum.estimated);
	pyi_type_changes_drop_same(&changes);
	assert_names(&changes, "gone less more new ~huge ");
	pyi_type_changes_sort(&changes, PYI_CHANGE_BY_BYTES);
	assert_names(&changes, "new more ~huge gone less ");
	pyi_type_changes_sort(&changes, PYI_CHANGE_BY_COUNT);
	assert_names(&changes, "more new ~huge less gone ");
	changes.items[3].retained.after = 7;
	pyi_type_changes_sort(&changes, PYI_CHANGE_BY_RETAINED);
	assert_names(&changes, "less new more ~huge gone ");
	sum = pyi_type_changes_sum(&changes, 3);
	assert_int_equal(sum.count.before, 3);
	pyi_type_changes_deinit(&changes);
	pyi_type_changes_deinit(&changes);
	pyi_census_deinit(&before);
	pyi_census_deinit(&after);
}

static const char *name_of(const struct pyi_graph *graph, uint32_t node)
{
	const char *name = graph->types[pyi_graph_type(graph, node)].name;

	return name ? name : "?";
}

static bool is_object(const struct pyi_graph *graph, uint32_t node)
{
	return !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
}

/* Whether the other graph has no such object. */
static bool is_missing(const struct pyi_graph *graph, uint32_t node, const struct pyi_graph *other)
{
	uint32_t twin = pyi_graph_find(other, pyi_graph_address(graph, node));

	return is_object(graph, node) && (twin == PYI_GRAPH_NONE || !is_object(other, twin) ||
					  strcmp(name_of(graph, node), name_of(other, twin)) != 0);
}

static struct pyi_census_sum sum_missing(const struct pyi_graph *graph,
					 const struct pyi_graph *other, const char *name)
{
	struct pyi_census_sum sum = { 0 };

	for (uint32_t node = 0; node < graph->node_count; node++) {
		if (!is_missing(graph, node, other) || strcmp(name_of(graph, node), name) != 0)
			continue;
		sum.count++;
		sum.bytes += pyi_graph_size(graph, node);
	}
	return sum;
}

static void assert_list(const struct pyi_graph *graph, const struct pyi_graph *other,
			const struct pyi_heap_diff_objects *list, size_t limit, const char *name)
{
	uint64_t smallest = UINT64_MAX;
	size_t larger = 0;
	size_t all = 0;

	for (size_t i = 0; i < list->count; i++) {
		uint64_t size = pyi_graph_size(graph, list->nodes[i]);

		assert_true(is_missing(graph, list->nodes[i], other));
		assert_true(!name || strcmp(name_of(graph, list->nodes[i]), name) == 0);
		assert_true(size < smallest ||
			    (size == smallest && list->nodes[i] > list->nodes[i - 1]));
		smallest = size;
	}
	for (uint32_t node = 0; node < graph->node_count; node++) {
		if (!is_missing(graph, node, other) ||
		    (name && strcmp(name_of(graph, node), name) != 0))
			continue;
		all++;
		larger += pyi_graph_size(graph, node) > smallest;
	}
	assert_int_equal(list->count, all < limit ? all : limit);
	assert_true(larger <= list->count);
}

static void compare(const struct pyi_graph *before, const struct pyi_graph *after, size_t limit,
		    const char *name)
{
	const struct pyi_census_filter filter = { .type = name };
	struct pyi_census earlier;
	struct pyi_census later;
	struct pyi_type_changes changes;
	struct pyi_heap_diff diff;

	assert_null(pyi_heap_types(before, NULL, &earlier));
	assert_null(pyi_heap_types(after, NULL, &later));
	assert_null(pyi_type_changes_find(&earlier, &later, &changes));
	assert_null(pyi_heap_diff_find(before, after, &filter, limit, &changes, &diff));
	for (size_t c = 0; c < changes.count; c++) {
		const struct pyi_type_change *change = &changes.items[c];
		struct pyi_census_sum added = sum_missing(after, before, change->name);
		struct pyi_census_sum gone = sum_missing(before, after, change->name);

		assert_int_equal(change->added.count, added.count);
		assert_int_equal(change->added.bytes, added.bytes);
		assert_int_equal(change->gone.count, gone.count);
		assert_int_equal(change->gone.bytes, gone.bytes);
		assert_int_equal(change->count.before + added.count,
				 change->count.after + gone.count);
	}
	assert_list(after, before, &diff.added, limit, name);
	assert_list(before, after, &diff.gone, limit, name);
	pyi_heap_diff_deinit(&diff);
	pyi_type_changes_deinit(&changes);
	pyi_census_deinit(&earlier);
	pyi_census_deinit(&later);
}

/* Some objects go, some come, some become others. */
static void change(struct model *model, uint64_t *state)
{
	for (uint32_t n = 0; n < model->node_count; n++) {
		struct model_node *node = &model->nodes[n];
		uint64_t next = n + 1 < model->node_count ? model->nodes[n + 1].addr : UINT64_MAX;

		switch (model_random(state, 6)) {
		case 0:
			if (node->addr + 8 < next)
				node->addr += 8;
			break;
		case 1:
			node->type = (uint32_t)model_random(state, model->type_count);
			break;
		case 2:
			node->flags ^= PYI_NODE_TRACKED;
			node->size_bytes = model_random(state, 500);
			break;
		default:
			break;
		}
	}
}

static void by_object(void **test)
{
	uint64_t state = 33;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct pyi_graph_space space;
		struct model model = model_random_create(&state, NODES);
		struct pyi_graph before;
		struct pyi_graph after;
		size_t limit = (size_t)model_random(&state, 12);

		pyi_graph_space_init(&space, -1, LIMIT);
		before = model_build(&model, &state, &space);
		change(&model, &state);
		after = model_build(&model, &state, &space);
		compare(&before, &after, limit, NULL);
		compare(&after, &before, 3, before.types[0].name);
		compare(&before, &before, 5, NULL);
		pyi_graph_deinit(&before);
		pyi_graph_deinit(&after);
		assert_int_equal(space.held_bytes, 0);
		model_destroy(&model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_type),
		cmocka_unit_test(by_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
