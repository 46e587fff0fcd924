/*
 * Tests of merged ways to objects and of who refers to them: planted structures, chains of any
 * length, and sums against brute force on random graphs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pyinspect/payload.h>

#include "analysis/heap_paths.h"
#include "analysis/reach.h"
#include "analysis/heap_steps.h"
#include "graph/bits.h"
#include "graph_model.h"

enum {
	ROUNDS = 2000,
	ITEMS = 30000,
	/* The model's types are of the kinds that have their numbers. */
	PLAIN = PYI_KIND_PLAIN,
	TYPE = PYI_KIND_TYPE,
	DICT = PYI_KIND_DICT,
	LIST = PYI_KIND_LIST,
	TYPE_COUNT = PYI_KIND_LIST + 1,
};

#define LIMIT (UINT64_C(1) << 32)
#define FIELD(slot) ((uint32_t)(PYI_LABEL_FIELD << PYI_LABEL_KIND_SHIFT | (slot)))

struct fixture {
	struct pyi_graph_space space;
	struct model model;
	struct pyi_graph graph;
	struct pyi_graph_entries entries;
	struct pyi_dominators dominators;
	uint64_t *set;
};

static void rename_type(struct pyi_graph *graph, uint32_t type, const char *name)
{
	free(graph->types[type].name);
	graph->types[type].name = name ? strdup(name) : NULL;
}

static void setup(struct fixture *fixture, uint64_t *state)
{
	pyi_graph_space_init(&fixture->space, -1, LIMIT);
	fixture->graph = model_build(&fixture->model, state, &fixture->space);
	if (fixture->graph.type_count > DICT)
		rename_type(&fixture->graph, DICT, "dict");
	assert_null(pyi_graph_reverse(&fixture->graph));
	assert_null(pyi_graph_entries_find(&fixture->graph, &fixture->entries));
	assert_null(pyi_dominators_find(&fixture->graph, &fixture->entries, &fixture->dominators));
	fixture->set = calloc(fixture->model.node_count / 64 + 1, sizeof(*fixture->set));
	assert_non_null(fixture->set);
}

static void teardown(struct fixture *fixture)
{
	free(fixture->set);
	pyi_dominators_deinit(&fixture->dominators);
	pyi_graph_entries_deinit(&fixture->entries);
	pyi_graph_deinit(&fixture->graph);
	assert_int_equal(fixture->space.held_bytes, 0);
	model_destroy(&fixture->model);
}

static struct pyi_heap_paths ask(struct fixture *fixture, struct pyi_heap_paths_query query)
{
	const uint64_t bits_bytes = pyi_bits_bytes(fixture->graph.node_count);
	struct pyi_heap_paths paths;
	uint64_t *outside;

	query.entries = &fixture->entries;
	query.set = fixture->set;
	assert_null(pyi_reach_without(&fixture->graph, &fixture->entries, fixture->set, &outside));
	query.outside = outside;
	assert_null(pyi_heap_paths_find(&fixture->graph, &query, &paths));
	pyi_graph_space_unmap(&fixture->space, outside, bits_bytes);
	return paths;
}

static struct pyi_heap_paths search(struct fixture *fixture, const uint32_t *owners)
{
	return ask(fixture, (struct pyi_heap_paths_query){ .dominators = &fixture->dominators,
							   .owners = owners });
}

static struct pyi_heap_steps find_paths(struct fixture *fixture)
{
	struct pyi_heap_paths paths = search(fixture, NULL);
	struct pyi_heap_steps steps = paths.steps;

	paths.steps = (struct pyi_heap_steps){ 0 };
	pyi_heap_paths_deinit(&paths);
	return steps;
}

/* CACHE = [object, ...] in a module's dict, that has another entry before. */
static struct model make_cache(void)
{
	struct model model = model_create(6 + 2 * ITEMS);

	model.type_count = TYPE_COUNT;
	model.nodes[1].type = DICT;
	model.nodes[5].type = LIST;
	model_add_root(&model, 0);
	model_connect(&model, 0, 1, FIELD(2));
	for (uint32_t n = 2; n < 6; n++)
		model_connect(&model, 1, n == 2 ? 3 : n == 3 ? 2 : n == 4 ? 5 : 4, 0);
	for (uint32_t i = 0; i < ITEMS; i++) {
		model_connect(&model, 5, 6 + 2 * i, 0);
		model_connect(&model, 6 + 2 * i, 7 + 2 * i, FIELD(3));
		model.nodes[6 + 2 * i].type = TYPE;
	}
	model_count_references(&model);
	return model;
}

static void one_cause_is_one(void **test)
{
	struct fixture fixture = { .model = make_cache() };
	uint64_t state = 1;
	struct pyi_heap_steps steps;

	(void)test;
	setup(&fixture, &state);
	for (uint32_t i = 0; i < ITEMS; i++)
		pyi_bits_set(fixture.set, 6 + 2 * i);
	steps = find_paths(&fixture);
	assert_int_equal(steps.count, 4);
	assert_false(steps.crowded);
	assert_int_equal(steps.items[0].above, PYI_GRAPH_NONE);
	assert_int_equal(steps.items[0].place, PYI_AT_ENTRY);
	assert_int_equal(steps.items[0].detail, 0);
	assert_int_equal(steps.items[1].label, FIELD(2));
	assert_int_equal(steps.items[1].type, DICT);
	/* Which entry of the dict: its key. */
	assert_int_equal(steps.items[2].place, PYI_AT_KEY);
	assert_int_equal(steps.items[2].detail, 4);
	assert_int_equal(steps.items[2].type, LIST);
	assert_int_equal(steps.items[3].above, 2);
	assert_int_equal(steps.items[3].place, PYI_AT_ANY);
	assert_int_equal(steps.items[3].type, TYPE);
	assert_int_equal(steps.items[3].members, ITEMS);
	assert_int_equal(steps.items[3].member_bytes, ITEMS * 64);
	assert_int_equal(steps.items[0].all_members, ITEMS);
	assert_int_equal(steps.items[0].all_bytes, ITEMS * 64);
	pyi_heap_steps_deinit(&steps);
	teardown(&fixture);
}

/* Held by a list, and by a dict of something else: said of the longer way; not of their own. */
static void held_twice(void **test)
{
	enum { COUNT = 100, LIST_NODE = 1, OTHER = 2, SECOND = 3, FIRST = 4 };
	struct fixture fixture = { .model = model_create(FIRST + 2 * COUNT) };
	uint64_t state = 1;
	struct pyi_heap_steps steps;
	uint64_t also = 0;

	(void)test;
	fixture.model.type_count = TYPE_COUNT;
	fixture.model.nodes[LIST_NODE].type = LIST;
	fixture.model.nodes[SECOND].type = LIST;
	model_add_root(&fixture.model, 0);
	model_connect(&fixture.model, 0, LIST_NODE, FIELD(1));
	model_connect(&fixture.model, 0, OTHER, FIELD(2));
	model_connect(&fixture.model, OTHER, SECOND, FIELD(1));
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t member = FIRST + 2 * i;

		fixture.model.nodes[member].type = TYPE;
		model_connect(&fixture.model, LIST_NODE, member, 0);
		model_connect(&fixture.model, SECOND, member, 0);
		/* What it holds refers to it: that does not hold it. */
		model_connect(&fixture.model, member, member + 1, FIELD(1));
		model_connect(&fixture.model, member + 1, member, FIELD(1));
	}
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	for (uint32_t i = 0; i < COUNT; i++)
		pyi_bits_set(fixture.set, FIRST + 2 * i);
	steps = find_paths(&fixture);
	for (size_t s = 0; s < steps.count; s++) {
		also += steps.items[s].also;
		if (!steps.items[s].also)
			continue;
		assert_int_equal(steps.items[s].also, COUNT);
		assert_int_equal(steps.items[s].place, PYI_AT_ANY);
		assert_int_equal(steps.items[s].type, TYPE);
		assert_int_equal(steps.items[s].members, 0);
		assert_int_equal(steps.items[steps.items[s].above].type, LIST);
	}
	assert_int_equal(also, COUNT);
	assert_int_equal(steps.items[0].all_members, COUNT);
	pyi_heap_steps_deinit(&steps);
	teardown(&fixture);
}

/* What is in a __dict__ is as near as the dict, by whatever the dict was met first. */
static void attributes_are_near(void **test)
{
	/* root 0 -> 1, 2; 1 -> 4 (a function's globals); 2 -> 4 (its __dict__) -> 5; 2 -> 3 -> 5 */
	struct fixture fixture = { .model = model_create(6) };
	uint64_t state = 1;
	struct pyi_heap_paths paths;
	uint32_t owners[6];

	(void)test;
	model_add_root(&fixture.model, 0);
	model_connect(&fixture.model, 0, 1, FIELD(1));
	model_connect(&fixture.model, 0, 2, FIELD(2));
	model_connect(&fixture.model, 1, 4, FIELD(1));
	model_connect(&fixture.model, 2, 3, FIELD(1));
	model_connect(&fixture.model, 2, 4, FIELD(2));
	model_connect(&fixture.model, 3, 5, FIELD(1));
	model_connect(&fixture.model, 4, 5, FIELD(1));
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	pyi_bits_set(fixture.set, 5);
	memset(owners, 0xff, sizeof(owners));
	owners[4] = 2;
	paths = search(&fixture, owners);
	assert_int_equal(paths.count, 6);
	assert_int_equal(paths.from[5], 4);
	assert_int_equal(paths.from[4], 2);
	pyi_heap_paths_deinit(&paths);
	paths = search(&fixture, NULL);
	assert_int_equal(paths.from[4], 1);
	pyi_heap_paths_deinit(&paths);
	teardown(&fixture);
}

static void who_refers(void **test)
{
	struct fixture fixture = { .model = make_cache() };
	uint64_t state = 1;
	struct pyi_heap_steps steps;

	(void)test;
	/* The list twice, and a dict by a key. */
	model_connect(&fixture.model, 1, 6, 0);
	model_connect(&fixture.model, 1, 2, 0);
	model_connect(&fixture.model, 5, 6, 0);
	setup(&fixture, &state);
	for (uint32_t i = 0; i < ITEMS; i++)
		pyi_bits_set(fixture.set, 6 + 2 * i);
	assert_null(pyi_heap_referrers_find(&fixture.graph, fixture.set, &steps));
	assert_int_equal(steps.count, 2);
	assert_int_equal(steps.items[0].type, DICT);
	assert_int_equal(steps.items[0].place, PYI_AT_KEY);
	assert_int_equal(steps.items[0].detail, 2);
	assert_int_equal(steps.items[0].references, 1);
	assert_int_equal(steps.items[0].example_referent, 6);
	assert_int_equal(steps.items[1].type, LIST);
	assert_int_equal(steps.items[1].place, PYI_AT_ANY);
	assert_int_equal(steps.items[1].references, ITEMS + 1);
	assert_int_equal(steps.items[1].nodes, 1);
	assert_int_equal(steps.items[1].node_bytes, 32);
	assert_int_equal(steps.items[1].example, 5);
	pyi_heap_steps_deinit(&steps);
	teardown(&fixture);
}

/* Of what is no plain dict, no place says whether a key or a value is there. */
static void dicts_of_other_types(void **test)
{
	enum { COUNT = 2 * PYI_STEPS_APART + 1, FIRST = 1 };
	const char *const names[] = { NULL, "dict", "collections.defaultdict" };

	(void)test;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		struct fixture fixture = { .model = model_create(FIRST + COUNT) };
		bool plain = n < 2;
		uint64_t state = 1;
		struct pyi_heap_steps steps;

		fixture.model.type_count = TYPE_COUNT;
		fixture.model.nodes[0].type = DICT;
		model_add_root(&fixture.model, 0);
		for (uint32_t i = 0; i < COUNT; i++)
			model_connect(&fixture.model, 0, FIRST + i, 0);
		model_count_references(&fixture.model);
		setup(&fixture, &state);
		rename_type(&fixture.graph, DICT, names[n]);
		for (uint32_t i = 0; i < COUNT; i++) {
			uint32_t kind = plain && i % 2 ? PYI_LABEL_KEY : PYI_LABEL_VALUE;

			assert_int_equal(
				pyi_label_kind_of(pyi_heap_step_of(&fixture.graph, 0, i).label),
				kind);
			pyi_bits_set(fixture.set, FIRST + i);
		}
		assert_null(pyi_heap_referrers_find(&fixture.graph, fixture.set, &steps));
		assert_int_equal(steps.count, plain ? 2 : 1);
		pyi_heap_steps_deinit(&steps);
		teardown(&fixture);
	}
}

/* All links of a chain are one step; its bytes count once. */
static void chain(void **test)
{
	const uint32_t count = 10 * ITEMS;
	struct fixture fixture = { .model = model_create(count) };
	uint64_t state = 1;
	struct pyi_heap_steps steps;

	(void)test;
	model_add_root(&fixture.model, 0);
	for (uint32_t n = 1; n < count; n++)
		model_connect(&fixture.model, n - 1, n, FIELD(2));
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	for (uint32_t n = 0; n < count; n++)
		pyi_bits_set(fixture.set, n);
	steps = find_paths(&fixture);
	assert_int_equal(steps.count, 2);
	assert_false(steps.items[0].repeats);
	assert_true(steps.items[1].repeats);
	assert_int_equal(steps.items[1].members, count - 1);
	assert_int_equal(steps.items[0].all_members, count);
	assert_int_equal(steps.items[0].all_bytes, count * UINT64_C(32));
	pyi_heap_steps_deinit(&steps);
	teardown(&fixture);
}

/* No object of a list is like another one: limits hold, and say so. */
static void crowded(void **test)
{
	enum { COUNT = 200000 };
	struct fixture fixture = { .model = model_create(2 * COUNT + 1) };
	uint64_t state = 1;
	struct pyi_heap_steps steps;

	(void)test;
	model_add_root(&fixture.model, 0);
	for (uint32_t i = 1; i <= COUNT; i++) {
		/* Each dict has another key. */
		fixture.model.nodes[2 * i - 1].type = DICT;
		model_connect(&fixture.model, 0, 2 * i - 1, 0);
		model_connect(&fixture.model, 2 * i - 1, 2 * i, 0);
	}
	fixture.model.type_count = TYPE_COUNT;
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	for (uint32_t i = 1; i <= COUNT; i++)
		pyi_bits_set(fixture.set, 2 * i);
	steps = find_paths(&fixture);
	assert_true(steps.crowded);
	assert_true(steps.count <= PYI_STEPS_LIMIT);
	assert_int_equal(steps.items[0].all_members, COUNT);
	pyi_heap_steps_deinit(&steps);
	teardown(&fixture);
}

/* Members that no other member retains. */
static uint64_t outermost_bytes(const struct fixture *fixture)
{
	const uint32_t *above = fixture->dominators.dominators;
	uint64_t bytes = 0;

	for (uint32_t n = 0; n < fixture->model.node_count; n++) {
		uint32_t up = above[n];

		while (up != PYI_GRAPH_NONE && !pyi_bits_has(fixture->set, up))
			up = above[up];
		if (pyi_bits_has(fixture->set, n) && up == PYI_GRAPH_NONE)
			bytes += fixture->dominators.retained_bytes[n];
	}
	return bytes;
}

/* Of what no way leads to that goes through a member: references to members but the nearest. */
static uint64_t seconds(const struct fixture *fixture, const uint32_t *from)
{
	const struct model *model = &fixture->model;
	bool *outside = calloc(model->node_count, sizeof(*outside));
	bool changed = true;
	uint64_t count = 0;

	assert_non_null(outside);
	for (uint64_t e = 0; e < fixture->entries.count; e++)
		outside[fixture->entries.nodes[e]] =
			!pyi_bits_has(fixture->set, fixture->entries.nodes[e]);
	while (changed) {
		changed = false;
		for (size_t e = 0; e < model->edge_count; e++) {
			const struct model_edge *edge = &model->edges[e];

			if (!outside[edge->source] || outside[edge->target] ||
			    pyi_bits_has(fixture->set, edge->target))
				continue;
			outside[edge->target] = changed = true;
		}
	}
	for (size_t e = 0; e < model->edge_count; e++)
		count += outside[model->edges[e].source] &&
			 pyi_bits_has(fixture->set, model->edges[e].target) &&
			 from[model->edges[e].target] != model->edges[e].source;
	free(outside);
	return count;
}

static void sums(void **test)
{
	uint64_t state = 77;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct fixture fixture = { .model = model_random_create(&state, 200) };
		struct pyi_heap_steps steps;
		struct pyi_heap_paths paths;
		uint64_t members = 0;
		uint64_t found = 0;
		uint64_t also = 0;
		uint64_t bytes = 0;
		uint64_t references = 0;
		uint64_t expected = 0;

		setup(&fixture, &state);
		for (uint32_t n = 0; n < fixture.model.node_count; n++)
			if (!model_random(&state, 5))
				members += pyi_bits_set(fixture.set, n);
		paths = search(&fixture, NULL);
		steps = paths.steps;
		for (size_t s = 0; s < steps.count; s++) {
			assert_true(steps.items[s].nodes > 0 || steps.items[s].also > 0);
			also += steps.items[s].also;
			if (steps.items[s].above != PYI_GRAPH_NONE) {
				assert_true(steps.items[s].above < s);
				continue;
			}
			found += steps.items[s].all_members;
			bytes += steps.items[s].all_bytes;
		}
		assert_int_equal(found, members);
		assert_int_equal(bytes, outermost_bytes(&fixture));
		assert_int_equal(also, seconds(&fixture, paths.from));
		pyi_heap_paths_deinit(&paths);
		assert_null(pyi_heap_referrers_find(&fixture.graph, fixture.set, &steps));
		for (size_t s = 0; s < steps.count; s++)
			references += steps.items[s].references;
		for (size_t e = 0; e < fixture.model.edge_count; e++)
			expected += pyi_bits_has(fixture.set, fixture.model.edges[e].target);
		assert_int_equal(references, expected);
		pyi_heap_steps_deinit(&steps);
		teardown(&fixture);
	}
}

static void assert_same_steps(const struct pyi_heap_steps *one, const struct pyi_heap_steps *other)
{
	assert_int_equal(one->count, other->count);
	for (size_t s = 0; s < one->count; s++) {
		assert_int_equal(one->items[s].above, other->items[s].above);
		assert_int_equal(one->items[s].members, other->items[s].members);
		assert_int_equal(one->items[s].member_bytes, other->items[s].member_bytes);
	}
}

/* What the only member retains is known without dominators. */
static void one_member(void **test)
{
	uint64_t state = 11;

	(void)test;
	for (int round = 0; round < 1000; round++) {
		struct fixture fixture = { .model = model_random_create(&state, 30) };
		struct pyi_heap_paths paths;
		struct pyi_heap_paths expected;
		struct pyi_retained freed;

		setup(&fixture, &state);
		pyi_bits_set(fixture.set, (uint32_t)model_random(&state, fixture.model.node_count));
		expected = search(&fixture, NULL);
		assert_null(
			pyi_retained_by_set(&fixture.graph, &fixture.entries, fixture.set, &freed));
		paths = ask(&fixture,
			    (struct pyi_heap_paths_query){ .retained_bytes = freed.bytes });
		assert_same_steps(&paths.steps, &expected.steps);
		pyi_heap_paths_deinit(&paths);
		pyi_heap_paths_deinit(&expected);
		teardown(&fixture);
	}
}

/*
 * A member that a thread has at hand, and that `length` references lead to from what is no
 * thread's: what it is reached by.
 */
static uint32_t reached_by(uint32_t length, enum pyi_edge_kind kind)
{
	const uint32_t member = length + 1;
	struct fixture fixture = { .model = model_create(member + 1) };
	uint64_t state = 1;
	struct pyi_heap_paths paths;
	uint32_t from;

	fixture.model.type_count = TYPE_COUNT;
	model_add_root(&fixture.model, 0);
	model_add_root(&fixture.model, length);
	for (uint32_t n = 0; n + 1 < length; n++)
		model_connect(&fixture.model, n, n + 1, FIELD(1));
	model_connect(&fixture.model, length - 1, member, FIELD(1));
	model_connect(&fixture.model, length, member, FIELD(1));
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	for (size_t r = 0; r < fixture.graph.root_count; r++) {
		fixture.graph.roots[r].kind =
			fixture.graph.roots[r].node == length ? kind : PYI_EDGE_INTERPRETER;
		/* Neither sys.modules nor interned strings. */
		fixture.graph.roots[r].detail = 8 + r;
	}
	pyi_bits_set(fixture.set, member);
	paths = search(&fixture, NULL);
	from = paths.from[member];
	pyi_heap_paths_deinit(&paths);
	teardown(&fixture);
	return from;
}

/* What a thread has is further away than what a module has, by a fixed number of references. */
static void threads_come_later(void **test)
{
	(void)test;
	for (uint32_t length = 2; length < 12; length++) {
		uint32_t near = length - 1;

		assert_int_equal(reached_by(length, PYI_EDGE_LOCAL),
				 length <= PYI_HEAD_START + 1 ? near : length);
		assert_int_equal(reached_by(length, PYI_EDGE_THREAD),
				 length <= PYI_HEAD_START + 1 ? near : length);
		assert_int_equal(reached_by(length, PYI_EDGE_INTERPRETER), length);
	}
}

/* What is further away than the member, and than what refers to it, is not gone through. */
static void ends_early(void **test)
{
	enum { FAR = 1000, SECOND = 20 };
	struct fixture fixture = { .model = model_create(FAR + 1) };
	struct pyi_heap_paths paths;
	uint64_t state = 1;

	(void)test;
	fixture.model.type_count = TYPE_COUNT;
	model_add_root(&fixture.model, 0);
	for (uint32_t n = 0; n + 1 < FAR; n++)
		model_connect(&fixture.model, n, n + 1, FIELD(1));
	model_connect(&fixture.model, 1, FAR, FIELD(2));
	model_connect(&fixture.model, SECOND, FAR, FIELD(2));
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	pyi_bits_set(fixture.set, FAR);
	paths = search(&fixture, NULL);
	assert_int_equal(paths.from[FAR], 1);
	assert_int_equal(paths.steps.items[paths.steps.count - 1].also, 1);
	assert_true(paths.count > SECOND && paths.count < 2 * SECOND);
	assert_int_equal(paths.ranks[PYI_RANK_COUNT], paths.count);
	pyi_heap_paths_deinit(&paths);
	teardown(&fixture);
}

/* The __dict__ that is asked about was met before its object was gone through: still that has it.
 */
static void dict_of_object(void **test)
{
	enum { OBJECT = 1, OF_OBJECT = 2, COUNT = 3 };
	uint32_t owners[COUNT] = { PYI_GRAPH_NONE, PYI_GRAPH_NONE, OBJECT };
	struct fixture fixture = { .model = model_create(COUNT) };
	struct pyi_heap_paths paths;
	uint64_t state = 1;

	(void)test;
	fixture.model.type_count = TYPE_COUNT;
	fixture.model.nodes[OF_OBJECT].type = DICT;
	model_add_root(&fixture.model, 0);
	model_connect(&fixture.model, 0, OBJECT, FIELD(1));
	model_connect(&fixture.model, 0, OF_OBJECT, FIELD(2));
	model_connect(&fixture.model, OBJECT, OF_OBJECT, FIELD(1));
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	pyi_bits_set(fixture.set, OF_OBJECT);
	paths = search(&fixture, owners);
	assert_int_equal(paths.from[OF_OBJECT], OBJECT);
	pyi_heap_paths_deinit(&paths);
	teardown(&fixture);
}

/* A cycle begins at what says most: not at the first of it, nor at a container. */
static void cycles_begin_at_instances(void **test)
{
	enum { CYCLES = 50, EACH = 4 };
	struct fixture fixture = { .model = model_create(CYCLES * EACH) };
	uint64_t state = 1;
	struct pyi_heap_steps steps;

	(void)test;
	fixture.model.type_count = TYPE_COUNT;
	for (uint32_t i = 0; i < CYCLES; i++) {
		const uint32_t first = i * EACH;

		/* A dict, a list, and two instances, of which one is in the middle. */
		fixture.model.nodes[first].type = i % 2 ? DICT : LIST;
		fixture.model.nodes[first + 1].type = i % 2 ? LIST : DICT;
		for (uint32_t other = 0; other < EACH; other++) {
			if (other == 2 + i % 2)
				continue;
			model_connect(&fixture.model, first + 2 + i % 2, first + other, FIELD(1));
			model_connect(&fixture.model, first + other, first + 2 + i % 2, FIELD(2));
		}
	}
	model_count_references(&fixture.model);
	setup(&fixture, &state);
	assert_int_equal(fixture.entries.counts[PYI_START_UNREACHED], CYCLES);
	for (uint32_t i = 0; i < CYCLES; i++)
		pyi_bits_set(fixture.set, fixture.entries.nodes[i]);
	for (uint32_t i = 0; i < CYCLES; i++)
		assert_true(pyi_bits_has(fixture.set, i * EACH + 2 + i % 2));
	steps = find_paths(&fixture);
	for (size_t s = 0; s < steps.count; s++)
		if (steps.items[s].members)
			assert_int_equal(steps.items[s].above, PYI_GRAPH_NONE);
	pyi_heap_steps_deinit(&steps);
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_come_later),
		cmocka_unit_test(ends_early),
		cmocka_unit_test(dict_of_object),
		cmocka_unit_test(cycles_begin_at_instances),
		cmocka_unit_test(one_cause_is_one),
		cmocka_unit_test(held_twice),
		cmocka_unit_test(attributes_are_near),
		cmocka_unit_test(who_refers),
		cmocka_unit_test(dicts_of_other_types),
		cmocka_unit_test(chain),
		cmocka_unit_test(crowded),
		cmocka_unit_test(sums),
		cmocka_unit_test(one_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
