/*
 * The commands: a file each, command_<name>.c. All of them have the same form.
 */
#ifndef PYI_CLI_COMMAND_H
#define PYI_CLI_COMMAND_H

#include "cli/options.h"
#include "report/envelope.h"

struct pyi_parts;

struct pyi_command {
	const char *name;
	/* For the list of commands in --help. */
	const char *summary;
	struct pyi_option_use use;
	/* For `pyinspect help NAME`; at most 80 columns. */
	const char *help;
	/* It looks into the process: it is run by a worker, beside a broker. */
	bool inspects;
	/* It makes a graph of the heap, and needs room for it (cli/heap_graph.h). */
	bool graph;
	/* A dump can be its target: it asks a graph, or makes do with one. */
	bool dump;
	/* A core can be: it looks once, and at nothing but memory. */
	bool core;
	/* It keeps things: it is run by a process with files, which asks a worker (cli/tasks.h). */
	bool keeps;
	/*
	 * Runs it on options->pid (`history`: options->target) and prints its report; `options` are
	 * complete. `envelope` describes the target as far as it was found out, also on failure.
	 * `ret_exit` is the exit code of a report that was printed.
	 */
	struct pyi_error *(*run)(const struct pyi_options *options, struct pyi_envelope *envelope,
				 enum pyi_exit *ret_exit);
	/*
	 * Adds up the reports of several processes, in a process without rights; NULL: it can only
	 * be run on one.
	 */
	struct pyi_error *(*add_up)(const struct pyi_options *options,
				    struct pyi_envelope *envelope, struct pyi_parts *parts,
				    enum pyi_exit *ret_exit);
	/*
	 * Reports an error, also one of the options (which are then not complete), and returns the
	 * exit code. NULL: as all commands do.
	 */
	enum pyi_exit (*fail)(const struct pyi_options *options,
			      const struct pyi_envelope *envelope, const struct pyi_error *error);
};

extern const struct pyi_command pyi_command_explain;
extern const struct pyi_command pyi_command_top_types;
extern const struct pyi_command pyi_command_top_objects;
extern const struct pyi_command pyi_command_referrers;
extern const struct pyi_command pyi_command_referents;
extern const struct pyi_command pyi_command_path;
extern const struct pyi_command pyi_command_show;
extern const struct pyi_command pyi_command_dominators;
extern const struct pyi_command pyi_command_garbage;
extern const struct pyi_command pyi_command_dump;
extern const struct pyi_command pyi_command_diff;
extern const struct pyi_command pyi_command_growth;
extern const struct pyi_command pyi_command_slip_dbus;
extern const struct pyi_command pyi_command_check;
extern const struct pyi_command pyi_command_history;
extern const struct pyi_command pyi_command_incidents;
extern const struct pyi_command pyi_command_list;

#endif
