/*
 * All types of a snapshot, and what stands for a type: old-style classes (2.7), which only the
 * collector's lists lead to. Does not choose among them.
 */
#ifndef PYI_HEAP_ALL_TYPES_H
#define PYI_HEAP_ALL_TYPES_H

#include "base/error.h"
#include "heap/session.h"
#include "python/types.h"

/* Errors: those of pyi_types_list(), and where there are such classes those of a walk. */
struct pyi_error *pyi_session_list_types(struct pyi_session *session,
					 struct pyi_source_snapshot *snapshot,
					 const struct pyi_interpreters *interpreters,
					 struct pyi_type_list *ret_list) PYI_MUST_CHECK;

#endif
