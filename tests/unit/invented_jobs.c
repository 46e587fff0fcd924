/*
 * The host's half of a job: takes records, answers levels. Does not judge the records.
 */
#include "invented_jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	/* Directory, types, places, groups. */
	FIXED_ARENA_BYTES = 96 << 20,
	/* Marks and two sets of objects, for two GiB. */
	CHUNKS_ARENA_BYTES = 6 * (8 << 20),
	SELECTION_LIMIT = 64,
};

struct context {
	const struct pyi_payload_arguments *arguments;
	const struct invented_job *job;
	struct invented_answer *answer;
	struct pyi_walk_request request;
	uint64_t selection[SELECTION_LIMIT];
	unsigned done_messages;
	uint64_t done_status;
};

static size_t size_of_record(uint32_t kind)
{
	switch (kind) {
	case PYI_RECORD_GROUP:
		return sizeof(struct pyi_record_group);
	case PYI_RECORD_LARGE:
		return sizeof(struct pyi_record_large);
	case PYI_RECORD_CONTENTS:
		return sizeof(struct pyi_record_contents);
	default:
		return 0;
	}
}

static struct pyi_error *take_record(void *argument, uint32_t kind, const void *bytes)
{
	struct context *context = argument;
	struct invented_answer *answer = context->answer;
	struct invented_record *record;

	if (answer->record_count == answer->record_capacity) {
		answer->record_capacity =
			answer->record_capacity ? 2 * answer->record_capacity : 64;
		answer->records = realloc(answer->records,
					  answer->record_capacity * sizeof(*answer->records));
		assert_non_null(answer->records);
	}
	record = &answer->records[answer->record_count++];
	*record = (struct invented_record){ .kind = kind, .level = answer->levels };
	if (kind == PYI_RECORD_TEXT) {
		const struct pyi_record_text *text = bytes;

		memcpy(&record->text, text, text->size_bytes);
	} else {
		assert_true(size_of_record(kind) > 0);
		memcpy(&record->group, bytes, size_of_record(kind));
	}
	return NULL;
}

static uint64_t answer_level(struct context *context)
{
	const struct invented_job *job = context->job;
	size_t count = 0;

	assert_int_equal(job->job, PYI_JOB_REFERRERS);
	if (job->level)
		count = job->level(job->level_argument, context->answer, context->selection,
				   SELECTION_LIMIT);
	context->answer->levels++;
	return count;
}

static uint64_t take_message(void *argument, uint64_t number, uint64_t first, uint64_t second)
{
	struct context *context = argument;
	struct pyi_error *error;

	/* Nothing after the end. */
	assert_int_equal(context->done_messages, 0);
	switch (number) {
	case PYI_MESSAGE_RECORDS:
		assert_true(first == context->arguments->records_addr);
		assert_true(second && second <= context->arguments->records_bytes);
		error = pyi_walk_decode((const uint8_t *)(uintptr_t)first, (size_t)second,
					&context->request, &context->answer->result);
		if (error)
			fail_msg("%s", error->message);
		break;
	case PYI_MESSAGE_LEVEL:
		return answer_level(context);
	case PYI_MESSAGE_PROGRESS:
		break;
	case PYI_MESSAGE_DONE:
		context->done_messages++;
		context->done_status = first;
		break;
	default:
		fail_msg("a message 0x%llx", (unsigned long long)number);
	}
	return 0;
}

static void add_known_types(struct pyi_payload_arguments *arguments, const struct invented_job *job)
{
	size_t count = 0;

	while (arguments->known_types[count].type_addr)
		count++;
	assert_true(count + job->known_type_count <= PYI_KNOWN_TYPES);
	if (job->known_type_count)
		memcpy(&arguments->known_types[count], job->known_types,
		       job->known_type_count * sizeof(*job->known_types));
}

void invented_job(const struct invented_heap *heap, const struct invented_job *job,
		  struct invented_answer *ret_answer)
{
	struct pyi_payload_arguments arguments = invented_arguments(heap);
	struct context context = {
		.arguments = &arguments,
		.job = job,
		.answer = ret_answer,
		.request = { .record = take_record, .record_argument = &context },
	};

	arguments.arena_bytes = job->arena_bytes
					? job->arena_bytes
					: FIXED_ARENA_BYTES + CHUNKS_ARENA_BYTES +
						  (heap->range.end_addr - heap->range.start_addr);
	if (job->records_bytes)
		arguments.records_bytes = job->records_bytes;
	arguments.job = job->job;
	arguments.meant_types_addr = (uintptr_t)job->meant_types;
	arguments.meant_type_count = job->meant_type_count;
	arguments.meant_object_addr = job->meant_object;
	arguments.starts_addr = (uintptr_t)job->starts;
	arguments.start_count = job->start_count;
	arguments.roots_addr = (uintptr_t)job->roots;
	arguments.root_count = job->root_count;
	arguments.limit = job->limit;
	arguments.selection_addr = (uintptr_t)context.selection;
	arguments.selection_limit = SELECTION_LIMIT;
	add_known_types(&arguments, job);
	*ret_answer = (struct invented_answer){ 0 };
	ret_answer->status = invented_walk(&arguments, take_message, &context, &ret_answer->faults);

	assert_int_equal(context.done_messages, 1);
	assert_int_equal(context.done_status, ret_answer->status);
	assert_int_equal(ret_answer->result.summary.kind,
			 ret_answer->status == PYI_PAYLOAD_OK ? PYI_RECORD_SUMMARY : 0);
}

void invented_answer_deinit(struct invented_answer *answer)
{
	pyi_walk_result_deinit(&answer->result);
	free(answer->records);
	*answer = (struct invented_answer){ 0 };
}

size_t invented_answer_count(const struct invented_answer *answer, uint32_t kind)
{
	size_t count = 0;

	for (size_t r = 0; r < answer->record_count; r++)
		count += answer->records[r].kind == kind;
	return count;
}

const struct invented_record *invented_answer_at(const struct invented_answer *answer,
						 uint32_t kind, size_t index)
{
	for (size_t r = 0; r < answer->record_count; r++)
		if (answer->records[r].kind == kind && index-- == 0)
			return &answer->records[r];
	fail_msg("there are too few records of kind %u", kind);
	return NULL;
}
