/*
 * Which threads each extent of a stop holds: a child with one thread of each kind. And what becomes
 * of them when one does not stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/maps.h"
#include "tracee/gadgets.h"
#include "tracee/stop.h"
#include "tracee/wait.h"

enum {
	/* Its main thread runs code of its own. */
	RUNS,
	/* The kernel starts pause() again. */
	RESTARTED,
	/* Of epoll_wait() it makes an EINTR, if nobody rewinds the thread. */
	REWOUND,
	/* Part of what recv(MSG_WAITALL) has got would be all it returns. */
	FORBIDDEN,
	KINDS,

	PAGE_BYTES = 4096,
	PATIENCE_MS = 30000,
	LOOK_US = 500,
	LIMIT_MS = 60000,
};

struct child {
	struct pyi_process process;
	pid_t pid;
	pid_t tids[KINDS];
};

static int answers[2];
static int commands[2];
/* Of userfaultfd(). */
static int faults;

static void tell(int kind)
{
	const pid_t said[2] = { (pid_t)kind, (pid_t)syscall(SYS_gettid) };

	if (write(answers[1], said, sizeof(said)) != sizeof(said))
		_exit(1);
}

static void *be_restarted(void *argument)
{
	tell(RESTARTED);
	for (;;)
		pause();
	return argument;
}

static void *be_rewound(void *argument)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;

	tell(REWOUND);
	/* An EINTR ends the process. */
	(void)!epoll_wait(fd, &event, 1, -1);
	_exit(1);
	return argument;
}

static void *be_forbidden(void *argument)
{
	char bytes[2];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || write(pair[0], "x", 1) != 1)
		_exit(1);
	tell(FORBIDDEN);
	(void)!recv(pair[1], bytes, sizeof(bytes), MSG_WAITALL);
	_exit(1);
	return argument;
}

static void start(void *(*be)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, be, argument) != 0)
		_exit(1);
}

/* The main thread, and those that wait; what it does itself is up to the caller. */
static void start_all(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	start(be_restarted, NULL);
	start(be_rewound, NULL);
	start(be_forbidden, NULL);
	tell(RUNS);
}

static void live(void)
{
	volatile unsigned turns = 0;

	start_all();
	for (;;)
		turns++;
}

static void wait_until_blocked(const struct child *child, int kind)
{
	uint64_t deadline_ns = pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER);
	struct pyi_thread_call call;

	for (;;) {
		pyi_thread_look(&child->process, child->tids[kind], &call);
		if (call.blocked)
			return;
		assert_false(pyi_clock_passed(deadline_ns));
		usleep(LOOK_US);
	}
}

static int set_up_child(void **state, void (*be)(void))
{
	static struct child child;

	child = (struct child){ .process = { .proc_fd = -1 } };
	assert_int_equal(pipe(answers), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0)
		be();
	for (int k = 0; k < KINDS; k++) {
		pid_t said[2];

		assert_int_equal(read(answers[0], said, sizeof(said)), sizeof(said));
		child.tids[said[0]] = said[1];
	}
	assert_null(pyi_process_open(child.pid, &child.process));
	for (int k = RESTARTED; k < KINDS; k++)
		wait_until_blocked(&child, k);
	*state = &child;
	return 0;
}

static int set_up(void **state)
{
	return set_up_child(state, live);
}

static int tear_down(void **state)
{
	struct child *child = *state;
	pid_t ended;

	/* It has not exited by itself, as it does when a call fails. */
	assert_int_equal(waitpid(child->pid, NULL, WNOHANG | __WALL), 0);
	kill(child->pid, SIGKILL);
	/* Of all its threads, should some still be traced. */
	do
		ended = waitpid(-1, NULL, __WALL);
	while (ended > 0 && ended != child->pid);
	assert_int_equal(ended, child->pid);
	pyi_process_close(&child->process);
	close(answers[0]);
	close(answers[1]);
	return 0;
}

/* Stops the child, and says which kinds of threads were held. */
static void stop(const struct child *child, enum pyi_stop_extent extent, bool ret_held[KINDS])
{
	struct pyi_stop stop;
	double paused_ms;

	assert_null(pyi_stop_begin(&child->process, NULL, NULL, extent, LIMIT_MS, &stop));
	assert_int_equal(stop.thread_count, KINDS);
	for (size_t t = 0; t < stop.thread_count; t++)
		for (int k = 0; k < KINDS; k++)
			if (stop.threads[t].tid == child->tids[k])
				ret_held[k] = stop.threads[t].held;
	assert_null(pyi_stop_end(&child->process, &stop, &paused_ms));
	pyi_stop_deinit(&stop);
}

/*
 * A thread that runs is not seen to do so in its own code each time, and then another may have to
 * do in its place; but what must not be held never is.
 */
static void check(void **state, enum pyi_stop_extent extent, bool runs, bool restarted,
		  bool rewound)
{
	uint64_t deadline_ns = pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER);

	for (;;) {
		bool held[KINDS] = { false };

		stop(*state, extent, held);
		assert_true(!held[REWOUND] || rewound);
		assert_false(held[FORBIDDEN]);
		if (held[RUNS] == runs && held[RESTARTED] == restarted && held[REWOUND] == rewound)
			return;
		assert_false(pyi_clock_passed(deadline_ns));
	}
}

static void test_one(void **state)
{
	check(state, PYI_STOP_ONE, false, true, false);
}

static void test_running(void **state)
{
	check(state, PYI_STOP_RUNNING, true, false, false);
}

static void test_restarted(void **state)
{
	check(state, PYI_STOP_RESTARTED, true, true, false);
}

static void test_all(void **state)
{
	check(state, PYI_STOP_ALL, true, true, true);
}

static void live_quietly(void)
{
	start_all();
	for (;;)
		pause();
}

static int set_up_quiet(void **state)
{
	return set_up_child(state, live_quietly);
}

/* Signals of the process are for the main thread, whose call would be as good as any other's. */
static void test_one_spares_the_main_thread(void **state)
{
	const struct child *child = *state;
	bool held[KINDS] = { false };

	wait_until_blocked(child, RUNS);
	stop(child, PYI_STOP_ONE, held);
	assert_false(held[RUNS]);
	assert_true(held[RESTARTED]);
	assert_false(held[REWOUND] || held[FORBIDDEN]);
}

static bool is_traced(const struct child *child, int kind)
{
	struct pyi_process_status status;

	assert_null(pyi_process_read_status(&child->process, child->tids[kind], &status));
	return status.tracer_pid != 0;
}

static void forbid(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(1);
}

/* All threads have the same filter. */
static void live_filtered(void)
{
	forbid(SYS_getppid);
	live_quietly();
}

static int set_up_filtered(void **state)
{
	return set_up_child(state, live_filtered);
}

/* Whether a thread of the child may be made to call getppid(), or getuid(). */
static struct pyi_error *stop_for(const struct child *child, const struct pyi_gadgets *gadgets,
				  uint64_t number, struct pyi_stop *stop)
{
	const struct pyi_planned_call call = { .number = number };
	const struct pyi_call_plan plan = { .calls = &call, .count = 1 };

	return pyi_stop_begin(&child->process, gadgets, &plan, PYI_STOP_ONE, LIMIT_MS, stop);
}

static bool is_kept(void *argument, const struct pyi_map *map)
{
	(void)argument;
	(void)map;
	return true;
}

static void test_filtered(void **state)
{
	const uint64_t none[PYI_SYSCALL_ARGUMENTS] = { 0 };
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps maps = { 0 };
	const struct child *child = *state;
	struct pyi_gadgets gadgets;
	struct pyi_error *error;
	struct pyi_stop stop;
	double paused_ms;
	int64_t result = 0;

	assert_null(pyi_maps_read(&child->process, &maps));
	assert_null(pyi_gadgets_find(&child->process, &maps, is_kept, NULL, &gadgets));
	error = stop_for(child, &gadgets, SYS_getppid, &stop);
	assert_non_null(error);
	assert_int_equal(error->code, PYI_ERROR_SECCOMP);
	pyi_error_destroy(error);
	/* It has stood still for that. */
	assert_true(stop.longest_try_ms > 0);
	assert_false(is_traced(child, RUNS) || is_traced(child, RESTARTED));
	error = stop_for(child, &gadgets, SYS_getuid, &stop);
	/* Only root may read a filter. */
	assert_true(!error == !geteuid());
	if (!error) {
		struct pyi_tracee *injector = &stop.threads[stop.injector].tracee;

		/* Whatever the plan was: it is asked again. */
		error = pyi_tracee_syscall(injector, &gadgets, SYS_getppid, none, &result);
		assert_non_null(error);
		assert_int_equal(error->code, PYI_ERROR_SECCOMP);
		pyi_error_destroy(error);
		assert_null(pyi_tracee_syscall(injector, &gadgets, SYS_getuid, none, &result));
		assert_null(pyi_stop_end(&child->process, &stop, &paused_ms));
		pyi_stop_deinit(&stop);
	} else {
		pyi_error_destroy(error);
	}
}

/*
 * A page that nobody brings until `userfaultfd` is told to: whoever has the kernel write there sits
 * in a call that does not look interruptible from the outside, and is not.
 */
static int make_missing_page(char **ret_page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *page =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	range.range.start = (uintptr_t)page;
	range.range.len = PAGE_BYTES;
	if (page == MAP_FAILED || fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &range) != 0)
		_exit(1);
	*ret_page = page;
	return fd;
}

static void *be_stuck(void *page)
{
	int pair[2];

	if (pipe(pair) != 0 || write(pair[1], "x", 1) != 1)
		_exit(1);
	tell(FORBIDDEN);
	if (read(pair[0], page, 1) != 1)
		_exit(1);
	for (;;)
		pause();
	return NULL;
}

/* Brings the page when it is told to. */
static void *bring(void *page)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)page, .len = PAGE_BYTES },
	};
	char byte;

	tell(RUNS);
	if (read(commands[0], &byte, 1) != 1 || ioctl(faults, UFFDIO_ZEROPAGE, &zero) != 0)
		_exit(1);
	for (;;)
		pause();
	return NULL;
}

/* The one that the stuck one waits for comes after it, also when all are waited for in turn. */
static void live_with_one_stuck(void)
{
	char *page;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	faults = make_missing_page(&page);
	start(be_stuck, page);
	start(be_restarted, NULL);
	start(be_rewound, NULL);
	start(bring, page);
	for (;;)
		pause();
}

static int set_up_stuck(void **state)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	*state = NULL;
	if (fd < 0)
		return 0;
	close(fd);
	assert_int_equal(pipe(commands), 0);
	return set_up_child(state, live_with_one_stuck);
}

static int tear_down_stuck(void **state)
{
	if (!*state)
		return 0;
	close(commands[0]);
	close(commands[1]);
	return tear_down(state);
}

/* Has the page brought, once the thread that does it was held and is let go again. */
static pid_t start_helper(const struct child *child)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!is_traced(child, RUNS))
		usleep(LOOK_US);
	while (is_traced(child, RUNS))
		usleep(LOOK_US);
	_exit(write(commands[1], "x", 1) != 1);
}

static void test_one_does_not_stop(void **state)
{
	const struct child *child = *state;
	struct pyi_error *error;
	struct pyi_stop stop;
	double paused_ms;
	pid_t helper;

	if (!child) {
		print_message("no userfaultfd(): nothing can be made to be stuck\n");
		skip();
	}
	helper = start_helper(child);
	error = pyi_stop_begin(&child->process, NULL, NULL, PYI_STOP_ALL, LIMIT_MS, &stop);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "thread-stuck");
	pyi_error_destroy(error);
	for (int k = 0; k < KINDS; k++)
		assert_false(is_traced(child, k));
	assert_int_equal(waitpid(helper, NULL, 0), helper);
	/* It has been brought, and nothing is in the way of the next one. */
	assert_null(pyi_stop_begin(&child->process, NULL, NULL, PYI_STOP_ALL, LIMIT_MS, &stop));
	assert_null(pyi_stop_end(&child->process, &stop, &paused_ms));
	pyi_stop_deinit(&stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restarted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_spares_the_main_thread, set_up_quiet,
						tear_down),
		cmocka_unit_test_setup_teardown(test_filtered, set_up_filtered, tear_down),
		cmocka_unit_test_setup_teardown(test_one_does_not_stop, set_up_stuck,
						tear_down_stuck),
	};

	pyi_wait_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
