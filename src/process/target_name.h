/*
 * Turns what the user calls a target into a pid: "1234", or "unit:NAME.service" for the main
 * process of a systemd unit, found through its cgroup.
 *
 * Does not talk to systemd.
 */
#ifndef PYI_PROCESS_TARGET_NAME_H
#define PYI_PROCESS_TARGET_NAME_H

#include <sys/types.h>

#include "base/error.h"

/*
 * `cgroup_root` is where cgroup file systems are mounted ("/sys/fs/cgroup"; another tree in
 * tests). The main process of a unit is the one process of the unit's cgroup (and the cgroups below
 * it) whose parent is not in it. A name without a suffix gets ".service". Errors: "bad-target"
 * (exit 2) for something that is neither form or not a positive pid, "no-such-unit" (exit 3) when
 * there is no such cgroup or it is empty (hint: systemctl status), "ambiguous-unit" (exit 2) when
 * several processes qualify (hint lists the pids).
 */
struct pyi_error *pyi_target_name_resolve(const char *name, const char *cgroup_root,
					  pid_t *ret_pid) PYI_MUST_CHECK;

#endif
