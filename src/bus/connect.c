/*
 * Connects sockets, and words what goes wrong with a bus.
 *
 * Does not send anything.
 */
#include "bus/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "bus/lookup.h"

enum {
	/* So much of an address is shown in a message. */
	ADDRESS_SHOWN = 200,
};

uint64_t pyi_bus_left_us(uint64_t deadline_ns)
{
	uint64_t now_ns = pyi_clock_now_ns();

	if (deadline_ns == PYI_CLOCK_NEVER)
		return UINT64_MAX;
	return deadline_ns > now_ns ? (deadline_ns - now_ns + 999) / 1000 : 0;
}

struct pyi_error *pyi_bus_failed(enum pyi_error_code code, const char *shown, const char *why)
{
	return pyi_error_create(PYI_EXIT_FAILED, code, "%.*s, %s", ADDRESS_SHOWN, shown, why);
}

struct pyi_error *pyi_bus_failed_errno(const char *shown, int error_number, const char *why)
{
	if (error_number == ETIMEDOUT)
		return pyi_bus_failed(PYI_ERROR_TIMEOUT, shown, "did not answer in time");
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, error_number, "%.*s, %s",
				      ADDRESS_SHOWN, shown, why);
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
		uint64_t us = pyi_bus_left_us(deadline_ns);
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

int pyi_bus_connect_own(const char *path, uint64_t deadline_ns, int *ret_fd)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t length = strlen(path);

	if (length >= sizeof(name.sun_path))
		return ENAMETOOLONG;
	memcpy(name.sun_path, path, length);
	return connect_socket(&name, sizeof(name), deadline_ns, ret_fd);
}

static struct pyi_error *connect_path(const struct pyi_process *process,
				      const struct pyi_bus_address *address, const char *shown,
				      uint64_t deadline_ns, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int root_fd = -1;
	PYI_CLEANUP(pyi_guard_fd) int socket_fd = -1;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct pyi_error *error;
	struct stat status;
	int error_number;

	error = pyi_process_open_file(process, "root", O_PATH | O_DIRECTORY, &root_fd);
	if (error)
		return error;
	error_number = pyi_bus_lookup(root_fd, address->name, &socket_fd);
	if (error_number)
		return pyi_bus_failed_errno(shown, error_number,
					    "cannot be looked up below the root of the target");
	if (fstat(socket_fd, &status) || !S_ISSOCK(status.st_mode))
		return pyi_bus_failed(PYI_ERROR_NO_BUS, shown, "is not a socket");
	snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d", socket_fd);
	error_number = connect_socket(&name, sizeof(name), deadline_ns, ret_fd);
	if (error_number)
		return pyi_bus_failed_errno(shown, error_number, "refused the connection");
	return NULL;
}

static struct pyi_error *connect_abstract(const struct pyi_process *process,
					  const struct pyi_bus_address *address, const char *shown,
					  uint64_t deadline_ns, int *ret_fd)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t length = strlen(address->name);
	struct stat ours, theirs;
	int error_number;

	if (stat("/proc/self/ns/net", &ours) || fstatat(process->proc_fd, "ns/net", &theirs, 0))
		return pyi_bus_failed_errno(
			shown, errno, "is abstract, and the network namespaces cannot be compared");
	if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino)
		return pyi_bus_failed(PYI_ERROR_NO_BUS, shown,
				      "is abstract, and the target is in another network namespace "
				      "than pyinspect");
	if (length > sizeof(name.sun_path) - 1)
		return pyi_bus_failed(PYI_ERROR_NO_BUS, shown, "is too long");
	memcpy(name.sun_path + 1, address->name, length);
	error_number = connect_socket(
		&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length),
		deadline_ns, ret_fd);
	if (error_number)
		return pyi_bus_failed_errno(shown, error_number, "refused the connection");
	return NULL;
}

struct pyi_error *pyi_bus_connect(const struct pyi_process *process,
				  const struct pyi_bus_address *address, const char *shown,
				  uint64_t deadline_ns, int *ret_fd)
{
	if (address->transport == PYI_BUS_UNIX_PATH)
		return connect_path(process, address, shown, deadline_ns, ret_fd);
	return connect_abstract(process, address, shown, deadline_ns, ret_fd);
}
