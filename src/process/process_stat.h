/*
 * The stat file of a process or thread: one line of numbers, proc(5).
 *
 * Has only those fields that somebody here needs; what a status file tells too is better taken from
 * there (process.h), for its lines have names.
 */
#ifndef PYI_PROCESS_PROCESS_STAT_H
#define PYI_PROCESS_PROCESS_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/process.h"

/* In brackets the numbers of the fields, counted from 1. */
struct pyi_process_stat {
	/* [2] Any bytes; cut off if it is longer (only threads of the kernel have such names). */
	char name[64];
	/* [3] State letter, e.g. 'S'. */
	char state;
	/* [4] */
	pid_t parent_pid;
	/* [9] PF_... of include/linux/sched.h. */
	uint32_t flags;
	/* [14], [15] Processor time in its own code and in the kernel, in clock ticks. */
	uint64_t user_ticks;
	uint64_t kernel_ticks;
	/* [20] */
	uint64_t thread_count;
	/* [22] In clock ticks since boot. */
	uint64_t start_ticks;
	/* [38] What its parent gets when it ends; -1 for a thread. */
	int exit_signal;
	/* [39] On which it ran last. */
	unsigned processor;
	/* [52] As waitpid() gives it; 0 if we may not know. */
	int exit_code;
};

/* Pure parser: `text` is a stat file. False if it is malformed or ends before field 52. */
bool pyi_process_stat_parse(const char *text, struct pyi_process_stat *ret_stat);

/* Of the process, or of one of its threads if `tid` is not 0. False if that is gone. */
bool pyi_process_stat_read(const struct pyi_process *process, pid_t tid,
			   struct pyi_process_stat *ret_stat);

/* Whether it is a thread of the kernel, which has no program and no memory; false if it is gone. */
bool pyi_process_stat_is_kernel_thread(const struct pyi_process *process);

/* Of whatever process has that number now. */
bool pyi_process_stat_peek(pid_t pid, struct pyi_process_stat *ret_stat);

#endif
