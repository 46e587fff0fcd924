/*
 * Goes through the references of a node.
 */
#include "heap/node_items.h"

#include <string.h>

static uint32_t find(const struct pyi_graph_view *view, uint64_t addr)
{
	uint32_t node = pyi_graph_find(view->graph, addr);

	return node != PYI_GRAPH_NONE && pyi_graph_flags(view->graph, node) & PYI_NODE_KEYS
		       ? PYI_GRAPH_NONE
		       : node;
}

static bool is_dict(const struct pyi_graph_view *view, uint32_t node)
{
	const uint32_t kind = view->graph->types[pyi_graph_type(view->graph, node)].kind;

	return kind == PYI_KIND_DICT || kind == PYI_KIND_ORDERED_DICT;
}

bool pyi_node_items_each(const struct pyi_graph_view *view, uint64_t dict_addr,
			 bool (*item)(void *argument, uint64_t key, uint64_t value), void *argument)
{
	const struct pyi_graph *graph = view->graph;
	uint32_t node = find(view, dict_addr);
	struct pyi_graph_nodes referents;

	if (node == PYI_GRAPH_NONE || !is_dict(view, node))
		return false;
	referents = pyi_graph_referents(graph, node);
	for (uint64_t place = 0; place < referents.count; place++) {
		struct pyi_edge edge = pyi_names_edge(view->names, node, place);

		if ((edge.kind == PYI_EDGE_ITEM || edge.kind == PYI_EDGE_ATTRIBUTE) &&
		    !item(argument, edge.detail, pyi_graph_address(graph, referents.items[place])))
			return true;
	}
	return true;
}

static bool is_called(const struct pyi_graph_view *view, uint64_t key, const char *name)
{
	uint32_t node = key ? find(view, key) : PYI_GRAPH_NONE;
	const char *text = node != PYI_GRAPH_NONE ? pyi_graph_text(view->graph, node) : NULL;

	return text && strcmp(text, name) == 0;
}

/* Among the references of a node itself. */
static bool find_in(const struct pyi_graph_view *view, uint32_t node, const char *name,
		    uint64_t *ret_value)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(view->graph, node);

	for (uint64_t place = 0; place < referents.count; place++) {
		struct pyi_edge edge = pyi_names_edge(view->names, node, place);

		if ((edge.kind != PYI_EDGE_ITEM && edge.kind != PYI_EDGE_ATTRIBUTE) ||
		    !is_called(view, edge.detail, name))
			continue;
		*ret_value = pyi_graph_address(view->graph, referents.items[place]);
		return true;
	}
	return false;
}

bool pyi_node_items_attribute(const struct pyi_graph_view *view, uint64_t object_addr,
			      const char *name, uint64_t *ret_value)
{
	uint32_t node = find(view, object_addr);
	struct pyi_graph_nodes referents;

	if (node == PYI_GRAPH_NONE)
		return false;
	if (find_in(view, node, name, ret_value))
		return true;
	referents = pyi_graph_referents(view->graph, node);
	for (uint64_t place = 0; place < referents.count; place++)
		if (pyi_names_edge(view->names, node, place).kind == PYI_EDGE_DICT &&
		    find_in(view, referents.items[place], name, ret_value))
			return true;
	return false;
}
