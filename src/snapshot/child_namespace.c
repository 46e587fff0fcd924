/*
 * Compares links of /proc/PID/task/TID/ns.
 */
#include "snapshot/child_namespace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracee/thread_look.h"

enum {
	/* "pid:[4026531836]" */
	LINK_BYTES = 64,
};

/* False, with errno, if there is no such link. */
static bool read_link(const struct pyi_process *process, pid_t tid, const char *name,
		      char ret_link[LINK_BYTES])
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "task/%d/ns/%s", tid, name);
	length = readlinkat(process->proc_fd, path, ret_link, LINK_BYTES - 1);
	if (length < 0)
		return false;
	ret_link[length] = '\0';
	return true;
}

/* A thread that has ended has no namespace for children any more. */
static bool has_ended(const struct pyi_process *process, pid_t tid)
{
	char state = pyi_thread_state(process, tid);

	return state == 'Z' || state == 'X';
}

static bool is_another(const struct pyi_process *process, pid_t tid)
{
	char children[LINK_BYTES];
	char own[LINK_BYTES];

	/* A kernel without pid namespaces; or we may not look, and then not trace it either. */
	if (!read_link(process, tid, "pid", own))
		return false;
	if (read_link(process, tid, "pid_for_children", children))
		return strcmp(own, children) != 0;
	/* A namespace that has no process yet does not show. */
	return errno == ENOENT && !has_ended(process, tid);
}

bool pyi_child_namespace_is_another(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	size_t count;

	error = pyi_process_list_threads(process, &tids, &count);
	if (error)
		return false;
	for (size_t t = 0; t < count; t++)
		if (is_another(process, tids[t]))
			return true;
	return false;
}
