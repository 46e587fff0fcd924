/*
 * Rules as people write them: files (JSON, doc/schema/rules.schema.json), words on the command line
 * ("foo.Session=1000"), presets.
 *
 * Unknown keys, wrong types and limits out of range are errors that name file, key and what is
 * expected: a rule that is silently not applied is worse than none.
 */
#ifndef PYI_RULES_RULES_FILE_H
#define PYI_RULES_RULES_FILE_H

#include "analysis/rule.h"
#include "base/error.h"

/* Adds the rules of one file of at most 1 MB. `target` selects: a file may say for which targets
 * its rules are ("targets": patterns of fnmatch(3) for the TARGET word or the program's name).
 * Errors (exit 2): "bad-rules". */
struct pyi_error *pyi_rules_read_file(const char *path, const char *target,
				      struct pyi_rules *rules) PYI_MUST_CHECK;

/* All "*.json" of a folder in the order of their names; a folder that is missing is fine. */
struct pyi_error *pyi_rules_read_folder(const char *path, const char *target,
					struct pyi_rules *rules) PYI_MUST_CHECK;

/*
 * A rule as an option gives it: `option` is "max", "max-growth", "max-container", "max-rss",
 * "max-tracked"; `words` "TYPE=N", "TYPE=64MiB", "TYPE=WARNING:CRITICAL", "TYPE=N/h"... A single
 * limit is the critical one. Errors (exit 2): "usage".
 */
struct pyi_error *pyi_rules_parse_option(const char *option, const char *words,
					 struct pyi_rules *rules) PYI_MUST_CHECK;

/* "firewalld" or "generic"; errors (exit 2): "usage", which lists them. */
struct pyi_error *pyi_rules_add_preset(const char *name, struct pyi_rules *rules) PYI_MUST_CHECK;

#endif
