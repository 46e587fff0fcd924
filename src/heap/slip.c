/*
 * The examination of `slip-dbus`. Knows the names that the code in question uses; finds a copy of
 * it by them too. Does not judge.
 */
#include "heap/slip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "heap/subject.h"
#include "python/attributes.h"

enum {
	CONNECTION_LIMIT = 256,
	/* What a name takes besides its text; the str that it comes from takes more. */
	NAME_BYTES = 32,
};

struct run {
	struct pyi_slip answer;

	/* Of the snapshot being examined: */
	struct pyi_session *session;
	struct pyi_source_snapshot *snapshot;
	const struct pyi_subject_found *found;
	uint64_t holder_addr;
	uint64_t senders_addr;
	uint64_t by_connection_addr;
	uint64_t matches_addr;
	uint64_t connection_addr[CONNECTION_LIMIT];
	uint64_t connection_senders_addr[CONNECTION_LIMIT];
	/* What all names take together. */
	uint64_t name_bytes;
	struct pyi_error *error;
};

static bool get_class_attribute(const struct run *run, uint64_t type, const char *name,
				uint64_t *ret_value)
{
	return pyi_attributes_get_class(&run->session->runtime, run->snapshot->reader, type, name,
					ret_value);
}

/* A class that keeps senders as python-slip does. */
static bool is_holder(struct run *run, uint64_t type)
{
	if (!get_class_attribute(run, type, "senders", &run->senders_addr) ||
	    !get_class_attribute(run, type, "connections_senders", &run->by_connection_addr))
		return false;
	if (!get_class_attribute(run, type, "connections_smobjs", &run->matches_addr))
		run->matches_addr = 0;
	run->holder_addr = type;
	return true;
}

static bool has_name(const struct pyi_type *type, const char *name)
{
	return strcmp(type->name, name) == 0;
}

/*
 * By its name, or a copy: among the subclasses of dbus.service.Object, which is where such code
 * must be.
 */
static const struct pyi_type *find_holder(struct run *run)
{
	const struct pyi_type_list *types = &run->found->types;
	uint64_t base = 0;

	for (size_t t = 0; t < types->count; t++) {
		if (has_name(&types->types[t], "slip.dbus.service.Object") &&
		    is_holder(run, types->types[t].addr))
			return &types->types[t];
		if (has_name(&types->types[t], "dbus.service.Object"))
			base = types->types[t].addr;
	}
	for (size_t t = 0; base && t < types->count; t++)
		if (pyi_types_is_subclass(&run->session->runtime, run->snapshot->reader,
					  types->types[t].addr, base) &&
		    is_holder(run, types->types[t].addr))
			return &types->types[t];
	return NULL;
}

static uint64_t type_of(const struct run *run, uint64_t object)
{
	uint64_t type;

	return pyi_memory_try_read_u64(run->snapshot->reader,
				       object + run->session->runtime.layout->object_type, &type)
		       ? type
		       : 0;
}

static bool add_connection(void *argument, uint64_t key, uint64_t value)
{
	struct run *run = argument;
	struct pyi_slip *answer = &run->answer;
	struct pyi_slip_connection *connections;
	PYI_CLEANUP(pyi_guard_free) char *type = NULL;
	char *name = NULL;

	if (answer->connection_count == CONNECTION_LIMIT) {
		answer->unreadable++;
		return false;
	}
	type = pyi_subject_type_name(run->found, type_of(run, key));
	connections =
		realloc(answer->connections, (answer->connection_count + 1) * sizeof(*connections));
	if (connections)
		answer->connections = connections;
	if (!type || !connections || asprintf(&name, "%s at 0x%" PRIx64, type, key) < 0) {
		run->error = pyi_error_no_memory();
		return false;
	}
	run->connection_addr[answer->connection_count] = key;
	run->connection_senders_addr[answer->connection_count] = value;
	connections[answer->connection_count++] = (struct pyi_slip_connection){
		.name = name,
		.bus = strstr(type, "SessionBus") ? "session" : "system",
	};
	return true;
}

/* "arg1=':1.7'" of a match rule. */
static char *find_arg1(const char *rule)
{
	static const char label[] = "arg1='";
	const char *start = strstr(rule, label);
	const char *end;

	if (!start)
		return NULL;
	start += sizeof(label) - 1;
	end = strchr(start, '\'');
	return end ? strndup(start, (size_t)(end - start)) : NULL;
}

static bool add_match(void *argument, uint64_t key, uint64_t value)
{
	struct run *run = argument;
	char rule[PYI_NAME_BYTES];
	uint64_t rule_addr;

	for (size_t c = 0; c < run->answer.connection_count; c++) {
		struct pyi_slip_connection *connection = &run->answer.connections[c];

		if (run->connection_addr[c] != key || connection->has_match)
			continue;
		connection->has_match = true;
		if (pyi_attributes_get(&run->session->runtime, run->snapshot->reader, value,
				       "_rule", &rule_addr) &&
		    pyi_objects_read_str(&run->session->runtime, run->snapshot->reader, rule_addr,
					 rule))
			connection->match_arg1 = find_arg1(rule);
	}
	return true;
}

static struct pyi_error *add_name(struct run *run, const struct pyi_record_text *record)
{
	char text[PYI_TEXT_BYTES + 1];
	struct pyi_name_set *set;

	if (record->start == 0)
		set = &run->answer.sender_names;
	else if (record->start <= run->answer.connection_count)
		set = &run->answer.connections[record->start - 1].senders;
	else
		return NULL;
	if (record->length == 0 || record->length > PYI_TEXT_BYTES ||
	    memchr(record->text, '\0', record->length)) {
		/* Those of `senders` are what its length says more than there are names. */
		run->answer.unreadable += record->start != 0;
		return NULL;
	}
	memcpy(text, record->text, record->length);
	text[record->length] = '\0';
	/* As many as there are, but a name of the target's in more than its own place only once. */
	run->name_bytes += NAME_BYTES + record->length;
	if (run->name_bytes > run->session->heap_bytes) {
		pyi_session_leave_out(run->session);
		return NULL;
	}
	return pyi_name_set_add(set, text);
}

static struct pyi_error *take_record(void *argument, uint32_t kind, const void *record)
{
	const struct pyi_record_contents *contents = record;
	struct run *run = argument;

	if (kind == PYI_RECORD_TEXT)
		return add_name(run, record);
	if (kind == PYI_RECORD_CONTENTS) {
		run->answer.objects += contents->objects;
		run->answer.bytes += contents->bytes;
	}
	return NULL;
}

/* The senders first: what the connections have as well is then counted there. */
static struct pyi_error *read_contents(struct run *run, const struct pyi_interpreters *interpreters)
{
	uint64_t starts[CONNECTION_LIMIT + 3] = { run->senders_addr };
	struct pyi_walk_result result = { 0 };
	struct pyi_walk_request request = {
		.job = PYI_JOB_CONTENTS,
		.starts = starts,
		.start_count = 1,
		.record = take_record,
		.record_argument = run,
	};
	struct pyi_error *error;

	for (size_t c = 0; c < run->answer.connection_count; c++)
		starts[request.start_count++] = run->connection_senders_addr[c];
	starts[request.start_count++] = run->by_connection_addr;
	if (run->matches_addr)
		starts[request.start_count++] = run->matches_addr;
	error = pyi_session_walk(run->session, run->snapshot, interpreters, &request, &result);
	pyi_walk_result_deinit(&result);
	if (error)
		return error;
	if (run->answer.senders > run->answer.sender_names.count)
		run->answer.unreadable += run->answer.senders - run->answer.sender_names.count;
	pyi_name_set_sort(&run->answer.sender_names);
	for (size_t c = 0; c < run->answer.connection_count; c++)
		pyi_name_set_sort(&run->answer.connections[c].senders);
	return NULL;
}

static struct pyi_error *count_instances(struct run *run,
					 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_referrers_deinit) struct pyi_referrers classes = { 0 };
	struct pyi_walk_request request = { .job = PYI_JOB_CENSUS };
	struct pyi_walk_result result = { 0 };
	struct pyi_error *error =
		pyi_session_walk(run->session, run->snapshot, interpreters, &request, &result);

	for (size_t t = 0; t < result.type_count && !error; t++) {
		const struct pyi_record_type *type = &result.types[t];
		char *name;

		if (!pyi_types_is_subclass(&run->session->runtime, run->snapshot->reader,
					   type->type_addr, run->holder_addr))
			continue;
		name = pyi_subject_type_name(run->found, type->type_addr);
		error = name ? pyi_referrers_add_class(&classes, name, type->count)
			     : pyi_error_no_memory();
		run->answer.instances += type->count;
	}
	pyi_walk_result_deinit(&result);
	if (error)
		return error;
	pyi_referrers_sort_classes(&classes);
	run->answer.classes = classes.classes;
	run->answer.class_count = classes.class_count;
	classes.classes = NULL;
	classes.class_count = 0;
	return NULL;
}

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_subject_found_deinit) struct pyi_subject_found found = { 0 };
	struct run *run = argument;
	const struct pyi_type *holder;
	struct pyi_error *error;

	pyi_slip_deinit(&run->answer);
	*run = (struct run){ .session = session, .snapshot = snapshot, .found = &found };
	error = pyi_subject_find(NULL, session, snapshot, interpreters, &found);
	if (error)
		return error;
	holder = find_holder(run);
	if (!holder)
		return NULL;
	run->answer.holder = strdup(holder->name);
	if (!run->answer.holder)
		return pyi_error_no_memory();
	if (!pyi_attributes_length(&session->runtime, snapshot->reader, run->senders_addr,
				   &run->answer.senders) ||
	    !pyi_attributes_each_item(&session->runtime, snapshot->reader, run->by_connection_addr,
				      add_connection, run))
		run->answer.unreadable++;
	if (!run->error && run->matches_addr &&
	    !pyi_attributes_each_item(&session->runtime, snapshot->reader, run->matches_addr,
				      add_match, run))
		run->answer.unreadable++;
	error = run->error;
	run->error = NULL;
	if (!error)
		error = count_instances(run, interpreters);
	if (!error)
		error = read_contents(run, interpreters);
	return error;
}

struct pyi_error *pyi_session_slip(struct pyi_session *session, struct pyi_slip *ret_slip)
{
	PYI_CLEANUP(pyi_guard_free) struct run *run = calloc(1, sizeof(*run));
	const struct pyi_examination examination = { examine, run };
	struct pyi_error *error;

	if (!run)
		return pyi_error_no_memory();
	error = pyi_session_examine(session, &examination);
	if (error) {
		pyi_slip_deinit(&run->answer);
		return error;
	}
	*ret_slip = run->answer;
	return NULL;
}
