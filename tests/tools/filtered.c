/*
 * Runs a program under seccomp filters.
 *
 * usage: filtered [--clone-only-at ADDR] PROFILE... -- COMMAND...
 *   PROFILE               a file of rules: see seccomp_profile.h
 *   --clone-only-at ADDR  one more: clone() kills, unless it is made by the instruction before ADDR
 *
 * Whoever listens for "notify" is the program itself, and it does not know.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/seccomp_profile.h"

static int fail(const char *what, int number)
{
	fprintf(stderr, "filtered: %s: %s\n", what, strerror(number));
	return 2;
}

static int limit_clone(uint64_t addr)
{
	enum {
		IP_OFFSET = offsetof(struct seccomp_data, instruction_pointer),
	};
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)addr, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP_OFFSET + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(addr >> 32), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return errno;
	return 0;
}

int main(int count, char **words)
{
	int at = 1;

	if (at + 1 < count && strcmp(words[at], "--clone-only-at") == 0) {
		int number = limit_clone(strtoull(words[at + 1], NULL, 0));

		if (number)
			return fail(words[at], number);
		at += 2;
	}
	for (; at < count && strcmp(words[at], "--") != 0; at++) {
		scmp_filter_ctx filter = seccomp_profile_read(words[at]);
		int result = seccomp_load(filter);
		int listener = seccomp_notify_fd(filter);

		if (result)
			return fail(words[at], -result);
		if (listener >= 0)
			fcntl(listener, F_SETFD, 0);
		seccomp_release(filter);
	}
	if (at + 1 >= count)
		return fail("no command", EINVAL);
	execvp(words[at + 1], words + at + 1);
	return fail(words[at + 1], errno);
}
