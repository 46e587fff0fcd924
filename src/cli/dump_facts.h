/*
 * What a dump says about itself beside its graph, as facts of that (graph/graph.h): of which
 * process it is, when and how it was made, and what is known to be missing.
 *
 * Does not read or write files.
 */
#ifndef PYI_CLI_DUMP_FACTS_H
#define PYI_CLI_DUMP_FACTS_H

#include <pyinspect/payload.h>

#include "base/error.h"
#include "graph/graph.h"
#include "process/process.h"
#include "python/collector.h"
#include "report/envelope.h"

/* Part of the format (doc/graph.md): keys are added, and never mean something else. */
enum pyi_dump_fact {
	PYI_DUMP_PID = 1,
	/* Of the process: in clock ticks since its machine was started. */
	PYI_DUMP_STARTED,
	PYI_DUMP_EXE,
	PYI_DUMP_PYTHON,
	PYI_DUMP_INTERPRETERS,
	PYI_DUMP_RSS_BYTES,
	/* When the snapshot was taken: milliseconds since 1970. */
	PYI_DUMP_TAKEN,
	PYI_DUMP_HOST,
	/* Of pyinspect. */
	PYI_DUMP_VERSION,
	/* "clone" or "mirror". */
	PYI_DUMP_SOURCE,
	PYI_DUMP_CONSISTENT,
	PYI_DUMP_ATTEMPTS,
	PYI_DUMP_FROZEN_OBJECTS,
	PYI_DUMP_FROZEN_BYTES,
	PYI_DUMP_SKIPPED_OBJECTS,
	/* Code, space, message. */
	PYI_DUMP_WARNING,
	/* Only that interpreter's heap is in it: its number, and one; 0: all. */
	PYI_DUMP_INTERPRETER,
	/* Of the garbage collector, if it is known: 1 if it is enabled; one for each generation,
	   the youngest first; the length of gc.garbage. */
	PYI_DUMP_GC_ENABLED,
	PYI_DUMP_GC_THRESHOLD,
	PYI_DUMP_GC_COUNT,
	PYI_DUMP_GC_GARBAGE,
	/* Of the process's memory: RssAnon, VmSwap and HugetlbPages of its status; threads.
	   Keys from 32 on are those of heap/offline.h. */
	PYI_DUMP_ANONYMOUS_BYTES,
	PYI_DUMP_SWAPPED_BYTES,
	PYI_DUMP_HUGE_POOL_BYTES,
	PYI_DUMP_THREADS,
};

struct pyi_dump_moment {
	uint64_t start_ticks;
	uint64_t taken_ms;
};

/* Adds what the envelope and the walk say; `envelope` is that of a report on the process. */
struct pyi_error *pyi_dump_facts_put(struct pyi_graph *graph, const struct pyi_envelope *envelope,
				     const struct pyi_record_summary *summary,
				     const struct pyi_dump_moment *moment) PYI_MUST_CHECK;

/* Adds what is known of the garbage collector. */
struct pyi_error *
pyi_dump_facts_put_collector(struct pyi_graph *graph,
			     const struct pyi_collector *collector) PYI_MUST_CHECK;
void pyi_dump_facts_get_collector(const struct pyi_graph *graph,
				  struct pyi_collector *ret_collector);

/* The same of what `explain` says of the memory of the process. */
struct pyi_error *pyi_dump_facts_put_status(struct pyi_graph *graph,
					    const struct pyi_process_status *status) PYI_MUST_CHECK;
void pyi_dump_facts_get_status(const struct pyi_graph *graph,
			       struct pyi_process_status *ret_status);

/*
 * The way back: fills in the target, access and warnings of `envelope`, which is then one of a
 * report on the dump `file`; and what a walk would have said. What the facts do not say, or cannot
 * be, is not known.
 */
struct pyi_error *pyi_dump_facts_get(const struct pyi_graph *graph, const char *file,
				     struct pyi_envelope *envelope,
				     struct pyi_record_summary *summary,
				     struct pyi_dump_moment *moment) PYI_MUST_CHECK;

#endif
