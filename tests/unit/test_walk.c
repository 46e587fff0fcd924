/*
 * Tests of payloads/: the census of heaps that are as they should be, in invented and in real
 * layouts.
 *
 * Broken heaps are in test_walk_broken.c. The figures of real layouts are what sys.getsizeof() of
 * that Python says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invented_census.h"

enum {
	HEAP_BYTES = 1 << 18,
	ALL_TYPES = 8,
	PROGRESS_OBJECTS = 1 << 20,
	/* The largest record: PYI_RECORD_SUMMARY. */
	SMALLEST_RECORDS_BYTES = 80,
};

/* Bytes of: a tuple and a list of one item, dicts, a str of one character, an int, types. */
struct figures {
	uint32_t version;
	uint32_t gc;
	uint32_t tuple;
	uint32_t list;
	uint32_t dict_str;
	uint32_t dict_general;
	uint32_t dict_six;
	uint32_t str;
	uint32_t integer;
	uint32_t static_type;
	/* A class with cached keys of `cached_keys` entries. */
	uint32_t heap_type;
	uint32_t cached_keys;
	uint32_t node;
};

static const struct figures figures[] = {
	{ 0, 32, 72, 96, 208, 248, 376, 50, 36, 160, 360, 5, 64 },
	{ 0x0307, 32, 64, 80, 248, 248, 376, 50, 28, 400, 1064, 5, 56 },
	{ 0x0308, 16, 48, 64, 232, 232, 360, 50, 28, 416, 1064, 5, 40 },
	{ 0x030b, 16, 48, 64, 184, 224, 352, 50, 28, 424, 1688, 30, 40 },
	{ 0x030c, 16, 48, 64, 184, 224, 352, 42, 28, 432, 1704, 30, 40 },
	{ 0x030d, 16, 48, 64, 184, 224, 352, 42, 28, 416, 1712, 30, 40 },
};

struct fixture {
	struct invented_heap heap;
	const struct figures *figures;
};

static void create_heap(struct fixture *fixture, size_t size_bytes)
{
	struct pyi_layout layout;

	invented_heap_destroy(&fixture->heap);
	if (fixture->figures->version)
		layout = *invented_layout_of(fixture->figures->version);
	else
		invented_layout_init(&layout);
	invented_heap_create(&fixture->heap, &layout, size_bytes);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->figures = *state;
	create_heap(fixture, HEAP_BYTES);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	invented_heap_destroy(&fixture->heap);
	free(fixture);
	return 0;
}

struct expected {
	uint64_t type_addr;
	uint64_t count;
	uint64_t bytes;
};

/* Exactly these types, and nothing wrong with the heap. */
static void expect(const struct invented_run *run, const struct expected *expected, size_t count)
{
	uint64_t objects = 0;
	uint64_t bytes = 0;

	assert_int_equal(run->status, PYI_PAYLOAD_OK);
	assert_int_equal(run->faults, 0);
	assert_int_equal(run->result.summary.trouble, PYI_TROUBLE_NONE);
	assert_int_equal(run->result.summary.skipped_objects, 0);
	assert_int_equal(run->result.summary.broken_lists, 0);
	for (size_t i = 0; i < count; i++) {
		struct pyi_record_type found = invented_run_find(run, expected[i].type_addr);

		assert_int_equal(found.count, expected[i].count);
		assert_int_equal(found.bytes, expected[i].bytes);
		objects += expected[i].count;
		bytes += expected[i].bytes;
	}
	assert_int_equal(run->result.type_count, count);
	assert_int_equal(run->result.summary.objects, objects);
	assert_int_equal(run->result.summary.bytes, bytes);
}

/* Bytes of one object, which must have been counted once. */
static uint64_t bytes_of(const struct invented_run *run, uint64_t object)
{
	uint64_t bytes = 0;
	size_t seen = 0;

	for (size_t i = 0; i < run->object_count; i++) {
		if (run->objects[i].addr != object)
			continue;
		bytes = run->objects[i].bytes;
		seen++;
	}
	assert_int_equal(seen, 1);
	return bytes;
}

static size_t times_seen(const struct invented_run *run, uint64_t object)
{
	size_t seen = 0;

	for (size_t i = 0; i < run->object_count; i++)
		seen += run->objects[i].addr == object;
	return seen;
}

static void test_empty(void **state)
{
	struct fixture *fixture = *state;
	struct invented_run run;

	invented_census(&fixture->heap, &(struct invented_request){ 0 }, &run);
	expect(&run, NULL, 0);
	invented_run_deinit(&run);
	invented_census(&fixture->heap, &(struct invented_request){ .flags = PYI_CENSUS_ALL },
			&run);
	expect(&run, NULL, 0);
	invented_run_deinit(&run);
}

static void test_tracked(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct figures *bytes = fixture->figures;
	struct invented_run run;

	for (int i = 0; i < 10; i++) {
		uint64_t text = invented_str(heap, "x");

		invented_track(heap, invented_tuple(heap, &text, 1), i % 3);
		invented_track(heap, invented_list(heap, &text, 1), 2);
		/* Neither of these is tracked. */
		invented_tuple(heap, &text, 1);
		invented_track(heap, invented_node(heap, invented_tuple(heap, &text, 1)), 1);
	}
	invented_census(heap, &(struct invented_request){ 0 }, &run);
	expect(&run,
	       (struct expected[]){
		       { heap->tuple_type, 10, 10 * bytes->tuple },
		       { heap->list_type, 10, 10 * bytes->list },
		       { heap->node_type, 10, 10 * bytes->node },
	       },
	       3);
	invented_run_deinit(&run);
}

static void test_frozen(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct figures *bytes = fixture->figures;
	uint64_t shared = invented_str(heap, "x");
	uint64_t last = invented_str(heap, "y");
	const uint64_t roots[] = { last };
	struct invented_run run;

	invented_track(heap, invented_node(heap, shared), 0);
	for (int i = 0; i < 5; i++)
		invented_track(heap, invented_node(heap, shared), INVENTED_FROZEN);
	/* A type of which all are frozen has no record in the tracked scope. */
	invented_track(heap, invented_list(heap, &shared, 1), INVENTED_FROZEN);
	invented_census(heap, &(struct invented_request){ 0 }, &run);
	expect(&run, (struct expected[]){ { heap->node_type, 1, bytes->node } }, 1);
	assert_int_equal(run.result.summary.frozen_objects, 6);
	assert_int_equal(run.result.summary.frozen_bytes, 5 * bytes->node + bytes->list);
	assert_int_equal(run.result.summary.tracked_objects, 1);
	invented_run_deinit(&run);

	/* Their records would contradict the counts. */
	invented_census(heap, &(struct invented_request){ .flags = PYI_CENSUS_OBJECTS }, &run);
	assert_int_equal(run.object_count, 1);
	invented_run_deinit(&run);

	/* What roots lead to is not frozen, although it comes last. */
	invented_census(heap,
			&(struct invented_request){
				.flags = PYI_CENSUS_ALL,
				.roots = roots,
				.root_count = 1,
			},
			&run);
	expect(&run,
	       (struct expected[]){
		       { heap->node_type, 6, 6 * bytes->node },
		       { heap->str_type, 2, 2 * bytes->str },
		       { heap->list_type, 1, bytes->list },
		       { heap->type_type, 5, 5 * bytes->static_type },
	       },
	       4);
	/* As gc.get_freeze_count(): without the type that only a frozen object led to. */
	assert_int_equal(run.result.summary.frozen_objects, 6);
	assert_int_equal(run.result.summary.frozen_bytes, 5 * bytes->node + bytes->list);
	assert_int_equal(run.result.summary.tracked_objects, 1);
	invented_run_deinit(&run);
}

/* Each once, whoever refers to it; keys and contents of what is not tracked. */
static void test_all(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct figures *bytes = fixture->figures;
	uint64_t key = invented_str(heap, "k");
	uint64_t text = invented_str(heap, "v");
	uint64_t number = invented_int(heap, 1000);
	uint64_t inner = invented_tuple(heap, (uint64_t[]){ text, number }, 2);
	uint64_t outer = invented_tuple(heap, (uint64_t[]){ inner, inner, number }, 3);
	uint64_t dict = invented_dict(heap, &key, &outer, 1, false);
	uint64_t list = invented_list(heap, (uint64_t[]){ dict, dict, outer, number }, 4);
	uint64_t node = invented_node(heap, list);
	uint64_t other = invented_node(heap, node);
	struct invented_run run;

	/* Nothing leads to these. */
	invented_str(heap, "lost");
	invented_tuple(heap, &text, 1);
	invented_track(heap, list, 0);
	invented_track(heap, node, 2);
	invented_track(heap, other, 1);
	invented_census(heap,
			&(struct invented_request){ .flags = PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS },
			&run);
	expect(&run,
	       (struct expected[]){
		       { heap->str_type, 2, 2 * bytes->str },
		       { heap->int_type, 1, bytes->integer },
		       { heap->tuple_type, 2, 2 * bytes->tuple + 3 * 8 },
		       { heap->dict_type, 1, bytes->dict_str },
		       { heap->list_type, 1, bytes->list + 3 * 8 },
		       { heap->node_type, 2, 2 * bytes->node },
		       { heap->type_type, ALL_TYPES, ALL_TYPES * bytes->static_type },
	       },
	       7);
	assert_int_equal(times_seen(&run, key), 1);
	assert_int_equal(times_seen(&run, outer), 1);
	assert_int_equal(times_seen(&run, other), 1);
	invented_run_deinit(&run);

	invented_census(heap, &(struct invented_request){ 0 }, &run);
	expect(&run,
	       (struct expected[]){
		       { heap->list_type, 1, bytes->list + 3 * 8 },
		       { heap->node_type, 2, 2 * bytes->node },
	       },
	       2);
	invented_run_deinit(&run);
}

static void test_sizes(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct figures *bytes = fixture->figures;
	uint64_t text = invented_str(heap, "x");
	uint64_t numbers[6];
	uint64_t objects[8];
	uint64_t shared_keys;
	uint64_t values;
	struct invented_run run;

	for (uint32_t i = 0; i < 6; i++)
		numbers[i] = invented_int(heap, i);
	objects[0] = invented_tuple(heap, NULL, 0);
	objects[1] = invented_tuple(heap, numbers, 6);
	objects[2] = invented_list(heap, numbers, 6);
	objects[3] = invented_dict(heap, &text, numbers, 1, false);
	objects[4] = invented_dict(heap, numbers, numbers, 1, true);
	objects[5] = invented_dict(heap, numbers, numbers, 6, true);
	/* The attributes of an instance: keys shared with others, values of its own. */
	objects[6] = invented_dict(heap, &text, numbers, 1, false);
	shared_keys = invented_get(objects[6] + heap->layout.dict_keys);
	invented_set(shared_keys + heap->layout.keys_refcnt, 2);
	values = invented_raw(heap, 5 * sizeof(uint64_t));
	invented_set(values, numbers[0]);
	invented_set(invented_entry_addr(heap, shared_keys, 0, true), 0);
	invented_set(objects[6] + heap->layout.dict_values, values);
	objects[7] = invented_wide_str(heap, 4, (uint32_t[]){ 0x1f40d, 'x' }, 2);
	invented_track(heap, invented_tuple(heap, objects, 8), 0);
	invented_census(heap,
			&(struct invented_request){ .flags = PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS },
			&run);
	assert_int_equal(run.faults, 0);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_NONE);
	assert_int_equal(bytes_of(&run, text), bytes->str);
	assert_int_equal(bytes_of(&run, numbers[3]), bytes->integer);
	assert_int_equal(bytes_of(&run, objects[0]), bytes->tuple - 8);
	assert_int_equal(bytes_of(&run, objects[1]), bytes->tuple + 5 * 8);
	assert_int_equal(bytes_of(&run, objects[2]), bytes->list + 5 * 8);
	assert_int_equal(bytes_of(&run, objects[3]), bytes->dict_str);
	assert_int_equal(bytes_of(&run, objects[4]), bytes->dict_general);
	assert_int_equal(bytes_of(&run, objects[5]), bytes->dict_six);
	assert_int_equal(bytes_of(&run, objects[6]), 48 + 5 * 8 + bytes->gc);
	assert_int_equal(bytes_of(&run, objects[7]), heap->layout.str_compact_size + 3 * 4);
	assert_int_equal(bytes_of(&run, heap->int_type), bytes->static_type);
	invented_run_deinit(&run);
}

/* What only a class leads to; the rules of a class for its instances. */
static void test_heap_types(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct figures *bytes = fixture->figures;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t name = invented_str(heap, "n");
	uint64_t module = invented_str(heap, "m");
	uint64_t module_key = invented_str(heap, "o");
	uint64_t slots = invented_tuple(heap, &name, 1);
	uint64_t cached[30];
	uint64_t class;
	uint64_t child;
	uint64_t instance;
	uint64_t text = invented_str(heap, "x");
	struct invented_run run;
	struct pyi_record_type found;

	class = invented_heap_type(heap,
				   &(struct invented_type){
					   .name = "n",
					   .base = heap->dict_type,
					   .basicsize = 64,
					   .flags = INVENTED_FLAG_GC | INVENTED_FLAG_DICT,
				   },
				   name);
	child = invented_heap_type(heap,
				   &(struct invented_type){
					   .name = "c",
					   .base = class,
					   .basicsize = 80,
					   .flags = INVENTED_FLAG_GC | INVENTED_FLAG_DICT,
				   },
				   name);
	for (uint32_t i = 0; i < bytes->cached_keys; i++)
		cached[i] = invented_str(heap, "a");
	invented_set(class + layout->heap_type_cached_keys,
		     invented_keys(heap, cached, NULL, bytes->cached_keys, false));
	invented_set(class + layout->type_dict,
		     invented_dict(heap, &module_key, &module, 1, false));
	invented_set(class + layout->heap_type_references[1], slots);
	invented_set(class + layout->type_subclasses, invented_dict(heap, &name, &child, 1, false));
	instance = invented_object(heap, child, 80);
	invented_set(instance + layout->dict_keys, invented_keys(heap, &text, &text, 1, false));
	invented_set(instance + layout->dict_used, 1);
	invented_track(heap, class, 2);
	invented_track(heap, child, 2);
	invented_track(heap, instance, 0);
	invented_census(heap,
			&(struct invented_request){ .flags = PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS },
			&run);
	assert_int_equal(run.faults, 0);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_NONE);
	assert_int_equal(bytes_of(&run, class), bytes->heap_type);
	for (uint32_t i = 0; i < bytes->cached_keys; i++)
		assert_int_equal(times_seen(&run, cached[i]), 1);
	assert_int_equal(times_seen(&run, name), 1);
	assert_int_equal(times_seen(&run, module), 1);
	assert_int_equal(times_seen(&run, module_key), 1);
	assert_int_equal(times_seen(&run, slots), 1);
	assert_int_equal(times_seen(&run, text), 1);
	found = invented_run_find(&run, child);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.object_kind, PYI_KIND_DICT);
	/* 80 instead of the 48 bytes of a dict. */
	assert_int_equal(found.bytes, bytes->dict_str + 32);
	found = invented_run_find(&run, heap->type_type);
	assert_int_equal(found.object_kind, PYI_KIND_TYPE);
	/* Two classes; dict, object, str, tuple, type. */
	assert_int_equal(found.count, 7);
	assert_int_equal(invented_run_find(&run, heap->tuple_type).object_kind, PYI_KIND_PLAIN);
	invented_run_deinit(&run);
}

/* From 3.12 on the tp_subclasses of a static builtin type is a number. */
static void test_static_builtin(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	bool in_interpreter = layout->features & PYI_FEATURE_STATIC_TYPE_STATE;
	bool has_header = layout->features & PYI_FEATURE_PRESIZE_MANAGED_WEAKREF &&
			  !(layout->features & PYI_FEATURE_PRESIZE_BY_TYPE);
	uint64_t text = invented_str(heap, "x");
	uint64_t subclasses = invented_tuple(heap, &text, 1);
	uint64_t metatype;
	uint64_t class;
	struct invented_run run;

	invented_set(heap->node_type + layout->type_flags,
		     INVENTED_FLAG_GC | INVENTED_FLAG_STATIC_BUILTIN);
	invented_set(heap->node_type + layout->type_subclasses, in_interpreter ? 17 : subclasses);
	invented_track(heap, invented_node(heap, 0), 0);
	/* A metatype of an extension that does not say that it derives from type. */
	metatype =
		invented_static_type(heap, &(struct invented_type){
						   .name = "ext.Meta",
						   .basicsize = 1000,
						   .flags = INVENTED_FLAG_GC | INVENTED_FLAG_TYPE,
					   });
	class = invented_static_type(heap, &(struct invented_type){ .name = "ext.Class" });
	invented_set(class + layout->object_type, metatype);
	invented_track(heap, invented_node(heap, class), 0);
	invented_census(heap,
			&(struct invented_request){ .flags = PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS },
			&run);
	assert_int_equal(run.faults, 0);
	assert_int_equal(run.result.summary.skipped_objects, 0);
	assert_int_equal(times_seen(&run, text), in_interpreter ? 0 : 1);
	assert_int_equal(times_seen(&run, class), 1);
	assert_int_equal(invented_run_find(&run, metatype).object_kind, PYI_KIND_TYPE);
	/* Only those whose type is type itself are without what is in front of objects. */
	assert_int_equal(bytes_of(&run, class),
			 fixture->figures->static_type + (has_header ? layout->gc_head_size : 0));
	invented_run_deinit(&run);
}

static void test_roots(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t text = invented_str(heap, "x");
	uint64_t tuple = invented_tuple(heap, &text, 1);
	uint64_t node = invented_node(heap, invented_str(heap, "y"));
	const uint64_t roots[] = { 0, tuple, tuple, 0, node, invented_int(heap, 1), text };
	struct invented_request request = {
		.flags = PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS,
		.roots = roots,
		.root_count = sizeof(roots) / sizeof(roots[0]),
	};
	struct invented_run run;

	invented_track(heap, node, 1);
	invented_census(heap, &request, &run);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_NONE);
	assert_int_equal(invented_run_find(&run, heap->tuple_type).count, 1);
	assert_int_equal(invented_run_find(&run, heap->str_type).count, 2);
	assert_int_equal(invented_run_find(&run, heap->int_type).count, 1);
	assert_int_equal(invented_run_find(&run, heap->node_type).count, 1);
	invented_run_deinit(&run);

	request.flags = 0;
	invented_census(heap, &request, &run);
	expect(&run, (struct expected[]){ { heap->node_type, 1, fixture->figures->node } }, 1);
	invented_run_deinit(&run);
}

/* Referents are looked at in batches: their borders must not show. */
static void test_many_referents(void **state)
{
	static const size_t counts[] = { 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		uint64_t items[2000];
		struct invented_run run;

		create_heap(fixture, HEAP_BYTES);
		for (size_t i = 0; i < counts[c]; i++) {
			items[i] = invented_int(heap, (uint32_t)i);
			/* Each twice, and far apart. */
			items[2 * counts[c] - 1 - i] = items[i];
		}
		invented_track(heap, invented_list(heap, items, 2 * counts[c]), 0);
		invented_census(heap, &(struct invented_request){ .flags = PYI_CENSUS_ALL }, &run);
		assert_int_equal(run.result.summary.skipped_objects, 0);
		assert_int_equal(invented_run_find(&run, heap->int_type).count, counts[c]);
		assert_int_equal(invented_run_find(&run, heap->list_type).count, 1);
		invented_run_deinit(&run);
	}
}

/* A million deep: a walk that recursed would not come back. */
static void test_long_chain(void **state)
{
	enum { DEPTH = 1000000 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	struct invented_run run;
	uint64_t link;

	create_heap(fixture, (size_t)DEPTH * 80 + HEAP_BYTES);
	link = invented_str(heap, "x");
	for (int i = 0; i < DEPTH; i++)
		link = invented_tuple(heap, &link, 1);
	invented_track(heap, invented_node(heap, link), 0);
	invented_census(heap, &(struct invented_request){ .flags = PYI_CENSUS_ALL }, &run);
	expect(&run,
	       (struct expected[]){
		       { heap->tuple_type, DEPTH, (uint64_t)DEPTH * fixture->figures->tuple },
		       { heap->str_type, 1, fixture->figures->str },
		       { heap->node_type, 1, fixture->figures->node },
		       { heap->type_type, 5, 5 * fixture->figures->static_type },
	       },
	       4);
	invented_run_deinit(&run);
}

static void test_progress(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t *items = calloc(PROGRESS_OBJECTS, sizeof(*items));
	struct invented_run run;

	create_heap(fixture, (size_t)PROGRESS_OBJECTS * (64 + 40 + 8) + HEAP_BYTES);
	for (uint32_t i = 0; i < PROGRESS_OBJECTS; i++)
		invented_track(heap, invented_node(heap, 0), i & 1);
	invented_census(heap, &(struct invented_request){ 0 }, &run);
	expect(&run,
	       (struct expected[]){ { heap->node_type, PROGRESS_OBJECTS,
				      (uint64_t)PROGRESS_OBJECTS * fixture->figures->node } },
	       1);
	assert_int_equal(run.progress_messages, 1);
	assert_int_equal(run.last_progress, PROGRESS_OBJECTS);
	invented_run_deinit(&run);

	for (uint32_t i = 0; i < PROGRESS_OBJECTS; i++)
		items[i] = invented_int(heap, i);
	invented_track(heap, invented_list(heap, items, PROGRESS_OBJECTS), 2);
	invented_census(heap, &(struct invented_request){ .flags = PYI_CENSUS_ALL }, &run);
	assert_int_equal(run.progress_messages, 2);
	assert_int_equal(run.last_progress, 2 * PROGRESS_OBJECTS);
	assert_int_equal(invented_run_find(&run, heap->int_type).count, PROGRESS_OBJECTS);
	assert_int_equal(run.result.summary.skipped_objects, 0);
	invented_run_deinit(&run);
	free(items);
}

static int compare_records(const void *left, const void *right)
{
	uint64_t a = ((const struct pyi_record_object *)left)->addr;
	uint64_t b = ((const struct pyi_record_object *)right)->addr;

	return a < b ? -1 : a > b;
}

/* The same objects, whatever the size of the buffer they are sent in. */
static void test_object_records(void **state)
{
	static const size_t sizes[] = { SMALLEST_RECORDS_BYTES, 88, 104, 1000, 1 << 20 };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;

	for (int i = 0; i < 300; i++) {
		uint64_t text = invented_str(heap, "x");

		invented_track(heap, invented_tuple(heap, &text, 1), i % INVENTED_LISTS);
	}
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct invented_run run;
		uint64_t bytes = 0;

		invented_census(heap,
				&(struct invented_request){
					.flags = PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS,
					.records_bytes = sizes[s],
				},
				&run);
		/* 300 tuples, 300 strings, types tuple, str, object, type */
		assert_int_equal(run.object_count, 604);
		if (s == 0)
			assert_true(run.record_messages >= 302);
		if (s == 4)
			assert_int_equal(run.record_messages, 1);
		qsort(run.objects, run.object_count, sizeof(run.objects[0]), compare_records);
		for (size_t i = 0; i < run.object_count; i++) {
			const struct pyi_record_object *object = &run.objects[i];

			assert_true(i == 0 || object->addr != object[-1].addr);
			assert_true(object->type_addr ==
				    invented_get(object->addr + heap->layout.object_type));
			bytes += object->bytes;
		}
		assert_int_equal(bytes, run.result.summary.bytes);
		invented_run_deinit(&run);
	}
}

/* Ranges may touch, or be of no use. */
static void test_ranges(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t middle = heap->range.start_addr + INVENTED_PAGE_BYTES;
	const struct pyi_payload_range ranges[] = {
		{ heap->range.start_addr, middle },
		{ middle, middle },
		{ middle, heap->range.end_addr },
		{ UINT64_C(0x7ffffffff000), UINT64_C(0x800000000000) },
		{ UINT64_C(0xffffffffff600000), UINT64_C(0xffffffffff601000) },
	};
	struct invented_run run;
	uint64_t text = invented_str(heap, "x");

	invented_track(heap, invented_tuple(heap, &text, 1), 0);
	invented_census(heap,
			&(struct invented_request){
				.flags = PYI_CENSUS_ALL,
				.ranges = ranges,
				.range_count = sizeof(ranges) / sizeof(ranges[0]),
			},
			&run);
	assert_int_equal(run.faults, 0);
	assert_int_equal(run.result.summary.trouble, PYI_TROUBLE_NONE);
	assert_int_equal(run.result.summary.objects, 6);
	invented_run_deinit(&run);

	/* None at all: then nothing can be believed. */
	invented_census(heap, &(struct invented_request){ .ranges = ranges + 1, .range_count = 1 },
			&run);
	assert_int_equal(run.status, PYI_PAYLOAD_OK);
	assert_int_equal(run.faults, 0);
	assert_int_equal(run.result.summary.objects, 0);
	assert_int_equal(run.result.summary.broken_lists, INVENTED_LISTS);
	invented_run_deinit(&run);
}

#define IN(test, row, label)                                                                       \
	{                                                                                          \
#test " in " label, test, set_up, tear_down, (void *)(uintptr_t)&figures[row]      \
	}
#define IN_ALL(test)                                                                               \
	IN(test, 0, "an invented layout"), IN(test, 1, "3.7"), IN(test, 2, "3.8"),                 \
		IN(test, 3, "3.11"), IN(test, 4, "3.12"), IN(test, 5, "3.13")

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_empty),
		IN_ALL(test_tracked),
		IN_ALL(test_frozen),
		IN_ALL(test_all),
		IN_ALL(test_sizes),
		IN_ALL(test_heap_types),
		IN_ALL(test_static_builtin),
		IN_ALL(test_roots),
		IN_ALL(test_many_referents),
		IN_ALL(test_object_records),
		IN_ALL(test_ranges),
		IN(test_long_chain, 0, "an invented layout"),
		IN(test_long_chain, 5, "3.13"),
		IN(test_progress, 1, "3.7"),
		IN(test_progress, 3, "3.11"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
