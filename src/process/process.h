/*
 * A process seen through /proc: its identity, and its files there.
 *
 * Does not stop or change anything. The identity is pinned by an open
 * directory of /proc/PID: after the process is gone every call here fails with
 * "no-such-process", even if the number has been given to another process.
 */
#ifndef PYI_PROCESS_PROCESS_H
#define PYI_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct pyi_process_door;

struct pyi_process {
	pid_t pid;
	/* O_PATH|O_DIRECTORY descriptor of /proc/PID; -1 if there is a door. */
	int proc_fd;
	/* Field 22 of /proc/PID/stat, in clock ticks since boot. */
	uint64_t start_ticks;
	/* NULL: its files are opened here, with our own rights. */
	const struct pyi_process_door *door;
	void *door_argument;
};

/*
 * Who opens the files of a process for somebody who may not. Calls fail as the functions below do
 * that they stand for; what is opened is the caller's. A door need not have all of them.
 */
struct pyi_process_door {
	/* For reading; below /proc/PID. */
	struct pyi_error *(*open_file)(void *argument, const char *path, int *ret_fd);
	/* pyi_process_read_exe() */
	struct pyi_error *(*read_program)(void *argument, char **ret_path);
	/* pyi_mapped_file_open(), for the file mapped at [start_addr, end_addr) */
	int (*open_mapped)(void *argument, uint64_t start_addr, uint64_t end_addr, unsigned place);
	/* pyi_target_socket_find(), pyi_target_socket_connect() */
	struct pyi_error *(*connect)(void *argument, const char *name, bool is_abstract,
				     uint64_t deadline_ns, int *ret_fd);
};

enum {
	/* MAX_PID_NS_LEVEL of include/linux/pid_namespace.h, and the first. */
	PYI_NAMESPACE_LIMIT = 33,
};

/* What /proc/PID/status (or /proc/PID/task/TID/status) says, as far as we need it. */
struct pyi_process_status {
	/* State letter, e.g. 'S'. */
	char state;
	/* Of the main thread (or that thread): "Name:", without escapes. */
	char name[64];
	pid_t thread_group_id;
	pid_t parent_pid;
	/* 0 if nobody traces it. */
	pid_t tracer_pid;
	uid_t effective_uid;
	uid_t real_uid;
	/*
	 * NSpid: its numbers in the pid namespaces it is in, from that of /proc to its own. The
	 * kernel allows no more of them.
	 */
	pid_t namespace_pids[PYI_NAMESPACE_LIMIT];
	unsigned namespace_count;
	/* The last of them: its number in its own pid namespace. */
	pid_t namespace_pid;
	unsigned thread_count;
	/* 0 off, 1 strict, 2 filter. */
	int seccomp_mode;
	/* "x86_Thread_features:" contains "shstk" (absent on older kernels: false). */
	bool shadow_stack;
	/* VmRSS, RssAnon and VmPTE; 0 for a zombie or a kernel thread. */
	uint64_t rss_bytes;
	uint64_t anonymous_bytes;
	uint64_t page_table_bytes;
	/* VmSwap */
	uint64_t swapped_bytes;
	/* HugetlbPages: what it has of the huge page pool, shared or not, which is part of none of
	   the others. */
	uint64_t huge_pool_bytes;
	/* Signal sets as the kernel prints them: bit N-1 is signal N. */
	uint64_t signals_blocked;
	uint64_t signals_ignored;
	uint64_t signals_caught;
	/* Of that thread alone, and of the process. */
	uint64_t signals_pending;
	uint64_t shared_signals_pending;
	/* Effective capabilities. */
	uint64_t capabilities_effective;
	/* How often it has gone off the processor of its own accord; 0 if the kernel does not say.
	 */
	uint64_t voluntary_switches;
};

/* All the memory that it has in use: resident, swapped out, of the huge page pool. */
uint64_t pyi_process_used_bytes(const struct pyi_process_status *status);

/*
 * Pins process `pid` (a number of the caller's pid namespace).
 * Errors: "no-such-process" (exit 3) also for a thread id that is not a process,
 * and for a zombie ("has exited and waits for its parent").
 */
struct pyi_error *pyi_process_open(pid_t pid, struct pyi_process *ret_process) PYI_MUST_CHECK;

/* Forgets it; safe on a zeroed struct with proc_fd -1. */
void pyi_process_close(struct pyi_process *process);

/*
 * Opens a file below /proc/PID, e.g. "maps" or "task/12/syscall".
 * Errors: "no-such-process" when the process (or thread) is gone, "no-permission"
 * when it may not be read; both exit 3.
 */
struct pyi_error *pyi_process_open_file(const struct pyi_process *process, const char *path,
					int flags, int *ret_fd) PYI_MUST_CHECK;

/*
 * Reads a whole file below /proc/PID, at most `limit_bytes` (else error "too-large").
 * The result is NUL-terminated, to be freed by the caller; `ret_size` may be NULL.
 */
struct pyi_error *pyi_process_read_file(const struct pyi_process *process, const char *path,
					size_t limit_bytes, char **ret_text,
					size_t *ret_size) PYI_MUST_CHECK;

/* Status of the process, or of one of its threads if `tid` is not 0. */
struct pyi_error *pyi_process_read_status(const struct pyi_process *process, pid_t tid,
					  struct pyi_process_status *ret_status) PYI_MUST_CHECK;

/* Status of process `pid`, which is not kept: for one look. Errors as pyi_process_open(). */
struct pyi_error *pyi_process_peek_status(pid_t pid,
					  struct pyi_process_status *ret_status) PYI_MUST_CHECK;

/*
 * The ids of all threads now (numbers of the caller's namespace), ascending, to be freed
 * by the caller. Threads may come and go while it reads.
 */
struct pyi_error *pyi_process_list_threads(const struct pyi_process *process, pid_t **ret_tids,
					   size_t *ret_count) PYI_MUST_CHECK;

/* The path of its program as /proc/PID/exe shows it; freed by the caller. */
struct pyi_error *pyi_process_read_exe(const struct pyi_process *process,
				       char **ret_path) PYI_MUST_CHECK;

/* False as soon as all of it is a zombie or gone; its main thread alone may be. */
bool pyi_process_is_alive(const struct pyi_process *process);

/*
 * The number of a process in the pid namespace that is `count` levels deep, as that of a process
 * with so many numbers is; 0 if it is not in that deep a namespace.
 */
pid_t pyi_process_number_in(const struct pyi_process_status *status, unsigned count);

/* Pure parser behind pyi_process_read_status(): `text` is a status file. */
struct pyi_error *pyi_process_parse_status(const char *text,
					   struct pyi_process_status *ret_status) PYI_MUST_CHECK;

#endif
