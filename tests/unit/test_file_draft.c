/*
 * Tests of files that are written before they have a name: nothing is there before they are whole,
 * and nothing is left of those that are given up.
 */
#include <dirent.h>
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

#include "base/file_draft.h"

struct folder {
	char path[64];
	char file[96];
};

static int make_folder(void **test)
{
	static struct folder folder;

	strcpy(folder.path, "/tmp/test_file_draft.XXXXXX");
	assert_non_null(mkdtemp(folder.path));
	snprintf(folder.file, sizeof(folder.file), "%s/heap.pyi", folder.path);
	*test = &folder;
	return 0;
}

/* How many entries there are, hidden ones too. */
static int entries(const struct folder *folder)
{
	DIR *stream = opendir(folder->path);
	int count = -2;

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

static int remove_folder(void **test)
{
	struct folder *folder = *test;

	unlink(folder->file);
	assert_int_equal(rmdir(folder->path), 0);
	return 0;
}

static void begin(const struct folder *folder, struct pyi_file_draft *draft, const char *text)
{
	assert_null(pyi_file_draft_begin(folder->file, draft));
	assert_int_equal(write(draft->fd, text, strlen(text)), strlen(text));
}

static void assert_file(const struct folder *folder, const char *text)
{
	char got[64] = "";
	struct stat status;
	int fd = open(folder->file, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_nlink, 1);
	assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text));
	assert_string_equal(got, text);
	close(fd);
	assert_int_equal(entries(folder), 1);
}

static void new_and_replaced(void **test)
{
	const struct folder *folder = *test;
	struct pyi_file_draft draft;

	umask(0277);
	begin(folder, &draft, "first");
	assert_int_not_equal(access(folder->file, F_OK), 0);
	assert_null(pyi_file_draft_put(&draft));
	pyi_file_draft_end(&draft);
	umask(022);
	assert_file(folder, "first");
	begin(folder, &draft, "second");
	assert_null(pyi_file_draft_put(&draft));
	pyi_file_draft_end(&draft);
	assert_file(folder, "second");
}

/* Nothing but a name is what is given up. */
static void given_up(void **test)
{
	const struct folder *folder = *test;
	struct pyi_file_draft draft;

	begin(folder, &draft, "half of");
	pyi_file_draft_end(&draft);
	assert_int_equal(draft.fd, -1);
	assert_int_equal(entries(folder), 0);
	pyi_file_draft_end(&draft);
}

/* As on a file system that has only files with names. */
static void with_a_hidden_name(void **test)
{
	const struct folder *folder = *test;
	struct pyi_file_draft draft;

	begin(folder, &draft, "");
	if (!draft.beside) {
		char path[256];

		draft.beside = strdup(".heap.pyi.0badcafe");
		close(draft.fd);
		snprintf(path, sizeof(path), "%s/%s", folder->path, draft.beside);
		draft.fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	}
	assert_int_equal(write(draft.fd, "whole", 5), 5);
	assert_int_equal(entries(folder), 1);
	assert_null(pyi_file_draft_put(&draft));
	assert_file(folder, "whole");
	pyi_file_draft_end(&draft);
	assert_file(folder, "whole");
	begin(folder, &draft, "");
	if (!draft.beside) {
		char path[256];

		draft.beside = strdup(".heap.pyi.0badcafe");
		snprintf(path, sizeof(path), "%s/%s", folder->path, draft.beside);
		close(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
	}
	assert_int_equal(entries(folder), 2);
	pyi_file_draft_end(&draft);
	assert_file(folder, "whole");
}

static void assert_refused(const char *path)
{
	struct pyi_file_draft draft;
	struct pyi_error *error = pyi_file_draft_begin(path, &draft);

	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "output-failed");
	pyi_error_destroy(error);
	assert_int_equal(draft.fd, -1);
	pyi_file_draft_end(&draft);
}

static void refused(void **test)
{
	const struct folder *folder = *test;
	char below[128];

	snprintf(below, sizeof(below), "%s/none/heap.pyi", folder->path);
	assert_refused(below);
	assert_refused("/dev/null");
	assert_refused(folder->path);
	assert_int_equal(symlink("/dev/null", folder->file), 0);
	assert_refused(folder->file);
	assert_int_equal(unlink(folder->file), 0);
	assert_int_equal(mkfifo(folder->file, 0600), 0);
	assert_refused(folder->file);
	assert_int_equal(entries(folder), 1);
}

/* What has come there meanwhile is not replaced either. */
static void changed_meanwhile(void **test)
{
	const struct folder *folder = *test;
	struct pyi_file_draft draft;
	struct pyi_error *error;

	begin(folder, &draft, "text");
	assert_int_equal(symlink("elsewhere", folder->file), 0);
	error = pyi_file_draft_put(&draft);
	assert_non_null(error);
	pyi_error_destroy(error);
	pyi_file_draft_end(&draft);
	assert_int_equal(entries(folder), 1);
}

#define test_in_folder(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(new_and_replaced),   test_in_folder(given_up),
		test_in_folder(with_a_hidden_name), test_in_folder(refused),
		test_in_folder(changed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
