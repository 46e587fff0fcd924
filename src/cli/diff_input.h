/*
 * One of the two files that `diff` compares: a dump, or a report of top-types as JSON.
 *
 * To be read by a process without rights: what is in it is whatever somebody has written there.
 * Does not compare anything.
 */
#ifndef PYI_CLI_DIFF_INPUT_H
#define PYI_CLI_DIFF_INPUT_H

#include <stdbool.h>

#include "analysis/census.h"
#include "base/error.h"
#include "cli/dump_facts.h"
#include "graph/graph.h"
#include "report/diff.h"
#include "report/envelope.h"

struct pyi_diff_input {
	/* As the user wrote it. */
	const char *file;
	bool is_dump;
	/* Of a dump. */
	struct pyi_graph graph;
	struct pyi_dump_moment moment;
	/* What is known of its process, with the warnings that were told then. */
	struct pyi_envelope envelope;
	int64_t taken_s;
	/* Owned; NULL: not known. */
	char *host;
	/* "all" or "tracked". */
	const char *scope;
	/* Merged. */
	struct pyi_census census;
	/* A report that was made of some types only. */
	bool cut;
	/* It is known that not all objects are in it. */
	bool partial;
};

/*
 * Reads it; `space` must outlive it. `ret_input` is the caller's, also after a failure, and must
 * not move. Errors (exit 1): those of graph/file.h; "bad-dump" if it is neither a dump nor such a
 * report.
 */
struct pyi_error *pyi_diff_input_read(const char *file, int fd, struct pyi_graph_space *space,
				      struct pyi_diff_input *ret_input) PYI_MUST_CHECK;

/* For the report, which must not outlive it. */
struct pyi_diff_side pyi_diff_input_side(const struct pyi_diff_input *input);

/* Whether both are dumps of one process; then addresses mean the same. */
bool pyi_diff_input_is_same_process(const struct pyi_diff_input *one,
				    const struct pyi_diff_input *other);

/* Safe on a zeroed struct. */
void pyi_diff_input_deinit(struct pyi_diff_input *input);

#endif
