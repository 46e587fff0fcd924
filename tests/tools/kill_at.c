/*
 * Runs a program and sends a signal at one exact system call of it.
 *
 *     kill_at [-p N] FD list COMMAND...
 *     kill_at [-p N] FD entry|exit LABEL SIGNAL VICTIM COMMAND...
 *
 * With -p N the system calls are those of the Nth process that the program forks. A LABEL is a
 * system call, which one of its kind since the last ptrace(), and which one of its kind that was:
 * "openat#2 after ptrace(SEIZE)#1". (So it means the same in every run, however often the program
 * had to wait before.) ptrace() itself goes by its request and is counted from the start:
 * "ptrace(SEIZE)#1". The labels of all system calls are written to descriptor FD, a line each, in
 * order; but not those after a shot. SIGNAL is sent when the program enters that call (nothing of
 * it is done yet) or leaves it, to the VICTIM: "self" is the process whose calls these are,
 * "program" is the program itself, a number is a process, "child:PID" is whatever child of PID that
 * process traces, and "exec:PID" is a process that calls execve() when the signal comes: the
 * program goes on when none of its threads is stopped by a tracer any more, for they have been
 * killed.
 *
 * The last lines on FD are "hit" (or "missed": there was no such call; or "nobody": there was no
 * such victim), and what became of the program: "exit N" or "signal N". With -p what became of that
 * process is the line before these.
 *
 * Does not look at what the victim suffers. Exits with 0 unless it failed itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	KIND_LIMIT = 256,
	LABEL_BYTES = 128,
	FREE_LOOK_US = 1000,
	FREE_LOOKS = 10000,
	/* PTRACE_GET_SYSCALL_INFO of linux/ptrace.h, a header that not every C library lets be
	   included together with sys/ptrace.h. */
	GET_SYSCALL_INFO = 0x420e,
	INFO_ENTRY = 1,
	INFO_EXIT = 2,
};

struct syscall_info {
	uint8_t operation;
	uint8_t padding[3];
	uint32_t arch;
	uint64_t pc;
	uint64_t sp;
	uint64_t number;
	uint64_t arguments[6];
};

/* How often each kind of call was entered; a kind is a number, and for ptrace() its request. */
struct kind {
	uint64_t number;
	uint64_t request;
	unsigned count;
};

static struct kind kinds[KIND_LIMIT];
static size_t kind_count;

/* Names for people; whatever is not here goes by its number. */
static const struct {
	long number;
	const char *name;
} names[] = {
#define NAME(call)                                                                                 \
	{                                                                                          \
		SYS_##call, #call                                                                  \
	}
	NAME(read),
	NAME(write),
	NAME(openat),
	NAME(close),
	NAME(mmap),
	NAME(munmap),
	NAME(mprotect),
	NAME(brk),
	NAME(fcntl),
	NAME(pread64),
	NAME(pwrite64),
	NAME(getdents64),
	NAME(readlinkat),
	NAME(wait4),
	NAME(waitid),
	NAME(kill),
	NAME(rt_sigtimedwait),
	NAME(rt_sigaction),
	NAME(rt_sigprocmask),
	NAME(clock_nanosleep),
	NAME(process_vm_readv),
	NAME(process_vm_writev),
	NAME(ioctl),
	NAME(prctl),
	NAME(exit_group),
	NAME(execve),
	NAME(sched_setaffinity),
	NAME(sched_getaffinity),
	NAME(ftruncate),
	NAME(memfd_create),
	NAME(uname),
	NAME(getrandom),
	NAME(fsync),
	NAME(fdatasync),
	NAME(flock),
	NAME(fchmod),
	NAME(fchown),
	NAME(mkdirat),
	NAME(renameat),
	NAME(unlinkat),
	NAME(sendmsg),
	NAME(recvmsg),
#ifdef SYS_mkdir
	NAME(mkdir),
	NAME(rename),
	NAME(unlink),
#endif
#ifdef SYS_newfstatat
	NAME(newfstatat),
#endif
#undef NAME
};

static const struct {
	long request;
	const char *name;
} requests[] = {
	{ PTRACE_SEIZE, "SEIZE" },	     { PTRACE_INTERRUPT, "INTERRUPT" },
	{ PTRACE_DETACH, "DETACH" },	     { PTRACE_CONT, "CONT" },
	{ PTRACE_SYSCALL, "SYSCALL" },	     { 31, "SYSEMU" },
	{ PTRACE_GETREGSET, "GETREGSET" },   { PTRACE_SETREGSET, "SETREGSET" },
	{ PTRACE_GETSIGMASK, "GETSIGMASK" }, { PTRACE_SETSIGMASK, "SETSIGMASK" },
	{ PTRACE_SETOPTIONS, "SETOPTIONS" }, { PTRACE_POKEDATA, "POKEDATA" },
	{ PTRACE_PEEKDATA, "PEEKDATA" },     { 0x420f, "GET_RSEQ_CONFIGURATION" },
};

static void fail(const char *what)
{
	fprintf(stderr, "kill_at: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Counts a call; the result is which one of its kind it is. */
static unsigned count_call(uint64_t number, uint64_t request)
{
	size_t k;

	for (k = 0; k < kind_count; k++)
		if (kinds[k].number == number && kinds[k].request == request)
			break;
	if (k == KIND_LIMIT) {
		errno = E2BIG;
		fail("too many kinds of system calls");
	}
	if (k == kind_count)
		kinds[kind_count++] = (struct kind){ number, request, 0 };
	return ++kinds[k].count;
}

static void name_ptrace(uint64_t request, char *ret_name, size_t capacity)
{
	for (size_t r = 0; r < sizeof(requests) / sizeof(requests[0]); r++) {
		if ((uint64_t)requests[r].request == request) {
			snprintf(ret_name, capacity, "ptrace(%s)", requests[r].name);
			return;
		}
	}
	snprintf(ret_name, capacity, "ptrace(0x%x)", (unsigned)request);
}

static void name_call(uint64_t number, char *ret_name, size_t capacity)
{
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		if ((uint64_t)names[n].number == number) {
			snprintf(ret_name, capacity, "%s", names[n].name);
			return;
		}
	}
	snprintf(ret_name, capacity, "%u", (unsigned)number);
}

/* The label of a call that is being entered. */
static void label_of(const struct syscall_info *info, char ret_label[LABEL_BYTES])
{
	static char last_ptrace[LABEL_BYTES / 2] = "the start";
	char name[32];

	if (info->number == SYS_ptrace) {
		name_ptrace(info->arguments[0], name, sizeof(name));
		snprintf(last_ptrace, sizeof(last_ptrace), "%s#%u", name,
			 count_call(SYS_ptrace, info->arguments[0]));
		snprintf(ret_label, LABEL_BYTES, "%s", last_ptrace);
		for (size_t k = 0; k < kind_count; k++)
			if (kinds[k].number != SYS_ptrace)
				kinds[k].count = 0;
		return;
	}
	name_call(info->number, name, sizeof(name));
	snprintf(ret_label, LABEL_BYTES, "%s#%u after %s", name, count_call(info->number, 0),
		 last_ptrace);
}

static bool read_text(const char *path, char *ret_text, size_t capacity)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, ret_text, capacity - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (got < 0)
		return false;
	ret_text[got] = '\0';
	return true;
}

static bool is_traced_by(pid_t pid, pid_t tracer)
{
	char path[64];
	char text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	line = strstr(text, "\nTracerPid:");
	return line && strtol(line + strlen("\nTracerPid:"), NULL, 10) == tracer;
}

/* The child of `parent` that `tracer` traces; 0 if there is none. */
static pid_t find_traced_child(pid_t parent, pid_t tracer)
{
	struct dirent *entry;
	char path[300];
	pid_t found = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", parent);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		char text[4096];
		char *save;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/children", parent, entry->d_name);
		if (entry->d_name[0] == '.' || !read_text(path, text, sizeof(text)))
			continue;
		for (char *word = strtok_r(text, " ", &save); word;
		     word = strtok_r(NULL, " ", &save)) {
			pid_t pid = (pid_t)strtol(word, NULL, 10);

			if (is_traced_by(pid, tracer))
				found = pid;
		}
	}
	if (folder)
		closedir(folder);
	return found;
}

/* True if a tracer holds a thread of the process. */
static bool is_held(pid_t pid)
{
	struct dirent *entry;
	char path[300];
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		char text[4096];
		const char *end;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid, entry->d_name);
		if (entry->d_name[0] == '.' || !read_text(path, text, sizeof(text)))
			continue;
		end = strrchr(text, ')');
		found = end && end[1] == ' ' && end[2] == 't';
	}
	if (folder)
		closedir(folder);
	return found;
}

/* False if it still is held after some time. */
static bool await_free(pid_t pid)
{
	for (int look = 0; look < FREE_LOOKS; look++) {
		if (!is_held(pid))
			return true;
		usleep(FREE_LOOK_US);
	}
	return false;
}

/* False if there is no such victim at this moment. */
static bool strike(const char *victim, int number, pid_t program, pid_t watched)
{
	pid_t pid;

	if (strcmp(victim, "self") == 0)
		pid = watched;
	else if (strcmp(victim, "program") == 0)
		pid = program;
	else if (strncmp(victim, "child:", 6) == 0)
		pid = find_traced_child((pid_t)strtol(victim + 6, NULL, 10), watched);
	else if (strncmp(victim, "exec:", 5) == 0)
		pid = (pid_t)strtol(victim + 5, NULL, 10);
	else
		pid = (pid_t)strtol(victim, NULL, 10);
	return pid > 0 && kill(pid, number) == 0 &&
	       (strncmp(victim, "exec:", 5) != 0 || await_free(pid));
}

static pid_t launch(char **command, long options)
{
	static const int asking[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	pid_t pid = fork();
	int status;

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		/* Who runs us in the background ignores some of them, and so would the program. */
		for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
			signal(asking[i], SIG_DFL);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(126);
		raise(SIGSTOP);
		execvp(command[0], command);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		fail("the program did not start");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(uintptr_t)options) != 0)
		fail("PTRACE_SETOPTIONS");
	return pid;
}

/* Everything about one run. */
struct run {
	FILE *out;
	/* Which child is watched; 0: the program. */
	unsigned wanted_child;
	unsigned child_count;
	pid_t program;
	/* 0: it has not been forked yet. */
	pid_t watched;
	/* A child whose first stop came before the program's, which tells of it; 0: none. */
	pid_t early;
	int program_status;
	int watched_status;
	/* The shot. */
	const char *label;
	bool at_entry;
	int number;
	const char *victim;
	const char *outcome;
	/* Neither fired yet nor past. */
	bool waiting;
	bool matched;
	bool started;
};

/* A stop of the watched process at a system call. */
static void look_at_call(struct run *run)
{
	struct syscall_info info = { 0 };
	char label[LABEL_BYTES];

	if (!run->started || !run->waiting ||
	    syscall(SYS_ptrace, GET_SYSCALL_INFO, run->watched, sizeof(info), &info) <= 0)
		return;
	if (info.operation == INFO_ENTRY) {
		label_of(&info, label);
		run->matched = run->label && strcmp(label, run->label) == 0;
		fprintf(run->out, "%s\n", label);
	}
	if (run->matched && (info.operation == INFO_ENTRY) == run->at_entry) {
		run->outcome = strike(run->victim, run->number, run->program, run->watched)
				       ? "hit"
				       : "nobody";
		run->waiting = false;
	}
}

/* The program has forked: its child is watched, or let go. */
static void take_child(struct run *run)
{
	unsigned long child;
	int status;

	if (ptrace(PTRACE_GETEVENTMSG, run->program, NULL, &child) != 0)
		return;
	if (run->early != (pid_t)child && waitpid((pid_t)child, &status, __WALL) != (pid_t)child)
		return;
	run->early = 0;
	if (++run->child_count != run->wanted_child) {
		ptrace(PTRACE_DETACH, (pid_t)child, NULL, NULL);
		return;
	}
	run->watched = (pid_t)child;
	if (ptrace(PTRACE_SETOPTIONS, run->watched, NULL,
		   (void *)(uintptr_t)PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_SYSCALL, run->watched, NULL, NULL) != 0)
		fail("the child");
}

/* One stop; what it is to go on with. */
static int handle_stop(struct run *run, pid_t pid, int status)
{
	int event = status >> 16;

	if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
		if (pid == run->watched)
			look_at_call(run);
		return 0;
	}
	/* Its own execve ends with an event, of which nothing is to be delivered. */
	if (event == PTRACE_EVENT_EXEC)
		run->started = true;
	else if (event == PTRACE_EVENT_FORK)
		take_child(run);
	return event ? 0 : WSTOPSIG(status);
}

static void follow(struct run *run)
{
	bool program_ended = false;
	bool watched_ended = false;

	while (!program_ended || (run->watched && !watched_ended)) {
		int deliver;
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0)
			fail("waitpid");
		if (!WIFSTOPPED(status)) {
			if (pid == run->watched) {
				run->watched_status = status;
				watched_ended = true;
			}
			if (pid == run->program) {
				run->program_status = status;
				program_ended = true;
			}
			continue;
		}
		if (pid != run->program && pid != run->watched) {
			run->early = pid;
			continue;
		}
		deliver = handle_stop(run, pid, status);
		/* After the shot it runs on freely: only signals are passed on to it. */
		if (ptrace(pid == run->watched && run->waiting ? PTRACE_SYSCALL : PTRACE_CONT, pid,
			   NULL, (void *)(intptr_t)deliver) != 0 &&
		    errno != ESRCH)
			fail("cannot let the program go on");
	}
}

static void print_end(FILE *out, int status)
{
	fprintf(out, "%s %d\n", WIFEXITED(status) ? "exit" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int main(int argc, char **argv)
{
	struct run run = {
		.victim = "self", .outcome = "missed", .at_entry = true, .waiting = true
	};
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
	char **command;

	if (argc >= 3 && strcmp(argv[1], "-p") == 0) {
		run.wanted_child = (unsigned)strtoul(argv[2], NULL, 10);
		argc -= 2;
		argv += 2;
	}
	if (argc >= 4 && strcmp(argv[2], "list") == 0) {
		command = argv + 3;
	} else if (argc >= 7 && (strcmp(argv[2], "entry") == 0 || strcmp(argv[2], "exit") == 0)) {
		run.at_entry = strcmp(argv[2], "entry") == 0;
		run.label = argv[3];
		run.number = (int)strtol(argv[4], NULL, 10);
		run.victim = argv[5];
		command = argv + 6;
	} else {
		fputs("usage: kill_at [-p N] FD list COMMAND...\n"
		      "       kill_at [-p N] FD entry|exit LABEL SIGNAL VICTIM COMMAND...\n",
		      stderr);
		return 2;
	}
	run.out = fdopen((int)strtol(argv[1], NULL, 10), "w");
	if (!run.out || fcntl(fileno(run.out), F_SETFD, FD_CLOEXEC) != 0)
		fail("the descriptor for answers");
	if (run.wanted_child)
		options |= PTRACE_O_TRACEFORK;
	run.program = launch(command, options);
	run.watched = run.wanted_child ? 0 : run.program;
	if (ptrace(run.wanted_child ? PTRACE_CONT : PTRACE_SYSCALL, run.program, NULL, NULL) != 0)
		fail("cannot let the program go on");
	follow(&run);
	if (run.wanted_child)
		print_end(run.out, run.watched_status);
	fprintf(run.out, "%s\n", run.outcome);
	print_end(run.out, run.program_status);
	return fclose(run.out) == 0 ? 0 : 1;
}
