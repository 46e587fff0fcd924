/*
 * Tests of src/bus/address.c on invented addresses, and of src/process/lookup.c in an invented root
 * directory.
 *
 * Does not connect to anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "bus/address.h"
#include "process/lookup.h"

static const char *next(const char *text, struct pyi_bus_address *ret_address)
{
	struct pyi_error *error = pyi_bus_address_next(&text, ret_address);

	if (error)
		fail_msg("%s", error->message);
	return text;
}

static void expect_format(const struct pyi_bus_address *address, const char *text)
{
	char *formatted = pyi_bus_address_format(address);

	assert_string_equal(formatted, text);
	free(formatted);
}

static void test_plain(void **state)
{
	struct pyi_bus_address address;

	(void)state;
	assert_string_equal(next("unix:path=/run/dbus/system_bus_socket", &address), "");
	assert_int_equal(address.transport, PYI_BUS_UNIX_PATH);
	assert_string_equal(address.name, "/run/dbus/system_bus_socket");
	assert_string_equal(address.guid, "");
	expect_format(&address, "unix:path=/run/dbus/system_bus_socket");
	next("unix:abstract=/tmp/dbus-x,guid=0123456789abcdefABCDEF9876543210", &address);
	assert_int_equal(address.transport, PYI_BUS_UNIX_ABSTRACT);
	assert_string_equal(address.name, "/tmp/dbus-x");
	assert_string_equal(address.guid, "0123456789abcdefabcdef9876543210");
	expect_format(&address, "unix:abstract=/tmp/dbus-x");
	/* A key that nobody knows, and one of the bytes that should have been escaped. */
	next("unix:future=1,path=/a@b", &address);
	assert_string_equal(address.name, "/a@b");
}

static void test_escapes(void **state)
{
	struct pyi_bus_address address;

	(void)state;
	next("unix:path=/a%20b%2c%3B%25%2fc%ff,guid=00000000000000000000000000000001", &address);
	assert_string_equal(address.name, "/a b,;%/c\xff");
	expect_format(&address, "unix:path=/a%20b%2c%3b%25/c%ff");
	next("unix:%70ath=/x,path=%2Fy", &address);
	assert_string_equal(address.name, "/y");
}

static void test_list(void **state)
{
	struct pyi_bus_address address;
	const char *text = ";;unix:path=/a;tcp:host=x,port=1;;unix:abstract=b;";
	struct pyi_error *error;

	(void)state;
	text = next(text, &address);
	assert_string_equal(address.name, "/a");
	error = pyi_bus_address_next(&text, &address);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "tcp:host=x,port=1, is of a kind"));
	pyi_error_destroy(error);
	/* Untouched by the failure, and the one behind it comes next. */
	assert_string_equal(address.name, "/a");
	text = next(text, &address);
	assert_string_equal(address.name, "b");
	assert_string_equal(text, "");
}

static void expect_refused(const char *text, const char *words)
{
	struct pyi_bus_address address;
	struct pyi_error *error = pyi_bus_address_next(&text, &address);
	const char *at;

	if (!error)
		fail_msg("no error instead of '%s'", words);
	assert_string_equal(pyi_error_code_name(error->code), "no-bus");
	if (!strstr(error->message, words))
		fail_msg("'%s' instead of '%s'", error->message, words);
	assert_in_range(strlen(error->message), 1, 400);
	for (at = error->message; *at; at++)
		assert_in_range(*at, ' ', '~');
	assert_string_equal(text, "");
	pyi_error_destroy(error);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} cases[] = {
		{ "", "is empty" },
		{ ";;;", "is empty" },
		{ "/run/bus", "not a D-Bus address" },
		{ "\x1b[31mred", "?[31mred, is not a D-Bus address" },
		{ "unixexec:path=/bin/sh", "of a kind" },
		{ "nonce-tcp:host=localhost", "of a kind" },
		{ "autolaunch:", "of a kind" },
		{ "launchd:env=X", "of a kind" },
		{ "systemd:", "of a kind" },
		{ "uni:path=/x", "of a kind" },
		{ "unix:", "names no socket" },
		{ "unix:guid=00000000000000000000000000000001", "names no socket" },
		{ "unix:dir=/tmp", "to listen on" },
		{ "unix:tmpdir=/tmp", "to listen on" },
		{ "unix:path=/x,runtime=yes", "to listen on" },
		{ "unix:path=/x,abstract=y", "more than one socket" },
		{ "unix:path=/x,path=/x", "more than one socket" },
		{ "unix:path", "KEY=VALUE" },
		{ "unix:path=/x,,guid=1", "KEY=VALUE" },
		{ "unix:=/x", "KEY=VALUE" },
		{ "unix:path=", "empty value" },
		{ "unix:abstract=", "empty value" },
		{ "unix:path=run/bus", "relative path" },
		{ "unix:path=/a%2", "without two hexadecimal digits" },
		{ "unix:path=/a%", "without two hexadecimal digits" },
		{ "unix:path=/a%zz", "without two hexadecimal digits" },
		{ "unix:path=/a%2,b=c0", "without two hexadecimal digits" },
		{ "unix:path=/a%00b", "NUL" },
		{ "unix:path=/a\nb", "must be escaped" },
		{ "unix:path=/\xc3\xa9", "must be escaped" },
		{ "unix:path=/x,guid=12", "32 hexadecimal digits" },
		{ "unix:path=/x,guid=0123456789abcdef0123456789abcdeg", "32 hexadecimal digits" },
		{ "unix:path=/x,guid=0123456789abcdef0123456789abcdef0", "32 hexadecimal digits" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_refused(cases[i].text, cases[i].words);
}

static void test_longest(void **state)
{
	static const char *const prefixes[] = { "unix:path=/", "unix:abstract=/" };
	static const size_t limits[] = { PYI_BUS_NAME_LIMIT - 1, 107 };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct pyi_bus_address address;
		char text[3 * PYI_BUS_NAME_LIMIT];
		size_t prefix = strlen(prefixes[i]);

		memset(text, 'x', sizeof(text));
		memcpy(text, prefixes[i], prefix);
		text[prefix + limits[i] - 1] = '\0';
		next(text, &address);
		assert_int_equal(strlen(address.name), limits[i]);
		text[prefix + limits[i] - 1] = 'x';
		text[prefix + limits[i]] = '\0';
		expect_refused(text, i ? "xxx, is too long" : "xxx..., is too long");
	}
}

/* A root directory of our own, beside a file that must never be found. */
struct fixture {
	char folder[64];
	char root[80];
	int root_fd;
};

static void make_link(const struct fixture *fixture, const char *text, const char *name)
{
	assert_int_equal(symlinkat(text, fixture->root_fd, name), 0);
}

static void make_file(int folder_fd, const char *name, char content)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, &content, 1), 1);
	close(fd);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char outside[128];

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/pyi-lookup-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->root, sizeof(fixture->root), "%s/root", fixture->folder);
	assert_int_equal(mkdir(fixture->root, 0700), 0);
	fixture->root_fd = open(fixture->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fixture->root_fd >= 0);
	/* "secret" is outside of the root, and with other content inside. */
	make_file(AT_FDCWD, strcat(strcpy(outside, fixture->folder), "/secret"), 'o');
	make_file(fixture->root_fd, "secret", 'i');
	assert_int_equal(mkdirat(fixture->root_fd, "a", 0700), 0);
	assert_int_equal(mkdirat(fixture->root_fd, "a/b", 0700), 0);
	make_file(fixture->root_fd, "a/b/file", 'f');
	make_link(fixture, "/secret", "a/absolute");
	make_link(fixture, "../../../secret", "a/upwards");
	make_link(fixture, "../absolute", "a/b/twice");
	make_link(fixture, "/a/b/", "directory");
	make_link(fixture, "circle", "circle");
	make_link(fixture, "nothing", "dangling");
	make_link(fixture, outside, "outside");
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
	assert_int_equal(system(command), 0);
	close(fixture->root_fd);
	free(fixture);
	return 0;
}

typedef int lookup_function(int root_fd, const char *path, int *ret_fd);

/* The byte in the file that is found; or the errno. */
static int look(lookup_function *lookup, const struct fixture *fixture, const char *path)
{
	char content = 0;
	char opened[64];
	int fd, read_fd;
	int error = lookup(fixture->root_fd, path, &fd);

	if (error)
		return error;
	snprintf(opened, sizeof(opened), "/proc/self/fd/%d", fd);
	read_fd = open(opened, O_RDONLY | O_CLOEXEC);
	if (read_fd >= 0 && read(read_fd, &content, 1) != 1)
		content = 'd';
	close(read_fd);
	close(fd);
	return content;
}

static const struct {
	const char *path;
	int expected;
} lookups[] = {
	{ "/secret", 'i' },
	{ "secret", 'i' },
	{ "//a/./b//file", 'f' },
	{ "/a/b/../b/file", 'f' },
	{ "/../../../secret", 'i' },
	{ "/a/../../secret", 'i' },
	{ "/a/absolute", 'i' },
	{ "/a/upwards", 'i' },
	{ "/a/b/twice", 'i' },
	{ "/directory/file", 'f' },
	{ "/directory/../upwards", 'i' },
	{ "/directory", 'd' },
	{ "/a/b/", 'd' },
	{ "/", 'd' },
	{ "/a/b/..", 'd' },
	/* The path of the secret outside does not exist inside. */
	{ "/outside", ENOENT },
	{ "/dangling", ENOENT },
	{ "/nothing", ENOENT },
	{ "", ENOENT },
	{ "/circle", ELOOP },
	{ "/circle/x", ELOOP },
	{ "/secret/", ENOTDIR },
	{ "/secret/..", ENOTDIR },
	{ "/a/absolute/x", ENOTDIR },
};

static void expect_lookups(lookup_function *lookup, const struct fixture *fixture)
{
	size_t i;

	for (i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		int found = look(lookup, fixture, lookups[i].path);

		if (found != lookups[i].expected)
			fail_msg("%s: %d instead of %d", lookups[i].path, found,
				 lookups[i].expected);
	}
}

static int open_descriptors(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_lookup(void **state)
{
	int before = open_descriptors();

	expect_lookups(pyi_lookup, *state);
	assert_int_equal(open_descriptors(), before);
}

static void test_lookup_by_steps(void **state)
{
	int before = open_descriptors();

	expect_lookups(pyi_lookup_by_steps, *state);
	assert_int_equal(open_descriptors(), before);
}

/* 40 links are followed, as the kernel does, and not one more. */
static void test_chain_of_links(void **state)
{
	struct fixture *fixture = *state;
	char name[16], text[16];
	int i;

	make_link(fixture, "secret", "l1");
	for (i = 2; i <= 41; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(text, sizeof(text), "l%d", i - 1);
		make_link(fixture, text, name);
	}
	assert_int_equal(look(pyi_lookup, fixture, "/l40"), 'i');
	assert_int_equal(look(pyi_lookup_by_steps, fixture, "/l40"), 'i');
	assert_int_equal(look(pyi_lookup, fixture, "/l41"), ELOOP);
	assert_int_equal(look(pyi_lookup_by_steps, fixture, "/l41"), ELOOP);
}

/* Two links that make the path longer and longer. */
static void test_growing_path(void **state)
{
	struct fixture *fixture = *state;
	char text[2200] = "grow";
	int error;

	while (strlen(text) + 8 < sizeof(text))
		strcat(text, "/a/..");
	make_link(fixture, text, "grow");
	error = look(pyi_lookup_by_steps, fixture, "/grow");
	assert_true(error == ENAMETOOLONG || error == ELOOP);
	error = look(pyi_lookup, fixture, "/grow");
	assert_true(error == ENAMETOOLONG || error == ELOOP);
}

static void test_deep(void **state)
{
	struct fixture *fixture = *state;
	char path[256] = "";
	int depth;

	for (depth = 1; depth <= 65; depth++) {
		strcat(path, depth == 1 ? "d" : "/d");
		assert_int_equal(mkdirat(fixture->root_fd, path, 0700), 0);
		assert_int_equal(look(pyi_lookup, fixture, path), 'd');
		assert_int_equal(look(pyi_lookup_by_steps, fixture, path),
				 depth <= 64 ? 'd' : ENAMETOOLONG);
	}
}

/* A link of /proc/PID/fd leads anywhere, whatever its text says. */
static void test_magic_link(void **state)
{
	int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fixture *fixture = *state;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fixture->root_fd);
	assert_int_equal(pyi_lookup(root_fd, path, &fd), ELOOP);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)getpid());
	assert_int_equal(pyi_lookup(root_fd, path, &fd), ELOOP);
	close(root_fd);
}

/* openat2() as a kernel or a container answers it that does not know it. */
static void expect_without_openat2(const struct fixture *fixture, unsigned error_number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error_number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		size_t i;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ||
		    syscall(SYS_openat2, 0, NULL, NULL, 0) != -1 || errno != (int)error_number)
			_exit(2);
		for (i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++)
			if (look(pyi_lookup, fixture, lookups[i].path) != lookups[i].expected)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_without_openat2(void **state)
{
	expect_without_openat2(*state, ENOSYS);
	expect_without_openat2(*state, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_longest),
		cmocka_unit_test_setup_teardown(test_lookup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lookup_by_steps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_chain_of_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_growing_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_magic_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_openat2, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("bus_address", tests, NULL, NULL);
}
