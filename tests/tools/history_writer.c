/*
 * Adds samples to a history, for tests.
 *
 *     history_writer FILE PID FIRST COUNT STEP_S FIGURES
 *
 * Adds COUNT samples of process PID (it need not exist), numbers FIRST, FIRST + 1, ...: each STEP_S
 * seconds after the one before, with FIGURES types whose counts are all the sample's number, and a
 * process figure rss of that number. Says "added NUMBER" on stdout after each. Exits with 1 and the
 * error's message on stderr if one cannot be added.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "history/history.h"

/* The first sample's time: some day in 2023. */
#define BASE_S INT64_C(1700000000)

static struct pyi_error *make_sample(uint64_t number, int64_t step_s, unsigned figures,
				     struct pyi_sample *ret_sample)
{
	struct pyi_error *error;
	char name[64];

	*ret_sample = (struct pyi_sample){
		.time_s = BASE_S + (int64_t)number * step_s,
		.age_s = number * (uint64_t)step_s,
	};
	error = pyi_sample_add(ret_sample, PYI_FIGURE_PROCESS, PYI_FIGURE_RSS, number, 0);
	for (unsigned f = 0; !error && f < figures; f++) {
		snprintf(name, sizeof(name), "package.module%u.ClassOfSomeLength%u", f / 10, f);
		error = pyi_sample_add(ret_sample, PYI_FIGURE_TYPE, name, number, 96 * number);
	}
	pyi_sample_sort(ret_sample);
	return error;
}

int main(int argc, char **argv)
{
	struct pyi_history *history = NULL;
	struct pyi_history_process process = { .start_ticks = 1000 };
	struct pyi_error *error;
	char target[32];
	uint64_t first;
	uint64_t count;

	if (argc != 7) {
		fputs("usage: history_writer FILE PID FIRST COUNT STEP_S FIGURES\n", stderr);
		return 2;
	}
	process.pid = strtol(argv[2], NULL, 10);
	first = strtoull(argv[3], NULL, 10);
	count = strtoull(argv[4], NULL, 10);
	snprintf(target, sizeof(target), "unit:writer%" PRId64 ".service", process.pid);
	snprintf(process.boot_id, sizeof(process.boot_id), "11111111-2222-4333-8444-555555555555");
	process.target = target;
	error = pyi_history_open(argv[1], false, PYI_CLOCK_NEVER, &history);
	for (uint64_t number = first; !error && number < first + count; number++) {
		PYI_CLEANUP(pyi_sample_deinit) struct pyi_sample sample = { 0 };

		error = make_sample(number, strtol(argv[5], NULL, 10),
				    (unsigned)strtoul(argv[6], NULL, 10), &sample);
		if (!error)
			error = pyi_history_add(history, &process, &sample);
		if (!error) {
			printf("added %" PRIu64 "\n", number);
			fflush(stdout);
		}
	}
	pyi_history_close(history);
	if (!error)
		return 0;
	fprintf(stderr, "%s: %s\n", pyi_error_code_name(error->code), error->message);
	pyi_error_destroy(error);
	return 1;
}
