/*
 * Brings together names of targets and systemd, which may not know each other.
 */
#include "cli/target.h"

#include "bus/systemd.h"
#include "process/target_name.h"

struct pyi_error *pyi_target_find(const char *name, pid_t *ret_pid)
{
	return pyi_target_name_resolve(name, "/sys/fs/cgroup", pyi_systemd_find_unit, ret_pid);
}
