/*
 * Goes through the descendants of a process. Says nothing about the process itself.
 */
#include "cli/python_children.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/target.h"
#include "process/maps.h"
#include "process/process.h"

enum {
	LOOK_LIMIT = 64,
	TOLD_LIMIT = 4,
};

static bool is_called(const char *path, const char *name)
{
	const char *base = strrchr(path, '/');

	return base && strncmp(base + 1, name, strlen(name)) == 0;
}

/* False as well if it may not be known. */
static bool has_python_program(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;
	PYI_CLEANUP(pyi_guard_error)
	struct pyi_error *error = pyi_process_read_exe(process, &path);

	return !error && is_called(path, "python");
}

/* A program that embeds it, and that is called anything. */
static bool has_python_library(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = pyi_maps_read(process, &maps);

	for (size_t m = 0; !error && m < maps.count; m++)
		if (is_called(maps.items[m].path, "libpython"))
			return true;
	return false;
}

static bool runs_python(pid_t pid, bool (*looks_so)(const struct pyi_process *process))
{
	struct pyi_process process = { .proc_fd = -1 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = pyi_process_open(pid, &process);
	bool does = !error && looks_so(&process);

	pyi_process_close(&process);
	return does;
}

static bool looks_like_python(const struct pyi_process *process)
{
	return has_python_program(process) || has_python_library(process);
}

void pyi_python_children_list(pid_t pid, char ret_text[PYI_PYTHON_CHILDREN_BYTES])
{
	PYI_CLEANUP(pyi_guard_free) pid_t *pids = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	size_t length = 0;
	size_t count = 0;
	size_t told = 0;
	char name[16];

	ret_text[0] = '\0';
	if (runs_python(pid, has_python_program))
		return;
	snprintf(name, sizeof(name), "%d", (int)pid);
	error = pyi_target_find_all(name, true, &pids, &count);
	if (error)
		return;
	for (size_t p = 0; p < count && p < LOOK_LIMIT && told <= TOLD_LIMIT; p++) {
		if (pids[p] == pid || !runs_python(pids[p], looks_like_python))
			continue;
		if (told++ == TOLD_LIMIT)
			snprintf(ret_text + length, PYI_PYTHON_CHILDREN_BYTES - length, ", ...");
		else
			length += (size_t)snprintf(ret_text + length,
						   PYI_PYTHON_CHILDREN_BYTES - length, "%s%d",
						   told > 1 ? ", " : "", (int)pids[p]);
	}
}
