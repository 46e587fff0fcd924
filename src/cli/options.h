/*
 * The command line as data: target, command, subject, options.
 */
#ifndef PYI_CLI_OPTIONS_H
#define PYI_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/file_draft.h"
#include "report/output.h"
#include "snapshot/preflight.h"

/* Options that only some commands know, as bits. */
enum pyi_option {
	PYI_OPTION_LIMIT = 1 << 0,
	PYI_OPTION_BY = 1 << 1,
	PYI_OPTION_SCOPE = 1 << 2,
	PYI_OPTION_EXACT = 1 << 3,
	PYI_OPTION_ADDRESS = 1 << 4,
	PYI_OPTION_DEPTH = 1 << 5,
	PYI_OPTION_VALUES = 1 << 6,
	PYI_OPTION_HISTORY = 1 << 7,
	/* Any of those that say what is checked. */
	PYI_OPTION_RULES = 1 << 8,
	PYI_OPTION_NO_HISTORY = 1 << 9,
	PYI_OPTION_STATE = 1 << 10,
	PYI_OPTION_MIN_AGE = 1 << 11,
	PYI_OPTION_OUTPUT = 1 << 12,
	PYI_OPTION_SINCE = 1 << 13,
	PYI_OPTION_TYPE = 1 << 14,
	PYI_OPTION_MODULE = 1 << 15,
	PYI_OPTION_NO_BUILTINS = 1 << 16,
	PYI_OPTION_CHILDREN = 1 << 17,
	PYI_OPTION_MIN_SHARE = 1 << 18,
	PYI_OPTION_INTERVAL = 1 << 19,
	PYI_OPTION_TREE = 1 << 20,
};

enum {
	/* How often options that say what is checked may be given, in all. */
	PYI_RULE_WORDS = 64,
	/* Of the file of --output. */
	PYI_OUTPUT_MODE = 0644,
};

/* One of the options that say what is checked. */
struct pyi_rule_words {
	/* "max", "max-growth", ..., "preset", "rules"; a static string. */
	const char *option;
	/* As the user wrote it. */
	const char *words;
};

/* What --by can say, as bits. */
enum pyi_by {
	PYI_BY_COUNT = 1 << 0,
	PYI_BY_BYTES = 1 << 1,
	PYI_BY_REFERENTS = 1 << 2,
	PYI_BY_RETAINED = 1 << 3,
};

struct pyi_options {
	/* As the user wrote them; NULL if missing. Point into argv. */
	const char *target;
	const char *command;
	/* NULL too when it was an address: pyi_options_complete() makes one of "0x...". */
	const char *subject;

	/* For all commands. */
	enum pyi_format format;
	enum pyi_source_kind source;
	double max_pause_ms;
	/* Of all stops together; not less than max_pause_ms. */
	double max_total_pause_ms;
	/* Which of several runtimes of Python in the process, from 1; 0: the only one. */
	unsigned runtime;
	/* A release of Python that is not known yet is tried as the newest that is. */
	bool force;
	/* The number of an interpreter of it, and one; 0: all. */
	uint64_t interpreter;
	/* Where the programs and libraries of a core are; NULL: where they were. */
	const char *sysroot;
	/* 0: no limit. */
	double timeout_s;
	bool verbose;
	/* What to do instead of a command. */
	bool help;
	bool version;

	/* enum pyi_option: those that were given with a value that was understood. */
	unsigned given;
	uint64_t limit;
	/* One of enum pyi_by; 0: not given. */
	unsigned by;
	bool tracked_only;
	bool exact;
	bool values;
	/* 0: none. */
	uint64_t address;
	unsigned depth;
	bool tree;
	/* In percent, 0 to 100. */
	double min_share;
	/* In the order in which they were given. */
	struct pyi_rule_words rules[PYI_RULE_WORDS];
	size_t rule_count;
	/* Paths; NULL: not given. */
	const char *history;
	const char *state;
	const char *output;
	double min_age_s;
	/* Between two snapshots. */
	double interval_s;
	/* How far back; 0: all. */
	uint64_t since_s;
	/* Only such types; NULL: all. */
	const char *type;
	const char *module;
	bool no_builtins;
	bool no_history;
	/* Also the processes that the target has started. */
	bool children;

	/* Not options, but what is made of them: */
	/* Where the report goes. */
	FILE *out;
	/* What takes a report that --output is about; -1: the file itself. */
	int output_fd;
	/* Of `dump` below; and of the file that it is compared with, named by `subject`; -1: there
	   is none. */
	int dump_fd;
	int other_fd;
	/* Who has the rights (broker/supervisor.h); for a check, who looks (cli/tasks.h). */
	int broker_fd;
	int worker_fd;
	/* What `target` means; and whether it is one of the processes that it means. */
	pid_t pid;
	bool one_of_many;
	/* Who knows which of those that it has started run Python (cli/python_children.h); -1:
	   nobody. */
	int children_fd;
	/* The dump that is looked at instead of a process (cli/dump_target.h); NULL: a process is.
	 */
	const char *dump;
	/* The core that is looked at instead, of so many bytes; NULL: none is. Then `broker_fd`
	   leads to a server of it (core/core_server.h). */
	const char *core;
	int core_fd;
	uint64_t core_bytes;
	/* Of a dump that is made: the file that it is to be ("-": standard output), and what
	   becomes it. */
	const char *dump_file;
	struct pyi_file_draft draft;
	/* Memory that a graph may take; 0: there is none (cli/room.h). */
	uint64_t graph_bytes;
	/* When --timeout is over, on base/clock.h's clock; 0: never. */
	uint64_t deadline_ns;
};

/* What a command makes of the command line. */
struct pyi_option_use {
	/* enum pyi_option: those that it knows. */
	unsigned options;
	/* enum pyi_by: what it can go by. */
	unsigned by;
	/* It is about a type or an address, which must be given. */
	bool subject;
	/* The same, and only an address will do. */
	bool address;
	/* Without an address it is about kept evidence, which is the target. */
	bool evidence;
	/* It is about a type or an address, if one is given. */
	bool optional_type;
	/* A word behind the command may be given, or not. */
	bool optional_subject;
	/* It writes a dump into a file, which must be given. */
	bool file;
	/* It compares two files: the target and a word behind the command. */
	bool two_files;
	/* It makes sense without a target. */
	bool optional_target;
	uint64_t default_limit;
	/* 0: any. */
	uint64_t most_limit;
	/* A limit of 0 is that one; else it is left to the command, as "all". */
	bool zero_is_most;
	/* It also has the formats nagios and prometheus. */
	bool monitoring;
	/* It also has the format dot: what it says is a graph. */
	bool graph;
};

/*
 * Parses the command line: TARGET COMMAND [SUBJECT], or --pid TARGET COMMAND [SUBJECT]. The format
 * is a table unless an option or the variable PYINSPECT_FORMAT says otherwise. `ret_options` is
 * filled as far as it was understood even on failure, so that the error can be reported in the
 * wanted format. Does not know the commands: pyi_options_complete() must follow. Errors: "usage"
 * (exit 2).
 */
struct pyi_error *pyi_options_parse(int argc, char **argv,
				    struct pyi_options *ret_options) PYI_MUST_CHECK;

/*
 * Holds what was given against what `command` can use, and fills in its defaults. Errors: "usage"
 * (exit 2), which names the command.
 */
struct pyi_error *pyi_options_complete(struct pyi_options *options, const char *command,
				       const struct pyi_option_use *use) PYI_MUST_CHECK;

#endif
