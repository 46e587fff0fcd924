/*
 * Asks systemd over sd-bus. Does not look into cgroups.
 */
#include "bus/systemd.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "bus/connection.h"
#include "process/target_socket.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define NO_SUCH_UNIT SYSTEMD ".NoSuchUnit"

enum {
	INTERFACE_BYTES = 64,
};

static void guard_bus(sd_bus **bus)
{
	pyi_connection_close(*bus);
}

static void guard_message(sd_bus_message **message)
{
	sd_bus_message_unref(*message);
}

/* NULL: nobody is there who answers. */
static sd_bus *get_connection(const char *path, bool direct, uint64_t deadline_ns)
{
	PYI_CLEANUP(pyi_guard_fd) int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	sd_bus *bus;
	int fd;

	if (root_fd < 0)
		return NULL;
	error = pyi_target_socket_connect(root_fd, path, deadline_ns, &fd);
	if (error || pyi_connection_open(fd, direct, deadline_ns, &bus) < 0)
		return NULL;
	return bus;
}

/* "demo.service" has its properties at "org.freedesktop.systemd1.Service". */
static bool find_interface(const char *unit, char ret_interface[INTERFACE_BYTES])
{
	const char *suffix = strrchr(unit, '.');
	int length;

	if (!suffix || !suffix[1])
		return false;
	length = snprintf(ret_interface, INTERFACE_BYTES, "%s.%c%s", SYSTEMD,
			  toupper((unsigned char)suffix[1]), suffix + 2);
	return length > 0 && length < INTERFACE_BYTES;
}

static enum pyi_unit_answer read_place(sd_bus *bus, const char *object, const char *unit,
				       struct pyi_unit_place *ret_place)
{
	PYI_CLEANUP(pyi_guard_free) char *cgroup = NULL;
	char interface[INTERFACE_BYTES];
	uint32_t main_pid = 0;
	size_t length;

	if (!find_interface(unit, interface) ||
	    sd_bus_get_property_string(bus, SYSTEMD, object, interface, "ControlGroup", NULL,
				       &cgroup) < 0)
		return PYI_UNIT_NO_ANSWER;
	/* Only services have one. */
	if (sd_bus_get_property_trivial(bus, SYSTEMD, object, interface, "MainPID", NULL, 'u',
					&main_pid) < 0)
		main_pid = 0;
	length = strlen(cgroup);
	if (length >= sizeof(ret_place->cgroup) || main_pid > INT_MAX)
		return PYI_UNIT_NO_ANSWER;
	memcpy(ret_place->cgroup, cgroup, length + 1);
	ret_place->main_pid = (pid_t)main_pid;
	return PYI_UNIT_FOUND;
}

enum pyi_unit_answer pyi_systemd_ask(const char *path, bool direct, const char *unit,
				     uint64_t deadline_ns, struct pyi_unit_place *ret_place)
{
	PYI_CLEANUP(guard_bus) sd_bus *bus = get_connection(path, direct, deadline_ns);
	PYI_CLEANUP(guard_message) sd_bus_message *reply = NULL;
	PYI_CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *object;

	/* For each of the calls; there are three. */
	if (!bus || sd_bus_set_method_call_timeout(bus, pyi_clock_left_us(deadline_ns)) < 0)
		return PYI_UNIT_NO_ANSWER;
	if (sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager",
			       "GetUnit", &error, &reply, "s", unit) < 0)
		return sd_bus_error_has_name(&error, NO_SUCH_UNIT) ? PYI_UNIT_NOT_THERE
								   : PYI_UNIT_NO_ANSWER;
	if (sd_bus_message_read(reply, "o", &object) < 0)
		return PYI_UNIT_NO_ANSWER;
	return read_place(bus, object, unit, ret_place);
}

enum pyi_unit_answer pyi_systemd_find_unit(const char *unit, struct pyi_unit_place *ret_place)
{
	uint64_t deadline_ns = pyi_clock_deadline(PYI_SYSTEMD_MS, PYI_CLOCK_NEVER);
	enum pyi_unit_answer answer = PYI_UNIT_NO_ANSWER;

	if (sd_booted() <= 0)
		return PYI_UNIT_NO_ANSWER;
	if (geteuid() == 0)
		answer =
			pyi_systemd_ask("/run/systemd/private", true, unit, deadline_ns, ret_place);
	if (answer == PYI_UNIT_NO_ANSWER)
		answer = pyi_systemd_ask("/run/dbus/system_bus_socket", false, unit, deadline_ns,
					 ret_place);
	return answer;
}
