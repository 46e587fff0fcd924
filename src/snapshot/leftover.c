/*
 * Looks through the children of a target for dead snapshots. Changes nothing.
 */
#include "snapshot/leftover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/small_file.h"
#include "process/process_stat.h"
#include "tracee/arch.h"

enum {
	STATUS_LIMIT_BYTES = 4096,
	CHILDREN_LIMIT = 1 << 20,
};

/* True, with its number in a namespace `depth` levels deep, if child `pid` is a dead snapshot. */
static bool is_leftover(pid_t pid, unsigned depth, pid_t *ret_namespace_pid)
{
	struct pyi_process_status status;
	struct pyi_process_stat stat;
	char text[STATUS_LIMIT_BYTES];
	char path[64];
	bool ours;

	if (!pyi_process_stat_peek(pid, &stat) || stat.state != 'Z')
		return false;
	ours = stat.exit_signal == 0 && (strcmp(stat.name, PYI_SNAPSHOT_COMM) == 0 ||
					 stat.exit_code == PYI_ORPHAN_EXIT_STATUS << 8);
	if (!ours)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!pyi_small_file_read(AT_FDCWD, path, text, sizeof(text)))
		return false;
	PYI_CLEANUP(pyi_guard_error)
	struct pyi_error *error = pyi_process_parse_status(text, &status);
	if (error)
		return false;
	*ret_namespace_pid = pyi_process_number_in(&status, depth);
	return *ret_namespace_pid > 0;
}

size_t pyi_leftover_find(const struct pyi_process *process, unsigned namespace_count,
			 pid_t ret_pids[PYI_LEFTOVER_LIMIT])
{
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	size_t tid_count;
	size_t found = 0;

	error = pyi_process_list_threads(process, &tids, &tid_count);
	if (error)
		return 0;
	for (size_t t = 0; t < tid_count; t++) {
		PYI_CLEANUP(pyi_guard_free) char *text = NULL;
		struct pyi_error *unreadable;
		char *save;
		char path[64];

		snprintf(path, sizeof(path), "task/%d/children", tids[t]);
		unreadable = pyi_process_read_file(process, path, CHILDREN_LIMIT, &text, NULL);
		if (unreadable) {
			pyi_error_destroy(unreadable);
			continue;
		}
		for (char *word = strtok_r(text, " ", &save); word && found < PYI_LEFTOVER_LIMIT;
		     word = strtok_r(NULL, " ", &save)) {
			long pid = strtol(word, NULL, 10);

			if (pid > 0 && is_leftover((pid_t)pid, namespace_count, &ret_pids[found]))
				found++;
		}
	}
	return found;
}
