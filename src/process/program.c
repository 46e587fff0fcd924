/*
 * Pins the memory of a program by an open /proc/PID/mem, which does not keep its pages.
 */
#include "process/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/error.h"

int pyi_program_pin(const struct pyi_process *process)
{
	struct pyi_error *error;
	int fd = -1;

	error = pyi_process_open_file(process, "mem", O_RDONLY, &fd);
	pyi_error_destroy(error);
	return fd;
}

bool pyi_program_was_left(int pinned_fd)
{
	char byte;

	/* Of memory without a user nothing can be read: mem_rw() in fs/proc/base.c. An address
	   that is not mapped is an error instead. */
	return pinned_fd >= 0 && pread(pinned_fd, &byte, 1, 0) == 0;
}
