/*
 * A child that does one thing which may never come to an end, and hands over what came of it.
 *
 * Who asks a file system for anything may wait for a server (FUSE, NFS), in a wait that not even
 * SIGKILL ends. The broker must not: it has a target to put back. Such a child is left behind.
 */
#ifndef PYI_BROKER_ERRAND_H
#define PYI_BROKER_ERRAND_H

#include <stddef.h>
#include <stdint.h>

enum pyi_errand_end {
	/* There is an outcome. */
	PYI_ERRAND_DONE,
	/* It took too long, or the user wants to end. */
	PYI_ERRAND_LATE,
	/* It could not be started, or ended without an outcome. */
	PYI_ERRAND_FAILED,
};

struct pyi_errand {
	/* In the child, which has no other descriptor than `kept_fd`, not even 0 to 2: sets the
	   outcome, and returns a descriptor to be handed over, or -1. */
	int (*run)(void *argument, void *ret_outcome);
	void *argument;
	/* One that the child is to have; -1: none. */
	int kept_fd;
	size_t outcome_bytes;
};

/*
 * Runs it, with a `ret_outcome` of zeros, at most until the deadline. `ret_fd` is -1 unless a
 * descriptor was handed over, which is the caller's.
 */
enum pyi_errand_end pyi_errand_run(const struct pyi_errand *errand, uint64_t deadline_ns,
				   void *ret_outcome, int *ret_fd);
#endif
