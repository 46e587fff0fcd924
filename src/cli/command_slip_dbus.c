/*
 * pyinspect TARGET slip-dbus: does python-slip keep D-Bus callers that are gone? Orders the looks
 * at the heap and at the bus; does not judge or print itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/slip.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "bus/bus.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "heap/slip.h"
#include "report/slip.h"
#include "tracee/wait.h"

enum {
	BUS_PATIENCE_MS = 5000,
	/* A process that has been told that a caller is gone deals with it by then. */
	SECOND_LOOK_MS = 500,
	/* max_completed_connections in dbus-daemon's system.conf, as it comes. */
	SYSTEM_BUS_CONNECTIONS = 2048,
	BUS_KINDS = 2,
};

static const char help[] =
	"usage: pyinspect TARGET slip-dbus [options]\n"
	"\n"
	"Finds the leak of python-slip (slip.dbus.service.Object; firewalld before 1.0,\n"
	"and copies of that code, as in subscription-manager): each D-Bus caller is put\n"
	"into a set, but only the end of the first one is watched. When two callers\n"
	"overlap and the first one goes, nobody is ever taken out again.\n"
	"\n"
	"Options of all commands: see pyinspect --help.\n"
	"\n"
	"It reads the names of the callers from the process, and asks the message bus of\n"
	"the process (the bus only, never the process) who is still there. A name that is\n"
	"gone is looked up a second time half a second later, in the process and on the\n"
	"bus: what is kept even then is stale.\n"
	"\n"
	"  leak     stale names are kept, and nothing will remove them\n"
	"  suspect  signs of it: names that are gone, too few to tell; nobody left to\n"
	"           watch; or, where the bus could not be asked, more names than a bus\n"
	"           has clients\n"
	"  ok       all that is kept is somebody who is there\n"
	"  absent   python-slip's class is not in this process\n"
	"\n"
	"Bytes are those of the containers, tuples and names, each object once. If the\n"
	"process is much larger, the rest is something else: see top-types.\n"
	"\n"
	"The exit code is 0 whatever the verdict; 5 if not all could be read.\n"
	"\n"
	"Examples:\n"
	"  pyinspect unit:firewalld slip-dbus\n"
	"  pyinspect 1234 slip-dbus --format json | jq -r .result.verdict\n"
	"  pyinspect 1234 path slip.dbus.service.Object\n";

/* One of the buses that connections of the target may be to. */
struct asked_bus {
	bool wanted;
	struct pyi_bus *bus;
	/* Why it cannot be asked; NULL: it can, or has not been tried. */
	struct pyi_error *error;
};

/* What was seen, in the order in which it was. */
struct looks {
	/* When the first look at the heap was over, and how old its snapshot was then. */
	uint64_t looked_ns;
	double snapshot_ms;
	struct asked_bus buses[BUS_KINDS];
	struct pyi_name_set before;
	struct pyi_slip slip;
	struct pyi_name_set after;
	struct pyi_slip again;
};

static void deinit_looks(struct looks *looks)
{
	for (size_t b = 0; b < BUS_KINDS; b++) {
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

/* Adds the names that are on a bus; a bus that once failed is not asked again. */
static void ask(struct pyi_inspection *inspection, struct looks *looks, enum pyi_bus_kind kind,
		struct pyi_name_set *names)
{
	uint64_t deadline_ns =
		pyi_clock_deadline(BUS_PATIENCE_MS, inspection->session_options.deadline_ns);
	struct asked_bus *asked = &looks->buses[kind];

	if (asked->error)
		return;
	pyi_progress_report(&inspection->progress, "asking the message bus", 0);
	if (!asked->bus)
		asked->error =
			pyi_bus_open(&inspection->session.process, kind, deadline_ns, &asked->bus);
	if (!asked->error)
		asked->error = pyi_bus_list_names(asked->bus, deadline_ns, add_name, names);
}

static void ask_wanted(struct pyi_inspection *inspection, struct looks *looks,
		       struct pyi_name_set *names)
{
	for (size_t b = 0; b < BUS_KINDS; b++)
		if (looks->buses[b].wanted)
			ask(inspection, looks, (enum pyi_bus_kind)b, names);
}

/* Why a bus that is wanted cannot be asked; NULL if all can. */
static const struct pyi_error *find_failure(const struct looks *looks)
{
	for (size_t b = 0; b < BUS_KINDS; b++)
		if (looks->buses[b].wanted && looks->buses[b].error)
			return looks->buses[b].error;
	return NULL;
}

/* Which buses the connections are to; the system bus if there are none. */
static void choose_buses(struct looks *looks)
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

/* The look that counts, with the names that were on the bus before it. */
static struct pyi_error *look_first(struct pyi_inspection *inspection, struct looks *looks)
{
	struct pyi_error *error;

	/* Which bus is known only afterwards: it is nearly always this one. */
	ask(inspection, looks, PYI_BUS_SYSTEM, &looks->before);
	error = pyi_session_slip(&inspection->session, &looks->slip);
	if (error || !looks->slip.holder)
		return error;
	choose_buses(looks);
	if (!looks->buses[PYI_BUS_SESSION].wanted)
		return NULL;
	if (!looks->buses[PYI_BUS_SYSTEM].wanted)
		pyi_name_set_deinit(&looks->before);
	ask(inspection, looks, PYI_BUS_SESSION, &looks->before);
	if (find_failure(looks))
		return NULL;
	pyi_slip_deinit(&looks->slip);
	looks->slip = (struct pyi_slip){ 0 };
	return pyi_session_slip(&inspection->session, &looks->slip);
}

static struct pyi_error *judge(struct looks *looks, const struct pyi_slip *again)
{
	const struct pyi_error *failure = find_failure(looks);
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
static struct pyi_error *look_again(struct pyi_inspection *inspection, struct looks *looks)
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
		return pyi_error_create(PYI_EXIT_FAILED, "interrupted", "interrupted by signal %d",
					pyi_wait_cancel_signal());
	pyi_inspection_note(inspection);
	error = pyi_session_slip(&inspection->session, &looks->again);
	if (error)
		return error;
	ask_wanted(inspection, looks, &looks->after);
	return judge(looks, &looks->again);
}

static struct pyi_error *look(struct pyi_inspection *inspection, struct looks *looks)
{
	struct pyi_error *error = look_first(inspection, looks);

	looks->looked_ns = pyi_clock_now_ns();
	looks->snapshot_ms = inspection->session.snapshot_ms;
	if (!error && looks->slip.holder && !find_failure(looks))
		ask_wanted(inspection, looks, &looks->after);
	if (!error)
		error = judge(looks, NULL);
	if (error || !looks->slip.holder || looks->slip.stale_known || find_failure(looks))
		return error;
	return look_again(inspection, looks);
}

/* Of the buses that were asked: "unix:path=..."; NULL if there is none. */
static struct pyi_error *join_addresses(const struct looks *looks, char **ret_addresses)
{
	char *addresses = NULL;

	for (size_t b = 0; b < BUS_KINDS; b++) {
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

static struct pyi_error *answer(struct pyi_inspection *inspection, enum pyi_exit *ret_exit)
{
	PYI_CLEANUP(deinit_looks) struct looks looks = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *addresses = NULL;
	const struct pyi_error *failure;
	struct pyi_slip_report report;
	struct pyi_error *error;

	error = look(inspection, &looks);
	if (!error)
		error = join_addresses(&looks, &addresses);
	if (error)
		return error;
	failure = find_failure(&looks);
	if (failure)
		pyi_envelope_warn(inspection->envelope, "no-bus",
				  "the message bus was not asked who is there: %s",
				  failure->message);
	*ret_exit = pyi_inspection_conclude(inspection);
	/* Without the class no bus was needed, and the system bus was tried. */
	report = (struct pyi_slip_report){
		.slip = &looks.slip,
		.bus_reached = looks.slip.holder ? !failure : !looks.buses[PYI_BUS_SYSTEM].error,
		.bus_address = addresses,
		.skipped_objects = inspection->skipped_objects,
	};
	pyi_name_set_sort(&looks.before);
	pyi_name_set_sort(&looks.after);
	if (report.bus_reached)
		report.bus_names = looks.after.count ? looks.after.count : looks.before.count;
	return pyi_report_slip(stdout, inspection->options->format, pyi_inspection_columns(),
			       inspection->envelope, &report);
}

static struct pyi_error *run(const struct pyi_options *options, struct pyi_envelope *envelope,
			     enum pyi_exit *ret_exit)
{
	return pyi_inspection_run(options, envelope, answer, ret_exit);
}

const struct pyi_command pyi_command_slip_dbus = {
	.name = "slip-dbus",
	.summary = "does python-slip (firewalld) keep D-Bus callers for ever?",
	.help = help,
	.run = run,
};
