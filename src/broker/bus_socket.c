/*
 * Makes the connection in a child, and takes it over. Does not send anything.
 */
#include "broker/bus_socket.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "broker/errand.h"
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
	const struct pyi_confine_owner owner = pyi_credentials_owner(credentials);

	pyi_confine_bound_capabilities();
	return pyi_confine_become(&owner) && pyi_confine_drop_capabilities() &&
	       pyi_confine_no_new_privileges();
}

/* What the child needs. */
struct connection {
	const struct pyi_credentials *credentials;
	int root_fd;
	const char *name;
	uint64_t deadline_ns;
};

/* In the child. */
static int connect_as(void *argument, const void *question, void *ret_outcome)
{
	const struct connection *connection = argument;
	struct outcome *outcome = ret_outcome;
	pid_t parent = getppid();
	struct pyi_error *error;
	int fd = -1;

	(void)question;
	outcome->code = PYI_ERROR_NO_PERMISSION;
	if (!become(connection->credentials))
		return -1;
	pyi_confine_end_with(parent);
	error = pyi_target_socket_connect(connection->root_fd, connection->name,
					  connection->deadline_ns, &fd);
	outcome->code = error ? error->code : PYI_ERROR_CODE_COUNT;
	if (error)
		strncpy(outcome->message, error->message, sizeof(outcome->message) - 1);
	return fd;
}

static struct pyi_error *explain(struct outcome *outcome)
{
	outcome->message[sizeof(outcome->message) - 1] = '\0';
	if (outcome->code == PYI_ERROR_NO_PERMISSION)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS,
					"is not connected to: pyinspect cannot become the user of "
					"the target");
	return pyi_error_create(PYI_EXIT_FAILED,
				outcome->code == PYI_ERROR_TIMEOUT ? PYI_ERROR_TIMEOUT
								   : PYI_ERROR_NO_BUS,
				"%s", outcome->message);
}

struct pyi_error *pyi_bus_socket_connect(const struct pyi_process *process, const char *name,
					 size_t length, bool is_abstract, uint64_t deadline_ns,
					 int *ret_fd)
{
	uint64_t limit_ns = pyi_clock_deadline(LIMIT_MS, deadline_ns);
	PYI_CLEANUP(pyi_credentials_deinit) struct pyi_credentials credentials = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *text = strndup(name, length);
	PYI_CLEANUP(pyi_guard_fd) int root_fd = -1;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct connection connection = { &credentials, -1, text, limit_ns };
	struct pyi_errand errand = {
		.run = connect_as,
		.argument = &connection,
		.question_bytes = 1,
		.outcome_bytes = sizeof(struct outcome),
		.deadline_ns = limit_ns,
	};
	struct pyi_errand_child child = { 0, -1 };
	enum pyi_errand_end end;
	struct outcome outcome;
	struct pyi_error *error;

	if (!text)
		return pyi_error_no_memory();
	error = pyi_credentials_read(process, &credentials);
	if (!error)
		error = pyi_target_socket_find(process, is_abstract, &root_fd);
	if (error)
		return error;
	connection.root_fd = root_fd;
	errand.kept_fd = root_fd;
	end = pyi_errand_ask(&errand, &child, "", limit_ns, &outcome, &fd);
	pyi_errand_end(&child);
	switch (end) {
	case PYI_ERRAND_LATE:
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TIMEOUT,
					"did not answer in time");
	case PYI_ERRAND_FAILED:
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS,
					"could not be connected to");
	case PYI_ERRAND_DONE:
		break;
	}
	if (outcome.code != PYI_ERROR_CODE_COUNT || fd < 0)
		return explain(&outcome);
	*ret_fd = fd;
	fd = -1;
	return NULL;
}
