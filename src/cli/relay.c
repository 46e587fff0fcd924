/*
 * A memory file for each of the two, copied at the end. Does not look at what is in it.
 */
#include "cli/relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "tracee/wait.h"

enum {
	LIMIT_BYTES = 256 << 20,
	/* PIPE_BUF: so much can be written without waiting where poll() says so. */
	STEP_BYTES = 4096,
	/* So often it is looked whether the user wants to end. */
	LOOK_MS = 50,
};

static bool is_waited_for(const struct stat *status)
{
	return S_ISFIFO(status->st_mode) || S_ISSOCK(status->st_mode);
}

void pyi_relay_init(struct pyi_relay *ret_relay)
{
	struct pyi_relay relay = { -1, -1 };
	struct stat output;
	struct stat error;

	if (fstat(STDOUT_FILENO, &output) == 0 && !isatty(STDOUT_FILENO))
		relay.output_fd = memfd_create("output", MFD_CLOEXEC);
	if (fstat(STDERR_FILENO, &error) == 0) {
		/* 2>&1: in the order in which it was written. */
		if (relay.output_fd >= 0 && output.st_dev == error.st_dev &&
		    output.st_ino == error.st_ino)
			relay.error_fd = relay.output_fd;
		else if (is_waited_for(&error))
			relay.error_fd = memfd_create("words", MFD_CLOEXEC);
	}
	*ret_relay = relay;
}

void pyi_relay_enter(const struct pyi_relay *relay)
{
	if (relay->output_fd >= 0)
		dup2(relay->output_fd, STDOUT_FILENO);
	if (relay->error_fd >= 0)
		dup2(relay->error_fd, STDERR_FILENO);
}

void pyi_relay_enter_limited(const struct pyi_relay *relay, uint64_t more_bytes)
{
	pyi_relay_enter(relay);
	if (relay->output_fd >= 0 || relay->error_fd >= 0 || more_bytes)
		pyi_confine_limit(RLIMIT_FSIZE, LIMIT_BYTES + more_bytes);
}

/* 0, or an errno. */
static int write_some(int fd, const char *bytes, size_t size_bytes, uint64_t deadline_ns)
{
	struct pollfd reader = { .fd = fd, .events = POLLOUT };

	while (size_bytes) {
		ssize_t written;

		if (poll(&reader, 1, LOOK_MS) <= 0) {
			if (pyi_wait_is_cancelled())
				return EINTR;
			if (pyi_clock_passed(deadline_ns))
				return ETIMEDOUT;
			continue;
		}
		written = write(fd, bytes, size_bytes);
		if (written < 0 && errno != EAGAIN && errno != EINTR)
			return errno;
		if (written > 0) {
			bytes += written;
			size_bytes -= (size_t)written;
		}
	}
	return 0;
}

static int pass_on(int memory_fd, int fd, uint64_t deadline_ns)
{
	char bytes[STEP_BYTES];
	off_t offset = 0;
	ssize_t got;

	while ((got = pread(memory_fd, bytes, sizeof(bytes), offset)) > 0) {
		int number = write_some(fd, bytes, (size_t)got, deadline_ns);

		if (number)
			return number;
		offset += got;
	}
	return got < 0 ? errno : 0;
}

static struct pyi_error *not_written(int number)
{
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, number,
				      "cannot write the report");
}

struct pyi_error *pyi_relay_finish(struct pyi_relay *relay, bool whole, uint64_t deadline_ns)
{
	bool shared = relay->error_fd == relay->output_fd;
	int number = 0;

	/* As it may have been written: first the words, then a report. */
	if (relay->error_fd >= 0 && !shared) {
		pass_on(relay->error_fd, STDERR_FILENO, deadline_ns);
		close(relay->error_fd);
	}
	if (relay->output_fd >= 0) {
		if (whole)
			number = pass_on(relay->output_fd, STDOUT_FILENO, deadline_ns);
		close(relay->output_fd);
	}
	*relay = (struct pyi_relay){ -1, -1 };
	return number ? not_written(number) : NULL;
}

struct pyi_error *pyi_relay_pass(int memory_fd, uint64_t deadline_ns)
{
	int number = pass_on(memory_fd, STDOUT_FILENO, deadline_ns);

	return number ? not_written(number) : NULL;
}
