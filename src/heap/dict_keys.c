/*
 * From 3.11 on the table says it; before, its keys and the function that looks them up do.
 */
#include "heap/dict_keys.h"

#include "heap/edge_pattern.h"

enum {
	/* Objects/dict-common.h, struct _dictkeysobject, up to 3.10: dk_lookup is behind dk_size.
	 */
	LOOKUP_AFTER_SIZE = 8,
};

static const struct pyi_runtime *runtime_of(const struct pyi_dict_keys *keys)
{
	return &keys->view->session->runtime;
}

static uint64_t load(const struct pyi_dict_keys *keys, uint64_t addr)
{
	return pyi_memory_u64(keys->view->snapshot->reader, addr);
}

static uint64_t table_of(const struct pyi_dict_keys *keys, uint32_t dict)
{
	return load(keys, pyi_graph_address(keys->view->graph, dict) +
				  runtime_of(keys)->layout->dict_keys);
}

static uint64_t lookup_of(const struct pyi_dict_keys *keys, uint32_t dict)
{
	return load(keys,
		    table_of(keys, dict) + runtime_of(keys)->layout->keys_size + LOOKUP_AFTER_SIZE);
}

/* Each value is followed by its key. */
static bool has_other_key(const struct pyi_dict_keys *keys, uint32_t dict)
{
	const struct pyi_graph *graph = keys->view->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, dict);

	for (uint64_t e = 1; e < referents.count; e += 2)
		if (graph->types[pyi_graph_type(graph, referents.items[e])].addr !=
		    runtime_of(keys)->str_type_addr)
			return true;
	return false;
}

static void look_for_general(struct pyi_dict_keys *keys)
{
	const struct pyi_graph *graph = keys->view->graph;

	keys->looked_for = true;
	for (uint32_t node = 0; node < graph->node_count && !keys->general_lookup; node++)
		if (graph->types[pyi_graph_type(graph, node)].addr ==
			    runtime_of(keys)->dict_type_addr &&
		    !pyi_graph_labels(graph, node) &&
		    !(pyi_graph_flags(graph, node) & (PYI_NODE_KEYS | PYI_NODE_INCOMPLETE)) &&
		    has_other_key(keys, node))
			keys->general_lookup = lookup_of(keys, node);
}

static bool are_reported(struct pyi_dict_keys *keys, uint32_t dict)
{
	const struct pyi_layout *layout = runtime_of(keys)->layout;
	uint8_t kind;

	if (keys->view->names && keys->view->names->offline)
		return pyi_pattern_keys_reported(keys->view->graph, dict);
	/* A table of its own is for any key. */
	if (layout->dict_keys == PYI_ABSENT)
		return true;
	if (layout->keys_kind != PYI_ABSENT &&
	    pyi_memory_try_read(keys->view->snapshot->reader,
				table_of(keys, dict) + layout->keys_kind, &kind, 1))
		return kind == 0;
	if (has_other_key(keys, dict))
		return true;
	if (layout->keys_size == PYI_ABSENT)
		return false;
	if (!keys->looked_for)
		look_for_general(keys);
	return keys->general_lookup && lookup_of(keys, dict) == keys->general_lookup;
}

bool pyi_dict_keys_are_reported(struct pyi_dict_keys *keys, uint32_t dict)
{
	if (!keys->asked || keys->dict != dict)
		keys->reported = are_reported(keys, dict);
	keys->asked = true;
	keys->dict = dict;
	return keys->reported;
}
