/*
 * A snapshot: a stopped process of ours that holds a target's memory at the target's addresses.
 * It is made by one injected clone(2), used, killed, and reaped inside the target; or, where a
 * target must not be cloned, by copying (snapshot/mirror.h).
 *
 * The one owner of the snapshot process. Does not know Python. A snapshot never runs the
 * target's code on its own account: it is traced, its signals are blocked, its descriptor table is
 * empty or not used, none of its system calls is executed, it dies with us, and the OOM killer
 * takes it first.
 */
#ifndef PYI_SNAPSHOT_SNAPSHOT_H
#define PYI_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/maps.h"
#include "process/process.h"
#include "snapshot/growth.h"
#include "snapshot/preflight.h"
#include "tracee/arch.h"
#include "tracee/call_check.h"
#include "tracee/live_memory.h"
#include "tracee/stop.h"

/* A target to take snapshots of, and what that has cost it so far. */
struct pyi_snapshot_target {
	const struct pyi_process *process;
	struct pyi_gadgets gadgets;
	/* PYI_SOURCE_CLONE or PYI_SOURCE_MIRROR. */
	enum pyi_source_kind source;
	/* No stop of it can take so long, unless something is very wrong. */
	uint64_t stop_limit_ms;
	/* How many pid namespaces it is in: from that of /proc to its own. */
	unsigned namespace_count;

	/* The last process that it was cloned to; 0: none. */
	pid_t last_pid;
	/* Stops of the target: how many, together, the longest. */
	unsigned stop_count;
	double paused_ms;
	double longest_pause_ms;
};

/* A thread of the target as it was when the snapshot was taken. */
struct pyi_snapshot_thread {
	/* Its number in the target's pid namespace. */
	pid_t namespace_tid;
	/* Base of its thread-local storage; 0 if it was not held. */
	uint64_t thread_pointer;
	/* It stood still because we held it. */
	bool held;
	/* It was left alone, and ran while the snapshot was taken. */
	bool moved;
	/* What it was stopped with, if it was held. */
	struct pyi_registers registers;
};

/*
 * What the taker of a snapshot wants to know at its two ends, while the target stands still: both
 * are given a reader of its live memory. Either may be NULL.
 */
struct pyi_snapshot_gate {
	/* Right before the clone; false calls it off. */
	bool (*before)(void *argument, const struct pyi_live_memory *live);
	/* Right after it. */
	void (*after)(void *argument, const struct pyi_live_memory *live);
	void *argument;
};

struct pyi_snapshot {
	struct pyi_process process;
	struct pyi_snapshot_thread *threads;
	size_t thread_count;
	/* A thread appeared that is not among them. */
	bool stranger;
	uint64_t created_ns;

	/* For this module: */
	struct pyi_snapshot_target *target;
	/* Its number in the target's pid namespace. */
	pid_t namespace_pid;
	/* Where it makes system calls of ours: the target's code in a clone, ours in a mirror. */
	struct pyi_gadgets gadgets;
	/* A stack pointer at which stray code ends in exit_group. */
	uint64_t exit_sp;
	bool dead;
	/* It was ended because it did something else than it was told to. */
	bool distrusted;
	/* Those that it was born with. */
	struct pyi_seccomp_filters filters;
	/* It shares the target's descriptor table as long as it lives. */
	bool shares_table;
	/* It is stopped at a system call that was a message. */
	bool at_message;
	/* The kernel has no PTRACE_SYSEMU. */
	bool without_emulation;
	/* It was ended because it took too much memory. */
	bool overgrown;
	struct pyi_growth growth;
};

/*
 * Says from now on in `shared`, which somebody else can read, what is owed to targets: 0, nothing;
 * else a thread may be stopped, or a snapshot not be reaped. For whoever outlives us.
 */
void pyi_snapshot_tell_debts(uint32_t *shared);

/* `stop_limit_ms` for a source that was chosen. */
uint64_t pyi_snapshot_stop_limit_ms(const struct pyi_preflight *preflight);

/*
 * Prepares for snapshots of `process` (which must outlive `ret_target`): finds gadgets, and reaps
 * what a pyinspect that was killed left behind. Its errors leave the target as it was.
 */
struct pyi_error *pyi_snapshot_target_init(const struct pyi_process *process,
					   const struct pyi_maps *maps,
					   const struct pyi_preflight *preflight,
					   struct pyi_snapshot_target *ret_target) PYI_MUST_CHECK;

/*
 * Takes a snapshot, holding the threads of `extent` meanwhile. When the gate calls it off, the
 * target goes on and *ret_snapshot is NULL (no error). Errors: those of pyi_stop_begin();
 * "clone-refused" (exit 1, with errno and cause); those of pyi_tracee_syscall(); "not-restored"
 * (exit 6).
 */
struct pyi_error *pyi_snapshot_take(struct pyi_snapshot_target *target, enum pyi_stop_extent extent,
				    const struct pyi_snapshot_gate *gate,
				    struct pyi_snapshot **ret_snapshot) PYI_MUST_CHECK;

/*
 * Kills the snapshot, and reaps it in the target. NULL is fine. Error "zombie-left" (exit 6) when
 * the target could not be made to reap it: the next run will.
 */
struct pyi_error *pyi_snapshot_destroy(struct pyi_snapshot *snapshot) PYI_MUST_CHECK;

/*
 * To be asked when something has been read from the snapshot, or has failed: if it was killed from
 * outside meanwhile (the OOM killer), all of that is worth nothing, and `error`, which may be NULL,
 * is replaced by "snapshot-lost" (exit 1). Takes over `error`.
 */
struct pyi_error *pyi_snapshot_confirm(const struct pyi_snapshot *snapshot,
				       struct pyi_error *error) PYI_MUST_CHECK;

/*
 * Runs a real system call in the snapshot (for memory to work with), one of snapshot/calls.h.
 * Errors: "seccomp" (exit 3) if a filter that it has got from the target does not let it through;
 * "foreign-call" if it makes another one instead: that is not executed, and the snapshot is ended.
 */
struct pyi_error *pyi_snapshot_syscall(struct pyi_snapshot *snapshot, uint64_t number,
				       const uint64_t arguments[PYI_SYSCALL_ARGUMENTS],
				       int64_t *ret_result) PYI_MUST_CHECK;

/* Writes to the snapshot's memory, also to private mappings without write permission. */
struct pyi_error *pyi_snapshot_write(struct pyi_snapshot *snapshot, uint64_t addr,
				     const void *bytes, size_t size_bytes) PYI_MUST_CHECK;

/*
 * Makes the snapshot go on as another thread of the target, with its thread-local storage:
 * the one whose pthread_self() is `pthread_id`. Nothing happens if that thread was not held.
 */
struct pyi_error *pyi_snapshot_become_thread(struct pyi_snapshot *snapshot,
					     uint64_t pthread_id) PYI_MUST_CHECK;

enum pyi_snapshot_event_kind {
	/* It made a system call, which is not executed: a message. */
	PYI_SNAPSHOT_MESSAGE,
	/* A signal of its own making, e.g. SIGSEGV. */
	PYI_SNAPSHOT_FAULT,
	/* The deadline came; it is stopped wherever it was. */
	PYI_SNAPSHOT_DEADLINE,
	PYI_SNAPSHOT_CANCELLED,
	/* It was killed from outside (the OOM killer). */
	PYI_SNAPSHOT_DIED,
};

struct pyi_snapshot_event {
	enum pyi_snapshot_event_kind kind;
	/* MESSAGE */
	uint64_t number;
	uint64_t arguments[PYI_SYSCALL_ARGUMENTS];
	/* FAULT */
	int signal;
	uint64_t pc;
};

/* Makes it call `pc` with one argument on the stack that ends at `stack_end_addr`, when it is
 * resumed. */
struct pyi_error *pyi_snapshot_call(struct pyi_snapshot *snapshot, uint64_t pc,
				    uint64_t stack_end_addr, uint64_t argument) PYI_MUST_CHECK;

/* Sets what the system call it has just made returns. */
struct pyi_error *pyi_snapshot_reply(struct pyi_snapshot *snapshot, uint64_t value) PYI_MUST_CHECK;

/* Lets it run until the next event. */
struct pyi_error *pyi_snapshot_resume(struct pyi_snapshot *snapshot, uint64_t deadline_ns,
				      struct pyi_snapshot_event *ret_event) PYI_MUST_CHECK;

#endif
