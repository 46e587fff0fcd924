/*
 * Whether anything of ours is left in a target when we are done: what it was before, and what it is
 * afterwards, seen through /proc. Trusts nothing that those modules believe which changed the
 * target.
 *
 * Stops nothing and mends nothing. A live target changes by itself, so only differences count that
 * can be ours. Certain are:
 *
 *   tracer           a thread of it is still traced by this process
 *   snapshot         the last snapshot is still its child, living or dead
 *   signal-mask      a thread has every signal blocked, as during our calls, which it had not
 *                    before, and sleeps in the same system call as before
 *
 * Not certain, for somebody else may have done it:
 *
 *   stopped          a thread is stopped that was not before
 *   pending-signal   a SIGTRAP or SIGSTOP is pending that was not before
 *   signal-handlers  SIGTRAP is handled otherwise than before
 *
 * and, if it stood still all the time:
 *
 *   threads          it has other threads
 *   descriptors      it has more or fewer descriptors
 *   mappings         it has more or less memory mapped
 *   pending-signal   any other signal is pending
 *   signal-handlers  any other signal is handled otherwise
 *
 * It stood still if all its threads sleep in the same system call as before, and none but one (the
 * one that we stopped) has been on a processor in between. What a busy target does with its
 * descriptors, memory and masks is not looked at. Processes with more threads than
 * PYI_RESIDUE_THREADS never count as still, and of their threads only the first ones are looked at,
 * which are those that we prefer to stop; but a thread that is still traced is always found.
 */
#ifndef PYI_SNAPSHOT_RESIDUE_H
#define PYI_SNAPSHOT_RESIDUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/process.h"
#include "snapshot/snapshot.h"

enum {
	PYI_RESIDUE_THREADS = 256,
	PYI_RESIDUE_LIMIT = 8,
};

struct pyi_residue_thread {
	pid_t tid;
	char state;
	pid_t tracer_pid;
	uint64_t blocked;
	uint64_t pending;
	/* How often it has been on a processor. */
	uint64_t run_count;
	/* The system call it sleeps in, as the kernel prints it; "" or "running" if
	 * it does not. */
	char call[192];
};

/* What a target looks like from outside. */
struct pyi_residue_state {
	struct pyi_residue_thread *threads;
	size_t thread_count;
	/* There are more threads than these. */
	bool truncated;
	uint64_t shared_pending;
	uint64_t ignored;
	uint64_t caught;
	/* SIZE_MAX if there are too many to be counted. */
	size_t descriptor_count;
	uint64_t mapped_pages;
	/* It could be looked at. */
	bool known;
};

struct pyi_residue {
	struct {
		/* Stable name for programs, as above; each comes once. */
		char code[24];
		bool certain;
		/* One line. */
		char message[160];
	} items[PYI_RESIDUE_LIMIT];
	size_t count;
};

/* Looks at `process` before anything is done to it. A process that is gone is
 * not `known`. */
void pyi_residue_before(const struct pyi_process *process, struct pyi_residue_state *ret_state);

/*
 * Looks at it again, when nothing shall be left. Nothing is found in a target
 * that is gone, or of which it is not known what it was before. What may pass
 * by itself is looked at for some milliseconds more.
 */
void pyi_residue_after(const struct pyi_snapshot_target *target,
		       const struct pyi_residue_state *before, struct pyi_residue *ret_residue);

/* Error "residue" (exit 6) for what is certain; NULL if nothing is. */
struct pyi_error *pyi_residue_error(const struct pyi_snapshot_target *target,
				    const struct pyi_residue *residue) PYI_MUST_CHECK;

/* Frees what pyi_residue_before() made; safe on a zeroed struct. */
void pyi_residue_state_deinit(struct pyi_residue_state *state);

#endif
