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
	MAY_TAKE_HOURS = 24,
	/* Of one that lets memory grow by a tenth an hour. */
	FAST_MAY_TAKE_HOURS = 3,
	LEAK_LIMIT = 10000,
};

#define FAST_PART 0.1

struct totals {
	uint64_t looks;
	uint64_t processes;
	uint64_t alarms;
	uint64_t leaks;
	uint64_t late;
	uint64_t fast_leaks;
	uint64_t fast_late;
};

/* Hours until leaks are found, ascending. */
struct found {
	double hours[LEAK_LIMIT];
	unsigned count;
	/* Of them longer than they may take. */
	unsigned late;
};

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static void find_leaks(const struct load *load, const struct pyi_rules *rules, unsigned leaks,
		       double an_hour, double may_take, uint64_t seed, struct found *found)
{
	found->count = 0;
	found->late = 0;
	for (unsigned n = 0; n < leaks; n++) {
		char message[300];
		double took = load_run_leak(load, rules, seed + n, load_leak_start(seed + n),
					    an_hour, WAIT_HOURS, message);

		/* An alarm before it is counted as a false one above, not here. */
		if (took < 0)
			continue;
		found->hours[found->count++] = took;
		found->late += took > may_take;
	}
	qsort(found->hours, found->count, sizeof(found->hours[0]), compare);
}

static void print_found(const struct found *found)
{
	if (found->count)
		printf(" %6.1f %6.1f %s%.1f %6.1f%%", found->hours[0],
		       found->hours[found->count / 2],
		       found->hours[found->count - 1] >= WAIT_HOURS ? ">" : " ",
		       found->hours[found->count - 1],
		       100.0 * (found->count - found->late) / found->count);
}

static void measure(const struct load *load, const struct pyi_rules *rules, unsigned days,
		    unsigned leaks, double an_hour, uint64_t seed, struct totals *totals)
{
	static struct found found;
	static struct found fast;
	struct load_run run = load_run_healthy(load, rules, seed, days);

	find_leaks(load, rules, leaks, an_hour, MAY_TAKE_HOURS, seed, &found);
	find_leaks(load, rules, leaks, load_part_an_hour(load, FAST_PART), FAST_MAY_TAKE_HOURS,
		   seed, &fast);
	printf("%-50s %6" PRIu64 " %7" PRIu64 " %6" PRIu64, load->name, run.processes, run.looks,
	       run.alarms);
	print_found(&found);
	print_found(&fast);
	printf("  %s\n", load->beyond_limits   ? "(beyond)"
			 : load->leak_is_found ? ""
					       : "(measured)");
	totals->looks += run.looks;
	totals->processes += run.processes;
	totals->alarms += run.alarms;
	totals->leaks += load->leak_is_found ? found.count : 0;
	totals->late += load->leak_is_found ? found.late : 0;
	totals->fast_leaks += load->leak_is_found ? fast.count : 0;
	totals->fast_late += load->leak_is_found ? fast.late : 0;
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
	printf("%-50s %6s %7s %6s %6s %6s %6s %7s %6s %6s %6s %7s\n", "load", "procs", "looks",
	       "false", "first", "median", "last", "<= 24 h", "fast", "median", "last", "<= 3 h");
	for (size_t l = 0; l < invented_load_count; l++)
		measure(&invented_loads[l], &rules, days, leaks, an_hour,
			seed * 1000000 + l * 10000,
			invented_loads[l].beyond_limits ? &beyond : &totals);
	printf("healthy: %" PRIu64 " processes, %" PRIu64 " looks, %" PRIu64 " false alarms\n",
	       totals.processes, totals.looks, totals.alarms);
	printf("leaks that must be found: %" PRIu64 ", of them not within 24 h: %" PRIu64 "\n",
	       totals.leaks, totals.late);
	printf("leaks of a tenth an hour: %" PRIu64 ", of them not within 3 h: %" PRIu64 "\n",
	       totals.fast_leaks, totals.fast_late);
	printf("beyond the limits: %" PRIu64 " alarms in %" PRIu64 " looks\n", beyond.alarms,
	       beyond.looks);
	pyi_rules_deinit(&rules);
	return 0;
}
