/*
 * Made-up histories of processes: loads of many kinds, with or without a leak, looked at over and
 * over again and judged each time.
 *
 * Always the same for the same seed. Does not start processes and does not wait: time is a number.
 */
#ifndef PYI_TESTS_INVENTED_LOAD_H
#define PYI_TESTS_INVENTED_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/check.h"

enum load_shape {
	LOAD_FLAT,
	LOAD_SINE,
	/* Up from 7 to 10, down from 17 to 20 o'clock. */
	LOAD_OFFICE,
	/* Slowly up from 6 to 22 o'clock, then down in two hours. */
	LOAD_EVENING,
	LOAD_TWO_PEAKS,
	/* A step at 8 and one at 18 o'clock. */
	LOAD_SQUARE,
};

/* All of it added up is the number of objects. */
struct load {
	const char *name;
	/* Whether a leak of one a minute on top of it has to be found within a day. */
	bool leak_is_found;
	/* Whether there may be false alarms: the limits of what can be told apart. */
	bool beyond_limits;
	double base;
	enum load_shape shape;
	/* From the lowest to the highest point of a day; what is left of it at weekends; by how
	 * much days differ. */
	double cycle;
	double weekend;
	double day_deviation;
	double noise;
	/* A number between 0 and this at each look: garbage that is not collected yet. */
	double garbage;
	/* Of things that happen by chance: per day, how many objects, how many hours at most. */
	double bursts_a_day;
	double burst;
	double burst_hours;
	/* Every day from this hour on, for so many hours. */
	double batch;
	double batch_hour;
	double batch_hours;
	/* Once: approached from 0 with this time constant. */
	double warm_up;
	double warm_up_hours;
	/* A cache: fills by so many an hour up to the limit; or slower and slower. */
	double cache_limit;
	double cache_an_hour;
	bool cache_slows;
	/* Steps up and down that stay, within bounds of that size. */
	double steps_a_week;
	double step;
	/* A random walk that is drawn back to 0. */
	double walk;
	double walk_hours;
	/* Gathered and emptied, every so many hours, at 3 o'clock if that is a day or a week. */
	double gathered_an_hour;
	double emptied_hours;
	/* A new process on average every so many days; 0: never. */
	double restart_days;
};

extern const struct load invented_loads[];
extern const size_t invented_load_count;

/* What came of a long healthy run. */
struct load_run {
	uint64_t looks;
	uint64_t processes;
	/* Looks that were not OK; times that it became so; the first message. */
	uint64_t alarmed;
	uint64_t alarms;
	char message[300];
};

struct load_run load_run_healthy(const struct load *load, const struct pyi_rules *rules,
				 uint64_t seed, unsigned days);

/*
 * A process that has lived for `healthy_hours`, then leaks `an_hour`. Returns the hours until the
 * first alarm, at most `limit_hours`; a negative number: there was one before the leak.
 */
double load_run_leak(const struct load *load, const struct pyi_rules *rules, uint64_t seed,
		     double healthy_hours, double an_hour, double limit_hours, char message[300]);

/* How many objects an hour make resident memory grow by a part of what it is under this load. */
double load_part_an_hour(const struct load *load, double part);

/* For how many hours a process with a leak is healthy: not at all, less than a day, or up to two
 * weeks, in turn. */
double load_leak_start(uint64_t seed);

/* The presets firewalld and generic, and a limit for the growth of invented objects. */
void load_rules(struct pyi_rules *rules);

/* Between 0 and 1; the same sequence from the same state. */
double load_random(uint64_t *state);

#endif
