/*
 * Limits as words: "1000", "20k", "64MiB", "60/h", for options and for rule files.
 */
#ifndef PYI_RULES_RULE_WORDS_H
#define PYI_RULES_RULE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/rule.h"

/* No limit may be higher; no subject and no pattern longer, in bytes. */
#define PYI_RULES_LIMIT 1e15
enum {
	PYI_RULES_SUBJECT_LIMIT = 1000,
	PYI_RULES_RUNS_LEAST = 2,
	PYI_RULES_RUNS_MOST = 1000,
	PYI_RULES_RUNS_DEFAULT = 12,
};

/* What a limit was given in. */
struct pyi_rule_limit {
	/* Of a rate: per hour. */
	double value;
	bool in_bytes;
	bool is_rate;
};

/*
 * Reads a limit from the `length` bytes at `text`: digits with at most one point, then k, M or G
 * (a thousand, ...) or a unit of bytes (B, kB, KB, MB, GB, TB, KiB, MiB, GiB, TiB), then for a rate
 * /min, /h or /d. False if it is none, or higher than PYI_RULES_LIMIT.
 */
bool pyi_rule_words_read(const char *text, size_t length, struct pyi_rule_limit *ret_limit);

/* "a count such as 1000 or 20k", of what limits of such rules are written as. */
const char *pyi_rule_words_expected(enum pyi_rule_kind kind);

/*
 * The subject of such a rule within the words that somebody wrote for it: of a container, what
 * reports put before its name ("dict[*] in instance ", "in module ") is left out. NULL if it is
 * none: it is empty, or has wildcards, which no rule understands.
 */
const char *pyi_rule_words_subject(enum pyi_rule_kind kind, const char *words);

/* Why there is no subject in these words; a format for the words. */
#define PYI_RULE_WORDS_NO_SUBJECT                                                                  \
	"\"%s\" is no name of one type or container; wildcards do not work here"

#endif
