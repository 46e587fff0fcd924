/*
 * Tests of what may be a history: whose file, in which folder, of which program and version. A file
 * that is refused must be left as it is.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "history/history.h"
#include "history_fixture.h"

enum {
	OTHER_USER = 65534,
};

/* Makes a database, or changes one, as another program would. */
static void make(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

struct content {
	char bytes[1 << 16];
	size_t size;
	struct timespec changed;
};

static void read_content(const char *path, struct content *ret_content)
{
	int fd = open(path, O_RDONLY);
	struct stat status;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	ret_content->size = (size_t)read(fd, ret_content->bytes, sizeof(ret_content->bytes));
	ret_content->changed = status.st_mtim;
	close(fd);
}

/* For writing and for reading; and nothing happens to the file. */
static void assert_left_alone(const struct history_fixture *fixture, const char *message)
{
	static struct content before;
	static struct content after;
	char journal[160];

	read_content(fixture->path, &before);
	history_refused(fixture->path, true, message);
	history_refused(fixture->path, false, message);
	read_content(fixture->path, &after);
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.bytes, after.bytes, before.size);
	assert_memory_equal(&before.changed, &after.changed, sizeof(before.changed));
	snprintf(journal, sizeof(journal), "%s-wal", fixture->path);
	assert_int_equal(access(journal, F_OK), -1);
}

static void test_new_file(void **state)
{
	struct history_fixture *fixture = *state;
	struct stat status;

	history_refused(fixture->path, true, "there is no history");
	assert_int_equal(access(fixture->path, F_OK), -1);
	/* The last folder may be missing, but only that. */
	snprintf(fixture->path, sizeof(fixture->path), "%s/a/b/h", fixture->folder);
	history_refused(fixture->path, false, "No such file");
	snprintf(fixture->path, sizeof(fixture->path), "%s/a/h", fixture->folder);
	umask(0);
	history_open(fixture, false);
	umask(022);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	strrchr(fixture->path, '/')[0] = '\0';
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
}

/* As somebody leaves it who was killed between making the file and the tables. */
static void test_empty_file(void **state)
{
	struct history_fixture *fixture = *state;

	close(open(fixture->path, O_CREAT | O_WRONLY, 0600));
	history_refused(fixture->path, true, "is empty");
	history_open(fixture, false);
	history_add(fixture, 1000060, 1, 1);
	history_open(fixture, true);
}

static void test_relative_path(void **state)
{
	struct history_fixture *fixture = *state;
	char *here = getcwd(NULL, 0);

	assert_int_equal(chdir(fixture->folder), 0);
	snprintf(fixture->path, sizeof(fixture->path), "h.sqlite");
	history_open(fixture, false);
	assert_int_equal(access("h.sqlite", F_OK), 0);
	assert_int_equal(chdir(here), 0);
	free(here);
}

static void test_reading_changes_nothing(void **state)
{
	struct history_fixture *fixture = *state;
	struct pyi_sample sample = history_sample(1000060, 1, 1);
	static struct content before;
	static struct content after;
	struct pyi_error *error;

	history_open(fixture, false);
	history_add(fixture, 1000060, 1, 1);
	read_content(fixture->path, &before);
	history_open(fixture, true);
	error = pyi_history_add(fixture->history, &fixture->process, &sample);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "no-history");
	assert_non_null(strstr(error->message, "cannot be written to"));
	pyi_error_destroy(error);
	pyi_sample_deinit(&sample);
	read_content(fixture->path, &after);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_other_files(void **state)
{
	struct history_fixture *fixture = *state;
	FILE *file = fopen(fixture->path, "w");

	fchmod(fileno(file), 0600);
	for (int line = 0; line < 100; line++)
		fprintf(file, "this is no database\n");
	fclose(file);
	assert_left_alone(fixture, "is no history of pyinspect");
	assert_int_equal(truncate(fixture->path, 50), 0);
	assert_left_alone(fixture, "is no history of pyinspect");
}

static void test_other_databases(void **state)
{
	struct history_fixture *fixture = *state;

	make(fixture->path, "CREATE TABLE notes(text)");
	assert_left_alone(fixture, "is no history of pyinspect");
	make(fixture->path, "PRAGMA application_id = 77");
	assert_left_alone(fixture, "is no history of pyinspect");
	make(fixture->path, "PRAGMA journal_mode = WAL");
	assert_left_alone(fixture, "is no history of pyinspect");
}

static void test_newer_version(void **state)
{
	struct history_fixture *fixture = *state;

	history_open(fixture, false);
	history_add(fixture, 1000060, 1, 1);
	make(fixture->path, "PRAGMA user_version = 2");
	assert_left_alone(fixture, "is of a newer pyinspect (format 2, this one knows 1)");
	make(fixture->path, "PRAGMA user_version = 0");
	assert_left_alone(fixture, "is no history of pyinspect");
}

/* Somebody wants his SQL to be run by root. */
static void test_other_tables(void **state)
{
	struct history_fixture *fixture = *state;

	history_open(fixture, false);
	make(fixture->path, "CREATE TRIGGER evil AFTER INSERT ON sample BEGIN DELETE FROM sample; "
			    "END");
	assert_left_alone(fixture, "is no history of pyinspect");
	make(fixture->path, "DROP TRIGGER evil; CREATE VIEW zebra AS SELECT 1");
	assert_left_alone(fixture, "is no history of pyinspect");
	make(fixture->path, "DROP VIEW zebra; ALTER TABLE name ADD COLUMN more");
	assert_left_alone(fixture, "is no history of pyinspect");
	make(fixture->path, "ALTER TABLE name RENAME TO names");
	assert_left_alone(fixture, "is no history of pyinspect");
	make(fixture->path, "DROP TABLE names");
	assert_left_alone(fixture, "is no history of pyinspect");
}

static void test_links(void **state)
{
	struct history_fixture *fixture = *state;
	char other[160];

	history_open(fixture, false);
	snprintf(other, sizeof(other), "%s/link", fixture->folder);
	assert_int_equal(symlink("history.sqlite", other), 0);
	history_refused(other, false, "is a symbolic link");
	history_refused(other, true, "is a symbolic link");
	assert_int_equal(unlink(other), 0);
	/* One that leads nowhere must not make a file there. */
	assert_int_equal(symlink("elsewhere", other), 0);
	history_refused(other, false, "is a symbolic link");
	assert_int_equal(unlink(other), 0);
	assert_int_equal(link(fixture->path, other), 0);
	history_refused(other, false, "has several names");
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkfifo(other, 0600), 0);
	history_refused(other, false, "is no regular file");
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkdir(other, 0700), 0);
	history_refused(other, false, "is no regular file");
	assert_int_equal(rmdir(other), 0);
	/* A folder of ours may be a link of ours. */
	assert_int_equal(symlink(".", other), 0);
	snprintf(fixture->path, sizeof(fixture->path), "%s/link/history.sqlite", fixture->folder);
	history_open(fixture, true);
}

static void test_writable_by_others(void **state)
{
	struct history_fixture *fixture = *state;

	history_open(fixture, false);
	assert_int_equal(chmod(fixture->path, 0622), 0);
	history_refused(fixture->path, true, "others can write to");
	assert_int_equal(chmod(fixture->path, 0600), 0);
	assert_int_equal(chmod(fixture->folder, 0777), 0);
	history_refused(fixture->path, true, "everybody can write to");
	/* Somebody could make the journal. */
	assert_int_equal(chmod(fixture->folder, 01777), 0);
	history_refused(fixture->path, true, "everybody can write to");
	/* Further up that does not matter. */
	strcpy(fixture->path, fixture->folder);
	strcat(fixture->path, "/deeper/h.sqlite");
	history_open(fixture, false);
	assert_int_equal(chmod(fixture->folder, 0777), 0);
	history_refused(fixture->path, true, "everybody can write to");
	assert_int_equal(chmod(fixture->folder, 0700), 0);
}

static void test_other_owners(void **state)
{
	struct history_fixture *fixture = *state;
	char link[160];

	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	history_open(fixture, false);
	assert_int_equal(chown(fixture->path, OTHER_USER, 0), 0);
	history_refused(fixture->path, true, "belongs to user 65534");
	history_refused(fixture->path, false, "belongs to user 65534");
	assert_int_equal(chown(fixture->path, 0, 0), 0);
	assert_int_equal(chown(fixture->folder, OTHER_USER, 0), 0);
	history_refused(fixture->path, true, "belongs to user 65534");
	assert_int_equal(chown(fixture->folder, 0, OTHER_USER), 0);
	assert_int_equal(chmod(fixture->folder, 0770), 0);
	history_refused(fixture->path, true, "group 65534 can write to");
	assert_int_equal(chmod(fixture->folder, 0700), 0);
	snprintf(link, sizeof(link), "%s/link", fixture->folder);
	assert_int_equal(symlink(".", link), 0);
	assert_int_equal(lchown(link, OTHER_USER, 0), 0);
	snprintf(link, sizeof(link), "%s/link/history.sqlite", fixture->folder);
	history_refused(link, true, "belongs to user 65534");
}

int main(void)
{
#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, history_set_up, history_tear_down)
	const struct CMUnitTest tests[] = {
		HISTORY_TEST(test_new_file),	  HISTORY_TEST(test_empty_file),
		HISTORY_TEST(test_relative_path), HISTORY_TEST(test_reading_changes_nothing),
		HISTORY_TEST(test_other_files),	  HISTORY_TEST(test_other_databases),
		HISTORY_TEST(test_newer_version), HISTORY_TEST(test_other_tables),
		HISTORY_TEST(test_links),	  HISTORY_TEST(test_writable_by_others),
		HISTORY_TEST(test_other_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
