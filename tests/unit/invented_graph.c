/*
 * Plays the host of one walk; all types of the graph are called "t".
 */
#include "invented_graph.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "graph/builder.h"

#define LIMIT (UINT64_C(1) << 32)

struct host {
	const struct pyi_payload_arguments *arguments;
	struct pyi_graph_builder *builder;
	struct pyi_walk_request request;
	struct pyi_walk_result result;
	unsigned messages;
};

static struct pyi_error *take_words(void *argument, const uint8_t *bytes, size_t size_bytes)
{
	struct host *host = argument;

	return pyi_graph_builder_feed(host->builder, (const void *)bytes, size_bytes / 8);
}

static struct pyi_error *take_record(void *argument, uint32_t kind, const void *record)
{
	const struct pyi_record_graph_type *type = record;
	const struct pyi_record_graph_root *root = record;
	struct host *host = argument;

	if (kind == PYI_RECORD_GRAPH_ROOT) {
		const struct pyi_graph_root known = { .kind = root->root.edge.kind,
						      .detail = root->root.edge.detail,
						      .context = root->root.edge.context };

		return pyi_graph_builder_add_root(host->builder, root->root.object_addr, &known);
	}
	assert_int_equal(kind, PYI_RECORD_GRAPH_TYPE);
	return pyi_graph_builder_add_type(host->builder, (uint32_t)type->number, type->type_addr,
					  (uint32_t)type->object_kind, "t");
}

static uint64_t take_message(void *argument, uint64_t number, uint64_t first, uint64_t second)
{
	struct host *host = argument;

	if (number != PYI_MESSAGE_RECORDS)
		return 0;
	assert_true(first == host->arguments->records_addr);
	assert_true(second && second <= host->arguments->records_bytes);
	assert_null(pyi_walk_decode((const uint8_t *)(uintptr_t)first, (size_t)second,
				    &host->request, &host->result));
	host->messages++;
	return 0;
}

enum pyi_payload_status invented_graph_try(struct pyi_payload_arguments *arguments,
					   struct invented_graph *ret_graph)
{
	struct host host = { .arguments = arguments,
			     .result = { .root_count = arguments->root_count } };
	enum pyi_payload_status status;

	arguments->job = PYI_JOB_GRAPH;
	arguments->flags = PYI_CENSUS_ALL;
	ret_graph->faults = 0;
	host.request = (struct pyi_walk_request){ .record = take_record,
						  .words = take_words,
						  .record_argument = &host };
	pyi_graph_space_init(&ret_graph->space, -1, LIMIT);
	assert_null(pyi_graph_builder_create(&ret_graph->space, &host.builder));
	status = invented_walk(arguments, take_message, &host, &ret_graph->faults);
	assert_null(pyi_graph_builder_finish(host.builder, &ret_graph->graph));
	pyi_graph_builder_destroy(host.builder);
	ret_graph->summary = host.result.summary;
	ret_graph->messages = host.messages;
	pyi_walk_result_deinit(&host.result);
	return status;
}

void invented_graph_make(struct pyi_payload_arguments *arguments, struct invented_graph *ret_graph)
{
	assert_int_equal(invented_graph_try(arguments, ret_graph), PYI_PAYLOAD_OK);
	assert_int_equal(ret_graph->graph.duplicate_nodes, 0);
}

void invented_graph_drop(struct invented_graph *graph)
{
	pyi_graph_deinit(&graph->graph);
	assert_int_equal(graph->space.held_bytes, 0);
}
