/*
 * What becomes of signals that a call run in a child leads to, or that come meanwhile: the child
 * hears of the latter only. For that, ptrace() says nothing of what forbids the call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/maps.h"
#include "tracee/gadgets.h"
#include "tracee/stop.h"
#include "tracee/thread_look.h"
#include "tracee/wait.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

enum {
	GET_FILTER = 0x420c,
	GET_USER_DISPATCH = 0x4211,
	LIMIT_MS = 60000,
	DISPATCH_ON = 1,
	SELECTOR_ALLOW = 0,
	SELECTOR_BLOCK = 1,
	UNTOUCHED = 4711,
};

/* Of the child, and seen by both. */
struct shared {
	volatile uint64_t rounds;
	volatile int go;
	/* Signals that it has handled, and the code of the last one. */
	volatile int handled;
	volatile int code;
	volatile bool lacking;
	volatile char selector;
};

static struct shared *shared;
/* As an older kernel, and as a filter that says one thing and does another. */
static bool blind;

long __real_ptrace(int request, pid_t pid, void *addr, void *data);
long __wrap_ptrace(int request, pid_t pid, void *addr, void *data);

long __wrap_ptrace(int request, pid_t pid, void *addr, void *data)
{
	static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

	if (!blind || (request != GET_FILTER && request != GET_USER_DISPATCH))
		return __real_ptrace(request, pid, addr, data);
	if (request == GET_USER_DISPATCH || addr) {
		errno = request == GET_USER_DISPATCH ? EIO : ENOENT;
		return -1;
	}
	if (data)
		memcpy(data, &allow, sizeof(allow));
	return 1;
}

static void handle(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	shared->selector = SELECTOR_ALLOW;
	shared->code = info->si_code;
	shared->handled++;
}

static void turn_on_nothing(void)
{
}

/* Every call is a SIGSYS; the selector lets through what the handler needs. */
static void turn_on_dispatch(void)
{
	shared->selector = SELECTOR_BLOCK;
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, DISPATCH_ON, 0, 0, &shared->selector) != 0) {
		shared->selector = SELECTOR_ALLOW;
		shared->lacking = true;
	}
}

/* A filter that answers one call with an action. */
static void turn_on_filter(int number, uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(1);
}

static void turn_on_trap(void)
{
	turn_on_filter(SYS_getppid, SECCOMP_RET_TRAP);
}

struct child {
	struct pyi_process process;
	struct pyi_gadgets gadgets;
	pid_t pid;
};

static bool is_kept(void *argument, const struct pyi_map *map)
{
	(void)argument;
	(void)map;
	return true;
}

/* It computes, until it is told to call getppid() itself and end. */
static void start(void (*turn_on)(void), struct child *child)
{
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };

	memset(shared, 0, sizeof(*shared));
	child->pid = fork();
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigaction(SIGSYS, &action, NULL);
		sigaction(SIGTRAP, &action, NULL);
		turn_on();
		while (!shared->go)
			shared->rounds++;
		syscall(SYS_getppid);
		_exit(0);
	}
	while (!shared->rounds)
		usleep(1000);
	assert_null(pyi_process_open(child->pid, &child->process));
	assert_null(pyi_maps_read(&child->process, &maps));
	assert_null(pyi_gadgets_find(&child->process, &maps, is_kept, NULL, &child->gadgets));
}

/* It goes on, and handles its own call as ever; then it is gone. */
static void check_unharmed(struct child *child, int handled)
{
	uint64_t rounds = shared->rounds;
	int status;

	while (shared->rounds == rounds)
		assert_int_equal(waitpid(child->pid, &status, WNOHANG), 0);
	shared->go = 1;
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(shared->handled, handled);
	pyi_process_close(&child->process);
}

static struct pyi_error *begin(const struct child *child, struct pyi_stop *stop)
{
	const struct pyi_planned_call call = { .number = SYS_getppid };
	const struct pyi_call_plan plan = { .calls = &call, .count = 1 };
	struct pyi_error *error;

	/* On a busy machine it may not be seen to run. */
	while ((error = pyi_stop_begin(&child->process, &child->gadgets, &plan, PYI_STOP_ONE,
				       LIMIT_MS, stop)) &&
	       error->code == PYI_ERROR_NO_INJECTABLE_THREAD)
		pyi_error_destroy(error);
	return error;
}

static struct pyi_error *run_getppid(const struct child *child, struct pyi_stop *stop,
				     int64_t *ret_result)
{
	const uint64_t none[PYI_SYSCALL_ARGUMENTS] = { 0 };

	return pyi_tracee_syscall(&stop->threads[stop->injector].tracee, &child->gadgets,
				  SYS_getppid, none, ret_result);
}

static void end(const struct child *child, struct pyi_stop *stop)
{
	double paused_ms;

	assert_null(pyi_stop_end(&child->process, stop, &paused_ms));
	pyi_stop_deinit(stop);
}

/* It is seen that a call must not be run; and if not, the call is not made, and nobody hears. */
static void check_refused(void (*turn_on)(void), enum pyi_error_code code)
{
	struct pyi_error *error;
	struct pyi_stop stop;
	struct child child;
	int64_t result = UNTOUCHED;

	start(turn_on, &child);
	if (shared->lacking) {
		check_unharmed(&child, 0);
		skip();
	}
	blind = false;
	error = begin(&child, &stop);
	/* Only root may read a filter, and Linux 6.4 shows that there is a user dispatch. */
	if (error) {
		assert_int_equal(error->code, code);
		pyi_error_destroy(error);
		pyi_stop_deinit(&stop);
	} else {
		end(&child, &stop);
	}
	blind = true;
	assert_null(begin(&child, &stop));
	error = run_getppid(&child, &stop, &result);
	blind = false;
	assert_non_null(error);
	assert_int_equal(error->code, code);
	pyi_error_destroy(error);
	assert_int_equal(result, UNTOUCHED);
	end(&child, &stop);
	check_unharmed(&child, 1);
}

static void test_user_dispatch(void **state)
{
	(void)state;
	check_refused(turn_on_dispatch, PYI_ERROR_USER_DISPATCH);
}

static void test_trap(void **state)
{
	(void)state;
	check_refused(turn_on_trap, PYI_ERROR_SECCOMP);
}

/* It is delivered as it was sent, when the thread is itself again. */
static void test_signals_of_others(void **state)
{
	static const int signals[] = { SIGTRAP, SIGSYS };

	(void)state;
	for (size_t s = 0; s < sizeof(signals) / sizeof(signals[0]); s++) {
		struct pyi_stop stop;
		struct child child;
		int64_t result = 0;

		start(turn_on_nothing, &child);
		assert_null(begin(&child, &stop));
		assert_int_equal(syscall(SYS_tgkill, child.pid, child.pid, signals[s]), 0);
		assert_null(run_getppid(&child, &stop, &result));
		assert_int_equal(result, getpid());
		assert_int_equal(shared->handled, 0);
		end(&child, &stop);
		while (!shared->handled)
			usleep(1000);
		assert_int_equal(shared->code, SI_TKILL);
		check_unharmed(&child, 1);
	}
}

/* Somebody has put something else there: a breakpoint, for example. */
static void test_changed_code(void **state)
{
	struct pyi_error *error;
	struct pyi_stop stop;
	struct child child;
	long word;

	(void)state;
	start(turn_on_nothing, &child);
	assert_null(begin(&child, &stop));
	word = ptrace(PTRACE_PEEKTEXT, child.pid, (void *)(uintptr_t)child.gadgets.addr[0], NULL);
	assert_int_equal(ptrace(PTRACE_POKETEXT, child.pid,
				(void *)(uintptr_t)child.gadgets.addr[0], (void *)(word ^ 0xff)),
			 0);
	error = run_getppid(&child, &stop, &(int64_t){ 0 });
	assert_non_null(error);
	assert_int_equal(error->code, PYI_ERROR_PROGRAM_CHANGED);
	pyi_error_destroy(error);
	ptrace(PTRACE_POKETEXT, child.pid, (void *)(uintptr_t)child.gadgets.addr[0], (void *)word);
	end(&child, &stop);
	check_unharmed(&child, 0);
}

/* Each waits for a time, and gives 0 if that was all that happened. */
static int sleep_a_while(void)
{
	struct timespec time = { .tv_nsec = 300000000 };

	return nanosleep(&time, NULL);
}

static int wait_for_a_word(void)
{
	struct timespec time = { .tv_nsec = 300000000 };
	uint32_t word = 0;

	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0) == -1 &&
			       errno == ETIMEDOUT
		       ? 0
		       : -1;
}

/*
 * A sleep that is interrupted goes on as restart_syscall(), which its program never called: if that
 * would be the end of it, it sleeps for the whole time again.
 */
static void test_restart(void **state)
{
	static int (*const waits[])(void) = { sleep_a_while, wait_for_a_word };

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t w = 0; w < sizeof(waits) / sizeof(waits[0]); w++) {
		struct child child = { .pid = fork() };
		struct pyi_stop stop;
		int status;

		if (child.pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			turn_on_filter(SYS_restart_syscall, SECCOMP_RET_KILL_PROCESS);
			_exit(waits[w]() == 0 ? 0 : 1);
		}
		assert_null(pyi_process_open(child.pid, &child.process));
		while (pyi_thread_state(&child.process, child.pid) != 'S')
			usleep(1000);
		assert_null(
			pyi_stop_begin(&child.process, NULL, NULL, PYI_STOP_ALL, LIMIT_MS, &stop));
		assert_true(stop.threads[0].held);
		end(&child, &stop);
		assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		pyi_process_close(&child.process);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_dispatch),	  cmocka_unit_test(test_trap),
		cmocka_unit_test(test_signals_of_others), cmocka_unit_test(test_changed_code),
		cmocka_unit_test(test_restart),
	};

	pyi_wait_init();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
