/*
 * The steps. Does not take away anything itself: base/confine.c does.
 */
#include "broker/keeper.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "tracee/wait.h"

struct pyi_error *pyi_keeper_confine(void)
{
	pyi_confine_bound_capabilities();
	if (pyi_confine_drop_capabilities() && pyi_confine_no_new_privileges() &&
	    prctl(PR_SET_DUMPABLE, 0) == 0 && pyi_confine_limit(RLIMIT_CORE, 0))
		return NULL;
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST, errno,
				      "the part of pyinspect that keeps the history cannot give up "
				      "its capabilities");
}

bool pyi_keeper_run(void (*keep)(void *argument) __attribute__((noreturn)), void *argument,
		    uint64_t limit_ms, int *ret_exit_code)
{
	pid_t parent = getpid();
	pid_t child = fork();
	pid_t found;
	int status;

	if (child < 0)
		return false;
	if (child == 0) {
		prctl(PR_SET_NAME, "pyinspect-keep");
		pyi_confine_end_with(parent);
		if (!pyi_keeper_confine())
			keep(argument);
		raise(SIGKILL);
	}
	if (pyi_wait_tracee(child, pyi_clock_deadline(limit_ms, PYI_CLOCK_NEVER), false, &found,
			    &status) != PYI_WAIT_REPORTED) {
		kill(child, SIGKILL);
		return false;
	}
	if (!WIFEXITED(status))
		return false;
	*ret_exit_code = WEXITSTATUS(status);
	return true;
}
