/*
 * Brings together names of targets and systemd, which may not know each other.
 */
#include "cli/target.h"

#include <stdio.h>

#include "bus/systemd.h"
#include "process/target_name.h"

enum {
	/* Processes that are told in a hint. */
	PIDS_TOLD = 16,
};

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

struct pyi_error *pyi_target_more_than_one(const char *name, const char *command, const pid_t *pids,
					   size_t count)
{
	char list[PIDS_TOLD * 16] = "";
	size_t length = 0;

	for (size_t p = 0; p < count && p < PIDS_TOLD; p++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%d",
					   p ? ", " : "", (int)pids[p]);
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_AMBIGUOUS_UNIT,
				 "%s is %zu processes, and %s looks at one", name, count, command),
		"give the number of one: %s%s", list, count > PIDS_TOLD ? ", ..." : "");
}
