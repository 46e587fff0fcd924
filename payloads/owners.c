/*
 * What things are named after: which objects name what they hold, and how.
 */
#include "graph.h"

bool pyi_graph_is_plain_container(const struct pyi_walk_type *type)
{
	switch (type->kind) {
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
	case PYI_KIND_LIST:
	case PYI_KIND_TUPLE:
	case PYI_KIND_SET:
	case PYI_KIND_DEQUE:
		return true;
	default:
		return false;
	}
}

/* What it holds is named after it: not so for containers and the small things of C code. */
uint32_t pyi_holder_kind(const struct pyi_walk_type *type)
{
	switch (type->kind) {
	case PYI_KIND_MODULE:
		return PYI_HOLDER_MODULE;
	case PYI_KIND_TYPE:
		return PYI_HOLDER_CLASS;
	case PYI_KIND_FUNCTION:
		return PYI_HOLDER_FUNCTION;
	case PYI_KIND_FRAME:
	case PYI_KIND_GENERATOR:
		return PYI_HOLDER_FRAME;
	/* There are as many as functions, and most hold much the same. */
	case PYI_KIND_CODE:
	case PYI_KIND_GREENLET:
		return PYI_HOLDER_INSTANCE;
	case PYI_KIND_PLAIN:
		return type->flags & PYI_TPFLAG_HEAP_TYPE ? PYI_HOLDER_INSTANCE : PYI_HOLDER_NONE;
	default:
		return PYI_HOLDER_NONE;
	}
}

/* The place that a named thing is itself; none for instances, of which there are many alike. */
struct pyi_place pyi_place_of(const struct pyi_walk *walk, uint64_t object,
			      const struct pyi_walk_type *type)
{
	struct pyi_place place = { .holder = pyi_holder_kind(type), .holder_addr = object };

	if (place.holder == PYI_HOLDER_FUNCTION)
		place.holder_addr = pyi_field(object, walk->layout->function_code);
	else if (place.holder == PYI_HOLDER_FRAME)
		place.holder_addr = pyi_code_of(walk, object, type);
	if (place.holder == PYI_HOLDER_FRAME && !place.holder_addr)
		place.holder = PYI_HOLDER_INSTANCE;
	if (place.holder == PYI_HOLDER_INSTANCE)
		place.holder_addr = type->addr;
	return place;
}

/* The owner to report for what `holder` refers to. */
struct pyi_place pyi_owner_of(const struct pyi_walk *walk, uint64_t holder,
			      const struct pyi_walk_type *type, uint32_t tag)
{
	struct pyi_place place = pyi_place_of(walk, holder, type);

	if (place.holder == PYI_HOLDER_INSTANCE)
		return (struct pyi_place){ 0 };
	if (place.holder == PYI_HOLDER_NONE)
		return walk->graph->places[tag];
	return place;
}
