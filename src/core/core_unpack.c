/*
 * The file, the process that fills it, and who waits for that.
 */
#include "core/core_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef PYI_WITH_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "broker/worker.h"
#include "tracee/bury.h"
#include "tracee/wait.h"

enum {
	PIECE_BYTES = 64 << 10,
	BLOCK_BYTES = 512,
	LOOK_MS = 200,
	/* For it to be gone when it was killed. */
	BURIAL_MS = 1000,
	/* Of what is free, this part stays so. */
	ROOM_LEFT = 8,
};

/* How the process ends that unpacks. */
enum ending {
	END_DONE,
	END_LOST,
	END_DAMAGED,
	END_NO_ROOM,
	END_NO_MEMORY,
};

#ifdef PYI_WITH_ZSTD

/* What is written, and where; the last bytes may be a hole still. */
struct output {
	int fd;
	uint64_t room_bytes;
	uint64_t at;
	bool hole;
	char piece[PIECE_BYTES];
};

static bool is_zeros(const char *bytes, size_t size_bytes)
{
	return !bytes[0] && memcmp(bytes, bytes + 1, size_bytes - 1) == 0;
}

static bool put(struct output *output, size_t size_bytes)
{
	if (!size_bytes)
		return true;
	/* Holes take no room, but terabytes of them are no core. */
	if (size_bytes > output->room_bytes - output->at) {
		errno = EFBIG;
		return false;
	}
	if (size_bytes == PIECE_BYTES && is_zeros(output->piece, size_bytes)) {
		output->hole = true;
	} else {
		for (size_t done = 0; done < size_bytes;) {
			ssize_t wrote;

			if (lseek(output->fd, (off_t)(output->at + done), SEEK_SET) < 0)
				return false;
			wrote = write(output->fd, output->piece + done, size_bytes - done);
			if (wrote < 0)
				return false;
			done += (size_t)wrote;
		}
		output->hole = false;
	}
	output->at += size_bytes;
	return true;
}

/* After a write that failed. */
static enum ending write_failed(void)
{
	return errno == ENOSPC || errno == EFBIG || errno == EDQUOT ? END_NO_ROOM : END_LOST;
}

/* A hole at the end is one when there is something behind it. */
static bool finish(struct output *output)
{
	return !output->hole || (lseek(output->fd, (off_t)output->at - 1, SEEK_SET) >= 0 &&
				 write(output->fd, "", 1) == 1);
}

static enum ending ending_of(size_t result)
{
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_memory_allocation:
	case ZSTD_error_frameParameter_windowTooLarge:
		return END_NO_MEMORY;
	default:
		return END_DAMAGED;
	}
}

/* All that these bytes give. A piece is written when it is full, wherever frames and blocks end. */
static enum ending unpack_some(ZSTD_DStream *stream, ZSTD_inBuffer *input, ZSTD_outBuffer *piece,
			       struct output *output)
{
	bool full = true;

	while (input->pos < input->size || full) {
		size_t result = ZSTD_decompressStream(stream, piece, input);

		if (ZSTD_isError(result))
			return ending_of(result);
		full = piece->pos == piece->size;
		if (full && !put(output, piece->pos))
			return write_failed();
		if (full)
			piece->pos = 0;
	}
	return END_DONE;
}

static enum ending unpack(int fd, int out_fd, uint64_t room_bytes)
{
	static struct output output;
	static char bytes[PIECE_BYTES];
	ZSTD_outBuffer piece = { output.piece, sizeof(output.piece), 0 };
	ZSTD_DStream *stream = ZSTD_createDStream();
	enum ending ending = END_DONE;

	if (!stream)
		return END_NO_MEMORY;
	output.fd = out_fd;
	output.room_bytes = room_bytes;
	while (ending == END_DONE) {
		ssize_t got = read(fd, bytes, sizeof(bytes));
		ZSTD_inBuffer input = { bytes, got > 0 ? (size_t)got : 0, 0 };

		if (got < 0)
			return END_LOST;
		if (got == 0)
			return put(&output, piece.pos) && finish(&output) ? END_DONE
									  : write_failed();
		ending = unpack_some(stream, &input, &piece, &output);
	}
	return ending;
}

static __attribute__((noreturn)) void work(const struct pyi_core_packed *packed, int out_fd,
					   uint64_t room_bytes, pid_t parent)
{
	const int kept[] = { packed->fd, out_fd };

	prctl(PR_SET_NAME, "pyinspect-unpc");
	pyi_confine_end_with(parent);
	/* Then write() fails. */
	signal(SIGXFSZ, SIG_IGN);
	if (!pyi_confine_close_files(kept, 2) || !pyi_confine_limit(RLIMIT_FSIZE, room_bytes) ||
	    pyi_worker_confine(packed->memory_bytes))
		_exit(END_LOST);
	_exit((int)unpack(packed->fd, out_fd, room_bytes));
}

/* A file without a name, in a folder that may not know such. */
static int create_file(const char *folder)
{
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	if (asprintf(&path, "%s/pyinspect-core-XXXXXX", folder) < 0) {
		path = NULL;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* What may be written there; 0: there is nothing. */
static uint64_t room_of(int fd)
{
	uint64_t bytes;
	struct statvfs system;
	struct rlimit limit;

	if (fstatvfs(fd, &system) != 0 || getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 0;
	bytes = (uint64_t)system.f_bavail * system.f_frsize;
	bytes -= bytes / ROOM_LEFT;
	return bytes < limit.rlim_cur ? bytes : limit.rlim_cur;
}

static struct pyi_error *lost(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_WORKER_LOST,
				"the part of pyinspect that unpacks the core has failed");
}

static struct pyi_error *explain(enum ending ending, const char *folder, uint64_t room_bytes)
{
	switch (ending) {
	case END_DONE:
		return NULL;
	case END_DAMAGED:
		return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_CORE,
						       "the compressed core is damaged"),
				      "zstd --test says where");
	case END_NO_ROOM:
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED,
					 "the core has more than %llu bytes, all that may be "
					 "unpacked to %s",
					 (unsigned long long)room_bytes, folder),
			"name a folder with more room: TMPDIR=FOLDER pyinspect ...");
	case END_NO_MEMORY:
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MEMORY_SHORT,
					 "unpacking the core takes more memory than it may"),
			"zstd -d --long=31 -o core FILE");
	case END_LOST:
		break;
	}
	return lost();
}

static uint64_t bytes_written(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? (uint64_t)status.st_blocks * BLOCK_BYTES : 0;
}

static struct pyi_error *watch(const struct pyi_core_packed *packed, pid_t child, int out_fd,
			       enum ending *ret_ending)
{
	for (;;) {
		uint64_t look_ns = pyi_clock_deadline(LOOK_MS, packed->deadline_ns);
		pid_t found;
		int status;

		switch (pyi_wait_tracee(child, look_ns, true, &found, &status)) {
		case PYI_WAIT_REPORTED:
			*ret_ending =
				WIFEXITED(status) ? (enum ending)WEXITSTATUS(status) : END_LOST;
			return NULL;
		case PYI_WAIT_NO_TRACEE:
			return lost();
		case PYI_WAIT_CANCELLED:
			return pyi_wait_interrupted();
		case PYI_WAIT_DEADLINE:
			break;
		}
		if (pyi_clock_passed(packed->deadline_ns))
			return pyi_error_timeout("the core was not unpacked in the time allowed");
		if (packed->progress)
			packed->progress(packed->argument, bytes_written(out_fd));
	}
}

struct pyi_error *pyi_core_unpack(const struct pyi_core_packed *packed, int *ret_fd,
				  uint64_t *ret_bytes)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = create_file(packed->folder);
	pid_t parent = getpid();
	enum ending ending = END_LOST;
	uint64_t room_bytes;
	struct stat status;
	struct pyi_error *error;
	pid_t child;

	if (fd < 0)
		return pyi_error_hint(
			pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, errno,
					       "cannot unpack the core to a file in %s",
					       packed->folder),
			"name another folder: TMPDIR=FOLDER pyinspect ...");
	room_bytes = room_of(fd);
	child = fork();
	if (child < 0)
		return lost();
	if (child == 0)
		work(packed, fd, room_bytes, parent);
	error = watch(packed, child, fd, &ending);
	if (error)
		pyi_bury(child, BURIAL_MS);
	else
		error = explain(ending, packed->folder, room_bytes);
	if (error)
		return error;
	if (fstat(fd, &status) != 0)
		return lost();
	*ret_bytes = (uint64_t)status.st_size;
	*ret_fd = fd;
	fd = -1;
	return NULL;
}

#else

struct pyi_error *pyi_core_unpack(const struct pyi_core_packed *packed, int *ret_fd,
				  uint64_t *ret_bytes)
{
	(void)packed;
	(void)ret_fd;
	(void)ret_bytes;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
					       "the core is compressed, and this pyinspect was "
					       "built without libzstd"),
			      "zstd -d -o core FILE; or, of a core that systemd keeps, coredumpctl "
			      "dump PID -o core");
}

#endif
