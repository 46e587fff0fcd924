/*
 * Tests of what names references without a process: parts of memory, patterns, and both in files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/file.h"
#include "graph_model.h"
#include "heap/edge_pattern.h"
#include "process/memory_image.h"

enum {
	MEMORY_BYTES = 1 << 16,
	ROUNDS = 2000,
	EDGES = 300,
	PATTERNS = 20,
	/* As in the graph that a file is made of. */
	NODES = 200,
};

#define BASE_ADDR UINT64_C(0x7f0000000fc3)
#define LIMIT (UINT64_C(1) << 32)

struct check {
	const uint8_t *bytes;
	const bool *kept;
	uint64_t end;
	size_t size_bytes;
};

static struct pyi_error *check_range(void *argument, uint64_t addr, const uint8_t *bytes,
				     size_t size_bytes)
{
	struct check *check = argument;

	assert_true(addr >= check->end);
	assert_memory_equal(bytes, check->bytes + (addr - BASE_ADDR), size_bytes);
	check->end = addr + size_bytes;
	check->size_bytes += size_bytes;
	return NULL;
}

/* Against an array with a mark for each byte. */
static void image(void **test)
{
	static uint8_t bytes[MEMORY_BYTES];
	static uint8_t read[MEMORY_BYTES];
	static bool kept[MEMORY_BYTES];
	struct pyi_memory_image *memory = pyi_memory_image_create();
	struct check check = { .bytes = bytes, .kept = kept };
	uint64_t state = 3;
	size_t all = 0;

	(void)test;
	assert_non_null(memory);
	for (size_t i = 0; i < MEMORY_BYTES; i++)
		bytes[i] = (uint8_t)model_random(&state, 256);
	for (int round = 0; round < ROUNDS; round++) {
		size_t at = (size_t)model_random(&state, MEMORY_BYTES);
		size_t size = (size_t)model_random(&state, round % 10 ? 20 : 300);
		bool whole = true;

		if (size > MEMORY_BYTES - at)
			size = MEMORY_BYTES - at;
		for (size_t i = at; i < at + size; i++)
			whole &= kept[i];
		assert_int_equal(pyi_memory_image_read(memory, BASE_ADDR + at, read, size), whole);
		if (whole)
			assert_memory_equal(read, bytes + at, size);
		if (round % 2)
			continue;
		assert_true(pyi_memory_image_add(memory, BASE_ADDR + at, bytes + at, size));
		memset(kept + at, true, size);
	}
	for (size_t i = 0; i < MEMORY_BYTES; i++)
		all += kept[i];
	assert_null(pyi_memory_image_each(memory, check_range, &check));
	assert_int_equal(check.size_bytes, all);
	assert_false(pyi_memory_image_add(memory, UINT64_MAX - 3, bytes, 8));
	assert_false(pyi_memory_image_read(memory, UINT64_MAX - 3, read, 8));
	pyi_memory_image_destroy(memory);
}

static struct pyi_graph star(uint64_t *state, struct pyi_graph_space *space)
{
	struct model model = model_create(NODES);
	struct pyi_graph graph;

	for (uint32_t e = 0; e < EDGES; e++)
		model_connect(&model, 0, 1 + (uint32_t)model_random(state, NODES - 1), 0);
	for (uint32_t node = 1; node < NODES; node++)
		model_connect(&model, node, (node + 1) % NODES, 0);
	pyi_graph_space_init(space, -1, LIMIT);
	graph = model_build(&model, state, space);
	model_destroy(&model);
	assert_null(pyi_kept_names_create(space, graph.node_count, &graph.names));
	return graph;
}

/* Often the same as the one before, or the one before that; often nothing. */
static struct pyi_edge any_edge(const struct pyi_graph *graph, uint64_t *state,
				const struct pyi_edge *before, uint64_t place)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, 0);
	struct pyi_edge edge = { .kind = (uint32_t)model_random(state, 14) };

	if (model_random(state, 3))
		return before[model_random(state, 2)];
	switch (edge.kind) {
	case PYI_EDGE_ITEM:
	case PYI_EDGE_KEY:
		edge.detail = pyi_graph_address(
			graph, referents.items[(place + model_random(state, 2)) % referents.count]);
		break;
	case PYI_EDGE_LOCAL:
		edge.context = pyi_graph_address(graph, (uint32_t)model_random(state, NODES));
		edge.detail = model_random(state, 1000);
		break;
	default:
		edge.detail = model_random(state, 2) ? 0 : model_random(state, UINT64_MAX);
	}
	return edge;
}

static void write_pattern(struct pyi_graph *graph, uint64_t *state, struct pyi_edge *ret_edges,
			  bool *ret_full)
{
	static struct pyi_pattern_writer writer;
	struct pyi_edge before[2] = { { 0 }, { 0 } };
	bool reported = model_random(state, 2);

	pyi_pattern_begin(&writer, graph, 0);
	if (reported)
		pyi_pattern_put_reported(&writer);
	for (uint64_t e = 0; e < EDGES; e++) {
		ret_edges[e] = any_edge(graph, state, before, e);
		pyi_pattern_put(&writer, e, ret_edges[e].kind ? &ret_edges[e] : NULL);
		before[e % 2] = ret_edges[e];
	}
	pyi_pattern_end(&writer);
	*ret_full = writer.full;
	assert_true(pyi_kept_names_add_pattern(graph->names, writer.bytes, writer.size_bytes));
	graph->names->patterns[0] = (uint32_t)graph->names->pattern_count;
	assert_int_equal(pyi_pattern_keys_reported(graph, 0), reported);
}

/* What is read is what was written, of each place. */
static void patterns(void **test)
{
	struct pyi_graph_space space;
	uint64_t state = 5;
	struct pyi_graph graph = star(&state, &space);
	size_t longest = 0;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct pyi_edge edges[EDGES];
		struct pyi_edge edge;
		bool full;

		write_pattern(&graph, &state, edges, &full);
		for (uint64_t e = 0; e < EDGES && !full; e++) {
			bool said = pyi_pattern_edge(&graph, 0, e, &edge);

			assert_int_equal(said, edges[e].kind != 0);
			if (!said)
				continue;
			assert_int_equal(edge.kind, edges[e].kind);
			assert_int_equal(edge.detail, edges[e].detail);
			assert_int_equal(edge.context, edges[e].context);
		}
		assert_false(pyi_pattern_edge(&graph, 0, EDGES, &edge));
		longest = full ? longest : longest + 1;
	}
	assert_true(longest > ROUNDS / 2);
	pyi_graph_deinit(&graph);
}

/* Of many alike, little is said. */
static void repeated(void **test)
{
	static struct pyi_pattern_writer writer;
	struct pyi_graph_space space;
	uint64_t state = 7;
	struct pyi_graph graph = star(&state, &space);
	const struct pyi_graph_nodes referents = pyi_graph_referents(&graph, 0);

	(void)test;
	pyi_pattern_begin(&writer, &graph, 0);
	for (uint64_t e = 0; e + 1 < referents.count; e++) {
		const struct pyi_edge edge = {
			.kind = e % 2 ? PYI_EDGE_KEY : PYI_EDGE_ITEM,
			.detail = pyi_graph_address(&graph, referents.items[e | 1]),
		};

		pyi_pattern_put(&writer, e, &edge);
	}
	pyi_pattern_end(&writer);
	assert_false(writer.full);
	assert_true(writer.size_bytes < 16);
	pyi_graph_deinit(&graph);
}

static void field(void **test)
{
	static struct pyi_pattern_writer writer;
	struct pyi_graph_space space;
	uint64_t state = 9;
	struct pyi_graph graph = star(&state, &space);
	uint64_t place;

	(void)test;
	pyi_pattern_begin(&writer, &graph, 0);
	for (uint64_t e = 0; e < 6; e++) {
		const struct pyi_edge edge = { .kind = PYI_EDGE_FIELD, .detail = 16 + 8 * e };

		pyi_pattern_put(&writer, 2 * e, &edge);
		pyi_pattern_put(&writer, 2 * e + 1, NULL);
	}
	pyi_pattern_end(&writer);
	assert_true(pyi_kept_names_add_pattern(graph.names, writer.bytes, writer.size_bytes));
	graph.names->patterns[0] = 1;
	assert_true(pyi_pattern_field(&graph, 0, 40, &place));
	assert_int_equal(place, 6);
	assert_false(pyi_pattern_field(&graph, 0, 41, &place));
	assert_false(pyi_pattern_field(&graph, 1, 40, &place));
	pyi_graph_deinit(&graph);
}

static void fill_names(struct pyi_graph *graph, uint64_t *state)
{
	struct pyi_edge edges[EDGES];
	uint8_t bytes[600];
	bool full;

	for (int p = 0; p < PATTERNS; p++)
		write_pattern(graph, state, edges, &full);
	for (uint32_t node = 0; node < graph->node_count; node++) {
		graph->names->patterns[node] = (uint32_t)model_random(state, PATTERNS + 1);
		graph->names->lengths[node] = (uint32_t)model_random(state, 1000);
	}
	graph->names->lengths[7] = UINT32_MAX;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (uint64_t i = 0; i < 50; i++)
		assert_true(pyi_memory_image_add(graph->names->image, BASE_ADDR + 700 * i, bytes,
						 (size_t)model_random(state, sizeof(bytes))));
	assert_null(pyi_graph_add_text(&graph->names->values, &graph->names->value_count,
				       &graph->names->value_capacity, 3, "'value'"));
}

static struct pyi_error *read_part(const uint8_t *bytes, size_t size_bytes,
				   struct pyi_graph_space *space, struct pyi_graph *ret_graph)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct pyi_error *error;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size_bytes), size_bytes);
	lseek(fd, 0, SEEK_SET);
	pyi_graph_space_init(space, -1, LIMIT);
	error = pyi_graph_read(fd, space, ret_graph);
	close(fd);
	return error;
}

static void assert_names(const struct pyi_graph *graph, const struct pyi_graph *again)
{
	struct pyi_edge one;
	struct pyi_edge other;
	uint8_t bytes[8];
	uint8_t read[8];

	assert_non_null(again->names);
	for (uint32_t node = 0; node < graph->node_count; node++) {
		assert_int_equal(graph->names->lengths[node], again->names->lengths[node]);
		for (uint64_t e = 0; e < pyi_graph_referents(graph, node).count; e++) {
			bool said = pyi_pattern_edge(graph, node, e, &one);

			assert_int_equal(pyi_pattern_edge(again, node, e, &other), said);
			if (said)
				assert_int_equal(one.detail, other.detail);
		}
	}
	for (uint64_t at = 0; at < 35000; at += 5) {
		bool has = pyi_memory_image_read(graph->names->image, BASE_ADDR + at, bytes, 8);

		assert_int_equal(
			pyi_memory_image_read(again->names->image, BASE_ADDR + at, read, 8), has);
		if (has)
			assert_memory_equal(bytes, read, 8);
	}
	assert_string_equal(pyi_graph_value(again, 3), "'value'");
	assert_null(pyi_graph_value(again, 4));
}

/* Written and read; cut off anywhere it is never taken for whole. */
static void files(void **test)
{
	struct pyi_graph_space space;
	struct pyi_graph_space read_space;
	uint64_t state = 13;
	struct pyi_graph graph = star(&state, &space);
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct pyi_graph again;
	uint8_t *bytes;
	size_t size;

	(void)test;
	fill_names(&graph, &state);
	assert_null(pyi_graph_write(&graph, fd));
	size = (size_t)lseek(fd, 0, SEEK_END);
	bytes = malloc(size);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, size, 0), size);
	close(fd);
	assert_null(read_part(bytes, size, &read_space, &again));
	assert_false(again.truncated);
	assert_names(&graph, &again);
	pyi_graph_deinit(&again);
	for (size_t cut = 0; cut < size; cut += 1 + cut / 40) {
		struct pyi_error *error = read_part(bytes, cut, &read_space, &again);

		if (!error) {
			assert_true(again.truncated);
			pyi_graph_deinit(&again);
		}
		pyi_error_destroy(error);
		assert_int_equal(read_space.held_bytes, 0);
	}
	free(bytes);
	pyi_graph_deinit(&graph);
	assert_int_equal(space.held_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image), cmocka_unit_test(patterns), cmocka_unit_test(repeated),
		cmocka_unit_test(field), cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
