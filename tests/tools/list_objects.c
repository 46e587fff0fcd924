/*
 * For tests: writes every object of a Python process to stdout, as binary records
 * {u64 address, u64 address of its type, u64 bytes} of the machine's byte order.
 *
 *     list_objects PID
 *
 * Does not judge: it exits with 5 if the session says that something is missing, else as pyinspect.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "heap/census.h"
#include "tracee/wait.h"
#include "own_broker.h"

enum {
	FIRST_CAPACITY = 1 << 16,
	TIMEOUT_MS = 120000,
	MAX_PAUSE_MS = 10000,
};

struct entry {
	uint64_t addr;
	uint64_t type_addr;
	uint64_t bytes;
};

/* What was gathered of the snapshot at hand; only written when that turned out to be the last. */
struct listing {
	struct entry *entries;
	size_t count;
	size_t capacity;
	bool out_of_memory;
};

static void gather(void *argument, const struct pyi_record_object *record)
{
	struct listing *listing = argument;

	if (listing->count == listing->capacity) {
		size_t capacity = listing->capacity ? 2 * listing->capacity : FIRST_CAPACITY;
		struct entry *entries = realloc(listing->entries, capacity * sizeof(*entries));

		listing->out_of_memory |= !entries;
		if (!entries)
			return;
		listing->entries = entries;
		listing->capacity = capacity;
	}
	listing->entries[listing->count++] = (struct entry){
		.addr = record->addr,
		.type_addr = record->type_addr,
		.bytes = record->bytes,
	};
}

static void forget(void *argument)
{
	((struct listing *)argument)->count = 0;
}

static int write_out(const struct pyi_session *session, const struct listing *listing)
{
	const struct pyi_record_summary *summary = &session->summary;

	if (listing->out_of_memory ||
	    fwrite(listing->entries, sizeof(listing->entries[0]), listing->count, stdout) !=
		    listing->count ||
	    fflush(stdout)) {
		fprintf(stderr, "list_objects: cannot keep or write all of them\n");
		return PYI_EXIT_FAILED;
	}
	if (!session->consistent || summary->skipped_objects ||
	    summary->objects != listing->count) {
		fprintf(stderr, "list_objects: %s; %llu skipped, %llu counted, %zu listed\n",
			session->inconsistency ? session->inconsistency : "consistent",
			(unsigned long long)summary->skipped_objects,
			(unsigned long long)summary->objects, listing->count);
		return PYI_EXIT_INCOMPLETE;
	}
	return PYI_EXIT_OK;
}

static struct pyi_error *run(pid_t pid, struct listing *listing, int *ret_exit)
{
	struct pyi_session_options options = {
		.max_pause_ms = MAX_PAUSE_MS,
		.max_total_pause_ms = 4.0 * MAX_PAUSE_MS,
		.deadline_ns = pyi_clock_deadline(TIMEOUT_MS, PYI_CLOCK_NEVER),
	};
	struct pyi_census census;
	struct pyi_session session;
	struct pyi_error *error = own_broker_start(&options.broker_fd);

	if (error)
		return error;
	error = pyi_session_open(pid, &options, &session);
	if (!error)
		error = pyi_session_census(&session, PYI_CENSUS_ALL | PYI_CENSUS_OBJECTS, gather,
					   forget, listing, &census);
	if (!error) {
		*ret_exit = write_out(&session, listing);
		pyi_census_deinit(&census);
	}
	pyi_session_close(&session);
	return error;
}

int main(int argc, char **argv)
{
	struct listing listing = { 0 };
	int exit_code = PYI_EXIT_OK;
	struct pyi_error *error;

	if (argc != 2) {
		fprintf(stderr, "usage: list_objects PID\n");
		return PYI_EXIT_USAGE;
	}
	pyi_wait_init();
	error = run((pid_t)strtol(argv[1], NULL, 10), &listing, &exit_code);
	if (error) {
		fprintf(stderr, "list_objects: %s (%s)\n", error->message,
			pyi_error_code_name(error->code));
		exit_code = error->exit;
		pyi_error_destroy(error);
	}
	free(listing.entries);
	return exit_code;
}
