/*
 * What the tests of the history share: a folder of their own, invented processes and samples.
 */
#ifndef PYI_TESTS_HISTORY_FIXTURE_H
#define PYI_TESTS_HISTORY_FIXTURE_H

#include <stdint.h>

#include "history/history.h"

struct history_fixture {
	/* A new folder, mode 0700, and the file "history.sqlite" in it. */
	char folder[64];
	char path[128];
	/* Opened for writing by history_open(). */
	struct pyi_history *history;
	struct pyi_history_process process;
};

/* For cmocka; the folder goes with the test. */
int history_set_up(void **state);
int history_tear_down(void **state);

/* Opens the file, or the test fails. */
void history_open(struct history_fixture *fixture, bool read_only);
/* The test fails unless that is refused with such a message and with a hint. */
void history_refused(const char *path, bool read_only, const char *message);
/* A process of that number, by the name "unit:PID.service". */
struct pyi_history_process history_process(int64_t pid);
/* A sample of that moment of the process, with `figures` types "t0", "t1", ... of `count` objects
 * each; it lives `time_s - 1000000` seconds. */
struct pyi_sample history_sample(int64_t time_s, unsigned figures, uint64_t count);
/* Adds such a sample for the fixture's process. */
void history_add(struct history_fixture *fixture, int64_t time_s, unsigned figures, uint64_t count);

#endif
