/*
 * Rules as people write them: files (JSON, doc/schema/rules.schema.json), words on the command line
 * ("foo.Session=1000"), presets.
 *
 * Unknown keys, wrong types and limits out of range are errors that name file, key and what is
 * expected: a rule that is silently not applied is worse than none.
 */
#ifndef PYI_RULES_RULES_FILE_H
#define PYI_RULES_RULES_FILE_H

#include <stddef.h>

#include "analysis/rule.h"
#include "base/error.h"

/* Whose rules are wanted. NULL matches no pattern. */
struct pyi_rules_target {
	/* The TARGET word: matched as it is, without "unit:", and without ".service". */
	const char *word;
	/* Of its program. */
	const char *program;
};

/*
 * Adds the rules of one file of at most 1 MB: all of them, or after an error none. A file may say
 * for which targets its rules are ("targets": patterns of fnmatch(3), one of which has to match the
 * word or the program). A file that is not for this target is checked all the same, and adds
 * nothing. Errors (exit 2): "bad-rules".
 */
struct pyi_error *pyi_rules_read_file(const char *path, const struct pyi_rules_target *target,
				      struct pyi_rules *rules) PYI_MUST_CHECK;

/* The same from memory; `origin` is the file's name, for errors and for the rules. */
struct pyi_error *pyi_rules_read_text(const char *text, size_t length, const char *origin,
				      const struct pyi_rules_target *target,
				      struct pyi_rules *rules) PYI_MUST_CHECK;

/* All "*.json" of a folder in the order of their names, but for hidden ones; a folder that is
 * missing is fine. */
struct pyi_error *pyi_rules_read_folder(const char *path, const struct pyi_rules_target *target,
					struct pyi_rules *rules) PYI_MUST_CHECK;

/*
 * A rule as an option gives it, without the "--":
 *
 *   max            TYPE=LIMITS  a count (MAX_COUNT), or bytes if the limits have a unit (MAX_BYTES)
 *   max-growth     TYPE=LIMITS  a count a time; without a time, an hour
 *   max-container  OWNER=LIMITS a count
 *   max-rss        LIMITS       bytes; with a time MAX_RSS_GROWTH
 *   max-tracked    LIMITS       a count; with a time MAX_TRACKED_GROWTH
 *
 * LIMITS are "CRITICAL", "WARNING:CRITICAL", "WARNING:" or ":CRITICAL". A limit is a number with at
 * most one decimal point and k, M, G (a thousand, ...), or B, kB, KB, MB, GB, TB (powers of 1000),
 * KiB, MiB, GiB, TiB (of 1024); a time is /min, /h or /d; if only the critical limit has one, it is
 * that of both. The last "=" separates. Errors (exit 2): "usage".
 */
struct pyi_error *pyi_rules_parse_option(const char *option, const char *words,
					 struct pyi_rules *rules) PYI_MUST_CHECK;

/* "firewalld" or "generic"; errors (exit 2): "usage", which lists them. */
struct pyi_error *pyi_rules_add_preset(const char *name, struct pyi_rules *rules) PYI_MUST_CHECK;

#endif
