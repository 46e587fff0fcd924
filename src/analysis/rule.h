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
	/* len() of the container `subject`, "package.module.Class.attribute", or the sum of those
	 * that have this name. */
	PYI_RULE_MAX_CONTAINER,
	/* Resident bytes of the process; tracked objects; no subject. */
	PYI_RULE_MAX_RSS,
	PYI_RULE_MAX_TRACKED,
	/* Growth of those per hour; no subject. */
	PYI_RULE_MAX_RSS_GROWTH,
	PYI_RULE_MAX_TRACKED_GROWTH,
	/* Names that are gone and that python-slip keeps; no subject. */
	PYI_RULE_MAX_SLIP_STALE,
	/*
	 * The same names, as long as a connection's match watches somebody who is gone: then
	 * nothing will ever be removed, and a few are enough to be sure. One name may be the one
	 * that was watched, its end not yet dealt with. No subject.
	 */
	PYI_RULE_SLIP_DEAD_MATCH,
	/*
	 * Entries of any container, wherever it is held, that grows and never shrinks
	 * (pyi_trend_never_shrinks()) over `runs` looks. A container with a MAX_CONTAINER rule of
	 * its own is left out: somebody knows how large it may become. No subject.
	 */
	PYI_RULE_GROWING_CONTAINERS,
	/*
	 * How fast, per hour, objects of any type that a module defines become more, by its exact
	 * type. A type with a MAX_GROWTH rule of its own is left out. No subject.
	 */
	PYI_RULE_GROWING_TYPES,
	/*
	 * Growth per hour of resident memory without the bytes of objects, where that is more than
	 * the objects grow by: C libraries, allocators, threads. No subject.
	 */
	PYI_RULE_MAX_OTHER_GROWTH,
};

enum {
	PYI_RULE_KINDS = PYI_RULE_MAX_OTHER_GROWTH + 1,
};

/* A limit that is not there is infinite. Zeroed limits are limits of 0. */
struct pyi_rule {
	enum pyi_rule_kind kind;
	/* PYI_RULE_GROWING_CONTAINERS; 0 for others. */
	unsigned runs;
	/* Owned; NULL for kinds that have none. */
	char *subject;
	/* A value above it is a warning, or critical; INFINITY: never. */
	double warning;
	double critical;
	/* What it is about need not be in the process, and never have been: then there is none of
	 * it. */
	bool may_be_absent;
	/* Where it comes from, for messages: a file, "--max", "preset firewalld"; owned. */
	char *origin;
};

struct pyi_rules {
	struct pyi_rule *items;
	size_t count;
	size_t capacity;
};

/* What the limits of such rules are given in, and whether they are of a rate, per hour. */
bool pyi_rule_kind_in_bytes(enum pyi_rule_kind kind);
bool pyi_rule_kind_is_growth(enum pyi_rule_kind kind);

/* Whether such rules are about a `subject`. */
bool pyi_rule_kind_has_subject(enum pyi_rule_kind kind);

/* "max-count", as in rule files. */
const char *pyi_rule_kind_name(enum pyi_rule_kind kind);

/* The one of the same kind and subject, or NULL. */
struct pyi_rule *pyi_rules_find(const struct pyi_rules *rules, const struct pyi_rule *rule);

/* Adds a rule; copies the strings. A rule of the same kind and subject is replaced: the last one
 * counts, so that options overrule files and files overrule presets. */
struct pyi_error *pyi_rules_add(struct pyi_rules *rules,
				const struct pyi_rule *rule) PYI_MUST_CHECK;

/* A stable name for programs: "max-count foo.Session", "max-rss"; malloc'ed; NULL: no memory. */
char *pyi_rule_name(const struct pyi_rule *rule);

/* Safe on a zeroed struct. */
void pyi_rules_deinit(struct pyi_rules *rules);

#endif
