/*
 * Tests of src/bus/bus.c against buses that refuse, are stuck, or send what no bus sends.
 *
 * Does not test what a good bus answers (test_bus.c does).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "bus_fixture.h"

enum {
	/* For what must not take any time. */
	PLENTY_MS = 30000,
	/* For what must time out. */
	SHORT_MS = 200,
	/* What a timeout may take on a machine that is busy. */
	LATE_MS = 15000,
};

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/pyi-bus-XXXXXX");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct pyi_error *open_bus(const char *address, uint64_t ms, struct pyi_bus **ret_bus)
{
	char variable[600];
	char *const environment[] = { variable, NULL };
	struct bus_fixture_target target;
	struct pyi_error *error;

	snprintf(variable, sizeof(variable), "DBUS_SESSION_BUS_ADDRESS=%s", address);
	bus_fixture_start_target(&target, TARGET_PLAIN, environment);
	error = pyi_bus_open(&target.process, PYI_BUS_SESSION,
			     pyi_clock_deadline(ms, PYI_CLOCK_NEVER), ret_bus);
	bus_fixture_end_target(&target);
	return error;
}

static struct pyi_error *ignore_name(void *argument, const char *name)
{
	(void)argument;
	(void)name;
	return NULL;
}

static struct pyi_error *list(struct pyi_bus *bus, uint64_t ms)
{
	return pyi_bus_list_names(bus, pyi_clock_deadline(ms, PYI_CLOCK_NEVER), ignore_name, NULL);
}

/* Fails unless it is about SHORT_MS since `start_ns`. */
static void expect_in_time(uint64_t start_ns)
{
	double ms = pyi_clock_ms_since(start_ns);

	if (ms < SHORT_MS || ms > LATE_MS)
		fail_msg("the timeout of %d ms came after %.1f ms", SHORT_MS, ms);
}

static void expect_open_timeout(const char *address)
{
	uint64_t start_ns = pyi_clock_now_ns();
	struct pyi_bus *bus = NULL;

	bus_fixture_expect_error(open_bus(address, SHORT_MS, &bus), "timeout",
				 ", did not answer in time");
	expect_in_time(start_ns);
}

static void expect_list_timeout(struct pyi_bus *bus)
{
	uint64_t start_ns = pyi_clock_now_ns();

	bus_fixture_expect_error(list(bus, SHORT_MS), "timeout", ", did not answer in time");
	expect_in_time(start_ns);
}

static void test_stopped_daemon(void **state)
{
	struct bus_fixture_daemon daemon;
	struct pyi_bus *bus = NULL;
	char listen_on[128];
	int status;

	(void)state;
	snprintf(listen_on, sizeof(listen_on), "unix:path=%s/stopped", folder);
	bus_fixture_start_daemon(&daemon, folder, "stopped", listen_on, "");
	assert_null(open_bus(daemon.address, PLENTY_MS, &bus));
	kill(daemon.pid, SIGSTOP);
	assert_int_equal(waitpid(daemon.pid, &status, WUNTRACED), daemon.pid);
	assert_true(WIFSTOPPED(status));
	expect_open_timeout(daemon.address);
	expect_list_timeout(bus);
	kill(daemon.pid, SIGCONT);
	pyi_bus_close(bus);
	/* It is as good as before. */
	assert_null(open_bus(daemon.address, PLENTY_MS, &bus));
	assert_null(list(bus, PLENTY_MS));
	/* And now it goes while we are connected. */
	bus_fixture_end_daemon(&daemon);
	bus_fixture_expect_error(list(bus, PLENTY_MS), "no-bus", "who is there: ");
	pyi_bus_close(bus);
	bus_fixture_expect_error(open_bus(daemon.address, PLENTY_MS, &bus), "no-bus",
				 "refused the connection: Connection refused");
}

/* What the bus of another user does: it knows who we are, and hangs up. */
static void test_refusing_daemon(void **state)
{
	struct bus_fixture_daemon daemon;
	struct pyi_bus *bus = NULL;
	struct pyi_error *error;
	char listen_on[128], address[700];

	(void)state;
	snprintf(listen_on, sizeof(listen_on), "unix:path=%s/refusing", folder);
	bus_fixture_start_daemon(&daemon, folder, "refusing", listen_on,
				 "<policy context=\"mandatory\"><deny user=\"*\"/></policy>");
	error = open_bus(daemon.address, PLENTY_MS, &bus);
	assert_non_null(error);
	assert_non_null(error->hint);
	assert_non_null(strstr(error->hint, "as the user of the target"));
	bus_fixture_expect_error(error, "bus-refused", ", does not let us in");
	/* The refusal is what is told, whatever else did not do. */
	snprintf(address, sizeof(address), "unix:path=/1;%s;unix:path=/2", daemon.address);
	bus_fixture_expect_error(open_bus(address, PLENTY_MS, &bus), "bus-refused",
				 "No such file or directory; unix:path=");
	bus_fixture_end_daemon(&daemon);
}

/* ---- servers of our own ---- */

struct server {
	pid_t pid;
	char address[128];
};

static int listen_at(struct server *ret_server, const char *name, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);
	snprintf(ret_server->address, sizeof(ret_server->address), "unix:path=%s",
		 address.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* Starts a server whose one connection is handed to `serve`. */
static void start_server(struct server *ret_server, const char *name, void (*serve)(int fd))
{
	int listening = listen_at(ret_server, name, 1);

	ret_server->pid = fork();
	assert_true(ret_server->pid >= 0);
	if (!ret_server->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		serve(accept(listening, NULL, NULL));
		_exit(0);
	}
	close(listening);
}

static void end_server(const struct server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(0);
}

/* Waits until the other side hangs up. */
static void wait_for_end(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void hang_up(int fd)
{
	close(fd);
}

static void reject(int fd)
{
	say(fd, "REJECTED EXTERNAL\r\nERROR\r\nERROR\r\n");
	wait_for_end(fd);
}

static void welcome_and_hang_up(int fd)
{
	say(fd, "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n");
	shutdown(fd, SHUT_WR);
	wait_for_end(fd);
}

static void say_nothing(int fd)
{
	wait_for_end(fd);
}

static void babble(int fd)
{
	for (;;)
		say(fd, "GET / HTTP/1.1\r\nHost: bus\r\n");
}

/* A line that never ends. */
static void drone(int fd)
{
	for (;;)
		say(fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

/* Authenticates well, but goes on with bytes that are no message. */
static void welcome_and_babble(int fd)
{
	say(fd, "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n");
	babble(fd);
}

static void test_no_bus_at_all(void **state)
{
	static const struct {
		const char *name;
		void (*serve)(int fd);
		const char *code;
	} cases[] = {
		{ "hang_up", hang_up, "bus-refused" },
		{ "reject", reject, "bus-refused" },
		{ "welcome_and_hang_up", welcome_and_hang_up, "bus-refused" },
		{ "babble", babble, "bus-refused" },
		{ "drone", drone, "no-bus" },
		{ "welcome_and_babble", welcome_and_babble, "no-bus" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pyi_bus *bus = NULL;
		struct server server;

		start_server(&server, cases[i].name, cases[i].serve);
		bus_fixture_expect_error(open_bus(server.address, PLENTY_MS, &bus), cases[i].code,
					 cases[i].name);
		end_server(&server);
	}
}

static void test_silent_server(void **state)
{
	struct server server;

	(void)state;
	start_server(&server, "silent", say_nothing);
	expect_open_timeout(server.address);
	end_server(&server);
}

/* Nobody accepts, and as many wait already as may wait. */
static void test_full_backlog(void **state)
{
	struct server server;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listening, waiting[8];
	size_t i, count = 0;

	(void)state;
	listening = listen_at(&server, "full", 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/full", folder);
	for (i = 0; i < 8; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(waiting[i], (const struct sockaddr *)&address, sizeof(address))) {
			assert_int_equal(errno, EAGAIN);
			count++;
		}
	}
	assert_true(count > 0);
	expect_open_timeout(server.address);
	for (i = 0; i < 8; i++)
		close(waiting[i]);
	close(listening);
}

/* ---- servers that speak D-Bus, until it comes to the names ---- */

static void send_reply(sd_bus *bus, sd_bus_message *reply)
{
	if (sd_bus_send(bus, reply, NULL) < 0)
		_exit(1);
	sd_bus_message_unref(reply);
}

static void welcome(sd_bus *bus, sd_bus_message *call)
{
	sd_bus_message *reply;

	if (sd_bus_message_new_method_return(call, &reply) < 0 ||
	    sd_bus_message_append(reply, "s", ":1.7") < 0)
		_exit(1);
	send_reply(bus, reply);
}

static void (*answer)(sd_bus *bus, sd_bus_message *call);

static int on_call(sd_bus_message *call, void *argument, sd_bus_error *ret_error)
{
	sd_bus *bus = sd_bus_message_get_bus(call);

	(void)argument;
	(void)ret_error;
	if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus", "Hello"))
		welcome(bus, call);
	else if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus", "ListNames"))
		answer(bus, call);
	return 1;
}

static void serve_bus(int fd)
{
	sd_id128_t id = { .bytes = { 1 } };
	sd_bus *bus;

	if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
	    sd_bus_set_server(bus, 1, id) < 0 || sd_bus_add_filter(bus, NULL, on_call, NULL) < 0 ||
	    sd_bus_start(bus) < 0)
		_exit(1);
	for (;;) {
		int result = sd_bus_process(bus, NULL);

		if (!result)
			result = sd_bus_wait(bus, UINT64_MAX);
		if (result < 0)
			_exit(0);
	}
}

static struct pyi_bus *start_bus(struct server *ret_server, const char *name,
				 void (*answer_to_names)(sd_bus *bus, sd_bus_message *call))
{
	struct pyi_bus *bus = NULL;
	struct pyi_error *error;

	answer = answer_to_names;
	start_server(ret_server, name, serve_bus);
	error = open_bus(ret_server->address, PLENTY_MS, &bus);
	if (error)
		fail_msg("%s", error->message);
	return bus;
}

static void answer_strange_names(sd_bus *bus, sd_bus_message *call)
{
	char longest[256 + 1];
	sd_bus_message *reply;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[256] = '\0';
	if (sd_bus_message_new_method_return(call, &reply) < 0 ||
	    sd_bus_message_append(reply, "as", 8, "", ":1.1", "\x1b[2J", "a b", "\xc3\xa9", longest,
				  longest + 1, "new\nline") < 0)
		_exit(1);
	send_reply(bus, reply);
}

static struct pyi_error *join_name(void *argument, const char *name)
{
	strcat(strcat(argument, name), "|");
	return NULL;
}

static struct pyi_error *refuse_name(void *argument, const char *name)
{
	(void)argument;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INTERRUPTED, "%s", name);
}

static void test_strange_names(void **state)
{
	struct server server;
	struct pyi_bus *bus = start_bus(&server, "strange", answer_strange_names);
	char expected[512] = ":1.1|";
	char joined[4096] = "";

	(void)state;
	memset(expected + 5, 'x', 255);
	strcpy(expected + 5 + 255, "|");
	assert_null(pyi_bus_list_names(bus, PYI_CLOCK_NEVER, join_name, joined));
	assert_string_equal(joined, expected);
	bus_fixture_expect_error(pyi_bus_list_names(bus, PYI_CLOCK_NEVER, refuse_name, NULL),
				 "interrupted", ":1.1");
	pyi_bus_close(bus);
	end_server(&server);
}

static unsigned name_count;

static void answer_many_names(sd_bus *bus, sd_bus_message *call)
{
	sd_bus_message *reply;
	unsigned i;

	if (sd_bus_message_new_method_return(call, &reply) < 0 ||
	    sd_bus_message_open_container(reply, 'a', "s") < 0)
		_exit(1);
	for (i = 0; i < name_count; i++)
		if (sd_bus_message_append_basic(reply, 's', ":1.1") < 0)
			_exit(1);
	if (sd_bus_message_close_container(reply) < 0)
		_exit(1);
	send_reply(bus, reply);
}

static struct pyi_error *count_name(void *argument, const char *name)
{
	unsigned *count = argument;

	(void)name;
	++*count;
	return NULL;
}

static void test_many_names(void **state)
{
	unsigned count = 0;
	struct server server;
	struct pyi_bus *bus;

	(void)state;
	name_count = 1000000;
	bus = start_bus(&server, "many", answer_many_names);
	assert_null(pyi_bus_list_names(bus, pyi_clock_deadline(PLENTY_MS, PYI_CLOCK_NEVER),
				       count_name, &count));
	assert_int_equal(count, 1000000);
	pyi_bus_close(bus);
	end_server(&server);
	name_count++;
	bus = start_bus(&server, "too_many", answer_many_names);
	bus_fixture_expect_error(list(bus, PLENTY_MS), "no-bus", "more than a million names");
	pyi_bus_close(bus);
	end_server(&server);
}

static void answer_numbers(sd_bus *bus, sd_bus_message *call)
{
	sd_bus_message *reply;

	if (sd_bus_message_new_method_return(call, &reply) < 0 ||
	    sd_bus_message_append(reply, "au", 2, 1, 2) < 0)
		_exit(1);
	send_reply(bus, reply);
}

static void answer_nothing(sd_bus *bus, sd_bus_message *call)
{
	sd_bus_message *reply;

	if (sd_bus_message_new_method_return(call, &reply) < 0)
		_exit(1);
	send_reply(bus, reply);
}

static void answer_no(sd_bus *bus, sd_bus_message *call)
{
	(void)bus;
	if (sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED, "\x1b[2J") < 0)
		_exit(1);
}

static void answer_by_hanging_up(sd_bus *bus, sd_bus_message *call)
{
	(void)bus;
	(void)call;
	_exit(0);
}

static void answer_with_descriptors(sd_bus *bus, sd_bus_message *call)
{
	sd_bus_message *signal_message, *reply;
	int i;

	if (sd_bus_message_new_signal(bus, &signal_message, "/", "org.example.Gift", "Take") < 0 ||
	    sd_bus_message_new_method_return(call, &reply) < 0 ||
	    sd_bus_message_append(reply, "as", 1, ":1.1") < 0)
		_exit(1);
	for (i = 0; i < 16; i++)
		if (sd_bus_message_append(signal_message, "h", STDERR_FILENO) < 0)
			_exit(1);
	send_reply(bus, signal_message);
	send_reply(bus, reply);
}

static int open_descriptors(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_descriptors(void **state)
{
	int at_first = open_descriptors();
	struct server server;
	struct pyi_bus *bus = start_bus(&server, "descriptors", answer_with_descriptors);
	int before = open_descriptors();

	(void)state;
	/* One is the connection. */
	assert_int_equal(before, at_first + 1);
	assert_null(list(bus, PLENTY_MS));
	assert_int_equal(open_descriptors(), before);
	pyi_bus_close(bus);
	assert_int_equal(open_descriptors(), at_first);
	end_server(&server);
}

/* Signals without end, and never an answer. */
static void answer_by_flood(sd_bus *bus, sd_bus_message *call)
{
	(void)call;
	while (sd_bus_emit_signal(bus, "/", "org.example.Flood", "Drop", "s", "of water") >= 0 &&
	       sd_bus_flush(bus) >= 0)
		;
	_exit(0);
}

static void test_wrong_answers(void **state)
{
	static const struct {
		const char *name;
		void (*answer)(sd_bus *bus, sd_bus_message *call);
	} cases[] = {
		{ "numbers", answer_numbers },
		{ "nothing", answer_nothing },
		{ "no", answer_no },
		{ "hanging_up", answer_by_hanging_up },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server server;
		struct pyi_bus *bus = start_bus(&server, cases[i].name, cases[i].answer);

		bus_fixture_expect_error(list(bus, PLENTY_MS), "no-bus",
					 "did not answer the question who is there: ");
		pyi_bus_close(bus);
		end_server(&server);
	}
}

static void test_flood(void **state)
{
	struct server server;
	struct pyi_bus *bus = start_bus(&server, "flood", answer_by_flood);

	(void)state;
	expect_list_timeout(bus);
	pyi_bus_close(bus);
	end_server(&server);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopped_daemon), cmocka_unit_test(test_refusing_daemon),
		cmocka_unit_test(test_no_bus_at_all),  cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_full_backlog),   cmocka_unit_test(test_strange_names),
		cmocka_unit_test(test_many_names),     cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_descriptors),    cmocka_unit_test(test_flood),
	};

	if (argc == 2 && !strcmp(argv[0], "target"))
		return bus_fixture_be_target(argv[1]);
	return cmocka_run_group_tests_name("bus_hostile", tests, set_up, tear_down);
}
