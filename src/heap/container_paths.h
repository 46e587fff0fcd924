/*
 * How long containers are wherever something holds them: in attributes at any depth, in containers,
 * closures, frames, generators, caches of functions. Each is called after a shortest way to it,
 * and those whose ways read the same are added up:
 *
 *   "app.CACHE[*].entries"             from a module or class; "[*]" is any item or key
 *   "function bus.subscribe closure s" a variable of a closure, and what it leads to
 *   "frame worker local q"             a local variable, also of a generator or coroutine
 *   "sys.modules", "thread state"      what the interpreter holds
 *   "app.Cache.entries"                of instances of a class that no object leads to
 *
 * There are no addresses in names, nor keys: they are the same at the next look. Modules and
 * classes come before all else, modules in the order in which they were imported.
 */
#ifndef PYI_HEAP_CONTAINER_PATHS_H
#define PYI_HEAP_CONTAINER_PATHS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/sample.h"
#include "base/error.h"
#include "graph/graph.h"
#include "heap/names.h"
#include "python/containers.h"
#include "python/interpreters.h"
#include "python/types.h"

struct pyi_container_paths_request {
	/* Asked now and then: an error ends the work. */
	struct pyi_error *(*check)(const void *argument);
	const void *check_argument;
	const struct pyi_interpreters *interpreters;
	const struct pyi_type_list *types;
	/* Containers of so many items are added up. */
	uint64_t least;
	/* Names under which all are, however short they are. */
	const char *const *wanted;
	size_t wanted_count;
	/* Containers that have a name already: left out, but of what is wanted. */
	const struct pyi_container_list *known;
};

/*
 * Adds a PYI_FIGURE_CONTAINER for each name to a sample, and a PYI_FIGURE_LONGEST where it is the
 * name of several; a name that the sample has is left out. `*ret_cut`: there are more than were
 * looked at, and those with the most entries are kept. Errors (exit 1): "too-large" if there is no
 * room, no memory, and those of `check`.
 */
struct pyi_error *pyi_container_paths_measure(const struct pyi_container_paths_request *request,
					      const struct pyi_graph *graph,
					      struct pyi_names *names, struct pyi_sample *sample,
					      bool *ret_cut) PYI_MUST_CHECK;

#endif
