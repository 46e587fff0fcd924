/*
 * Whether tp_traverse of a dict reports its keys: gc.get_referents() has them then. It leaves them
 * out of a table that is for strings alone.
 */
#ifndef PYI_HEAP_DICT_KEYS_H
#define PYI_HEAP_DICT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/graph.h"

struct pyi_dict_keys {
	const struct pyi_graph_view *view;
	/* The function that looks up keys of any type; 0: it is not known. */
	bool looked_for;
	uint64_t general_lookup;
	/* What was asked last, and the answer. */
	bool asked;
	uint32_t dict;
	bool reported;
};

/*
 * Of a dict itself, no subclass, that does not share its keys. Up to 3.10 a table with strings
 * alone is for any key once one was looked for that is no string: that is known by the function
 * that looks up, if the heap has another dict with a key that is none.
 */
bool pyi_dict_keys_are_reported(struct pyi_dict_keys *keys, uint32_t dict);

#endif
