/*
 * Whom a process belongs to: users and groups from /proc/PID/status, as this process's user
 * namespace numbers them.
 */
#ifndef PYI_PROCESS_CREDENTIALS_H
#define PYI_PROCESS_CREDENTIALS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/confine.h"
#include "base/error.h"
#include "process/process.h"

struct pyi_credentials {
	/* Real, effective, saved. */
	uid_t users[3];
	gid_t groups[3];
	/* Supplementary groups. */
	gid_t *others;
	size_t other_count;
};

/* Errors as pyi_process_read_file(), and "bad-status". To be freed by pyi_credentials_deinit(). */
struct pyi_error *pyi_credentials_read(const struct pyi_process *process,
				       struct pyi_credentials *ret_credentials) PYI_MUST_CHECK;

/* Pure parser behind it: `text` is a status file. */
struct pyi_error *pyi_credentials_parse(const char *text,
					struct pyi_credentials *ret_credentials) PYI_MUST_CHECK;

/* For a process of ours that is to become theirs; its groups are those of `credentials`. */
struct pyi_confine_owner pyi_credentials_owner(const struct pyi_credentials *credentials);

/* Safe on a zeroed struct. */
void pyi_credentials_deinit(struct pyi_credentials *credentials);

#endif
