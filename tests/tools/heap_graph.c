/*
 * For tests: makes the graph of a Python process, and writes to stdout, as JSON, what is computed
 * on it.
 *
 *     heap_graph PID [TYPE ...]
 *
 * Of each TYPE: its instances, what all of them together retain, what each retains, and how many
 * references to them no object explains. Exits as pyinspect does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "analysis/garbage.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "graph/bits.h"
#include "heap/graph.h"
#include "tracee/wait.h"
#include "own_broker.h"

enum {
	TIMEOUT_MS = 120000,
	MAX_PAUSE_MS = 10000,
};

struct answer {
	struct pyi_graph graph;
	struct pyi_graph_entries entries;
	struct pyi_dominators dominators;
	struct pyi_garbage garbage;
};

static struct pyi_error *compute(struct answer *answer)
{
	struct pyi_error *error = pyi_graph_reverse(&answer->graph);

	if (!error)
		error = pyi_graph_entries_find(&answer->graph, &answer->entries);
	if (!error)
		error = pyi_dominators_find(&answer->graph, &answer->entries, &answer->dominators);
	if (!error)
		error = pyi_garbage_find(&answer->graph, &answer->garbage);
	return error;
}

/* By address of the type: objects, bytes, how many would be freed, how many are held. */
static struct pyi_error *write_types(const struct answer *answer)
{
	const struct pyi_graph *graph = &answer->graph;
	PYI_CLEANUP(pyi_guard_free)
	uint64_t *counts = calloc(graph->type_count + 1, 4 * sizeof(*counts));
	const char *separator = "";

	if (!counts)
		return pyi_error_no_memory();
	for (uint32_t node = 0; node < graph->node_count; node++) {
		uint64_t *of_type = counts + 4 * (uint64_t)pyi_graph_type(graph, node);

		if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
			continue;
		of_type[0]++;
		of_type[1] += pyi_graph_size(graph, node);
		of_type[2] += pyi_bits_has(answer->garbage.freed, node);
		of_type[3] += pyi_graph_held(graph, node) != 0;
	}
	printf("\"types\": {");
	for (uint32_t t = 0; t < graph->type_count; t++) {
		if (!counts[4 * (size_t)t])
			continue;
		printf("%s\"%" PRIu64 "\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
		       separator, graph->types[t].addr, counts[4 * (size_t)t],
		       counts[4 * (size_t)t + 1], counts[4 * (size_t)t + 2],
		       counts[4 * (size_t)t + 3]);
		separator = ", ";
	}
	printf("}");
	return NULL;
}

static struct pyi_error *write_subject(const struct answer *answer, const char *type)
{
	const struct pyi_graph *graph = &answer->graph;
	PYI_CLEANUP(pyi_guard_free)
	uint64_t *set = calloc(graph->node_count / 64 + 1, sizeof(*set));
	const char *separator = "";
	struct pyi_retained retained = { 0 };
	struct pyi_error *error;

	if (!set)
		return pyi_error_no_memory();
	printf(", \"%s\": {\"instances\": [", type);
	for (uint32_t node = 0; node < graph->node_count; node++) {
		const char *name = graph->types[pyi_graph_type(graph, node)].name;

		if (!name || strcmp(name, type) != 0 ||
		    pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
			continue;
		pyi_bits_set(set, node);
		printf("%s{\"address\": %" PRIu64 ", \"retained\": %" PRIu64
		       ", \"referrers\": %" PRIu64 ", \"held\": %" PRIu32 "}",
		       separator, pyi_graph_address(graph, node),
		       answer->dominators.retained_bytes[node],
		       pyi_graph_referrers(graph, node).count, pyi_graph_held(graph, node));
		separator = ", ";
	}
	error = pyi_retained_by_set(graph, &answer->entries, set, &retained);
	printf("], \"objects\": %" PRIu64 ", \"bytes\": %" PRIu64 "}", retained.objects,
	       retained.bytes);
	return error;
}

static struct pyi_error *write_out(const struct answer *answer, char **types)
{
	const struct pyi_graph *graph = &answer->graph;
	struct pyi_error *error;

	printf("{\"nodes\": %" PRIu32 ", \"edges\": %" PRIu64 ", \"lost_edges\": %" PRIu64
	       ", \"duplicates\": %" PRIu64 ", \"incomplete\": %" PRIu64 ", \"roots\": %zu"
	       ", \"held\": %" PRIu64 ", \"unreached\": %" PRIu64 ", \"garbage\": %" PRIu64 ", ",
	       graph->node_count, graph->edge_count, graph->lost_edges, graph->duplicate_nodes,
	       graph->incomplete_nodes, graph->root_count, answer->entries.counts[PYI_START_HELD],
	       answer->entries.counts[PYI_START_UNREACHED], answer->garbage.found_objects);
	error = write_types(answer);
	for (; *types && !error; types++)
		error = write_subject(answer, *types);
	printf("}\n");
	return error;
}

static struct pyi_error *run(pid_t pid, char **types, int *ret_exit)
{
	struct pyi_session_options options = {
		.max_pause_ms = MAX_PAUSE_MS,
		.max_total_pause_ms = 4.0 * MAX_PAUSE_MS,
		.deadline_ns = pyi_clock_deadline(TIMEOUT_MS, PYI_CLOCK_NEVER),
	};
	struct answer answer = { 0 };
	struct pyi_graph_space space;
	struct pyi_session session;
	struct pyi_error *error = own_broker_start(&options.broker_fd);

	if (error)
		return error;
	pyi_graph_space_init(&space, memfd_create("graph", MFD_CLOEXEC), UINT64_MAX);
	error = pyi_session_open(pid, &options, &session);
	if (!error)
		error = pyi_session_graph(&session, &space, &answer.graph);
	if (!error && (!session.consistent || session.summary.skipped_objects))
		*ret_exit = PYI_EXIT_INCOMPLETE;
	pyi_session_close(&session);
	if (!error)
		error = compute(&answer);
	if (!error)
		error = write_out(&answer, types);
	return error;
}

int main(int argc, char **argv)
{
	int exit_code = PYI_EXIT_OK;
	struct pyi_error *error;

	if (argc < 2) {
		fprintf(stderr, "usage: heap_graph PID [TYPE ...]\n");
		return PYI_EXIT_USAGE;
	}
	pyi_wait_init();
	error = run((pid_t)strtol(argv[1], NULL, 10), argv + 2, &exit_code);
	if (error) {
		fprintf(stderr, "heap_graph: %s\n", error->message);
		exit_code = (int)error->exit;
		pyi_error_destroy(error);
	}
	return exit_code;
}
