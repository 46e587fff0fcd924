/*
 * Reads the environment of a process.
 *
 * Does not judge what is in it.
 */
#include "bus/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	LIMIT_BYTES = 1 << 20,
};

/* Cuts off the variable that is not there as a whole. */
static size_t whole_variables(const char *text, size_t size)
{
	const char *last = memrchr(text, '\0', size);

	return last ? (size_t)(last - text) + 1 : 0;
}

struct pyi_error *pyi_bus_environment_read(const struct pyi_process *process,
					   struct pyi_bus_environment *ret_environment)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error;
	size_t size = 0;
	bool cut = false;

	error = pyi_process_open_file(process, "environ", O_RDONLY, &fd);
	if (error)
		return error;
	/* A byte more than the limit tells "full" from "more", and is room for the NUL. */
	text = malloc(LIMIT_BYTES + 1);
	if (!text)
		return pyi_error_no_memory();
	while (size < LIMIT_BYTES + 1) {
		ssize_t got = read(fd, text + size, LIMIT_BYTES + 1 - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_PROC_UNREADABLE,
						      errno, "cannot read /proc/%d/environ",
						      (int)process->pid);
		if (!got)
			break;
		size += (size_t)got;
	}
	cut = size > LIMIT_BYTES;
	if (cut)
		size = whole_variables(text, LIMIT_BYTES);
	else
		/* A process may write over its environment and leave the last NUL out. */
		text[size++] = '\0';
	*ret_environment = (struct pyi_bus_environment){
		.text = pyi_return_ptr(text),
		.size_bytes = size,
		.cut = cut,
	};
	return NULL;
}

const char *pyi_bus_environment_get(const struct pyi_bus_environment *environment, const char *name)
{
	size_t name_length = strlen(name);
	size_t at = 0;

	while (at < environment->size_bytes) {
		const char *variable = environment->text + at;

		if (!strncmp(variable, name, name_length) && variable[name_length] == '=')
			return variable[name_length + 1] ? variable + name_length + 1 : NULL;
		at += strlen(variable) + 1;
	}
	return NULL;
}

void pyi_bus_environment_deinit(struct pyi_bus_environment *environment)
{
	free(environment->text);
	*environment = (struct pyi_bus_environment){ 0 };
}
