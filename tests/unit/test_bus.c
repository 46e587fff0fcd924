/*
 * Tests of src/bus/bus.c: finds the bus of a child of ours and asks who is there, on private
 * dbus-daemons, and on servers that do not behave.
 *
 * Does not touch the buses of the machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "bus/bus.h"
#include "bus_fixture.h"

enum {
	NAME_CAPACITY = 64,
	/* For what must not take any time. */
	PLENTY_MS = 20000,
};

/* A folder with the daemon's socket in root/run, under a name that has to be escaped. */
static char folder[64];
static char root[80];
static char socket_path[160];
static struct bus_fixture_daemon on_path;
static struct bus_fixture_daemon on_abstract;

/* Starts a target with up to two variables, e.g. "A=%s" and its argument; and opens its bus. */
static struct pyi_error *open_bus(int kind, enum pyi_bus_kind bus_kind, const char *name,
				  const char *value, uint64_t ms, struct pyi_bus **ret_bus)
{
	char variable[4096], root_variable[128];
	char *const environment[] = { root_variable, variable, NULL };
	struct bus_fixture_target target;
	struct pyi_error *error;

	snprintf(variable, sizeof(variable), "%s=%s", name, value);
	snprintf(root_variable, sizeof(root_variable), "TEST_ROOT=%s", root);
	bus_fixture_start_target(&target, kind, environment);
	error = pyi_bus_open(&target.process, bus_kind, pyi_clock_deadline(ms, PYI_CLOCK_NEVER),
			     ret_bus);
	bus_fixture_end_target(&target);
	return error;
}

static struct pyi_bus *expect_open(int kind, enum pyi_bus_kind bus_kind, const char *name,
				   const char *value)
{
	struct pyi_bus *bus = NULL;
	struct pyi_error *error = open_bus(kind, bus_kind, name, value, PLENTY_MS, &bus);

	if (error)
		fail_msg("%s: %s", pyi_error_code_name(error->code), error->message);
	return bus;
}

static void expect_no_bus(int kind, const char *value, const char *code, const char *words)
{
	struct pyi_bus *bus = NULL;

	bus_fixture_expect_error(
		open_bus(kind, PYI_BUS_SESSION, "DBUS_SESSION_BUS_ADDRESS", value, PLENTY_MS, &bus),
		code, words);
	assert_null(bus);
}

static int set_up(void **state)
{
	char path[256];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/pyi-bus-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(root, sizeof(root), "%s/root", folder);
	assert_int_equal(mkdir(root, 0755), 0);
	snprintf(path, sizeof(path), "%s/run", root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/run/a b,c;d%%", root);
	snprintf(path, sizeof(path), "unix:path=%s/run/a%%20b%%2cc%%3bd%%25", root);
	bus_fixture_start_daemon(&on_path, folder, "path", path, "");
	snprintf(path, sizeof(path), "unix:abstract=pyi-test-%d", (int)getpid());
	bus_fixture_start_daemon(&on_abstract, folder, "abstract", path, "");
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	bus_fixture_end_daemon(&on_path);
	bus_fixture_end_daemon(&on_abstract);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

struct names {
	char items[NAME_CAPACITY][256];
	size_t count;
};

static struct pyi_error *gather(void *argument, const char *name)
{
	struct names *names = argument;

	assert_true(names->count < NAME_CAPACITY);
	assert_true(strlen(name) < sizeof(names->items[0]));
	memcpy(names->items[names->count++], name, strlen(name) + 1);
	return NULL;
}

static bool has(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (!strcmp(names->items[i], name))
			return true;
	return false;
}

static void list(struct pyi_bus *bus, struct names *ret_names)
{
	struct pyi_error *error;

	ret_names->count = 0;
	error = pyi_bus_list_names(bus, pyi_clock_deadline(PLENTY_MS, PYI_CLOCK_NEVER), gather,
				   ret_names);
	if (error)
		fail_msg("%s: %s", pyi_error_code_name(error->code), error->message);
}

static void expect_bus_works(struct pyi_bus *bus)
{
	struct names names;

	list(bus, &names);
	assert_true(has(&names, "org.freedesktop.DBus"));
	pyi_bus_close(bus);
}

/* What dbus-send prints: lines of the form `string "NAME"`. */
static void list_by_dbus_send(const char *address, struct names *ret_names)
{
	char command[1024], line[512];
	FILE *output;

	ret_names->count = 0;
	snprintf(command, sizeof(command),
		 "dbus-send --bus='%s' --print-reply=literal --dest=org.freedesktop.DBus "
		 "/org/freedesktop/DBus org.freedesktop.DBus.ListNames",
		 address);
	output = popen(command, "re");
	assert_non_null(output);
	while (fscanf(output, "%511s", line) == 1)
		if (strchr(line, '.'))
			gather(ret_names, line);
	assert_int_equal(pclose(output), 0);
}

static void test_same_names_as_dbus_send(void **state)
{
	sd_bus *clients[3];
	struct names ours, theirs;
	struct pyi_bus *bus;
	char name[64];
	size_t i, foreign = 0;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_true(sd_bus_new(&clients[i]) >= 0);
		assert_true(sd_bus_set_address(clients[i], on_path.address) >= 0);
		assert_true(sd_bus_set_bus_client(clients[i], 1) >= 0);
		assert_true(sd_bus_start(clients[i]) >= 0);
		snprintf(name, sizeof(name), "org.example.client%zu", i);
		assert_true(sd_bus_request_name(clients[i], name, 0) >= 0);
	}
	bus = expect_open(TARGET_PLAIN, PYI_BUS_SESSION, "DBUS_SESSION_BUS_ADDRESS",
			  on_path.address);
	list(bus, &ours);
	/* It sees itself in addition, and nothing else differs. */
	list_by_dbus_send(on_path.address, &theirs);
	assert_int_equal(theirs.count, ours.count + 1);
	for (i = 0; i < theirs.count; i++)
		foreign += !has(&ours, theirs.items[i]);
	assert_int_equal(foreign, 1);
	/* The daemon, three clients by two names, ourselves. */
	assert_int_equal(ours.count, 1 + 2 * 3 + 1);
	for (i = 0; i < 3; i++) {
		const char *unique;

		snprintf(name, sizeof(name), "org.example.client%zu", i);
		assert_true(has(&ours, name));
		assert_true(sd_bus_get_unique_name(clients[i], &unique) >= 0);
		assert_true(has(&ours, unique));
	}
	/* One that goes is not there when we ask again on the same connection. */
	assert_true(sd_bus_release_name(clients[0], "org.example.client0") >= 0);
	list(bus, &ours);
	assert_false(has(&ours, "org.example.client0"));
	assert_true(has(&ours, "org.example.client1"));
	for (i = 0; i < 3; i++)
		sd_bus_flush_close_unref(clients[i]);
	pyi_bus_close(bus);
	pyi_bus_close(NULL);
}

static void test_address(void **state)
{
	struct pyi_bus *bus;
	char expected[256];

	(void)state;
	snprintf(expected, sizeof(expected), "unix:path=%s/run/a%%20b%%2cc%%3bd%%25", root);
	bus = expect_open(TARGET_PLAIN, PYI_BUS_SYSTEM, "DBUS_SYSTEM_BUS_ADDRESS", on_path.address);
	assert_string_equal(pyi_bus_address(bus), expected);
	expect_bus_works(bus);
	bus = expect_open(TARGET_PLAIN, PYI_BUS_SESSION, "DBUS_SESSION_BUS_ADDRESS",
			  on_abstract.address);
	expect_bus_works(bus);
}

/* The first is dead, the second of the wrong kind, the third answers. */
static void test_list_of_addresses(void **state)
{
	char value[1024];

	(void)state;
	snprintf(value, sizeof(value), "unix:path=%s/nothing;tcp:host=localhost,port=1;%s", folder,
		 on_path.address);
	expect_bus_works(
		expect_open(TARGET_PLAIN, PYI_BUS_SESSION, "DBUS_SESSION_BUS_ADDRESS", value));
	expect_no_bus(TARGET_PLAIN, "unix:path=/no1;unix:path=/no2;tcp:host=x", "no-bus",
		      "the target's session bus (DBUS_SESSION_BUS_ADDRESS), unix:path=/no1, cannot "
		      "be looked up below the root of the target: No such file or directory; "
		      "unix:path=/no2, cannot be looked up below the root of the target: "
		      "No such file or directory; tcp:host=x, is of a kind");
	expect_no_bus(TARGET_PLAIN,
		      "unix:path=/1;unix:path=/2;unix:path=/3;unix:path=/4;unix:path=/5;"
		      "unix:path=/6",
		      "no-bus", "; and 2 more");
}

static void link_in_root(const char *text, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(symlink(text, path), 0);
}

static void test_below_the_targets_root(void **state)
{
	struct pyi_bus *bus;

	(void)state;
	link_in_root("/run/a b,c;d%", "absolute");
	link_in_root("../../../../run/a b,c;d%", "upwards");
	/* Exists outside, not inside. */
	link_in_root(socket_path, "outside");
	bus = expect_open(TARGET_CHROOT, PYI_BUS_SESSION, "DBUS_SESSION_BUS_ADDRESS",
			  "unix:path=/run/a%20b%2cc%3bd%25");
	assert_string_equal(pyi_bus_address(bus), "unix:path=/run/a%20b%2cc%3bd%25");
	expect_bus_works(bus);
	expect_bus_works(expect_open(TARGET_CHROOT, PYI_BUS_SESSION, "DBUS_SESSION_BUS_ADDRESS",
				     "unix:path=/absolute"));
	expect_bus_works(expect_open(TARGET_CHROOT, PYI_BUS_SESSION, "DBUS_SESSION_BUS_ADDRESS",
				     "unix:path=/upwards"));
	expect_no_bus(TARGET_CHROOT, "unix:path=/outside", "no-bus", "No such file or directory");
	expect_no_bus(TARGET_CHROOT, on_path.address, "no-bus", "No such file or directory");
}

static void test_usual_places(void **state)
{
	struct pyi_bus *bus = NULL;
	char path[256];

	(void)state;
	link_in_root("a b,c;d%", "run/bus");
	expect_bus_works(expect_open(TARGET_CHROOT, PYI_BUS_SESSION, "XDG_RUNTIME_DIR", "/run"));
	bus_fixture_expect_error(
		open_bus(TARGET_CHROOT, PYI_BUS_SESSION, "XDG_RUNTIME_DIR", "run", PLENTY_MS, &bus),
		"no-bus", "(XDG_RUNTIME_DIR), unix:path=run/bus, is a relative path");
	bus_fixture_expect_error(open_bus(TARGET_CHROOT, PYI_BUS_SESSION,
					  "DBUS_SESSION_BUS_ADDRESS", "", PLENTY_MS, &bus),
				 "no-bus", "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR");
	bus_fixture_expect_error(
		open_bus(TARGET_CHROOT, PYI_BUS_SYSTEM, "X", "", PLENTY_MS, &bus), "no-bus",
		"the target's system bus, unix:path=/run/dbus/system_bus_socket, cannot be "
		"looked up");
	snprintf(path, sizeof(path), "%s/var", root);
	assert_int_equal(mkdir(path, 0755), 0);
	link_in_root("../run", "var/run");
	snprintf(path, sizeof(path), "%s/run/dbus", root);
	assert_int_equal(mkdir(path, 0755), 0);
	link_in_root("../bus", "run/dbus/system_bus_socket");
	bus = expect_open(TARGET_CHROOT, PYI_BUS_SYSTEM, "X", "");
	assert_string_equal(pyi_bus_address(bus), "unix:path=/run/dbus/system_bus_socket");
	expect_bus_works(bus);
}

static void test_wrong_things(void **state)
{
	(void)state;
	expect_no_bus(TARGET_PLAIN, "unix:path=/", "no-bus", "unix:path=/, is not a socket");
	expect_no_bus(TARGET_PLAIN, "unix:path=/dev/null", "no-bus", "is not a socket");
	expect_no_bus(TARGET_PLAIN, "unix:path=/proc/self/root/dev/null", "no-bus",
		      "cannot be looked up");
	expect_no_bus(TARGET_PLAIN, "unix:abstract=pyi-test-nobody", "no-bus",
		      "refused the connection: Connection refused");
	expect_no_bus(TARGET_PLAIN, "unixexec:path=/bin/true", "no-bus", "of a kind");
}

static void test_other_network_namespace(void **state)
{
	(void)state;
	expect_no_bus(TARGET_OTHER_NETWORK, on_abstract.address, "no-bus",
		      "another network namespace");
	expect_bus_works(expect_open(TARGET_OTHER_NETWORK, PYI_BUS_SESSION,
				     "DBUS_SESSION_BUS_ADDRESS", on_path.address));
}

static void test_guid(void **state)
{
	char value[600];
	char *guid;

	(void)state;
	snprintf(value, sizeof(value), "%s", on_path.address);
	guid = strstr(value, "guid=");
	assert_non_null(guid);
	guid[5] = guid[5] == '0' ? '1' : '0';
	expect_no_bus(TARGET_PLAIN, value, "no-bus", "the guid differs");
}

static void test_big_environment(void **state)
{
	enum { COUNT = 9, SIZE = 120 << 10 };
	static char garbage[COUNT][SIZE];
	char variable[600];
	char *environment[COUNT + 2] = { 0 };
	struct pyi_bus *bus = NULL;
	struct bus_fixture_target target;
	uint32_t random = 1;
	size_t i, j;

	(void)state;
	snprintf(variable, sizeof(variable), "DBUS_SESSION_BUS_ADDRESS=%s", on_path.address);
	for (i = 0; i < COUNT; i++) {
		for (j = 0; j < SIZE - 1; j++) {
			random = random * 1664525 + 1013904223;
			garbage[i][j] = (char)(1 + (random >> 16) % 255);
		}
		environment[i + 1] = garbage[i];
	}
	environment[0] = variable;
	bus_fixture_start_target(&target, TARGET_PLAIN, environment);
	assert_null(pyi_bus_open(&target.process, PYI_BUS_SESSION,
				 pyi_clock_deadline(PLENTY_MS, PYI_CLOCK_NEVER), &bus));
	expect_bus_works(bus);
	bus_fixture_end_target(&target);
	/* Behind more than 1 MiB it is not found. */
	for (i = 0; i < COUNT; i++)
		environment[i] = garbage[i];
	environment[COUNT] = variable;
	bus_fixture_start_target(&target, TARGET_PLAIN, environment);
	bus_fixture_expect_error(
		pyi_bus_open(&target.process, PYI_BUS_SESSION, PYI_CLOCK_NEVER, &bus), "no-bus",
		"in the first 1 MiB of its environment");
	bus_fixture_end_target(&target);
}

static void test_no_such_target(void **state)
{
	char *const environment[] = { NULL };
	struct pyi_bus *bus = NULL;
	struct pyi_error *error;
	struct bus_fixture_target target;

	(void)state;
	bus_fixture_start_target(&target, TARGET_PLAIN, environment);
	kill(target.pid, SIGKILL);
	waitpid(target.pid, NULL, 0);
	error = pyi_bus_open(&target.process, PYI_BUS_SYSTEM, PYI_CLOCK_NEVER, &bus);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "no-such-process");
	pyi_error_destroy(error);
	pyi_process_close(&target.process);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_names_as_dbus_send),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_list_of_addresses),
		cmocka_unit_test(test_below_the_targets_root),
		cmocka_unit_test(test_usual_places),
		cmocka_unit_test(test_wrong_things),
		cmocka_unit_test(test_other_network_namespace),
		cmocka_unit_test(test_guid),
		cmocka_unit_test(test_big_environment),
		cmocka_unit_test(test_no_such_target),
	};

	if (argc == 2 && !strcmp(argv[0], "target"))
		return bus_fixture_be_target(argv[1]);
	return cmocka_run_group_tests_name("bus", tests, set_up, tear_down);
}
