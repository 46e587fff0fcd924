/*
 * Which of a target's running threads run code of their own, and which only move data in a system
 * call that must not be interrupted.
 *
 * Does not stop anything.
 */
#ifndef PYI_TRACEE_RUNNING_H
#define PYI_TRACEE_RUNNING_H

#include <stdbool.h>
#include <stddef.h>

#include "process/process.h"
#include "tracee/stop.h"

/* True if one of the threads waits in a call that can be interrupted. */
bool pyi_running_has_blocked(const struct pyi_stop_thread *threads, size_t count);

/*
 * A thread that moves data in a long write() or recv() is runnable much of the time, one in a long
 * getrandom() or sendfile() all the time, and interrupting it would cut that short. /proc does not
 * tell it from a thread that runs code of its own; but the first is seen blocked sooner or later,
 * and the other is not met in its own code by the ticks. So a thread is to be stopped only right
 * after it was; and one that was not is left alone.
 * Sets `in_kernel` of each; waits for up to half a second.
 */
void pyi_running_look_again(const struct pyi_process *process, struct pyi_stop_thread *threads,
			    size_t count);

/*
 * The last look. Whoever was in a call before and runs now may be in the middle of one that must
 * not be interrupted, woken for the next piece of its data: in the same one, or in another. So it
 * is left alone until it waits again, or is met in its own code. Returns whether that is open.
 */
bool pyi_running_look_before_seizing(const struct pyi_process *process,
				     struct pyi_stop_thread *thread);

#endif
