/*
 * Tests of src/process/target_name.c with invented cgroup trees that hold real processes: us and
 * children of ours.
 *
 * Does not need systemd, whose answers are invented, or a cgroup file system.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "process/process_stat.h"
#include "process/target_name.h"

bool __real_pyi_process_stat_peek(pid_t pid, struct pyi_process_stat *ret_stat);
bool __wrap_pyi_process_stat_peek(pid_t pid, struct pyi_process_stat *ret_stat);

/* How often it was asked about process 1. */
static unsigned asked;

bool __wrap_pyi_process_stat_peek(pid_t pid, struct pyi_process_stat *ret_stat)
{
	asked += pid == 1;
	return __real_pyi_process_stat_peek(pid, ret_stat);
}

struct fixture {
	char root[64];
	/* Children that wait until the pipe is closed. */
	pid_t first;
	pid_t second;
	int end[2];
};

static pid_t fork_waiter(struct fixture *fixture)
{
	pid_t child = fork();
	char byte;

	if (child)
		return child;
	close(fixture->end[1]);
	_exit(read(fixture->end[0], &byte, 1) != 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *folder = getenv("TMPDIR");

	snprintf(fixture->root, sizeof(fixture->root), "%s/cgroup.XXXXXX",
		 folder && strlen(folder) < 40 ? folder : "/tmp");
	if (!mkdtemp(fixture->root) || pipe(fixture->end))
		return -1;
	fixture->first = fork_waiter(fixture);
	fixture->second = fork_waiter(fixture);
	*state = fixture;
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *position)
{
	(void)status;
	(void)kind;
	(void)position;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->end[1]);
	close(fixture->end[0]);
	waitpid(fixture->first, NULL, 0);
	waitpid(fixture->second, NULL, 0);
	nftw(fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(fixture);
	return 0;
}

/* Makes the folder `path` below the root, with the folders above it, and its list of processes. */
static void make_cgroup(const struct fixture *fixture, const char *path, const char *processes)
{
	char whole[512];
	FILE *file;
	char *at;

	snprintf(whole, sizeof(whole), "%s/%s", fixture->root, path);
	for (at = whole + strlen(fixture->root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(whole, 0700);
		*at = '/';
	}
	mkdir(whole, 0700);
	strcat(whole, "/cgroup.procs");
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(processes, file);
	fclose(file);
}

/* What an invented manager says about one unit. */
static struct {
	const char *unit;
	struct pyi_unit_place place;
	enum pyi_unit_answer answer;
} manager;

static enum pyi_unit_answer ask_manager(const char *unit, struct pyi_unit_place *ret_place)
{
	if (!manager.unit || strcmp(unit, manager.unit) != 0)
		return PYI_UNIT_NOT_THERE;
	*ret_place = manager.place;
	return manager.answer;
}

static void set_manager(const char *unit, const char *cgroup, pid_t main_pid)
{
	manager.unit = unit;
	manager.answer = PYI_UNIT_FOUND;
	manager.place.main_pid = main_pid;
	snprintf(manager.place.cgroup, sizeof(manager.place.cgroup), "%s", cgroup);
}

/* `lookup` NULL: there is no manager to be asked. */
static void expect_pid_by(const struct fixture *fixture, pyi_unit_lookup *lookup, const char *name,
			  pid_t expected)
{
	struct pyi_error *error;
	pid_t pid = -1;

	error = pyi_target_name_resolve(name, fixture->root, lookup, &pid);
	if (error)
		fail_msg("%s: %s", name, error->message);
	assert_int_equal(pid, expected);
}

static void expect_pid(const struct fixture *fixture, const char *name, pid_t expected)
{
	expect_pid_by(fixture, NULL, name, expected);
}

static struct pyi_error *expect_error_by(const struct fixture *fixture, pyi_unit_lookup *lookup,
					 const char *name, const char *code, enum pyi_exit exit)
{
	struct pyi_error *error;
	pid_t pid = -77;

	error = pyi_target_name_resolve(name, fixture->root, lookup, &pid);
	if (!error)
		fail_msg("'%s' is process %d", name, (int)pid);
	assert_string_equal(pyi_error_code_name(error->code), code);
	assert_int_equal(error->exit, exit);
	assert_non_null(error->hint);
	assert_int_equal(pid, -77);
	return error;
}

static struct pyi_error *expect_error(const struct fixture *fixture, const char *name,
				      const char *code, enum pyi_exit exit)
{
	return expect_error_by(fixture, NULL, name, code, exit);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {
		"",	"0",	      "-1",  "+1",   " 1",	    "1 ",	    "12a", "a",
		"0x10", "2147483648", "000", "unit", "99999999999", "unit.service", "1\n", "1234:"
	};
	struct fixture *fixture = *state;
	size_t i;

	expect_pid(fixture, "1234", 1234);
	expect_pid(fixture, "0001", 1);
	expect_pid(fixture, "2147483647", 2147483647);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		pyi_error_destroy(expect_error(fixture, bad[i], "bad-target", PYI_EXIT_USAGE));
}

static void test_bad_units(void **state)
{
	static const char *const bad[] = { "unit:",    "unit:.",    "unit:..",	  "unit:../x",
					   "unit:a/b", "unit:a b",  "unit:a\n",	  "unit:*",
					   "unit:.x",  "Unit:demo", " unit:demo", "unit:\xc3\xa4" };
	struct fixture *fixture = *state;
	char name[400] = "unit:";
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		pyi_error_destroy(expect_error(fixture, bad[i], "bad-target", PYI_EXIT_USAGE));
	memset(name + 5, 'x', 300);
	pyi_error_destroy(expect_error(fixture, name, "bad-target", PYI_EXIT_USAGE));
}

static void test_main_process_is_the_one_above(void **state)
{
	struct fixture *fixture = *state;
	char text[128];

	/* In an order of the kernel's own, with one that has no number here. */
	snprintf(text, sizeof(text), "0\n%d\n%d\n", fixture->second, getpid());
	make_cgroup(fixture, "system.slice/demo.service", text);
	snprintf(text, sizeof(text), "%d\n", fixture->first);
	make_cgroup(fixture, "system.slice/demo.service/worker", text);
	make_cgroup(fixture, "system.slice/other.service", "1\n");
	expect_pid(fixture, "unit:demo.service", getpid());
	expect_pid(fixture, "unit:demo", getpid());
}

static void test_names(void **state)
{
	struct fixture *fixture = *state;
	char text[32];

	snprintf(text, sizeof(text), "%d\n", fixture->first);
	make_cgroup(fixture, "system.slice/app-python3.11.service", text);
	make_cgroup(fixture, "system.slice/system-x\\x2dy.slice/getty@tty1.service", text);
	make_cgroup(fixture, "system.slice/session-1.scope", text);
	expect_pid(fixture, "unit:app-python3.11", fixture->first);
	expect_pid(fixture, "unit:getty@tty1", fixture->first);
	expect_pid(fixture, "unit:system-x\\x2dy.slice", fixture->first);
	expect_pid(fixture, "unit:session-1.scope", fixture->first);
	pyi_error_destroy(expect_error(fixture, "unit:session-1", "no-such-unit", PYI_EXIT_ACCESS));
}

/* Version 1: the unit is in several hierarchies, and one of them has a second name. */
static void test_several_hierarchies(void **state)
{
	struct fixture *fixture = *state;
	char text[32], link[128];

	snprintf(text, sizeof(text), "%d\n", fixture->first);
	make_cgroup(fixture, "systemd/system.slice/demo.service", text);
	make_cgroup(fixture, "cpu,cpuacct/system.slice/demo.service", text);
	snprintf(link, sizeof(link), "%s/cpu", fixture->root);
	assert_int_equal(symlink("cpu,cpuacct", link), 0);
	/* A way round in circles. */
	snprintf(link, sizeof(link), "%s/systemd/loop", fixture->root);
	assert_int_equal(symlink("..", link), 0);
	expect_pid(fixture, "unit:demo", fixture->first);
}

static void test_ambiguous(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_error *error;
	char text[64], expected[64];

	snprintf(text, sizeof(text), "%d\n%d\n", fixture->second, fixture->first);
	make_cgroup(fixture, "system.slice/demo.service", text);
	error = expect_error(fixture, "unit:demo", "ambiguous-unit", PYI_EXIT_USAGE);
	snprintf(expected, sizeof(expected), "%d", fixture->first);
	assert_non_null(strstr(error->hint, expected));
	snprintf(expected, sizeof(expected), "%d", fixture->second);
	assert_non_null(strstr(error->hint, expected));
	pyi_error_destroy(error);
}

static void test_nobody_there(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_error *error;
	pid_t pid;

	make_cgroup(fixture, "system.slice/empty.service", "");
	make_cgroup(fixture, "system.slice/gone.service", "1999999999\n");
	make_cgroup(fixture, "system.slice/junk.service",
		    "x\n-5\n99999999999999999999999999999999999999999999\n12");
	pyi_error_destroy(expect_error(fixture, "unit:empty", "no-such-unit", PYI_EXIT_ACCESS));
	pyi_error_destroy(expect_error(fixture, "unit:gone", "no-such-unit", PYI_EXIT_ACCESS));
	pyi_error_destroy(expect_error(fixture, "unit:junk", "no-such-unit", PYI_EXIT_ACCESS));
	pyi_error_destroy(expect_error(fixture, "unit:none", "no-such-unit", PYI_EXIT_ACCESS));
	error = pyi_target_name_resolve("unit:demo", "/nonexistent", NULL, &pid);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "no-such-unit");
	pyi_error_destroy(error);
}

/* Anybody can give a cgroup of his own any name. */
static void test_trees_of_others(void **state)
{
	static const char *const places[] = {
		"user.slice/user-1000.slice/user@1000.service/app.slice/demo.service",
		"system.slice/container.service/system.slice/demo.service",
		"system.slice/container.service/demo.service",
		"demo.service",
		"other/demo.service",
	};
	struct fixture *fixture = *state;
	char text[32];

	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		snprintf(text, sizeof(text), "%d\n", fixture->second);
		make_cgroup(fixture, places[p], text);
		pyi_error_destroy(
			expect_error(fixture, "unit:demo", "no-such-unit", PYI_EXIT_ACCESS));
	}
	snprintf(text, sizeof(text), "%d\n", fixture->first);
	make_cgroup(fixture, "system.slice/demo.service", text);
	expect_pid(fixture, "unit:demo", fixture->first);
}

static void test_folders_of_others(void **state)
{
	struct fixture *fixture = *state;
	char path[256], link[256], text[32];

	snprintf(text, sizeof(text), "%d\n", fixture->first);
	make_cgroup(fixture, "system.slice/system-a.slice/demo.service", text);
	snprintf(path, sizeof(path), "%s/system.slice/system-a.slice", fixture->root);
	expect_pid(fixture, "unit:demo", fixture->first);
	assert_int_equal(chmod(path, 0770), 0);
	pyi_error_destroy(expect_error(fixture, "unit:demo", "no-such-unit", PYI_EXIT_ACCESS));
	assert_int_equal(chmod(path, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		pyi_error_destroy(
			expect_error(fixture, "unit:demo", "no-such-unit", PYI_EXIT_ACCESS));
		assert_int_equal(chown(path, 0, 0), 0);
	}
	strcat(path, "/demo.service");
	assert_int_equal(chmod(path, 0777), 0);
	pyi_error_destroy(expect_error(fixture, "unit:demo", "no-such-unit", PYI_EXIT_ACCESS));
	assert_int_equal(chmod(path, 0755), 0);
	expect_pid(fixture, "unit:demo", fixture->first);
	/* A link is no cgroup. */
	snprintf(link, sizeof(link), "%s/system.slice/linked.service", fixture->root);
	assert_int_equal(symlink(path, link), 0);
	pyi_error_destroy(expect_error(fixture, "unit:linked", "no-such-unit", PYI_EXIT_ACCESS));
}

/* What the manager says counts, and nothing else. */
static void test_manager(void **state)
{
	struct fixture *fixture = *state;
	char path[256];
	char text[64];

	snprintf(text, sizeof(text), "%d\n%d\n", fixture->second, fixture->first);
	make_cgroup(fixture, "odd.slice/demo.service/sub", text);
	make_cgroup(fixture, "system.slice/demo.service", "1\n");
	make_cgroup(fixture, "system.slice/unknown.service", "1\n");
	set_manager("demo.service", "/odd.slice/demo.service", 0);
	pyi_error_destroy(expect_error_by(fixture, ask_manager, "unit:demo", "ambiguous-unit",
					  PYI_EXIT_USAGE));
	manager.place.main_pid = fixture->second;
	expect_pid_by(fixture, ask_manager, "unit:demo", fixture->second);
	/* Of another pid namespace, or from before. */
	manager.place.main_pid = 1;
	pyi_error_destroy(expect_error_by(fixture, ask_manager, "unit:demo", "ambiguous-unit",
					  PYI_EXIT_USAGE));
	pyi_error_destroy(expect_error_by(fixture, ask_manager, "unit:unknown", "no-such-unit",
					  PYI_EXIT_ACCESS));
	set_manager("demo.service", "", 0);
	pyi_error_destroy(expect_error_by(fixture, ask_manager, "unit:demo", "no-such-unit",
					  PYI_EXIT_ACCESS));
	set_manager("demo.service", "/", fixture->first);
	pyi_error_destroy(expect_error_by(fixture, ask_manager, "unit:demo", "no-such-unit",
					  PYI_EXIT_ACCESS));
	set_manager("demo.service", "/system.slice/../odd.slice/demo.service", fixture->first);
	pyi_error_destroy(expect_error_by(fixture, ask_manager, "unit:demo", "no-such-unit",
					  PYI_EXIT_ACCESS));
	/* A service may be given its cgroup to rule over. */
	set_manager("demo.service", "/odd.slice/demo.service", fixture->first);
	snprintf(path, sizeof(path), "%s/odd.slice/demo.service", fixture->root);
	assert_int_equal(chmod(path, 0777), 0);
	expect_pid_by(fixture, ask_manager, "unit:demo", fixture->first);
	/* It could not be asked after all. */
	manager.answer = PYI_UNIT_NO_ANSWER;
	expect_pid_by(fixture, ask_manager, "unit:demo", 1);
}

/* `expected` ends with 0. */
static void expect_group(const struct fixture *fixture, const char *name, bool children,
			 const pid_t *expected)
{
	pid_t *pids = NULL;
	size_t count = 0;
	struct pyi_error *error =
		pyi_target_name_group(name, children, fixture->root, NULL, &pids, &count);

	if (error)
		fail_msg("%s: %s", name, error->message);
	for (size_t p = 0; p < count; p++)
		assert_int_equal(pids[p], expected[p]);
	assert_int_equal(expected[count], 0);
	free(pids);
}

static void expect_no_group(const struct fixture *fixture, const char *name, const char *code)
{
	pid_t *pids = NULL;
	size_t count = 0;
	struct pyi_error *error =
		pyi_target_name_group(name, false, fixture->root, NULL, &pids, &count);

	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	assert_non_null(error->hint);
	pyi_error_destroy(error);
	assert_null(pids);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER_ID "0123ffff89abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* All processes of a service, each once, wherever below its cgroup; not those that are gone. */
static void test_groups(void **state)
{
	struct fixture *fixture = *state;
	const pid_t both[] = { fixture->first, fixture->second, 0 };
	const pid_t first[] = { fixture->first, 0 };
	const pid_t family[] = { getpid(), fixture->first, fixture->second, 0 };
	char text[64];

	snprintf(text, sizeof(text), "%d\n%d\n", fixture->second, fixture->first);
	make_cgroup(fixture, "system.slice/web.service", text);
	snprintf(text, sizeof(text), "%d\n2147483000\n", fixture->first);
	make_cgroup(fixture, "system.slice/web.service/workers", text);
	make_cgroup(fixture, "system.slice/gone.service", "2147483000\n");
	expect_group(fixture, "unit:web", false, both);
	expect_group(fixture, "cgroup:/system.slice/web.service", false, both);
	expect_group(fixture, "cgroup:system.slice/web.service/workers", false, first);
	expect_no_group(fixture, "unit:gone", "no-such-unit");
	expect_no_group(fixture, "unit:other", "no-such-unit");
	expect_no_group(fixture, "cgroup:/", "no-such-unit");
	expect_no_group(fixture, "cgroup:", "no-such-unit");
	expect_no_group(fixture, "cgroup:/system.slice/../system.slice/web.service",
			"no-such-unit");
	expect_no_group(fixture, "unit:a/b", "bad-target");
	snprintf(text, sizeof(text), "%d", fixture->first);
	expect_group(fixture, text, false, first);
	expect_group(fixture, text, true, first);
	snprintf(text, sizeof(text), "%d", getpid());
	expect_group(fixture, text, true, family);
	assert_true(pyi_target_name_is_group("unit:a") && pyi_target_name_is_group("cgroup:/a"));
	assert_false(pyi_target_name_is_group("1234"));
}

/* As the makers of containers name cgroups. */
static void test_containers(void **state)
{
	static const char *const places[] = {
		"system.slice/docker-" ID ".scope",
		"machine.slice/libpod-" ID ".scope",
		"docker/" ID,
		"kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
		"kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope",
		"kubepods/burstable/pod1/" ID,
		"systemd/docker/" ID,
	};
	struct fixture *fixture = *state;
	const pid_t first[] = { fixture->first, 0 };
	char text[64];
	char path[256];

	snprintf(text, sizeof(text), "%d\n", fixture->first);
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		make_cgroup(fixture, places[p], text);
		expect_group(fixture, "container:" ID, false, first);
		expect_group(fixture, "container:0123456789ab", false, first);
		expect_no_group(fixture, "container:0123456789ac", "no-such-unit");
		/* That is the beginning of anything. */
		expect_no_group(fixture, "container:012", "no-such-unit");
		snprintf(path, sizeof(path), "%s/%s/cgroup.procs", fixture->root, places[p]);
		assert_int_equal(unlink(path), 0);
		snprintf(path, sizeof(path), "%s/%s", fixture->root, places[p]);
		assert_int_equal(rmdir(path), 0);
	}
	make_cgroup(fixture, "machine.slice/machine-web.scope/payload", text);
	expect_group(fixture, "container:web", false, first);
	expect_no_group(fixture, "container:we", "no-such-unit");
	make_cgroup(fixture, "machine.slice/systemd-nspawn@db.service", text);
	expect_group(fixture, "container:db", false, first);
	make_cgroup(fixture, "docker/" ID, text);
	make_cgroup(fixture, "docker/" OTHER_ID, text);
	expect_group(fixture, "container:01234", false, first);
	expect_no_group(fixture, "container:0123", "ambiguous-unit");
	expect_no_group(fixture, "container:..", "bad-target");
}

/* A user can give a cgroup of his own any name: it is no container of the host. */
static void test_containers_of_others(void **state)
{
	struct fixture *fixture = *state;
	const pid_t first[] = { fixture->first, 0 };
	char text[64];
	char path[256];

	snprintf(text, sizeof(text), "%d\n", fixture->first);
	make_cgroup(fixture, "system.slice/docker-" ID ".scope", text);
	snprintf(text, sizeof(text), "%d\n", fixture->second);
	make_cgroup(fixture, "user.slice/mine/docker-" ID ".scope", text);
	snprintf(path, sizeof(path), "%s/user.slice/mine", fixture->root);
	assert_int_equal(chmod(path, 0777), 0);
	expect_group(fixture, "container:" ID, false, first);
}

/* Root in a container, too, can give a cgroup of its own any name. */
static void test_container_in_another(void **state)
{
	struct fixture *fixture = *state;
	const pid_t both[] = { fixture->first, fixture->second, 0 };
	char text[64];

	snprintf(text, sizeof(text), "%d\n", fixture->first);
	make_cgroup(fixture, "machine.slice/machine-web.scope", text);
	make_cgroup(fixture, "memory/docker/" ID, text);
	snprintf(text, sizeof(text), "%d\n", fixture->second);
	make_cgroup(fixture, "machine.slice/machine-evil.scope/machine-web.scope", text);
	make_cgroup(fixture, "systemd/docker/" ID, text);
	expect_no_group(fixture, "container:web", "ambiguous-unit");
	expect_group(fixture, "container:" ID, false, both);
	/* One hierarchy, of version 2. */
	make_cgroup(fixture, "", "1\n");
	expect_no_group(fixture, "container:web", "ambiguous-unit");
	expect_no_group(fixture, "container:" ID, "ambiguous-unit");
}

/* Whoever starts many processes, one of them the next, does not keep us busy. */
static void test_each_is_asked_once(void **state)
{
	struct fixture *fixture = *state;
	const pid_t family[] = { getpid(), fixture->first, fixture->second, 0 };
	char text[64];

	snprintf(text, sizeof(text), "%d", getpid());
	asked = 0;
	expect_group(fixture, text, true, family);
	assert_int_equal(asked, 1);
}

/* Whoever starts pyinspect on itself does not ask about pyinspect. */
static void test_not_itself(void **state)
{
	const struct fixture *fixture = *state;
	pid_t parent = getpid();
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		const pid_t family[] = { parent, fixture->first, fixture->second, 0 };
		char text[64];

		snprintf(text, sizeof(text), "%d", parent);
		expect_group(fixture, text, true, family);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_units, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_main_process_is_the_one_above, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_several_hierarchies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ambiguous, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_trees_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_folders_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_manager, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_groups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_containers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_containers_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_container_in_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_is_asked_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_itself, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("target_name", tests, NULL, NULL);
}
