/*
 * Names the one cause for which a process may not be looked into.
 *
 * Does not get around anything, and guesses nothing: a cause that cannot be checked is not named.
 */
#include "process/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/small_file.h"
#include "process/process_stat.h"

enum {
	CAP_SYS_PTRACE_BIT = 19,
	SECCOMP_FILTER = 2,
	SMALL_FILE_BYTES = 4096,
	/* The kernel's fixed inode number of the first user namespace. */
	FIRST_USER_NAMESPACE = 0xeffffffd,
};

struct question {
	const struct pyi_process *process;
	int pid;
	int error_number;
	struct pyi_process_status target;
	struct pyi_process_status self;
	bool may_ptrace;
};

static struct pyi_error *exited(const struct question *question)
{
	if (!pyi_process_is_alive(question->process))
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					"process %d has exited", question->pid);
	return NULL;
}

/* Another process than ourselves. */
static bool is_foreign(pid_t tracer)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d", (int)tracer);
	return tracer && access(path, F_OK) != 0;
}

/* Each thread has a tracer of its own; 0 if none has, or if it is us. */
static pid_t find_tracer(const struct question *question)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	struct pyi_error *error;
	size_t count = 0;

	if (is_foreign(question->target.tracer_pid))
		return question->target.tracer_pid;
	error = pyi_process_list_threads(question->process, &tids, &count);
	for (size_t t = 0; !error && t < count; t++) {
		struct pyi_process_status thread;

		error = pyi_process_read_status(question->process, tids[t], &thread);
		if (!error && is_foreign(thread.tracer_pid))
			return thread.tracer_pid;
		/* It has ended. */
		pyi_error_destroy(error);
		error = NULL;
	}
	pyi_error_destroy(error);
	return 0;
}

static struct pyi_error *already_traced(const struct question *question)
{
	int tracer = (int)find_tracer(question);
	char text[SMALL_FILE_BYTES];
	char path[64];
	char *at;

	if (!tracer)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/comm", tracer);
	if (!pyi_small_file_read(AT_FDCWD, path, text, sizeof(text)))
		strcpy(text, "?");
	text[strcspn(text, "\n")] = '\0';
	/* A program chooses its name, and this one goes to a terminal. */
	for (at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
	return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_ALREADY_TRACED,
					       "process %d is traced already, by process %d (%s)",
					       question->pid, tracer, text),
			      "a process has one tracer at a time: end %d (%s) first", tracer,
			      text);
}

static struct pyi_error *kernel_thread(const struct question *question)
{
	if (!pyi_process_stat_is_kernel_thread(question->process))
		return NULL;
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_KERNEL_THREAD,
				"process %d (%s) is a thread of the kernel: it has no memory of "
				"its own",
				question->pid, question->target.name);
}

static struct pyi_error *exiting(const struct question *question)
{
	if (question->error_number != ESRCH)
		return NULL;
	return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS, "process %d is exiting",
				question->pid);
}

static struct pyi_error *other_user(const struct question *question)
{
	uid_t uid = getuid();
	uid_t owner = question->target.effective_uid;

	if (question->may_ptrace)
		return NULL;
	if (owner == uid)
		owner = question->target.real_uid;
	if (owner == uid)
		return NULL;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_OTHER_USER,
					       "process %d belongs to another user: uid %lu",
					       question->pid, (unsigned long)owner),
			      "run it with sudo");
}

static struct pyi_error *not_dumpable(const struct question *question)
{
	struct stat file;

	if (question->may_ptrace)
		return NULL;
	if (question->target.capabilities_effective & ~question->self.capabilities_effective)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NOT_DUMPABLE,
						       "process %d has capabilities that we lack",
						       question->pid),
				      "run it with sudo, or with the capability CAP_SYS_PTRACE");
	/* The kernel gives the files of such a process to root, the directory excepted. */
	if (fstatat(question->process->proc_fd, "status", &file, 0) ||
	    file.st_uid == question->target.effective_uid)
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NOT_DUMPABLE,
				 "process %d protects its memory (it is not dumpable)",
				 question->pid),
		"run it with sudo, or with the capability CAP_SYS_PTRACE");
}

static struct pyi_error *other_user_namespace(const struct question *question)
{
	PYI_CLEANUP(pyi_guard_free) char *their_map = NULL;
	char our_map[SMALL_FILE_BYTES];
	struct stat ours, theirs;
	struct pyi_error *error;
	bool other;

	if (stat("/proc/self/ns/user", &ours))
		return NULL;
	/* From the first namespace the capability reaches into all others. */
	if (question->may_ptrace && ours.st_ino == FIRST_USER_NAMESPACE)
		return NULL;
	if (!fstatat(question->process->proc_fd, "ns/user", &theirs, 0)) {
		other = ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev;
	} else {
		/* It may be hidden from us; how it numbers its users is not. */
		error = pyi_process_read_file(question->process, "uid_map", SMALL_FILE_BYTES,
					      &their_map, NULL);
		pyi_error_destroy(error);
		other = !error &&
			pyi_small_file_read(AT_FDCWD, "/proc/self/uid_map", our_map,
					    sizeof(our_map)) &&
			strcmp(our_map, their_map);
	}
	if (!other)
		return NULL;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_OTHER_USER_NAMESPACE,
					       "process %d lives in a user namespace where we have "
					       "no rights",
					       question->pid),
			      "run it as root of the host, outside of containers");
}

static struct pyi_error *yama(const struct question *question)
{
	char text[SMALL_FILE_BYTES];
	int scope;

	if (!pyi_small_file_read(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", text,
				 sizeof(text)))
		return NULL;
	scope = text[0] - '0';
	if (scope == 3)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_YAMA,
						       "Yama forbids all tracing here "
						       "(kernel.yama.ptrace_scope is 3)"),
				      "it can only be lowered by a reboot without that setting");
	if ((scope != 1 && scope != 2) || question->may_ptrace)
		return NULL;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_YAMA,
					       "Yama lets only %s look into process %d "
					       "(kernel.yama.ptrace_scope is %d)",
					       scope == 1 ? "root and its ancestors" : "root",
					       question->pid, scope),
			      "run it with sudo, or: sysctl kernel.yama.ptrace_scope=0");
}

static struct pyi_error *own_seccomp(const struct question *question)
{
	if (question->self.seccomp_mode != SECCOMP_FILTER)
		return NULL;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_OWN_SECCOMP,
					       "a seccomp filter confines us and seems to forbid "
					       "looking into process %d",
					       question->pid),
			      "run it outside of the container or service, or allow ptrace and "
			      "process_vm_readv there (docker: --cap-add SYS_PTRACE)");
}

static struct pyi_error *selinux(const struct question *question)
{
	char text[SMALL_FILE_BYTES];

	/* The value in force and the pending one: "1 1". */
	if (!pyi_small_file_read(AT_FDCWD, "/sys/fs/selinux/booleans/deny_ptrace", text,
				 sizeof(text)) ||
	    text[0] != '1')
		return NULL;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_SELINUX,
					       "SELinux forbids all tracing, also of process %d "
					       "(deny_ptrace is on)",
					       question->pid),
			      "setsebool deny_ptrace off");
}

struct pyi_error *pyi_access_explain(const struct pyi_process *process, int error_number)
{
	static struct pyi_error *(*const whatever[])(const struct question *) = {
		exited,
		already_traced,
		kernel_thread,
		exiting,
	};
	/* These lead to a refusal, and to nothing else. */
	static struct pyi_error *(*const refused[])(const struct question *) = {
		other_user, not_dumpable, other_user_namespace, yama, own_seccomp, selinux,
	};
	struct question question = {
		.process = process,
		.pid = (int)process->pid,
		.error_number = error_number,
	};
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_error *error;
	size_t i;

	error = exited(&question);
	if (!error)
		error = pyi_process_read_status(process, 0, &question.target);
	if (!error)
		error = pyi_process_open(getpid(), &self);
	if (!error)
		error = pyi_process_read_status(&self, 0, &question.self);
	pyi_process_close(&self);
	if (error)
		return error;
	question.may_ptrace = question.self.capabilities_effective >> CAP_SYS_PTRACE_BIT & 1;
	for (i = 0; i < sizeof(whatever) / sizeof(whatever[0]); i++) {
		error = whatever[i](&question);
		if (error)
			return error;
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (error_number != EPERM && error_number != EACCES)
			break;
		error = refused[i](&question);
		if (error)
			return error;
	}
	return pyi_error_create_errno(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, error_number,
				      "cannot look into process %d", question.pid);
}
