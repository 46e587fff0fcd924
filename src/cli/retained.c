/*
 * Makes the graph, has everything computed, prints. Between two steps it asks whether there is
 * still time; a step that takes longer is ended by the supervisor.
 */
#include "cli/retained.h"

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "analysis/heap_types.h"
#include "analysis/retained.h"
#include "base/cleanup.h"
#include "cli/heap_graph.h"
#include "report/retained.h"

/* Parts of one graph, which is freed after them. */
struct basis {
	struct pyi_heap_graph graph;
	struct pyi_graph_entries entries;
	struct pyi_dominators dominators;
};

static void free_basis(struct basis *basis)
{
	pyi_dominators_deinit(&basis->dominators);
	pyi_graph_entries_deinit(&basis->entries);
	pyi_heap_graph_deinit(&basis->graph);
}

static struct pyi_error *check(void *inspection)
{
	return pyi_session_check(&((struct pyi_inspection *)inspection)->session);
}

static struct pyi_error *compute(struct pyi_inspection *inspection, struct basis *basis)
{
	struct pyi_graph *graph = &basis->graph.graph;
	struct pyi_error *error = pyi_heap_graph_take(inspection, &basis->graph);

	if (!error)
		error = pyi_graph_reverse(graph);
	if (!error)
		error = check(inspection);
	if (!error)
		error = pyi_graph_entries_find(graph, &basis->entries);
	if (!error)
		error = check(inspection);
	if (!error)
		error = pyi_dominators_find(graph, &basis->entries, &basis->dominators);
	return error ? error : check(inspection);
}

static struct pyi_error *print(struct pyi_inspection *inspection, struct basis *basis,
			       struct pyi_retained_report *report, enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	const struct pyi_record_summary *summary = &inspection->session.summary;
	PYI_CLEANUP(pyi_census_deinit) struct pyi_census census = { 0 };
	struct pyi_error *error = pyi_heap_types(&basis->graph.graph, NULL, &census);

	if (error)
		return error;
	pyi_census_keep(&census, &report->filter);
	report->graph = &basis->graph.graph;
	report->total = pyi_census_sum_from(&census, 0);
	report->frozen_objects = summary->frozen_objects;
	report->frozen_bytes = summary->frozen_bytes;
	report->skipped_objects = summary->skipped_objects;
	*ret_exit = pyi_heap_graph_conclude(&basis->graph, inspection,
					    "what is retained may be more or less");
	return pyi_report_retained(options->out, options->format, pyi_inspection_columns(options),
				   inspection->envelope, report);
}

struct pyi_error *pyi_retained_answer_types(struct pyi_inspection *inspection,
					    enum pyi_exit *ret_exit)
{
	const struct pyi_options *options = inspection->options;
	PYI_CLEANUP(free_basis) struct basis basis = { 0 };
	PYI_CLEANUP(pyi_retained_types_deinit) struct pyi_retained_types types = { 0 };
	const struct pyi_retained_check checks = { check, inspection };
	struct pyi_retained_report report = {
		.types = &types,
		.filter = {
			.type = options->type,
			.module = options->module,
			.no_builtins = options->no_builtins,
		},
	};
	struct pyi_error *error = compute(inspection, &basis);

	if (!error)
		error = pyi_retained_find_types(&basis.graph.graph, &basis.entries,
						&basis.dominators, &report.filter, options->limit,
						&checks, &types);
	return error ? error : print(inspection, &basis, &report, ret_exit);
}

struct pyi_error *pyi_retained_answer_objects(struct pyi_inspection *inspection,
					      enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(free_basis) struct basis basis = { 0 };
	PYI_CLEANUP(pyi_retained_objects_deinit) struct pyi_retained_objects objects = { 0 };
	struct pyi_retained_report report = { .objects = &objects };
	struct pyi_error *error = compute(inspection, &basis);

	if (!error)
		error = pyi_retained_find_objects(&basis.graph.graph, &basis.dominators,
						  inspection->options->limit, &objects);
	return error ? error : print(inspection, &basis, &report, ret_exit);
}
