/*
 * Makes the connection in a child, and takes it over. Does not send anything.
 */
#include "broker/bus_socket.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "broker/channel.h"
#include "process/credentials.h"
#include "process/target_socket.h"

enum {
	/* Longest wait for a child; the bus itself gets less from the worker. */
	LIMIT_MS = 5000,
	MESSAGE_BYTES = 256,
};

/* What the child says; code is PYI_ERROR_CODE_COUNT if it has the socket. */
struct outcome {
	uint32_t code;
	char message[MESSAGE_BYTES];
};

static bool become(const struct pyi_credentials *credentials)
{
	const struct pyi_confine_owner owner = {
		.real_uid = credentials->users[0],
		.effective_uid = credentials->users[1],
		.saved_uid = credentials->users[2],
		.real_gid = credentials->groups[0],
		.effective_gid = credentials->groups[1],
		.saved_gid = credentials->groups[2],
		.groups = credentials->others,
		.group_count = credentials->other_count,
	};

	pyi_confine_bound_capabilities();
	return pyi_confine_become(&owner) && pyi_confine_drop_capabilities() &&
	       pyi_confine_no_new_privileges();
}

/* In the child. */
static void connect_as(const struct pyi_credentials *credentials, int root_fd, const char *name,
		       uint64_t deadline_ns, int channel_fd)
{
	struct outcome outcome = { .code = PYI_ERROR_NO_PERMISSION };
	struct pyi_error *error = NULL;
	int fd = -1;

	if (become(credentials)) {
		error = pyi_target_socket_connect(root_fd, name, deadline_ns, &fd);
		outcome.code = error ? error->code : PYI_ERROR_CODE_COUNT;
		if (error)
			strncpy(outcome.message, error->message, sizeof(outcome.message) - 1);
	}
	pyi_channel_send(channel_fd, &outcome, sizeof(outcome), NULL, 0, fd);
	_exit(0);
}

static bool wait_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	while (!pyi_clock_passed(deadline_ns))
		if (poll(&wait, 1, (int)(pyi_clock_left_us(deadline_ns) / 1000 + 1)) > 0)
			return true;
	return false;
}

static struct pyi_error *take_over(int channel_fd, uint64_t deadline_ns, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct outcome outcome;

	if (!wait_readable(channel_fd, deadline_ns))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TIMEOUT,
					"did not answer in time");
	if (!pyi_channel_receive(channel_fd, &outcome, sizeof(outcome), &fd))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS,
					"could not be connected to");
	outcome.message[sizeof(outcome.message) - 1] = '\0';
	if (outcome.code == PYI_ERROR_NO_PERMISSION)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS,
					"is not connected to: pyinspect cannot become the user of "
					"the target");
	if (outcome.code == PYI_ERROR_CODE_COUNT && fd >= 0) {
		*ret_fd = fd;
		fd = -1;
		return NULL;
	}
	return pyi_error_create(PYI_EXIT_FAILED,
				outcome.code == PYI_ERROR_TIMEOUT ? PYI_ERROR_TIMEOUT
								  : PYI_ERROR_NO_BUS,
				"%s", outcome.message);
}

struct pyi_error *pyi_bus_socket_connect(const struct pyi_process *process, const char *name,
					 size_t length, bool is_abstract, uint64_t deadline_ns,
					 int *ret_fd)
{
	uint64_t limit_ns = pyi_clock_deadline(LIMIT_MS, deadline_ns);
	PYI_CLEANUP(pyi_credentials_deinit) struct pyi_credentials credentials = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *text = strndup(name, length);
	PYI_CLEANUP(pyi_guard_fd) int root_fd = -1;
	PYI_CLEANUP(pyi_guard_fd) int our_end = -1;
	struct pyi_error *error;
	int ends[2];
	pid_t child;

	if (!text)
		return pyi_error_no_memory();
	error = pyi_credentials_read(process, &credentials);
	if (!error)
		error = pyi_target_socket_find(process, is_abstract, &root_fd);
	if (error)
		return error;
	if (!pyi_channel_create(ends))
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, errno,
					      "is not connected to");
	our_end = ends[0];
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		connect_as(&credentials, root_fd, text, limit_ns, ends[1]);
	}
	close(ends[1]);
	if (child < 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, errno,
					      "is not connected to");
	error = take_over(our_end, limit_ns, ret_fd);
	kill(child, SIGKILL);
	/* One that waits for a file system which does not answer is left to init. */
	waitpid(child, NULL, error && error->code == PYI_ERROR_TIMEOUT ? WNOHANG : 0);
	return error;
}
