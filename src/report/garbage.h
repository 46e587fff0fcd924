/*
 * The report of `garbage`: what gc.collect() would free, by type and by kind of cycle.
 */
#ifndef PYI_REPORT_GARBAGE_H
#define PYI_REPORT_GARBAGE_H

#include <stdio.h>

#include "analysis/census.h"
#include "analysis/garbage_cycles.h"
#include "python/collector.h"
#include "report/envelope.h"
#include "report/output.h"

struct pyi_garbage_report {
	/* What would be freed; merged and sorted. */
	const struct pyi_census *census;
	enum pyi_census_order order;
	/* How many rows to show; 0 is all of them. */
	uint64_t limit;
	/* Tracked objects that the collector would find, as gc.collect() returns it. */
	uint64_t found_objects;
	/* All objects of the process, to compare with. */
	uint64_t heap_objects;
	uint64_t heap_bytes;
	/* References are missing from the graph: there may be more garbage. */
	bool complete;
	uint64_t skipped_objects;
	struct pyi_collector collector;
	/* And the graph, which has the names of their types. */
	const struct pyi_garbage_cycles *cycles;
	const struct pyi_graph *graph;
};

/*
 * Prints the report to `stream`, and flushes it.
 *
 * table: head lines, then columns COUNT, BYTES, TYPE ("~" before BYTES of an estimated type), a row
 *   for the rest, a total; then CYCLES, OBJECTS, BYTES, OF (types); warnings, cost. `columns` as
 * for top_types.h. json: the envelope with "result":
 * {"by","found","objects","bytes","complete","skipped", "heap":{"objects","bytes"},"collector"
 * (report/collector.h),"types":[{"type","count","bytes","estimated"?,"classes"?}],
 *   "other":{"types","count","bytes"},
 *   "cycles":[{"cycles","members","objects","bytes","type_count","types":[],"example"}],
 *   "other_cycles":{"kinds","cycles","members","objects","bytes"},"shared":{"objects","bytes"}}.
 * ndjson: first line the envelope with "kind":"report" and a result without "types" and "cycles";
 *   then a line {"kind":"type", ...} for each type, and {"kind":"cycle", ...} for each of the
 * others.
 */
struct pyi_error *pyi_report_garbage(FILE *stream, enum pyi_format format, unsigned columns,
				     const struct pyi_envelope *envelope,
				     const struct pyi_garbage_report *report) PYI_MUST_CHECK;

#endif
