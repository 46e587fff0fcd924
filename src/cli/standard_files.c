/*
 * Fills the gaps, the lowest first. Does not look at those that are open.
 */
#include "cli/standard_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool pyi_standard_files_fill(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* For what nobody does with it. */
		int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && (errno != EBADF || open("/dev/null", mode) != fd))
			return false;
	}
	return true;
}
