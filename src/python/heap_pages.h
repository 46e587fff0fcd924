/*
 * Pages of memory with objects, of an interpreter without a GIL: there objects are on no list of
 * the collector, which looks through the heaps of mimalloc instead, and so do we.
 *
 * Finds the pages; what is in them, the payload says. Reads through a reader only; follows every
 * chain with a bound, and believes a link when it links back.
 */
#ifndef PYI_PYTHON_HEAP_PAGES_H
#define PYI_PYTHON_HEAP_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include <pyinspect/payload.h>

#include "base/error.h"
#include "process/memory_reader.h"
#include "python/interpreters.h"
#include "python/runtime.h"

/* True if the objects of this runtime are in pages, not on lists. */
bool pyi_heap_pages_are_used(const struct pyi_runtime *runtime);

/*
 * The pages of all threads of the interpreters, and of those threads that have ended; to be freed
 * by the caller. For what makes no sense, or is about to move from one heap to another, there is
 * one that is marked as broken: objects may be missing then.
 */
struct pyi_error *pyi_heap_pages_find(const struct pyi_runtime *runtime,
				      struct pyi_memory_reader *reader,
				      const struct pyi_interpreters *interpreters,
				      struct pyi_gc_list **ret_pages,
				      size_t *ret_count) PYI_MUST_CHECK;

/* True for one that is marked as broken. */
bool pyi_heap_pages_is_broken(const struct pyi_gc_list *page);

#endif
