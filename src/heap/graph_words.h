/*
 * What people are told about nodes and references of a graph: names where there are any, else what
 * the graph itself knows. All texts are malloc'ed; NULL without memory.
 */
#ifndef PYI_HEAP_GRAPH_WORDS_H
#define PYI_HEAP_GRAPH_WORDS_H

#include <stdint.h>

#include "analysis/nearest_path.h"
#include "heap/graph.h"

/* The name of a type; "?" if it has none, "(keys of dicts)" for what is no object. */
const char *pyi_words_type(const struct pyi_graph *graph, uint32_t node);

/* A reference, as pyi_names_text(). */
char *pyi_words_edge(const struct pyi_graph_view *view, uint32_t source, uint64_t place);

/*
 * The same, of a reference that the __dict__ of something has: the attribute that it is, ".name".
 */
char *pyi_words_attribute(const struct pyi_graph_view *view, uint32_t dict, uint64_t place);

/* True if the reference leads to the __dict__ of the source. */
bool pyi_words_is_dict_of(const struct pyi_graph_view *view, uint32_t source, uint64_t place);

/* Where a way begins: "sys.modules", "frame foo.f local x", "held by C code". */
char *pyi_words_start(const struct pyi_graph_view *view, uint32_t node, enum pyi_path_start start);

/* What a dict is the __dict__ of: "module foo", "class foo.X", "foo.X 0x7f..": NULL: of nothing, or
 * no memory. */
char *pyi_words_dict_owner(const struct pyi_graph_view *view, uint32_t dict);

#endif
