/*
 * Lists the numbers in /proc.
 */
#include "process/process_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* A process, and who has started it. */
struct descent {
	pid_t pid;
	pid_t parent_pid;
	bool is_known;
};

static int compare_parents(const void *a, const void *b)
{
	pid_t first = ((const struct descent *)a)->parent_pid;
	pid_t second = ((const struct descent *)b)->parent_pid;

	return (first > second) - (first < second);
}

/* All other processes, by their parents. Each is asked once, however they have started each other.
 */
static struct pyi_error *list_descents(struct descent **ret_all, size_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *pids = NULL;
	struct descent *all;
	size_t pid_count = 0;
	size_t count = 0;
	struct pyi_error *error = pyi_process_list(&pids, &pid_count);

	if (error)
		return error;
	all = calloc(pid_count + 1, sizeof(*all));
	if (!all)
		return pyi_error_no_memory();
	for (size_t p = 0; p < pid_count; p++) {
		struct pyi_process_stat stat;

		if (pids[p] != getpid() && pyi_process_stat_peek(pids[p], &stat))
			all[count++] = (struct descent){ pids[p], stat.parent_pid, false };
	}
	qsort(all, count, sizeof(*all), compare_parents);
	*ret_all = all;
	*ret_count = count;
	return NULL;
}

/* The first one whose parent is `pid`, or a later one. */
static size_t first_child(const struct descent *all, size_t count, pid_t pid)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (all[middle].parent_pid < pid)
			low = middle + 1;
		else
			count = middle;
	}
	return low;
}

struct pyi_error *pyi_process_list_descendants(pid_t **pids, size_t *count, size_t *capacity)
{
	PYI_CLEANUP(pyi_guard_free) struct descent *all = NULL;
	size_t all_count = 0;
	struct pyi_error *error = list_descents(&all, &all_count);

	for (size_t p = 0; p < *count && !error; p++) {
		pid_t parent = (*pids)[p];

		for (size_t c = first_child(all, all_count, parent);
		     c < all_count && all[c].parent_pid == parent; c++) {
			if (all[c].is_known)
				continue;
			if (!pyi_array_reserve(pids, *count, capacity, sizeof(**pids)))
				return pyi_error_no_memory();
			(*pids)[(*count)++] = all[c].pid;
			all[c].is_known = true;
		}
	}
	return error;
}
