/*
 * Tests of payloads/: the census of heaps that are broken: lists, types, references, dicts, sizes,
 * anything.
 *
 * Whatever the heap, the walk must come to an end, count what is whole, and say that something is
 * wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "walk_fixture.h"

enum {
	/* What an address space can hold: no object is larger. */
	SIZE_LIMIT_LOG2 = 47,
	FUZZ_ROUNDS = 3000,
	FUZZ_CHANGES = 6,
};

static void expect_no_object_twice(const struct invented_run *run)
{
	for (size_t i = 0; i < run->object_count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(run->objects[i].addr != run->objects[j].addr);
}

/* Breaks one link, and puts it back after the walk, which counts `nodes` before it notices. */
static void expect_broken_list(struct fixture *fixture, uint64_t link_addr, uint64_t value,
			       uint64_t nodes, unsigned faults)
{
	static const uint64_t scopes[] = { 0, PYI_CENSUS_ALL };
	uint64_t before = invented_get(link_addr);

	invented_set(link_addr, value);
	for (size_t s = 0; s < 2; s++) {
		struct invented_run run = census(fixture, scopes[s] | PYI_CENSUS_OBJECTS);

		assert_int_equal(run.result.summary.broken_lists, 1);
		assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_LIST);
		assert_int_equal(run.result.summary.skipped_objects, 0);
		assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count, nodes);
		/* The next list is walked all the same. */
		assert_int_equal(invented_run_find(&run, fixture->heap.list_type).count, 1);
		assert_int_equal(run.faults, faults);
		expect_no_object_twice(&run);
		invented_run_deinit(&run);
	}
	invented_set(link_addr, before);
}

static void test_links(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t head = fixture->heap.lists[1].head_addr;
	uint64_t next = fixture->heads[2] + layout->gc_head_next;

	/* prev is wrong */
	expect_broken_list(fixture, fixture->heads[2] + layout->gc_head_prev, fixture->heads[0], 2,
			   0);
	expect_broken_list(fixture, fixture->heads[2] + layout->gc_head_prev, 0, 2, 0);
	expect_broken_list(fixture, fixture->heads[0] + layout->gc_head_prev, fixture->heads[1], 0,
			   0);
	expect_broken_list(fixture, head + layout->gc_head_prev, fixture->heads[1], NODES, 0);
	/* next leads nowhere */
	expect_broken_list(fixture, next, unmapped(fixture), 3, 0);
	expect_broken_list(fixture, next, UINT64_C(0x4141414141414141), 3, 0);
	expect_broken_list(fixture, next, fixture->heads[3] + 4, 3, 0);
	expect_broken_list(fixture, next, fixture->texts[1], 3, 0);
	/* ... to itself, back, to its end too early, too far, or into another list */
	expect_broken_list(fixture, next, fixture->heads[2], 3, 0);
	expect_broken_list(fixture, next, fixture->heads[0], 3, 0);
	expect_broken_list(fixture, next, head, 3, 0);
	expect_broken_list(fixture, next, fixture->heads[4], 3, 0);
	expect_broken_list(fixture, next, fixture->heap.lists[0].head_addr, 3, 0);
	/* the same at the head of the list */
	expect_broken_list(fixture, head + layout->gc_head_next, unmapped(fixture), 0, 0);
	expect_broken_list(fixture, head + layout->gc_head_next, head, 0, 0);
	/* the last word of the heap: it can be read, its prev cannot */
	expect_broken_list(fixture, next, fixture->heap.range.end_addr - 8, 3, 1);
}

/* Nothing at all must not look like the end of a list. */
static void test_links_null(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t next = fixture->heads[2] + layout->gc_head_next;

	expect_broken_list(fixture, next, 0, 3, 0);
	expect_broken_list(fixture, next, 2, 3, 0);
	expect_broken_list(fixture, fixture->heap.lists[1].head_addr + layout->gc_head_next, 0, 0,
			   0);
}

static void test_list_head_unmapped(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_gc_list lists[] = {
		fixture->heap.lists[0],
		{ .head_addr = unmapped(fixture) },
		fixture->heap.lists[1],
		{ .head_addr = 8, .frozen = 1 },
	};
	struct invented_run run;

	invented_census(&fixture->heap,
			&(struct invented_request){ .lists = lists, .list_count = 4 }, &run);
	assert_int_equal(run.status, PYI_PAYLOAD_OK);
	assert_int_equal(run.faults, 2);
	assert_int_equal(run.result.summary.broken_lists, 2);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_LIST);
	assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count, NODES);
	invented_run_deinit(&run);
}

/* An object whose type is none: not counted, all others are. */
static void expect_no_type(struct fixture *fixture, uint64_t object, uint64_t other_nodes,
			   uint64_t other_texts, uint64_t type_addr)
{
	uint64_t field = object + fixture->heap.layout.object_type;
	uint64_t before = invented_get(field);
	struct invented_run run;

	invented_set(field, type_addr);
	run = census(fixture, PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_OBJECT);
	assert_int_equal(run.result.summary.trouble_addr, object);
	assert_int_equal(run.result.summary.skipped_objects, 1);
	assert_int_equal(run.faults, 0);
	assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count, other_nodes);
	assert_int_equal(invented_run_find(&run, fixture->heap.str_type).count, other_texts);
	invented_run_deinit(&run);
	invented_set(field, before);
}

static void test_types(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t garbage[] = {
		0,
		1,
		UINT64_C(0x4141414141414141),
		UINT64_MAX,
		unmapped(fixture),
		fixture->heap.range.start_addr - 8,
		fixture->heap.int_type + 4,
		/* Objects, but no types. */
		fixture->texts[0],
		fixture->nodes[0],
	};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		/* What it refers to cannot be reached, but by itself. */
		expect_no_type(fixture, fixture->nodes[2], NODES - 1, NODES - 1, garbage[i]);
		expect_no_type(fixture, fixture->texts[2], NODES, NODES - 1, garbage[i]);
	}
}

/* A pointer to nothing in an object: the object counts, the pointer is reported. */
static void test_references(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t garbage[] = {
		1,	    fixture->texts[0] + 4, UINT64_C(0x4141414141414141),
		UINT64_MAX, unmapped(fixture),	   fixture->heap.range.start_addr - 8,
	};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct invented_run run;

		invented_node_set(&fixture->heap, fixture->nodes[2], garbage[i]);
		run = census(fixture, PYI_CENSUS_ALL);
		assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_OBJECT);
		assert_int_equal(run.result.summary.trouble_addr, garbage[i]);
		assert_int_equal(run.result.summary.skipped_objects, 1);
		assert_int_equal(run.faults, 0);
		assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count, NODES);
		assert_int_equal(invented_run_find(&run, fixture->heap.str_type).count, NODES - 1);
		invented_run_deinit(&run);
	}
}

/* Sets one word of a dict's (or its keys') for one walk. */
static void expect_trouble(struct fixture *fixture, uint64_t addr, uint64_t value,
			   enum pyi_trouble trouble)
{
	uint64_t before = invented_get(addr);
	struct invented_run run;

	invented_set(addr, value);
	run = census(fixture, PYI_CENSUS_ALL);
	assert_int_equal(run.result.summary.trouble, trouble);
	assert_int_equal(run.result.summary.broken_lists, 0);
	assert_int_equal(invented_run_find(&run, fixture->heap.dict_type).count, 1);
	assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count, NODES);
	assert_int_equal(invented_run_find(&run, fixture->heap.list_type).count, 1);
	invented_run_deinit(&run);
	invented_set(addr, before);
}

static void test_dicts(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t names[3];
	uint64_t dict;
	uint64_t keys;

	for (int i = 0; i < 3; i++)
		names[i] = invented_str(heap, "k");
	dict = invented_dict(heap, names, names, 3, false);
	keys = invented_get(dict + layout->dict_keys);
	invented_track(heap, dict, 0);
	/* As it is, nothing is wrong with it. */
	expect_trouble(fixture, dict + layout->dict_used, 3, PYI_TROUBLE_NONE);
	expect_trouble(fixture, dict + layout->dict_used, 2, PYI_TROUBLE_DICT);
	expect_trouble(fixture, dict + layout->dict_used, 4, PYI_TROUBLE_DICT);
	expect_trouble(fixture, dict + layout->dict_used, UINT64_MAX, PYI_TROUBLE_DICT);
	expect_trouble(fixture, invented_entry_addr(heap, keys, 1, true), 0, PYI_TROUBLE_DICT);
	expect_trouble(fixture, keys + layout->keys_nentries, 2, PYI_TROUBLE_DICT);
	expect_trouble(fixture, keys + layout->keys_nentries, 9, PYI_TROUBLE_DICT);
	expect_trouble(fixture, keys + layout->keys_nentries, 1 << 30, PYI_TROUBLE_DICT);
	expect_trouble(fixture, keys + layout->keys_nentries, UINT64_MAX, PYI_TROUBLE_DICT);
	expect_trouble(fixture, dict + layout->dict_keys, 0, PYI_TROUBLE_DICT);
	expect_trouble(fixture, dict + layout->dict_keys, 12, PYI_TROUBLE_DICT);
	expect_trouble(fixture, dict + layout->dict_keys, unmapped(fixture), PYI_TROUBLE_DICT);
	expect_trouble(fixture, dict + layout->dict_keys, UINT64_MAX, PYI_TROUBLE_DICT);
	expect_trouble(fixture, invented_entry_addr(heap, keys, 1, false), 3, PYI_TROUBLE_OBJECT);

	/* Sizes of the table that cannot be, and one that only might. */
	if (layout->keys_log2_size == PYI_ABSENT) {
		expect_trouble(fixture, keys + layout->keys_size, 2, PYI_TROUBLE_DICT);
		expect_trouble(fixture, keys + layout->keys_size, UINT64_MAX, PYI_TROUBLE_DICT);
		expect_trouble(fixture, keys + layout->keys_size, UINT64_C(1) << 40,
			       PYI_TROUBLE_FAULT);
		return;
	}
	for (unsigned log2_size = 0; log2_size < 256; log2_size++) {
		uint8_t *place = pointer_to(keys + layout->keys_log2_size);
		struct invented_run run;

		*place = (uint8_t)log2_size;
		run = census(fixture, PYI_CENSUS_ALL);
		/* Of 16 or 24 bytes an entry, two thirds of them. */
		assert_int_equal(run.result.summary.trouble, log2_size <= 1 || log2_size > 48
								     ? PYI_TROUBLE_DICT
							     : log2_size > 43 ? PYI_TROUBLE_SIZE
									      : PYI_TROUBLE_NONE);
		assert_int_equal(invented_run_find(&run, heap->dict_type).count, 1);
		assert_true(invented_run_find(&run, heap->dict_type).bytes >> SIZE_LIMIT_LOG2 == 0);
		invented_run_deinit(&run);
		*place = 3;
	}
}

/* One field of an object for one walk: its size must stay one that an address space can hold. */
static void expect_bounded(struct fixture *fixture, uint64_t object, uint64_t addr)
{
	static const uint64_t values[] = {
		UINT64_MAX,
		UINT64_MAX - 100,
		UINT64_C(1) << 63,
		UINT64_C(1) << 62,
		UINT64_C(1) << 60,
		UINT64_C(1) << 48,
		UINT64_C(1) << 46,
		UINT64_C(1) << 40,
		(UINT64_C(1) << 47) - 1,
		UINT64_C(3) << 45,
		0,
	};
	uint64_t before = invented_get(addr);

	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
		struct invented_run run;
		bool seen = false;

		invented_set(addr, values[v]);
		run = census(fixture, PYI_CENSUS_OBJECTS);
		for (size_t i = 0; i < run.object_count; i++) {
			seen |= run.objects[i].addr == object;
			if (run.objects[i].bytes >> SIZE_LIMIT_LOG2)
				fail_msg("an object of 0x%llx bytes for 0x%llx",
					 (unsigned long long)run.objects[i].bytes,
					 (unsigned long long)values[v]);
		}
		assert_true(seen);
		assert_int_equal(run.faults, 0);
		invented_run_deinit(&run);
		/* With references it only has to end. */
		run = census(fixture, PYI_CENSUS_ALL);
		assert_int_equal(invented_run_find(&run, fixture->heap.node_type).count, NODES);
		invented_run_deinit(&run);
	}
	invented_set(addr, before);
}

static void test_sizes(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t text = fixture->texts[0];
	uint64_t tuple = invented_tuple(heap, &text, 1);
	uint64_t list = invented_list(heap, &text, 1);
	uint64_t dict = invented_dict(heap, &text, &text, 1, false);
	uint64_t keys = invented_get(dict + layout->dict_keys);

	invented_track(heap, tuple, 0);
	invented_track(heap, list, 0);
	invented_track(heap, dict, 0);
	expect_bounded(fixture, tuple, tuple + layout->var_size);
	expect_bounded(fixture, list, list + layout->list_allocated);
	expect_bounded(fixture, list, list + layout->var_size);
	expect_bounded(fixture, dict, keys + layout->keys_nentries);
	expect_bounded(fixture, dict, keys + layout->keys_usable);
	if (layout->keys_log2_size == PYI_ABSENT)
		expect_bounded(fixture, dict, keys + layout->keys_size);
	expect_bounded(fixture, tuple, heap->tuple_type + layout->type_itemsize);
	expect_bounded(fixture, tuple, heap->tuple_type + layout->type_basicsize);
	expect_bounded(fixture, list, heap->list_type + layout->type_basicsize);
}

/* Of objects that are not tracked, too: strings and ints, through a root. */
static void test_sizes_untracked(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t number = invented_int(heap, 1);
	uint64_t wide = invented_wide_str(heap, 4, (uint32_t[]){ 0x1f40d }, 1);
	const uint64_t fields[] = {
		fixture->texts[0] + layout->str_length,
		wide + layout->str_length,
		number + (layout->int_tag == PYI_ABSENT ? layout->var_size : layout->int_tag),
	};
	const uint64_t roots[] = { number, wide };

	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		uint64_t before = invented_get(fields[f]);

		for (int shift = 0; shift < 64; shift++) {
			struct invented_run run;

			invented_set(fields[f], UINT64_MAX << shift);
			invented_census(heap,
					&(struct invented_request){
						.flags = PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS,
						.roots = roots,
						.root_count = 2,
					},
					&run);
			assert_int_equal(run.faults, 0);
			for (size_t i = 0; i < run.object_count; i++)
				assert_true(run.objects[i].bytes >> SIZE_LIMIT_LOG2 == 0);
			invented_run_deinit(&run);
		}
		invented_set(fields[f], before);
	}
}

/* With so much memory: one object of a type is counted, with so many bytes, or too many to be. */
static void expect_size(struct fixture *fixture, uint64_t object, const struct pyi_type_rule *rules,
			uint64_t expected)
{
	const struct pyi_layout *layout = &fixture->heap.layout;
	struct invented_run run;
	struct pyi_record_type type;

	invented_census(&fixture->heap,
			&(struct invented_request){
				.flags = PYI_CENSUS_ALL,
				.roots = &object,
				.root_count = 1,
				.mapped_bytes = UINT64_C(1) << 30,
				.rules = rules,
				.rule_count = rules ? 2 : 0,
			},
			&run);
	type = invented_run_find(&run, invented_get(object + layout->object_type));
	assert_int_equal(type.count, 1);
	assert_int_equal(type.bytes, expected);
	assert_int_equal(run.result.summary.trouble,
			 expected ? PYI_TROUBLE_NONE : PYI_TROUBLE_SIZE);
	if (!expected)
		assert_int_equal(run.result.summary.trouble_addr, object);
	invented_run_deinit(&run);
}

/* What says that it is larger than all memory is said to do so, and adds nothing. */
static void test_larger_than_memory(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t items = invented_static_type(
		heap, &(struct invented_type){ .name = "items", .basicsize = 64, .itemsize = 8 });
	uint64_t object = invented_object(heap, items, 64);
	uint64_t count_addr = object + heap->layout.var_size;
	static const uint64_t counts[] = { UINT64_C(1) << 27, UINT64_C(1) << 40, UINT64_C(1) << 46,
					   UINT64_C(1) << 47, UINT64_C(1) << 61, INT64_MAX };

	invented_set(count_addr, 100);
	expect_size(fixture, object, NULL, 64 + 800);
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		invented_set(count_addr, counts[c]);
		expect_size(fixture, object, NULL, 0);
	}
}

/* An array of numpy's kind that claims any number of dimensions, items and bytes of an item. */
static void test_arrays_larger_than_memory(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t array_type = invented_static_type(
		heap, &(struct invented_type){ .name = "ndarray", .basicsize = 80 });
	uint64_t item_type = invented_static_type(
		heap, &(struct invented_type){ .name = "dtype", .basicsize = 96 });
	uint64_t shape = invented_raw(heap, 32);
	uint64_t array = invented_object(heap, array_type, 80);
	uint64_t item = invented_object(heap, item_type, 96);
	const struct pyi_type_rule rules[] = {
		{ .type_addr = array_type,
		  .size_rule = PYI_SIZE_NDARRAY,
		  .fields = { 16, 56 },
		  .condition = PYI_ABSENT,
		  .references = { 56, PYI_ABSENT } },
		{ .type_addr = item_type,
		  .size_rule = PYI_SIZE_ITEM,
		  .unit = 4,
		  .fields = { 32 },
		  .condition = PYI_ABSENT,
		  .references = { PYI_ABSENT } },
	};
	static const uint64_t counts[] = { UINT64_C(1) << 28, UINT64_C(1) << 57, UINT64_C(1) << 61,
					   UINT64_MAX };

	invented_set(array + 24, 2);
	invented_set(array + 32, shape);
	invented_set(array + 56, item);
	invented_set(array + 64, 4);
	invented_set(item + 32, 8);
	invented_set(shape, 3);
	invented_set(shape + 8, 5);
	expect_size(fixture, array, rules, 80 + 32 + 3 * 5 * 8);
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		invented_set(shape, counts[c]);
		expect_size(fixture, array, rules, 0);
	}
	invented_set(shape, 3);
	/* Dimensions that no array has; a shape, and items, that cannot be read. */
	invented_set(array + 24, 0x7fffffff);
	expect_size(fixture, array, rules, 0);
	invented_set(array + 24, 2);
	invented_set(array + 32, unmapped(fixture));
	expect_size(fixture, array, rules, 0);
	invented_set(array + 32, shape);
	invented_set(item + heap->layout.object_type, heap->node_type);
	expect_size(fixture, array, rules, 0);
}

/* tp_base in a circle. */
static void test_bases_in_a_circle(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint32_t base = heap->layout.type_base;
	struct invented_run run;

	invented_set(heap->node_type + base, heap->tuple_type);
	invented_set(heap->tuple_type + base, heap->node_type);
	run = census(fixture, PYI_CENSUS_ALL);
	assert_int_equal(invented_run_find(&run, heap->node_type).count, NODES);
	assert_int_equal(invented_run_find(&run, heap->node_type).object_kind, PYI_KIND_PLAIN);
	invented_run_deinit(&run);
	invented_set(heap->node_type + base, heap->node_type);
	run = census(fixture, PYI_CENSUS_ALL);
	assert_int_equal(invented_run_find(&run, heap->node_type).count, NODES);
	invented_run_deinit(&run);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Anything wrong anywhere in objects and lists, but in types: their functions are code of the
 * target. */
static void test_random(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t first = fixture->texts[0];
	uint64_t link = fixture->texts[1];
	uint8_t *before;
	size_t size;

	for (uint32_t i = 0; i < 50; i++) {
		uint64_t number = invented_int(heap, i);
		uint64_t pair[] = { link, number };

		link = i % 3 == 0   ? invented_tuple(heap, pair, 2)
		       : i % 3 == 1 ? invented_list(heap, pair, 2)
				    : invented_dict(heap, pair, pair, 2, i & 1);
		if (i % 4)
			invented_track(heap, link, (int)i % INVENTED_LISTS);
	}
	size = (size_t)(heap->next_addr - first);
	before = malloc(size);
	memcpy(before, pointer_to(first), size);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct invented_run run;

		for (int c = 0; c < FUZZ_CHANGES; c++) {
			uint64_t addr = first + next_random(&seed) % (size / 8) * 8;
			uint64_t choice = next_random(&seed);
			uint64_t value = next_random(&seed);

			if (choice % 4 == 0)
				value = first + value % (size + 64) / 8 * 8;
			else if (choice % 4 == 1)
				value = invented_get(first + value % (size / 8) * 8);
			else if (choice % 4 == 2)
				value = invented_get(addr) ^ UINT64_C(1) << value % 64;
			invented_set(addr, value);
		}
		run = census(fixture, PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS);
		invented_run_deinit(&run);
		memcpy(pointer_to(first), before, size);
	}
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_links),
		IN_ALL(test_links_null),
		IN(test_list_head_unmapped, 0, "an invented layout"),
		IN_ALL(test_types),
		IN_ALL(test_references),
		IN_ALL(test_dicts),
		IN_ALL(test_sizes),
		IN_ALL(test_sizes_untracked),
		IN_ALL(test_bases_in_a_circle),
		IN_ALL(test_larger_than_memory),
		IN_ALL(test_arrays_larger_than_memory),
		IN(test_random, 0x0307, "3.7"),
		IN(test_random, 0x0308, "3.8"),
		IN(test_random, 0x030d, "3.13"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
