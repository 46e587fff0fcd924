/*
 * Tests of src/process/pressure.c and age.c: pressure files as kernels write them and as none does,
 * cgroups in an invented tree, and our own age.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "process/age.h"
#include "process/pressure.h"

static const char calm[] = "some avg10=0.00 avg60=0.12 avg300=0.05 total=1234\n"
			   "full avg10=0.00 avg60=0.10 avg300=0.02 total=1000\n";

/* A file or folder of the invented tree. */
static char root[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/pyinspect-pressure-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", root);
	return system(command);
}

/* Makes a file below the root, and the folders that it needs. */
static char *write_file(const char *name, const char *text)
{
	char *path;
	FILE *file;

	assert_true(asprintf(&path, "%s/%s", root, name) > 0);
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		/* In hundredths; -1: it is no such file. */
		int some;
		int full;
	} cases[] = {
		{ calm, 0, 0 },
		{ "some avg10=12.34 avg60=0.00 avg300=0.00 total=0\n"
		  "full avg10=5.60 avg60=0.00 avg300=0.00 total=0\n",
		  1234, 560 },
		{ "some avg10=100.00 x\nfull avg10=99.99 x\n", 10000, 9999 },
		{ "some avg10=7\nfull avg10=7.1\n", 700, 710 },
		/* Lines and fields of a later kernel; one line only. */
		{ "none avg10=1.00\nfull avg10=2.00 new=1\nsome avg10=3.00\nlast\n", 300, 200 },
		{ "some avg10=0.50 avg60=0.00 avg300=0.00 total=0\n", 50, 0 },
		{ "", -1, 0 },
		{ "full avg10=1.00\n", -1, 0 },
		{ "some avg10=1.00", -1, 0 },
		{ "some avg10=\n", -1, 0 },
		{ "some avg10=.5\n", -1, 0 },
		{ "some avg10=-1.00\n", -1, 0 },
		{ "some avg10=+1.00\n", -1, 0 },
		{ "some avg10=nan\n", -1, 0 },
		{ "some avg10=1e9\n", -1, 0 },
		{ "some avg10=1.2.3\n", -1, 0 },
		{ "some avg10=1.234\n", -1, 0 },
		{ "some avg10=100.01\n", -1, 0 },
		{ "some avg10=101\n", -1, 0 },
		{ "some avg10=99999999999999999999.00\n", -1, 0 },
		{ "some avg10=1.00\nfull avg10=x\n", -1, 0 },
		{ "some  avg10=1.00\n", -1, 0 },
		{ "awesome avg10=1.00\n", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pyi_pressure pressure;
		bool good = pyi_pressure_parse(cases[i].text, &pressure);

		if (good != (cases[i].some >= 0))
			fail_msg("'%s' is %s", cases[i].text, good ? "understood" : "not");
		if (!good)
			continue;
		assert_true(pressure.known);
		assert_null(pressure.why);
		assert_true(pressure.some_percent == cases[i].some / 100.0);
		assert_true(pressure.full_percent == cases[i].full / 100.0);
	}
}

static void test_host(void **state)
{
	struct pyi_pressure pressure;
	char *path = write_file("host/memory", calm);

	(void)state;
	pyi_pressure_read_host(path, &pressure);
	assert_true(pressure.known);
	assert_int_equal(truncate(path, 10), 0);
	pyi_pressure_read_host(path, &pressure);
	assert_false(pressure.known);
	assert_string_equal(pressure.why, "it is not as the kernel writes it");
	assert_int_equal(unlink(path), 0);
	pyi_pressure_read_host(path, &pressure);
	assert_false(pressure.known);
	assert_string_equal(pressure.why, "the kernel does not measure it");
	pyi_pressure_read_host(root, &pressure);
	assert_false(pressure.known);
	assert_string_equal(pressure.why, "it cannot be read");
	free(path);
	/* The kernel's own, if there is one. */
	pyi_pressure_read_host(PYI_PRESSURE_HOST_FILE, &pressure);
	if (!pressure.known)
		assert_string_not_equal(pressure.why, "it is not as the kernel writes it");
}

/* A process whose folder in /proc is one of ours. */
static void read_group(const char *cgroups, struct pyi_pressure *ret_pressure)
{
	char *path = write_file("process/cgroup", cgroups);
	struct pyi_process process = { .pid = 123 };

	*strrchr(path, '/') = '\0';
	process.proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(process.proc_fd >= 0);
	pyi_pressure_read_group(&process, root, ret_pressure);
	close(process.proc_fd);
	free(path);
}

static void test_group(void **state)
{
	static const char *const without[] = {
		"",
		"4:memory:/a.slice/b\n",
		"0::/elsewhere\n",
		"0::/../a.slice/b\n",
		"0::/a.slice/../a.slice/b\n",
		"0::/..\n",
		"0::/a.slice/b (deleted)\n",
		"0:",
	};
	struct pyi_pressure pressure;

	(void)state;
	free(write_file("a.slice/b/memory.pressure", "some avg10=1.00 x\n"));
	free(write_file("unified/c/memory.pressure", "some avg10=2.00 x\n"));
	free(write_file("memory.pressure", "some avg10=3.00 x\n"));
	read_group("4:memory:/x\n1:name=systemd:/y\n0::/a.slice/b\n", &pressure);
	assert_true(pressure.known && pressure.some_percent == 1);
	read_group("0::/c", &pressure);
	assert_true(pressure.known && pressure.some_percent == 2);
	read_group("0::/\n", &pressure);
	assert_true(pressure.known && pressure.some_percent == 3);
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		read_group(without[i], &pressure);
		assert_false(pressure.known);
		assert_string_equal(pressure.why, "it is in no cgroup (v2) that measures it");
	}
}

static void test_refusal(void **state)
{
	static const struct {
		double some;
		double full;
		bool refused;
	} cases[] = {
		{ 0, 0, false }, { 19.99, 4.99, false }, { 20, 0, true },
		{ 10, 5, true }, { 100, 100, true },
	};
	const struct pyi_pressure unknown = { .why = "an invented reason", .some_percent = 100 };

	(void)state;
	assert_null(pyi_pressure_refusal(&unknown, &unknown, PYI_EXIT_FAILED));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pyi_pressure pressure = { true, NULL, cases[i].some, cases[i].full };
		struct pyi_error *host = pyi_pressure_refusal(&pressure, &unknown, PYI_EXIT_FAILED);
		struct pyi_error *group =
			pyi_pressure_refusal(&unknown, &pressure, PYI_EXIT_UNSUPPORTED);

		assert_int_equal(host != NULL, cases[i].refused);
		assert_int_equal(group != NULL, cases[i].refused);
		if (!cases[i].refused)
			continue;
		assert_string_equal(pyi_error_code_name(host->code), "memory-pressure");
		assert_int_equal(host->exit, PYI_EXIT_FAILED);
		assert_int_equal(strncmp(host->message, "the host is under", 17), 0);
		assert_int_equal(group->exit, PYI_EXIT_UNSUPPORTED);
		assert_int_equal(strncmp(group->message, "the cgroup of the process", 25), 0);
		pyi_error_destroy(host);
		pyi_error_destroy(group);
	}
}

static void test_age(void **state)
{
	struct pyi_process process;
	struct timespec now;
	struct pyi_error *error;

	(void)state;
	assert_null(pyi_process_open(getpid(), &process));
	/* Tests take minutes at most. */
	assert_in_range(pyi_process_age_s(&process), 0, 3600);
	assert_null(pyi_process_age_refusal(&process, 0, PYI_EXIT_FAILED));
	error = pyi_process_age_refusal(&process, UINT64_MAX, PYI_EXIT_USAGE);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "too-young");
	assert_int_equal(error->exit, PYI_EXIT_USAGE);
	pyi_error_destroy(error);

	/* As old as the machine; born in the future. */
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
	process.start_ticks = 0;
	assert_in_range(pyi_process_age_s(&process), now.tv_sec, now.tv_sec + 3600);
	error = pyi_process_age_refusal(&process, (uint64_t)now.tv_sec, PYI_EXIT_USAGE);
	assert_null(error);
	process.start_ticks = UINT64_MAX;
	assert_int_equal(pyi_process_age_s(&process), 0);
	pyi_process_close(&process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test_setup_teardown(test_host, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_group, set_up, tear_down),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
