#include "process/another_program.h"

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "process/program.h"

bool pyi_program_is_another(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;

	/* Where there is no memory, older kernels open a file that reads as left, and newer ones
	   say ESRCH: proc_mem_open() in fs/proc/base.c. */
	error = pyi_process_open_file(process, "mem", O_RDONLY, &fd);
	if (error)
		return error->code != PYI_ERROR_NO_SUCH_PROCESS;
	return !pyi_program_was_left(fd);
}
