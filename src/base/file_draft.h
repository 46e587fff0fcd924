/*
 * A file that is written before it has its name: whoever looks there sees the old file, or all of
 * the new one.
 *
 * As base/file_replace.h, for what is too large for memory, or is written by another process. Does
 * not write it.
 */
#ifndef PYI_BASE_FILE_DRAFT_H
#define PYI_BASE_FILE_DRAFT_H

#include "base/error.h"

struct pyi_file_draft {
	/* For writing; -1: there is none. */
	int fd;
	/* Of the folder that the file is to be in. */
	int folder_fd;
	/* Of the file; and as the user wrote it. Owned. */
	char *name;
	char *shown;
	/* A hidden name that it has meanwhile, where files without one cannot be made (O_TMPFILE);
	   else NULL: when we are killed, nothing is left. */
	char *beside;
};

/*
 * Begins a file of mode 0600 that is to be at `path`, where there is nothing or a regular file.
 * Errors (exit 1): "output-failed".
 */
struct pyi_error *pyi_file_draft_begin(const char *path,
				       struct pyi_file_draft *ret_draft) PYI_MUST_CHECK;

/*
 * Makes sure of what was written, and puts it in its place; a link there is replaced, not followed.
 * Errors as above: then the old file is as it was.
 */
struct pyi_error *pyi_file_draft_put(struct pyi_file_draft *draft) PYI_MUST_CHECK;

/* Forgets it, unless it was put in its place. Safe on one that could not be begun. */
void pyi_file_draft_end(struct pyi_file_draft *draft);

#endif
