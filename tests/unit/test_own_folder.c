/*
 * Tests of src/base/own_folder.c, and that incidents and evidence are only kept where it lets them.
 * That history is, test_history_place.c tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own_folder.h"
#include "folder_entries.h"
#include "incidents/incidents.h"
#include "incidents/kept_folder.h"

static const struct pyi_incident_process process = { "boot-1", 1234, 99, NULL };

struct fixture {
	char state[64];
	char parent[80];
	struct pyi_incidents incidents;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->state, "/tmp/pyinspect-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->state));
	snprintf(fixture->parent, sizeof(fixture->parent), "%s/evidence", fixture->state);
	fixture->incidents.lock_fd = -1;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	pyi_incidents_close(&fixture->incidents);
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture->state);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

static void good(struct pyi_error *error)
{
	if (error)
		fail_msg("%s", error->message);
}

static void assert_error(struct pyi_error *error, enum pyi_error_code code)
{
	assert_non_null(error);
	assert_int_equal(error->code, code);
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	pyi_error_destroy(error);
}

/* Each folder is looked at through its own descriptor: a name that changes meanwhile leads nowhere.
 */
static void test_own_folder(void **state)
{
	static const struct pyi_folder_use use = { PYI_ERROR_NO_HISTORY, "not there", "hint",
						   "missing" };
	struct fixture *fixture = *state;
	struct pyi_error *error;
	struct stat about;
	char path[160];
	char *real;
	int above;
	int fd;

	snprintf(path, sizeof(path), "%s/a/b", fixture->state);
	error = pyi_own_folder_open(path, true, &use, &fd, NULL);
	assert_non_null(error);
	assert_string_equal(error->hint, "missing");
	pyi_error_destroy(error);
	snprintf(path, sizeof(path), "%s//a///", fixture->state);
	assert_null(pyi_own_folder_open(path, true, &use, &above, &real));
	assert_int_equal(stat(real, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0700);
	free(real);
	assert_null(pyi_own_folder_open_in(above, "b", "a/b", true, &use, &fd));
	assert_int_equal(fstat(fd, &about), 0);
	assert_true(S_ISDIR(about.st_mode));
	close(fd);
	assert_int_equal(symlinkat("b", above, "link"), 0);
	error = pyi_own_folder_open_in(above, "link", "a/link", true, &use, &fd);
	assert_non_null(error);
	assert_string_equal(error->message, "not there: a/link is a symbolic link");
	pyi_error_destroy(error);
	close(above);
	assert_null(pyi_own_folder_open("/", false, &use, &fd, &real));
	assert_string_equal(real, "/");
	free(real);
	close(fd);
}

/* Neither incidents nor evidence are read or written there, and nothing is made. */
static void assert_refused(struct fixture *fixture, const char *words)
{
	struct pyi_kept_folder folder = { .parent_fd = -1, .fd = -1 };
	struct pyi_error *error = pyi_incidents_open(fixture->state, &process, &fixture->incidents);

	assert_non_null(error);
	if (!strstr(error->message, words) || !error->hint)
		fail_msg("\"%s\" does not say \"%s\"", error->message, words);
	assert_error(error, PYI_ERROR_NO_INCIDENTS);
	assert_false(pyi_incidents_are_known(fixture->state, &process));
	assert_error(pyi_kept_folder_begin(fixture->parent, "a-1-20260131T235958Z", &folder),
		     PYI_ERROR_NO_INCIDENTS);
	assert_false(pyi_kept_folder_exists(fixture->parent, "a-1-20260131T235958Z"));
	assert_error(pyi_kept_folder_rotate(fixture->parent, 1, 1), PYI_ERROR_NO_INCIDENTS);
}

static void test_state_that_others_can_write_to(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(chmod(fixture->state, 0707), 0);
	assert_refused(fixture, "everybody can write to");
	assert_int_equal(chmod(fixture->state, 01777), 0);
	assert_refused(fixture, "everybody can write to");
	assert_int_equal(count_entries(fixture->state), 0);
	assert_int_equal(chmod(fixture->state, 0700), 0);
	good(pyi_incidents_open(fixture->state, &process, &fixture->incidents));
}

static void test_state_of_others(void **state)
{
	enum { OTHER_USER = 65534 };
	struct fixture *fixture = *state;

	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	assert_int_equal(chown(fixture->state, OTHER_USER, OTHER_USER), 0);
	assert_refused(fixture, "belongs to user 65534");
	assert_int_equal(count_entries(fixture->state), 0);
	assert_int_equal(chown(fixture->state, 0, OTHER_USER), 0);
	assert_int_equal(chmod(fixture->state, 0770), 0);
	assert_refused(fixture, "group 65534 can write to");
}

/* Of whatever is in the state folder; here it leads to something of ours. */
static void test_links_in_the_state(void **state)
{
	static const char *const names[] = { "incidents", "evidence" };
	struct fixture *fixture = *state;
	char elsewhere[100];
	char path[100];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", fixture->state);
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	for (size_t n = 0; n < 2; n++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->state, names[n]);
		assert_int_equal(symlink(elsewhere, path), 0);
	}
	assert_refused(fixture, "is a symbolic link");
	assert_int_equal(count_entries(elsewhere), 0);
	for (size_t n = 0; n < 2; n++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->state, names[n]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(chmod(path, 0777), 0);
	}
	assert_refused(fixture, "everybody can write to");
	assert_int_equal(count_entries(path), 0);
}

/* The file of a process must be no link, either. */
static void test_links_in_the_folder(void **state)
{
	struct fixture *fixture = *state;
	char path[160];

	good(pyi_incidents_open(fixture->state, &process, &fixture->incidents));
	snprintf(path, sizeof(path), "%s", fixture->incidents.path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	pyi_incidents_close(&fixture->incidents);
	assert_error(pyi_incidents_open(fixture->state, &process, &fixture->incidents),
		     PYI_ERROR_INPUT_FAILED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_state_that_others_can_write_to, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_state_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links_in_the_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links_in_the_folder, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("own_folder", tests, NULL, NULL);
}
