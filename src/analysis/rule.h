/*
 * Rules of `check`: what is measured, and from when on it is too much. Judging lies in check.h.
 *
 * Plain data; does not know where rules come from (src/rules).
 */
#ifndef PYI_ANALYSIS_RULE_H
#define PYI_ANALYSIS_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum pyi_rule_kind {
	/* Objects of type `subject` and its subclasses: how many, or how many bytes. */
	PYI_RULE_MAX_COUNT,
	PYI_RULE_MAX_BYTES,
	/* How fast they become more, per hour (in history). */
	PYI_RULE_MAX_GROWTH,
	/* len() of the container `subject`, "package.module.Class.attribute". */
	PYI_RULE_MAX_CONTAINER,
	/* Resident bytes of the process; tracked objects; no subject. */
	PYI_RULE_MAX_RSS,
	PYI_RULE_MAX_TRACKED,
	/* Growth of those per hour; no subject. */
	PYI_RULE_MAX_RSS_GROWTH,
	PYI_RULE_MAX_TRACKED_GROWTH,
	/* Of what python-slip keeps: names that are gone; connections whose match is dead. */
	PYI_RULE_MAX_SLIP_STALE,
	PYI_RULE_SLIP_DEAD_MATCH,
	/*
	 * Any container held by a module or class that grows and never shrinks over the last
	 * `runs` looks; no subject.
	 */
	PYI_RULE_GROWING_CONTAINERS,
};

/* A limit that is not there is infinite. */
struct pyi_rule {
	enum pyi_rule_kind kind;
	/* Owned; NULL for kinds that have none. */
	char *subject;
	/* A value above it is a warning, or critical; INFINITY: never. */
	double warning;
	double critical;
	/* PYI_RULE_GROWING_CONTAINERS; 0 for others. */
	unsigned runs;
	/* Where it comes from, for messages: a file, "--max", "preset firewalld"; owned. */
	char *origin;
};

struct pyi_rules {
	struct pyi_rule *items;
	size_t count;
	size_t capacity;
};

/* Adds a rule; copies the strings. A rule of the same kind and subject is replaced: the last one
 * counts, so that options overrule files and files overrule presets. */
struct pyi_error *pyi_rules_add(struct pyi_rules *rules,
				const struct pyi_rule *rule) PYI_MUST_CHECK;

/* A stable name for programs: "max-count foo.Session", "max-rss"; malloc'ed; NULL: no memory. */
char *pyi_rule_name(const struct pyi_rule *rule);

/* Safe on a zeroed struct. */
void pyi_rules_deinit(struct pyi_rules *rules);

#endif
