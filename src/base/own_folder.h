/*
 * Folders that may be trusted with what is kept: nobody but root and the user who runs this can put
 * something else in their place or into them.
 *
 * pyinspect often runs as root, and is told by anybody where to keep things. Everything on the way
 * must belong to root or to the user, and so must links, and no folder may be writable for others
 * (one with the sticky bit, such as /tmp, may lead on). When that holds, nobody can change anything
 * between the check and the use. Does not look at files.
 */
#ifndef PYI_BASE_OWN_FOLDER_H
#define PYI_BASE_OWN_FOLDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/* What the folder is for, in errors (exit 1). */
struct pyi_folder_use {
	enum pyi_error_code code;
	/* "no history there" */
	const char *refusal;
	const char *hint;
	/* Where there is no such folder. */
	const char *missing_hint;
};

/* A path that begins at "/", links and all as they are; to be freed. NULL with errno. */
char *pyi_own_folder_absolute(const char *path) PYI_MUST_CHECK;

/*
 * Checks the way to the folder at `path` and the folder itself, by the descriptors through which it
 * is opened. With `make` it is made (mode 0700) if it is all that is missing. The descriptor, or
 * its path without links (the caller frees it), or both.
 */
struct pyi_error *pyi_own_folder_open(const char *path, bool make, const struct pyi_folder_use *use,
				      int *ret_fd, char **ret_path) PYI_MUST_CHECK;

/* The same for a folder in that one, which must be no link; `shown` is its path in errors. */
struct pyi_error *pyi_own_folder_open_in(int folder_fd, const char *name, const char *shown,
					 bool make, const struct pyi_folder_use *use,
					 int *ret_fd) PYI_MUST_CHECK;

#endif
