/*
 * Turns what the user calls a target into a pid: "1234", or "unit:NAME.service" for the main
 * process of a systemd unit, found through its cgroup.
 *
 * Does not talk to systemd: the caller knows how to ask it.
 */
#ifndef PYI_PROCESS_TARGET_NAME_H
#define PYI_PROCESS_TARGET_NAME_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* What the manager of units says about one. */
struct pyi_unit_place {
	/* Below the root of the hierarchy: "/system.slice/demo.service"; "": it has none. */
	char cgroup[PATH_MAX];
	/* 0: it has none, or that is not known. */
	pid_t main_pid;
};

enum pyi_unit_answer {
	/* There is no manager that could be asked. */
	PYI_UNIT_NO_ANSWER,
	/* It does not know such a unit. */
	PYI_UNIT_NOT_THERE,
	PYI_UNIT_FOUND,
};

typedef enum pyi_unit_answer pyi_unit_lookup(const char *unit, struct pyi_unit_place *ret_place);

/*
 * `cgroup_root` is where cgroup file systems are mounted ("/sys/fs/cgroup"; another tree in tests).
 * `lookup` asks for the cgroup of a unit. If it gets no answer, or is NULL, it is the directory of
 * that name in system.slice, or in slices in there, that belong to the owner of the root and that
 * nobody else can write to: any user can give a cgroup of his own any name. The main process is the
 * one that the manager says, or the one process of the unit's cgroup (and the cgroups below it)
 * whose parent is not in it. A name without a suffix gets ".service".
 *
 * Errors: "bad-target" (exit 2) for something that is neither form or not a positive pid,
 * "no-such-unit" (exit 3) when there is no such cgroup or it is empty (hint: systemctl status),
 * "ambiguous-unit" (exit 2) when several processes qualify (hint lists the pids).
 */
struct pyi_error *pyi_target_name_resolve(const char *name, const char *cgroup_root,
					  pyi_unit_lookup *lookup, pid_t *ret_pid) PYI_MUST_CHECK;

/*
 * All processes that a name stands for, of whatever program, ascending; the caller frees them:
 *
 * - "unit:NAME": those of the unit's cgroup and the cgroups below it;
 * - "cgroup:PATH": those of that cgroup, below the root of its hierarchy, and the cgroups below it;
 * - "container:ID": those of the cgroup that podman, docker, containerd, cri-o, LXC or
 *   systemd-nspawn makes for a container of that id (or the beginning of it) or name; only in
 *   directories that belong to the owner of the root and that nobody else can write to, for any
 *   user can give a cgroup of his own any name, and so can root in a container: of two that match
 *   none is taken;
 * - "1234": that one, with `children` also those that it has started, and so on.
 *
 * Errors: as above; "no-such-unit" for a cgroup or container, too; "ambiguous-unit" if several
 * containers are called so.
 */
struct pyi_error *pyi_target_name_group(const char *name, bool children, const char *cgroup_root,
					pyi_unit_lookup *lookup, pid_t **ret_pids,
					size_t *ret_count) PYI_MUST_CHECK;

/* Whether a name may stand for several processes. */
bool pyi_target_name_is_group(const char *name);

#endif
