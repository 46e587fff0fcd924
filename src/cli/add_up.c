/*
 * What all reports of several processes have in common: reading, the envelope, comparing.
 */
#include "cli/add_up.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	DIFFERENCES = 5,
};

/* So many times the median of the others, and so much more, is a difference. */
#define FAR_MORE 4.0
#define LEAST_MORE 100.0
/* Doubles below are whole numbers without a gap. */
#define NOT_RESTORED                                                                               \
	"nobody knows whether it is as it was: pyinspect had to be ended while it worked on it"
#define WHOLE_LIMIT 9007199254740992.0

const char *pyi_part_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

double pyi_part_number(const cJSON *object, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

uint64_t pyi_part_unsigned(const cJSON *object, const char *key)
{
	double number = pyi_part_number(object, key);

	if (!(number > 0))
		return 0;
	return number < WHOLE_LIMIT ? (uint64_t)number : (uint64_t)WHOLE_LIMIT;
}

void pyi_parts_take(struct pyi_parts *parts, struct pyi_part *part, int fd)
{
	struct stat status;
	size_t size;

	if (fstat(fd, &status) != 0) {
		part->lost = "its report cannot be read";
		return;
	}
	size = (size_t)status.st_size;
	if (size > parts->text_limit || size > parts->room_bytes) {
		part->lost = "its report is too large";
		return;
	}
	part->text = malloc(size + 1);
	if (!part->text || pread(fd, part->text, size, 0) != status.st_size) {
		free(part->text);
		part->text = NULL;
		part->lost = "its report cannot be read";
		return;
	}
	part->size = size;
	parts->room_bytes -= size;
}

struct pyi_error *pyi_part_not_restored(const struct pyi_part *part)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_NOT_RESTORED, PYI_ERROR_NOT_RESTORED,
					       "process %d: %s", (int)part->pid, NOT_RESTORED),
			      "run pyinspect on it once more: a run that makes a clone reaps what "
			      "is left");
}

static void read_part(struct pyi_part *part)
{
	const cJSON *error;

	part->json = part->text ? cJSON_ParseWithLength(part->text, part->size) : NULL;
	part->result = cJSON_GetObjectItemCaseSensitive(part->json, "result");
	if (cJSON_IsObject(part->result))
		return;
	part->result = NULL;
	error = cJSON_GetObjectItemCaseSensitive(part->json, "error");
	part->error_code = pyi_part_text(error, "code");
	part->error_message = pyi_part_text(error, "message");
	part->error_hint = pyi_part_text(error, "hint");
}

const char *pyi_part_lost(const struct pyi_part *part)
{
	if (part->not_restored)
		return NOT_RESTORED;
	return part->lost ? part->lost : "it could not be looked at";
}

/* The code of that name; that of a lost worker if there is none. */
static enum pyi_error_code find_code(const char *name)
{
	for (int code = 0; name && code < PYI_ERROR_CODE_COUNT; code++) {
		const char *known = pyi_error_code_name((enum pyi_error_code)code);

		if (strcmp(known, name) == 0)
			return (enum pyi_error_code)code;
	}
	return PYI_ERROR_WORKER_LOST;
}

bool pyi_part_is_left_out(const struct pyi_part *part)
{
	if (!part->error_code || part->not_restored)
		return false;
	switch (find_code(part->error_code)) {
	case PYI_ERROR_NOT_PYTHON:
	case PYI_ERROR_NO_SUCH_PROCESS:
	case PYI_ERROR_TOO_YOUNG:
		return true;
	default:
		return false;
	}
}

static bool add_member(struct pyi_sum *sum, const struct pyi_part *part)
{
	const cJSON *target = cJSON_GetObjectItemCaseSensitive(part->json, "target");
	const char *python = pyi_part_text(target, "python");
	const char *exe = pyi_part_text(target, "exe");
	struct pyi_group_member *member = &sum->group.members[sum->group.member_count++];

	*member = (struct pyi_group_member){
		.pid = part->pid,
		.exe = exe ? strdup(exe) : NULL,
		.python = python ? strdup(python) : NULL,
		.rss_bytes = pyi_part_unsigned(target, "rss_bytes"),
		.objects = pyi_part_unsigned(part->result, "objects"),
		.bytes = pyi_part_unsigned(part->result, "bytes"),
	};
	return (!exe || member->exe) && (!python || member->python);
}

static void add_warnings(struct pyi_envelope *envelope, const struct pyi_part *part)
{
	const cJSON *warning;

	cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(part->json, "warnings"))
	{
		const char *code = pyi_part_text(warning, "code");
		const char *message = pyi_part_text(warning, "message");

		if (code && message)
			pyi_envelope_warn(envelope, code, "process %d: %s", (int)part->pid,
					  message);
	}
}

static void add_envelope(struct pyi_envelope *envelope, const struct pyi_part *part)
{
	const cJSON *target = cJSON_GetObjectItemCaseSensitive(part->json, "target");
	const cJSON *access = cJSON_GetObjectItemCaseSensitive(part->json, "access");
	const cJSON *cost = cJSON_GetObjectItemCaseSensitive(part->json, "cost");
	const char *source = pyi_part_text(access, "source");
	double longest = pyi_part_number(cost, "longest_pause_ms");
	const cJSON *residue;

	envelope->interpreters += pyi_part_unsigned(target, "interpreters");
	envelope->rss_bytes += pyi_part_unsigned(target, "rss_bytes");
	/* One that was copied otherwise is what there is to say. */
	if (!envelope->source || (source && strcmp(source, "mirror") == 0))
		envelope->source = source ? source : "none";
	envelope->consistent &=
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(access, "consistent"));
	envelope->attempts += pyi_part_unsigned(access, "attempts");
	envelope->paused_ms += pyi_part_number(cost, "paused_ms");
	if (longest > envelope->longest_pause_ms)
		envelope->longest_pause_ms = longest;
	envelope->snapshot_ms += pyi_part_number(cost, "snapshot_ms");
	envelope->elapsed_ms += pyi_part_number(cost, "elapsed_ms");
	if (pyi_part_unsigned(cost, "snapshot_bytes") > envelope->snapshot_bytes)
		envelope->snapshot_bytes = pyi_part_unsigned(cost, "snapshot_bytes");
	cJSON_ArrayForEach(residue, cJSON_GetObjectItemCaseSensitive(cost, "residue"))
	{
		if (cJSON_GetStringValue(residue))
			pyi_envelope_add_residue(envelope, cJSON_GetStringValue(residue),
						 "of one of the processes");
	}
	add_warnings(envelope, part);
}

/* Why one has no result. */
static struct pyi_error *no_result(const struct pyi_part *part)
{
	enum pyi_exit exit = PYI_EXIT_FAILED;
	struct pyi_error *error;

	if (part->not_restored)
		return pyi_part_not_restored(part);
	if (!part->error_message)
		return pyi_error_create(exit, PYI_ERROR_WORKER_LOST, "process %d: %s",
					(int)part->pid, pyi_part_lost(part));
	if (part->exit_code > 0 && part->exit_code <= PYI_EXIT_NOT_RESTORED)
		exit = (enum pyi_exit)part->exit_code;
	error = pyi_error_create(exit, find_code(part->error_code), "process %d: %s",
				 (int)part->pid, part->error_message);
	return part->error_hint ? pyi_error_hint(error, "%s", part->error_hint) : error;
}

static struct pyi_error *describe_only(struct pyi_sum *sum)
{
	const struct pyi_group_member *member = &sum->group.members[0];
	struct pyi_envelope *envelope = sum->envelope;

	envelope->group = NULL;
	envelope->pid = member->pid;
	envelope->exe = member->exe ? strdup(member->exe) : NULL;
	envelope->python = member->python ? strdup(member->python) : NULL;
	return (!member->exe || envelope->exe) && (!member->python || envelope->python)
		       ? NULL
		       : pyi_error_no_memory();
}

struct pyi_error *pyi_sum_begin(struct pyi_sum *sum)
{
	struct pyi_parts *parts = sum->parts;
	struct pyi_envelope *envelope = sum->envelope;

	sum->group.name = sum->options->target;
	sum->group.members = calloc(parts->count + 1, sizeof(*sum->group.members));
	if (!sum->group.members)
		return pyi_error_no_memory();
	envelope->consistent = true;
	envelope->group = &sum->group;
	for (size_t p = 0; p < parts->count; p++) {
		struct pyi_part *part = &parts->items[p];

		read_part(part);
		/* What else there is to say of it is said by others. */
		if (part->not_restored)
			pyi_envelope_warn(envelope, "not-restored", "process %d: %s",
					  (int)part->pid, NOT_RESTORED);
		if (part->result) {
			add_envelope(envelope, part);
			if (!add_member(sum, part))
				return pyi_error_no_memory();
		} else if (pyi_part_is_left_out(part)) {
			sum->group.left_out++;
		} else if (!part->not_restored) {
			PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = no_result(part);

			pyi_envelope_warn(envelope, "incomplete", "%s", error->message);
		}
	}
	/* A service of one process is a report of that one. */
	if (sum->group.member_count == 1 && sum->group.left_out == parts->count - 1)
		return describe_only(sum);
	if (sum->group.member_count)
		return NULL;
	for (size_t p = 0; p < parts->count; p++)
		if (parts->items[p].not_restored)
			return pyi_part_not_restored(&parts->items[p]);
	/* One that could be Python says more than one that is none. */
	for (size_t p = 0; p < parts->count; p++)
		if (!pyi_part_is_left_out(&parts->items[p]))
			return no_result(&parts->items[p]);
	return no_result(&parts->items[0]);
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

struct pyi_error *pyi_sum_compare(struct pyi_sum *sum, const char *what, const double *counts)
{
	struct pyi_group *group = &sum->group;
	size_t members = group->member_count;
	PYI_CLEANUP(pyi_guard_free) double *ordered = calloc(members + 1, sizeof(*ordered));
	struct pyi_group_difference *longer;
	size_t most = 0;
	double others;
	char *copy;

	if (!ordered)
		return pyi_error_no_memory();
	/* Of two nobody knows which is the odd one. */
	if (members < 3)
		return NULL;
	memcpy(ordered, counts, members * sizeof(*ordered));
	qsort(ordered, members, sizeof(*ordered), compare);
	for (size_t m = 1; m < members; m++)
		if (counts[m] > counts[most])
			most = m;
	others = ordered[(members - 1) / 2];
	if (counts[most] < others * FAR_MORE || counts[most] < others + LEAST_MORE)
		return NULL;
	longer = reallocarray(group->differences, group->difference_count + 1, sizeof(*longer));
	if (!longer)
		return pyi_error_no_memory();
	group->differences = longer;
	copy = strdup(what);
	if (!copy)
		return pyi_error_no_memory();
	longer[group->difference_count++] =
		(struct pyi_group_difference){ group->members[most].pid, copy, counts[most],
					       others };
	return NULL;
}

static int largest_first(const void *left, const void *right)
{
	const struct pyi_group_difference *a = left;
	const struct pyi_group_difference *b = right;
	double more = (b->count - b->others) - (a->count - a->others);

	return more != 0 ? (more > 0 ? 1 : -1) : strcmp(a->what, b->what);
}

void pyi_sum_end(struct pyi_sum *sum)
{
	struct pyi_group *group = &sum->group;

	if (group->difference_count)
		qsort(group->differences, group->difference_count, sizeof(*group->differences),
		      largest_first);
	while (group->difference_count > DIFFERENCES)
		free(group->differences[--group->difference_count].what);
}

void pyi_sum_deinit(struct pyi_sum *sum)
{
	if (sum->envelope)
		sum->envelope->group = NULL;
	pyi_group_deinit(&sum->group);
}

void pyi_parts_deinit(struct pyi_parts *parts)
{
	for (size_t p = 0; p < parts->count; p++) {
		cJSON_Delete(parts->items[p].json);
		free(parts->items[p].text);
	}
	free(parts->items);
	*parts = (struct pyi_parts){ 0 };
}
