/*
 * Brings together names of targets and systemd, which may not know each other.
 */
#include "cli/target.h"

#include "bus/systemd.h"
#include "process/target_name.h"

bool pyi_target_is_group(const char *name)
{
	return pyi_target_name_is_group(name);
}

#define CGROUP_ROOT "/sys/fs/cgroup"

struct pyi_error *pyi_target_find_all(const char *name, bool children, pid_t **ret_pids,
				      size_t *ret_count)
{
	return pyi_target_name_group(name, children, CGROUP_ROOT, pyi_systemd_find_unit, ret_pids,
				     ret_count);
}

struct pyi_error *pyi_target_find(const char *name, pid_t *ret_pid)
{
	return pyi_target_name_resolve(name, CGROUP_ROOT, pyi_systemd_find_unit, ret_pid);
}
