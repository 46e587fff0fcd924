/*
 * pyinspect TARGET dominators: who alone keeps what alive, as a tree. Does not compute or print it
 * itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/dominator_tree.h"
#include "analysis/heap_types.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/heap_graph.h"
#include "cli/inspection.h"
#include "graph/bits.h"
#include "heap/object_facts.h"
#include "heap/subject.h"
#include "heap/tree_words.h"
#include "report/dominators.h"

enum {
	DEFAULT_DEPTH = 12,
};

static const char help[] =
	"usage: pyinspect TARGET dominators [TYPE|0xADDRESS] [options]\n"
	"\n"
	"Shows who alone keeps how much alive, as a tree: everything that stands below an\n"
	"object would be freed with it. Objects of one type at the same place are one\n"
	"group. It begins with the roots; with TYPE, with all objects of that type; or\n"
	"with one object.\n"
	"\n"
	"  -n, --limit N        show at most N groups, the biggest (default 30; 0: 1000,\n"
	"                       which is the most)\n"
	"      --depth N        so many levels, 1 to 20 (default 12)\n"
	"      --min-share P    none that keeps less than P percent of what the tree\n"
	"                       begins with (default 1)\n"
	"      --exact          not objects of subclasses of TYPE\n"
	"      --address ADDR   the same as an address instead of TYPE; decimal too\n"
	"      --values         show keys that are strings, numbers or tuples of these,\n"
	"                       cut; without it, names only\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"RETAINED is what would be freed with the objects of a group, each by itself; it\n"
	"is counted once, so that those of a level add up. OBJECTS is how many they are,\n"
	"or the address of the only one, for show. What several ways lead to stands below\n"
	"what all of these ways have in common, often far above.\n"
	"\n"
	"It takes memory beside that of the process: about 110 bytes an object.\n"
	"\n"
	"Examples:\n"
	"  pyinspect 1234 dominators\n"
	"  pyinspect 1234 dominators foo.Session --depth 3\n"
	"  pyinspect 1234 dominators 0x7f2a5c0d1e40 --min-share 0 -n 100\n";

struct asking {
	const struct pyi_options *options;
	char *type;
	uint64_t objects;
	struct pyi_retained together;
	struct pyi_dominator_tree tree;
	struct pyi_tree_words words;
};

static void drop(struct asking *asking)
{
	pyi_tree_words_deinit(&asking->words);
	pyi_dominator_tree_deinit(&asking->tree);
	free(asking->type);
	asking->type = NULL;
	asking->objects = 0;
	asking->together = (struct pyi_retained){ 0 };
}

static int compare_addrs(const void *left, const void *right)
{
	uint64_t one = *(const uint64_t *)left;
	uint64_t other = *(const uint64_t *)right;

	return (one > other) - (one < other);
}

/* Of a dump: the type that is called so, alone. */
static struct pyi_error *mark_named(struct asking *asking, const struct pyi_graph *graph,
				    uint64_t *set)
{
	const char *wanted = asking->options->subject;

	for (uint32_t node = 0; node < graph->node_count; node++) {
		const char *name = graph->types[pyi_graph_type(graph, node)].name;

		if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS || !name ||
		    strcmp(name, wanted) != 0)
			continue;
		pyi_bits_set(set, node);
		asking->objects++;
	}
	if (!asking->objects)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SUCH_TYPE,
						       "the dump has no object of a type '%s'",
						       wanted),
				      "of a dump a type is meant by its full name, as top-types "
				      "shows it");
	asking->type = strdup(wanted);
	return asking->type ? NULL : pyi_error_no_memory();
}

/* Marks the objects of the types that are meant. */
static struct pyi_error *mark_type(struct asking *asking, const struct pyi_graph_view *view,
				   uint64_t *set)
{
	const struct pyi_graph *graph = view->graph;
	const struct pyi_subject subject = { .type = asking->options->subject,
					     .exact = asking->options->exact };
	PYI_CLEANUP(pyi_subject_found_deinit) struct pyi_subject_found found = { 0 };
	struct pyi_error *error = pyi_subject_find(&subject, view->session, view->snapshot,
						   view->interpreters, &found);

	if (error)
		return error;
	for (uint32_t node = 0; node < graph->node_count; node++) {
		uint64_t type = graph->types[pyi_graph_type(graph, node)].addr;

		if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS ||
		    !bsearch(&type, found.meant, found.meant_count, sizeof(type), compare_addrs))
			continue;
		pyi_bits_set(set, node);
		asking->objects++;
	}
	asking->type = found.name;
	found.name = NULL;
	return NULL;
}

static struct pyi_error *mark(struct asking *asking, const struct pyi_graph_view *view,
			      uint64_t *set)
{
	uint32_t node;

	if (!asking->options->address && !view->snapshot)
		return mark_named(asking, view->graph, set);
	if (!asking->options->address)
		return mark_type(asking, view, set);
	node = pyi_graph_find(view->graph, asking->options->address);
	if (node == PYI_GRAPH_NONE || pyi_graph_flags(view->graph, node) & PYI_NODE_KEYS)
		return pyi_object_facts_missing(view->graph, asking->options->address);
	pyi_bits_set(set, node);
	asking->objects = 1;
	return NULL;
}

static struct pyi_error *grow(struct asking *asking, const struct pyi_graph_view *view,
			      const uint64_t *set)
{
	const struct pyi_options *options = asking->options;
	struct pyi_tree_request request = {
		.set = set,
		.depth = options->given & PYI_OPTION_DEPTH ? options->depth : DEFAULT_DEPTH,
		.limit = options->limit,
	};
	struct pyi_error *error = NULL;
	uint64_t all_bytes = 0;

	for (uint32_t node = 0; node < view->graph->node_count; node++)
		all_bytes += pyi_graph_size(view->graph, node);
	if (set)
		error = pyi_retained_by_set(view->graph, &view->findings->entries, set,
					    &asking->together);
	if (set)
		all_bytes = asking->together.bytes;
	request.least_bytes = (uint64_t)((double)all_bytes * options->min_share / 100);
	if (!error)
		error = pyi_dominator_tree_make(view->graph, &view->findings->dominators, &request,
						&asking->tree);
	if (!error)
		error = pyi_session_check(view->session);
	return error ? error : pyi_tree_words_make(view, &asking->tree, !set, &asking->words);
}

static struct pyi_error *ask(void *argument, const struct pyi_graph_view *view)
{
	struct asking *asking = argument;
	const bool chosen = asking->options->subject || asking->options->address;
	const uint64_t bits_bytes = pyi_bits_bytes(view->graph->node_count);
	struct pyi_error *error;
	void *set = NULL;

	drop(asking);
	error = pyi_findings_dominators(view);
	if (!error && chosen)
		error = pyi_graph_space_map(view->graph->space, bits_bytes, &set);
	if (!error && chosen)
		error = mark(asking, view, set);
	if (!error)
		error = grow(asking, view, set);
	pyi_graph_space_unmap(view->graph->space, set, bits_bytes);
	return error;
}

static struct pyi_error *report_on(struct pyi_inspection *inspection,
				   const struct pyi_heap_graph *graph, struct asking *asking,
				   enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census census = { 0 };
	struct pyi_dominators_report report;
	struct pyi_census_sum heap;
	struct pyi_error *error = pyi_heap_types(&graph->graph, NULL, &census);

	if (error)
		return error;
	heap = pyi_census_sum_from(&census, 0);
	if (!asking->type && !options->address) {
		asking->objects = heap.count;
		asking->together =
			(struct pyi_retained){ .objects = heap.count, .bytes = heap.bytes };
	}
	report = (struct pyi_dominators_report){
		.tree = &asking->tree,
		.words = &asking->words,
		.type = asking->type,
		.exact = options->exact,
		.address = options->address,
		.objects = asking->objects,
		.together = asking->together,
		.heap_objects = heap.count,
		.heap_bytes = heap.bytes,
		.complete = pyi_heap_graph_is_complete(graph) &&
			    !inspection->session.summary.skipped_objects &&
			    inspection->session.consistent,
		.skipped_objects = inspection->session.summary.skipped_objects,
	};
	*ret_exit =
		pyi_heap_graph_conclude(graph, inspection, "what is retained may be more or less");
	return pyi_report_dominators(options->out, options->format, pyi_inspection_columns(options),
				     inspection->envelope, &report);
}

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(pyi_heap_graph_deinit) struct pyi_heap_graph graph = { 0 };
	struct asking asking = { .options = inspection->options };
	const struct pyi_graph_question question = {
		.ask = ask,
		.argument = &asking,
		.values = inspection->options->values,
		.of_dumps = true,
		.named = true,
	};
	struct pyi_error *error = pyi_heap_graph_ask(inspection, &question, &graph);

	if (!error)
		error = report_on(inspection, &graph, &asking, ret_exit);
	drop(&asking);
	return error;
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_dominators = {
	.name = "dominators",
	.summary = "who alone keeps how much alive, as a tree",
	.use = {
		.options = PYI_OPTION_LIMIT | PYI_OPTION_DEPTH | PYI_OPTION_MIN_SHARE |
			   PYI_OPTION_EXACT | PYI_OPTION_ADDRESS | PYI_OPTION_VALUES,
		.optional_type = true,
		.default_limit = 30,
		.most_limit = PYI_TREE_GROUP_LIMIT,
		.zero_is_most = true,
	},
	.help = help,
	.inspects = true,
	.core = true,
	.graph = true,
	.dump = true,
	.run = run,
};
