/*
 * Handlers that jump out of a fault. Does not decide what may be run like that.
 */
#include "base/fault_guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

enum {
	/* The signal frame is the most of it: 11 KiB with all vector registers of x86-64. */
	HANDLER_STACK_BYTES = 64 << 10,
};

static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };

enum {
	FAULT_COUNT = sizeof(faults) / sizeof(faults[0]),
};

struct guard {
	sigjmp_buf point;
	struct sigaction before[FAULT_COUNT];
	/* How many of `before` are to be restored. */
	size_t set_count;
	/* The library runs, on this thread. */
	volatile sig_atomic_t armed;
	/* Between the beginning and the end of pyi_fault_guard_run(). */
	volatile sig_atomic_t running;
};

static _Thread_local struct guard guard;

/* A fault may be for lack of stack: there must be another one to handle it. */
static _Alignas(16) char handler_stack[HANDLER_STACK_BYTES];

static void restore_handlers(void)
{
	while (guard.set_count) {
		guard.set_count--;
		sigaction(faults[guard.set_count], &guard.before[guard.set_count], NULL);
	}
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	bool is_fault = info->si_code > 0;

	(void)context;
	if (guard.armed && is_fault) {
		guard.armed = 0;
		siglongjmp(guard.point, 1);
	}
	/* Not the library's: the instruction is run again, without this handler. A signal that
	   somebody sent does not come again by itself. */
	restore_handlers();
	if (!is_fault)
		raise(number);
}

static bool set_handlers(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigemptyset(&action.sa_mask);
	while (guard.set_count < FAULT_COUNT) {
		if (sigaction(faults[guard.set_count], &action, &guard.before[guard.set_count]))
			return false;
		guard.set_count++;
	}
	return true;
}

bool pyi_fault_guard_run(void (*work)(void *argument), void *argument)
{
	stack_t stack = { .ss_sp = handler_stack, .ss_size = sizeof(handler_stack) };
	volatile bool whole = false;
	stack_t stack_before;

	if (guard.running || sigaltstack(&stack, &stack_before))
		return false;
	guard.running = 1;
	if (set_handlers() && !sigsetjmp(guard.point, 1)) {
		guard.armed = 1;
		work(argument);
		guard.armed = 0;
		whole = true;
	}
	restore_handlers();
	guard.running = 0;
	sigaltstack(&stack_before, NULL);
	return whole;
}

void pyi_fault_guard_leave(void)
{
	guard.armed = 0;
}

void pyi_fault_guard_enter(void)
{
	guard.armed = guard.running;
}
