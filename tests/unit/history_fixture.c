/*
 * Invented processes and samples for the tests of the history. Does not judge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>

#include "base/clock.h"
#include "history_fixture.h"

int history_set_up(void **state)
{
	struct history_fixture *fixture = calloc(1, sizeof(*fixture));

	/* In memory, if there is such a place: each sample that is added is synced. */
	strcpy(fixture->folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/pyinspect-history-XXXXXX"
							      : "/tmp/pyinspect-history-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/history.sqlite", fixture->folder);
	fixture->process = history_process(4242);
	*state = fixture;
	return 0;
}

static int drop(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

int history_tear_down(void **state)
{
	struct history_fixture *fixture = *state;

	pyi_history_close(fixture->history);
	nftw(fixture->folder, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(fixture);
	return 0;
}

void history_open(struct history_fixture *fixture, bool read_only)
{
	struct pyi_error *error;

	pyi_history_close(fixture->history);
	fixture->history = NULL;
	error = pyi_history_open(fixture->path, read_only, PYI_CLOCK_NEVER, &fixture->history);
	if (error)
		fail_msg("%s", error->message);
}

void history_refused(const char *path, bool read_only, const char *message)
{
	struct pyi_history *history = NULL;
	struct pyi_error *error = pyi_history_open(path, read_only, PYI_CLOCK_NEVER, &history);

	assert_null(history);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "no-history");
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	assert_non_null(error->hint);
	if (!strstr(error->message, message))
		fail_msg("\"%s\" does not say \"%s\"", error->message, message);
	pyi_error_destroy(error);
}

struct pyi_history_process history_process(int64_t pid)
{
	static char exe[] = "/usr/bin/python3.11";
	static char target[] = "unit:firewalld.service";

	return (struct pyi_history_process){
		.boot_id = "6a3a2c1e-0000-4000-8000-123456789abc",
		.pid = pid,
		.start_ticks = 987654,
		.exe = exe,
		.target = target,
	};
}

struct pyi_sample history_sample(int64_t time_s, unsigned figures, uint64_t count)
{
	struct pyi_sample sample = { .time_s = time_s, .age_s = (uint64_t)(time_s - 1000000) };
	char name[32];

	for (unsigned f = 0; f < figures; f++) {
		snprintf(name, sizeof(name), "t%u", f);
		assert_null(pyi_sample_add(&sample, PYI_FIGURE_TYPE, name, count, 100 * count));
	}
	pyi_sample_sort(&sample);
	return sample;
}

void history_add(struct history_fixture *fixture, int64_t time_s, unsigned figures, uint64_t count)
{
	struct pyi_sample sample = history_sample(time_s, figures, count);
	struct pyi_error *error = pyi_history_add(fixture->history, &fixture->process, &sample);

	if (error)
		fail_msg("%s", error->message);
	pyi_sample_deinit(&sample);
}
