/*
 * The examination of `slip-dbus`. Knows the names that the code in question uses; finds a copy of
 * it by them too. Does not judge.
 */
#include "heap/slip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pyinspect/str_text.h>
#include <pyinspect/type_flags.h>

#include "analysis/heap_contents.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/graph.h"
#include "heap/node_items.h"
#include "heap/subject.h"
#include "python/attributes.h"

enum {
	CONNECTION_LIMIT = 256,
	/* What a name takes besides its text; the str that it comes from takes more. */
	NAME_BYTES = 32,
	/* More than any bus gives: names are ":1.4711". */
	TEXT_BYTES = 48,
	TEXTS_PER_CHECK = 1 << 16,
};

struct run {
	/* NULL: none. */
	const struct pyi_examination *also;
	struct pyi_slip answer;
	uint64_t graph_bytes;
	/* Of a dump; NULL: there is a snapshot to be read. */
	const struct pyi_graph_view *dump;

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
	struct pyi_graph *graph;
	/* Where names belong that are met now (NULL: nowhere); nodes of those that were met. */
	struct pyi_name_set *names;
	uint64_t *met;
	uint64_t texts;
	/* What all names take together. */
	uint64_t name_bytes;
	struct pyi_error *error;
};

static bool get_class_attribute(const struct run *run, uint64_t type, const char *name,
				uint64_t *ret_value)
{
	if (run->dump)
		return pyi_node_items_attribute(run->dump, type, name, ret_value);
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

static bool each_item(struct run *run, uint64_t dict,
		      bool (*item)(void *argument, uint64_t key, uint64_t value))
{
	if (run->dump)
		return pyi_node_items_each(run->dump, dict, item, run);
	return pyi_attributes_each_item(&run->session->runtime, run->snapshot->reader, dict, item,
					run);
}

static bool get_length(const struct run *run, uint64_t object, uint64_t *ret_length)
{
	uint32_t node;

	if (!run->dump)
		return pyi_attributes_length(&run->session->runtime, run->snapshot->reader, object,
					     ret_length);
	node = pyi_graph_find(run->graph, object);
	return node != PYI_GRAPH_NONE && pyi_names_length(run->dump->names, node, ret_length);
}

/* What a dump keeps as the value of a str, as ascii() writes it (python/places.h): whole and
 * without anything that it escapes, or none. */
static bool read_kept(const struct run *run, uint64_t addr, char *ret_text, size_t size_bytes)
{
	uint32_t node = pyi_graph_find(run->graph, addr);
	const char *value = node != PYI_GRAPH_NONE ? pyi_graph_value(run->graph, node) : NULL;
	uint64_t length;

	if (!value || !pyi_names_length(run->dump->names, node, &length))
		return false;
	/* Of 2.7 */
	value += *value == 'u';
	if ((*value != '\'' && *value != '"') || length + 1 > size_bytes ||
	    strlen(value) != length + 2 || value[length + 1] != *value)
		return false;
	memcpy(ret_text, value + 1, (size_t)length);
	ret_text[length] = '\0';
	return !strchr(ret_text, '\\');
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

static char *read_arg1(const struct run *run, uint64_t match)
{
	char rule[PYI_NAME_BYTES];
	uint64_t rule_addr;

	if (run->dump)
		return pyi_node_items_attribute(run->dump, match, "_rule", &rule_addr) &&
				       read_kept(run, rule_addr, rule, sizeof(rule))
			       ? find_arg1(rule)
			       : NULL;
	return pyi_attributes_get(&run->session->runtime, run->snapshot->reader, match, "_rule",
				  &rule_addr) &&
			       pyi_objects_read_str(&run->session->runtime, run->snapshot->reader,
						    rule_addr, rule)
		       ? find_arg1(rule)
		       : NULL;
}

static bool add_match(void *argument, uint64_t key, uint64_t value)
{
	struct run *run = argument;

	for (size_t c = 0; c < run->answer.connection_count; c++) {
		struct pyi_slip_connection *connection = &run->answer.connections[c];

		if (run->connection_addr[c] != key || connection->has_match)
			continue;
		connection->has_match = true;
		connection->match_arg1 = read_arg1(run, value);
		connection->match_unknown = run->dump && !connection->match_arg1;
	}
	return true;
}

/* Where text has no state: bytes or units, of ASCII. */
static bool read_plain_name(const struct run *run, uint64_t addr, char ret_name[TEXT_BYTES + 1])
{
	char text[PYI_NAME_BYTES];
	uint64_t length;

	if (!pyi_memory_try_read_u64(run->snapshot->reader,
				     addr + run->session->runtime.layout->str_length, &length) ||
	    !length || length > TEXT_BYTES ||
	    !pyi_objects_read_str(&run->session->runtime, run->snapshot->reader, addr, text) ||
	    strlen(text) != length)
		return false;
	for (uint64_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	memcpy(ret_name, text, (size_t)length + 1);
	return true;
}

/* False if it is none, or none that a bus gives. */
static bool read_name(const struct run *run, uint64_t addr, char ret_name[TEXT_BYTES + 1])
{
	const struct pyi_layout *layout = run->session->runtime.layout;
	struct pyi_memory_reader *reader = run->snapshot->reader;
	struct pyi_str_text text;

	if (run->dump)
		return read_kept(run, addr, ret_name, TEXT_BYTES + 1) && *ret_name;
	if (!pyi_has(layout->str_state))
		return read_plain_name(run, addr, ret_name);
	text = pyi_str_text(reader, layout, addr);
	if (!pyi_str_is_compact_ascii(&text) || !text.length || text.length > TEXT_BYTES ||
	    !pyi_memory_try_read(reader, text.addr, ret_name, (size_t)text.length))
		return false;
	ret_name[text.length] = '\0';
	return !memchr(ret_name, '\0', (size_t)text.length);
}

static struct pyi_error *add_name(struct run *run, uint32_t node)
{
	char name[TEXT_BYTES + 1];
	struct pyi_error *error;

	if (++run->texts % TEXTS_PER_CHECK == 0) {
		error = pyi_session_check(run->session);
		if (error)
			return error;
	}
	if (!read_name(run, pyi_graph_address(run->graph, node), name)) {
		/* Those of `senders` are what its length says more than there are names. */
		run->answer.unreadable += run->names != &run->answer.sender_names;
		return NULL;
	}
	/* As many as there are, but a name of the target's in more than its own place only once. */
	run->name_bytes += NAME_BYTES + strlen(name);
	if (run->name_bytes > run->session->heap_bytes) {
		pyi_session_leave_out(run->session);
		return NULL;
	}
	return pyi_name_set_add(run->names, name);
}

/* A set has them in no order: they are read in that of their addresses, page after page. */
static struct pyi_error *meet_text(void *argument, uint32_t node)
{
	struct run *run = argument;

	if (!run->names || pyi_bits_set(run->met, node))
		return NULL;
	return add_name(run, node);
}

static struct pyi_error *add_met_names(struct run *run)
{
	const uint64_t words = pyi_bits_bytes(run->graph->node_count) / sizeof(*run->met);
	struct pyi_error *error = NULL;

	for (uint64_t w = 0; w < words && !error; w++)
		for (; run->met[w] && !error; run->met[w] &= run->met[w] - 1)
			error = add_name(
				run, (uint32_t)(w * 64 + (uint64_t)__builtin_ctzll(run->met[w])));
	return error;
}

/* What has nothing behind it, by its type: neither the collector's nor of a Python class. */
static void choose_values(const struct run *run, bool *values)
{
	for (uint32_t t = 0; t < run->graph->type_count; t++) {
		uint64_t flags;

		/* An old-style class has no flags. */
		values[t] =
			run->graph->types[t].kind != PYI_KIND_INSTANCE &&
			pyi_memory_try_read_u64(run->snapshot->reader,
						run->graph->types[t].addr +
							run->session->runtime.layout->type_flags,
						&flags) &&
			!(flags & (PYI_TPFLAG_HEAP_TYPE | PYI_TPFLAG_HAVE_GC));
	}
}

/* `names`: where names of it belong; NULL: nowhere. */
static struct pyi_error *add_contents(struct run *run, struct pyi_heap_contents *contents,
				      const struct pyi_heap_contents_query *query, uint64_t addr,
				      struct pyi_name_set *names)
{
	uint32_t node = pyi_graph_find(run->graph, addr);
	struct pyi_error *error;

	if (run->answer.redacted)
		names = NULL;
	run->names = names;
	if (node == PYI_GRAPH_NONE) {
		run->answer.unreadable++;
		return NULL;
	}
	error = pyi_heap_contents_add(contents, query, node);
	return error || !names ? error : add_met_names(run);
}

/* The senders first: what the connections have as well is then counted there. */
static struct pyi_error *add_all_contents(struct run *run, struct pyi_heap_contents *contents,
					  const bool *values)
{
	const struct pyi_heap_contents_query query = {
		.graph = run->graph,
		.values = values,
		.text = meet_text,
		.argument = run,
	};
	struct pyi_slip *answer = &run->answer;
	struct pyi_error *error =
		add_contents(run, contents, &query, run->senders_addr, &answer->sender_names);

	for (size_t c = 0; c < answer->connection_count && !error; c++)
		error = add_contents(run, contents, &query, run->connection_senders_addr[c],
				     &answer->connections[c].senders);
	if (!error)
		error = add_contents(run, contents, &query, run->by_connection_addr, NULL);
	if (!error && run->matches_addr)
		error = add_contents(run, contents, &query, run->matches_addr, NULL);
	return error;
}

static struct pyi_error *read_contents(struct run *run)
{
	PYI_CLEANUP(pyi_guard_free)
	bool *values = calloc((size_t)run->graph->type_count + 1, sizeof(*values));
	const uint64_t met_bytes = pyi_bits_bytes(run->graph->node_count);
	struct pyi_heap_contents contents = { 0 };
	struct pyi_error *error;
	void *met = NULL;

	if (!values)
		return pyi_error_no_memory();
	choose_values(run, values);
	error = pyi_graph_space_map(run->graph->space, met_bytes, &met);
	run->met = met;
	if (!error)
		error = pyi_heap_contents_init(&contents, run->graph);
	if (!error)
		error = add_all_contents(run, &contents, values);
	run->answer.objects = contents.objects;
	run->answer.bytes = contents.bytes;
	pyi_heap_contents_deinit(&contents, run->graph);
	pyi_graph_space_unmap(run->graph->space, met, met_bytes);
	if (error)
		return error;
	if (!run->answer.redacted && run->answer.senders > run->answer.sender_names.count)
		run->answer.unreadable += run->answer.senders - run->answer.sender_names.count;
	pyi_name_set_sort(&run->answer.sender_names);
	for (size_t c = 0; c < run->answer.connection_count; c++)
		pyi_name_set_sort(&run->answer.connections[c].senders);
	return NULL;
}

static struct pyi_error *count_instances(struct run *run)
{
	const struct pyi_graph *graph = run->graph;
	PYI_CLEANUP(pyi_referrers_deinit) struct pyi_referrers classes = { 0 };
	PYI_CLEANUP(pyi_guard_free)
	uint64_t *counts = calloc((size_t)graph->type_count + 1, sizeof(*counts));
	struct pyi_error *error = NULL;

	if (!counts)
		return pyi_error_no_memory();
	for (uint32_t node = 0; node < graph->node_count; node++)
		counts[pyi_graph_type(graph, node)] +=
			!(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
	for (uint32_t t = 0; t < graph->type_count && !error; t++) {
		const struct pyi_graph_type *type = &graph->types[t];
		char *name;

		if (!counts[t] ||
		    !pyi_types_is_subclass(&run->session->runtime, run->snapshot->reader,
					   type->addr, run->holder_addr))
			continue;
		name = strdup(type->name ? type->name : "?");
		error = name ? pyi_referrers_add_class(&classes, name, counts[t])
			     : pyi_error_no_memory();
		run->answer.instances += counts[t];
	}
	if (error)
		return error;
	pyi_referrers_sort_classes(&classes);
	run->answer.classes = classes.classes;
	run->answer.class_count = classes.class_count;
	classes.classes = NULL;
	classes.class_count = 0;
	return NULL;
}

/* The one walk, for all that is counted. */
static struct pyi_error *ask_graph(struct run *run, const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_walk_result_deinit) struct pyi_walk_result result = { 0 };
	PYI_CLEANUP(pyi_graph_deinit) struct pyi_graph graph = { 0 };
	struct pyi_graph_space space;
	struct pyi_error *error;

	pyi_graph_space_init(&space, -1, run->graph_bytes);
	error = pyi_graph_of_snapshot(run->session, run->snapshot, interpreters, &space, &graph,
				      &result);
	run->graph = &graph;
	if (!error)
		error = count_instances(run);
	if (!error)
		error = read_contents(run);
	run->graph = NULL;
	return error;
}

/* Which class it is, if there is one, and what stands in its containers. */
static struct pyi_error *begin_answer(struct run *run)
{
	const struct pyi_type *holder = find_holder(run);
	struct pyi_slip *answer = &run->answer;
	struct pyi_error *error;

	if (!holder)
		return NULL;
	answer->holder = strdup(holder->name);
	if (!answer->holder)
		return pyi_error_no_memory();
	answer->unreadable += !get_length(run, run->senders_addr, &answer->senders) ||
			      !each_item(run, run->by_connection_addr, add_connection);
	if (!run->error && run->matches_addr)
		answer->unreadable += !each_item(run, run->matches_addr, add_match);
	for (size_t c = 0; answer->redacted && c < answer->connection_count; c++)
		answer->unreadable += !get_length(run, run->connection_senders_addr[c],
						  &answer->connections[c].unnamed);
	error = run->error;
	run->error = NULL;
	return error;
}

static struct pyi_error *examine(void *argument, struct pyi_session *session,
				 struct pyi_source_snapshot *snapshot,
				 const struct pyi_interpreters *interpreters)
{
	PYI_CLEANUP(pyi_subject_found_deinit) struct pyi_subject_found found = { 0 };
	struct run *run = argument;
	struct pyi_error *error = NULL;

	pyi_slip_deinit(&run->answer);
	*run = (struct run){ .also = run->also,
			     .graph_bytes = run->graph_bytes,
			     .session = session,
			     .snapshot = snapshot,
			     .found = &found };
	if (run->also)
		error = run->also->examine(run->also->argument, session, snapshot, interpreters);
	if (error)
		return error;
	error = pyi_subject_find(NULL, session, snapshot, interpreters, &found);
	if (error)
		return error;
	error = begin_answer(run);
	return error || !run->answer.holder ? error : ask_graph(run, interpreters);
}

struct pyi_error *pyi_session_slip(struct pyi_session *session, uint64_t graph_bytes,
				   const struct pyi_examination *also, struct pyi_slip *ret_slip)
{
	PYI_CLEANUP(pyi_guard_free) struct run *run = calloc(1, sizeof(*run));
	const struct pyi_examination examination = { examine, run };
	struct pyi_error *error;

	if (!run)
		return pyi_error_no_memory();
	run->also = also;
	run->graph_bytes = graph_bytes;
	error = pyi_session_examine(session, &examination);
	if (error) {
		pyi_slip_deinit(&run->answer);
		return error;
	}
	*ret_slip = run->answer;
	return NULL;
}

struct pyi_error *pyi_slip_of_dump(const struct pyi_graph_view *view, bool values,
				   struct pyi_slip *ret_slip)
{
	PYI_CLEANUP(pyi_subject_found_deinit) struct pyi_subject_found found = { 0 };
	PYI_CLEANUP(pyi_guard_free) struct run *run = calloc(1, sizeof(*run));
	struct pyi_error *error;

	if (!run)
		return pyi_error_no_memory();
	*run = (struct run){ .dump = view,
			     .session = view->session,
			     .snapshot = view->snapshot,
			     .found = &found,
			     .graph = view->graph,
			     .answer.redacted = !values };
	error = pyi_subject_find(NULL, view->session, view->snapshot, view->interpreters, &found);
	if (!error)
		error = begin_answer(run);
	run->answer.redacted &= run->answer.holder != NULL;
	if (!error && run->answer.holder)
		error = count_instances(run);
	if (!error && run->answer.holder)
		error = read_contents(run);
	if (error)
		pyi_slip_deinit(&run->answer);
	else
		*ret_slip = run->answer;
	return error;
}
