/*
 * Tests of what `list` makes of the texts of /proc: signs of Python, units and containers, command
 * lines, the copy that they come in, and what is kept for the next list.
 *
 * Starts no process; which of them there are is a matter of tests/live/test_list.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/list_state.h"
#include "process/cgroup_place.h"
#include "process/command_words.h"
#include "process/proc_copy.h"
#include "process/python_sign.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_signs(void **state)
{
	static const struct {
		const char *path;
		enum pyi_python_sign sign;
		const char *version;
	} cases[] = {
		{ "/usr/bin/python3.11", PYI_PYTHON_PROGRAM, "3.11" },
		{ "/usr/bin/python3.11 (deleted)", PYI_PYTHON_PROGRAM, "3.11" },
		{ "/opt/python", PYI_PYTHON_PROGRAM, "" },
		{ "/opt/bin/python3.14td", PYI_PYTHON_PROGRAM, "3.14td" },
		{ "/opt/bin/python3-dbg", PYI_PYTHON_PROGRAM, "3" },
		{ "/opt/bin/python3.", PYI_PYTHON_PROGRAM, "3" },
		{ "/usr/lib/libpython3.9.so.1.0", PYI_PYTHON_LIBRARY, "3.9" },
		{ "/usr/lib/libpython3.so", PYI_PYTHON_LIBRARY, "3" },
		{ "/usr/lib/python3.12/lib-dynload/_json.so", PYI_PYTHON_MODULE, "3.12" },
		{ "/x/notpython3.12/lib-dynload/_json.so", PYI_PYTHON_NO_SIGN, "" },
		{ "/lib-dynload/", PYI_PYTHON_NO_SIGN, "" },
		{ "/opt/python3/bin/node", PYI_PYTHON_NO_SIGN, "" },
		{ "/opt/xpython3", PYI_PYTHON_NO_SIGN, "" },
		{ "python3", PYI_PYTHON_NO_SIGN, "" },
		{ "", PYI_PYTHON_NO_SIGN, "" },
		{ "/python99999999999999999999999999999999", PYI_PYTHON_PROGRAM, "" },
	};

	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		char version[PYI_PYTHON_VERSION_BYTES] = "stale";

		assert_int_equal(pyi_python_sign_of(cases[c].path, version), cases[c].sign);
		assert_string_equal(version, cases[c].version);
	}
}

static void test_versions_together(void **state)
{
	static const char *const cases[][4] = {
		{ "3.11", "3.11", "3.11", "3.11" },
		{ "", "3", "3.11", "3.11" },
		{ "3.11", "3", "", "3.11" },
		{ "3.14", "3.14t", "3.14t", "3.14t" },
		{ "3.1", "3.11", "", "?" },
		{ "3.9", "3.11", "3.11", "?" },
		{ "", "", "", "" },
	};

	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		char version[PYI_PYTHON_VERSION_BYTES] = "";

		for (int i = 0; i < 3; i++)
			pyi_python_sign_add_version(version, cases[c][i]);
		assert_string_equal(version, cases[c][3]);
	}
}

static void test_places(void **state)
{
	static const struct {
		const char *text;
		bool is_container;
		const char *name;
	} cases[] = {
		{ "0::/system.slice/shop.service\n", false, "shop.service" },
		{ "0::/system.slice/system-x.slice/x@1.service/sub\n", false, "x@1.service" },
		{ "0::/system.slice/docker-" ID ".scope\n", true, "0123456789ab" },
		{ "0::/kubepods.slice/a-b.slice/cri-containerd-" ID ".scope/x\n", true,
		  "0123456789ab" },
		{ "12:cpu:/\n1:name=systemd:/docker/" ID "\n0::/\n", true, "0123456789ab" },
		{ "3:memory:/lxc.payload.shop\n", true, "shop" },
		{ "1:name=systemd:/system.slice/a.service\n0::/\n", false, "a.service" },
		/* The user says so. */
		{ "0::/user.slice/user-7.slice/user@7.service/x.slice/libpod-" ID ".scope\n", false,
		  "user@7.service" },
		{ "0::/user.slice/user-7.slice/session-2.scope\n", false, "session-2.scope" },
		/* Of no manager that is known: what is below it is no unit. */
		{ "0::/mine/shop.service\n", false, "" },
		{ "0::/\n", false, "" },
		{ "0::/../..\n", false, "" },
		{ "nonsense", false, "" },
		{ "", false, "" },
		{ ":::\n::", false, "" },
	};

	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		struct pyi_cgroup_place place;

		pyi_cgroup_place_of(cases[c].text, &place);
		assert_string_equal(place.name, cases[c].name);
		assert_int_equal(place.is_container, cases[c].is_container);
	}
}

#define WORDS(text) text, sizeof(text)

static void test_command_words(void **state)
{
	static const struct {
		const char *words;
		size_t size;
		const char *shown;
	} cases[] = {
		{ WORDS("/usr/bin/python3\0/srv/app.py\0--password\0hunter2"),
		  "python3 /srv/app.py" },
		{ WORDS("python3\0-u\0-X\0dev\0-Wd\0app.py\0secret"), "python3 app.py" },
		{ WORDS("python3\0-Xdev\0--\0app.py"), "python3 app.py" },
		{ WORDS("python3\0-m\0gunicorn\0--token\0x"), "python3 -m gunicorn" },
		{ WORDS("python3\0-Esmgunicorn\0x"), "python3 -m gunicorn" },
		{ WORDS("python3\0-c\0print('hunter2')"), "python3 -c" },
		{ WORDS("python3\0-Ec\0import secret"), "python3 -c" },
		{ WORDS("python3\0-m"), "python3 -m " },
		{ WORDS("python3\0-"), "python3 -" },
		{ WORDS("python3\0--check-hash-based-pycs\0always\0app.py"), "python3 app.py" },
		{ WORDS("/usr/sbin/uwsgi\0--secret\0hunter2"), "uwsgi" },
		{ WORDS("gunicorn: worker [shop/x]"), "gunicorn: worker [shop/x]" },
		{ WORDS(""), "" },
		{ "", 0, "" },
		/* Cut off: it may be the half of anything. */
		{ "python3\0-W", 10, "python3" },
		{ "python3\0app.p", 13, "python3" },
	};

	(void)state;
	for (size_t c = 0; c < COUNT(cases); c++) {
		char text[64] = "stale";

		pyi_command_words_shown(cases[c].words, cases[c].size, text, sizeof(text));
		assert_string_equal(text, cases[c].shown);
	}
}

/* All processes of this machine, of which this one is none with "python" in it. */
static void test_copy(void **state)
{
	struct pyi_proc_copy_progress progress = { 0 };
	int fd = memfd_create("copy", MFD_CLOEXEC);
	struct pyi_proc_copy copy;
	struct stat about;
	size_t at = 0;
	pid_t last = -1;
	char *data;

	(void)state;
	assert_null(pyi_proc_copy_write(fd, 0, &progress));
	assert_int_equal(fstat(fd, &about), 0);
	data = malloc((size_t)about.st_size);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, (size_t)about.st_size, 0), about.st_size);
	while (pyi_proc_copy_next(data, (size_t)about.st_size, &at, &copy)) {
		assert_true(copy.pid > last);
		assert_int_not_equal(copy.pid, getpid());
		last = copy.pid;
		for (int t = 0; t < PYI_PROC_TEXTS; t++)
			assert_int_equal(copy.texts[t][copy.sizes[t]], '\0');
		if (!copy.pid)
			assert_non_null(strstr(copy.texts[PYI_PROC_STATUS], "root:"));
	}
	assert_int_equal(at, about.st_size);
	assert_true(progress.pid >= getpid());
	/* One that was cut off anywhere ends before that, and harms nobody. */
	for (size_t size = 0; size < (size_t)about.st_size && size < 4096; size++) {
		char *part = malloc(size + 1);

		assert_non_null(part);
		memcpy(part, data, size);
		for (at = 0; pyi_proc_copy_next(part, size, &at, &copy);)
			assert_true(at <= size);
		free(part);
	}
	free(data);
	close(fd);
}

/* Of a reader that was ended while it wrote, what is whole is kept; the next one goes on there. */
static void test_copy_that_was_ended(void **state)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	struct pyi_proc_copy_progress progress = { 0 };
	struct pyi_proc_copy copy;
	struct stat about;
	unsigned own = 0;
	size_t at = 0;
	char *data;

	(void)state;
	assert_true(fd >= 0);
	assert_null(pyi_proc_copy_write(fd, 0, &progress));
	assert_int_equal(fstat(fd, &about), 0);
	assert_int_equal(progress.whole_bytes, about.st_size);
	assert_int_equal(write(fd, "half of a header", 16), 16);
	assert_true(pyi_proc_copy_cut(fd, &progress));
	assert_null(pyi_proc_copy_write(fd, getpid(), &progress));
	assert_int_equal(fstat(fd, &about), 0);
	data = malloc((size_t)about.st_size);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, (size_t)about.st_size, 0), about.st_size);
	while (pyi_proc_copy_next(data, (size_t)about.st_size, &at, &copy))
		own += copy.pid == 0;
	assert_int_equal(at, about.st_size);
	assert_int_equal(own, 1);
	free(data);
	close(fd);
}

static void test_state(void **state)
{
	struct pyi_list_process then[] = { { .pid = 7, .start_ticks = 70, .rss_bytes = 1000 },
					   { .pid = 3, .start_ticks = 30, .rss_bytes = 500 },
					   { .pid = 5, .start_ticks = 50, .rss_bytes = 1 } };
	struct pyi_list_process now[] = { { .pid = 7, .start_ticks = 70 },
					  { .pid = 3, .start_ticks = 31 },
					  { .pid = 4, .start_ticks = 40 } };
	struct pyi_list_report old = { .processes = then, .count = 3 };
	struct pyi_list_report new = { .processes = now, .count = 3 };
	char *text = pyi_list_state_write(&old, "boot", 1234);

	(void)state;
	assert_non_null(text);
	pyi_list_state_compare(text, "boot", &new);
	assert_null(new.no_growth);
	assert_int_equal(new.since_s, 1234);
	assert_int_equal(now[0].growth, PYI_LIST_GROWTH_KNOWN);
	assert_int_equal(now[0].old_rss_bytes, 1000);
	/* The number has been given to another process. */
	assert_int_equal(now[1].growth, PYI_LIST_GROWTH_NEW);
	assert_int_equal(now[2].growth, PYI_LIST_GROWTH_NEW);
	free(text);
}

static void test_state_of_others(void **state)
{
	static const char *const texts[] = {
		"",
		"nonsense",
		"pyinspect-list 2 boot 1\n",
		"pyinspect-list 1 boot 0\n",
		"pyinspect-list 1 boot 5",
		"pyinspect-list 1 boot 5\n7 70",
		"pyinspect-list 1 boot 5\n7 70 1000\n8 nonsense\n",
		"pyinspect-list 1 boot 5\n7 70 99999999999999999999\n",
		"pyinspect-list 1 another 5\n7 70 1000\n",
	};

	(void)state;
	for (size_t t = 0; t < COUNT(texts); t++) {
		struct pyi_list_process process = { .pid = 7, .start_ticks = 70 };
		struct pyi_list_report report = { .processes = &process, .count = 1 };

		pyi_list_state_compare(texts[t], "boot", &report);
		assert_non_null(report.no_growth);
		assert_int_equal(report.since_s, 0);
		assert_int_equal(process.growth, PYI_LIST_GROWTH_UNKNOWN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signs),  cmocka_unit_test(test_versions_together),
		cmocka_unit_test(test_places), cmocka_unit_test(test_command_words),
		cmocka_unit_test(test_copy),   cmocka_unit_test(test_copy_that_was_ended),
		cmocka_unit_test(test_state),  cmocka_unit_test(test_state_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
