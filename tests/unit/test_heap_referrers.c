/*
 * Tests of src/heap/referrers.c on invented heaps: who refers to what, by what, and whose it is;
 * what objects refer to.
 *
 * Random graphs are in test_heap_owners.c, names of references in test_names.c.
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

enum {
	/* Of a container with more items, an item is not told from another. */
	ITEMS_APART = 16,
	MANY = 300,
	/* A search that begins anew for each of them would not end within the test's time. */
	MANY_ATTRIBUTES = 100000,
	FUZZ_ROUNDS = 200,
	FUZZ_WORDS = 64,
};

/* For tests that ask once. */
struct asking {
	const struct pyi_payload_root *roots;
	size_t root_count;
	const uint64_t *starts;
	size_t start_count;
	/* A type, or one object. */
	uint64_t type;
	uint64_t object;
	bool referents;
	unsigned depth;
	bool tree;
	uint64_t width;
};

static struct pyi_referrers ask(struct asked_graph *asked, const struct asking *asking)
{
	const struct pyi_subject subject = { .type = asking->type ? "wanted" : NULL,
					     .address = asking->object };
	struct pyi_referrers_question question = {
		.subject = &subject,
		.referents = asking->referents,
		.depth = asking->depth ? asking->depth : 1,
		.tree = asking->tree,
		.width = asking->width,
		.is_found = true,
		.found = asked_graph_found(asked, &asking->type, asking->type ? 1 : 0,
					   asking->starts, asking->start_count),
	};
	const struct pyi_graph_question graph_question = pyi_referrers_ask(&question);
	struct pyi_referrers answer;

	assert_null(graph_question.ask(graph_question.argument, &asked->view));
	answer = question.answer;
	question.answer = (struct pyi_referrers){ 0 };
	pyi_referrers_question_deinit(&question);
	return answer;
}

static struct pyi_referrers ask_once(const struct graph *graph, const struct asking *asking)
{
	struct asked_graph asked;
	struct pyi_referrers answer;

	asked_graph_begin(graph, asking->roots, asking->root_count, &asked);
	assert_int_equal(asked.named.made.faults, 0);
	assert_int_equal(asked.session.summary.skipped_objects, 0);
	answer = ask(&asked, asking);
	asked_graph_end(&asked);
	return answer;
}

static struct pyi_referrers referrers_of_type(const struct graph *graph, uint64_t type)
{
	return ask_once(graph, &(struct asking){ .type = type });
}

static struct pyi_referrers referrers_of(const struct graph *graph, uint64_t object)
{
	return ask_once(graph, &(struct asking){ .object = object });
}

/* The one group like this, with what it must count. */
static const struct pyi_referrer_group *expect(const struct pyi_referrers *answer, const char *type,
					       const char *edge, const char *owner,
					       uint64_t objects, uint64_t references)
{
	const struct pyi_referrer_group *found = NULL;

	for (size_t g = 0; g < answer->list.count; g++) {
		const struct pyi_referrer_group *group = &answer->list.groups[g];

		if (strcmp(group->type, type) != 0 || strcmp(group->edge, edge) != 0 ||
		    strcmp(group->owner ? group->owner : "", owner) != 0)
			continue;
		assert_null(found);
		found = group;
	}
	for (size_t g = 0; g < answer->list.count && !found; g++)
		print_message("%s %s in %s\n", answer->list.groups[g].type,
			      answer->list.groups[g].edge,
			      answer->list.groups[g].owner ? answer->list.groups[g].owner : "-");
	if (!found)
		fail_msg("there is no group %s %s in %s", type, edge, owner);
	assert_int_equal(found->objects, objects);
	assert_int_equal(found->references, references);
	return found;
}

static uint64_t references(const struct pyi_referrers *answer)
{
	uint64_t sum = 0;

	for (size_t g = 0; g < answer->list.count; g++)
		sum += answer->list.groups[g].references;
	return sum;
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
	uint64_t class = graph_class(graph, graph_dict_of(graph, senders, outer));
	const struct pyi_referrer_group *group;
	struct pyi_referrers answer;

	graph_module(graph, graph_dict_of(graph, cache, list));
	graph_instance(graph, graph_dict_of(graph, items, instance_pair));
	graph_instance(graph, graph_dict_of(graph, senders, leaf));
	graph_function(graph, code, leaf, closure);
	invented_track(heap, list, 1);
	invented_track(heap, outer, 1);
	assert_true(class);
	answer = referrers_of_type(graph, heap->node_type);
	assert_int_equal(answer.instances, 1);
	/* Of a module's attribute, of a container in a container of a class, of an instance. */
	group = expect(&answer, "list", "[0]", "module ?.cache", 1, 1);
	assert_int_equal(group->example_addr, list);
	group = expect(&answer, "dict", "['items']", "app.Class.senders", 1, 1);
	assert_int_equal(group->example_addr, inner);
	expect(&answer, "tuple", "[1]", "instance app.App.items", 1, 1);
	/* What a function holds is its code's. No variable: these are no cells. */
	expect(&answer, "tuple", "[0]", "function ?.__closure__", 1, 1);
	/* Instances and functions themselves have none: there are many alike. */
	group = expect(&answer, "app.App", ".senders", "", 1, 1);
	assert_false(group->internal);
	expect(&answer, "function", ".__defaults__", "", 1, 1);
	assert_int_equal(references(&answer), 6);
	pyi_referrers_deinit(&answer);

	/* By address, of the containers themselves. */
	answer = referrers_of(graph, list);
	expect(&answer, "module", ".cache", "module ?", 1, 1);
	assert_int_equal(references(&answer), 1);
	assert_int_equal(answer.instances, 1);
	pyi_referrers_deinit(&answer);
	answer = referrers_of(graph, inner);
	expect(&answer, "dict", "['items']", "app.Class.senders", 1, 1);
	pyi_referrers_deinit(&answer);
}

/* A container that nothing with a name leads to; and one that only a root does. */
static void test_without_owner(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t list = invented_list(heap, &leaf, 1);
	uint64_t dict = graph_dict_of(graph, graph_name(graph, "k"), leaf);
	uint64_t code = graph_code(graph);
	const struct pyi_payload_root roots[] = {
		{ dict, { .kind = PYI_EDGE_THREAD, .internal = 1 } },
		{ 0, { .kind = PYI_EDGE_THREAD } },
		{ leaf, { .kind = PYI_EDGE_LOCAL, .internal = 1, .detail = 2, .context = code } },
		{ leaf, { .kind = PYI_EDGE_LOCAL, .internal = 1, .detail = 2, .context = code } },
	};
	const struct pyi_referrer_group *group;
	struct pyi_referrers answer;

	invented_track(heap, list, 0);
	invented_track(heap, dict, 0);
	answer = ask_once(
		graph,
		&(struct asking){ .type = heap->node_type, .roots = roots, .root_count = 4 });
	expect(&answer, "list", "[0]", "", 1, 1);
	expect(&answer, "dict", "['k']", "thread state", 1, 1);
	group = expect(&answer, "", "stack", "frame ?", 2, 2);
	assert_true(group->internal);
	assert_int_equal(group->example_addr, 0);
	pyi_referrers_deinit(&answer);
}

/* References to one object each, from a list and a dict of so many items. */
static void expect_items(struct graph *graph, size_t count)
{
	struct invented_heap *heap = &graph->heap;
	uint64_t leaves[ITEMS_APART + 1];
	uint64_t names[ITEMS_APART + 1];
	struct pyi_referrers answer;
	char text[32];

	graph_resize(graph, GRAPH_HEAP_BYTES);
	for (size_t i = 0; i < count; i++) {
		leaves[i] = graph_leaf(graph);
		snprintf(text, sizeof(text), "k%zu", i);
		names[i] = graph_name(graph, text);
	}
	invented_track(heap, invented_list(heap, leaves, count), 0);
	invented_track(heap, graph_dict(graph, names, leaves, count), 0);
	answer = referrers_of_type(graph, heap->node_type);
	for (size_t i = 0; i < count && count <= ITEMS_APART; i++) {
		snprintf(text, sizeof(text), "[%zu]", i);
		expect(&answer, "list", text, "", 1, 1);
		snprintf(text, sizeof(text), "['k%zu']", i);
		expect(&answer, "dict", text, "", 1, 1);
	}
	if (count > ITEMS_APART) {
		expect(&answer, "list", "[*]", "", 1, count);
		expect(&answer, "dict", "[*]", "", 1, count);
	}
	assert_int_equal(references(&answer), 2 * count);
	pyi_referrers_deinit(&answer);
}

static void test_items(void **state)
{
	expect_items(*state, 1);
	expect_items(*state, ITEMS_APART);
	expect_items(*state, ITEMS_APART + 1);
}

/* Several references of one object to another are told apart, and the object counts once. */
static void test_same_object_again(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t shared = invented_list(heap, &leaf, 1);
	uint64_t items[] = { shared, leaf, shared };
	uint64_t names[] = { graph_name(graph, "x"), graph_name(graph, "y"),
			     graph_name(graph, "z") };
	uint64_t same[] = { shared, shared, shared };
	struct pyi_referrers answer;
	char text[32];

	graph_module(graph, graph_dict_of(graph, names[0], shared));
	invented_track(heap, invented_tuple(heap, items, 3), 0);
	graph_instance(graph, graph_dict(graph, names, same, 3));
	graph_with_slots(graph, shared, shared);
	answer = referrers_of_type(graph, heap->list_type);
	expect(&answer, "tuple", "[0]", "", 1, 1);
	expect(&answer, "tuple", "[2]", "", 1, 1);
	expect(&answer, "app.App", ".x", "", 1, 1);
	expect(&answer, "app.App", ".y", "", 1, 1);
	expect(&answer, "app.App", ".z", "", 1, 1);
	for (uint32_t s = 0; s < GRAPH_SLOTS; s++) {
		snprintf(text, sizeof(text), ".<offset %u>", heap->layout.object_size + s * 8);
		expect(&answer, "app.Slots", text, "", 1, 1);
	}
	assert_int_equal(references(&answer), 2 + 3 + GRAPH_SLOTS + 1);
	pyi_referrers_deinit(&answer);
}

/* The same attribute of many objects is one group: it counts them, and their bytes. */
static void test_many_objects(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const struct pyi_referrer_group *group;
	struct pyi_referrers answer;
	uint64_t names[2];

	graph_resize(graph, 1 << 20);
	names[0] = graph_name(graph, "x");
	names[1] = graph_name(graph, "y");
	for (int i = 0; i < MANY; i++) {
		uint64_t leaf = graph_leaf(graph);
		uint64_t values[] = { leaf, leaf };

		graph_instance(graph, graph_dict(graph, names, values, 2));
	}
	answer = referrers_of_type(graph, heap->node_type);
	group = expect(&answer, "app.App", ".x", "", MANY, MANY);
	assert_int_equal(group->bytes % MANY, 0);
	assert_true(group->bytes / MANY >= 40 && group->bytes / MANY < 100);
	expect(&answer, "app.App", ".y", "", MANY, MANY);
	assert_int_equal(answer.instances, MANY);
	assert_int_equal(answer.class_count, 1);
	assert_string_equal(answer.classes[0].type, "app.Node");
	assert_int_equal(references(&answer), 2 * MANY);
	pyi_referrers_deinit(&answer);
}

/* An instance that keeps as much as others keep in a dict: it must not take quadratic time. */
static void test_many_attributes(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t *values = calloc(MANY_ATTRIBUTES, sizeof(*values));
	uint64_t *names = calloc(MANY_ATTRIBUTES, sizeof(*names));
	struct pyi_referrers answer;
	uint64_t name;

	graph_resize(graph, (size_t)MANY_ATTRIBUTES * 256);
	name = graph_name(graph, "x");
	for (size_t i = 0; i < MANY_ATTRIBUTES; i++) {
		values[i] = invented_list(heap, NULL, 0);
		names[i] = name;
	}
	graph_instance(graph, graph_dict(graph, names, values, MANY_ATTRIBUTES));
	answer = referrers_of_type(graph, heap->list_type);
	expect(&answer, "app.App", ".x", "", 1, MANY_ATTRIBUTES);
	pyi_referrers_deinit(&answer);
	free(values);
	free(names);
}

/* Two instances share a dict: each of its references counts once. */
static void test_shared_dict(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t dict = graph_dict_of(graph, graph_name(graph, "x"), graph_leaf(graph));
	struct pyi_referrers answer;

	invented_track(heap, dict, 0);
	graph_instance(graph, dict);
	graph_instance(graph, dict);
	answer = referrers_of_type(graph, heap->node_type);
	expect(&answer, "app.App", ".x", "", 1, 1);
	assert_int_equal(references(&answer), 1);
	pyi_referrers_deinit(&answer);
	/* The dict as such is referred to by both. */
	answer = referrers_of(graph, dict);
	expect(&answer, "app.App", ".__dict__", "", 2, 2);
	pyi_referrers_deinit(&answer);
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

/* An object with many references does not lose its dict behind them. */
static void test_dict_behind_many_references(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	struct pyi_referrers answer;
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
	answer = referrers_of_type(graph, heap->tuple_type);
	expect(&answer, "app.App", ".x", "", 1, 1);
	assert_int_equal(references(&answer), 1);
	pyi_referrers_deinit(&answer);
	answer = referrers_of(graph, leaf);
	expect(&answer, "tuple", "[0]", "instance app.App.x", 1, 1);
	pyi_referrers_deinit(&answer);
	/* What is in none of its fields. */
	answer = referrers_of_type(graph, heap->list_type);
	expect(&answer, "app.App", "(internal)", "", 1, MANY);
	pyi_referrers_deinit(&answer);
}

/* The class of an object is a reference that counts; a static type is none. */
static void test_types(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const struct pyi_referrer_group *group;
	struct pyi_referrers answer;

	graph_instance(graph, graph_dict_of(graph, graph_name(graph, "x"), 0));
	graph_instance(graph, 0);
	answer = referrers_of(graph, graph->app_class);
	group = expect(&answer, "app.App", ".__class__", "", 2, 2);
	assert_false(group->internal);
	assert_int_equal(references(&answer), 2);
	pyi_referrers_deinit(&answer);
	answer = referrers_of(graph, heap->dict_type);
	assert_int_equal(references(&answer), 0);
	pyi_referrers_deinit(&answer);
}

/* Keys that tp_traverse leaves out, and those it does not. */
static void test_keys(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	const bool told = heap->layout.keys_kind != PYI_ABSENT;

	for (int general = 0; general <= told; general++) {
		const struct pyi_referrer_group *group;
		struct pyi_referrers answer;
		uint64_t leaves[3];
		uint64_t names[3];

		graph_resize(graph, GRAPH_HEAP_BYTES);
		for (int i = 0; i < 3; i++) {
			names[i] = graph_name(graph, "k");
			leaves[i] = graph_leaf(graph);
		}
		invented_track(heap, invented_dict(heap, names, leaves, 3, general), 0);
		answer = referrers_of_type(graph, heap->str_type);
		group = expect(&answer, "dict", "key", "", 1, 3);
		assert_int_equal(group->internal, !general);
		pyi_referrers_deinit(&answer);
	}
}

/* Upwards: the objects of the biggest group are those that are asked about next. */
static void test_levels(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t leaf = graph_leaf(graph);
	uint64_t pair[] = { leaf, leaf };
	uint64_t list = invented_list(heap, pair, 2);
	uint64_t lists[] = { list, list };
	uint64_t tuple = invented_tuple(heap, lists, 1);
	const uint64_t examples[] = { list, tuple, graph_with_slots(graph, tuple, 0) };
	static const char *const types[] = { "list", "tuple", "app.Slots" };
	struct pyi_referrers answer;
	const struct pyi_referrer_list *level = &answer.list;

	invented_track(heap, list, 0);
	answer = ask_once(graph, &(struct asking){ .object = leaf, .depth = 4 });
	for (int l = 0; l < 3; l++) {
		assert_non_null(level);
		/* Two of one list: each of its items. */
		assert_int_equal(level->count, l ? 1 : 2);
		assert_string_equal(level->groups[0].type, types[l]);
		assert_int_equal(level->groups[0].objects, 1);
		assert_int_equal(level->groups[0].references, 1);
		assert_int_equal(level->groups[0].example_addr, examples[l]);
		level = level->groups[0].referrers;
	}
	/* Nothing refers to the last one. */
	assert_true(level && !level->count);
	pyi_referrers_deinit(&answer);
	answer = ask_once(graph, &(struct asking){ .object = leaf, .depth = 2 });
	assert_null(answer.list.groups[0].referrers->groups[0].referrers);
	pyi_referrers_deinit(&answer);
}

static void test_referents(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t names[] = { graph_name(graph, "x"), graph_name(graph, "y") };
	uint64_t shared = invented_list(heap, NULL, 0);
	uint64_t other = invented_list(heap, NULL, 0);
	uint64_t values[] = { shared, shared };
	uint64_t dict = graph_dict(graph, names, values, 2);
	const struct pyi_payload_root root = { dict, { .kind = PYI_EDGE_THREAD } };
	const struct pyi_referrer_group *group;
	struct pyi_referrers answer;

	invented_track(heap, shared, 0);
	graph_instance(graph, dict);
	graph_instance(graph, graph_dict_of(graph, names[0], other));
	/* What others refer to is not asked for. */
	graph_with_slots(graph, shared, graph_leaf(graph));
	/* Second, with a dict that a root leads to: no attribute is lost. */
	for (int with_root = 0; with_root < 2; with_root++) {
		answer = ask_once(graph, &(struct asking){ .type = graph->app_class,
							   .referents = true,
							   .roots = &root,
							   .root_count = with_root });
		assert_int_equal(answer.instances, 2);
		group = expect(&answer, "list", ".x", "", 2, 2);
		/* Each object once, in the group in which it was met first. */
		assert_true(group->bytes && group->bytes % 2 == 0);
		group = expect(&answer, "list", ".y", "", 1, 1);
		assert_int_equal(group->bytes, 0);
		expect(&answer, "dict", ".__dict__", "", 2, 2);
		expect(&answer, "type", ".__class__", "", 2, 2);
		group = expect(&answer, "str", "key", "", 2, 3);
		assert_true(group->internal);
		assert_int_equal(references(&answer), 2 + 1 + 2 + 2 + 3);
		pyi_referrers_deinit(&answer);
	}
}

/* An instance with so many attributes, each a list with one object in it. */
static void many_attributes(struct graph *graph, size_t count)
{
	uint64_t *values = calloc(count, sizeof(*values));
	uint64_t *names = calloc(count, sizeof(*names));
	uint64_t leaf;
	char text[32];

	graph_resize(graph, count * 320);
	leaf = graph_leaf(graph);
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "x%zu", i);
		names[i] = graph_name(graph, text);
		values[i] = invented_list(&graph->heap, &leaf, 1);
	}
	graph_instance(graph, graph_dict(graph, names, values, count));
	free(values);
	free(names);
}

/* More groups than there is room for: the rest is one group, and that is said. */
static void test_too_many_groups(void **state)
{
	enum { COUNT = PYI_REFERENCE_GROUP_LIMIT + 1000 };
	struct graph *graph = *state;
	struct pyi_referrers answer;

	many_attributes(graph, COUNT);
	answer = referrers_of_type(graph, graph->heap.list_type);
	assert_true(answer.truncated);
	assert_int_equal(references(&answer), COUNT);
	expect(&answer, "(other)", "", "", 1, COUNT - PYI_REFERENCE_GROUP_LIMIT + 1);
	pyi_referrers_deinit(&answer);
}

/* Small dicts with keys of their own run out of room before all else does. */
static void test_too_many_items(void **state)
{
	enum { COUNT = PYI_REFERENCE_GROUP_ITEM_LIMIT + 1000 };
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	struct pyi_referrers answer;
	uint64_t leaf;
	char text[32];

	graph_resize(graph, (size_t)COUNT * 320);
	leaf = graph_leaf(graph);
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "k%d", i);
		invented_track(heap, graph_dict_of(graph, graph_name(graph, text), leaf), 0);
	}
	invented_track(heap, invented_list(heap, &leaf, 1), 3);
	answer = referrers_of_type(graph, heap->node_type);
	/* More than 16 items of one type read the same. */
	expect(&answer, "dict", "[*]", "", COUNT, COUNT);
	expect(&answer, "list", "[0]", "", 1, 1);
	assert_false(answer.truncated);
	pyi_referrers_deinit(&answer);
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
	(void)graph_instance(graph, graph_dict_of(graph, graph_name(graph, "attribute"), list));
	(void)graph_with_slots(graph, leaf, list);
	(void)graph_function(graph, graph_code(graph), invented_tuple(heap, items, 2),
			     invented_tuple(heap, items, 2));
	words = (heap->next_addr - heap->range.start_addr) / 8;
	asked_graph_begin(graph, NULL, 0, &asked);
	srand(5);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct pyi_referrers answer =
			ask(&asked,
			    &(struct asking){ .type = round % 2 ? heap->node_type : heap->list_type,
					      .starts = &module,
					      .start_count = 1,
					      .referents = round % 3 == 0,
					      .tree = round % 3 == 1,
					      .width = 4,
					      .depth = 3 });

		pyi_referrers_deinit(&answer);
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
		GRAPH_IN_ALL(test_edges_and_owners),
		GRAPH_IN_ALL(test_without_owner),
		GRAPH_IN_ALL(test_items),
		GRAPH_IN_ALL(test_same_object_again),
		GRAPH_IN_ALL(test_many_objects),
		GRAPH_IN(test_many_attributes, 0x030b, "3.11"),
		GRAPH_IN_ALL(test_shared_dict),
		GRAPH_IN_ALL(test_dict_behind_many_references),
		GRAPH_IN_ALL(test_types),
		GRAPH_IN_ALL(test_keys),
		GRAPH_IN_ALL(test_levels),
		GRAPH_IN_ALL(test_referents),
		GRAPH_IN(test_too_many_groups, 0x030b, "3.11"),
		GRAPH_IN(test_too_many_items, 0x030b, "3.11"),
		GRAPH_IN_ALL(test_fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
