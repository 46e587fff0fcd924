/*
 * Tests of src/cli/slip_looks.c and command_slip_dbus.c: in which order the bus and the heap are
 * looked at, and what is made of a bus that cannot be asked. The session, the bus and the clock are
 * invented.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bus/bus.h"
#include "cli/command.h"
#include "cli/core_facts.h"
#include "cli/heap_graph.h"
#include "cli/slip_looks.h"
#include "heap/slip.h"
#include "report/slip.h"
#include "tracee/wait.h"

enum {
	LOOK_LIMIT = 4,
	WORD_BYTES = 64,
	GRAPH_BYTES = 4711,
};

/* What there is to be seen; the last of each goes on for ever. */
struct world {
	/* Names on each bus at each question, separated by spaces; NULL: it cannot be asked. */
	const char *names[2][LOOK_LIMIT];
	/* Names in the heap at each look, the same; NULL: no such class. */
	const char *heap[LOOK_LIMIT];
	/* The buses of the connections, each of which has all of them. */
	const char *connections[2];
	bool inconsistent_first;
	uint64_t skipped;
	bool cancelled;
};

/* What was done: S, U ask the system or the session bus, H looks at the heap, W waits. */
static struct {
	const struct world *world;
	char log[WORD_BYTES];
	size_t asked[2];
	size_t looks;
	unsigned open;
	/* What was reported. */
	unsigned reports;
	enum pyi_slip_verdict verdict;
	bool stale_known;
	uint64_t stale;
	bool bus_reached;
	char bus_address[WORD_BYTES];
	uint64_t bus_names;
	uint64_t skipped;
} seen;

struct pyi_bus {
	enum pyi_bus_kind kind;
};

static struct pyi_bus buses[2] = { { PYI_BUS_SYSTEM }, { PYI_BUS_SESSION } };

static void note(char word)
{
	size_t length = strlen(seen.log);

	assert_true(length + 1 < sizeof(seen.log));
	seen.log[length] = word;
	seen.log[length + 1] = '\0';
}

/* The one at `index` that was given, or the last. */
static const char *pick(const char *const *given, size_t index)
{
	while (index && (index >= LOOK_LIMIT || !given[index]))
		index--;
	return given[index];
}

static struct pyi_error *each_name(const char *names,
				   struct pyi_error *(*name)(void *argument, const char *name),
				   void *argument)
{
	char copy[WORD_BYTES];
	char *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", names);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		struct pyi_error *error = name(argument, word);

		if (error)
			return error;
	}
	return NULL;
}

static struct pyi_error *add_name(void *set, const char *name)
{
	return pyi_name_set_add(set, name);
}

struct pyi_error *pyi_session_open(pid_t pid, const struct pyi_session_options *options,
				   struct pyi_session *ret_session)
{
	*ret_session = (struct pyi_session){
		.source.process = { .pid = pid, .proc_fd = -1 },
		.options = options,
		.begun_ns = pyi_clock_now_ns(),
	};
	return NULL;
}

void pyi_session_close(struct pyi_session *session)
{
	assert_int_equal(session->source.process.pid, 123);
}

struct pyi_error *pyi_session_slip(struct pyi_session *session, uint64_t graph_bytes,
				   const struct pyi_examination *also, struct pyi_slip *ret_slip)
{
	const struct world *world = seen.world;
	const char *names = pick(world->heap, seen.looks);
	struct pyi_slip slip = { 0 };

	assert_int_equal(graph_bytes, GRAPH_BYTES);
	note('H');
	if (also)
		assert_null(also->examine(also->argument, session, NULL, NULL));
	session->attempts++;
	session->inconsistency =
		world->inconsistent_first && !seen.looks ? "of an invented reason" : NULL;
	session->consistent = !session->inconsistency;
	session->summary = (struct pyi_record_summary){ .skipped_objects = world->skipped };
	seen.looks++;
	if (names) {
		slip.holder = strdup("slip.dbus.service.Object");
		assert_null(each_name(names, add_name, &slip.sender_names));
		pyi_name_set_sort(&slip.sender_names);
		slip.senders = slip.sender_names.count;
	}
	while (names && slip.connection_count < 2 && world->connections[slip.connection_count]) {
		struct pyi_slip_connection connection = {
			.name = strdup("a connection"),
			.bus = world->connections[slip.connection_count],
		};

		assert_null(each_name(names, add_name, &connection.senders));
		pyi_name_set_sort(&connection.senders);
		slip.connections = reallocarray(slip.connections, slip.connection_count + 1,
						sizeof(connection));
		assert_non_null(slip.connections);
		slip.connections[slip.connection_count++] = connection;
	}
	*ret_slip = slip;
	return NULL;
}

/* A file in the place of the process: D looks at a dump, C opens a core. */
struct pyi_error *pyi_heap_graph_ask(struct pyi_inspection *inspection,
				     const struct pyi_graph_question *question,
				     struct pyi_heap_graph *ret_graph)
{
	const struct pyi_graph_view view = { .session = &inspection->session,
					     .graph = &ret_graph->graph };

	assert_true(question->named);
	ret_graph->offline.values = true;
	return question->ask(question->argument, &view);
}

void pyi_heap_graph_deinit(struct pyi_heap_graph *graph)
{
	(void)graph;
}

struct pyi_error *pyi_slip_of_dump(const struct pyi_graph_view *view, bool values,
				   struct pyi_slip *ret_slip)
{
	struct pyi_slip slip = { 0 };

	assert_true(values);
	note('D');
	if (seen.world->inconsistent_first)
		view->session->inconsistency = "it has more names than there is room for";
	if (seen.world->heap[0]) {
		slip.holder = strdup("slip.dbus.service.Object");
		assert_null(each_name(seen.world->heap[0], add_name, &slip.sender_names));
		slip.senders = slip.sender_names.count;
	}
	*ret_slip = slip;
	return NULL;
}

struct pyi_error *pyi_core_facts_begin(struct pyi_inspection *inspection, pid_t *ret_pid)
{
	(void)inspection;
	note('C');
	*ret_pid = 123;
	return NULL;
}

struct pyi_error *pyi_bus_open(const struct pyi_process *process, enum pyi_bus_kind kind,
			       uint64_t deadline_ns, struct pyi_bus **ret_bus)
{
	assert_int_equal(process->pid, 123);
	assert_true(deadline_ns <= pyi_clock_deadline(5000, PYI_CLOCK_NEVER));
	if (!seen.world->names[kind][0])
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, "there is no bus");
	*ret_bus = &buses[kind];
	seen.open++;
	return NULL;
}

const char *pyi_bus_address(const struct pyi_bus *bus)
{
	return bus->kind == PYI_BUS_SYSTEM ? "unix:path=/system" : "unix:path=/session";
}

struct pyi_error *pyi_bus_list_names(struct pyi_bus *bus, uint64_t deadline_ns,
				     struct pyi_error *(*name)(void *argument, const char *name),
				     void *argument)
{
	const char *names = pick(seen.world->names[bus->kind], seen.asked[bus->kind]++);

	assert_true(deadline_ns <= pyi_clock_deadline(5000, PYI_CLOCK_NEVER));
	note(bus->kind == PYI_BUS_SYSTEM ? 'S' : 'U');
	if (strcmp(names, "gone") == 0)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, "the bus went away");
	return each_name(names, name, argument);
}

void pyi_bus_close(struct pyi_bus *bus)
{
	if (bus)
		seen.open--;
}

bool pyi_wait_pause(uint64_t deadline_ns)
{
	/* Long enough for a process to deal with what the bus told it. */
	assert_true(deadline_ns > pyi_clock_deadline(300, PYI_CLOCK_NEVER));
	note('W');
	return seen.world->cancelled;
}

int pyi_wait_cancel_signal(void)
{
	return seen.world->cancelled ? 15 : 0;
}

struct pyi_error *pyi_wait_interrupted(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INTERRUPTED, "interrupted by signal %d",
				pyi_wait_cancel_signal());
}

struct pyi_error *pyi_report_slip(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_slip_report *report)
{
	(void)stream;
	(void)columns;
	assert_int_equal(format, PYI_FORMAT_JSON);
	assert_int_equal(envelope->attempts, seen.looks);
	seen.reports++;
	seen.verdict = report->slip->verdict;
	seen.stale_known = report->slip->stale_known;
	seen.stale = report->slip->stale;
	seen.bus_reached = report->bus_reached;
	snprintf(seen.bus_address, sizeof(seen.bus_address), "%s",
		 report->bus_address ? report->bus_address : "none");
	seen.bus_names = report->bus_names;
	seen.skipped = report->skipped_objects;
	return NULL;
}

/* Runs the command; the code of the only warning, NULL without one. */
static const char *run_on(const struct world *world, const char *dump, const char *core,
			  enum pyi_exit expected_exit)
{
	const struct pyi_options options = { .target = "123",
					     .pid = 123,
					     .dump = dump,
					     .core = core,
					     .format = PYI_FORMAT_JSON,
					     .graph_bytes = GRAPH_BYTES,
					     .deadline_ns =
						     pyi_clock_deadline(60000, PYI_CLOCK_NEVER) };
	struct pyi_envelope envelope = { .consistent = dump != NULL };
	enum pyi_exit exit = PYI_EXIT_NOT_RESTORED;
	static char code[PYI_WARNING_CODE_BYTES];
	const char *warning = NULL;
	struct pyi_error *error;

	memset(&seen, 0, sizeof(seen));
	seen.world = world;
	error = pyi_command_slip_dbus.run(&options, &envelope, &exit);
	if (error)
		fail_msg("%s", error->message);
	assert_int_equal(exit, expected_exit);
	assert_int_equal(seen.reports, 1);
	assert_int_equal(seen.open, 0);
	assert_true(envelope.warning_count <= 1);
	assert_int_equal(envelope.consistent, !world->inconsistent_first);
	if (envelope.warning_count)
		warning = strcpy(code, envelope.warnings[0].code);
	pyi_envelope_deinit(&envelope);
	return warning;
}

static const char *run(const struct world *world, enum pyi_exit expected_exit)
{
	return run_on(world, NULL, NULL, expected_exit);
}

/* Who is on the bus now has nothing to do with it: it is not asked, and there is one look. */
static void test_files(void **state)
{
	static const struct world absent = { .names[PYI_BUS_SYSTEM] = { ":1.1" } };
	static const struct world left_out = { .inconsistent_first = true };
	static const struct world world = {
		.names[PYI_BUS_SYSTEM] = { ":1.1" },
		.heap = { ":1.1 :1.2" },
	};

	(void)state;
	assert_string_equal(run_on(&world, "a dump", NULL, PYI_EXIT_OK), "no-bus");
	assert_string_equal(seen.log, "D");
	assert_false(seen.bus_reached);
	assert_false(seen.stale_known);
	assert_string_equal(run_on(&world, NULL, "a core", PYI_EXIT_OK), "no-bus");
	assert_string_equal(seen.log, "CH");
	assert_false(seen.bus_reached);
	assert_false(seen.stale_known);
	assert_null(run_on(&absent, "a dump", NULL, PYI_EXIT_OK));
	/* There is no other one to turn to. */
	assert_string_equal(run_on(&left_out, "a dump", NULL, PYI_EXIT_INCOMPLETE), "inconsistent");
	assert_string_equal(seen.log, "D");
	assert_null(run_on(&absent, NULL, "a core", PYI_EXIT_OK));
	assert_string_equal(seen.log, "CH");
	assert_int_equal(seen.verdict, PYI_SLIP_ABSENT);
}

static void test_absent(void **state)
{
	static const struct world without_bus = { 0 };
	static const struct world with_bus = { .names[PYI_BUS_SYSTEM] = { ":1.1 :1.2" } };

	(void)state;
	assert_null(run(&without_bus, PYI_EXIT_OK));
	assert_string_equal(seen.log, "H");
	assert_int_equal(seen.verdict, PYI_SLIP_ABSENT);
	assert_false(seen.bus_reached);
	assert_string_equal(seen.bus_address, "none");
	assert_null(run(&with_bus, PYI_EXIT_OK));
	assert_string_equal(seen.log, "SH");
	assert_int_equal(seen.verdict, PYI_SLIP_ABSENT);
	assert_true(seen.bus_reached);
	assert_int_equal(seen.bus_names, 2);
}

/* Whoever comes or goes during the look was on the bus before or after it. */
static void test_nobody_missing(void **state)
{
	static const struct world world = {
		.names[PYI_BUS_SYSTEM] = { ":1.1 :1.2", ":1.1 :1.3 :1.4" },
		.heap = { ":1.1 :1.2 :1.3" },
		.connections = { "system" },
	};

	(void)state;
	assert_null(run(&world, PYI_EXIT_OK));
	assert_string_equal(seen.log, "SHS");
	assert_int_equal(seen.verdict, PYI_SLIP_OK);
	assert_true(seen.stale_known);
	assert_int_equal(seen.stale, 0);
	assert_int_equal(seen.bus_names, 3);
	assert_string_equal(seen.bus_address, "unix:path=/system");
}

static void test_confirmed(void **state)
{
	static const struct world world = {
		.names[PYI_BUS_SYSTEM] = { ":1.1" },
		.heap = { ":1.1 :1.2 :1.3 :1.4", ":1.1 :1.2 :1.3" },
	};

	(void)state;
	assert_null(run(&world, PYI_EXIT_OK));
	assert_string_equal(seen.log, "SHSWHS");
	assert_int_equal(seen.verdict, PYI_SLIP_LEAK);
	assert_true(seen.stale_known);
	assert_int_equal(seen.stale, 2);
}

/* On the bus between the two looks only: it is not the heap that is late. */
static void test_there_in_between(void **state)
{
	static const struct world world = {
		.names[PYI_BUS_SYSTEM] = { ":1.1", ":1.1 :1.2", ":1.1" },
		.heap = { ":1.2 :1.3", ":1.2" },
	};

	(void)state;
	assert_null(run(&world, PYI_EXIT_OK));
	assert_string_equal(seen.log, "SHSWHS");
	assert_int_equal(seen.verdict, PYI_SLIP_OK);
	assert_int_equal(seen.stale, 0);
}

static void test_session_bus(void **state)
{
	static const struct world world = {
		.names = { { ":1.1 :1.2" }, { ":1.7" } },
		.heap = { ":1.2 :1.7" },
		.connections = { "session" },
	};
	static const struct world without_system = {
		.names[PYI_BUS_SESSION] = { ":1.2 :1.7 :1.8" },
		.heap = { ":1.2 :1.7" },
		.connections = { "session" },
	};

	(void)state;
	/* That :1.2 is a name of the other bus means nothing. */
	assert_null(run(&world, PYI_EXIT_OK));
	assert_string_equal(seen.log, "SHUHUWHU");
	assert_int_equal(seen.verdict, PYI_SLIP_LEAK);
	assert_int_equal(seen.stale, 1);
	assert_int_equal(seen.bus_names, 1);
	assert_string_equal(seen.bus_address, "unix:path=/session");
	assert_null(run(&without_system, PYI_EXIT_OK));
	assert_string_equal(seen.log, "HUHU");
	assert_int_equal(seen.verdict, PYI_SLIP_OK);
	assert_true(seen.bus_reached);
}

/* A name is stale if nobody has it on either. */
static void test_both_buses(void **state)
{
	static const struct world world = {
		.names = { { ":1.1 :1.2", ":1.1" }, { ":1.7" } },
		.heap = { ":1.2 :1.7" },
		.connections = { "session", "system" },
	};
	static const struct world without_session = {
		.names[PYI_BUS_SYSTEM] = { ":1.1 :1.2" },
		.heap = { ":1.2 :1.7" },
		.connections = { "system", "session" },
	};

	(void)state;
	assert_null(run(&world, PYI_EXIT_OK));
	assert_string_equal(seen.log, "SHUHSU");
	assert_int_equal(seen.verdict, PYI_SLIP_OK);
	assert_true(seen.stale_known);
	assert_int_equal(seen.bus_names, 2);
	assert_string_equal(seen.bus_address, "unix:path=/system and unix:path=/session");
	assert_string_equal(run(&without_session, PYI_EXIT_OK), "no-bus");
	assert_string_equal(seen.log, "SH");
	assert_false(seen.stale_known);
}

static void test_no_bus(void **state)
{
	static const struct world never = { .heap = { ":1.1 :1.2" }, .connections = { "system" } };
	static const struct world later = {
		.names[PYI_BUS_SYSTEM] = { ":1.1", "gone" },
		.heap = { ":1.1 :1.2" },
	};
	static const struct world last = {
		.names[PYI_BUS_SYSTEM] = { ":1.1", ":1.1", "gone" },
		.heap = { ":1.1 :1.2" },
	};
	static const struct world no_session = {
		.names[PYI_BUS_SYSTEM] = { ":1.1 :1.2" },
		.heap = { ":1.1 :1.2" },
		.connections = { "session" },
	};
	static const struct {
		const struct world *world;
		const char *log;
	} cases[] = {
		{ &never, "H" }, { &later, "SHS" }, { &last, "SHSWHS" }, { &no_session, "SH" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(run(cases[i].world, PYI_EXIT_OK), "no-bus");
		assert_string_equal(seen.log, cases[i].log);
		assert_false(seen.bus_reached);
		assert_false(seen.stale_known);
		assert_int_equal(seen.bus_names, 0);
		assert_int_equal(seen.verdict, PYI_SLIP_OK);
	}
}

/* What one look lacked, the other does not make up for. */
static void test_incomplete(void **state)
{
	static const struct world torn = {
		.names[PYI_BUS_SYSTEM] = { ":1.1" },
		.heap = { ":1.2 :1.3" },
		.inconsistent_first = true,
	};
	static const struct world skipped = {
		.names[PYI_BUS_SYSTEM] = { ":1.1" },
		.heap = { ":1.1" },
		.skipped = 5,
	};

	(void)state;
	assert_string_equal(run(&torn, PYI_EXIT_INCOMPLETE), "inconsistent");
	assert_string_equal(seen.log, "SHSWHS");
	assert_null(run(&skipped, PYI_EXIT_INCOMPLETE));
	assert_int_equal(seen.skipped, 5);
}

static void test_interrupted(void **state)
{
	static const struct world world = {
		.names[PYI_BUS_SYSTEM] = { ":1.1" },
		.heap = { ":1.2 :1.3" },
		.cancelled = true,
	};
	const struct pyi_options options = {
		.target = "123", .pid = 123, .format = PYI_FORMAT_JSON, .graph_bytes = GRAPH_BYTES
	};
	struct pyi_envelope envelope = { 0 };
	struct pyi_error *error;
	enum pyi_exit exit;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	seen.world = &world;
	error = pyi_command_slip_dbus.run(&options, &envelope, &exit);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "interrupted");
	assert_string_equal(seen.log, "SHSW");
	assert_int_equal(seen.open, 0);
	assert_int_equal(envelope.pid, 123);
	pyi_error_destroy(error);
	pyi_envelope_deinit(&envelope);
}

/* In the heap of the look that is being made. */
static struct pyi_error *examine_also(void *count, struct pyi_session *session,
				      struct pyi_source_snapshot *snapshot,
				      const struct pyi_interpreters *interpreters)
{
	(void)session;
	(void)snapshot;
	(void)interpreters;
	note('A');
	++*(unsigned *)count;
	return NULL;
}

static struct pyi_error *look_with_another(struct pyi_inspection *inspection,
					   enum pyi_exit *ret_exit)
{
	const struct pyi_examination also = { examine_also, inspection->context };
	struct pyi_slip_looks looks = { 0 };
	struct pyi_error *error = pyi_slip_looks_take(inspection, &also, &looks);

	pyi_slip_looks_deinit(&looks);
	*ret_exit = pyi_inspection_conclude(inspection);
	return error;
}

/* What else is to be known of the heap is of the first look, whatever comes after that. */
static void test_another_examination(void **state)
{
	static const struct world worlds[] = {
		{ .skipped = 0 },
		{ .names[PYI_BUS_SYSTEM] = { ":1.1" }, .heap = { ":1.1" } },
		{ .names[PYI_BUS_SYSTEM] = { ":1.1" },
		  .heap = { ":1.1 :1.2" },
		  .inconsistent_first = true },
		{ .names = { { ":1.1" }, { ":1.1" } },
		  .heap = { ":1.1" },
		  .connections = { "session" },
		  .inconsistent_first = true },
	};
	static const char *const logs[] = { "HA", "SHAS", "SHASWHS", "SHAUHU" };

	(void)state;
	for (size_t w = 0; w < sizeof(worlds) / sizeof(worlds[0]); w++) {
		const struct pyi_options options = { .target = "123",
						     .pid = 123,
						     .graph_bytes = GRAPH_BYTES };
		struct pyi_envelope envelope = { 0 };
		enum pyi_exit exit;
		unsigned count = 0;

		memset(&seen, 0, sizeof(seen));
		seen.world = &worlds[w];
		assert_null(pyi_inspection_run_with(&options, &envelope, look_with_another, &count,
						    &exit));
		assert_string_equal(seen.log, logs[w]);
		assert_int_equal(count, 1);
		/* That it cannot be believed is not forgotten with the look. */
		assert_int_equal(exit,
				 worlds[w].inconsistent_first ? PYI_EXIT_INCOMPLETE : PYI_EXIT_OK);
		pyi_envelope_deinit(&envelope);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),	    cmocka_unit_test(test_nobody_missing),
		cmocka_unit_test(test_confirmed),   cmocka_unit_test(test_there_in_between),
		cmocka_unit_test(test_session_bus), cmocka_unit_test(test_both_buses),
		cmocka_unit_test(test_no_bus),	    cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_interrupted), cmocka_unit_test(test_another_examination),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
