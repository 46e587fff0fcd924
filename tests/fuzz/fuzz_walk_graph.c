/*
 * Fuzzer of payloads/: the stream of a graph, of a heap that is broken in any way.
 */
#include "graph/builder.h"
#include "walk_host.h"

enum {
	CHANGES = 8,
	ROOTS = 4,
	SPACE_BYTES = 64 << 20,
};

static struct pyi_error *take_words(void *builder, const uint8_t *bytes, size_t size_bytes)
{
	return pyi_graph_builder_feed(builder, (const void *)bytes, size_bytes / 8);
}

static struct pyi_error *take_record(void *builder, uint32_t kind, const void *record)
{
	const struct pyi_record_graph_type *type = record;
	const struct pyi_record_graph_root *root = record;

	if (kind == PYI_RECORD_GRAPH_TYPE)
		return pyi_graph_builder_add_type(builder, (uint32_t)type->number, type->type_addr,
						  (uint32_t)type->object_kind, NULL);
	FUZZ_EXPECT(kind == PYI_RECORD_GRAPH_ROOT);
	return pyi_graph_builder_add_root(builder, root->root.object_addr,
					  &(struct pyi_graph_root){ 0 });
}

/* However broken the heap is, the stream is whole, and says what the census says. */
static void expect_graph(struct pyi_graph_builder *builder, const struct pyi_walk_result *result)
{
	struct pyi_graph graph;

	FUZZ_EXPECT(!fuzz_drop(pyi_graph_builder_finish(builder, &graph)));
	FUZZ_EXPECT(graph.node_count + graph.duplicate_nodes + result->summary.skipped_objects >=
		    result->summary.objects);
	pyi_graph_deinit(&graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	unsigned version = (unsigned)fuzz_take(&input, 1);
	struct mixed_heap *mixed = mixed_heap_get(version, false);
	struct pyi_walk_request request = {
		.job = PYI_JOB_GRAPH,
		.flags = PYI_CENSUS_ALL,
		.record = take_record,
		.words = take_words,
	};
	struct pyi_graph_builder *builder;
	struct pyi_graph_space space;
	struct pyi_walk_result result;
	uint64_t roots[ROOTS];

	for (int r = 0; r < ROOTS; r++)
		roots[r] = mixed_heap_take_address(mixed, &input);
	pyi_graph_space_init(&space, -1, SPACE_BYTES);
	FUZZ_EXPECT(!fuzz_drop(pyi_graph_builder_create(&space, &builder)));
	request.record_argument = builder;
	mixed_heap_break(mixed, &input, CHANGES);
	FUZZ_EXPECT(walk_host_run(mixed, &request, roots, ROOTS, &result) == PYI_PAYLOAD_OK);
	expect_graph(builder, &result);
	pyi_graph_builder_destroy(builder);
	pyi_walk_result_deinit(&result);
	return 0;
}
