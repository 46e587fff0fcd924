/*
 * Tests of graphs: made of a stream in any order, reversed, in a file and in memory; what a broken
 * stream does to them, and how much room they take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/builder.h"
#include "graph_model.h"

enum {
	ROUNDS = 2000,
};

#define LIMIT (UINT64_C(1) << 32)

static struct pyi_graph_space make_space(bool file)
{
	struct pyi_graph_space space;
	int fd = file ? memfd_create("graph", MFD_CLOEXEC) : -1;

	assert_true(!file || fd >= 0);
	pyi_graph_space_init(&space, fd, LIMIT);
	return space;
}

static void drop_space(struct pyi_graph_space *space)
{
	/* Nothing of a graph is left. */
	assert_int_equal(space->held_bytes, 0);
	if (space->fd >= 0)
		close(space->fd);
}

static void expect_code(struct pyi_error *error, const char *code)
{
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	pyi_error_destroy(error);
}

static int compare_numbers(const void *left, const void *right)
{
	return (*(const uint32_t *)left > *(const uint32_t *)right) -
	       (*(const uint32_t *)left < *(const uint32_t *)right);
}

static void assert_reversed(const struct model *model, const struct pyi_graph *graph)
{
	uint32_t *expected = calloc(model->edge_count + 1, sizeof(*expected));

	assert_non_null(expected);
	for (uint32_t n = 0; n < model->node_count; n++) {
		struct pyi_graph_nodes referrers = pyi_graph_referrers(graph, n);
		size_t count = 0;

		for (size_t e = 0; e < model->edge_count; e++)
			if (model->edges[e].target == n)
				expected[count++] = model->edges[e].source;
		qsort(expected, count, sizeof(*expected), compare_numbers);
		assert_int_equal(referrers.count, count);
		for (size_t r = 0; r < count; r++)
			assert_int_equal(referrers.items[r], expected[r]);
	}
	free(expected);
}

static void any_order(void **test)
{
	uint64_t state = 1;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct pyi_graph_space space = make_space(round % 2);
		struct model model = model_random_create(&state, round % 10 ? 60 : 400);
		struct pyi_graph graph = model_build(&model, &state, &space);

		model_assert_equal(&model, &graph);
		assert_int_equal(graph.lost_edges, 0);
		assert_int_equal(graph.duplicate_nodes, 0);
		assert_null(pyi_graph_reverse(&graph));
		assert_reversed(&model, &graph);
		pyi_graph_deinit(&graph);
		drop_space(&space);
		model_destroy(&model);
	}
}

/* What they refer to is not kept by them; all else is as it was. */
static void weak_objects(void **test)
{
	uint64_t state = 3;

	(void)test;
	for (int round = 0; round < ROUNDS / 10; round++) {
		struct pyi_graph_space space = make_space(round % 2);
		struct model model = model_random_create(&state, 60);
		const uint32_t weak[] = { (uint32_t)model_random(&state, model.node_count),
					  (uint32_t)model_random(&state, model.node_count) };
		struct pyi_graph graph;
		size_t kept = 0;

		model.weak = weak;
		model.weak_count = 2;
		graph = model_build(&model, &state, &space);
		for (size_t e = 0; e < model.edge_count; e++)
			if (model.edges[e].source != weak[0] && model.edges[e].source != weak[1])
				model.edges[kept++] = model.edges[e];
		model.edge_count = kept;
		model_assert_equal(&model, &graph);
		assert_int_equal(graph.lost_edges, 0);
		pyi_graph_deinit(&graph);
		drop_space(&space);
		model_destroy(&model);
	}
}

/* More than one chunk of the builder; a list of more than one entry. */
static void many_references(void **test)
{
	enum { ITEMS = 400000 };
	struct pyi_graph_space space = make_space(true);
	struct model model = model_create(ITEMS + 1);
	uint64_t state = 7;
	struct pyi_graph graph;

	(void)test;
	for (uint32_t n = 1; n <= ITEMS; n++)
		model_connect(&model, 0, n, n % 7 ? 0 : n & 1023);
	graph = model_build(&model, &state, &space);
	model_assert_equal(&model, &graph);
	pyi_graph_deinit(&graph);
	drop_space(&space);
	model_destroy(&model);
}

static struct pyi_graph build_words(struct pyi_graph_space *space, const uint64_t *words,
				    size_t count)
{
	struct pyi_graph_builder *builder;
	struct pyi_graph graph;

	assert_null(pyi_graph_builder_create(space, &builder));
	assert_null(pyi_graph_builder_add_type(builder, 0, 0x1000, 0, "t"));
	assert_null(pyi_graph_builder_feed(builder, words, count));
	assert_null(pyi_graph_builder_finish(builder, &graph));
	pyi_graph_builder_destroy(builder);
	return graph;
}

/* What does not fit together is left out and counted. */
static void contradictions(void **test)
{
	struct pyi_graph_space space = make_space(false);
	const uint64_t words[] = {
		/* An object, twice; and references of nobody, and to nobody. */
		UINT64_C(0x2000) << 16,
		UINT64_C(40) << PYI_NODE_SIZE_SHIFT,
		UINT64_C(0x2000) << 16,
		UINT64_C(50) << PYI_NODE_SIZE_SHIFT,
		UINT64_C(0x3000) << 16 | PYI_ENTRY_EDGES | 1 << PYI_EDGES_COUNT_SHIFT,
		UINT64_C(0x2000) << 16,
		UINT64_C(0x2000) << 16 | PYI_ENTRY_EDGES | 3 << PYI_EDGES_COUNT_SHIFT,
		UINT64_C(0x4000) << 16,
		/* An empty place is nothing lost. */
		0,
		UINT64_C(0x2000) << 16,
		/* All that is known of its references is that some are not. */
		UINT64_C(0x2000) << 16 | PYI_ENTRY_EDGES | PYI_EDGES_INCOMPLETE,
	};
	struct pyi_graph graph = build_words(&space, words, sizeof(words) / sizeof(words[0]));

	(void)test;
	assert_int_equal(graph.node_count, 1);
	assert_int_equal(graph.edge_count, 1);
	assert_int_equal(graph.duplicate_nodes, 1);
	assert_int_equal(graph.lost_edges, 2);
	assert_int_equal(graph.incomplete_nodes, 1);
	assert_true(pyi_graph_flags(&graph, 0) & PYI_NODE_INCOMPLETE);
	assert_int_equal(pyi_graph_size(&graph, 0), 40);
	assert_int_equal(pyi_graph_referents(&graph, 0).items[0], 0);
	pyi_graph_deinit(&graph);
	drop_space(&space);
}

static void expect_refused(const uint64_t *words, size_t count)
{
	struct pyi_graph_space space = make_space(false);
	struct pyi_graph_builder *builder;

	assert_null(pyi_graph_builder_create(&space, &builder));
	expect_code(pyi_graph_builder_feed(builder, words, count), "payload-failed");
	pyi_graph_builder_destroy(builder);
	drop_space(&space);
}

static void broken_streams(void **test)
{
	const uint64_t head = UINT64_C(0x2000) << 16;
	const uint64_t many =
		head | PYI_ENTRY_EDGES | (uint64_t)PYI_EDGES_MANY << PYI_EDGES_COUNT_SHIFT;
	const uint64_t cases[][3] = {
		/* Cut off, at each place where it can be. */
		{ head },
		{ many },
		{ head | PYI_ENTRY_EDGES | 3 << PYI_EDGES_COUNT_SHIFT, 1, 1 },
		{ many, UINT64_MAX, 1 },
		{ many, 2, 1 },
		/* No entry, and no address. */
		{ head | 3, 1, 1 },
		{ UINT64_C(4) << 16, 1, 1 },
		{ 0, 1, 1 },
	};
	const size_t counts[] = { 1, 1, 3, 3, 3, 3, 3, 3 };

	(void)test;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
		expect_refused(cases[c], counts[c]);
}

static void unknown_type(void **test)
{
	struct pyi_graph_space space = make_space(false);
	const uint64_t words[] = { UINT64_C(0x2000) << 16, 3 };
	struct pyi_graph_builder *builder;
	struct pyi_graph graph;

	(void)test;
	assert_null(pyi_graph_builder_create(&space, &builder));
	assert_null(pyi_graph_builder_add_type(builder, 2, 0x1000, 0, NULL));
	expect_code(pyi_graph_builder_add_type(builder, 2, 0x1000, 0, NULL), "payload-failed");
	expect_code(pyi_graph_builder_add_type(builder, PYI_GRAPH_TYPE_LIMIT, 1, 0, NULL),
		    "payload-failed");
	assert_null(pyi_graph_builder_feed(builder, words, 2));
	expect_code(pyi_graph_builder_finish(builder, &graph), "payload-failed");
	pyi_graph_builder_destroy(builder);
	drop_space(&space);
}

/* Addresses far apart cost an index each: the limit holds for them, too. */
static void limit_holds(void **test)
{
	struct pyi_graph_space space;
	struct pyi_graph_builder *builder;
	struct pyi_error *error = NULL;
	uint64_t n = 1;

	(void)test;
	pyi_graph_space_init(&space, -1, 8 << 20);
	assert_null(pyi_graph_builder_create(&space, &builder));
	for (; n < 1 << 16 && !error; n++) {
		const uint64_t words[] = { n << (28 + 16), 0 };

		error = pyi_graph_builder_feed(builder, words, 2);
	}
	expect_code(error, "too-large");
	assert_true(space.peak_bytes <= 8 << 20);
	pyi_graph_builder_destroy(builder);
	drop_space(&space);
}

/* As a heap: an object in two is a leaf, the others refer to three. Sent without any arrays. */
static struct pyi_graph build_heap(struct pyi_graph_space *space, uint32_t count)
{
	struct pyi_graph_builder *builder;
	struct pyi_graph graph;
	uint64_t state = 3;

	assert_null(pyi_graph_builder_create(space, &builder));
	assert_null(pyi_graph_builder_add_type(builder, 0, 0x1000, 0, "t"));
	for (uint32_t n = 0; n < count; n++) {
		const uint64_t first = UINT64_C(0x7f0000000000);
		const uint64_t words[] = {
			(first + 64 * (uint64_t)n) << 16,
			UINT64_C(64) << PYI_NODE_SIZE_SHIFT,
			(first + 64 * (uint64_t)n) << 16 | PYI_ENTRY_EDGES |
				3 << PYI_EDGES_COUNT_SHIFT,
			(first + 64 * (n | 1)) << 16,
			(first + 64 * model_random(&state, count)) << 16,
			(first + 64 * model_random(&state, count)) << 16,
		};

		assert_null(pyi_graph_builder_feed(builder, words, n % 2 ? 2 : 6));
	}
	assert_null(pyi_graph_builder_finish(builder, &graph));
	pyi_graph_builder_destroy(builder);
	assert_null(pyi_graph_reverse(&graph));
	return graph;
}

static uint32_t other_node(uint32_t node, uint32_t count)
{
	return (uint32_t)((uint64_t)node * 7919 % count);
}

/* What takes as much room when it is numbered as when it came: one labelled reference each. */
static void packed_references(void **test)
{
	enum { COUNT = 1000003 };
	const uint64_t first = UINT64_C(0x7f0000000000);
	struct pyi_graph_space space = make_space(false);
	struct pyi_graph_builder *builder;
	struct pyi_graph graph;

	(void)test;
	assert_null(pyi_graph_builder_create(&space, &builder));
	assert_null(pyi_graph_builder_add_type(builder, 0, 0x1000, 0, "t"));
	for (uint32_t n = 0; n < COUNT; n++) {
		const uint64_t addr = first + 48 * (uint64_t)n;
		const uint64_t edges[] = {
			addr << PYI_ENTRY_ADDRESS_SHIFT | PYI_ENTRY_EDGES | PYI_EDGES_LABELLED |
				1 << PYI_EDGES_COUNT_SHIFT,
			(first + 48 * (uint64_t)other_node(n, COUNT)) << PYI_ENTRY_ADDRESS_SHIFT |
				n % 100,
		};

		assert_null(pyi_graph_builder_feed(builder, edges, 2));
	}
	for (uint32_t n = 0; n < COUNT; n++) {
		const uint64_t node[] = {
			(first + 48 * (uint64_t)n) << PYI_ENTRY_ADDRESS_SHIFT,
			UINT64_C(48) << PYI_NODE_SIZE_SHIFT,
		};

		assert_null(pyi_graph_builder_feed(builder, node, 2));
	}
	assert_null(pyi_graph_builder_finish(builder, &graph));
	pyi_graph_builder_destroy(builder);
	assert_int_equal(graph.node_count, COUNT);
	assert_int_equal(graph.edge_count, COUNT);
	for (uint32_t n = 0; n < COUNT; n++) {
		assert_int_equal(pyi_graph_address(&graph, n), first + 48 * (uint64_t)n);
		assert_int_equal(pyi_graph_referents(&graph, n).count, 1);
		assert_int_equal(pyi_graph_referents(&graph, n).items[0], other_node(n, COUNT));
		assert_int_equal(pyi_graph_labels(&graph, n)[0], n % 100);
	}
	pyi_graph_deinit(&graph);
	drop_space(&space);
}

static void room(void **test)
{
	enum { COUNT = 1000000 };
	struct pyi_graph_space space = make_space(true);
	struct pyi_graph graph = build_heap(&space, COUNT);

	(void)test;
	assert_true(space.peak_bytes <= 40 * COUNT + 9 * graph.edge_count);
	pyi_graph_deinit(&graph);
	drop_space(&space);
}

/* Memory of its own that a process has, in bytes. */
static unsigned long own_bytes(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!statm || fscanf(statm, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
		_exit(2);
	fclose(statm);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

/* Ends with 0 if a second graph can be made with a quarter of the memory that it takes. */
static void __attribute__((noreturn)) build_with_little(struct pyi_graph_space *space)
{
	enum { COUNT = 2000000 };
	struct pyi_graph graph = build_heap(space, COUNT);
	struct rlimit limit;

	getrlimit(RLIMIT_DATA, &limit);
	limit.rlim_cur = own_bytes() + space->held_bytes / 4;
	if (setrlimit(RLIMIT_DATA, &limit) != 0)
		_exit(3);
	graph = build_heap(space, COUNT);
	_exit(graph.node_count != COUNT);
}

/* It is in the file: of memory of its own a process needs a fraction. */
static void works_from_file(void **test)
{
	struct pyi_graph_space space = make_space(true);
	pid_t child = fork();
	int status;

	(void)test;
	assert_true(child >= 0);
	if (!child)
		build_with_little(&space);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(space.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order),
		cmocka_unit_test(weak_objects),
		cmocka_unit_test(many_references),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(broken_streams),
		cmocka_unit_test(unknown_type),
		cmocka_unit_test(limit_holds),
		cmocka_unit_test(packed_references),
		cmocka_unit_test(room),
		cmocka_unit_test(works_from_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
