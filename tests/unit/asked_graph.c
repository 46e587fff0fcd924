/*
 * A session that has a runtime and time without end, and no process.
 */
#include "asked_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "python/objects.h"

enum {
	ROOM_BYTES = 1 << 30,
};

void asked_graph_begin(const struct graph *graph, const struct pyi_payload_root *roots,
		       size_t root_count, struct asked_graph *ret_asked)
{
	struct named_graph *named = &ret_asked->named;
	struct pyi_graph *made = &named->made.graph;

	memset(ret_asked, 0, sizeof(*ret_asked));
	named_graph_begin_at(graph, roots, root_count, named);
	for (uint32_t t = 0; t < made->type_count; t++) {
		free(made->types[t].name);
		made->types[t].name =
			pyi_objects_type_name(&named->runtime, named->reader, made->types[t].addr);
		assert_non_null(made->types[t].name);
	}
	ret_asked->options.deadline_ns = UINT64_MAX;
	ret_asked->session.options = &ret_asked->options;
	ret_asked->session.runtime = named->runtime;
	ret_asked->session.room_bytes = ROOM_BYTES;
	ret_asked->session.heap_bytes = ROOM_BYTES;
	ret_asked->session.summary = named->made.summary;
	ret_asked->snapshot.reader = named->reader;
	ret_asked->view = (struct pyi_graph_view){
		.session = &ret_asked->session,
		.snapshot = &ret_asked->snapshot,
		.graph = made,
		.names = &named->names,
		.findings = &ret_asked->findings,
	};
}

void asked_graph_end(struct asked_graph *asked)
{
	pyi_findings_deinit(&asked->findings);
	named_graph_end(&asked->named);
}

static uint64_t *copy(const uint64_t *items, size_t count)
{
	uint64_t *copied = calloc(count + 1, sizeof(*copied));

	assert_non_null(copied);
	if (count)
		memcpy(copied, items, count * sizeof(*copied));
	return copied;
}

struct pyi_subject_found asked_graph_found(const struct asked_graph *asked, const uint64_t *meant,
					   size_t meant_count, const uint64_t *starts,
					   size_t start_count)
{
	return (struct pyi_subject_found){
		.places = asked->named.names.places,
		.meant = copy(meant, meant_count),
		.meant_count = meant_count,
		.starts = copy(starts, start_count),
		.start_count = start_count,
	};
}
