/*
 * Prints how often check is wrong, on made-up histories: false alarms for each kind of healthy
 * load, and how long it takes to find a leak on top of it.
 *
 * usage: check_alarms [DAYS [LEAKS [AN_HOUR [SEED]]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit/invented_load.h"

enum {
	WAIT_HOURS = 72,
	LEAK_LIMIT = 10000,
};

struct totals {
	uint64_t looks;
	uint64_t processes;
	uint64_t alarms;
	uint64_t leaks;
	uint64_t late;
};

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static void measure(const struct load *load, const struct pyi_rules *rules, unsigned days,
		    unsigned leaks, double an_hour, uint64_t seed, struct totals *totals)
{
	static double hours[LEAK_LIMIT];
	struct load_run run = load_run_healthy(load, rules, seed, days);
	unsigned late = 0;
	unsigned found = 0;

	for (unsigned n = 0; n < leaks; n++) {
		char message[300];
		double took = load_run_leak(load, rules, seed + n, load_leak_start(seed + n),
					    an_hour, WAIT_HOURS, message);

		/* An alarm before it is counted as a false one above, not here. */
		if (took < 0)
			continue;
		hours[found++] = took;
		late += took > 24;
	}
	qsort(hours, found, sizeof(*hours), compare);
	printf("%-50s %6" PRIu64 " %7" PRIu64 " %6" PRIu64, load->name, run.processes, run.looks,
	       run.alarms);
	if (found)
		printf(" %6.1f %6.1f %s%.1f %6.1f%%", hours[0], hours[found / 2],
		       hours[found - 1] >= WAIT_HOURS ? ">" : " ", hours[found - 1],
		       100.0 * (found - late) / found);
	printf("  %s\n", load->beyond_limits   ? "(beyond)"
			 : load->leak_is_found ? ""
					       : "(measured)");
	totals->looks += run.looks;
	totals->processes += run.processes;
	totals->alarms += run.alarms;
	totals->leaks += load->leak_is_found ? found : 0;
	totals->late += load->leak_is_found ? late : 0;
}

int main(int count, char **words)
{
	unsigned days = count > 1 ? (unsigned)strtoul(words[1], NULL, 10) : 365;
	unsigned leaks = count > 2 ? (unsigned)strtoul(words[2], NULL, 10) : 60;
	double an_hour = count > 3 ? strtod(words[3], NULL) : 60;
	uint64_t seed = count > 4 ? strtoull(words[4], NULL, 10) : 1;
	struct totals totals = { 0 };
	struct totals beyond = { 0 };
	struct pyi_rules rules;

	if (leaks > LEAK_LIMIT)
		leaks = LEAK_LIMIT;
	load_rules(&rules);
	printf("%-50s %6s %7s %6s %6s %6s %6s %7s\n", "load", "procs", "looks", "false", "first",
	       "median", "last", "<= 24 h");
	for (size_t l = 0; l < invented_load_count; l++)
		measure(&invented_loads[l], &rules, days, leaks, an_hour,
			seed * 1000000 + l * 10000,
			invented_loads[l].beyond_limits ? &beyond : &totals);
	printf("healthy: %" PRIu64 " processes, %" PRIu64 " looks, %" PRIu64 " false alarms\n",
	       totals.processes, totals.looks, totals.alarms);
	printf("leaks that must be found: %" PRIu64 ", of them not within 24 h: %" PRIu64 "\n",
	       totals.leaks, totals.late);
	printf("beyond the limits: %" PRIu64 " alarms in %" PRIu64 " looks\n", beyond.alarms,
	       beyond.looks);
	pyi_rules_deinit(&rules);
	return 0;
}
