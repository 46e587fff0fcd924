/*
 * Names the reference to an example of each group.
 */
#include "heap/tree_words.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "base/cleanup.h"
#include "heap/graph_words.h"

/* Where a group begins that several ways lead to, or that is not reached at all. */
static struct pyi_error *name_top(const struct pyi_graph_view *view,
				  const struct pyi_tree_group *group, bool from_roots,
				  char **ret_name)
{
	enum pyi_path_start start = pyi_path_start_of(view->graph, group->example);
	PYI_CLEANUP(pyi_nearest_path_deinit) struct pyi_nearest_path path = { 0 };
	struct pyi_error *error;

	if (group->above != PYI_GRAPH_NONE) {
		*ret_name = strdup("(several ways)");
	} else if (!from_roots) {
		*ret_name = strdup("");
	} else if (group->objects > 1) {
		*ret_name = strdup("(roots)");
	} else {
		*ret_name = pyi_words_dict_owner(view, group->example);
		if (*ret_name)
			return NULL;
		/* It begins nothing: several roots lead to it, or none. */
		if (start == PYI_PATH_FROM_NOTHING) {
			error = pyi_nearest_path_find(view->graph, group->example, &path);
			if (error)
				return error;
			*ret_name = strdup(path.start == PYI_PATH_FROM_NOTHING ? "(nothing)"
									       : "(several ways)");
		} else {
			*ret_name = pyi_words_start(view, group->example, start);
		}
	}
	return NULL;
}

/* Of places that are not told apart. */
static const char *any_of(const struct pyi_graph_view *view, const struct pyi_tree_group *group,
			  bool in_dict)
{
	const uint16_t *labels = pyi_graph_labels(view->graph, group->source);
	uint32_t kind = view->graph->types[pyi_graph_type(view->graph, group->source)].kind;

	if (in_dict)
		return ".*";
	if (kind == PYI_KIND_SET ||
	    (labels && pyi_label_kind_of(labels[group->place]) == PYI_LABEL_KEY))
		return "{*}";
	return kind == PYI_KIND_DICT || kind == PYI_KIND_ORDERED_DICT || kind == PYI_KIND_LIST ||
			       kind == PYI_KIND_TUPLE || kind == PYI_KIND_DEQUE
		       ? "[*]"
		       : ".*";
}

static struct pyi_error *make_line(const struct pyi_graph_view *view,
				   const struct pyi_tree_group *group,
				   const struct pyi_tree_words *words, bool from_roots,
				   struct pyi_tree_line *line)
{
	struct pyi_error *error = NULL;
	bool in_dict = group->above != PYI_GRAPH_NONE && words->lines[group->above].is_dict;

	*line = (struct pyi_tree_line){ .group = *group };
	line->type = strdup(pyi_words_type(view->graph, group->example));
	if (group->objects == 1)
		line->addr = pyi_graph_address(view->graph, group->example);
	if (group->source == PYI_GRAPH_NONE) {
		error = name_top(view, group, from_roots, &line->name);
	} else if (group->any_place && group->objects > 1) {
		line->name = strdup(any_of(view, group, in_dict));
	} else {
		line->is_dict = pyi_words_is_dict_of(view, group->source, group->place);
		line->name = in_dict ? pyi_words_attribute(view, group->source, group->place)
				     : pyi_words_edge(view, group->source, group->place);
	}
	if (!error && (!line->name || !line->type))
		error = pyi_error_no_memory();
	return error;
}

struct pyi_error *pyi_tree_words_make(const struct pyi_graph_view *view,
				      const struct pyi_dominator_tree *tree, bool from_roots,
				      struct pyi_tree_words *ret_words)
{
	struct pyi_tree_words words = { 0 };
	struct pyi_error *error = NULL;

	words.lines = calloc(tree->count + 1, sizeof(*words.lines));
	if (!words.lines)
		return pyi_error_no_memory();
	for (size_t g = 0; g < tree->count && !error; g++) {
		error = view->session ? pyi_session_check(view->session) : NULL;
		/* Counted also if it is half done, to be freed. */
		words.count++;
		if (!error)
			error = make_line(view, &tree->groups[g], &words, from_roots,
					  &words.lines[g]);
	}
	if (error) {
		pyi_tree_words_deinit(&words);
		return error;
	}
	*ret_words = words;
	return NULL;
}

void pyi_tree_words_deinit(struct pyi_tree_words *words)
{
	for (size_t l = 0; l < words->count; l++) {
		free(words->lines[l].name);
		free(words->lines[l].type);
	}
	free(words->lines);
	*words = (struct pyi_tree_words){ 0 };
}
