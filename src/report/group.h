/*
 * What a report of several processes says of each of them. Plain data; the envelope carries it.
 */
#ifndef PYI_REPORT_GROUP_H
#define PYI_REPORT_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

struct pyi_group_member {
	int64_t pid;
	/* NULL: not known; owned by the group. */
	char *exe;
	char *python;
	uint64_t rss_bytes;
	/* All objects, and their shallow bytes. */
	uint64_t objects;
	uint64_t bytes;
	/* Of a check: "ok", ...; NULL: it is none. A static string. */
	const char *status;
};

/* One process has far more of something than the others. */
struct pyi_group_difference {
	int64_t pid;
	/* A type, or the rule of a check; owned by the group. */
	char *what;
	double count;
	/* The median of the others. */
	double others;
};

struct pyi_group {
	/* What the user called it; not owned. */
	const char *name;
	struct pyi_group_member *members;
	size_t member_count;
	/* Processes that are not Python, or not any more, and so are not members. */
	size_t left_out;
	/* The largest first. */
	struct pyi_group_difference *differences;
	size_t difference_count;
};

/* Prints the lines of the members and of the differences; false without memory. */
bool pyi_group_put(FILE *stream, const struct pyi_group *group);

/* Adds "group": {"name","left_out","processes":[...],"differences":[...]} to a report. */
bool pyi_group_add_json(cJSON *json, const struct pyi_group *group);

/* "process 12 (2 of 4) has 30 times the foo.Session of the others: 200,000 to 6,600"; malloc'ed;
 * NULL without memory. */
char *pyi_group_tell(const struct pyi_group *group, const struct pyi_group_difference *difference);

/* Safe on a zeroed struct. */
void pyi_group_deinit(struct pyi_group *group);

#endif
