/*
 * SIGKILL, and a wait.
 */
#include "tracee/bury.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "tracee/wait.h"

/* It may have ended, and whoever waited for all has reaped it: then its number is another's. */
static bool is_child(pid_t pid)
{
	siginfo_t found;

	return pid > 0 && waitid(P_PID, (id_t)pid, &found, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void pyi_bury(pid_t child, uint64_t patience_ms)
{
	pid_t found;
	int status;

	if (!is_child(child))
		return;
	kill(child, SIGKILL);
	pyi_wait_tracee(child, pyi_clock_deadline(patience_ms, PYI_CLOCK_NEVER), false, &found,
			&status);
}
