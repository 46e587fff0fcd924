/*
 * Connects to the bus of a target and lists the names on it.
 *
 * Does not parse addresses (address.c does) and connects no sockets (process/target_socket.h). A
 * bus is untrusted like its target, who says where it is: whatever it sends, it gets no longer than
 * until the deadline, and only one message at a time is kept. Descriptors that it sends are closed
 * with their message; they cannot be refused: without them negotiated, libsystemd (252) aborts the
 * program when a bus sends a third line while it authenticates.
 */
#include "bus/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "bus/address.h"
#include "bus/connection.h"
#include "bus/environment.h"
#include "process/target_socket.h"

enum {
	/* A name as the specification allows it, without the NUL. */
	NAME_LIMIT = 255,
	NAME_COUNT_LIMIT = 1000000,
	/* So many failures are shown in a message. */
	FAILURES_SHOWN = 4,
	/* So much of an address is shown in a message. */
	ADDRESS_SHOWN = 200,
};

struct pyi_bus {
	sd_bus *connection;
	char *address;
	enum pyi_bus_kind kind;
};

/* What came of the addresses tried so far. */
struct search {
	const struct pyi_process *process;
	enum pyi_bus_kind kind;
	uint64_t deadline_ns;
	/* Where the addresses are from, e.g. " (DBUS_SYSTEM_BUS_ADDRESS)", or "". */
	const char *source;
	/* The failures in words, joined by "; "; NULL before the first. */
	char *failures;
	unsigned failure_count;
	/* The one that says most, of all failures so far. */
	enum pyi_error_code code;
};

static void guard_message(sd_bus_message **message)
{
	sd_bus_message_unref(*message);
}

static void guard_slot(sd_bus_slot **slot)
{
	sd_bus_slot_unref(*slot);
}

PYI_DEFINE_GUARD(bus, struct pyi_bus, pyi_bus_close)

static struct pyi_error *failed(enum pyi_error_code code, const char *shown, const char *why)
{
	return pyi_error_create(PYI_EXIT_FAILED, code, "%.*s, %s", ADDRESS_SHOWN, shown, why);
}

static struct pyi_error *failed_errno(const char *shown, int error_number, const char *why)
{
	if (error_number == ETIMEDOUT)
		return failed(PYI_ERROR_TIMEOUT, shown, "did not answer in time");
	return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, error_number, "%.*s, %s",
				      ADDRESS_SHOWN, shown, why);
}

static const char *kind_name(enum pyi_bus_kind kind)
{
	return kind == PYI_BUS_SYSTEM ? "system" : "session";
}

void pyi_bus_close(struct pyi_bus *bus)
{
	if (!bus)
		return;
	pyi_connection_close(bus->connection);
	free(bus->address);
	free(bus);
}

const char *pyi_bus_address(const struct pyi_bus *bus)
{
	return bus->address;
}

static struct pyi_error *handshake_failed(const char *shown, int error_number)
{
	switch (error_number) {
	/* A bus says no in two ways: REJECTED, or it hangs up on somebody it knows but does not
	 * want. */
	case EPERM:
	case EACCES:
		return failed(PYI_ERROR_BUS_REFUSED, shown,
			      "does not let us in: authentication failed");
	case ECONNRESET:
	case ENOTCONN:
	case EPIPE:
	case ESHUTDOWN:
		return failed(PYI_ERROR_BUS_REFUSED, shown,
			      "does not let us in: it hung up during authentication");
	default:
		return failed_errno(shown, error_number, "does not speak as a D-Bus daemon does");
	}
}

/* A bus that has been restarted at the same place is not the one that the target knows. */
static struct pyi_error *check_guid(sd_bus *connection, const struct pyi_bus_address *address,
				    const char *shown)
{
	char guid[SD_ID128_STRING_MAX];
	sd_id128_t id;

	if (!address->guid[0])
		return NULL;
	if (sd_bus_get_bus_id(connection, &id) < 0)
		return failed(PYI_ERROR_NO_BUS, shown, "does not tell its guid");
	if (!strcmp(sd_id128_to_string(id, guid), address->guid))
		return NULL;
	return failed(PYI_ERROR_NO_BUS, shown,
		      "is another bus than the target's: the guid differs");
}

/* Says hello to the bus at the other end of `fd`, which is taken over, also on failure. */
static struct pyi_error *greet(const struct search *search, int fd,
			       const struct pyi_bus_address *address, const char *shown,
			       sd_bus **ret_connection)
{
	struct pyi_error *error;
	sd_bus *connection;
	int result = pyi_connection_open(fd, false, search->deadline_ns, &connection);

	if (result < 0)
		return handshake_failed(shown, -result);
	error = check_guid(connection, address, shown);
	if (error)
		pyi_connection_close(connection);
	else
		*ret_connection = connection;
	return error;
}

/* Through the door of the process if it has one. The descriptor blocks, with a time limit. */
static struct pyi_error *connect_socket(const struct pyi_process *process, const char *name,
					bool is_abstract, uint64_t deadline_ns, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_fd) int root_fd = -1;
	struct pyi_error *error;

	if (process->door)
		return process->door->connect(process->door_argument, name, is_abstract,
					      deadline_ns, ret_fd);
	error = pyi_target_socket_find(process, is_abstract, &root_fd);
	if (!error)
		error = pyi_target_socket_connect(root_fd, name, deadline_ns, ret_fd);
	return error;
}

/* Tries one address. */
static struct pyi_error *try_address(const struct search *search,
				     const struct pyi_bus_address *address,
				     struct pyi_bus **ret_bus)
{
	PYI_CLEANUP(pyi_guard_bus) struct pyi_bus *bus = calloc(1, sizeof(*bus));
	struct pyi_error *error;
	int fd = -1;

	if (!bus)
		return pyi_error_no_memory();
	bus->kind = search->kind;
	bus->address = pyi_bus_address_format(address);
	if (!bus->address)
		return pyi_error_no_memory();
	error = connect_socket(search->process, address->name,
			       address->transport == PYI_BUS_UNIX_ABSTRACT, search->deadline_ns,
			       &fd);
	if (error && (error->code == PYI_ERROR_NO_BUS || error->code == PYI_ERROR_TIMEOUT)) {
		struct pyi_error *named = failed(error->code, bus->address, error->message);

		pyi_error_destroy(error);
		error = named;
	}
	if (!error)
		error = greet(search, fd, address, bus->address, &bus->connection);
	if (error)
		return error;
	*ret_bus = pyi_return_ptr(bus);
	return NULL;
}

/*
 * Notes why an address did not do, and frees `error`. Returns it instead if no other address can do
 * better.
 */
static struct pyi_error *note(struct search *search, struct pyi_error *error)
{
	char *longer = NULL;

	if (error->code != PYI_ERROR_NO_BUS && error->code != PYI_ERROR_BUS_REFUSED &&
	    error->code != PYI_ERROR_TIMEOUT)
		return error;
	/* A refusal tells more than a dead socket; after a timeout nothing else is tried. */
	if (!search->failure_count || error->code != PYI_ERROR_NO_BUS)
		search->code = error->code;
	if (++search->failure_count <= FAILURES_SHOWN &&
	    asprintf(&longer, "%s%s%s", search->failures ? search->failures : "",
		     search->failures ? "; " : "", error->message) < 0)
		longer = NULL;
	if (longer) {
		free(search->failures);
		search->failures = longer;
	}
	pyi_error_destroy(error);
	return NULL;
}

/* Tries the addresses of a list one after the other; *ret_bus is only set if one did. */
static struct pyi_error *try_list(struct search *search, const char *list, struct pyi_bus **ret_bus)
{
	for (;;) {
		struct pyi_bus_address address;
		struct pyi_error *error = pyi_bus_address_next(&list, &address);

		if (!error)
			error = try_address(search, &address, ret_bus);
		if (!error)
			return NULL;
		error = note(search, error);
		if (error || !*list || pyi_clock_passed(search->deadline_ns))
			return error;
	}
}

/* The error for a search that found nothing. */
static struct pyi_error *nothing_found(const struct search *search)
{
	bool many = search->failure_count > FAILURES_SHOWN;
	struct pyi_error *error;
	char more[32] = "";

	if (!search->failures)
		return pyi_error_no_memory();
	if (many)
		snprintf(more, sizeof(more), "; and %u more",
			 search->failure_count - FAILURES_SHOWN);
	error = pyi_error_create(PYI_EXIT_FAILED, search->code, "the target's %s bus%s, %s%s",
				 kind_name(search->kind), search->source, search->failures, more);
	if (error->code == PYI_ERROR_BUS_REFUSED)
		error = pyi_error_hint(error, "run pyinspect as the user of the target");
	return error;
}

/* Tries the session bus where it is if no variable names it. */
static struct pyi_error *try_runtime_directory(struct search *search, const char *directory,
					       struct pyi_bus **ret_bus)
{
	PYI_CLEANUP(pyi_guard_free) char *usual = NULL;
	struct pyi_bus_address address = { .transport = PYI_BUS_UNIX_PATH };
	int length = snprintf(address.name, sizeof(address.name), "%s/bus", directory);

	if (length < 0 || (size_t)length >= sizeof(address.name))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS,
					"the target's session bus is not known: XDG_RUNTIME_DIR in "
					"its environment is too long");
	usual = pyi_bus_address_format(&address);
	if (!usual)
		return pyi_error_no_memory();
	search->source = " (XDG_RUNTIME_DIR)";
	return try_list(search, usual, ret_bus);
}

static struct pyi_error *search_all(struct search *search,
				    const struct pyi_bus_environment *environment,
				    struct pyi_bus **ret_bus)
{
	bool is_system = search->kind == PYI_BUS_SYSTEM;
	const char *list = pyi_bus_environment_get(
		environment, is_system ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS");
	const char *runtime_directory;

	if (list) {
		search->source =
			is_system ? " (DBUS_SYSTEM_BUS_ADDRESS)" : " (DBUS_SESSION_BUS_ADDRESS)";
		return try_list(search, list, ret_bus);
	}
	if (is_system)
		return try_list(search,
				"unix:path=/run/dbus/system_bus_socket;"
				"unix:path=/var/run/dbus/system_bus_socket",
				ret_bus);
	runtime_directory = pyi_bus_environment_get(environment, "XDG_RUNTIME_DIR");
	if (!runtime_directory)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS,
					"the target's session bus is not known: there is neither "
					"DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR in %s",
					environment->cut ? "the first 1 MiB of its environment"
							 : "the environment it was started with");
	return try_runtime_directory(search, runtime_directory, ret_bus);
}

struct pyi_error *pyi_bus_open(const struct pyi_process *process, enum pyi_bus_kind kind,
			       uint64_t deadline_ns, struct pyi_bus **ret_bus)
{
	struct search search = {
		.process = process,
		.kind = kind,
		.deadline_ns = deadline_ns,
		.source = "",
	};
	struct pyi_bus_environment environment;
	struct pyi_bus *bus = NULL;
	struct pyi_error *error;

	error = pyi_bus_environment_read(process, &environment);
	if (error)
		return error;
	error = search_all(&search, &environment, &bus);
	pyi_bus_environment_deinit(&environment);
	if (!error && !bus)
		error = nothing_found(&search);
	free(search.failures);
	if (!error)
		*ret_bus = bus;
	return error;
}

static int keep_reply(sd_bus_message *message, void *argument, sd_bus_error *ret_error)
{
	sd_bus_message **reply = argument;

	(void)ret_error;
	*reply = sd_bus_message_ref(message);
	return 1;
}

static bool has_reply(void *argument)
{
	sd_bus_message **reply = argument;

	return *reply != NULL;
}

static struct pyi_error *list_failed(const struct pyi_bus *bus, int error_number)
{
	return pyi_error_context(failed_errno(bus->address, error_number,
					      "did not answer the question who is there"),
				 "the target's %s bus", kind_name(bus->kind));
}

/* Every name on a bus is such a one; one that is not would be dangerous to print. */
static bool is_name(const char *name)
{
	size_t length;

	for (length = 0; name[length]; length++)
		if (length == NAME_LIMIT || name[length] <= ' ' || name[length] > '~')
			return false;
	return length > 0;
}

static struct pyi_error *read_names(const struct pyi_bus *bus, sd_bus_message *reply,
				    struct pyi_error *(*name)(void *argument, const char *name),
				    void *argument)
{
	size_t count = 0;
	int result = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "s");

	if (!result)
		result = -EBADMSG;
	while (result > 0) {
		struct pyi_error *error;
		const char *text;

		result = sd_bus_message_read_basic(reply, SD_BUS_TYPE_STRING, &text);
		if (result <= 0)
			break;
		/* Whoever is not in the list would be taken for gone. */
		if (++count > NAME_COUNT_LIMIT)
			return pyi_error_context(failed(PYI_ERROR_NO_BUS, bus->address,
							"says that it has more than a million "
							"names"),
						 "the target's %s bus", kind_name(bus->kind));
		if (!is_name(text))
			continue;
		error = name(argument, text);
		if (error)
			return error;
	}
	return result < 0 ? list_failed(bus, -result) : NULL;
}

struct pyi_error *pyi_bus_list_names(struct pyi_bus *bus, uint64_t deadline_ns,
				     struct pyi_error *(*name)(void *argument, const char *name),
				     void *argument)
{
	PYI_CLEANUP(guard_message) sd_bus_message *call = NULL;
	PYI_CLEANUP(guard_message) sd_bus_message *reply = NULL;
	/* After the reply: it must not be called back any more when that goes. */
	PYI_CLEANUP(guard_slot) sd_bus_slot *slot = NULL;
	int result;

	result = sd_bus_message_new_method_call(bus->connection, &call, "org.freedesktop.DBus",
						"/org/freedesktop/DBus", "org.freedesktop.DBus",
						"ListNames");
	if (result >= 0)
		result = sd_bus_call_async(bus->connection, &slot, call, keep_reply, &reply,
					   UINT64_MAX);
	if (result >= 0)
		result = pyi_connection_serve(bus->connection, deadline_ns, has_reply, &reply);
	if (result >= 0 && sd_bus_message_is_method_error(reply, NULL))
		result = -pyi_connection_errno(sd_bus_message_get_errno(reply));
	if (result < 0)
		return list_failed(bus, -result);
	return read_names(bus, reply, name, argument);
}
