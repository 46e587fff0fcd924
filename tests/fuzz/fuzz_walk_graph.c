/*
 * Fuzzer of payloads/: the jobs that follow references, on a heap that is broken in any way.
 */
#include "graph/builder.h"
#include "walk_host.h"

enum {
	CHANGES = 8,
	ROOTS = 4,
	STARTS = 4,
	LARGE_LIMIT = 3,
	SIZE_LIMIT_LOG2 = 47,
	SPACE_BYTES = 64 << 20,
};

/* What the records of one walk say. */
struct answer {
	uint64_t job;
	unsigned levels;
	uint64_t group_numbers[8];
	size_t group_count;
	uint64_t large[2];
	uint64_t contents;
	struct pyi_graph_space space;
	struct pyi_graph_builder *builder;
};

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *first = a;
	const uint64_t *second = b;

	return (*first > *second) - (*first < *second);
}

static void take_group(struct answer *answer, const struct pyi_record_group *group)
{
	FUZZ_EXPECT(answer->job == PYI_JOB_REFERRERS || answer->job == PYI_JOB_REFERENTS);
	FUZZ_EXPECT(group->references && group->objects <= group->references);
	FUZZ_EXPECT(group->edge.kind <= PYI_EDGE_STATIC_TYPE);
	FUZZ_EXPECT(group->owner.holder <= PYI_HOLDER_OTHER);
	if (answer->group_count < 8)
		answer->group_numbers[answer->group_count++] = group->number;
}

static struct pyi_error *take_words(void *argument, const uint8_t *bytes, size_t size_bytes)
{
	struct answer *answer = argument;

	FUZZ_EXPECT(answer->job == PYI_JOB_GRAPH);
	return pyi_graph_builder_feed(answer->builder, (const void *)bytes, size_bytes / 8);
}

static struct pyi_error *take_type(struct answer *answer, const struct pyi_record_graph_type *type)
{
	FUZZ_EXPECT(answer->job == PYI_JOB_GRAPH);
	return pyi_graph_builder_add_type(answer->builder, (uint32_t)type->number, type->type_addr,
					  (uint32_t)type->object_kind, NULL);
}

static struct pyi_error *take_root(struct answer *answer, const struct pyi_record_graph_root *root)
{
	FUZZ_EXPECT(answer->job == PYI_JOB_GRAPH);
	return pyi_graph_builder_add_root(answer->builder, root->root.object_addr,
					  &(struct pyi_graph_root){ 0 });
}

/* However broken the heap is, the stream is whole, and says what the census says. */
static void expect_graph(struct answer *answer, const struct pyi_walk_result *result)
{
	struct pyi_graph graph;

	FUZZ_EXPECT(!fuzz_drop(pyi_graph_builder_finish(answer->builder, &graph)));
	FUZZ_EXPECT(graph.node_count + graph.duplicate_nodes + result->summary.skipped_objects >=
		    result->summary.objects);
	pyi_graph_deinit(&graph);
}

static struct pyi_error *take_record(void *argument, uint32_t kind, const void *record)
{
	struct answer *answer = argument;
	const struct pyi_record_large *large = record;
	const struct pyi_record_contents *contents = record;

	switch (kind) {
	case PYI_RECORD_GROUP:
		take_group(answer, record);
		break;
	case PYI_RECORD_LARGE:
		FUZZ_EXPECT(answer->job == PYI_JOB_LARGE && large->order <= PYI_LARGE_BY_REFERENTS);
		FUZZ_EXPECT(large->bytes >> SIZE_LIMIT_LOG2 == 0);
		FUZZ_EXPECT(++answer->large[large->order] <= LARGE_LIMIT);
		break;
	case PYI_RECORD_GRAPH_TYPE:
		return take_type(answer, record);
	case PYI_RECORD_GRAPH_ROOT:
		return take_root(answer, record);
	case PYI_RECORD_TEXT:
		FUZZ_EXPECT(answer->job == PYI_JOB_CONTENTS);
		break;
	default:
		FUZZ_EXPECT(answer->job == PYI_JOB_CONTENTS && kind == PYI_RECORD_CONTENTS);
		FUZZ_EXPECT(contents->start == answer->contents++);
	}
	return NULL;
}

/* The groups of the level that were met first; there are two levels at most. */
static size_t choose_level(void *argument, uint64_t *ret_numbers, size_t limit)
{
	struct answer *answer = argument;
	size_t count = answer->group_count < limit ? answer->group_count : limit;

	if (answer->levels++)
		return 0;
	memcpy(ret_numbers, answer->group_numbers, count * sizeof(*ret_numbers));
	answer->group_count = 0;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	unsigned version = (unsigned)fuzz_take(&input, 1);
	unsigned job = (unsigned)fuzz_take(&input, 1);
	struct mixed_heap *mixed = mixed_heap_get(version, false);
	struct answer answer = { .job = PYI_JOB_REFERRERS + job % PYI_JOB_GRAPH };
	struct pyi_walk_request request = {
		.job = answer.job,
		.meant_object_addr = mixed_heap_take_address(mixed, &input),
		.start_count = STARTS,
		.limit = LARGE_LIMIT,
		.record = take_record,
		.words = take_words,
		.level = choose_level,
		.record_argument = &answer,
	};
	struct pyi_walk_result result;
	uint64_t starts[STARTS];
	uint64_t roots[ROOTS];
	uint64_t meant[2];

	for (int r = 0; r < ROOTS; r++)
		roots[r] = mixed_heap_take_address(mixed, &input);
	for (int s = 0; s < STARTS; s++)
		starts[s] = mixed_heap_take_address(mixed, &input);
	for (int m = 0; m < 2; m++)
		meant[m] = mixed_heap_take_address(mixed, &input);
	/* An object, or types. */
	if (job >> 7) {
		request.meant_object_addr = 0;
		request.meant_type_count = 2;
		qsort(meant, 2, sizeof(meant[0]), compare_addresses);
	}
	request.starts = starts;
	request.meant_types = meant;
	if (answer.job == PYI_JOB_GRAPH) {
		request.flags = PYI_CENSUS_ALL;
		pyi_graph_space_init(&answer.space, -1, SPACE_BYTES);
		FUZZ_EXPECT(!fuzz_drop(pyi_graph_builder_create(&answer.space, &answer.builder)));
	}
	mixed_heap_break(mixed, &input, CHANGES);
	FUZZ_EXPECT(walk_host_run(mixed, &request, roots, ROOTS, &result) == PYI_PAYLOAD_OK);
	if (answer.job == PYI_JOB_CONTENTS)
		FUZZ_EXPECT(answer.contents == STARTS);
	if (answer.job == PYI_JOB_GRAPH)
		expect_graph(&answer, &result);
	pyi_graph_builder_destroy(answer.builder);
	pyi_walk_result_deinit(&result);
	return 0;
}
