/*
 * Tests of payloads/: who refers to what, by what, and whose it is; on heaps that are as they
 * should be.
 *
 * The other jobs are in test_graph_jobs.c, broken heaps in test_graph_broken.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_fixture.h"

enum {
	/* Of a container with more items, an item is not told from another. */
	ITEMS_APART = 16,
	MANY = 300,
	/* A search that begins anew for each of them would not end within the test's time. */
	MANY_ATTRIBUTES = 100000,
	LEVELS = 3,
	/* Words in front of an instance with a managed dict, Include/internal/pycore_object.h. */
	DICT_WORD = 3,
	VALUES_WORD = 4,
	PREHEADER_BYTES = 32,
	FLAG_INLINE_VALUES = 1 << 2,
	FLAG_MANAGED_DICT = 1 << 4,
};

static uint64_t count_of(const struct invented_answer *answer, uint64_t type_addr)
{
	for (size_t i = 0; i < answer->result.type_count; i++)
		if (answer->result.types[i].type_addr == type_addr)
			return answer->result.types[i].count;
	return 0;
}

static void test_edges_and_owners(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t cache = graph_name(graph, "cache");
	uint64_t senders = graph_name(graph, "senders");
	uint64_t items = graph_name(graph, "items");
	uint64_t leaf = graph_leaf(graph);
	uint64_t list = invented_list(heap, &leaf, 1);
	uint64_t inner = graph_dict_of(graph, items, leaf);
	uint64_t outer = graph_dict_of(graph, items, inner);
	uint64_t pair[] = { items, leaf };
	uint64_t instance_pair = invented_tuple(heap, pair, 2);
	uint64_t cells[] = { items, items, invented_tuple(heap, &leaf, 1) };
	uint64_t closure = invented_tuple(heap, cells, 3);
	uint64_t code = graph_code(graph);
	uint64_t module = graph_module(graph, graph_dict_of(graph, cache, list));
	uint64_t class = graph_class(graph, graph_dict_of(graph, senders, outer));
	const struct pyi_record_group *group;
	struct invented_answer answer;

	graph_instance(graph, graph_dict_of(graph, items, instance_pair));
	graph_instance(graph, graph_dict_of(graph, senders, leaf));
	graph_function(graph, code, leaf, closure);
	invented_track(heap, list, 1);
	invented_track(heap, outer, 1);
	answer = graph_referrers_of_type(graph, heap->node_type);
	graph_expect_sound(&answer);
	assert_int_equal(count_of(&answer, heap->node_type), 1);
	/* Of a module's attribute, of a container in a container of a class, of an instance. */
	group = graph_expect(&answer, heap->list_type, PYI_EDGE_INDEX, 0, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_MODULE, module, PYI_EDGE_ATTRIBUTE, cache);
	assert_int_equal(group->example_addr, list);
	assert_int_equal(group->example_referent_addr, leaf);
	group = graph_expect(&answer, heap->dict_type, PYI_EDGE_ITEM, items, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_CLASS, class, PYI_EDGE_ATTRIBUTE, senders);
	assert_int_equal(group->example_addr, inner);
	group = graph_expect(&answer, heap->tuple_type, PYI_EDGE_INDEX, 1, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_INSTANCE, graph->app_class, PYI_EDGE_ATTRIBUTE, items);
	/* What a function holds is its code's. */
	group = graph_expect(&answer, heap->tuple_type, PYI_EDGE_INDEX, 0, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_FUNCTION, code, PYI_EDGE_CLOSURE, 2);
	/* Instances and functions themselves have none: there are many alike. */
	group = graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, senders, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_NONE, 0, PYI_EDGE_NONE, 0);
	assert_int_equal(group->edge.internal, 0);
	group = graph_expect(&answer, graph->function_type, PYI_EDGE_FIELD,
			     heap->layout.function_defaults, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_NONE, 0, PYI_EDGE_NONE, 0);
	assert_int_equal(graph_references(&answer), 6);
	invented_answer_deinit(&answer);

	/* By address, of the containers themselves. */
	answer = graph_referrers_of(graph, list);
	group = graph_expect(&answer, graph->module_type, PYI_EDGE_ATTRIBUTE, cache, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_MODULE, module, PYI_EDGE_NONE, 0);
	assert_int_equal(graph_references(&answer), 1);
	assert_int_equal(count_of(&answer, heap->list_type), 1);
	invented_answer_deinit(&answer);
	answer = graph_referrers_of(graph, inner);
	group = graph_expect(&answer, heap->dict_type, PYI_EDGE_ITEM, items, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_CLASS, class, PYI_EDGE_ATTRIBUTE, senders);
	invented_answer_deinit(&answer);
}

/* A container that nothing with a name leads to; and one that only a root does. */
static void test_without_owner(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t list = invented_list(heap, &leaf, 1);
	uint64_t name = graph_name(graph, "k");
	uint64_t dict = graph_dict_of(graph, name, leaf);
	uint64_t code = graph_code(graph);
	const struct pyi_payload_root roots[] = {
		{ dict, { .kind = PYI_EDGE_INTERPRETER, .internal = 1, .detail = 24 } },
		{ 0, { .kind = PYI_EDGE_THREAD } },
		{ leaf, { .kind = PYI_EDGE_LOCAL, .internal = 1, .detail = 2, .context = code } },
		{ leaf, { .kind = PYI_EDGE_LOCAL, .internal = 1, .detail = 2, .context = code } },
	};
	const struct pyi_record_group *group;
	struct invented_answer answer;

	invented_track(heap, list, 0);
	invented_track(heap, dict, 0);
	answer = graph_ask(graph, (struct invented_job){
					  .job = PYI_JOB_REFERRERS,
					  .meant_types = &heap->node_type,
					  .meant_type_count = 1,
					  .roots = roots,
					  .root_count = 4,
				  });
	graph_expect_sound(&answer);
	group = graph_expect(&answer, heap->list_type, PYI_EDGE_INDEX, 0, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_NONE, 0, PYI_EDGE_NONE, 0);
	group = graph_expect(&answer, heap->dict_type, PYI_EDGE_ITEM, name, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_ROOT, 0, PYI_EDGE_INTERPRETER, 24);
	group = graph_expect(&answer, 0, PYI_EDGE_LOCAL, 2, 2, 2);
	graph_expect_owner(group, PYI_HOLDER_FRAME, code, PYI_EDGE_NONE, 0);
	assert_int_equal(group->edge.internal, 1);
	assert_int_equal(group->example_addr, 0);
	invented_answer_deinit(&answer);
}

/* References to one object each, from a list and a dict of so many items. */
static void expect_items(struct graph *graph, size_t count)
{
	struct invented_heap *heap = &graph->heap;
	uint64_t leaves[ITEMS_APART + 1];
	uint64_t names[ITEMS_APART + 1];
	struct invented_answer answer;

	graph_resize(graph, GRAPH_HEAP_BYTES);
	for (size_t i = 0; i < count; i++) {
		leaves[i] = graph_leaf(graph);
		names[i] = graph_name(graph, "k");
	}
	invented_track(heap, invented_list(heap, leaves, count), 0);
	invented_track(heap, graph_dict(graph, names, leaves, count), 0);
	answer = graph_referrers_of_type(graph, heap->node_type);
	graph_expect_sound(&answer);
	for (size_t i = 0; i < count && count <= ITEMS_APART; i++) {
		graph_expect(&answer, heap->list_type, PYI_EDGE_INDEX, i, 1, 1);
		graph_expect(&answer, heap->dict_type, PYI_EDGE_ITEM, names[i], 1, 1);
	}
	if (count > ITEMS_APART) {
		graph_expect(&answer, heap->list_type, PYI_EDGE_ELEMENT, 0, 1, count);
		graph_expect(&answer, heap->dict_type, PYI_EDGE_VALUES, 0, 1, count);
	}
	assert_int_equal(graph_references(&answer), 2 * count);
	invented_answer_deinit(&answer);
}

static void test_items(void **state)
{
	expect_items(*state, 1);
	expect_items(*state, ITEMS_APART);
	expect_items(*state, ITEMS_APART + 1);
}

/*
 * Several references of one object to another are told apart, and the object counts once; whether
 * the other is met by them, or was before.
 */
static void expect_apart(struct graph *graph, bool met_before)
{
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t shared = invented_list(heap, &leaf, 1);
	uint64_t items[] = { shared, leaf, shared };
	uint64_t names[] = { graph_name(graph, "x"), graph_name(graph, "y"),
			     graph_name(graph, "z") };
	uint64_t same[] = { shared, shared, shared };
	struct invented_answer answer;

	if (met_before)
		graph_module(graph, graph_dict_of(graph, names[0], shared));
	invented_track(heap, invented_tuple(heap, items, 3), 0);
	graph_instance(graph, graph_dict(graph, names, same, 3));
	graph_with_slots(graph, shared, shared);
	answer = graph_referrers_of_type(graph, heap->list_type);
	graph_expect_sound(&answer);
	graph_expect(&answer, heap->tuple_type, PYI_EDGE_INDEX, 0, 1, 1);
	graph_expect(&answer, heap->tuple_type, PYI_EDGE_INDEX, 2, 1, 1);
	for (int i = 0; i < 3; i++)
		graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, names[i], 1, 1);
	for (uint32_t s = 0; s < GRAPH_SLOTS; s++)
		graph_expect(&answer, graph->slots_class, PYI_EDGE_FIELD,
			     heap->layout.object_size + s * 8, 1, 1);
	assert_int_equal(graph_references(&answer), 2 + 3 + GRAPH_SLOTS + met_before);
	invented_answer_deinit(&answer);
}

static void test_same_object_again(void **state)
{
	expect_apart(*state, false);
	graph_resize(*state, GRAPH_HEAP_BYTES);
	expect_apart(*state, true);
}

/* The same attribute of many objects is one group: it counts them, and their bytes. */
static void test_many_objects(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t names[2] = { graph_name(graph, "x"), graph_name(graph, "y") };
	const struct pyi_record_group *group;
	struct invented_answer answer;
	uint64_t bytes;

	graph_resize(graph, 1 << 20);
	names[0] = graph_name(graph, "x");
	names[1] = graph_name(graph, "y");
	for (int i = 0; i < MANY; i++) {
		uint64_t leaf = graph_leaf(graph);
		uint64_t values[] = { leaf, leaf };

		graph_instance(graph, graph_dict(graph, names, values, 2));
	}
	answer = graph_referrers_of_type(graph, heap->node_type);
	graph_expect_sound(&answer);
	group = graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, names[0], MANY, MANY);
	bytes = group->bytes;
	assert_int_equal(bytes % MANY, 0);
	assert_true(bytes / MANY >= 40 && bytes / MANY < 100);
	graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, names[1], MANY, MANY);
	assert_int_equal(count_of(&answer, heap->node_type), MANY);
	assert_int_equal(graph_references(&answer), 2 * MANY);
	invented_answer_deinit(&answer);
}

/* An instance that keeps as much as others keep in a dict: it must not take quadratic time. */
static void test_many_attributes(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t *values = calloc(MANY_ATTRIBUTES, sizeof(*values));
	uint64_t *names = calloc(MANY_ATTRIBUTES, sizeof(*names));
	struct invented_answer answer;
	uint64_t name;

	graph_resize(graph, (size_t)MANY_ATTRIBUTES * 256);
	name = graph_name(graph, "x");
	for (size_t i = 0; i < MANY_ATTRIBUTES; i++) {
		values[i] = invented_list(heap, NULL, 0);
		names[i] = name;
	}
	graph_instance(graph, graph_dict(graph, names, values, MANY_ATTRIBUTES));
	answer = graph_referrers_of_type(graph, heap->list_type);
	graph_expect_sound(&answer);
	graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, name, 1, MANY_ATTRIBUTES);
	invented_answer_deinit(&answer);
	free(values);
	free(names);
}

/* The dict of an instance is met first, by itself; each reference still counts once. */
static void test_dict_before_instance(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t name = graph_name(graph, "x");
	uint64_t leaf = graph_leaf(graph);
	uint64_t dict = graph_dict_of(graph, name, leaf);
	const struct pyi_payload_root root = { dict, { .kind = PYI_EDGE_THREAD } };
	struct invented_answer answer;

	invented_track(heap, dict, 0);
	graph_instance(graph, dict);
	/* Two share it. */
	graph_instance(graph, dict);
	answer = graph_referrers_of_type(graph, heap->node_type);
	graph_expect_sound(&answer);
	graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, name, 1, 1);
	assert_int_equal(graph_references(&answer), 1);
	invented_answer_deinit(&answer);

	answer = graph_ask(graph, (struct invented_job){
					  .job = PYI_JOB_REFERRERS,
					  .meant_types = &heap->node_type,
					  .meant_type_count = 1,
					  .roots = &root,
					  .root_count = 1,
				  });
	graph_expect_sound(&answer);
	graph_expect(&answer, heap->dict_type, PYI_EDGE_ITEM, name, 1, 1);
	assert_int_equal(graph_references(&answer), 1);
	invented_answer_deinit(&answer);

	/* The dict as such is referred to by both. */
	answer = graph_referrers_of(graph, dict);
	graph_expect(&answer, graph->app_class, PYI_EDGE_DICT, 0, 2, 2);
	assert_int_equal(count_of(&answer, heap->dict_type), 1);
	invented_answer_deinit(&answer);
}

/* What an instance with this field as its last refers to; before that, to many things. */
static uint64_t crowd[MANY];
static const struct graph *crowd_graph;

static int traverse_crowd(void *object, int (*visit)(void *object, void *argument), void *argument)
{
	uint64_t field = (uintptr_t)object + crowd_graph->heap.layout.object_size;

	for (int i = 0; i < MANY; i++)
		visit((void *)(uintptr_t)crowd[i], argument);
	return visit((void *)(uintptr_t)invented_get(field), argument);
}

/* An object with more references than fit a batch does not lose its dict to the batch. */
static void test_dict_behind_many_references(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const struct pyi_record_group *group;
	struct invented_answer answer;
	uint64_t name;
	uint64_t leaf;

	graph_resize(graph, 1 << 20);
	name = graph_name(graph, "x");
	leaf = graph_leaf(graph);
	for (int i = 0; i < MANY; i++)
		crowd[i] = invented_list(heap, NULL, 0);
	crowd_graph = graph;
	invented_set(graph->app_class + heap->layout.type_traverse, (uintptr_t)traverse_crowd);
	graph_instance(graph, graph_dict_of(graph, name, invented_tuple(heap, &leaf, 1)));
	answer = graph_referrers_of_type(graph, heap->tuple_type);
	graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, name, 1, 1);
	assert_int_equal(graph_references(&answer), 1);
	invented_answer_deinit(&answer);
	answer = graph_referrers_of(graph, leaf);
	group = graph_expect(&answer, heap->tuple_type, PYI_EDGE_INDEX, 0, 1, 1);
	graph_expect_owner(group, PYI_HOLDER_INSTANCE, graph->app_class, PYI_EDGE_ATTRIBUTE, name);
	invented_answer_deinit(&answer);
	/* What is in none of its fields. */
	answer = graph_referrers_of_type(graph, heap->list_type);
	graph_expect(&answer, graph->app_class, PYI_EDGE_ELSEWHERE, 0, 1, MANY);
	invented_answer_deinit(&answer);
}

/* The type of an object; that of a __dict__ is the dict's, and not its owner's. */
static void test_types(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t name = graph_name(graph, "x");
	const struct pyi_record_group *group;
	struct invented_answer answer;
	uint64_t numbers[MANY];

	for (uint32_t i = 0; i < MANY; i++)
		numbers[i] = invented_int(heap, i);
	invented_track(heap, invented_list(heap, numbers, MANY), 0);
	graph_instance(graph, graph_dict_of(graph, name, 0));
	graph_instance(graph, 0);
	answer = graph_referrers_of(graph, graph->app_class);
	graph_expect_sound(&answer);
	group = graph_expect(&answer, graph->app_class, PYI_EDGE_TYPE, 0, 2, 2);
	assert_int_equal(group->edge.internal, 0);
	assert_int_equal(graph_references(&answer), 2);
	invented_answer_deinit(&answer);
	answer = graph_referrers_of(graph, heap->dict_type);
	group = graph_expect(&answer, heap->dict_type, PYI_EDGE_TYPE, 0, 1, 1);
	assert_int_equal(group->edge.internal, 1);
	assert_int_equal(graph_references(&answer), 1);
	invented_answer_deinit(&answer);
	/* Of objects that refer to nothing else: they are many, and met by the batch. */
	answer = graph_referrers_of(graph, heap->int_type);
	group = graph_expect(&answer, heap->int_type, PYI_EDGE_TYPE, 0, MANY, MANY);
	graph_expect_owner(group, PYI_HOLDER_NONE, 0, PYI_EDGE_NONE, 0);
	assert_int_equal(graph_references(&answer), MANY);
	invented_answer_deinit(&answer);
	/* Types as such: each object refers to its own. */
	answer = graph_referrers_of_type(graph, heap->type_type);
	graph_expect(&answer, heap->int_type, PYI_EDGE_TYPE, 0, MANY, MANY);
	graph_expect(&answer, heap->list_type, PYI_EDGE_TYPE, 0, 1, 1);
	graph_expect(&answer, heap->dict_type, PYI_EDGE_TYPE, 0, 1, 1);
	graph_expect(&answer, heap->str_type, PYI_EDGE_TYPE, 0, 1, 1);
	invented_answer_deinit(&answer);
}

/* Keys that tp_traverse leaves out, and those it does not. */
static void test_keys(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	bool always = heap->layout.keys_log2_size == PYI_ABSENT;
	uint64_t names[3];
	uint64_t leaf = graph_leaf(graph);
	uint64_t leaves[3] = { leaf, leaf, leaf };
	const struct pyi_record_group *group;
	struct invented_answer answer;

	for (int i = 0; i < 3; i++)
		names[i] = graph_name(graph, "k");
	invented_track(heap, invented_dict(heap, names, leaves, 3, false), 0);
	answer = graph_referrers_of_type(graph, heap->str_type);
	graph_expect_sound(&answer);
	group = graph_expect(&answer, heap->dict_type, PYI_EDGE_KEY, 0, 1, 3);
	assert_int_equal(group->edge.internal, 1);
	invented_answer_deinit(&answer);
	if (always)
		return;
	graph_resize(graph, GRAPH_HEAP_BYTES);
	leaf = graph_leaf(graph);
	for (int i = 0; i < 3; i++) {
		names[i] = graph_name(graph, "k");
		leaves[i] = leaf;
	}
	invented_track(heap, invented_dict(heap, names, leaves, 3, true), 0);
	answer = graph_referrers_of_type(graph, heap->str_type);
	graph_expect_sound(&answer);
	group = graph_expect(&answer, heap->dict_type, PYI_EDGE_KEY, 0, 1, 3);
	assert_int_equal(group->edge.internal, 0);
	invented_answer_deinit(&answer);
}

static struct invented_heap *values_heap;

static int traverse_values(void *object, int (*visit)(void *object, void *argument), void *argument)
{
	const struct pyi_layout *layout = &values_heap->layout;
	uint64_t addr = (uintptr_t)object;
	uint64_t values = layout->features & PYI_FEATURE_INLINE_VALUES
				  ? addr + 40 + layout->values_items
				  : invented_get(addr + layout->object_size) + layout->values_items;

	visit((void *)(uintptr_t)invented_get(values), argument);
	return visit((void *)(uintptr_t)invented_get(values + 8), argument);
}

/* Attributes that are kept without a dict: three ways of three versions. */
static void test_values(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t names[] = { graph_name(graph, "x"), graph_name(graph, "y") };
	uint64_t leaf = graph_leaf(graph);
	uint64_t type = graph->app_class;
	uint64_t values = invented_raw(heap, 64);
	struct invented_answer answer;
	uint64_t object;

	values_heap = heap;
	invented_set(type + layout->type_flags, INVENTED_FLAG_GC | INVENTED_FLAG_HEAP_TYPE |
							FLAG_MANAGED_DICT | FLAG_INLINE_VALUES);
	invented_set(type + layout->type_traverse, (uintptr_t)traverse_values);
	invented_set(type + layout->heap_type_cached_keys,
		     invented_keys(heap, names, NULL, 2, false));
	invented_raw(heap, PREHEADER_BYTES);
	object = invented_object(heap, type, 40);
	/* Behind the object, or anywhere. */
	if (layout->features & PYI_FEATURE_INLINE_VALUES) {
		values = invented_raw(heap, 32);
		assert_int_equal(values, object + 48);
		values = object + 40;
		((uint8_t *)(uintptr_t)values)[layout->values_valid] = 1;
	} else if (layout->features & PYI_FEATURE_MANAGED_DICT_AND_VALUES) {
		invented_set(object - VALUES_WORD * 8, values);
	} else {
		invented_set(object - DICT_WORD * 8, values - 1);
	}
	invented_set(object + layout->object_size, values);
	invented_set(values + layout->values_items, leaf);
	invented_set(values + layout->values_items + 8, leaf);
	invented_track(heap, object, 0);
	answer = graph_referrers_of_type(graph, heap->node_type);
	graph_expect_sound(&answer);
	graph_expect(&answer, type, PYI_EDGE_ATTRIBUTE, names[0], 1, 1);
	graph_expect(&answer, type, PYI_EDGE_ATTRIBUTE, names[1], 1, 1);
	assert_int_equal(graph_references(&answer), 2);
	invented_answer_deinit(&answer);
}

/* Goes on with all groups but of roots, and with numbers that there are not. */
static size_t choose_all(void *argument, const struct invented_answer *answer,
			 uint64_t *ret_numbers, size_t limit)
{
	size_t count = 0;

	(void)argument;
	if (answer->levels + 1 == LEVELS)
		return 0;
	ret_numbers[count++] = UINT64_MAX;
	for (size_t r = 0; r < answer->record_count && count < limit; r++)
		if (answer->records[r].kind == PYI_RECORD_GROUP &&
		    answer->records[r].level == answer->levels)
			ret_numbers[count++] = answer->records[r].group.number;
	return count;
}

static void expect_level(const struct invented_answer *answer, unsigned level, uint64_t type,
			 uint64_t objects, uint64_t references, uint64_t example)
{
	for (size_t r = 0; r < answer->record_count; r++) {
		const struct invented_record *record = &answer->records[r];

		if (record->kind != PYI_RECORD_GROUP || record->level != level)
			continue;
		assert_int_equal(record->group.type_addr, type);
		assert_int_equal(record->group.objects, objects);
		assert_int_equal(record->group.references, references);
		assert_int_equal(record->group.example_addr, example);
		return;
	}
	fail_msg("there is no group of level %u", level);
}

static void test_levels(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t pair[] = { leaf, leaf };
	uint64_t list = invented_list(heap, pair, 2);
	uint64_t lists[] = { list, list };
	uint64_t tuple = invented_tuple(heap, lists, 1);
	uint64_t slots = graph_with_slots(graph, tuple, 0);
	struct invented_job job = {
		.job = PYI_JOB_REFERRERS,
		.meant_object = leaf,
		.level = choose_all,
	};
	struct invented_answer answer;

	invented_track(heap, list, 0);
	answer = graph_ask(graph, job);
	graph_expect_sound(&answer);
	assert_int_equal(answer.levels, LEVELS);
	/* Two groups of one list: each of its items. */
	expect_level(&answer, 0, heap->list_type, 1, 1, list);
	expect_level(&answer, 1, heap->tuple_type, 1, 1, tuple);
	expect_level(&answer, 2, graph->slots_class, 1, 1, slots);
	/* Instances are counted once, however often they are walked by. */
	assert_int_equal(count_of(&answer, heap->node_type), 1);
	assert_int_equal(answer.result.summary.objects, 1);
	invented_answer_deinit(&answer);

	/* What is wrong counts once, too. */
	invented_track(heap, invented_node(heap, 8), 0);
	answer = graph_ask(graph, job);
	assert_int_equal(answer.levels, LEVELS);
	assert_int_equal(answer.result.summary.skipped_objects, 1);
	assert_int_equal(answer.result.summary.trouble, PYI_TROUBLE_OBJECT);
	invented_answer_deinit(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_IN_ALL(test_edges_and_owners),
		GRAPH_IN_ALL(test_without_owner),
		GRAPH_IN_ALL(test_items),
		GRAPH_IN_ALL(test_same_object_again),
		GRAPH_IN_ALL(test_many_objects),
		GRAPH_IN(test_many_attributes, 0x030b, "3.11"),
		GRAPH_IN_ALL(test_dict_before_instance),
		GRAPH_IN_ALL(test_dict_behind_many_references),
		GRAPH_IN_ALL(test_types),
		GRAPH_IN_ALL(test_keys),
		GRAPH_IN(test_values, 0x030b, "3.11"),
		GRAPH_IN(test_values, 0x030c, "3.12"),
		GRAPH_IN(test_values, 0x030d, "3.13"),
		GRAPH_IN_ALL(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
