/*
 * Looks through the children of a target for dead snapshots. Changes nothing.
 */
#include "snapshot/leftover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tracee/arch.h"

enum {
	/* Fields of /proc/PID/stat, proc(5), counted from 1. */
	FIELD_STATE = 3,
	FIELD_EXIT_SIGNAL = 38,
	FIELD_EXIT_CODE = 52,
	CHILDREN_LIMIT = 1 << 20,
};

/* Text of a small file of any process; false if it is not there. */
static bool read_file(pid_t pid, const char *name, char *ret_text, size_t capacity)
{
	char path[64];
	size_t got;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	got = fread(ret_text, 1, capacity - 1, file);
	fclose(file);
	ret_text[got] = '\0';
	return true;
}

/* True, with its number in a namespace `depth` levels deep, if child `pid` is a dead snapshot. */
static bool is_leftover(pid_t pid, unsigned depth, pid_t *ret_namespace_pid)
{
	struct pyi_process_status status;
	char text[4096];
	const char *name;
	char *rest;
	char *save;
	long exit_signal = -1;
	long exit_code = -1;
	int number = FIELD_STATE;
	bool ours;

	if (!read_file(pid, "stat", text, sizeof(text)))
		return false;
	name = strchr(text, '(');
	rest = strrchr(text, ')');
	if (!name || !rest || rest[1] != ' ' || rest[2] != 'Z')
		return false;
	*rest = '\0';
	for (char *field = strtok_r(rest + 2, " ", &save); field;
	     field = strtok_r(NULL, " ", &save), number++) {
		if (number == FIELD_EXIT_SIGNAL)
			exit_signal = strtol(field, NULL, 10);
		if (number == FIELD_EXIT_CODE)
			exit_code = strtol(field, NULL, 10);
	}
	ours = exit_signal == 0 && (strcmp(name + 1, PYI_SNAPSHOT_COMM) == 0 ||
				    exit_code == PYI_ORPHAN_EXIT_STATUS << 8);
	if (!ours)
		return false;

	if (!read_file(pid, "status", text, sizeof(text)))
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
