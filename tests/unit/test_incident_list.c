/*
 * Tests of src/incidents/incident_list.h: what of all processes is kept, and what is not believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "incidents/incident_list.h"
#include "incidents/incidents.h"

/* For data that nobody frees. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define NAME(second) "unit_foo-7-20260131T2359" second "Z"

static const struct pyi_incident_process process = { "boot-1", 7, 123456, "unit:foo" };

static int set_up(void **state)
{
	char *folder = strdup("/tmp/pyinspect-test-XXXXXX");

	assert_non_null(folder);
	assert_non_null(mkdtemp(folder));
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	assert_int_equal(system(command), 0);
	free(*state);
	return 0;
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Of all processes, those of which nothing but evidence is left among them. */
static void test_list_of_all(void **state)
{
	struct pyi_check_finding findings[] = {
		{ .rule = TEXT("max-rss"), .status = PYI_CHECK_WARNING },
		{ .rule = TEXT("growing-containers"),
		  .subject = TEXT("foo.cache"),
		  .status = PYI_CHECK_CRITICAL },
	};
	const struct pyi_check check = { .findings = findings, .count = 2 };
	struct pyi_incidents incidents = { .lock_fd = -1 };
	const char *folder_of_state = *state;
	struct pyi_incident_list list;
	char parent[96];
	char folder[160];

	assert_null(pyi_incident_list_read(folder_of_state, &list));
	assert_int_equal(list.count + list.damaged, 0);
	pyi_incident_list_deinit(&list);
	snprintf(parent, sizeof(parent), "%s/evidence", folder_of_state);
	assert_null(pyi_incidents_open(folder_of_state, &process, &incidents));
	assert_null(pyi_incidents_update(&incidents, &check, false, 1769900000));
	incidents.items[1].evidence = strdup(NAME("59"));
	assert_null(pyi_incidents_save(&incidents));
	pyi_incidents_close(&incidents);
	snprintf(folder, sizeof(folder), "%s/incidents", folder_of_state);
	write_file(folder, "8-1.json", "{ \"boot_id\": 3 }");
	write_file(folder, "9-1.json.lock", "");
	/* The evidence that is named is not complete. */
	assert_null(pyi_incident_list_read(folder_of_state, &list));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.damaged, 1);
	assert_string_equal(list.items[0].rule, "growing-containers");
	assert_string_equal(list.items[0].subject, "foo.cache");
	assert_int_equal(list.items[0].status, PYI_CHECK_CRITICAL);
	assert_int_equal(list.items[0].since_s, 1769900000);
	assert_string_equal(list.items[1].target, "unit:foo");
	assert_string_equal(list.items[1].boot_id, "boot-1");
	assert_int_equal(list.items[1].pid, 7);
	assert_int_equal(list.items[1].start_ticks, 123456);
	assert_null(list.items[0].evidence);
	pyi_incident_list_deinit(&list);
	/* Of the other one only that is left. */
	assert_int_equal(mkdir(parent, 0700), 0);
	snprintf(folder, sizeof(folder), "%s/%s", parent, NAME("59"));
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(folder, sizeof(folder), "%s/%s", parent, "a-b-12-20260201T000001Z");
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(folder, sizeof(folder), "%s/%s", parent, "-20260201T000002Z.partial");
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_null(pyi_incident_list_read(folder_of_state, &list));
	assert_int_equal(list.count, 3);
	assert_true(list.items[0].over && !list.items[1].over);
	assert_string_equal(list.items[0].target, "a-b");
	assert_int_equal(list.items[0].pid, 12);
	assert_int_equal(list.items[0].since_s, 1769904001);
	assert_string_equal(list.items[0].evidence, "a-b-12-20260201T000001Z");
	assert_string_equal(list.items[1].evidence, NAME("59"));
	pyi_incident_list_deinit(&list);
	/* What others can write to is not believed. */
	assert_int_equal(chmod(parent, 0777), 0);
	{
		struct pyi_error *error = pyi_incident_list_read(folder_of_state, &list);

		assert_non_null(error);
		assert_int_equal(error->code, PYI_ERROR_NO_INCIDENTS);
		pyi_error_destroy(error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list_of_all, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
