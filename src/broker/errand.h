/*
 * A child that does what may never come to an end, and hands over what comes of it.
 *
 * Who asks a file system for anything may wait for a server (FUSE, NFS), in a wait that not even
 * SIGKILL ends. The broker must not: it has a target to put back. Such a child is left behind. One
 * child can be asked any number of times, one thing after the other.
 */
#ifndef PYI_BROKER_ERRAND_H
#define PYI_BROKER_ERRAND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum pyi_errand_end {
	/* There is an outcome. */
	PYI_ERRAND_DONE,
	/* It took too long, or the user wants to end. The child has been ended. */
	PYI_ERRAND_LATE,
	/* It could not be started, or ended without an outcome. */
	PYI_ERRAND_FAILED,
};

/* What a child is for. */
struct pyi_errand {
	/* In the child, which has no other descriptor than `kept_fd`, not even 0 to 2: does what
	   `question` says, sets the outcome, which is all zeros before, and returns a descriptor to
	   be handed over, or -1. */
	int (*run)(void *argument, const void *question, void *ret_outcome);
	void *argument;
	/* One that the child is to have; -1: none. */
	int kept_fd;
	/* At most PYI_ERRAND_LIMIT_BYTES. */
	size_t question_bytes;
	size_t outcome_bytes;
	/* When the child ends by itself; PYI_CLOCK_NEVER: with the broker. For one that becomes
	   another user, whom we perhaps cannot end. */
	uint64_t deadline_ns;
};

enum {
	PYI_ERRAND_LIMIT_BYTES = 1024,
};

/* A child; { 0, -1 }: there is none. */
struct pyi_errand_child {
	pid_t pid;
	int channel_fd;
};

/*
 * Asks the child of an errand, which is started if there is none, and waits at most until the
 * deadline. `ret_fd` is -1 unless a descriptor was handed over, which is the caller's. If it is not
 * done, there is no child any more.
 */
enum pyi_errand_end pyi_errand_ask(const struct pyi_errand *errand, struct pyi_errand_child *child,
				   const void *question, uint64_t deadline_ns, void *ret_outcome,
				   int *ret_fd);

/* Ends the child, if there is one. One that cannot end is left to init. */
void pyi_errand_end(struct pyi_errand_child *child);

#endif
