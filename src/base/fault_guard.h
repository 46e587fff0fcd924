/*
 * Runs code of a library that may fault on hostile input, and outlives the fault.
 *
 * libunwind is the case: its parser of unwind tables checks little, because in the usual program
 * they are the program's own. A table of a target can make it divide INT64_MIN by -1 or read far
 * outside of an array. That must not end the inspection. A fault is all that is contained: what
 * the library wrote where it should not, before it, stays written; whoever cannot live with that
 * has to run it in a process without rights.
 *
 * Does not free what the library held when it faulted, and does not contain abort(). One thread of
 * a process may use it at a time.
 */
#ifndef PYI_BASE_FAULT_GUARD_H
#define PYI_BASE_FAULT_GUARD_H

#include <stdbool.h>

/*
 * Calls `work` with `argument`; false if it ended by SIGSEGV, SIGBUS, SIGFPE or SIGILL of its own,
 * also for lack of stack. Then nothing after the fault was done. Also false, with `work` not
 * called, if the handlers cannot be set. Handlers and the alternate stack are afterwards as
 * before. Does not nest.
 */
bool pyi_fault_guard_run(void (*work)(void *argument), void *argument);

/*
 * Code that is ours and that `work` calls, by way of the library, stands between these two: a
 * fault in it is a bug, and fatal as ever. Without a guard they do nothing.
 */
void pyi_fault_guard_leave(void);
void pyi_fault_guard_enter(void);

#endif
