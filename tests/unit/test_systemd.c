/*
 * Tests of src/bus/systemd.c against an invented systemd, on a bus of its own and directly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus/systemd.h"
#include "bus_fixture.h"

enum {
	SHORT_MS = 200,
	LONG_MS = 20000,
	MAIN_PID = 4711,
};

#define OBJECT "/org/freedesktop/systemd1/unit/demo_2eservice"
#define CGROUP "/system.slice/demo.service"

struct fixture {
	char folder[64];
	char socket[96];
	struct bus_fixture_daemon daemon;
	/* The invented systemd, or whoever listens. */
	pid_t server;
};

static int get_unit(sd_bus_message *call, void *argument, sd_bus_error *ret_error)
{
	const char *name;

	(void)argument;
	if (sd_bus_message_read(call, "s", &name) < 0)
		return -EINVAL;
	if (strcmp(name, "demo.service") != 0 && strcmp(name, "demo.timer") != 0)
		return sd_bus_error_setf(ret_error, "org.freedesktop.systemd1.NoSuchUnit",
					 "Unit %s not loaded.", name);
	return sd_bus_reply_method_return(call, "o", OBJECT);
}

static int get_cgroup(sd_bus *bus, const char *path, const char *interface, const char *property,
		      sd_bus_message *reply, void *argument, sd_bus_error *ret_error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)argument;
	(void)ret_error;
	return sd_bus_message_append(reply, "s", CGROUP);
}

static int get_main_pid(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *argument, sd_bus_error *ret_error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)argument;
	(void)ret_error;
	return sd_bus_message_append(reply, "u", (uint32_t)MAIN_PID);
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetUnit", "s", "o", get_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable service[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("ControlGroup", "s", get_cgroup, 0, 0),
	SD_BUS_PROPERTY("MainPID", "u", get_main_pid, 0, 0),
	SD_BUS_VTABLE_END,
};

_Noreturn static void serve(sd_bus *bus, int ready_fd)
{
	if (sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
				     "org.freedesktop.systemd1.Manager", manager, NULL) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, OBJECT, "org.freedesktop.systemd1.Service", service,
				     NULL) < 0 ||
	    (ready_fd >= 0 && (sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) < 0 ||
			       write(ready_fd, "r", 1) != 1)))
		_exit(1);
	for (;;) {
		int result = sd_bus_process(bus, NULL);

		if (result < 0 || (!result && sd_bus_wait(bus, UINT64_MAX) < 0))
			_exit(0);
	}
}

static void begin_server(struct fixture *fixture, pid_t child)
{
	assert_true(child >= 0);
	fixture->server = child;
}

static void start_on_bus(struct fixture *fixture)
{
	char address[128];
	int ready[2];
	sd_bus *bus;
	pid_t child;
	char byte;

	snprintf(address, sizeof(address), "unix:path=%s", fixture->socket);
	bus_fixture_start_daemon(&fixture->daemon, fixture->folder, "bus", address, "");
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 ||
		    sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0)
			_exit(1);
		serve(bus, ready[1]);
	}
	begin_server(fixture, child);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

/* Takes one caller; with `silent` it says nothing to it. */
static void start_directly(struct fixture *fixture, bool silent)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sd_id128_t id = { .bytes = { 1 } };
	sd_bus *bus;
	pid_t child;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->socket);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	child = fork();
	if (!child) {
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = accept(listener, NULL, NULL);
		while (silent)
			pause();
		if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
		    sd_bus_set_server(bus, 1, id) < 0 || sd_bus_start(bus) < 0)
			_exit(1);
		serve(bus, -1);
	}
	begin_server(fixture, child);
	close(listener);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/systemd.XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	snprintf(fixture->socket, sizeof(fixture->socket), "%s/socket", fixture->folder);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char config[96];

	if (fixture->server > 0) {
		kill(fixture->server, SIGKILL);
		waitpid(fixture->server, NULL, 0);
	}
	bus_fixture_end_daemon(&fixture->daemon);
	snprintf(config, sizeof(config), "%s/bus.conf", fixture->folder);
	unlink(config);
	unlink(fixture->socket);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static enum pyi_unit_answer ask(const struct fixture *fixture, bool direct, const char *unit,
				uint64_t ms, struct pyi_unit_place *ret_place)
{
	return pyi_systemd_ask(fixture->socket, direct, unit,
			       pyi_clock_deadline(ms, PYI_CLOCK_NEVER), ret_place);
}

static void test_on_a_bus(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_unit_place place;

	start_on_bus(fixture);
	assert_int_equal(ask(fixture, false, "demo.service", LONG_MS, &place), PYI_UNIT_FOUND);
	assert_string_equal(place.cgroup, CGROUP);
	assert_int_equal(place.main_pid, MAIN_PID);
	assert_int_equal(ask(fixture, false, "other.service", LONG_MS, &place), PYI_UNIT_NOT_THERE);
	/* What has no cgroup of its own. */
	assert_int_equal(ask(fixture, false, "demo.timer", LONG_MS, &place), PYI_UNIT_NO_ANSWER);
}

static void test_without_systemd_on_the_bus(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_unit_place place;
	char address[128];

	snprintf(address, sizeof(address), "unix:path=%s", fixture->socket);
	bus_fixture_start_daemon(&fixture->daemon, fixture->folder, "bus", address, "");
	assert_int_equal(ask(fixture, false, "demo.service", LONG_MS, &place), PYI_UNIT_NO_ANSWER);
}

static void test_directly(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_unit_place place;

	start_directly(fixture, false);
	assert_int_equal(ask(fixture, true, "demo.service", LONG_MS, &place), PYI_UNIT_FOUND);
	assert_string_equal(place.cgroup, CGROUP);
	assert_int_equal(place.main_pid, MAIN_PID);
}

static void test_silent(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begun_ns = pyi_clock_now_ns();
	struct pyi_unit_place place;

	start_directly(fixture, true);
	assert_int_equal(ask(fixture, true, "demo.service", SHORT_MS, &place), PYI_UNIT_NO_ANSWER);
	assert_true(pyi_clock_ms_since(begun_ns) < LONG_MS);
}

static void test_nobody_listens(void **state)
{
	struct pyi_unit_place place;

	assert_int_equal(ask(*state, true, "demo.service", SHORT_MS, &place), PYI_UNIT_NO_ANSWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_on_a_bus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_systemd_on_the_bus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directly, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_listens, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("systemd", tests, NULL, NULL);
}
