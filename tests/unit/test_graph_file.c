/*
 * Tests of graphs in files: what is written is read; what is cut off or changed at any place is
 * refused or read as far as it goes, and never taken for whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph/builder.h"
#include "graph/file.h"
#include "graph/frame.h"
#include "graph_model.h"

enum {
	ROUNDS = 300,
	/* Nodes that are read or lost together. */
	GROUP = 1 << 14,
};

#define LIMIT (UINT64_C(1) << 32)

struct file {
	uint8_t *bytes;
	size_t size_bytes;
};

static struct file write_graph(const struct pyi_graph *graph)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct file file;

	assert_true(fd >= 0);
	assert_null(pyi_graph_write(graph, fd));
	file.size_bytes = (size_t)lseek(fd, 0, SEEK_END);
	file.bytes = malloc(file.size_bytes);
	assert_non_null(file.bytes);
	assert_int_equal(pread(fd, file.bytes, file.size_bytes, 0), file.size_bytes);
	close(fd);
	return file;
}

static struct pyi_error *read_graph(const struct file *file, size_t size_bytes,
				    struct pyi_graph_space *space, struct pyi_graph *ret_graph)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct pyi_error *error;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file->bytes, size_bytes), size_bytes);
	lseek(fd, 0, SEEK_SET);
	pyi_graph_space_init(space, -1, LIMIT);
	error = pyi_graph_read(fd, space, ret_graph);
	close(fd);
	return error;
}

static void add_facts(struct pyi_graph *graph, size_t count)
{
	for (size_t f = 0; f < count; f++)
		assert_null(pyi_graph_add_fact(graph, (uint32_t)f + 7, UINT64_MAX - f,
					       f ? "a fact" : NULL));
}

static void assert_facts(const struct pyi_graph *graph, size_t count)
{
	assert_int_equal(graph->fact_count, count);
	for (size_t f = 0; f < count; f++) {
		assert_int_equal(graph->facts[f].key, f + 7);
		assert_int_equal(graph->facts[f].number, UINT64_MAX - f);
		if (f)
			assert_string_equal(graph->facts[f].text, "a fact");
		else
			assert_null(graph->facts[f].text);
	}
}

static void round_trip(void **test)
{
	uint64_t state = 11;

	(void)test;
	for (int round = 0; round < ROUNDS; round++) {
		struct pyi_graph_space space;
		struct pyi_graph_space read_space;
		struct model model = model_random_create(&state, round % 50 ? 100 : 40000);
		struct pyi_graph graph;
		struct pyi_graph again;
		struct file file;

		pyi_graph_space_init(&space, -1, LIMIT);
		graph = model_build(&model, &state, &space);
		add_facts(&graph, round % 3);
		for (uint32_t t = 0; t < graph.type_count; t++)
			graph.types[t].estimated = t % 3 == 1;
		file = write_graph(&graph);
		assert_null(read_graph(&file, file.size_bytes, &read_space, &again));
		assert_false(again.truncated);
		model_assert_equal(&model, &again);
		assert_facts(&again, round % 3);
		for (uint32_t t = 0; t < model.type_count; t++) {
			assert_string_equal(again.types[t].name, graph.types[t].name);
			assert_int_equal(again.types[t].addr, graph.types[t].addr);
			assert_int_equal(again.types[t].kind, graph.types[t].kind);
			assert_int_equal(again.types[t].estimated, t % 3 == 1);
		}
		for (size_t r = 0; r < model.root_count; r++) {
			assert_string_equal(again.roots[r].text, "a root");
			assert_int_equal(again.roots[r].detail, r);
		}
		pyi_graph_deinit(&graph);
		pyi_graph_deinit(&again);
		assert_int_equal(read_space.held_bytes, 0);
		free(file.bytes);
		model_destroy(&model);
	}
}

/* Names of all lengths, none, and what stands for none. */
static void texts(void **test)
{
	struct pyi_graph_space space;
	struct pyi_graph_space read_space;
	struct pyi_graph_builder *builder;
	struct pyi_graph graph;
	struct pyi_graph again;
	const uint64_t words[] = { UINT64_C(0x2000) << 16, 0, UINT64_C(0x3000) << 16, 0,
				   UINT64_C(0x4000) << 16, 1 };
	char long_text[6000];
	struct file file;

	(void)test;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	pyi_graph_space_init(&space, -1, LIMIT);
	assert_null(pyi_graph_builder_create(&space, &builder));
	assert_null(pyi_graph_builder_feed(builder, words, 6));
	assert_null(pyi_graph_builder_add_type(builder, 0, 0x3000, 3, NULL));
	assert_null(pyi_graph_builder_add_type(builder, 1, 0x5000, 3, ""));
	assert_null(pyi_graph_builder_add_text(builder, 0x4000, long_text));
	assert_null(pyi_graph_builder_add_text(builder, 0x2000, "CACHE"));
	assert_null(pyi_graph_builder_add_text(builder, 0x6000, "nobody"));
	assert_null(pyi_graph_builder_finish(builder, &graph));
	pyi_graph_builder_destroy(builder);
	file = write_graph(&graph);
	assert_null(read_graph(&file, file.size_bytes, &read_space, &again));
	assert_false(again.truncated);
	assert_null(again.types[0].name);
	assert_int_equal(again.types[0].node, 1);
	assert_string_equal(again.types[1].name, "");
	assert_int_equal(again.types[1].node, PYI_GRAPH_NONE);
	assert_string_equal(pyi_graph_text(&again, 0), "CACHE");
	assert_null(pyi_graph_text(&again, 1));
	/* Cut, not lost. */
	assert_int_equal(strlen(pyi_graph_text(&again, 2)), 4096);
	pyi_graph_deinit(&graph);
	pyi_graph_deinit(&again);
	free(file.bytes);
}

static struct model make_model(uint64_t *state, uint32_t count)
{
	struct model model = model_create(count);

	for (uint32_t n = 0; n < count; n++)
		model_connect(&model, n, (uint32_t)model_random(state, count), n % 5 ? 0 : 77);
	model_add_root(&model, count - 1);
	model_add_root(&model, 0);
	return model;
}

/* Of what was read, that is the beginning of the model. */
static void assert_beginning(const struct model *model, const struct pyi_graph *graph)
{
	uint64_t edges = 0;

	assert_true(graph->truncated);
	for (uint32_t n = 0; n < graph->node_count; n++) {
		bool lost = model->edges[n].target >= graph->node_count;
		struct pyi_graph_nodes referents = pyi_graph_referents(graph, n);
		const uint16_t *labels = pyi_graph_labels(graph, n);

		assert_int_equal(pyi_graph_address(graph, n), model->nodes[n].addr);
		assert_int_equal(referents.count, lost ? 0 : 1);
		assert_int_equal((pyi_graph_flags(graph, n) & PYI_NODE_INCOMPLETE) != 0, lost);
		edges += !lost;
		if (lost)
			continue;
		assert_int_equal(referents.items[0], model->edges[n].target);
		assert_int_equal(labels ? labels[0] : 0, model->edges[n].label);
	}
	assert_int_equal(graph->edge_count, edges);
	assert_int_equal(graph->lost_edges, graph->node_count - edges);
	assert_int_equal(graph->incomplete_nodes, graph->node_count - edges);
}

static void cut_off(void **test)
{
	enum { COUNT = 3 * GROUP + 100 };
	uint64_t state = 5;
	struct model model = make_model(&state, COUNT);
	struct pyi_graph_space space;
	struct pyi_graph graph;
	struct file file;
	uint32_t most = 0;

	(void)test;
	pyi_graph_space_init(&space, -1, LIMIT);
	graph = model_build(&model, &state, &space);
	file = write_graph(&graph);
	for (size_t size = 0; size < file.size_bytes; size += 1 + model_random(&state, 2000)) {
		struct pyi_graph_space read_space;
		struct pyi_graph part;
		struct pyi_error *error = read_graph(&file, size, &read_space, &part);

		if (error) {
			assert_string_equal(pyi_error_code_name(error->code), "bad-dump");
			pyi_error_destroy(error);
		} else {
			/* The last group may be all there, and only the end be missing. */
			assert_true(part.node_count % GROUP == 0 || part.node_count == COUNT);
			assert_beginning(&model, &part);
			most = part.node_count > most ? part.node_count : most;
			assert_int_equal(part.root_count, part.node_count == COUNT ? 2 : 1);
			pyi_graph_deinit(&part);
		}
		assert_int_equal(read_space.held_bytes, 0);
	}
	assert_true(most >= 2 * GROUP);
	pyi_graph_deinit(&graph);
	free(file.bytes);
	model_destroy(&model);
}

/* No byte can be changed unseen. */
static void changed(void **test)
{
	enum { COUNT = 40 };
	uint64_t state = 9;
	struct model model = make_model(&state, COUNT);
	struct pyi_graph_space space;
	struct pyi_graph graph;
	struct file file;

	(void)test;
	pyi_graph_space_init(&space, -1, LIMIT);
	graph = model_build(&model, &state, &space);
	file = write_graph(&graph);
	for (size_t at = 0; at < file.size_bytes; at++) {
		struct pyi_graph_space read_space;
		struct pyi_graph part;
		struct pyi_error *error;

		file.bytes[at] ^= (uint8_t)(1 << at % 8);
		error = read_graph(&file, file.size_bytes, &read_space, &part);
		if (error) {
			assert_string_equal(pyi_error_code_name(error->code), "bad-dump");
			assert_non_null(error->hint);
			pyi_error_destroy(error);
		} else {
			assert_true(part.truncated);
			pyi_graph_deinit(&part);
		}
		file.bytes[at] ^= (uint8_t)(1 << at % 8);
	}
	pyi_graph_deinit(&graph);
	free(file.bytes);
	model_destroy(&model);
}

/* What comes behind the end is not left out in silence, be it another dump. */
static void followed(void **test)
{
	uint64_t state = 10;
	struct model model = make_model(&state, 40);
	struct pyi_graph_space space;
	struct pyi_graph graph;
	struct file file;

	(void)test;
	pyi_graph_space_init(&space, -1, LIMIT);
	graph = model_build(&model, &state, &space);
	file = write_graph(&graph);
	file.bytes = realloc(file.bytes, 2 * file.size_bytes);
	assert_non_null(file.bytes);
	memcpy(file.bytes + file.size_bytes, file.bytes, file.size_bytes);
	for (size_t more = 1; more <= file.size_bytes; more += file.size_bytes - 1) {
		struct pyi_graph_space read_space;
		struct pyi_graph part;
		struct pyi_error *error =
			read_graph(&file, file.size_bytes + more, &read_space, &part);

		assert_non_null(error);
		assert_string_equal(pyi_error_code_name(error->code), "bad-dump");
		assert_non_null(strstr(error->message, "something else follows"));
		pyi_error_destroy(error);
	}
	pyi_graph_deinit(&graph);
	free(file.bytes);
	model_destroy(&model);
}

static void put_frame(struct pyi_frame *frame, int fd, enum pyi_frame_kind kind, uint32_t items,
		      const char *content, size_t size_bytes)
{
	frame->head.kind = kind;
	frame->head.items = items;
	frame->head.content_bytes = (uint32_t)size_bytes;
	memcpy(frame->content, content, size_bytes);
	assert_null(pyi_frame_write(frame, fd));
}

/* What the first version has written: there are no facts, and a type has no flags. */
static void first_version(void **test)
{
	/* Type 0x3000 of kind 3, "t"; object 0x2000 of 64 bytes. */
	static const char type[] = "\x80\x60\3\2t";
	static const char node[] = "\2\1\1\2\1\1\x80\x08\0\0\x80\1\2\0";
	struct pyi_graph_file_head head = { .version = 1, .types = 1, .nodes = 1 };
	struct pyi_frame *frame = pyi_frame_create();
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct pyi_graph_space space;
	struct pyi_graph graph;

	(void)test;
	assert_non_null(frame);
	memcpy(head.magic, PYI_GRAPH_FILE_MAGIC, sizeof(head.magic));
	head.checksum = pyi_frame_checksum(0, &head, sizeof(head) - sizeof(head.checksum));
	assert_int_equal(write(fd, &head, sizeof(head)), sizeof(head));
	put_frame(frame, fd, PYI_FRAME_TYPES, 1, type, sizeof(type) - 1);
	put_frame(frame, fd, PYI_FRAME_NODES, 1, node, sizeof(node) - 1);
	put_frame(frame, fd, PYI_FRAME_END, 0, "\1\0", 2);
	pyi_frame_destroy(frame);
	lseek(fd, 0, SEEK_SET);
	pyi_graph_space_init(&space, -1, LIMIT);
	assert_null(pyi_graph_read(fd, &space, &graph));
	close(fd);
	assert_false(graph.truncated);
	assert_int_equal(graph.fact_count, 0);
	assert_int_equal(graph.node_count, 1);
	assert_int_equal(pyi_graph_address(&graph, 0), 0x2000);
	assert_int_equal(pyi_graph_size(&graph, 0), 64);
	assert_string_equal(graph.types[0].name, "t");
	assert_int_equal(graph.types[0].addr, 0x3000);
	assert_int_equal(graph.types[0].kind, 3);
	assert_false(graph.types[0].estimated);
	pyi_graph_deinit(&graph);
}

/* A head that promises more than there is room for. */
static void too_large(void **test)
{
	struct pyi_graph_file_head head = { .version = PYI_GRAPH_FILE_VERSION, .nodes = 1 << 30 };
	const struct file file = { (uint8_t *)&head, sizeof(head) };
	struct pyi_graph_space space;
	struct pyi_graph graph;
	struct pyi_error *error;

	(void)test;
	memcpy(head.magic, PYI_GRAPH_FILE_MAGIC, sizeof(head.magic));
	head.checksum = pyi_frame_checksum(0, &head, sizeof(head) - sizeof(head.checksum));
	error = read_graph(&file, sizeof(head), &space, &graph);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "too-large");
	pyi_error_destroy(error);
	assert_int_equal(space.held_bytes, 0);
}

/* Of zlib: the value that everybody has for these. */
static void checksum(void **test)
{
	(void)test;
	assert_int_equal(pyi_frame_checksum(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(pyi_frame_checksum(pyi_frame_checksum(0, "1234", 4), "56789", 5),
			 0xcbf43926);
}

static void is_small(void **test)
{
	enum { COUNT = 300000 };
	struct model model = model_create(COUNT);
	struct pyi_graph_space space;
	struct pyi_graph graph;
	struct file file;
	uint64_t state = 21;

	(void)test;
	if (!pyi_frame_can_compress())
		skip();
	/* One near and one anywhere of two objects each. */
	for (uint32_t n = 0; n < COUNT; n += 2) {
		model_connect(&model, n, n + 1, 0);
		model_connect(&model, n, (uint32_t)model_random(&state, COUNT), 0);
	}
	model_count_references(&model);
	pyi_graph_space_init(&space, -1, LIMIT);
	graph = model_build(&model, &state, &space);
	file = write_graph(&graph);
	assert_true(file.size_bytes * 2 <= COUNT * 9);
	pyi_graph_deinit(&graph);
	free(file.bytes);
	model_destroy(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	 cmocka_unit_test(texts),
		cmocka_unit_test(cut_off),	 cmocka_unit_test(changed),
		cmocka_unit_test(followed),	 cmocka_unit_test(too_large),
		cmocka_unit_test(checksum),	 cmocka_unit_test(is_small),
		cmocka_unit_test(first_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
