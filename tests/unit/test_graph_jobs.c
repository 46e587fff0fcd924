/*
 * Tests of payloads/: what objects refer to, paths, large objects, contents of containers; on
 * heaps that are as they should be.
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
	/* payloads/graph.h: of each list of large objects. */
	LARGE_LIMIT = 1000,
};

static struct invented_answer referents_of_type(const struct graph *graph, uint64_t type_addr,
						const struct pyi_payload_root *root)
{
	return graph_ask(graph, (struct invented_job){
					.job = PYI_JOB_REFERENTS,
					.meant_types = &type_addr,
					.meant_type_count = 1,
					.roots = root,
					.root_count = root ? 1 : 0,
				});
}

static uint64_t size_of(const struct graph *graph, uint64_t object)
{
	struct invented_answer answer = graph_ask(
		graph, (struct invented_job){
			       .job = PYI_JOB_CONTENTS, .starts = &object, .start_count = 1 });
	uint64_t bytes = invented_answer_at(&answer, PYI_RECORD_CONTENTS, 0)->contents.bytes;

	invented_answer_deinit(&answer);
	return bytes;
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
	uint64_t list_bytes = size_of(graph, shared);
	const struct pyi_record_group *group;
	struct invented_answer answer;

	invented_track(heap, shared, 0);
	graph_instance(graph, dict);
	graph_instance(graph, graph_dict_of(graph, names[0], other));
	/* What others refer to is not asked for. */
	graph_with_slots(graph, shared, graph_leaf(graph));
	/* Second, with a dict that is met by itself before: no attribute is lost. */
	for (int with_root = 0; with_root < 2; with_root++) {
		answer = referents_of_type(graph, graph->app_class, with_root ? &root : NULL);
		graph_expect_sound(&answer);
		assert_int_equal(answer.result.summary.objects, 2);
		group = graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, names[0], 2, 2);
		assert_int_equal(group->referent_type_addr, heap->list_type);
		assert_int_equal(group->bytes, 2 * list_bytes);
		/* Each object once: this one was met before. */
		group = graph_expect(&answer, graph->app_class, PYI_EDGE_ATTRIBUTE, names[1], 1, 1);
		assert_int_equal(group->bytes, 0);
		group = graph_expect(&answer, graph->app_class, PYI_EDGE_DICT, 0, 2, 2);
		assert_int_equal(group->referent_type_addr, heap->dict_type);
		graph_expect(&answer, graph->app_class, PYI_EDGE_TYPE, 0, 2, 2);
		group = graph_expect(&answer, graph->app_class, PYI_EDGE_KEY, 0, 2, 3);
		assert_int_equal(group->edge.internal, 1);
		assert_int_equal(graph_references(&answer), 2 + 1 + 2 + 2 + 3);
		invented_answer_deinit(&answer);
	}
}

static const struct pyi_record_large *large_at(const struct invented_answer *answer,
					       enum pyi_large_order order, size_t index)
{
	for (size_t r = 0; r < answer->record_count; r++) {
		const struct pyi_record_large *large = &answer->records[r].large;

		assert_int_equal(answer->records[r].kind, PYI_RECORD_LARGE);
		if (large->order == order && index-- == 0)
			return large;
	}
	return NULL;
}

static struct invented_answer large_objects(const struct graph *graph, uint64_t limit)
{
	/* The host names all types; here one that nothing else would lead to. */
	return graph_ask(graph, (struct invented_job){
					.job = PYI_JOB_LARGE,
					.limit = limit,
					.starts = &graph->heap.str_type,
					.start_count = 1,
				});
}

static void expect_ordered(const struct invented_answer *answer, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct pyi_record_large *bytes = large_at(answer, PYI_LARGE_BY_BYTES, i);
		const struct pyi_record_large *many = large_at(answer, PYI_LARGE_BY_REFERENTS, i);

		assert_non_null(bytes);
		assert_non_null(many);
		if (!i)
			continue;
		assert_true(bytes->bytes <= large_at(answer, PYI_LARGE_BY_BYTES, i - 1)->bytes);
		assert_true(many->referents <=
			    large_at(answer, PYI_LARGE_BY_REFERENTS, i - 1)->referents);
	}
	assert_null(large_at(answer, PYI_LARGE_BY_BYTES, count));
	assert_null(large_at(answer, PYI_LARGE_BY_REFERENTS, count));
}

static void test_large(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t items[900];
	uint64_t lists[3];
	uint64_t name = graph_name(graph, "big");
	uint64_t module;
	uint64_t twin;
	struct invented_answer answer;

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
	answer = large_objects(graph, 3);
	graph_expect_sound(&answer);
	expect_ordered(&answer, 3);
	for (int order = 0; order < 2; order++) {
		assert_int_equal(large_at(&answer, order, 1)->addr, lists[1]);
		assert_int_equal(large_at(&answer, order, 2)->addr, twin);
		assert_int_equal(large_at(&answer, order, 0)->addr, lists[2]);
		assert_int_equal(large_at(&answer, order, 1)->referents, 600);
		assert_int_equal(large_at(&answer, order, 1)->type_addr, heap->list_type);
		assert_int_equal(large_at(&answer, order, 1)->owner.holder, PYI_HOLDER_MODULE);
		assert_int_equal(large_at(&answer, order, 1)->owner.holder_addr, module);
		assert_int_equal(large_at(&answer, order, 1)->owner.edge.detail, name);
		assert_int_equal(large_at(&answer, order, 2)->owner.holder, PYI_HOLDER_NONE);
	}
	invented_answer_deinit(&answer);
	answer = large_objects(graph, 0);
	expect_ordered(&answer, 0);
	assert_true(answer.result.summary.objects > 5);
	invented_answer_deinit(&answer);
}

/* More than there is room for; sums as of a census. */
static void test_large_limit(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	struct invented_answer answer;
	struct invented_run census;
	uint64_t name;

	graph_resize(graph, 1 << 20);
	name = graph_name(graph, "x");
	for (int i = 0; i < LARGE_LIMIT + 100; i++)
		invented_track(heap, invented_tuple(heap, &name, 1), 0);
	graph_instance(graph, graph_dict_of(graph, name, name));
	answer = large_objects(graph, UINT64_MAX);
	graph_expect_sound(&answer);
	expect_ordered(&answer, LARGE_LIMIT);
	invented_census(heap, &(struct invented_request){ .flags = PYI_CENSUS_ALL }, &census);
	assert_int_equal(answer.result.summary.objects, census.result.summary.objects);
	assert_int_equal(answer.result.type_count, census.result.type_count);
	invented_run_deinit(&census);
	invented_answer_deinit(&answer);
}

static void expect_text(const struct invented_answer *answer, size_t index, uint32_t start,
			const char *text)
{
	const struct pyi_record_text *record =
		&invented_answer_at(answer, PYI_RECORD_TEXT, index)->text;

	assert_int_equal(record->start, start);
	if (!text) {
		assert_int_equal(record->length, UINT32_MAX);
		return;
	}
	assert_int_equal(record->length, strlen(text));
	assert_memory_equal(record->text, text, record->length);
}

static size_t texts_of(const struct invented_answer *answer, uint32_t start)
{
	size_t count = 0;

	for (size_t r = 0; r < answer->record_count; r++)
		count += answer->records[r].kind == PYI_RECORD_TEXT &&
			 answer->records[r].text.start == start;
	return count;
}

static void expect_contents(const struct invented_answer *answer, size_t start, uint64_t objects)
{
	const struct pyi_record_contents *contents =
		&invented_answer_at(answer, PYI_RECORD_CONTENTS, start)->contents;

	assert_int_equal(contents->start, start);
	assert_int_equal(contents->objects, objects);
	assert_true(objects ? contents->bytes > 0 : contents->bytes == 0);
}

static void test_contents(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	uint64_t name = graph_name(graph, ":1.7");
	uint64_t again = graph_name(graph, ":1.8");
	uint64_t number = invented_int(heap, 1);
	uint64_t leaf = graph_leaf(graph);
	uint64_t pair[] = { again, number };
	uint64_t inner = invented_list(heap, pair, 2);
	uint64_t items[] = { name, name, inner, leaf };
	uint64_t first = invented_list(heap, items, 4);
	uint64_t second = graph_dict_of(graph, name, inner);
	/* The last one leads to an instance: that is none of its contents. */
	uint64_t instance = graph_instance(graph, graph_dict_of(graph, again, name));
	uint64_t last = invented_tuple(heap, &instance, 1);
	uint64_t starts[] = { first, second, first, 8, name, last };
	struct invented_answer answer = graph_ask(
		graph, (struct invented_job){
			       .job = PYI_JOB_CONTENTS, .starts = starts, .start_count = 6 });

	assert_int_equal(answer.faults, 0);
	/* 8 is no object. */
	assert_int_equal(answer.result.summary.skipped_objects, 1);
	assert_int_equal(invented_answer_count(&answer, PYI_RECORD_CONTENTS), 6);
	/* The lists, two strings, a number. */
	expect_contents(&answer, 0, 5);
	/* The dict: its key and its value are known from before. */
	expect_contents(&answer, 1, 1);
	expect_contents(&answer, 2, 0);
	expect_contents(&answer, 3, 0);
	expect_contents(&answer, 4, 0);
	expect_contents(&answer, 5, 1);
	/* As often as they are referred to. */
	assert_int_equal(texts_of(&answer, 0), 3);
	expect_text(&answer, 0, 0, ":1.7");
	expect_text(&answer, 1, 0, ":1.7");
	expect_text(&answer, 2, 0, ":1.8");
	assert_int_equal(texts_of(&answer, 1), 1);
	expect_text(&answer, 3, 1, ":1.7");
	assert_int_equal(texts_of(&answer, 2), 0);
	assert_int_equal(texts_of(&answer, 5), 0);
	invented_answer_deinit(&answer);
}

static void test_texts(void **state)
{
	struct graph *graph = *state;
	struct invented_heap *heap = &graph->heap;
	char text[PYI_TEXT_BYTES + 2] = { 0 };
	uint64_t texts[PYI_TEXT_BYTES + 3];
	struct invented_answer answer;
	uint64_t list;

	for (size_t length = 0; length <= PYI_TEXT_BYTES + 1; length++) {
		texts[length] = graph_name(graph, text);
		text[length] = (char)('!' + length % 90);
	}
	texts[PYI_TEXT_BYTES + 2] = invented_wide_str(heap, 2, (uint32_t[]){ 0x3b1 }, 1);
	list = invented_list(heap, texts, PYI_TEXT_BYTES + 3);
	answer = graph_ask(graph, (struct invented_job){
					  .job = PYI_JOB_CONTENTS,
					  .starts = &list,
					  .start_count = 1,
					  .records_bytes = 120,
				  });
	graph_expect_sound(&answer);
	assert_int_equal(invented_answer_count(&answer, PYI_RECORD_TEXT), PYI_TEXT_BYTES + 3);
	for (size_t length = 0; length <= PYI_TEXT_BYTES; length++) {
		for (size_t i = 0; i < length; i++)
			text[i] = (char)('!' + i % 90);
		text[length] = '\0';
		expect_text(&answer, length, 0, text);
	}
	expect_text(&answer, PYI_TEXT_BYTES + 1, 0, NULL);
	expect_text(&answer, PYI_TEXT_BYTES + 2, 0, NULL);
	invented_answer_deinit(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GRAPH_IN_ALL(test_referents),	GRAPH_IN_ALL(test_large),
		GRAPH_IN_ALL(test_large_limit), GRAPH_IN_ALL(test_contents),
		GRAPH_IN_ALL(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
