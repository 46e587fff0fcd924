/*
 * What /proc says of the processes that may run Python, copied as it is into a file, and read from
 * there.
 *
 * Two sides: one may look at the processes of others and takes nothing to pieces (all it does with
 * a text is to look whether "python" stands in it); the other one has no rights, and takes the copy
 * for hostile. Attaches to nothing, and opens no file of a process but those of /proc/PID.
 */
#ifndef PYI_PROCESS_PROC_COPY_H
#define PYI_PROCESS_PROC_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum pyi_proc_text {
	PYI_PROC_STAT,
	PYI_PROC_STATUS,
	PYI_PROC_CGROUP,
	/* Words with a NUL behind each. */
	PYI_PROC_CMDLINE,
	/* The path of its program. */
	PYI_PROC_PROGRAM,
	/* Those lines of maps in which "python" stands. */
	PYI_PROC_MAPPED,
	PYI_PROC_TEXTS,
};

/* One process. The texts end with a NUL that is not counted, and are the file's. */
struct pyi_proc_copy {
	/* 0: this is about the machine; its PYI_PROC_STATUS is /etc/passwd. */
	pid_t pid;
	/* It may not be looked at: the errno; else 0. Then there are no texts. */
	int refused;
	const char *texts[PYI_PROC_TEXTS];
	size_t sizes[PYI_PROC_TEXTS];
};

/* Shared by the one who copies and by whoever watches it. */
struct pyi_proc_copy_progress {
	/* The process that it is at; 0: it has not begun. */
	int32_t pid;
	/* Processes that were left out because the copy would have become too large. */
	uint32_t left_out;
	/* So many bytes of the file are whole processes: of what is behind them one was cut off. */
	uint64_t whole_bytes;
};

enum {
	/* Bytes of a copy. */
	PYI_PROC_COPY_LIMIT = 64 << 20,
};

/*
 * Appends to the file the processes whose numbers are above `after`; with 0 the machine before
 * them. Threads of the kernel and processes in which "python" stands nowhere are not in it. Can be
 * held up by a process for ever: then it is to be killed, and, after pyi_proc_copy_cut(), gone on
 * with after that one. For one that may look into /proc. Errors (exit 1): /proc cannot be read,
 * "output-failed", no memory.
 */
struct pyi_error *pyi_proc_copy_write(int fd, pid_t after,
				      struct pyi_proc_copy_progress *progress) PYI_MUST_CHECK;

/*
 * Cuts off what one that was killed had only half written; what is written next follows what is
 * whole. False if the file cannot be cut.
 */
bool pyi_proc_copy_cut(int fd, const struct pyi_proc_copy_progress *progress);

/*
 * The process that begins at *at, which is moved behind it; false at the end, and where the bytes
 * are no copy or one that was cut off.
 */
bool pyi_proc_copy_next(const char *data, size_t size_bytes, size_t *at,
			struct pyi_proc_copy *ret_copy);

#endif
