/*
 * Asks the types for their subclasses, and a census for old-style classes.
 */
#include "heap/all_types.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "python/builtin_types.h"
#include "python/objects.h"

struct gathering {
	struct pyi_session *session;
	uint64_t class_type_addr;
	uint64_t *addrs;
	size_t count;
	size_t capacity;
	bool out_of_memory;
};

static void gather(void *argument, const struct pyi_record_object *record)
{
	struct gathering *gathering = argument;

	/* What the payload says is no more to be trusted than the heap. */
	if (record->type_addr != gathering->class_type_addr)
		return;
	if (!pyi_session_has_room(gathering->session, sizeof(struct pyi_type) + PYI_NAME_LIMIT))
		return;
	if (!pyi_array_reserve(&gathering->addrs, gathering->count, &gathering->capacity,
			       sizeof(*gathering->addrs))) {
		gathering->out_of_memory = true;
		return;
	}
	gathering->addrs[gathering->count++] = record->addr;
}

/* Those of a graph are there without a walk. */
static struct pyi_error *gather_nodes(struct gathering *gathering, const struct pyi_graph *graph)
{
	for (uint32_t node = 0; node < graph->node_count; node++) {
		const struct pyi_record_object record = {
			.addr = pyi_graph_address(graph, node),
			.type_addr = graph->types[pyi_graph_type(graph, node)].addr,
		};

		if (!(pyi_graph_flags(graph, node) & PYI_NODE_KEYS))
			gather(gathering, &record);
	}
	return NULL;
}

static struct pyi_error *add_classes(struct pyi_session *session,
				     struct pyi_source_snapshot *snapshot,
				     const struct pyi_interpreters *interpreters,
				     struct pyi_type_list *list)
{
	struct gathering gathering = {
		.session = session,
		.class_type_addr = pyi_builtin_types_find(&session->runtime, PYI_KIND_CLASS),
	};
	struct pyi_walk_request request = {
		.job = PYI_JOB_CENSUS,
		.object = gather,
		.object_argument = &gathering,
	};
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error = session->graph ? gather_nodes(&gathering, session->graph)
						 : pyi_session_walk(session, snapshot, interpreters,
								    &request, &result);

	pyi_walk_result_deinit(&result);
	if (!error && gathering.out_of_memory)
		error = pyi_error_no_memory();
	if (!error)
		error = pyi_types_add(&session->runtime, snapshot->reader, gathering.addrs,
				      gathering.count, list);
	free(gathering.addrs);
	return error;
}

struct pyi_error *pyi_session_list_types(struct pyi_session *session,
					 struct pyi_source_snapshot *snapshot,
					 const struct pyi_interpreters *interpreters,
					 struct pyi_type_list *ret_list)
{
	struct pyi_error *error = pyi_types_list(&session->runtime, snapshot->reader, interpreters,
						 session->options->deadline_ns, ret_list);

	if (error)
		return error;
	if (ret_list->full)
		pyi_session_leave_out(session);
	if (pyi_builtin_types_find(&session->runtime, PYI_KIND_CLASS))
		error = add_classes(session, snapshot, interpreters, ret_list);
	if (error)
		pyi_type_list_deinit(ret_list);
	return error;
}
