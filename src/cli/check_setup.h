/*
 * What a check is to do, from the options, the rule files and the environment: its rules, what has
 * to be measured for them, and where things are kept.
 *
 * Does not look at the target.
 */
#ifndef PYI_CLI_CHECK_SETUP_H
#define PYI_CLI_CHECK_SETUP_H

#include <stdbool.h>

#include "analysis/rule.h"
#include "base/error.h"
#include "cli/options.h"
#include "heap/measure.h"

#define PYI_CHECK_RULES_FOLDER "/etc/pyinspect/rules.d"
#define PYI_CHECK_STATE_FOLDER "/var/lib/pyinspect"

struct pyi_check_setup {
	struct pyi_rules rules;
	/* The lists in it are owned by the setup, the names by the rules. */
	struct pyi_measure_request measure;
	const char **types;
	const char **containers;
	/* Rules that ask who is on the bus. */
	bool slip;
	/* Folder for incidents and evidence; file of the history, NULL: none is wanted. */
	char *state;
	char *history;
};

/* Where things are kept: by the options, $STATE_DIRECTORY, or the folder above; the caller frees
 * it; NULL without memory. */
char *pyi_check_state_folder(const struct pyi_options *options);

/*
 * `program` is the name of the target's program ("firewalld"), NULL if it is not known: files can
 * be for that, too. Presets count least, then files, then single rules. Without --rules the files
 * of PYI_CHECK_RULES_FOLDER are read, if there are any. Errors: "usage" if there is no rule, those
 * of rules/rules_file.h.
 */
struct pyi_error *pyi_check_setup_init(const struct pyi_options *options, const char *program,
				       struct pyi_check_setup *ret_setup) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_check_setup_deinit(struct pyi_check_setup *setup);

#endif
