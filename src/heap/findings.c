/*
 * Keeps what analysis and names have found. Decides nothing.
 */
#include "heap/findings.h"

#include <pyinspect/payload.h>

#include "heap/graph.h"

enum {
	/* How often it is asked whether there is still time. */
	NODES_PER_CHECK = 1 << 16,
};

void pyi_findings_deinit(struct pyi_findings *findings)
{
	pyi_dominators_deinit(&findings->dominators);
	pyi_graph_entries_deinit(&findings->entries);
	if (findings->space)
		pyi_graph_space_unmap(findings->space, findings->dict_owners,
				      findings->dict_owners_bytes);
	*findings = (struct pyi_findings){ 0 };
}

struct pyi_error *pyi_findings_entries(const struct pyi_graph_view *view)
{
	struct pyi_findings *findings = view->findings;
	struct pyi_error *error;

	if (findings->entries.space)
		return NULL;
	error = pyi_graph_reverse(view->graph);
	if (!error)
		error = pyi_session_check(view->session);
	if (!error)
		error = pyi_graph_entries_find(view->graph, &findings->entries);
	return error ? error : pyi_session_check(view->session);
}

struct pyi_error *pyi_findings_dominators(const struct pyi_graph_view *view)
{
	struct pyi_findings *findings = view->findings;
	struct pyi_error *error = pyi_findings_entries(view);

	if (error || findings->dominators.space)
		return error;
	error = pyi_dominators_find(view->graph, &findings->entries, &findings->dominators);
	return error ? error : pyi_session_check(view->session);
}

/* Only of objects that refer to a dict it is looked up whether it is theirs. */
static struct pyi_error *find_dict_owners(const struct pyi_graph_view *view, uint32_t *owners)
{
	const struct pyi_graph *graph = view->graph;
	struct pyi_error *error = NULL;

	for (uint32_t node = 0; node < graph->node_count; node++)
		owners[node] = PYI_GRAPH_NONE;
	for (uint32_t node = 0; node < graph->node_count && !error; node++) {
		struct pyi_graph_nodes referents;
		bool has_dict = false;
		uint32_t dict;

		if (node % NODES_PER_CHECK == 0)
			error = pyi_session_check(view->session);
		if (!pyi_names_type(view->names, pyi_graph_type(graph, node))->has_attributes)
			continue;
		referents = pyi_graph_referents(graph, node);
		for (uint64_t e = 0; e < referents.count && !has_dict; e++)
			has_dict = graph->types[pyi_graph_type(graph, referents.items[e])].kind ==
				   PYI_KIND_DICT;
		dict = has_dict ? pyi_names_dict(view->names, node) : PYI_GRAPH_NONE;
		if (dict != PYI_GRAPH_NONE)
			owners[dict] = node;
	}
	return error;
}

struct pyi_error *pyi_findings_dict_owners(const struct pyi_graph_view *view)
{
	struct pyi_findings *findings = view->findings;
	const uint64_t bytes = (uint64_t)view->graph->node_count * sizeof(uint32_t);
	struct pyi_error *error;
	void *owners = NULL;

	if (findings->dict_owners)
		return NULL;
	error = pyi_graph_space_map(view->graph->space, bytes, &owners);
	if (error)
		return error;
	error = find_dict_owners(view, owners);
	if (error) {
		pyi_graph_space_unmap(view->graph->space, owners, bytes);
		return error;
	}
	findings->space = view->graph->space;
	findings->dict_owners = owners;
	findings->dict_owners_bytes = bytes;
	return NULL;
}
