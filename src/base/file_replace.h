/*
 * Files that are there whole or not at all: written beside the old one, which they then replace.
 */
#ifndef PYI_BASE_FILE_REPLACE_H
#define PYI_BASE_FILE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Puts `data` in place of what is at `path`, if anything is: a reader, and a machine whose power
 * fails, sees the old file or the new one. The file gets exactly that mode. Errors (exit 1):
 * "output-failed"; then the old file is as it was. What is there must be a regular file: see
 * pyi_file_check_place().
 */
struct pyi_error *pyi_file_replace(const char *path, mode_t mode, const void *data,
				   size_t size) PYI_MUST_CHECK;

/*
 * Whether a file of the user may be put there: in the place of a device, a link or a folder that
 * would do harm. `name` is in that folder, or AT_FDCWD; `shown` is the path in errors. Nothing
 * there is no error. Errors (exit 1): "output-failed".
 */
struct pyi_error *pyi_file_check_place(int folder_fd, const char *name,
				       const char *shown) PYI_MUST_CHECK;

/* The same as the first in a folder that is open and our own; a link there is replaced, not
   followed. `shown` is the path in errors. */
struct pyi_error *pyi_file_replace_at(int folder_fd, const char *name, const char *shown,
				      mode_t mode, const void *data, size_t size) PYI_MUST_CHECK;

/* A new file of that name in the folder; it must not exist. Errors as above. */
struct pyi_error *pyi_file_create_at(int folder_fd, const char *name, mode_t mode, const void *data,
				     size_t size) PYI_MUST_CHECK;

/* A new name for what is to take the place of `name`: hidden, and without the suffix by which
   readers of a folder know the file. The caller frees it; NULL with errno. */
char *pyi_file_name_beside(const char *name);

/* A new file for writing, of mode 0600 and of such a name, which the caller frees; -1 with errno.
 */
int pyi_file_create_beside(int folder_fd, const char *name, char **ret_beside);

/* A rename lasts when its folder has been written. What has no fsync has no need of one. False with
   errno. */
bool pyi_file_sync_folder(int fd);

/*
 * A whole file in that folder, not through a link, of at most `limit_bytes`, with a NUL behind it,
 * which is not counted; the caller frees it. NULL in `ret_text` if there is no such file. Errors
 * (exit 1): "input-failed".
 */
struct pyi_error *pyi_file_read_at(int folder_fd, const char *name, const char *shown,
				   size_t limit_bytes, char **ret_text,
				   size_t *ret_size) PYI_MUST_CHECK;

#endif
