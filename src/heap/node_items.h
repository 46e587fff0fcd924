/*
 * Items of dicts and attributes in a graph, by the names of its references: what
 * python/attributes.h finds in memory, for where there is no memory (heap/offline.h).
 *
 * Keys that are not kept have no name, and are not found by one.
 */
#ifndef PYI_HEAP_NODE_ITEMS_H
#define PYI_HEAP_NODE_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/graph.h"

/* Calls back for the items of the dict at this address, with addresses; false if it is none of the
 * graph. The callback returns false to stop. `view` has names. */
bool pyi_node_items_each(const struct pyi_graph_view *view, uint64_t dict_addr,
			 bool (*item)(void *argument, uint64_t key, uint64_t value),
			 void *argument);

/* The value of `name` in the __dict__ of an object, a class among them; false if it has none. */
bool pyi_node_items_attribute(const struct pyi_graph_view *view, uint64_t object_addr,
			      const char *name, uint64_t *ret_value);

#endif
