/*
 * Folders of reports that are kept: made privately, complete or not there at all, and only so many
 * of them.
 *
 * Does not know what is in them.
 */
#ifndef PYI_INCIDENTS_KEPT_FOLDER_H
#define PYI_INCIDENTS_KEPT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* "unit_firewalld-1234-20260131T235959Z": of a target, its pid and a time; malloc'ed; NULL without
 * memory. */
char *pyi_kept_folder_name(const char *target, int64_t pid, int64_t time_s);

/* Whether it is a name that pyi_kept_folder_name() could have made. */
bool pyi_kept_folder_is_name(const char *name);

/*
 * Opens a folder of what is kept. With `make` it, and the one above it, are made if they are
 * missing (mode 0700). It must be no link, and neither that nor what is above it may be somebody
 * else's (base/own_folder.h). All that takes the path of such a folder does this. Errors (exit 1):
 * "no-incidents".
 */
struct pyi_error *pyi_kept_folder_open(const char *path, bool make, int *ret_fd) PYI_MUST_CHECK;

struct pyi_kept_folder {
	/* Of the folder of all of them; of this one, under the name it has as long as it is not
	 * complete. */
	int parent_fd;
	int fd;
	char *partial;
	char *name;
};

/* All names in a folder but "." and "..", at most 10,000. */
struct pyi_folder_entries {
	/* Owned, in no order. */
	char **names;
	size_t count;
};

/* Also opens the folder, for the caller. None if it is not there: then the descriptor is -1.
 * Errors: "no-incidents". */
struct pyi_error *pyi_kept_folder_names(const char *path, int *ret_fd,
					struct pyi_folder_entries *ret_names) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_folder_entries_deinit(struct pyi_folder_entries *names);

/* True if a complete folder of that name is there. */
bool pyi_kept_folder_exists(const char *parent, const char *name);

/*
 * Begins a folder below `parent`, which is made if it is missing; drops what was begun and not
 * completed by somebody who was killed. Only one at a time for each name. Errors: "no-incidents",
 * "output-failed".
 */
struct pyi_error *pyi_kept_folder_begin(const char *parent, const char *name,
					struct pyi_kept_folder *ret_folder) PYI_MUST_CHECK;

/* Adds a file (mode 0600). Errors: "output-failed". */
struct pyi_error *pyi_kept_folder_add(struct pyi_kept_folder *folder, const char *name,
				      const void *data, size_t size) PYI_MUST_CHECK;

/* Gives it its name: from now on it is there. Errors: "output-failed". */
struct pyi_error *pyi_kept_folder_finish(struct pyi_kept_folder *folder) PYI_MUST_CHECK;

/* Drops it if it was not finished; safe on a struct with both descriptors -1. */
void pyi_kept_folder_close(struct pyi_kept_folder *folder);

/*
 * Keeps at most `most` complete folders below `parent`, of at most `most_bytes` in all, the
 * youngest; that one always. Other things in `parent` are left alone. Errors: "no-incidents".
 */
struct pyi_error *pyi_kept_folder_rotate(const char *parent, size_t most,
					 uint64_t most_bytes) PYI_MUST_CHECK;

/* Keeps at most `most` files directly in a folder, the youngest; hidden ones that are older than a
 * day go, too. `shown` is its path in errors: "no-incidents". */
struct pyi_error *pyi_kept_folder_prune_files(int fd, const char *shown,
					      size_t most) PYI_MUST_CHECK;

#endif
