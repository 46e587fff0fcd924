/*
 * Makes histories up, keeps them as src/history does, and has each look judged.
 */
#include "invented_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/levels.h"
#include "rules/rules_file.h"

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define TYPE "load.Thing"
/* Which no rule names. */
#define OTHER_TYPE "load.Other"
#define CONTAINER "load.registry"
#define PI 3.14159265358979323846
#define RSS_BASE 45e6
#define RSS_AN_OBJECT (1.2 * OBJECT_BYTES)

enum {
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	LOOK_S = 15 * 60,
	/* A timer's delay by chance. */
	JITTER_S = 60,
	/* A Monday. */
	START_S = 1704067200,
	POINT_LIMIT = 2000,
	/* An object with what hangs on it. */
	OBJECT_BYTES = 4000,
	OBJECT_BYTES_BASE = 15000000,
};

const struct load invented_loads[] = {
	/* clang-format off */
	{ "flat", true, .base = 500, .restart_days = 20 },
	{ "flat with noise", true, .base = 2000, .noise = 30, .restart_days = 15 },
	{ "much noise", true, .base = 5000, .noise = 100, .restart_days = 15 },
	{ "uncollected garbage", true, .base = 40000, .noise = 10, .garbage = 500, .restart_days = 10 },
	{ "much uncollected garbage", false, .base = 90000, .noise = 30, .garbage = 2000, .restart_days = 10 },
	{ "day and night, small", true, .base = 200, .shape = LOAD_SINE, .cycle = 100, .weekend = 1, .day_deviation = 0.1, .noise = 10, .restart_days = 12 },
	{ "day and night", true, .base = 1000, .shape = LOAD_SINE, .cycle = 200, .weekend = 1, .day_deviation = 0.15, .noise = 20, .restart_days = 9 },
	{ "day and night, quiet weekends", true, .base = 1000, .shape = LOAD_SINE, .cycle = 200, .weekend = 0.3, .day_deviation = 0.15, .noise = 20, .restart_days = 25 },
	{ "office hours", true, .base = 500, .shape = LOAD_OFFICE, .cycle = 150, .weekend = 0.1, .day_deviation = 0.2, .noise = 20, .restart_days = 14 },
	{ "evening peak", true, .base = 500, .shape = LOAD_EVENING, .cycle = 100, .weekend = 1.3, .day_deviation = 0.2, .noise = 20, .restart_days = 11 },
	{ "two peaks a day", true, .base = 300, .shape = LOAD_TWO_PEAKS, .cycle = 150, .weekend = 0.6, .day_deviation = 0.2, .noise = 15, .restart_days = 13 },
	{ "on at 8, off at 18", true, .base = 100, .shape = LOAD_SQUARE, .cycle = 100, .weekend = 0, .day_deviation = 0.1, .noise = 10, .restart_days = 17 },
	{ "day and night of 300", false, .base = 1000, .shape = LOAD_SINE, .cycle = 300, .weekend = 1, .day_deviation = 0.15, .noise = 20, .restart_days = 9 },
	{ "office hours of 300", false, .base = 500, .shape = LOAD_OFFICE, .cycle = 300, .weekend = 0.1, .day_deviation = 0.2, .noise = 20, .restart_days = 14 },
	{ "evening peak of 500", false, .base = 500, .shape = LOAD_EVENING, .cycle = 500, .weekend = 1.3, .day_deviation = 0.2, .noise = 20, .restart_days = 11 },
	{ "gathered 500, emptied every night", false, .base = 100, .noise = 2, .gathered_an_hour = 20, .emptied_hours = 24, .restart_days = 9 },
	{ "uncollected garbage of 700", false, .base = 40000, .noise = 10, .garbage = 700, .restart_days = 10 },
	{ "on and off of 250", false, .base = 100, .shape = LOAD_SQUARE, .cycle = 250, .weekend = 0, .day_deviation = 0.1, .noise = 10, .restart_days = 17 },
	{ "many bursts", false, .base = 400, .noise = 10, .bursts_a_day = 8, .burst = 3000, .burst_hours = 1, .restart_days = 14 },
	{ "busy day and night", false, .base = 3000, .shape = LOAD_SINE, .cycle = 2000, .weekend = 0.6, .day_deviation = 0.2, .noise = 50, .restart_days = 9 },
	{ "busy offices", false, .base = 3000, .shape = LOAD_OFFICE, .cycle = 5000, .weekend = 0.05, .day_deviation = 0.2, .noise = 80, .restart_days = 7 },
	{ "busy evening peak", false, .base = 2000, .shape = LOAD_EVENING, .cycle = 8000, .weekend = 1.5, .day_deviation = 0.3, .noise = 80, .restart_days = 8 },
	{ "busy, two peaks", false, .base = 2000, .shape = LOAD_TWO_PEAKS, .cycle = 4000, .weekend = 0.5, .day_deviation = 0.3, .noise = 60, .restart_days = 8 },
	{ "busy, on and off", false, .base = 1000, .shape = LOAD_SQUARE, .cycle = 10000, .weekend = 0, .day_deviation = 0.3, .noise = 60, .restart_days = 10 },
	{ "bursts", true, .base = 400, .noise = 10, .bursts_a_day = 3, .burst = 3000, .burst_hours = 1, .restart_days = 14 },
	{ "long bursts", false, .base = 400, .noise = 10, .bursts_a_day = 1, .burst = 2000, .burst_hours = 5, .restart_days = 14 },
	{ "batch at night", true, .base = 800, .noise = 15, .batch = 5000, .batch_hour = 2, .batch_hours = 2, .restart_days = 16 },
	{ "batch over half the day", false, .base = 800, .shape = LOAD_SINE, .cycle = 200, .weekend = 1, .day_deviation = 0.2, .noise = 15, .batch = 600, .batch_hour = 20, .batch_hours = 9, .restart_days = 16 },
	{ "warm-up of minutes", true, .base = 3000, .noise = 15, .warm_up = 20000, .warm_up_hours = 0.1, .restart_days = 3 },
	{ "warm-up of an hour", true, .base = 3000, .noise = 15, .warm_up = 5000, .warm_up_hours = 1, .restart_days = 3 },
	{ "warm-up of hours", false, .base = 3000, .shape = LOAD_SINE, .cycle = 150, .weekend = 1, .noise = 15, .warm_up = 3000, .warm_up_hours = 2, .restart_days = 4 },
	{ "slow warm-up", false, .base = 3000, .shape = LOAD_SINE, .cycle = 300, .weekend = 1, .noise = 15, .warm_up = 2000, .warm_up_hours = 3, .restart_days = 5 },
	{ "cache of 1,000", true, .base = 300, .noise = 10, .cache_limit = 1000, .cache_an_hour = 150, .restart_days = 6 },
	{ "cache of 1,000, slowly", true, .base = 300, .cache_limit = 1000, .cache_an_hour = 75, .restart_days = 6 },
	{ "cache of 1,000, ever slower", true, .cache_limit = 1000, .cache_an_hour = 300, .cache_slows = true, .restart_days = 6 },
	{ "cache of 10,000", false, .base = 300, .cache_limit = 10000, .cache_an_hour = 900, .restart_days = 5 },
	{ "cache of 10,000, ever slower", false, .cache_limit = 10000, .cache_an_hour = 5000, .cache_slows = true, .restart_days = 5 },
	{ "cache of 10,000 by day and night", false, .base = 300, .shape = LOAD_SINE, .cycle = 500, .weekend = 1, .day_deviation = 0.2, .noise = 20, .cache_limit = 10000, .cache_an_hour = 900, .restart_days = 5 },
	{ "steps that stay", true, .base = 3000, .noise = 15, .steps_a_week = 2, .step = 200, .restart_days = 20 },
	{ "large steps", false, .base = 9000, .shape = LOAD_SINE, .cycle = 300, .weekend = 0.5, .day_deviation = 0.2, .noise = 15, .steps_a_week = 4, .step = 4000, .restart_days = 30 },
	{ "random walk over days", true, .base = 2000, .noise = 10, .walk = 150, .walk_hours = 72, .restart_days = 40 },
	{ "random walk over hours", true, .base = 2000, .noise = 10, .walk = 60, .walk_hours = 6, .restart_days = 40 },
	{ "wide random walk over days", false, .base = 5000, .shape = LOAD_SINE, .cycle = 400, .weekend = 0.7, .day_deviation = 0.2, .noise = 20, .walk = 300, .walk_hours = 72, .restart_days = 40 },
	{ "gathered, emptied every hour", true, .base = 100, .noise = 5, .gathered_an_hour = 600, .emptied_hours = 1, .restart_days = 12 },
	{ "gathered, emptied every 6 hours", true, .base = 100, .gathered_an_hour = 40, .emptied_hours = 6, .restart_days = 12 },
	{ "gathered, emptied every 12 hours", false, .base = 100, .gathered_an_hour = 300, .emptied_hours = 12, .restart_days = 12 },
	{ "gathered, emptied every night", true, .base = 100, .noise = 2, .gathered_an_hour = 8, .emptied_hours = 24, .restart_days = 9 },
	{ "everything at once", true, .base = 4000, .shape = LOAD_OFFICE, .cycle = 100, .weekend = 0.2, .day_deviation = 0.2, .noise = 15, .garbage = 300, .bursts_a_day = 2, .burst = 1500, .burst_hours = 1, .batch = 2000, .batch_hour = 3, .batch_hours = 1, .warm_up = 2000, .warm_up_hours = 0.5, .cache_limit = 1000, .cache_an_hour = 500, .steps_a_week = 0.5, .step = 200, .walk = 50, .walk_hours = 48, .restart_days = 8 },
	{ "never restarted", true, .base = 4000, .shape = LOAD_SINE, .cycle = 200, .weekend = 0.4, .day_deviation = 0.2, .noise = 25, .garbage = 200, .walk = 60, .walk_hours = 100 },
	/* What cannot be told from a leak for as long as it lasts. */
	{ "beyond: much gathered, emptied every night", .beyond_limits = true, .base = 100, .gathered_an_hour = 100, .emptied_hours = 24, .restart_days = 9 },
	{ "beyond: much gathered, emptied every week", .beyond_limits = true, .base = 100, .gathered_an_hour = 100, .emptied_hours = 168, .restart_days = 60 },
	{ "beyond: cache of 10,000 that fills for 5 days", .beyond_limits = true, .base = 100, .cache_limit = 10000, .cache_an_hour = 80, .restart_days = 30 },
	{ "beyond: cache of 10,000, by much day and night", .beyond_limits = true, .base = 300, .shape = LOAD_SINE, .cycle = 1000, .weekend = 1, .day_deviation = 0.2, .noise = 20, .cache_limit = 10000, .cache_an_hour = 900, .restart_days = 5 },
	{ "beyond: warm-up of half a day", .beyond_limits = true, .base = 3000, .shape = LOAD_SINE, .cycle = 500, .weekend = 1, .noise = 15, .warm_up = 2000, .warm_up_hours = 6, .restart_days = 5 },
	{ "beyond: very wide random walk over days", .beyond_limits = true, .base = 5000, .noise = 20, .walk = 600, .walk_hours = 72, .restart_days = 40 },
	{ "beyond: warm-up of a day", .beyond_limits = true, .base = 100, .noise = 10, .warm_up = 5000, .warm_up_hours = 24, .restart_days = 30 },
	/* clang-format on */
};
const size_t invented_load_count = sizeof(invented_loads) / sizeof(invented_loads[0]);

/* A process that is looked at. */
struct process {
	const struct load *load;
	const struct pyi_rules *rules;
	uint64_t random;
	int64_t started_s;
	double cached;
	double stepped;
	double walked;
	double day_factor;
	int64_t day;
	double burst;
	double burst_until_s;
	double leaked;
	double leak_an_hour;
	double highest;
	int64_t looked_s;
	struct pyi_point points[POINT_LIMIT];
	size_t point_count;
	int64_t thinned_s;
};

double load_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += load_random(state);
	return sum;
}

static double ramp(double hour, double from, double to)
{
	double part = (hour - from) / (to - from);

	return part <= 0 ? 0 : part >= 1 ? 1 : part * part * (3 - 2 * part);
}

/* From 0 to 1. */
static double shape_at(enum load_shape shape, double hour)
{
	switch (shape) {
	case LOAD_SINE:
		return 0.5 - 0.5 * cos(2 * PI * (hour - 4) / 24);
	case LOAD_OFFICE:
		return ramp(hour, 7, 10) - ramp(hour, 17, 20);
	case LOAD_EVENING:
		return ramp(hour, 6, 22) - ramp(hour, 22, 24);
	case LOAD_TWO_PEAKS:
		return ramp(hour, 6, 9) - 0.6 * ramp(hour, 11, 13) + 0.6 * ramp(hour, 15, 18) -
		       ramp(hour, 20, 23);
	case LOAD_SQUARE:
		return hour >= 8 && hour < 18;
	case LOAD_FLAT:
		break;
	}
	return 0;
}

/* How the state of a process changes from the last look to this one. */
static void advance(struct process *process, int64_t now_s)
{
	const struct load *load = process->load;
	double hours = (double)(now_s - process->looked_s) / HOUR_S;

	process->leaked += process->leak_an_hour * hours;
	if (load->cache_limit > 0) {
		double added = load->cache_an_hour * hours;

		if (load->cache_slows)
			added *= 1 - process->cached / load->cache_limit;
		process->cached = fmin(process->cached + added, load->cache_limit);
	}
	if (load_random(&process->random) < load->steps_a_week * hours / 168)
		process->stepped = load->step * (load_random(&process->random) * 2 - 1);
	if (load->walk > 0) {
		double kept = exp(-hours / load->walk_hours);

		process->walked = process->walked * kept +
				  load->walk * sqrt(1 - kept * kept) * normal(&process->random);
	}
	if ((double)now_s > process->burst_until_s &&
	    load_random(&process->random) < load->bursts_a_day * hours / 24) {
		process->burst = load->burst * load_random(&process->random);
		process->burst_until_s =
			(double)now_s + load_random(&process->random) * load->burst_hours * HOUR_S;
	}
	if (now_s / DAY_S != process->day) {
		process->day = now_s / DAY_S;
		process->day_factor = fmax(0.2, 1 + load->day_deviation * normal(&process->random));
	}
	process->looked_s = now_s;
}

static double gathered(const struct process *process, int64_t now_s)
{
	const struct load *load = process->load;
	double age_hours = (double)(now_s - process->started_s) / HOUR_S;
	double since_hours;

	if (!(load->gathered_an_hour > 0))
		return 0;
	since_hours = fmod((double)(now_s - START_S) / HOUR_S - 3 + 168, load->emptied_hours);
	return load->gathered_an_hour * fmin(age_hours, since_hours);
}

static double objects_now(struct process *process, int64_t now_s)
{
	const struct load *load = process->load;
	double hour = (double)(now_s % DAY_S) / HOUR_S;
	double since_batch = fmod(hour - load->batch_hour + 24, 24);
	/* 1970 began with a Thursday. */
	bool weekend = (now_s / DAY_S + 3) % 7 >= 5;
	double objects = load->base;

	objects += load->cycle * shape_at(load->shape, hour) * process->day_factor *
		   (weekend ? load->weekend : 1);
	objects += load->noise * normal(&process->random);
	objects += load->garbage * load_random(&process->random);
	if ((double)now_s < process->burst_until_s)
		objects += process->burst;
	if (since_batch < load->batch_hours)
		objects += load->batch;
	if (load->warm_up > 0)
		objects += load->warm_up * (1 - exp(-(double)(now_s - process->started_s) / HOUR_S /
						    load->warm_up_hours));
	objects += process->cached + process->stepped + process->walked + process->leaked;
	objects += gathered(process, now_s);
	return fmax(floor(objects), 0);
}

static void start(struct process *process, int64_t now_s)
{
	process->started_s = now_s;
	process->looked_s = now_s;
	process->cached = 0;
	process->leaked = 0;
	process->burst_until_s = 0;
	process->highest = 0;
	process->point_count = 0;
	process->day = 0;
	process->thinned_s = now_s;
}

/* Now and then, so that it costs little. */
static void thin(struct process *process, int64_t now_s)
{
	struct pyi_history_levels walk = { 0 };
	size_t kept = 0;

	if (now_s - process->thinned_s < DAY_S / 2)
		return;
	for (size_t p = 0; p < process->point_count; p++) {
		if (pyi_history_levels_keep(&walk, now_s - process->started_s,
					    (int64_t)process->points[p].age_s))
			process->points[kept++] = process->points[p];
	}
	process->point_count = kept;
	process->thinned_s = now_s;
}

/* How a figure follows from the number of objects, if it is not RSS. */
struct figure {
	uint64_t base;
	uint64_t factor;
	bool is_rss;
};

static struct figure find_figure(enum pyi_figure_kind kind, const char *name)
{
	if (kind == PYI_FIGURE_PROCESS && strcmp(name, PYI_FIGURE_TRACKED) == 0)
		return (struct figure){ .base = 40000, .factor = 1 };
	if (kind == PYI_FIGURE_PROCESS && strcmp(name, PYI_FIGURE_OBJECT_BYTES) == 0)
		return (struct figure){ .base = OBJECT_BYTES_BASE, .factor = OBJECT_BYTES };
	if (kind == PYI_FIGURE_PROCESS && strcmp(name, PYI_FIGURE_RSS) == 0)
		return (struct figure){ .is_rss = true };
	return (struct figure){ .factor = 1 };
}

static struct pyi_error *give_series(void *argument, enum pyi_figure_kind kind, const char *name,
				     struct pyi_series *ret_series)
{
	const struct process *process = argument;
	const struct figure figure = find_figure(kind, name);
	size_t bytes = process->point_count * sizeof(*process->points);

	ret_series->kind = kind;
	ret_series->name = strdup(name);
	ret_series->points = malloc(bytes);
	EXPECT(ret_series->name && ret_series->points);
	memcpy(ret_series->points, process->points, bytes);
	ret_series->point_count = process->point_count;
	for (size_t p = 0; p < ret_series->point_count; p++) {
		struct pyi_point *point = &ret_series->points[p];

		point->count =
			figure.is_rss ? point->bytes : figure.base + figure.factor * point->count;
	}
	return NULL;
}

static void add(struct pyi_sample *sample, enum pyi_figure_kind kind, const char *name,
		double count)
{
	EXPECT(!pyi_sample_add(sample, kind, name, (uint64_t)count, 0));
}

/* Looks once; false: there is an alarm. */
static bool look(struct process *process, int64_t now_s, char message[300])
{
	const struct pyi_check_history history = { .series = give_series, .argument = process };
	struct pyi_sample sample = { .time_s = now_s,
				     .age_s = (uint64_t)(now_s - process->started_s) };
	struct pyi_check check;
	uint64_t rss_bytes;
	double objects;
	bool ok;

	advance(process, now_s);
	objects = objects_now(process, now_s);
	thin(process, now_s);
	EXPECT(process->point_count < POINT_LIMIT);
	process->highest = fmax(process->highest, objects);
	/* It is seldom given back. */
	rss_bytes = (uint64_t)(RSS_BASE + RSS_AN_OBJECT * process->highest);
	process->points[process->point_count++] =
		(struct pyi_point){ now_s, sample.age_s, (uint64_t)objects, rss_bytes };
	add(&sample, PYI_FIGURE_TYPE, TYPE, objects);
	add(&sample, PYI_FIGURE_TYPE, OTHER_TYPE, objects);
	add(&sample, PYI_FIGURE_TYPE_TREE, TYPE, objects);
	add(&sample, PYI_FIGURE_CONTAINER, CONTAINER, objects);
	add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_TRACKED, 40000 + objects);
	add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_OBJECT_BYTES,
	    OBJECT_BYTES_BASE + OBJECT_BYTES * objects);
	add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, (double)rss_bytes);
	add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS,
	    1 + floor(3 * load_random(&process->random)));
	/* Now and then somebody has just gone. */
	add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE,
	    floor(1.01 * load_random(&process->random)));
	add(&sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES,
	    floor(1.01 * load_random(&process->random)));
	pyi_sample_sort(&sample);
	EXPECT(!pyi_check_judge(process->rules, &sample, &history, &check));
	ok = check.status == PYI_CHECK_OK;
	if (!ok && message && !message[0])
		snprintf(message, 300, "%s", check.findings[0].message);
	pyi_check_deinit(&check);
	pyi_sample_deinit(&sample);
	return ok;
}

static int64_t next_look(struct process *process, int64_t now_s)
{
	return now_s - now_s % LOOK_S + LOOK_S +
	       (int64_t)(JITTER_S * load_random(&process->random));
}

static struct process *make_process(const struct load *load, const struct pyi_rules *rules,
				    uint64_t seed)
{
	struct process *process = calloc(1, sizeof(*process));

	EXPECT(process);
	process->load = load;
	process->rules = rules;
	process->random = seed;
	process->walked = load->walk * normal(&process->random);
	process->day_factor = 1;
	return process;
}

struct load_run load_run_healthy(const struct load *load, const struct pyi_rules *rules,
				 uint64_t seed, unsigned days)
{
	struct process *process = make_process(load, rules, seed);
	struct load_run run = { .processes = 1 };
	int64_t begin_s = START_S + (int64_t)(7 * DAY_S * load_random(&process->random));
	int64_t now_s = begin_s;
	bool ok = true;

	start(process, now_s);
	while (now_s < begin_s + (int64_t)days * DAY_S) {
		bool was_ok = ok;

		if (load->restart_days > 0 &&
		    load_random(&process->random) < LOOK_S / (load->restart_days * DAY_S)) {
			start(process, now_s);
			run.processes++;
		}
		now_s = next_look(process, now_s);
		ok = look(process, now_s, run.message);
		run.looks++;
		run.alarmed += !ok;
		run.alarms += !ok && was_ok;
	}
	free(process);
	return run;
}

double load_run_leak(const struct load *load, const struct pyi_rules *rules, uint64_t seed,
		     double healthy_hours, double an_hour, double limit_hours, char message[300])
{
	struct process *process = make_process(load, rules, seed);
	int64_t now_s = START_S + (int64_t)(7 * DAY_S * load_random(&process->random));
	int64_t leak_s = now_s + (int64_t)(healthy_hours * HOUR_S);
	double hours = limit_hours;

	start(process, now_s);
	message[0] = '\0';
	while ((double)(now_s - leak_s) < limit_hours * HOUR_S) {
		int64_t next_s = next_look(process, now_s);

		/* The leak begins between two looks. */
		if (process->leak_an_hour <= 0 && next_s > leak_s) {
			process->leak_an_hour = an_hour;
			process->leaked = -an_hour * (double)(leak_s - now_s) / HOUR_S;
		}
		now_s = next_s;
		if (!look(process, now_s, message)) {
			hours = (double)(now_s - leak_s) / HOUR_S;
			break;
		}
	}
	free(process);
	return hours;
}

double load_part_an_hour(const struct load *load, double part)
{
	double objects = load->base + load->cycle + load->garbage + load->warm_up +
			 load->cache_limit + load->batch + load->burst +
			 load->gathered_an_hour * load->emptied_hours;

	return part * (RSS_BASE / RSS_AN_OBJECT + objects);
}

double load_leak_start(uint64_t seed)
{
	uint64_t state = seed ^ 0x5851f42d4c957f2du;
	double by_chance = load_random(&state);

	if (seed % 3 == 0)
		return 0;
	return seed % 3 == 1 ? 24 * by_chance : 24 + 312 * by_chance;
}

void load_rules(struct pyi_rules *rules)
{
	*rules = (struct pyi_rules){ 0 };
	EXPECT(!pyi_rules_add_preset("firewalld", rules));
	EXPECT(!pyi_rules_add_preset("generic", rules));
	EXPECT(!pyi_rules_parse_option("max-growth", TYPE "=30/h", rules));
}
