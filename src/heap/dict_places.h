/*
 * What the references of a large dict are called, of a subclass or an ordered one, where its places
 * do not say it: all at once.
 */
#ifndef PYI_HEAP_DICT_PLACES_H
#define PYI_HEAP_DICT_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "heap/graph.h"

struct pyi_dict_places;

/*
 * *ret_places is NULL if `node` is no such dict, or has no more than `least` references: then each
 * is to be looked for. To be destroyed.
 */
struct pyi_error *pyi_dict_places_find(const struct pyi_graph_view *view, uint32_t node,
				       uint64_t least,
				       struct pyi_dict_places **ret_places) PYI_MUST_CHECK;
/* Safe on NULL. */
void pyi_dict_places_destroy(struct pyi_dict_places *places);

/* The same as pyi_names_edge() says, but for `internal`; false if it is to be looked for. */
bool pyi_dict_places_edge(const struct pyi_dict_places *places, uint64_t place,
			  struct pyi_edge *ret_edge);

PYI_DEFINE_GUARD(dict_places, struct pyi_dict_places, pyi_dict_places_destroy)

#endif
