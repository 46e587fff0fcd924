/*
 * Connects sockets, and says what goes wrong. Does not send anything.
 */
#include "process/target_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/lookup.h"

static struct pyi_error *failed(const char *why)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, "%s", why);
}

static struct pyi_error *failed_errno(int error_number, const char *why)
{
	if (error_number == ETIMEDOUT)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TIMEOUT,
					"did not answer in time");
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, error_number, "%s", why);
}

/* Connects a socket; 0 or an errno. */
static int connect_socket(const struct sockaddr_un *address, socklen_t size, uint64_t deadline_ns,
			  int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return errno;
	do {
		uint64_t us = pyi_clock_left_us(deadline_ns);
		struct timeval timeout = {
			.tv_sec = (time_t)(us / 1000000),
			.tv_usec = (suseconds_t)(us % 1000000),
		};

		if (!us)
			return ETIMEDOUT;
		/* A full backlog can only be waited for by a call that blocks: poll() does not
		 * tell. */
		if (us != UINT64_MAX &&
		    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)))
			return errno;
		result = connect(fd, (const struct sockaddr *)address, size);
	} while (result && errno == EINTR);
	if (result)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

struct pyi_error *pyi_target_socket_find(const struct pyi_process *process, bool is_abstract,
					 int *ret_root_fd)
{
	struct stat ours;
	struct stat theirs;

	*ret_root_fd = -1;
	if (!is_abstract)
		return pyi_process_open_file(process, "root", O_PATH | O_DIRECTORY, ret_root_fd);
	if (stat("/proc/self/ns/net", &ours) || fstatat(process->proc_fd, "ns/net", &theirs, 0))
		return failed_errno(errno,
				    "is abstract, and the network namespaces cannot be compared");
	if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
		return failed("is abstract, and the target is in another network namespace than "
			      "pyinspect");
	return NULL;
}

static struct pyi_error *connect_path(int root_fd, const char *path, uint64_t deadline_ns,
				      int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int socket_fd = -1;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct stat status;
	int error_number;

	error_number = pyi_lookup(root_fd, path, &socket_fd);
	if (error_number)
		return failed_errno(error_number,
				    "cannot be looked up below the root of the target");
	if (fstat(socket_fd, &status) || !S_ISSOCK(status.st_mode))
		return failed("is not a socket");
	snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d", socket_fd);
	error_number = connect_socket(&name, sizeof(name), deadline_ns, ret_fd);
	return error_number ? failed_errno(error_number, "refused the connection") : NULL;
}

static struct pyi_error *connect_abstract(const char *abstract, uint64_t deadline_ns, int *ret_fd)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t length = strlen(abstract);
	int error_number;

	if (length > sizeof(name.sun_path) - 1)
		return failed("is too long");
	memcpy(name.sun_path + 1, abstract, length);
	error_number = connect_socket(
		&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length),
		deadline_ns, ret_fd);
	return error_number ? failed_errno(error_number, "refused the connection") : NULL;
}

struct pyi_error *pyi_target_socket_connect(int root_fd, const char *name, uint64_t deadline_ns,
					    int *ret_fd)
{
	return root_fd >= 0 ? connect_path(root_fd, name, deadline_ns, ret_fd)
			    : connect_abstract(name, deadline_ns, ret_fd);
}
