/*
 * Expects the next try to be like the last ones.
 */
#include "heap/pause_budget.h"

enum {
	/* Times what the last try took. */
	REST_FACTOR = 4,
	/* After so many tries, twice as long; and so on, so often. */
	PATIENCE = 8,
	DOUBLINGS = 3,
	LEAST_REST_US = 1000,
	MOST_REST_US = 2000000,
	US_PER_MS = 1000,
};

void pyi_pause_budget_grow(struct pyi_pause_budget *budget, uint64_t memory_bytes)
{
	if (budget->memory_bytes && memory_bytes)
		budget->expected_ms *= (double)memory_bytes / (double)budget->memory_bytes;
	if (memory_bytes)
		budget->memory_bytes = memory_bytes;
}

void pyi_pause_budget_spend(struct pyi_pause_budget *budget, double took_ms, bool taken)
{
	budget->paused_ms += took_ms;
	if (taken)
		budget->expected_ms = (budget->expected_ms + took_ms) / 2;
}

static bool has_sum(const struct pyi_pause_budget *budget, unsigned tries)
{
	return budget->paused_ms + tries * budget->expected_ms <= budget->max_total_ms &&
	       budget->paused_ms < budget->max_total_ms;
}

bool pyi_pause_budget_is_too_long(const struct pyi_pause_budget *budget)
{
	return budget->paused_ms > 0 && budget->expected_ms > budget->max_pause_ms &&
	       has_sum(budget, 1);
}

bool pyi_pause_budget_has(const struct pyi_pause_budget *budget, unsigned tries)
{
	return has_sum(budget, tries) && !pyi_pause_budget_is_too_long(budget);
}

uint64_t pyi_pause_budget_rest_us(double took_ms, unsigned tries)
{
	unsigned doublings = tries / PATIENCE < DOUBLINGS ? tries / PATIENCE : DOUBLINGS;
	double rest_us = took_ms * US_PER_MS * REST_FACTOR * (double)(1u << doublings);

	if (!(rest_us > LEAST_REST_US))
		return LEAST_REST_US;
	return rest_us < MOST_REST_US ? (uint64_t)rest_us : MOST_REST_US;
}
