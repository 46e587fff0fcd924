/*
 * Runs the jobs that follow references on an invented heap, in the test's own process, and keeps
 * the records that they send.
 */
#ifndef PYI_TESTS_INVENTED_JOBS_H
#define PYI_TESTS_INVENTED_JOBS_H

#include "invented_census.h"

struct invented_answer;

struct invented_job {
	enum pyi_job job;
	/* Ascending. */
	const uint64_t *meant_types;
	size_t meant_type_count;
	uint64_t meant_object;
	const uint64_t *starts;
	size_t start_count;
	const struct pyi_payload_root *roots;
	size_t root_count;
	uint64_t limit;
	/* Besides those of the heap. */
	const struct pyi_known_type *known_types;
	size_t known_type_count;
	/* 0: enough. */
	size_t arena_bytes;
	size_t records_bytes;
	/* Answers PYI_MESSAGE_LEVEL; NULL: with 0. */
	size_t (*level)(void *argument, const struct invented_answer *answer, uint64_t *ret_numbers,
			size_t limit);
	void *level_argument;
};

/* A record other than of types and the summary. */
struct invented_record {
	uint32_t kind;
	/* Of groups: after so many messages PYI_MESSAGE_LEVEL. */
	unsigned level;
	union {
		struct pyi_record_group group;
		struct pyi_record_large large;
		struct pyi_record_text text;
		struct pyi_record_contents contents;
	};
};

struct invented_answer {
	enum pyi_payload_status status;
	struct pyi_walk_result result;
	struct invented_record *records;
	size_t record_count;
	size_t record_capacity;
	unsigned levels;
	unsigned faults;
};

/*
 * Fails the test if the walk breaks the contract of pyinspect/payload.h with its messages. To be
 * given back with invented_answer_deinit().
 */
void invented_job(const struct invented_heap *heap, const struct invented_job *job,
		  struct invented_answer *ret_answer);
void invented_answer_deinit(struct invented_answer *answer);

/* How many records of a kind there are. */
size_t invented_answer_count(const struct invented_answer *answer, uint32_t kind);
/* Number `index` of them; fails the test if there is none. */
const struct invented_record *invented_answer_at(const struct invented_answer *answer,
						 uint32_t kind, size_t index);

#endif
