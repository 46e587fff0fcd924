/*
 * Lists the numbers in /proc.
 */
#include "process/process_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "process/process_stat.h"

enum {
	/* TASK_COMM_LEN without its NUL. */
	COMMAND_NAME_BYTES = 15,
};

static int compare_pids(const void *a, const void *b)
{
	pid_t first = *(const pid_t *)a;
	pid_t second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

/* 0: it is something else. */
static pid_t pid_of(const char *name)
{
	char *end;
	long pid = strtol(name, &end, 10);

	return name[0] >= '1' && name[0] <= '9' && !*end && pid > 0 && pid == (pid_t)pid
		       ? (pid_t)pid
		       : 0;
}

struct pyi_error *pyi_process_list(pid_t **ret_pids, size_t *ret_count)
{
	DIR *directory = opendir("/proc");
	struct pyi_error *error = NULL;
	struct dirent *entry;
	pid_t *pids = NULL;
	size_t capacity = 0;
	size_t count = 0;

	if (!directory)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_SUCH_PROCESS, errno,
					      "cannot read /proc");
	while (!error && (entry = readdir(directory))) {
		pid_t pid = pid_of(entry->d_name);

		if (!pid)
			continue;
		if (pyi_array_reserve(&pids, count, &capacity, sizeof(*pids)))
			pids[count++] = pid;
		else
			error = pyi_error_no_memory();
	}
	closedir(directory);
	if (error) {
		free(pids);
		return error;
	}
	if (count)
		qsort(pids, count, sizeof(*pids), compare_pids);
	*ret_pids = pids;
	*ret_count = count;
	return NULL;
}

void pyi_process_list_named(const char *name, size_t limit, char *text, size_t size)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *pids = NULL;
	size_t count = 0;
	size_t length = 0;
	size_t found = 0;
	struct pyi_error *error = pyi_process_list(&pids, &count);

	text[0] = '\0';
	pyi_error_destroy(error);
	for (size_t p = 0; p < count && found < limit && length < size; p++) {
		struct pyi_process_stat stat;

		if (!pyi_process_stat_peek(pids[p], &stat) ||
		    strncmp(stat.name, name, COMMAND_NAME_BYTES) != 0)
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%d",
					   found++ ? ", " : "", (int)pids[p]);
	}
}
