/*
 * Forks. Does not wait for what it has started.
 */
#include "own_broker.h"

#include <errno.h>
#include <math.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/confine.h"
#include "broker/broker.h"
#include "broker/channel.h"

struct pyi_error *own_broker_start(int *ret_channel_fd)
{
	pid_t parent = getpid();
	int ends[2];
	pid_t child;

	if (!pyi_channel_create(ends))
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, errno,
					      "cannot make a channel to a broker");
	child = fork();
	if (child == 0) {
		prctl(PR_SET_NAME, "pyinspect-brok");
		pyi_confine_end_with(parent);
		close(ends[1]);
		_exit(pyi_broker_serve(ends[0], 0, 0, HUGE_VAL));
	}
	close(ends[0]);
	if (child < 0) {
		int number = errno;

		close(ends[1]);
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, number,
					      "cannot start a broker");
	}
	*ret_channel_fd = ends[1];
	return NULL;
}
