/*
 * Takes rights away from the calling process: users and groups, capabilities, files, limits, system
 * calls. For processes of ours that are to hold what a stranger has made.
 *
 * Each step is a function of its own; the caller chooses and orders them (the order that works is
 * that of this file). All of them are for a process with one thread, allocate nothing, and can be
 * used after fork(). A step that is said to fail leaves rights that should be gone: the process
 * must end then. Nothing can be given back.
 */
#ifndef PYI_BASE_CONFINE_H
#define PYI_BASE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whom a process belongs to. */
struct pyi_confine_owner {
	uid_t real_uid;
	uid_t effective_uid;
	uid_t saved_uid;
	gid_t real_gid;
	gid_t effective_gid;
	gid_t saved_gid;
	/* Supplementary groups. */
	const gid_t *groups;
	size_t group_count;
};

/*
 * Closes all descriptors but these (-1 among them is none). False with errno if others may be open
 * still.
 */
bool pyi_confine_close_files(const int *kept_fds, size_t count);

/*
 * Makes a directory without files the root, and the current directory. False with errno where that
 * is not allowed (CAP_SYS_CHROOT).
 */
bool pyi_confine_empty_root(void);

/* execve() gives no rights any more. Fails with errno. */
bool pyi_confine_no_new_privileges(void);

/*
 * Landlock: no file can be opened by its path, no TCP port used, no abstract socket and no process
 * outside reached, as far as the kernel knows how to forbid it. Wants no new privileges. False with
 * errno where the kernel has none of it (before Linux 5.13).
 */
bool pyi_confine_landlock(void);

/*
 * Empties the bounding and the ambient set, and locks the rule that user 0 has no rights by itself,
 * where CAP_SETPCAP allows it: what a process without capabilities could ever regain. To be called
 * before the other rights go.
 */
void pyi_confine_bound_capabilities(void);

/*
 * Becomes `owner`'s process; file system ids follow the effective ones. Without CAP_SETGID
 * supplementary groups can stay as they are if the owner is in all of them. False with errno if
 * afterwards any right remains that the owner has not. Undoes pyi_confine_end_with().
 */
bool pyi_confine_become(const struct pyi_confine_owner *owner);

/* From now on the process ends when `parent` does, however that ends; at once if it has. */
void pyi_confine_end_with(pid_t parent);

/* Whether a capability (CAP_... of linux/capability.h) is effective. */
bool pyi_confine_has_capability(unsigned capability);

/* Gives up all capabilities, and makes sure that they are gone. Fails with errno. */
bool pyi_confine_drop_capabilities(void);

/* Lowers a limit of setrlimit(2), soft and hard; one that is lower stays. Fails with errno. */
bool pyi_confine_limit(int resource, uint64_t value);

/* (argument & mask) == value */
struct pyi_confine_condition {
	unsigned argument;
	uint64_t mask;
	uint64_t value;
};

enum {
	PYI_CONFINE_CONDITIONS = 3,
	PYI_CONFINE_CALLS = 96,
};

/* A system call that is allowed if all conditions hold. */
struct pyi_confine_call {
	uint32_t number;
	unsigned condition_count;
	struct pyi_confine_condition conditions[PYI_CONFINE_CONDITIONS];
};

/*
 * From now on any other system call than these fails with `error_number`, or ends the process with
 * SIGSYS if that is 0; any in the manner of another `machine` (AUDIT_ARCH_... of linux/audit.h)
 * does. At most PYI_CONFINE_CALLS; a
 * number may be there more than once. Wants no new privileges. Fails with errno.
 */
bool pyi_confine_system_calls(uint32_t machine, const struct pyi_confine_call *calls, size_t count,
			      int error_number);

#endif
