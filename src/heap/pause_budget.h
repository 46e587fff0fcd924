/*
 * How often the target may still be stopped: the sum of all stops of a run has a limit, and so has
 * each of them. Arithmetic alone.
 *
 * A try is all that one snapshot costs the target: looking at the gate, the clone, and reaping it.
 */
#ifndef PYI_HEAP_PAUSE_BUDGET_H
#define PYI_HEAP_PAUSE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct pyi_pause_budget {
	/* What the user accepts, for one stop and for all. */
	double max_pause_ms;
	double max_total_ms;
	/* All stops so far. */
	double paused_ms;
	/* What a try is expected to take of a process with so much memory. */
	double expected_ms;
	uint64_t memory_bytes;
};

/* The same, now that the process has `memory_bytes`: a copy takes as long as there is to copy. */
void pyi_pause_budget_grow(struct pyi_pause_budget *budget, uint64_t memory_bytes);

/*
 * A try took so long: half of what is expected of the next one is what was expected of this. One
 * that ended without a snapshot (`taken`), because it was no moment for it, says nothing of the
 * next one.
 */
void pyi_pause_budget_spend(struct pyi_pause_budget *budget, double took_ms, bool taken);

/* Whether there is room for a number of tries. The first of a run is only held against the sum:
 * who chose the source has compared its length (snapshot/preflight.h). */
bool pyi_pause_budget_has(const struct pyi_pause_budget *budget, unsigned tries);

/* Whether there is none left only because the next try would be too long by itself. */
bool pyi_pause_budget_is_too_long(const struct pyi_pause_budget *budget);

/*
 * For how long the target is to be left alone after a try that took so long: it then works for four
 * fifths of the time, and for longer the more tries were in vain.
 */
uint64_t pyi_pause_budget_rest_us(double took_ms, unsigned tries);

#endif
