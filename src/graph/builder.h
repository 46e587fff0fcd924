/*
 * Makes a graph of a stream (pyinspect/graph_stream.h) whose entries come in any order.
 *
 * What comes is kept until all of it is there, since numbers are in the order of addresses. Does
 * not know where it comes from, and believes none of it.
 */
#ifndef PYI_GRAPH_BUILDER_H
#define PYI_GRAPH_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "graph/graph.h"
#include "graph/space.h"

struct pyi_graph_builder;

/* The space must outlive the graph. */
struct pyi_error *pyi_graph_builder_create(struct pyi_graph_space *space,
					   struct pyi_graph_builder **ret_builder) PYI_MUST_CHECK;
/* NULL is fine. */
void pyi_graph_builder_destroy(struct pyi_graph_builder *builder);

/*
 * Takes a run of whole entries. Errors (exit 1): "payload-failed" if they are none; "too-large" if
 * there is no room.
 */
struct pyi_error *pyi_graph_builder_feed(struct pyi_graph_builder *builder, const uint64_t *words,
					 size_t word_count) PYI_MUST_CHECK;

/* What a number of the stream means; said once, at any time. `name` may be NULL and is copied. */
struct pyi_error *pyi_graph_builder_add_type(struct pyi_graph_builder *builder, uint32_t number,
					     uint64_t addr, uint32_t kind,
					     const char *name) PYI_MUST_CHECK;

/* A reference from outside; `node` of it is not looked at, its text (may be NULL) is copied. */
struct pyi_error *pyi_graph_builder_add_root(struct pyi_graph_builder *builder,
					     uint64_t object_addr,
					     const struct pyi_graph_root *root) PYI_MUST_CHECK;

/*
 * What the object refers to does not live by it: its references are left out, whenever they come.
 * Of a thousand objects; more are ignored.
 */
struct pyi_error *pyi_graph_builder_add_weak(struct pyi_graph_builder *builder,
					     uint64_t object_addr) PYI_MUST_CHECK;

/* The text of an object that names others; copied. */
struct pyi_error *pyi_graph_builder_add_text(struct pyi_graph_builder *builder,
					     uint64_t object_addr, const char *text) PYI_MUST_CHECK;

/*
 * The graph of all that came; nothing can be added any more. Without reverse edges. Errors as for
 * feeding.
 */
struct pyi_error *pyi_graph_builder_finish(struct pyi_graph_builder *builder,
					   struct pyi_graph *ret_graph) PYI_MUST_CHECK;

#endif
