/*
 * What the garbage collector is set to and what it has counted, as gc.isenabled(),
 * gc.get_threshold(), gc.get_count() and len(gc.garbage) say it.
 *
 * Reads through a reader only. What cannot be read, or cannot be, is not known; nothing is guessed.
 */
#ifndef PYI_PYTHON_COLLECTOR_H
#define PYI_PYTHON_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "python/interpreters.h"
#include "python/runtime.h"

enum {
	PYI_COLLECTOR_GENERATIONS = 3,
};

struct pyi_collector {
	bool enabled_known;
	bool enabled;
	/* Of each generation, the youngest first. A threshold of 0 for the first one: it never runs
	   by itself. */
	bool counters_known;
	uint32_t thresholds[PYI_COLLECTOR_GENERATIONS];
	uint32_t counts[PYI_COLLECTOR_GENERATIONS];
	bool garbage_known;
	uint64_t garbage_length;
};

/* That of the first of the interpreters. */
void pyi_collector_read(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			const struct pyi_interpreters *interpreters,
			struct pyi_collector *ret_collector);

#endif
