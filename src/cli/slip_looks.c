/*
 * The looks at the heap and at the bus, in their order.
 */
#include "cli/slip_looks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/heap_graph.h"
#include "heap/slip.h"
#include "report/slip.h"
#include "tracee/wait.h"

enum {
	BUS_PATIENCE_MS = 5000,
	/* A process that has been told that a caller is gone deals with it by then. */
	SECOND_LOOK_MS = 500,
	/* max_completed_connections in dbus-daemon's system.conf, as it comes. */
	SYSTEM_BUS_CONNECTIONS = 2048,
};

void pyi_slip_looks_deinit(struct pyi_slip_looks *looks)
{
	for (size_t b = 0; b < PYI_SLIP_BUSES; b++) {
		pyi_bus_close(looks->buses[b].bus);
		pyi_error_destroy(looks->buses[b].error);
	}
	pyi_name_set_deinit(&looks->before);
	pyi_slip_deinit(&looks->slip);
	pyi_name_set_deinit(&looks->after);
	pyi_slip_deinit(&looks->again);
}

static struct pyi_error *add_name(void *set, const char *name)
{
	return pyi_name_set_add(set, name);
}

/* A dump while it is read. */
struct dump_look {
	struct pyi_heap_graph graph;
	struct pyi_slip *slip;
};

static void deinit_dump_look(struct dump_look *look)
{
	pyi_heap_graph_deinit(&look->graph);
}

/* Who was on the bus when a file was written is not in it, and who is there now says nothing. */
static struct pyi_error *bus_of_then(const struct pyi_options *options)
{
	if (!options->core && !options->dump)
		return NULL;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS,
				"a %s does not say who was on it then",
				options->core ? "core" : "dump");
}

/* Adds the names that are on a bus; a bus that once failed is not asked again. */
static void ask(struct pyi_inspection *inspection, struct pyi_slip_looks *looks,
		enum pyi_bus_kind kind, struct pyi_name_set *names)
{
	uint64_t deadline_ns =
		pyi_clock_deadline(BUS_PATIENCE_MS, inspection->session_options.deadline_ns);
	struct pyi_asked_bus *asked = &looks->buses[kind];

	if (!asked->error)
		asked->error = bus_of_then(inspection->options);
	if (asked->error)
		return;
	pyi_progress_report(&inspection->progress, "asking the message bus", 0);
	if (!asked->bus)
		asked->error = pyi_bus_open(&inspection->session.source.process, kind, deadline_ns,
					    &asked->bus);
	if (!asked->error)
		asked->error = pyi_bus_list_names(asked->bus, deadline_ns, add_name, names);
}

static void ask_wanted(struct pyi_inspection *inspection, struct pyi_slip_looks *looks,
		       struct pyi_name_set *names)
{
	for (size_t b = 0; b < PYI_SLIP_BUSES; b++)
		if (looks->buses[b].wanted)
			ask(inspection, looks, (enum pyi_bus_kind)b, names);
}

/* Why a bus that is wanted cannot be asked; NULL if all can. Owned by `looks`. */
static const struct pyi_error *failure_of(const struct pyi_slip_looks *looks)
{
	for (size_t b = 0; b < PYI_SLIP_BUSES; b++)
		if (looks->buses[b].wanted && looks->buses[b].error)
			return looks->buses[b].error;
	return NULL;
}

/* Which buses the connections are to; the system bus if there are none. */
static void choose_buses(struct pyi_slip_looks *looks)
{
	const struct pyi_slip *slip = &looks->slip;
	bool session = false;
	bool other = !slip->connection_count;

	for (size_t c = 0; c < slip->connection_count; c++) {
		const char *bus = slip->connections[c].bus;
		bool is_session = bus && strcmp(bus, "session") == 0;

		session |= is_session;
		other |= !is_session;
	}
	looks->buses[PYI_BUS_SYSTEM].wanted = other;
	looks->buses[PYI_BUS_SESSION].wanted = session;
}

static struct pyi_error *ask_dump(void *argument, const struct pyi_graph_view *view)
{
	struct dump_look *look = argument;

	return pyi_slip_of_dump(view, look->graph.offline.values, look->slip);
}

/* What a look at the heap has found. */
static struct pyi_error *look(struct pyi_inspection *inspection, const struct pyi_examination *also,
			      struct pyi_slip *ret_slip)
{
	PYI_CLEANUP(deinit_dump_look) struct dump_look dump = { .slip = ret_slip };
	const struct pyi_graph_question question = {
		.ask = ask_dump,
		.argument = &dump,
		.named = true,
	};

	if (pyi_inspection_is_of_dump(inspection))
		return pyi_heap_graph_ask(inspection, &question, &dump.graph);
	return pyi_session_slip(&inspection->session, inspection->options->graph_bytes, also,
				ret_slip);
}

/* The look that counts, with the names that were on the bus before it. */
static struct pyi_error *look_first(struct pyi_inspection *inspection,
				    const struct pyi_examination *also,
				    struct pyi_slip_looks *looks)
{
	struct pyi_error *error;

	/* Which bus is known only afterwards: it is nearly always this one. */
	ask(inspection, looks, PYI_BUS_SYSTEM, &looks->before);
	error = look(inspection, also, &looks->slip);
	if (error || !looks->slip.holder)
		return error;
	choose_buses(looks);
	if (!looks->buses[PYI_BUS_SESSION].wanted)
		return NULL;
	if (!looks->buses[PYI_BUS_SYSTEM].wanted)
		pyi_name_set_deinit(&looks->before);
	ask(inspection, looks, PYI_BUS_SESSION, &looks->before);
	if (failure_of(looks))
		return NULL;
	pyi_slip_deinit(&looks->slip);
	looks->slip = (struct pyi_slip){ 0 };
	if (also)
		pyi_inspection_note(inspection);
	return pyi_session_slip(&inspection->session, inspection->options->graph_bytes, NULL,
				&looks->slip);
}

static struct pyi_error *judge(struct pyi_slip_looks *looks, const struct pyi_slip *again)
{
	const struct pyi_error *failure = failure_of(looks);
	const struct pyi_slip_bus bus = {
		.reached = !failure,
		.why = failure ? failure->message : NULL,
		.before = &looks->before,
		.after = &looks->after,
		.connection_limit =
			looks->buses[PYI_BUS_SESSION].wanted ? 0 : SYSTEM_BUS_CONNECTIONS,
	};

	return pyi_slip_judge(&looks->slip, again, &bus);
}

/* Names are missing on the bus: are they still in the process a while later? */
static struct pyi_error *look_again(struct pyi_inspection *inspection, struct pyi_slip_looks *looks)
{
	/* The time between the two snapshots counts, and reading the first has taken some of it. */
	double age_ms = pyi_clock_ms_since(looks->looked_ns) + looks->snapshot_ms;
	uint64_t left_ms = age_ms < SECOND_LOOK_MS ? SECOND_LOOK_MS - (uint64_t)age_ms : 0;
	struct pyi_error *error;

	/* Whoever was there at any time is not stale. */
	error = pyi_name_set_add_unique(&looks->before, &looks->after);
	if (error)
		return error;
	pyi_name_set_deinit(&looks->after);
	pyi_progress_report(&inspection->progress, "waiting for the second look", 0);
	if (pyi_wait_pause(pyi_clock_deadline(left_ms, inspection->session_options.deadline_ns)))
		return pyi_wait_interrupted();
	pyi_inspection_note(inspection);
	error = pyi_session_slip(&inspection->session, inspection->options->graph_bytes, NULL,
				 &looks->again);
	if (error)
		return error;
	ask_wanted(inspection, looks, &looks->after);
	return judge(looks, &looks->again);
}

struct pyi_error *pyi_slip_looks_take(struct pyi_inspection *inspection,
				      const struct pyi_examination *also,
				      struct pyi_slip_looks *looks)
{
	struct pyi_error *error = look_first(inspection, also, looks);

	looks->looked_ns = pyi_clock_now_ns();
	looks->snapshot_ms = inspection->session.snapshot_ms;
	if (!error && looks->slip.holder && !failure_of(looks))
		ask_wanted(inspection, looks, &looks->after);
	if (!error)
		error = judge(looks, NULL);
	if (error || !looks->slip.holder || looks->slip.stale_known || failure_of(looks))
		return error;
	return look_again(inspection, looks);
}

void pyi_slip_looks_warn(const struct pyi_slip_looks *looks, struct pyi_envelope *envelope)
{
	const struct pyi_error *failure = failure_of(looks);

	if (failure)
		pyi_envelope_warn(envelope, "no-bus",
				  "the message bus was not asked who is there: %s",
				  failure->message);
	if (looks->slip.redacted)
		pyi_envelope_warn(envelope, "no-values",
				  "this dump keeps no values, as one made with dump --values does");
}

/* Of the buses that were asked: "unix:path=...", malloc'ed; NULL if there is none. */
static struct pyi_error *join_addresses(const struct pyi_slip_looks *looks, char **ret_addresses)
{
	char *addresses = NULL;

	for (size_t b = 0; b < PYI_SLIP_BUSES; b++) {
		char *before = addresses;

		if (!looks->buses[b].bus || (looks->slip.holder && !looks->buses[b].wanted))
			continue;
		if (asprintf(&addresses, "%s%s%s", before ? before : "", before ? " and " : "",
			     pyi_bus_address(looks->buses[b].bus)) < 0)
			addresses = NULL;
		free(before);
		if (!addresses)
			return pyi_error_no_memory();
	}
	*ret_addresses = addresses;
	return NULL;
}

struct pyi_error *pyi_slip_looks_report(struct pyi_slip_looks *looks,
					const struct pyi_inspection *inspection, FILE *stream,
					enum pyi_format format, unsigned columns)
{
	PYI_CLEANUP(pyi_guard_free) char *addresses = NULL;
	struct pyi_slip_report report;
	struct pyi_error *error = join_addresses(looks, &addresses);

	if (error)
		return error;
	/* Without the class no bus was needed, and the system bus was tried. */
	report = (struct pyi_slip_report){
		.slip = &looks->slip,
		.bus_reached = looks->slip.holder ? !failure_of(looks)
						  : !looks->buses[PYI_BUS_SYSTEM].error,
		.bus_address = addresses,
		.skipped_objects = inspection->skipped_objects,
	};
	pyi_name_set_sort(&looks->before);
	pyi_name_set_sort(&looks->after);
	if (report.bus_reached)
		report.bus_names = looks->after.count ? looks->after.count : looks->before.count;
	return pyi_report_slip(stream, format, columns, inspection->envelope, &report);
}
