/*
 * Asks for the name of a reference where that does not depend on how many there are.
 */
#include "heap/path_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "python/attributes.h"
#include "python/members.h"

enum {
	/* References of one object that are told apart though they lead to the same. */
	COUNTED_LIMIT = 1024,
	/* Items of longer tuples are not told apart. */
	TUPLE_LIMIT = 16,
};

#define ANY "[*]"

struct naming {
	struct pyi_names *names;
	const struct pyi_graph *graph;
	const struct pyi_spanning_tree *tree;
	uint32_t node;
	uint32_t above;
	uint32_t place;
	bool in_dict;
};

static uint32_t kind_of(const struct naming *naming, uint32_t node)
{
	return naming->graph->types[pyi_graph_type(naming->graph, node)].kind;
}

static uint64_t addr_of(const struct naming *naming, uint32_t node)
{
	return pyi_graph_address(naming->graph, node);
}

static bool give(struct pyi_path_part *part, enum pyi_path_part_kind kind, char *text)
{
	*part = (struct pyi_path_part){ kind, text };
	return text != NULL;
}

static bool give_any(struct pyi_path_part *part)
{
	return give(part, PYI_PART_BEHIND, strdup(ANY));
}

/* An attribute by the str that names it. */
static bool give_attribute(const struct naming *naming, uint64_t key, struct pyi_path_part *part)
{
	char name[PYI_NAME_BYTES];
	char *text;

	if (!pyi_places_attribute_name(&naming->names->places, key, name))
		return give(part, PYI_PART_BEHIND, strdup(".__dict__" ANY));
	return give(part, PYI_PART_BEHIND, asprintf(&text, ".%s", name) < 0 ? NULL : text);
}

static bool give_place(const struct naming *naming, const struct pyi_place *place,
		       struct pyi_path_part *part)
{
	bool none;

	return give(part, PYI_PART_FIRST, pyi_places_owner(&naming->names->places, place, &none));
}

/* What a cell has is the variable of the function that the cell was reached through. */
static bool give_of_cell(const struct naming *naming, struct pyi_path_part *part)
{
	const struct pyi_places *places = &naming->names->places;
	const struct pyi_layout *layout = places->runtime->layout;
	const struct pyi_spanning_tree *tree = naming->tree;
	uint32_t tuple = tree->above[naming->above];
	uint32_t function = tuple == PYI_GRAPH_NONE ? PYI_GRAPH_NONE : tree->above[tuple];
	struct pyi_place place = { .holder = PYI_HOLDER_FUNCTION,
				   .edge = { .kind = PYI_EDGE_CLOSURE } };
	uint64_t count;

	if (function == PYI_GRAPH_NONE || kind_of(naming, tuple) != PYI_KIND_TUPLE ||
	    kind_of(naming, function) != PYI_KIND_FUNCTION ||
	    !pyi_memory_try_read_u64(places->reader,
				     addr_of(naming, function) + layout->function_code,
				     &place.holder_addr))
		return give(part, PYI_PART_NONE, strdup(""));
	count = pyi_graph_referents(naming->graph, tuple).count;
	/* The last item comes first. */
	place.edge.detail = count - 1 - tree->places[naming->above];
	place.edge.context = place.holder_addr;
	return give_place(naming, &place, part);
}

static bool is_container(uint32_t kind)
{
	return kind == PYI_KIND_DICT || kind == PYI_KIND_ORDERED_DICT || kind == PYI_KIND_LIST ||
	       kind == PYI_KIND_SET || kind == PYI_KIND_DEQUE || kind == PYI_KIND_ARRAY;
}

static bool is_dict_of_type(const struct naming *naming, const struct pyi_edge *edge)
{
	return kind_of(naming, naming->above) == PYI_KIND_TYPE && edge->kind == PYI_EDGE_FIELD &&
	       edge->detail == naming->names->places.runtime->layout->type_dict;
}

static bool give_field(const struct naming *naming, const struct pyi_edge *edge,
		       struct pyi_path_part *part)
{
	const struct pyi_graph_type *type =
		&naming->graph->types[pyi_graph_type(naming->graph, naming->above)];
	char *text = pyi_places_edge(&naming->names->places, type->addr, edge);

	if (text && strncmp(text, ".<", 2) == 0) {
		free(text);
		return give_any(part);
	}
	return give(part, PYI_PART_BEHIND, text);
}

static bool give_index(const struct naming *naming, uint64_t index, struct pyi_path_part *part)
{
	char *text;

	if (kind_of(naming, naming->above) != PYI_KIND_TUPLE || index >= TUPLE_LIMIT ||
	    pyi_graph_referents(naming->graph, naming->above).count > TUPLE_LIMIT)
		return give_any(part);
	return give(part, PYI_PART_BEHIND,
		    asprintf(&text, "[%u]", (unsigned)index) < 0 ? NULL : text);
}

static bool give_edge(const struct naming *naming, const struct pyi_edge *edge,
		      struct pyi_path_part *part)
{
	struct pyi_place place = { .holder = PYI_HOLDER_FRAME,
				   .holder_addr = edge->context,
				   .edge = *edge };

	if (edge->kind == PYI_EDGE_DICT || is_dict_of_type(naming, edge))
		return give(part, PYI_PART_DICT, strdup(""));
	switch (edge->kind) {
	case PYI_EDGE_ATTRIBUTE:
		return give_attribute(naming, edge->detail, part);
	case PYI_EDGE_ITEM:
		return naming->in_dict ? give_attribute(naming, edge->detail, part)
				       : give_any(part);
	case PYI_EDGE_INDEX:
		return give_index(naming, edge->detail, part);
	case PYI_EDGE_LOCAL:
		return give_place(naming, &place, part);
	case PYI_EDGE_FIELD:
		return give_field(naming, edge, part);
	case PYI_EDGE_TYPE:
		return give(part, PYI_PART_BEHIND, strdup(".__class__"));
	default:
		return give_any(part);
	}
}

/* A value among attributes or slots; `name` is empty as long as it is not found. */
struct wanted_value {
	const struct naming *naming;
	uint64_t addr;
	uint64_t key;
	char name[PYI_NAME_BYTES];
};

static bool see_attribute(void *argument, uint64_t key, uint64_t value)
{
	struct wanted_value *wanted = argument;

	if (value == wanted->addr)
		wanted->key = key;
	return !wanted->key;
}

static bool see_slot(void *argument, const struct pyi_member *member)
{
	struct wanted_value *wanted = argument;
	struct pyi_memory_reader *reader = wanted->naming->names->places.reader;
	uint64_t value;

	if (!member->is_object ||
	    !pyi_memory_try_read_u64(
		    reader, addr_of(wanted->naming, wanted->naming->above) + member->offset,
		    &value) ||
	    value != wanted->addr)
		return true;
	return !pyi_memory_try_read_string(reader, member->name_addr, wanted->name,
					   sizeof(wanted->name)) ||
	       !wanted->name[0];
}

/* Of a container, which may have any number of items; its subclasses have attributes, too. */
static bool give_of_container(const struct naming *naming, struct pyi_path_part *part)
{
	const struct pyi_runtime *runtime = naming->names->places.runtime;
	struct pyi_memory_reader *reader = naming->names->places.reader;
	const uint64_t source = addr_of(naming, naming->above);
	const uint64_t type =
		naming->graph->types[pyi_graph_type(naming->graph, naming->above)].addr;
	struct wanted_value wanted = { .naming = naming, .addr = addr_of(naming, naming->node) };
	char *text;

	if (naming->node == pyi_names_dict(naming->names, naming->above))
		return give(part, PYI_PART_DICT, strdup(""));
	if (pyi_attributes_are_possible(runtime, reader, type) &&
	    pyi_attributes_storage(runtime, reader, source, type).values_addr &&
	    pyi_attributes_each(runtime, reader, source, see_attribute, &wanted) && wanted.key)
		return give_attribute(naming, wanted.key, part);
	pyi_members_each_slot(runtime, reader, type, see_slot, &wanted);
	if (!wanted.name[0] || !pyi_places_is_identifier(wanted.name))
		return give_any(part);
	return give(part, PYI_PART_BEHIND, asprintf(&text, ".%s", wanted.name) < 0 ? NULL : text);
}

/* Of a dict that is whole the key stands beside the value: nothing has to be looked for. */
static bool is_paired(const struct naming *naming)
{
	const uint32_t type = pyi_graph_type(naming->graph, naming->above);
	const uint32_t flags = pyi_graph_flags(naming->graph, naming->above);

	return !(flags & (PYI_NODE_INCOMPLETE | PYI_NODE_LABELLED)) &&
	       naming->graph->types[type].addr == naming->names->places.runtime->dict_type_addr;
}

/*
 * With many references, which of several to the same object it is is not counted: that takes longer
 * the more there are. Nor are the items of an array looked through.
 */
static struct pyi_edge find_edge(const struct naming *naming)
{
	const struct pyi_places *places = &naming->names->places;
	struct pyi_reference reference = {
		.source = addr_of(naming, naming->above),
		.target = addr_of(naming, naming->node),
		.internal = kind_of(naming, naming->above) == PYI_KIND_GREENLET,
	};

	if (pyi_graph_referents(naming->graph, naming->above).count <= COUNTED_LIMIT ||
	    is_paired(naming))
		return pyi_names_edge(naming->names, naming->above, naming->place);
	/* So its type has been read. */
	(void)pyi_names_dict(naming->names, naming->above);
	return pyi_references_find(
		places->runtime, places->reader,
		&naming->names->types[pyi_graph_type(naming->graph, naming->above)], &reference);
}

bool pyi_path_part_find(struct pyi_names *names, const struct pyi_spanning_tree *tree,
			uint32_t node, bool in_dict, struct pyi_path_part *ret_part)
{
	const struct naming naming = { .names = names,
				       .graph = tree->graph,
				       .tree = tree,
				       .node = node,
				       .above = tree->above[node],
				       .place = tree->places[node],
				       .in_dict = in_dict };
	const uint64_t referents = pyi_graph_referents(tree->graph, naming.above).count;
	uint32_t kind = kind_of(&naming, naming.above);
	struct pyi_edge edge;

	if (kind == PYI_KIND_CELL)
		return give_of_cell(&naming, ret_part);
	if (is_container(kind) && !in_dict)
		return give_of_container(&naming, ret_part);
	if (referents > COUNTED_LIMIT && (is_container(kind) || kind == PYI_KIND_TUPLE) &&
	    !is_paired(&naming))
		return give_any(ret_part);
	edge = find_edge(&naming);
	return give_edge(&naming, &edge, ret_part);
}

void pyi_path_part_deinit(struct pyi_path_part *part)
{
	free(part->text);
	*part = (struct pyi_path_part){ 0 };
}
