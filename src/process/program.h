/*
 * Whether a process still runs the program that it ran when it was first looked at.
 *
 * An execve() keeps number, threads' leader and start time of a process, and may even start the
 * same file again; but it leaves the old memory behind, and that is what is noticed.
 */
#ifndef PYI_PROCESS_PROGRAM_H
#define PYI_PROCESS_PROGRAM_H

#include <stdbool.h>

#include "process/process.h"

/* A descriptor of the process' present memory, to be closed; -1 if it may not be opened. */
int pyi_program_pin(const struct pyi_process *process);

/*
 * True as soon as nobody uses that memory any more: the process runs another program, or is gone.
 * False if `pinned_fd` is -1. Linux leaves the memory to a child made by vfork() until that one
 * calls execve() as well: so long the answer is false.
 */
bool pyi_program_was_left(int pinned_fd);

#endif
