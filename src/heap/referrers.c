/*
 * The examinations of `referrers` and `referents`. Merging and ordering is analysis/referrers.h's.
 */
#include "heap/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "python/objects.h"

enum {
	/* More than the payload has room for: payloads/graph.h. */
	GROUP_LIMIT = 1 << 18,
};

struct run {
	struct pyi_session *session;
	const struct pyi_subject *subject;
	enum pyi_job job;
	unsigned depth;

	/* Of the snapshot being examined: */
	struct pyi_subject_found *found;
	struct pyi_modelled_types modelled;
	struct pyi_referrers answer;
	/* The level that groups are added to, and how deep it is. */
	struct pyi_referrer_list *level;
	unsigned level_number;
	struct pyi_error *error;
};

/* The type of what refers, or of what is referred to; 0: it is a root. */
static uint64_t type_addr_of(const struct run *run, const struct pyi_record_group *record)
{
	return run->job == PYI_JOB_REFERENTS ? record->referent_type_addr : record->type_addr;
}

static char *type_of_group(const struct run *run, const struct pyi_record_group *record)
{
	uint64_t type = type_addr_of(run, record);

	if (record->owner.holder == PYI_HOLDER_OTHER)
		return strdup("(other)");
	return type ? pyi_subject_type_name(run->found, type) : strdup("");
}

/* Of those that are in the same group, whatever they are, nobody knows. */
static bool is_estimated(const struct run *run, const struct pyi_record_group *record)
{
	const struct pyi_places *places = &run->found->places;
	uint64_t type = type_addr_of(run, record);

	if (record->owner.holder == PYI_HOLDER_OTHER)
		return true;
	return type && pyi_objects_size_is_estimated(places->runtime, places->reader, type,
						     run->modelled.addrs, run->modelled.count);
}

static uint64_t size_of(const struct pyi_referrer_group *group)
{
	return sizeof(*group) + strlen(group->type) + strlen(group->edge) +
	       (group->owner ? strlen(group->owner) : 0);
}

/* As the payload sums up what it has no room for. */
static void leave_out_names(struct pyi_referrer_group *group)
{
	free(group->type);
	free(group->edge);
	free(group->owner);
	group->type = strdup("(other)");
	group->edge = strdup("");
	group->owner = NULL;
}

static struct pyi_error *add_group(struct run *run, const struct pyi_record_group *record)
{
	bool other = record->owner.holder == PYI_HOLDER_OTHER;
	struct pyi_referrer_group group = {
		.type = type_of_group(run, record),
		.edge = other ? strdup("")
			      : pyi_places_edge(&run->found->places, record->type_addr,
						&record->edge),
		.internal = record->edge.internal,
		.objects = record->objects,
		.references = record->references,
		.bytes = record->bytes,
		.estimated = is_estimated(run, record),
		.example_addr = record->example_addr,
		.numbers = malloc(sizeof(*group.numbers)),
		.number_count = 1,
	};
	bool no_owner = other;

	if (run->level->count >= GROUP_LIMIT) {
		free(group.type);
		free(group.edge);
		free(group.numbers);
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
					"the payload's answer is broken: too many groups");
	}
	if (!other)
		group.owner = pyi_places_owner(&run->found->places, &record->owner, &no_owner);
	if (!group.type || !group.edge || !group.numbers || (!group.owner && !no_owner)) {
		free(group.type);
		free(group.edge);
		free(group.owner);
		free(group.numbers);
		return pyi_error_no_memory();
	}
	group.numbers[0] = record->number;
	if (!other && !pyi_session_has_room(run->session, size_of(&group))) {
		leave_out_names(&group);
		other = true;
	}
	run->answer.truncated |= other;
	return pyi_referrers_add(run->level, group);
}

static struct pyi_error *take_record(void *argument, uint32_t kind, const void *record)
{
	return kind == PYI_RECORD_GROUP ? add_group(argument, record) : NULL;
}

/* The biggest group of objects: roots are no objects, and a merged rest leads nowhere. */
static struct pyi_referrer_group *biggest(const struct pyi_referrer_list *list)
{
	for (size_t g = 0; g < list->count; g++)
		if (list->groups[g].type[0] && list->groups[g].type[0] != '(' &&
		    list->groups[g].number_count)
			return &list->groups[g];
	return NULL;
}

static size_t next_level(void *argument, uint64_t *ret_numbers, size_t limit)
{
	struct run *run = argument;
	struct pyi_referrer_group *group;
	size_t count;

	run->error = pyi_referrers_merge(run->level);
	if (run->error || ++run->level_number >= run->depth)
		return 0;
	group = biggest(run->level);
	if (!group)
		return 0;
	group->referrers = calloc(1, sizeof(*group->referrers));
	if (!group->referrers) {
		run->error = pyi_error_no_memory();
		return 0;
	}
	run->level = group->referrers;
	count = group->number_count < limit ? group->number_count : limit;
	memcpy(ret_numbers, group->numbers, count * sizeof(*ret_numbers));
	return count;
}

static struct pyi_error *add_classes(struct run *run, const struct pyi_walk_result *result)
{
	struct pyi_error *error = NULL;

	for (size_t t = 0; t < result->type_count && !error; t++) {
		char *name = pyi_subject_type_name(run->found, result->types[t].type_addr);

		if (!name)
			return pyi_error_no_memory();
		run->answer.instances += result->types[t].count;
		error = pyi_referrers_add_class(&run->answer, name, result->types[t].count);
	}
	pyi_referrers_sort_classes(&run->answer);
	return error;
}

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_subject_found_deinit) struct pyi_subject_found found = { 0 };
	struct run *run = argument;
	struct pyi_walk_result result = { 0 };
	struct pyi_walk_request request;
	struct pyi_error *error;

	pyi_referrers_deinit(&run->answer);
	run->level = &run->answer.list;
	run->level_number = 0;
	error = pyi_subject_find(run->subject, session, snapshot, interpreters, &found);
	if (error)
		return error;
	run->found = &found;
	run->session = session;
	run->answer.exact = run->subject->exact;
	run->answer.address = run->subject->address;
	request = pyi_subject_request(&found, run->subject, run->job);
	request.record = take_record;
	request.modelled = &run->modelled;
	request.level = next_level;
	request.record_argument = run;
	error = pyi_session_walk(session, snapshot, interpreters, &request, &result);
	if (!error) {
		error = run->error;
		run->error = NULL;
	}
	if (!error && run->job == PYI_JOB_REFERENTS)
		error = pyi_referrers_merge(run->level);
	if (!error)
		error = add_classes(run, &result);
	if (!error) {
		run->answer.type = found.name;
		found.name = NULL;
	}
	pyi_walk_result_deinit(&result);
	pyi_error_destroy(run->error);
	run->error = NULL;
	return error;
}

static struct pyi_error *answer(struct pyi_session *session, struct run *run,
				struct pyi_referrers *ret_referrers)
{
	const struct pyi_examination examination = { examine, run };
	struct pyi_error *error = pyi_session_examine(session, &examination);

	if (error) {
		pyi_referrers_deinit(&run->answer);
		return error;
	}
	*ret_referrers = run->answer;
	return NULL;
}

struct pyi_error *pyi_session_referrers(struct pyi_session *session,
					const struct pyi_subject *subject, unsigned depth,
					struct pyi_referrers *ret_referrers)
{
	struct run run = { .subject = subject, .job = PYI_JOB_REFERRERS, .depth = depth };

	return answer(session, &run, ret_referrers);
}

struct pyi_error *pyi_session_referents(struct pyi_session *session,
					const struct pyi_subject *subject,
					struct pyi_referrers *ret_referents)
{
	struct run run = { .subject = subject, .job = PYI_JOB_REFERENTS, .depth = 1 };

	return answer(session, &run, ret_referents);
}
