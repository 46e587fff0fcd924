/*
 * Tests of src/incidents: when incidents begin and end, and the files that they are kept in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file_replace.h"
#include "incidents/incidents.h"
#include "incidents/kept_folder.h"
#include "folder_entries.h"

/* For data that nobody frees. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define NAME(second) "unit_foo-7-20260131T2359" second "Z"

static const struct pyi_incident_process process = { "boot-1", 7, 123456, "unit:foo" };

struct fixture {
	char state[64];
	char parent[80];
	struct pyi_check_finding findings[3];
	struct pyi_check check;
	struct pyi_incidents incidents;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->state, "/tmp/pyinspect-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->state));
	snprintf(fixture->parent, sizeof(fixture->parent), "%s/evidence", fixture->state);
	fixture->findings[0] = (struct pyi_check_finding){ .rule = TEXT("max-rss") };
	fixture->findings[1] = (struct pyi_check_finding){ .rule = TEXT("growing-containers"),
							   .subject = TEXT("foo.cache") };
	fixture->findings[2] = (struct pyi_check_finding){ .rule = TEXT("growing-containers"),
							   .subject = TEXT("foo.other") };
	fixture->check.findings = fixture->findings;
	fixture->check.count = 3;
	fixture->incidents.lock_fd = -1;
	*state = fixture;
	return 0;
}

static void remove_tree(const char *path)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_incidents_close(&fixture->incidents);
	remove_tree(fixture->state);
	free(fixture);
	return 0;
}

#define good(call)                                                                                 \
	do {                                                                                       \
		struct pyi_error *error_ = (call);                                                 \
		if (error_)                                                                        \
			fail_msg("%s", error_->message);                                           \
	} while (0)

static void assert_error(struct pyi_error *error, const char *code)
{
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	pyi_error_destroy(error);
}

static enum pyi_check_status worst(const struct pyi_check_finding *findings, size_t count)
{
	static const enum pyi_check_status order[] = { PYI_CHECK_CRITICAL, PYI_CHECK_WARNING,
						       PYI_CHECK_UNKNOWN };

	for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++)
		for (size_t f = 0; f < count; f++)
			if (findings[f].status == order[o])
				return order[o];
	return PYI_CHECK_OK;
}

/* What the next check finds. */
static void update(struct fixture *fixture, enum pyi_check_status rss, enum pyi_check_status cache,
		   enum pyi_check_status other, int64_t now_s)
{
	fixture->findings[0].status = rss;
	fixture->findings[1].status = cache;
	fixture->findings[2].status = other;
	fixture->check.status = worst(fixture->findings, 3);
	good(pyi_incidents_update(&fixture->incidents, &fixture->check, false, now_s));
}

/* Short, so that a line shows what comes after what. */
#define OK PYI_CHECK_OK
#define WARN PYI_CHECK_WARNING
#define CRIT PYI_CHECK_CRITICAL
#define UNKN PYI_CHECK_UNKNOWN

static void test_begin_go_on_end(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_incidents *incidents = &fixture->incidents;

	update(fixture, OK, OK, OK, 10);
	assert_int_equal(incidents->count, 0);
	assert_int_equal(incidents->change_count, 0);
	assert_false(incidents->status_changed);

	update(fixture, WARN, OK, CRIT, 20);
	assert_int_equal(incidents->count, 2);
	assert_int_equal(incidents->change_count, 2);
	assert_true(incidents->status_changed);
	assert_int_equal(incidents->status_before, OK);
	assert_false(pyi_incident_wants_evidence(&incidents->items[0]));
	assert_true(pyi_incident_wants_evidence(&incidents->items[1]));
	assert_string_equal(incidents->items[1].subject, "foo.other");

	/* The same again is no news. */
	update(fixture, WARN, OK, CRIT, 30);
	assert_int_equal(incidents->change_count, 0);
	assert_false(incidents->status_changed);

	/* It is the same incident as long as it is not ok. */
	incidents->items[1].evidence_done = true;
	update(fixture, WARN, OK, WARN, 40);
	update(fixture, WARN, OK, UNKN, 50);
	update(fixture, WARN, OK, CRIT, 60);
	assert_int_equal(incidents->count, 2);
	assert_int_equal(incidents->items[1].since_s, 20);
	assert_false(pyi_incident_wants_evidence(&incidents->items[1]));

	/* Then it is over, and the next one is another. */
	update(fixture, WARN, OK, OK, 70);
	assert_int_equal(incidents->count, 1);
	assert_int_equal(incidents->change_count, 1);
	assert_int_equal(incidents->changes[0].before, CRIT);
	assert_int_equal(incidents->changes[0].now, OK);
	update(fixture, WARN, OK, CRIT, 80);
	assert_int_equal(incidents->items[1].since_s, 80);
	assert_true(pyi_incident_wants_evidence(&incidents->items[1]));
}

static void test_what_ends_an_incident(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_incidents *incidents = &fixture->incidents;

	update(fixture, CRIT, CRIT, CRIT, 10);
	/* Figures that may be too low do not. */
	fixture->findings[0].status = OK;
	good(pyi_incidents_update(incidents, &fixture->check, true, 20));
	assert_int_equal(incidents->count, 3);
	/* A check without the rule does not. */
	fixture->check.count = 1;
	good(pyi_incidents_update(incidents, &fixture->check, false, 30));
	assert_int_equal(incidents->count, 2);
	fixture->check.count = 0;
	good(pyi_incidents_update(incidents, &fixture->check, false, 40));
	assert_int_equal(incidents->count, 2);
	/* A rule that could not be judged does not; the same that found others does. */
	fixture->check.findings = &fixture->findings[2];
	fixture->check.count = 1;
	fixture->findings[2].status = UNKN;
	fixture->findings[2].subject = NULL;
	good(pyi_incidents_update(incidents, &fixture->check, false, 50));
	assert_int_equal(incidents->count, 3);
	fixture->findings[2].status = CRIT;
	fixture->findings[2].subject = TEXT("foo.other");
	good(pyi_incidents_update(incidents, &fixture->check, false, 60));
	assert_int_equal(incidents->count, 1);
	assert_string_equal(incidents->items[0].subject, "foo.other");
}

/* What is between two checks on disk. */
static void keep_and_read_again(struct fixture *fixture)
{
	good(pyi_incidents_save(&fixture->incidents));
	pyi_incidents_close(&fixture->incidents);
	good(pyi_incidents_open(fixture->state, &process, &fixture->incidents));
}

static void assert_status(struct fixture *fixture, const struct pyi_check *check, bool doubtful,
			  enum pyi_check_status before)
{
	good(pyi_incidents_update(&fixture->incidents, check, doubtful, 10));
	assert_int_equal(fixture->incidents.status_before, before);
	assert_int_equal(fixture->incidents.status_changed, before != check->status);
	keep_and_read_again(fixture);
}

/* Each is told what its own rules came to before. */
static void test_two_sets_of_rules(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_check_finding finding = { .rule = TEXT("max-tracked") };
	struct pyi_check timer = { .findings = fixture->findings, .count = 1 };
	struct pyi_check other = { .findings = &finding, .count = 1 };

	good(pyi_incidents_open(fixture->state, &process, &fixture->incidents));
	timer.status = fixture->findings[0].status = CRIT;
	assert_status(fixture, &timer, false, OK);
	assert_status(fixture, &other, false, OK);
	assert_status(fixture, &timer, false, CRIT);
	/* The end of the one is not that of the other. */
	other.status = finding.status = WARN;
	assert_status(fixture, &other, false, OK);
	timer.status = fixture->findings[0].status = OK;
	assert_status(fixture, &timer, false, CRIT);
	assert_status(fixture, &timer, false, OK);
	assert_status(fixture, &other, false, WARN);
	assert_int_equal(fixture->incidents.count, 1);
}

/* An incident goes on, but no longer makes the status. */
static void test_status_of_what_is_not_sure(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_check_finding unknown = { .rule = TEXT("growing-containers"), .status = UNKN };
	struct pyi_check check = { .findings = fixture->findings, .count = 1 };

	good(pyi_incidents_open(fixture->state, &process, &fixture->incidents));
	check.status = fixture->findings[0].status = CRIT;
	assert_status(fixture, &check, true, OK);
	check.status = fixture->findings[0].status = OK;
	assert_status(fixture, &check, true, CRIT);
	assert_status(fixture, &check, true, OK);
	assert_int_equal(fixture->incidents.count, 1);
	check.status = fixture->findings[0].status = CRIT;
	assert_status(fixture, &check, true, OK);
	assert_status(fixture, &check, true, CRIT);

	/* A rule about many, of which none could be judged. */
	check.findings = &fixture->findings[1];
	check.status = fixture->findings[1].status = CRIT;
	assert_status(fixture, &check, false, OK);
	check.findings = &unknown;
	check.status = UNKN;
	assert_status(fixture, &check, false, CRIT);
	assert_status(fixture, &check, false, UNKN);
	assert_int_equal(fixture->incidents.count, 3);
	check.findings = &fixture->findings[1];
	check.status = fixture->findings[1].status = CRIT;
	assert_status(fixture, &check, false, UNKN);
	assert_int_equal(fixture->incidents.count, 2);
}

/* As they were written when the status was of the process. */
static void test_file_of_before(void **state)
{
	static const char text[] = "{\"boot_id\":\"boot-1\",\"pid\":7,\"start_ticks\":\"123456\","
				   "\"status\":\"ok\",\"incidents\":[{\"rule\":\"max-rss\","
				   "\"status\":\"critical\",\"since_s\":5,\"evidence_done\":true,"
				   "\"evidence_tries\":1}]}";
	struct fixture *fixture = *state;

	good(pyi_incidents_open(fixture->state, &process, &fixture->incidents));
	assert_true(pyi_incidents_parse(text, &fixture->incidents));
	assert_int_equal(fixture->incidents.count, 1);
	update(fixture, CRIT, OK, OK, 10);
	assert_int_equal(fixture->incidents.status_before, CRIT);
	assert_false(fixture->incidents.status_changed);
}

static void test_file(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_incidents *incidents = &fixture->incidents;
	static const struct pyi_incident_process others[] = { { "boot-2", 7, 123456, NULL },
							      { "boot-1", 8, 123456, NULL },
							      { "boot-1", 7, 123457, NULL } };
	struct stat about;
	char path[160];

	assert_false(pyi_incidents_are_known(fixture->state, &process));
	good(pyi_incidents_open(fixture->state, &process, incidents));
	update(fixture, WARN, OK, CRIT, 20);
	incidents->items[1].evidence = strdup(NAME("59"));
	incidents->items[1].evidence_tries = 2;
	good(pyi_incidents_save(incidents));
	assert_true(pyi_incidents_are_known(fixture->state, &process));
	snprintf(path, sizeof(path), "%s/incidents", fixture->state);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0700);
	assert_int_equal(stat(incidents->path, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	pyi_incidents_close(incidents);

	good(pyi_incidents_open(fixture->state, &process, incidents));
	assert_int_equal(incidents->count, 2);
	assert_int_equal(incidents->items[0].status, WARN);
	assert_null(incidents->items[0].subject);
	assert_string_equal(incidents->items[1].subject, "foo.other");
	assert_string_equal(incidents->items[1].evidence, NAME("59"));
	assert_int_equal(incidents->items[1].since_s, 20);
	assert_int_equal(incidents->items[1].evidence_tries, 2);
	assert_true(incidents->items[0].found);
	assert_true(incidents->items[1].found);
	pyi_incidents_close(incidents);

	for (size_t o = 0; o < sizeof(others) / sizeof(others[0]); o++) {
		good(pyi_incidents_open(fixture->state, &others[o], incidents));
		assert_int_equal(incidents->count, 0);
		pyi_incidents_close(incidents);
	}
}

static void test_one_at_a_time(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_incidents second = { .lock_fd = -1 };

	good(pyi_incidents_open(fixture->state, &process, &fixture->incidents));
	assert_error(pyi_incidents_open(fixture->state, &process, &second), "incidents-busy");
	assert_error(pyi_incidents_save(&second), "no-incidents");
	pyi_incidents_close(&fixture->incidents);
	good(pyi_incidents_open(fixture->state, &process, &second));
	pyi_incidents_close(&second);
}

static void test_broken_files(void **state)
{
	static const char head[] = "{\"boot_id\":\"boot-1\",\"start_ticks\":\"123456\",";
	static const char *const tails[] = {
		"",
		"\"incidents\":7}",
		"\"incidents\":[7,{},{\"rule\":7},{\"rule\":\"a\"},{\"rule\":\"a\",\"status\":"
		"\"ok\"},"
		"{\"rule\":\"a\",\"status\":\"bad\"},[]]}",
	};
	struct fixture *fixture = *state;
	struct pyi_incidents *incidents = &fixture->incidents;
	char text[1024];

	good(pyi_incidents_open(fixture->state, &process, incidents));
	for (size_t t = 0; t < sizeof(tails) / sizeof(tails[0]); t++) {
		snprintf(text, sizeof(text), "%s%s", head, tails[t]);
		pyi_incidents_parse(text, incidents);
		assert_int_equal(incidents->count, 0);
	}
	assert_false(pyi_incidents_parse("", incidents));
	assert_false(pyi_incidents_parse("[]", incidents));
	/* A name that leads elsewhere is none, figures that are none are 0. */
	snprintf(text, sizeof(text),
		 "%s\"incidents\":[{\"rule\":\"a\",\"status\":\"critical\",\"since_s\":-1e300,"
		 "\"evidence\":\"../../etc/x-1-20260131T235959Z\",\"evidence_tries\":1e99}]}",
		 head);
	assert_true(pyi_incidents_parse(text, incidents));
	assert_int_equal(incidents->count, 1);
	assert_null(incidents->items[0].evidence);
	assert_int_equal(incidents->items[0].since_s, 0);
	pyi_incidents_close(incidents);

	/* As a whole file. */
	good(pyi_incidents_open(fixture->state, &process, incidents));
	good(pyi_file_replace(incidents->path, 0600, "\0{[", 3));
	pyi_incidents_close(incidents);
	good(pyi_incidents_open(fixture->state, &process, incidents));
	assert_int_equal(incidents->count, 0);
}

static void test_state_that_cannot_be_written(void **state)
{
	struct fixture *fixture = *state;
	char path[100];

	snprintf(path, sizeof(path), "%s/file", fixture->state);
	good(pyi_file_replace(path, 0600, "", 0));
	assert_error(pyi_incidents_open(path, &process, &fixture->incidents), "no-incidents");
	/* It goes on without a file. */
	update(fixture, CRIT, OK, OK, 10);
	assert_int_equal(fixture->incidents.count, 1);
	assert_error(pyi_incidents_save(&fixture->incidents), "no-incidents");
}

static void test_files_are_pruned(void **state)
{
	struct fixture *fixture = *state;
	char path[100];

	for (int64_t pid = 1; pid <= 100; pid++) {
		const struct pyi_incident_process one = { "boot-1", pid, 1, NULL };

		good(pyi_incidents_open(fixture->state, &one, &fixture->incidents));
		update(fixture, CRIT, OK, OK, 10);
		good(pyi_incidents_save(&fixture->incidents));
		pyi_incidents_close(&fixture->incidents);
	}
	snprintf(path, sizeof(path), "%s/incidents", fixture->state);
	/* Two for each process. */
	assert_int_equal(count_entries(path), 128);
	assert_true(pyi_incidents_are_known(
		fixture->state, &(struct pyi_incident_process){ "boot-1", 100, 1, NULL }));
	assert_false(pyi_incidents_are_known(
		fixture->state, &(struct pyi_incident_process){ "boot-1", 1, 1, NULL }));
}

static void test_folder_names(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"-7-20260131T235959Z/..",
		"../x-7-20260131T235959Z",
		".x-7-20260131T235959Z",
		"x-7-20260131T235959",
		"x-7-2026013aT235959Z",
		"-20260131T235959Z",
		"x y-7-20260131T235959Z",
	};
	char *name = pyi_kept_folder_name("unit:foo/../\n", 7, 1769903999);

	(void)state;
	assert_string_equal(name, "unit_foo_.._"
				  "_-7-20260131T235959Z");
	assert_true(pyi_kept_folder_is_name(name));
	free(name);
	name = pyi_kept_folder_name("...", 7, INT64_MAX);
	assert_true(name[0] != '.' && pyi_kept_folder_is_name(name));
	free(name);
	for (size_t b = 0; b < sizeof(bad) / sizeof(bad[0]); b++)
		if (pyi_kept_folder_is_name(bad[b]))
			fail_msg("\"%s\" is taken for a name", bad[b]);
}

/* Makes a whole folder with one file of that size. */
static void keep(struct fixture *fixture, const char *name, size_t size)
{
	struct pyi_kept_folder folder;
	char *data = calloc(1, size + 1);

	good(pyi_kept_folder_begin(fixture->parent, name, &folder));
	good(pyi_kept_folder_add(&folder, "report.json", data, size));
	assert_false(pyi_kept_folder_exists(fixture->parent, name));
	good(pyi_kept_folder_finish(&folder));
	assert_true(pyi_kept_folder_exists(fixture->parent, name));
	pyi_kept_folder_close(&folder);
	free(data);
}

static void test_folder(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_kept_folder folder;
	struct pyi_kept_folder second;
	struct stat about;
	char path[200];

	keep(fixture, NAME("59"), 3);
	snprintf(path, sizeof(path), "%s/" NAME("59"), fixture->parent);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0700);
	strcat(path, "/report.json");
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	assert_int_equal(about.st_size, 3);

	/* Not finished: nothing is left. */
	good(pyi_kept_folder_begin(fixture->parent, NAME("58"), &folder));
	good(pyi_kept_folder_add(&folder, "a", "1", 1));
	/* Nobody else may drop it meanwhile. */
	good(pyi_kept_folder_begin(fixture->parent, NAME("57"), &second));
	good(pyi_kept_folder_add(&folder, "b", "1", 1));
	pyi_kept_folder_close(&second);
	pyi_kept_folder_close(&folder);
	assert_int_equal(count_entries(fixture->parent), 1);

	/* A name that is in use. */
	good(pyi_kept_folder_begin(fixture->parent, NAME("59"), &folder));
	good(pyi_kept_folder_add(&folder, "a", "1", 1));
	assert_error(pyi_kept_folder_finish(&folder), "output-failed");
	pyi_kept_folder_close(&folder);
	assert_int_equal(count_entries(fixture->parent), 1);
}

static void test_folder_of_somebody_killed(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_kept_folder folder;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct pyi_error *error =
			pyi_kept_folder_begin(fixture->parent, NAME("58"), &folder);

		if (!error)
			error = pyi_kept_folder_add(&folder, "a", "1", 1);
		/* Without any cleaning up. */
		_exit(error != NULL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_entries(fixture->parent), 1);
	good(pyi_kept_folder_begin(fixture->parent, NAME("58"), &folder));
	good(pyi_kept_folder_finish(&folder));
	pyi_kept_folder_close(&folder);
	assert_int_equal(count_entries(fixture->parent), 1);
}

static void test_rotation(void **state)
{
	static const char *const names[] = { NAME("01"), NAME("02"), NAME("03"), NAME("04") };
	struct fixture *fixture = *state;
	char path[200];

	for (size_t n = 0; n < 4; n++) {
		struct timespec times[2] = { { 1000 + (time_t)n, 0 }, { 1000 + (time_t)n, 0 } };

		keep(fixture, names[n], 1000);
		snprintf(path, sizeof(path), "%s/%s", fixture->parent, names[n]);
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	}
	/* What is not ours stays, and what a link leads to. */
	snprintf(path, sizeof(path), "%s/mine", fixture->parent);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/" NAME("00"), fixture->parent);
	assert_int_equal(symlink(fixture->state, path), 0);
	good(pyi_kept_folder_rotate(fixture->parent, 3, 1 << 20));
	assert_false(pyi_kept_folder_exists(fixture->parent, names[0]));
	assert_true(pyi_kept_folder_exists(fixture->parent, names[1]));
	good(pyi_kept_folder_rotate(fixture->parent, 3, 2500));
	assert_false(pyi_kept_folder_exists(fixture->parent, names[1]));
	assert_true(pyi_kept_folder_exists(fixture->parent, names[2]));
	/* The youngest one always stays. */
	good(pyi_kept_folder_rotate(fixture->parent, 0, 0));
	assert_false(pyi_kept_folder_exists(fixture->parent, names[2]));
	assert_true(pyi_kept_folder_exists(fixture->parent, names[3]));
	assert_int_equal(count_entries(fixture->parent), 3);
	assert_int_equal(access(fixture->state, F_OK), 0);
}

static void assert_content(const char *path, const char *expected)
{
	char *text;
	size_t size;

	good(pyi_file_read_at(AT_FDCWD, path, path, 100, &text, &size));
	assert_non_null(text);
	assert_int_equal(size, strlen(expected));
	assert_string_equal(text, expected);
	free(text);
}

static void test_replacing_a_file(void **state)
{
	struct fixture *fixture = *state;
	char path[100];
	char other[100];
	struct stat about;
	char *text;
	size_t size;

	snprintf(path, sizeof(path), "%s/a.prom", fixture->state);
	snprintf(other, sizeof(other), "%s/other", fixture->state);
	good(pyi_file_read_at(AT_FDCWD, path, path, 10, &text, &size));
	assert_null(text);
	umask(077);
	good(pyi_file_replace(path, 0644, "one", 3));
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0644);
	assert_content(path, "one");
	good(pyi_file_replace(path, 0644, "second", 6));
	assert_content(path, "second");
	assert_error(pyi_file_read_at(AT_FDCWD, path, path, 5, &text, &size), "input-failed");
	/* A link is not replaced, and what it leads to is not touched. */
	good(pyi_file_replace(other, 0600, "other", 5));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_error(pyi_file_replace(path, 0644, "third", 5), "output-failed");
	assert_content(other, "other");
	assert_int_equal(lstat(path, &about), 0);
	assert_true(S_ISLNK(about.st_mode));
	assert_int_equal(count_entries(fixture->state), 2);
	/* Where it cannot be written, nothing is left. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_error(pyi_file_replace(path, 0644, "four", 4), "output-failed");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_error(pyi_file_replace(path, 0644, "four", 4), "output-failed");
	assert_int_equal(count_entries(fixture->state), 2);
	strcat(path, "/no/such");
	assert_error(pyi_file_replace(path, 0644, "", 0), "output-failed");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_begin_go_on_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_ends_an_incident, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_sets_of_rules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_status_of_what_is_not_sure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_of_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_state_that_cannot_be_written, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_files_are_pruned, set_up, tear_down),
		cmocka_unit_test(test_folder_names),
		cmocka_unit_test_setup_teardown(test_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_folder_of_somebody_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rotation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replacing_a_file, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
