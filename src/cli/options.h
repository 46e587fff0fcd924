/*
 * The command line as data: target, command, options.
 */
#ifndef PYI_CLI_OPTIONS_H
#define PYI_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/census.h"
#include "base/error.h"
#include "report/output.h"

struct pyi_options {
	/* As the user wrote them; NULL if missing. Point into argv. */
	const char *target;
	const char *command;

	enum pyi_format format;
	double max_pause_ms;
	/* 0: no limit. */
	double timeout_s;
	bool verbose;
	/* What to do instead of a command. */
	bool help;
	bool version;

	/* top-types */
	uint64_t limit;
	enum pyi_census_order order;
	bool tracked_only;
};

/*
 * Parses the command line. `ret_options` is filled as far as it was understood even on failure, so
 * that the error can be reported in the wanted format. Errors: "usage" (exit 2).
 */
struct pyi_error *pyi_options_parse(int argc, char **argv,
				    struct pyi_options *ret_options) PYI_MUST_CHECK;

#endif
