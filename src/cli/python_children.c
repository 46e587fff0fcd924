/*
 * Goes through the descendants of a process. Says nothing about the process itself.
 */
#include "cli/python_children.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/confine.h"
#include "broker/reader.h"
#include "process/maps.h"
#include "process/process.h"
#include "process/process_list.h"
#include "process/python_sign.h"
#include "tracee/bury.h"

enum {
	LOOK_LIMIT = 64,
	TOLD_LIMIT = 4,
	/* For it to be gone when it was killed. */
	BURIAL_MS = 300,
};

static bool is_sign(const char *path, enum pyi_python_sign wanted)
{
	char version[PYI_PYTHON_VERSION_BYTES];

	return pyi_python_sign_of(path, version) == wanted;
}

/* False as well if it may not be known. */
static bool has_python_program(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;
	PYI_CLEANUP(pyi_guard_error)
	struct pyi_error *error = pyi_process_read_exe(process, &path);

	return !error && is_sign(path, PYI_PYTHON_PROGRAM);
}

/* A program that embeds it, and that is called anything. */
static bool has_python_library(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = pyi_maps_read(process, &maps);

	for (size_t m = 0; !error && m < maps.count; m++)
		if (is_sign(maps.items[m].path, PYI_PYTHON_LIBRARY))
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

static void list(pid_t pid, char ret_text[PYI_PYTHON_CHILDREN_BYTES])
{
	PYI_CLEANUP(pyi_guard_free) pid_t *pids = malloc(sizeof(*pids));
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	size_t length = 0;
	size_t capacity = 1;
	size_t count = 1;
	size_t told = 0;

	ret_text[0] = '\0';
	if (!pids || runs_python(pid, has_python_program))
		return;
	pids[0] = pid;
	error = pyi_process_list_descendants(&pids, &count, &capacity);
	for (size_t p = 1; p < count && p < LOOK_LIMIT && told <= TOLD_LIMIT; p++) {
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

/* Answers one question, if there is one. */
static __attribute__((noreturn)) void answer(pid_t parent, int fd, pid_t pid)
{
	char text[PYI_PYTHON_CHILDREN_BYTES];
	char question;

	prctl(PR_SET_NAME, "pyinspect-hint");
	pyi_confine_end_with(parent);
	/* Without them there is no hint. */
	if (!pyi_confine_close_files(&fd, 1) || pyi_reader_confine())
		_exit(1);
	if (read(fd, &question, 1) == 1) {
		list(pid, text);
		if (write(fd, text, strlen(text) + 1) < 0)
			_exit(1);
	}
	_exit(0);
}

void pyi_python_children_offer(pid_t pid, struct pyi_python_children *ret_children)
{
	pid_t parent = getpid();
	int ends[2];
	pid_t child;

	*ret_children = (struct pyi_python_children){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return;
	child = fork();
	if (child == 0)
		answer(parent, ends[0], pid);
	close(ends[0]);
	if (child < 0) {
		close(ends[1]);
		return;
	}
	*ret_children = (struct pyi_python_children){ child, ends[1] };
}

void pyi_python_children_end(struct pyi_python_children *children)
{
	if (children->fd >= 0)
		close(children->fd);
	pyi_bury(children->reader_pid, BURIAL_MS);
	*children = (struct pyi_python_children){ .fd = -1 };
}
