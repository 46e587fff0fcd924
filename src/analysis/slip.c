/*
 * Compares the names that slip.dbus.service.Object keeps with those on the bus, and says in words
 * what that proves.
 *
 * Does not ask the bus and does not read the heap: twice looked at by others, judged here.
 */
#include "analysis/slip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	/* max_completed_connections of the system bus, as it comes. */
	STOCK_CONNECTION_LIMIT = 2048,
	/*
	 * A range of numbers is history rather than clients if it is this many times the limit and
	 * has this many names: a few clients that stay for months are far apart, too.
	 */
	WIDE_RANGE = 10,
	MANY_NAMES = 64,
	/* Connections that get a sentence of their own. */
	TOLD_CONNECTIONS = 4,
};

struct judgement {
	struct pyi_slip *slip;
	const struct pyi_slip_bus *bus;
	/* A sentence had no memory. */
	bool failed;
	/* The bus named those who are there. There were two looks at it and at the heap. */
	bool asked;
	bool confirmed;
	/* On the bus before or after. */
	struct pyi_name_set present;
	size_t clients;
	/* All unique names in the heap; then only those that are gone; if confirmed, the stale. */
	struct pyi_name_set names;
	size_t gone_at_first;
};

static void deinit_judgement(struct judgement *judgement)
{
	pyi_name_set_deinit(&judgement->present);
	pyi_name_set_deinit(&judgement->names);
}

PYI_PRINTF(2, 3) static void say(struct judgement *judgement, const char *format, ...)
{
	struct pyi_slip *slip = judgement->slip;
	va_list arguments;
	char **evidence;
	char *sentence;
	int length;

	va_start(arguments, format);
	length = vasprintf(&sentence, format, arguments);
	va_end(arguments);
	evidence = length < 0 ? NULL
			      : reallocarray(slip->evidence, slip->evidence_count + 1,
					     sizeof(*slip->evidence));
	if (!evidence) {
		if (length >= 0)
			free(sentence);
		judgement->failed = true;
		return;
	}
	slip->evidence = evidence;
	evidence[slip->evidence_count++] = sentence;
}

static void forget(struct pyi_slip *slip)
{
	for (size_t i = 0; i < slip->evidence_count; i++)
		free(slip->evidence[i]);
	free(slip->evidence);
	slip->evidence = NULL;
	slip->evidence_count = 0;
	slip->verdict = PYI_SLIP_ABSENT;
	slip->stale_known = false;
	slip->stale = 0;
	for (size_t i = 0; i < slip->connection_count; i++) {
		slip->connections[i].stale_known = false;
		slip->connections[i].stale = 0;
		slip->connections[i].match_is_dead = false;
	}
}

/* All unique names that a look at the heap found. */
static struct pyi_error *gather_names(const struct pyi_slip *slip, struct pyi_name_set *ret_names)
{
	PYI_CLEANUP(pyi_name_set_deinit) struct pyi_name_set names = { 0 };
	struct pyi_error *error = pyi_name_set_add_unique(&names, &slip->sender_names);

	for (size_t i = 0; i < slip->connection_count && !error; i++)
		error = pyi_name_set_add_unique(&names, &slip->connections[i].senders);
	if (error)
		return error;
	pyi_name_set_sort(&names);
	*ret_names = names;
	names = (struct pyi_name_set){ 0 };
	return NULL;
}

static size_t count_unique(const struct pyi_name_set *set)
{
	size_t count = set->number_count;

	for (size_t i = 0; i < set->other_count; i++)
		count += set->others[i][0] == ':';
	return count;
}

/* Everything that can fail, but the sentences. */
static struct pyi_error *compare(struct judgement *judgement, const struct pyi_slip *again)
{
	const struct pyi_slip_bus *bus = judgement->bus;
	const struct pyi_name_set *last = bus->after ? bus->after : bus->before;
	PYI_CLEANUP(pyi_name_set_deinit) struct pyi_name_set names_again = { 0 };
	struct pyi_error *error = gather_names(judgement->slip, &judgement->names);

	if (!error && bus->reached && bus->before)
		error = pyi_name_set_add_unique(&judgement->present, bus->before);
	if (!error && bus->reached && bus->after)
		error = pyi_name_set_add_unique(&judgement->present, bus->after);
	if (!error && again)
		error = gather_names(again, &names_again);
	if (error)
		return error;

	/* Who asks is on the bus: an empty answer is none. */
	judgement->asked = judgement->present.count > 0;
	if (!judgement->asked)
		return NULL;
	judgement->clients = count_unique(last);
	pyi_name_set_sort(&judgement->present);
	pyi_name_set_remove(&judgement->names, &judgement->present);
	judgement->gone_at_first = judgement->names.count;
	judgement->confirmed = again && bus->before && count_unique(bus->before) && bus->after &&
			       count_unique(last);
	if (judgement->confirmed)
		pyi_name_set_keep(&judgement->names, &names_again);
	return NULL;
}

/* The unique name that the match of a connection watches; NULL: none, or it is not known. */
static const char *watched_name(const struct pyi_slip_connection *connection)
{
	const char *name = connection->match_arg1;

	return connection->has_match && name && name[0] == ':' ? name : NULL;
}

/* The end of the watched name was dealt with, and others were left behind: they stay for ever. */
static bool is_armed(const struct judgement *judgement,
		     const struct pyi_slip_connection *connection)
{
	const char *watched = watched_name(connection);

	if (!watched || pyi_name_set_has(&connection->senders, watched))
		return false;
	if (judgement->asked)
		return connection->senders.count > 0 &&
		       !pyi_name_set_has(&judgement->present, watched);
	return connection->senders.count > 1;
}

/* The one name that a match watches may wait for the process to deal with its end: no leak yet. */
static struct pyi_error *count_waiting(const struct judgement *judgement, size_t *ret_count)
{
	PYI_CLEANUP(pyi_name_set_deinit) struct pyi_name_set waiting = { 0 };

	for (size_t i = 0; i < judgement->slip->connection_count; i++) {
		const struct pyi_slip_connection *connection = &judgement->slip->connections[i];
		const char *watched = watched_name(connection);
		struct pyi_error *error;

		if (!watched || !pyi_name_set_has(&connection->senders, watched))
			continue;
		error = pyi_name_set_add(&waiting, watched);
		if (error)
			return error;
	}
	pyi_name_set_sort(&waiting);
	*ret_count = pyi_name_set_count_common(&waiting, &judgement->names);
	return NULL;
}

static void tell_gone(struct judgement *judgement)
{
	const struct pyi_slip *slip = judgement->slip;
	const char *looks =
		judgement->confirmed ? "looked up twice" : "not confirmed by a second look";
	size_t gone = judgement->names.count;
	size_t in_senders = pyi_name_set_count_common(&slip->sender_names, &judgement->names);

	if (in_senders)
		say(judgement,
		    "%zu of %zu names in %s.senders are not on the bus (%s, %zu unique names on "
		    "the bus)",
		    in_senders, slip->sender_names.count, slip->holder, looks, judgement->clients);
	if (gone > in_senders)
		say(judgement,
		    "names only in %s.connections_senders that are not on the bus: %zu (%s, %zu "
		    "unique names on the bus)",
		    slip->holder, gone - in_senders, looks, judgement->clients);
}

/* It may be so, but the dump does not keep what would tell. */
static bool may_be_armed(const struct judgement *judgement,
			 const struct pyi_slip_connection *connection)
{
	return !judgement->asked && connection->match_unknown &&
	       pyi_slip_count_senders(connection) > 1;
}

/* Returns whether there was something to say about the match of a connection. */
static bool tell_match(struct judgement *judgement, const struct pyi_slip_connection *connection)
{
	const char *watched = watched_name(connection);
	const char *name = connection->name ? connection->name : "?";

	if (may_be_armed(judgement, connection)) {
		say(judgement,
		    "whose end the NameOwnerChanged match of connection %s watches is not in the "
		    "dump: whether its %llu senders will ever be removed is not known",
		    name, (unsigned long long)pyi_slip_count_senders(connection));
		return true;
	}
	if (is_armed(judgement, connection)) {
		if (!judgement->asked)
			say(judgement,
			    "the only NameOwnerChanged match of connection %s watches %s, which "
			    "is not among its %zu senders: none of them will ever be removed",
			    name, watched, connection->senders.count);
		else if (connection->stale)
			say(judgement,
			    "the only NameOwnerChanged match of connection %s watches %s, which "
			    "is gone: nothing will ever be removed",
			    name, watched);
		else
			say(judgement,
			    "armed: the only NameOwnerChanged match of connection %s watches %s, "
			    "which is gone, while others are left (%zu): neither these nor later "
			    "ones will ever be removed",
			    name, watched, connection->senders.count);
		return true;
	}
	if (!connection->stale)
		return false;
	if (!connection->has_match)
		say(judgement,
		    "connection %s has no NameOwnerChanged match: nothing will ever be removed",
		    name);
	else if (!watched)
		return false;
	else if (pyi_name_set_has(&judgement->present, watched))
		say(judgement,
		    "the only NameOwnerChanged match of connection %s watches %s: the end of no "
		    "other sender is noticed",
		    name, watched);
	else
		say(judgement,
		    "the only NameOwnerChanged match of connection %s watches %s, which is gone "
		    "but still kept: its end may not have been dealt with yet",
		    name, watched);
	return true;
}

static void tell_matches(struct judgement *judgement)
{
	const struct pyi_slip *slip = judgement->slip;
	size_t told = 0;
	size_t i = 0;

	for (; i < slip->connection_count && told < TOLD_CONNECTIONS; i++)
		told += tell_match(judgement, &slip->connections[i]);
	if (i < slip->connection_count)
		say(judgement, "connections besides these: %zu", slip->connection_count - i);
}

static bool is_any_armed(const struct judgement *judgement)
{
	for (size_t i = 0; i < judgement->slip->connection_count; i++) {
		const struct pyi_slip_connection *connection = &judgement->slip->connections[i];

		if (is_armed(judgement, connection) || may_be_armed(judgement, connection))
			return true;
	}
	return false;
}

static struct pyi_error *judge_by_bus(struct judgement *judgement)
{
	struct pyi_slip *slip = judgement->slip;
	size_t gone = judgement->names.count;
	size_t waiting;
	struct pyi_error *error = count_waiting(judgement, &waiting);

	if (error)
		return error;
	slip->stale_known = judgement->confirmed || !gone;
	slip->stale = slip->stale_known ? gone : 0;
	for (size_t i = 0; i < slip->connection_count; i++) {
		struct pyi_slip_connection *connection = &slip->connections[i];

		connection->stale_known = slip->stale_known;
		if (slip->stale)
			connection->stale =
				pyi_name_set_count_common(&connection->senders, &judgement->names);
	}

	if (slip->stale > waiting)
		slip->verdict = PYI_SLIP_LEAK;
	else if (gone || is_any_armed(judgement))
		slip->verdict = PYI_SLIP_SUSPECT;
	else
		slip->verdict = PYI_SLIP_OK;

	tell_gone(judgement);
	tell_matches(judgement);
	if (judgement->gone_at_first > gone)
		say(judgement, "names not on the bus that had been removed at the second look: %zu",
		    judgement->gone_at_first - gone);
	else if (!gone && !slip->sender_names.count)
		say(judgement, "%s.senders has no names", slip->holder);
	else if (!gone)
		say(judgement,
		    "all names in %s.senders are on the bus (%zu of the %zu unique names there)",
		    slip->holder, count_unique(&slip->sender_names), judgement->clients);
	return NULL;
}

uint64_t pyi_slip_count_senders(const struct pyi_slip_connection *connection)
{
	return connection->senders.count + connection->unnamed;
}

/* Different ones; where they have no names, those in the largest of the sets. */
static uint64_t count_names(const struct judgement *judgement)
{
	const struct pyi_slip *slip = judgement->slip;
	uint64_t count = slip->redacted ? slip->senders : judgement->names.count;

	for (size_t i = 0; slip->redacted && i < slip->connection_count; i++)
		if (slip->connections[i].unnamed > count)
			count = slip->connections[i].unnamed;
	return count;
}

static void judge_by_heap(struct judgement *judgement)
{
	struct pyi_slip *slip = judgement->slip;
	const struct pyi_name_set *names = &judgement->names;
	const uint64_t count = count_names(judgement);
	uint64_t limit = judgement->bus->connection_limit;
	bool suspect = is_any_armed(judgement);
	uint64_t range = 0;

	if (!limit)
		limit = STOCK_CONNECTION_LIMIT;
	if (names->number_count)
		range = names->numbers[names->number_count - 1] - names->numbers[0];
	if (count > limit) {
		say(judgement, "%llu %s, but the bus admits %llu connections at most%s",
		    (unsigned long long)count, slip->redacted ? "senders" : "names",
		    (unsigned long long)limit,
		    judgement->bus->connection_limit ? "" : ", unless it is told otherwise");
		suspect = true;
	}
	tell_matches(judgement);
	if (names->number_count >= MANY_NAMES && range / WIDE_RANGE >= limit) {
		char first[PYI_NAME_SET_TEXT];
		char last[PYI_NAME_SET_TEXT];

		say(judgement, "the names span %s to %s: a history, not clients",
		    pyi_name_set_get(names, 0, first),
		    pyi_name_set_get(names, names->number_count - 1, last));
		suspect = true;
	}
	if (slip->redacted && count)
		say(judgement, "names are contents, which this dump does not keep (dump --values): "
			       "they were counted, not told apart");
	/* Whether they are a history could only be seen from them. */
	suspect |= slip->redacted && count >= MANY_NAMES;
	slip->verdict = suspect ? PYI_SLIP_SUSPECT : PYI_SLIP_OK;

	/* Nothing kept, nothing stale: that needs no bus. */
	slip->stale_known = !count;
	for (size_t i = 0; i < slip->connection_count; i++)
		slip->connections[i].stale_known = !count;
	say(judgement, "the bus was not asked: %s",
	    judgement->bus->reached ? "it names nobody"
	    : judgement->bus->why   ? judgement->bus->why
				    : "it was not reached");
}

/* What holds for every judgement. */
static void finish(struct judgement *judgement)
{
	struct pyi_slip *slip = judgement->slip;

	if (slip->verdict != PYI_SLIP_OK && slip->objects)
		say(judgement, "what %s keeps takes %llu bytes in %llu objects", slip->holder,
		    (unsigned long long)slip->bytes, (unsigned long long)slip->objects);
	if (!slip->unreadable)
		return;
	/* What was read does not speak for what was not. */
	if (slip->verdict == PYI_SLIP_OK && slip->unreadable > slip->sender_names.count) {
		slip->verdict = PYI_SLIP_SUSPECT;
		slip->stale_known = false;
		for (size_t i = 0; i < slip->connection_count; i++)
			slip->connections[i].stale_known = false;
	}
	say(judgement, "entries that could not be read, or are no names: %llu",
	    (unsigned long long)slip->unreadable);
}

struct pyi_error *pyi_slip_judge(struct pyi_slip *slip, const struct pyi_slip *again,
				 const struct pyi_slip_bus *bus)
{
	PYI_CLEANUP(deinit_judgement) struct judgement judgement = { .slip = slip, .bus = bus };
	struct pyi_error *error;

	forget(slip);
	pyi_name_set_sort(&slip->sender_names);
	for (size_t i = 0; i < slip->connection_count; i++)
		pyi_name_set_sort(&slip->connections[i].senders);
	if (!slip->holder) {
		say(&judgement, "no class of this process keeps D-Bus senders as python-slip does");
	} else {
		error = compare(&judgement, again);
		if (!error && judgement.asked)
			error = judge_by_bus(&judgement);
		if (error) {
			forget(slip);
			return error;
		}
		if (!judgement.asked)
			judge_by_heap(&judgement);
		for (size_t i = 0; i < slip->connection_count; i++)
			slip->connections[i].match_is_dead =
				is_armed(&judgement, &slip->connections[i]);
		finish(&judgement);
	}
	if (!judgement.failed)
		return NULL;
	forget(slip);
	return pyi_error_no_memory();
}

struct pyi_error *pyi_slip_add_figures(const struct pyi_slip *slip, struct pyi_sample *sample)
{
	struct pyi_error *error;
	uint64_t dead = 0;

	if (!slip->holder)
		return NULL;
	for (size_t i = 0; i < slip->connection_count; i++)
		dead += slip->connections[i].match_is_dead;
	error = pyi_sample_add(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_SENDERS, slip->senders,
			       0);
	if (!error && slip->stale_known)
		error = pyi_sample_add(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_STALE,
				       slip->stale, 0);
	if (!error)
		error = pyi_sample_add(sample, PYI_FIGURE_PROCESS, PYI_FIGURE_SLIP_DEAD_MATCHES,
				       dead, 0);
	return error;
}

void pyi_slip_deinit(struct pyi_slip *slip)
{
	forget(slip);
	for (size_t i = 0; i < slip->connection_count; i++) {
		free(slip->connections[i].name);
		free(slip->connections[i].match_arg1);
		pyi_name_set_deinit(&slip->connections[i].senders);
	}
	free(slip->connections);
	for (size_t i = 0; i < slip->class_count; i++)
		free(slip->classes[i].type);
	free(slip->classes);
	free(slip->holder);
	pyi_name_set_deinit(&slip->sender_names);
	*slip = (struct pyi_slip){ 0 };
}
