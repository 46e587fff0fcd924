/*
 * Tests of the judgement on python-slip's senders: what is ok, suspect, a leak, and in what words.
 *
 * Does not ask a bus and does not read a heap: both are made up here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/slip.h"

#define HOLDER "slip.dbus.service.Object"
#define CONNECTION "dbus._dbus.SystemBus at 0x7f0000001000"

/* What the heap held at two looks, and who was on the bus before and after. */
struct fixture {
	struct pyi_slip slip;
	struct pyi_slip again;
	struct pyi_name_set before;
	struct pyi_name_set after;
	struct pyi_slip_bus bus;
};

static void add(struct pyi_name_set *set, const char *name)
{
	assert_null(pyi_name_set_add(set, name));
}

static void add_range(struct pyi_name_set *set, unsigned first, unsigned count)
{
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), ":1.%u", first + i);
		add(set, name);
	}
}

static void make_slip(struct pyi_slip *slip)
{
	*slip = (struct pyi_slip){
		.holder = strdup(HOLDER),
		.instances = 245,
		.objects = 10,
		.bytes = 4321,
		.connections = calloc(2, sizeof(struct pyi_slip_connection)),
		.connection_count = 1,
	};
	assert_non_null(slip->connections);
	for (size_t i = 0; i < 2; i++)
		slip->connections[i].bus = "system";
	slip->connections[0].name = strdup(CONNECTION);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	make_slip(&fixture->slip);
	make_slip(&fixture->again);
	/* The service itself, polkit, and who asks. */
	add(&fixture->before, "org.freedesktop.DBus");
	add(&fixture->before, ":1.2");
	add(&fixture->before, ":1.5");
	pyi_name_set_sort(&fixture->before);
	add(&fixture->after, "org.freedesktop.DBus");
	add(&fixture->after, "org.fedoraproject.FirewallD1");
	add(&fixture->after, ":1.2");
	add(&fixture->after, ":1.5");
	pyi_name_set_sort(&fixture->after);
	fixture->bus = (struct pyi_slip_bus){
		.reached = true,
		.before = &fixture->before,
		.after = &fixture->after,
		.connection_limit = 2048,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_slip_deinit(&fixture->slip);
	pyi_slip_deinit(&fixture->slip);
	pyi_slip_deinit(&fixture->again);
	pyi_name_set_deinit(&fixture->before);
	pyi_name_set_deinit(&fixture->after);
	free(fixture);
	return 0;
}

static void keep(struct pyi_slip *slip, unsigned first, unsigned count)
{
	add_range(&slip->sender_names, first, count);
	add_range(&slip->connections[0].senders, first, count);
	slip->senders += count;
}

/* At both looks. */
static void keep_both(struct fixture *fixture, unsigned first, unsigned count)
{
	keep(&fixture->slip, first, count);
	keep(&fixture->again, first, count);
}

static void set_match(struct fixture *fixture, const char *arg1)
{
	struct pyi_slip_connection *connection = &fixture->slip.connections[0];

	connection->has_match = true;
	free(connection->match_arg1);
	connection->match_arg1 = arg1 ? strdup(arg1) : NULL;
}

static void unreach(struct fixture *fixture)
{
	fixture->bus.reached = false;
	fixture->bus.why = "no socket at /run/dbus/system_bus_socket";
	fixture->bus.before = NULL;
	fixture->bus.after = NULL;
}

/* `stale` -1: not known. */
static void judge(struct fixture *fixture, bool again, enum pyi_slip_verdict verdict, int stale)
{
	const struct pyi_slip *slip = &fixture->slip;

	assert_null(pyi_slip_judge(&fixture->slip, again ? &fixture->again : NULL, &fixture->bus));
	assert_int_equal(slip->verdict, verdict);
	assert_int_equal(slip->stale_known, stale >= 0);
	assert_int_equal(slip->stale, stale < 0 ? 0 : stale);
	if (!slip->connection_count)
		return;
	assert_int_equal(slip->connections[0].stale_known, stale >= 0);
	if (stale <= 0)
		assert_int_equal(slip->connections[0].stale, 0);
}

static void assert_evidence(const struct fixture *fixture, size_t index, const char *expected)
{
	assert_true(index < fixture->slip.evidence_count);
	assert_string_equal(fixture->slip.evidence[index], expected);
}

static void assert_no_evidence(const struct fixture *fixture, const char *words)
{
	for (size_t i = 0; i < fixture->slip.evidence_count; i++)
		assert_null(strstr(fixture->slip.evidence[i], words));
}

static void test_absent(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_slip none = { 0 };

	pyi_slip_deinit(&fixture->slip);
	judge(fixture, false, PYI_SLIP_ABSENT, -1);
	assert_int_equal(fixture->slip.evidence_count, 1);
	pyi_slip_deinit(&none);
}

/* Clients that come one after another leave nothing behind. */
static void test_empty(void **state)
{
	struct fixture *fixture = *state;

	judge(fixture, false, PYI_SLIP_OK, 0);
	assert_int_equal(fixture->slip.evidence_count, 1);
	assert_evidence(fixture, 0, HOLDER ".senders has no names");
	unreach(fixture);
	judge(fixture, false, PYI_SLIP_OK, 0);
	assert_int_equal(fixture->slip.evidence_count, 1);
	assert_evidence(fixture, 0,
			"the bus was not asked: no socket at /run/dbus/system_bus_socket");
}

static void test_live_clients(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 7, 3);
	set_match(fixture, ":1.7");
	add_range(&fixture->before, 7, 3);
	add_range(&fixture->after, 7, 3);
	/* Once without the looks that nothing asks for, once with all. */
	fixture->bus.after = NULL;
	judge(fixture, false, PYI_SLIP_OK, 0);
	assert_evidence(fixture, 0,
			"all names in " HOLDER
			".senders are on the bus (3 of the 5 unique names there)");
	fixture->bus.after = &fixture->after;
	judge(fixture, true, PYI_SLIP_OK, 0);
	assert_int_equal(fixture->slip.evidence_count, 1);
}

/* A and B overlap, A goes, B stays, then 500 more come and go. */
static void test_leak(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 508, 501);
	set_match(fixture, ":1.507");
	judge(fixture, true, PYI_SLIP_LEAK, 501);
	assert_int_equal(fixture->slip.connections[0].stale, 501);
	assert_int_equal(fixture->slip.evidence_count, 3);
	assert_evidence(fixture, 0,
			"501 of 501 names in " HOLDER ".senders are not on the bus (looked up "
			"twice, 2 unique names on the bus)");
	assert_evidence(fixture, 1,
			"the only NameOwnerChanged match of connection " CONNECTION
			" watches :1.507, which is gone: nothing will ever be removed");
	assert_evidence(fixture, 2, "what " HOLDER " keeps takes 4321 bytes in 10 objects");
}

/* A look at what is there costs more than one that finds nothing: first without. */
static void test_not_confirmed(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 508, 501);
	fixture->bus.after = NULL;
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_evidence(fixture, 0,
			"501 of 501 names in " HOLDER ".senders are not on the bus (not confirmed "
			"by a second look, 2 unique names on the bus)");
	/* The heap twice, but the bus once; or an answer that is none. */
	judge(fixture, true, PYI_SLIP_SUSPECT, -1);
	fixture->bus.after = &(const struct pyi_name_set){ 0 };
	judge(fixture, true, PYI_SLIP_SUSPECT, -1);
	fixture->bus.after = &fixture->after;
	fixture->bus.before = &(const struct pyi_name_set){ 0 };
	judge(fixture, true, PYI_SLIP_SUSPECT, -1);
	fixture->bus.before = &fixture->before;
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	/* The same again, with both: the first judgement is gone. */
	judge(fixture, true, PYI_SLIP_LEAK, 501);
	assert_no_evidence(fixture, "not confirmed");
	assert_evidence(fixture, 1,
			"connection " CONNECTION
			" has no NameOwnerChanged match: nothing will ever be removed");
}

/* Clients that come and go between the looks. */
static void test_races(void **state)
{
	struct fixture *fixture = *state;

	keep(&fixture->slip, 100, 4);
	set_match(fixture, ":1.100");
	/* :1.100 went before the heap was looked at, and was removed later. */
	/* :1.101 was there before; :1.102 came after the first list. */
	add(&fixture->before, ":1.101");
	add(&fixture->after, ":1.102");
	/* :1.103 was there all the time; :1.104 came later, and went. */
	add(&fixture->before, ":1.103");
	add(&fixture->after, ":1.103");
	keep(&fixture->again, 101, 4);
	judge(fixture, true, PYI_SLIP_OK, 0);
	assert_evidence(fixture, 0,
			"names not on the bus that had been removed at the second look: 1");
	/* Still there at the second look. */
	keep(&fixture->again, 100, 1);
	keep(&fixture->slip, 104, 1);
	judge(fixture, true, PYI_SLIP_LEAK, 2);
}

static void test_some_are_live(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 100, 10);
	set_match(fixture, ":1.100");
	add_range(&fixture->before, 100, 3);
	add_range(&fixture->after, 100, 3);
	judge(fixture, true, PYI_SLIP_LEAK, 7);
	assert_int_equal(fixture->slip.connections[0].stale, 7);
	assert_evidence(fixture, 0,
			"7 of 10 names in " HOLDER ".senders are not on the bus (looked up twice, "
			"5 unique names on the bus)");
	assert_evidence(fixture, 1,
			"the only NameOwnerChanged match of connection " CONNECTION
			" watches :1.100: the end of no other sender is noticed");
}

/* The one that is watched went, but the process (stopped, busy) has not read that yet. */
static void test_end_not_dealt_with(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 100, 1);
	set_match(fixture, ":1.100");
	judge(fixture, true, PYI_SLIP_SUSPECT, 1);
	assert_int_equal(fixture->slip.connections[0].stale, 1);
	assert_evidence(fixture, 1,
			"the only NameOwnerChanged match of connection " CONNECTION
			" watches :1.100, which is gone but still kept: its end may not have been "
			"dealt with yet");
	/* One more, which nobody watches, will stay in any case. */
	keep_both(fixture, 101, 1);
	judge(fixture, true, PYI_SLIP_LEAK, 2);
}

/* A has gone and B stays: nothing is stale yet, but all that come will be. */
static void test_armed(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 100, 1);
	add(&fixture->before, ":1.100");
	add(&fixture->after, ":1.100");
	set_match(fixture, ":1.99");
	judge(fixture, true, PYI_SLIP_SUSPECT, 0);
	assert_evidence(
		fixture, 0,
		"armed: the only NameOwnerChanged match of connection " CONNECTION
		" watches :1.99, which is gone, while others are left (1): neither these nor "
		"later ones will ever be removed");
	/* Not if :1.99 is there at one of the looks, or watches no one name. */
	add(&fixture->after, ":1.99");
	judge(fixture, true, PYI_SLIP_OK, 0);
	set_match(fixture, NULL);
	judge(fixture, true, PYI_SLIP_OK, 0);
	set_match(fixture, "org.example.Gone");
	judge(fixture, true, PYI_SLIP_OK, 0);
	/* A match of a connection that keeps nobody is of no interest. */
	set_match(fixture, ":1.98");
	pyi_name_set_deinit(&fixture->slip.connections[0].senders);
	judge(fixture, true, PYI_SLIP_OK, 0);
}

static void test_well_known_names_are_not_stale(void **state)
{
	struct fixture *fixture = *state;

	add(&fixture->slip.sender_names, "org.example.Daemon");
	add(&fixture->again.sender_names, "org.example.Daemon");
	judge(fixture, true, PYI_SLIP_OK, 0);
}

static void test_unique_names_of_any_form(void **state)
{
	struct fixture *fixture = *state;

	add(&fixture->slip.sender_names, ":2.7");
	add(&fixture->slip.sender_names, ":1.07");
	add(&fixture->again.sender_names, ":2.7");
	add(&fixture->again.sender_names, ":1.07");
	add(&fixture->before, ":1.7");
	add(&fixture->after, ":2.7");
	judge(fixture, true, PYI_SLIP_LEAK, 1);
}

static void test_two_connections(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_slip_connection *second = &fixture->slip.connections[1];

	keep_both(fixture, 100, 3);
	set_match(fixture, ":1.99");
	fixture->slip.connection_count = 2;
	second->name = strdup("other");
	/* :1.102 is in both, and counts once; :1.200 is not among the senders. */
	add_range(&second->senders, 102, 1);
	add_range(&second->senders, 200, 1);
	add_range(&fixture->again.connections[0].senders, 200, 1);
	judge(fixture, true, PYI_SLIP_LEAK, 4);
	assert_int_equal(fixture->slip.connections[0].stale, 3);
	assert_int_equal(second->stale, 2);
	assert_evidence(fixture, 1,
			"names only in " HOLDER ".connections_senders that are not on the bus: 1 "
			"(looked up twice, 2 unique names on the bus)");
	assert_evidence(fixture, 3,
			"connection other has no NameOwnerChanged match: nothing will ever be "
			"removed");
}

/* Nobody reads a sentence for each of a thousand connections. */
static void test_many_connections(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_slip *slip = &fixture->slip;

	free(slip->connections[0].name);
	free(slip->connections);
	slip->connection_count = 1000;
	slip->connections = calloc(slip->connection_count, sizeof(*slip->connections));
	assert_non_null(slip->connections);
	for (unsigned i = 0; i < slip->connection_count; i++) {
		add_range(&slip->connections[i].senders, 100 + i, 1);
		add_range(&fixture->again.sender_names, 100 + i, 1);
	}
	assert_null(pyi_slip_judge(slip, &fixture->again, &fixture->bus));
	assert_int_equal(slip->verdict, PYI_SLIP_LEAK);
	assert_int_equal(slip->stale, 1000);
	assert_int_equal(slip->connections[999].stale, 1);
	assert_int_equal(slip->evidence_count, 7);
	assert_evidence(fixture, 5, "connections besides these: 996");
}

static void test_no_bus_too_many_names(void **state)
{
	struct fixture *fixture = *state;

	unreach(fixture);
	keep(&fixture->slip, 1000, 2048);
	judge(fixture, false, PYI_SLIP_OK, -1);
	keep(&fixture->slip, 5000, 1);
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_int_equal(fixture->slip.evidence_count, 3);
	assert_evidence(fixture, 0, "2049 names, but the bus admits 2048 connections at most");
	assert_evidence(fixture, 1,
			"the bus was not asked: no socket at /run/dbus/system_bus_socket");
	/* What a second look at the heap says alone, proves nothing. */
	keep(&fixture->again, 1000, 2048);
	judge(fixture, true, PYI_SLIP_SUSPECT, -1);
	fixture->bus.connection_limit = 5000;
	judge(fixture, false, PYI_SLIP_OK, -1);
	fixture->bus.connection_limit = 0;
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_evidence(fixture, 0,
			"2049 names, but the bus admits 2048 connections at most, unless it is "
			"told otherwise");
}

static void test_no_bus_history(void **state)
{
	struct fixture *fixture = *state;

	unreach(fixture);
	/* Three clients, one of which came up with the machine a year ago. */
	keep(&fixture->slip, 7, 1);
	keep(&fixture->slip, 202000, 2);
	judge(fixture, false, PYI_SLIP_OK, -1);
	keep(&fixture->slip, 100000, 100);
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_evidence(fixture, 0, "the names span :1.7 to :1.202001: a history, not clients");
}

static void test_no_bus_match(void **state)
{
	struct fixture *fixture = *state;

	unreach(fixture);
	keep(&fixture->slip, 100, 1);
	set_match(fixture, ":1.99");
	judge(fixture, false, PYI_SLIP_OK, -1);
	keep(&fixture->slip, 101, 1);
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_evidence(fixture, 0,
			"the only NameOwnerChanged match of connection " CONNECTION
			" watches :1.99, which is not among its 2 senders: none of them will ever "
			"be removed");
	set_match(fixture, ":1.101");
	judge(fixture, false, PYI_SLIP_OK, -1);
}

/* A dump has entries, and no names: what only these would tell is not taken for good. */
static void test_redacted(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_slip *slip = &fixture->slip;
	struct pyi_slip_connection *connection = &slip->connections[0];

	unreach(fixture);
	slip->redacted = true;
	connection->has_match = true;
	connection->match_unknown = true;
	judge(fixture, false, PYI_SLIP_OK, 0);
	assert_no_evidence(fixture, "are contents");
	/* Of one it does not matter whose end is watched. */
	slip->senders = connection->unnamed = 1;
	judge(fixture, false, PYI_SLIP_OK, -1);
	slip->senders = connection->unnamed = 2;
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_evidence(
		fixture, 0,
		"whose end the NameOwnerChanged match of connection " CONNECTION
		" watches is not in the dump: whether its 2 senders will ever be removed is "
		"not known");
	assert_evidence(fixture, 1,
			"names are contents, which this dump does not keep (dump --values): they "
			"were counted, not told apart");
	/* With contents, but the rule of the match was too long to be kept. */
	slip->redacted = false;
	slip->senders = connection->unnamed = 0;
	keep(slip, 100, 2);
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_no_evidence(fixture, "are contents");
	fixture->bus.before = &fixture->before;
	fixture->bus.reached = true;
	keep(&fixture->again, 100, 2);
	fixture->bus.after = &fixture->after;
	judge(fixture, true, PYI_SLIP_LEAK, 2);
}

static void test_redacted_many(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_slip *slip = &fixture->slip;

	unreach(fixture);
	slip->redacted = true;
	slip->senders = 63;
	judge(fixture, false, PYI_SLIP_OK, -1);
	/* So many may be a history. */
	slip->senders = 64;
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	slip->senders = 0;
	slip->connections[0].unnamed = 2049;
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	assert_evidence(fixture, 0, "2049 senders, but the bus admits 2048 connections at most");
}

/* Lists that name nobody, not even who asks, are no reason to call all names stale. */
static void test_empty_bus_lists(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_name_set nobody = { 0 };

	add(&nobody, "org.freedesktop.DBus");
	keep_both(fixture, 100, 5);
	fixture->bus.before = &nobody;
	fixture->bus.after = &nobody;
	judge(fixture, true, PYI_SLIP_OK, -1);
	assert_evidence(fixture, 0, "the bus was not asked: it names nobody");
	fixture->bus.before = NULL;
	fixture->bus.after = NULL;
	judge(fixture, true, PYI_SLIP_OK, -1);
	pyi_name_set_deinit(&nobody);
}

static void test_unreadable(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 100, 3);
	add_range(&fixture->before, 100, 3);
	fixture->slip.unreadable = 3;
	judge(fixture, true, PYI_SLIP_OK, 0);
	assert_evidence(fixture, 1, "entries that could not be read, or are no names: 3");
	fixture->slip.unreadable = 4;
	judge(fixture, true, PYI_SLIP_SUSPECT, -1);
}

/* Doubles of one name, as two connections of one client make them. */
static void test_doubles_count_once(void **state)
{
	struct fixture *fixture = *state;

	keep_both(fixture, 100, 3);
	keep(&fixture->slip, 100, 3);
	judge(fixture, true, PYI_SLIP_LEAK, 3);
	assert_int_equal(fixture->slip.senders, 6);
	assert_int_equal(fixture->slip.connections[0].stale, 3);
}

/* -1: the figure is missing. */
static void expect_figures(struct fixture *fixture, int senders, int stale, int dead)
{
	const struct {
		const char *name;
		int value;
	} expected[] = {
		{ PYI_FIGURE_SLIP_SENDERS, senders },
		{ PYI_FIGURE_SLIP_STALE, stale },
		{ PYI_FIGURE_SLIP_DEAD_MATCHES, dead },
	};
	struct pyi_sample sample = { 0 };

	assert_null(pyi_slip_add_figures(&fixture->slip, &sample));
	pyi_sample_sort(&sample);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const struct pyi_figure *figure =
			pyi_sample_find(&sample, PYI_FIGURE_PROCESS, expected[i].name);

		assert_int_equal(figure ? (int)figure->count : -1, expected[i].value);
		assert_true(!figure || figure->bytes == 0);
	}
	pyi_sample_deinit(&sample);
}

static void test_figures(void **state)
{
	struct fixture *fixture = *state;

	/* Nobody is kept yet. */
	judge(fixture, false, PYI_SLIP_OK, 0);
	expect_figures(fixture, 0, 0, 0);
	/* All are gone: what is stale is known after two looks only, but the match is dead. */
	keep_both(fixture, 508, 501);
	set_match(fixture, ":1.507");
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	expect_figures(fixture, 501, -1, 1);
	judge(fixture, true, PYI_SLIP_LEAK, 501);
	expect_figures(fixture, 501, 501, 1);
	/* The match watches one that is there, or still kept. */
	set_match(fixture, ":1.508");
	judge(fixture, true, PYI_SLIP_LEAK, 501);
	expect_figures(fixture, 501, 501, 0);
	/* Without a bus. */
	fixture->bus.reached = false;
	set_match(fixture, ":1.507");
	judge(fixture, false, PYI_SLIP_SUSPECT, -1);
	expect_figures(fixture, 501, -1, 1);
	/* Without the class there are none at all. */
	free(fixture->slip.holder);
	fixture->slip.holder = NULL;
	judge(fixture, false, PYI_SLIP_ABSENT, -1);
	expect_figures(fixture, -1, -1, -1);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fixture(test_absent),
		with_fixture(test_empty),
		with_fixture(test_live_clients),
		with_fixture(test_leak),
		with_fixture(test_not_confirmed),
		with_fixture(test_races),
		with_fixture(test_some_are_live),
		with_fixture(test_end_not_dealt_with),
		with_fixture(test_armed),
		with_fixture(test_well_known_names_are_not_stale),
		with_fixture(test_unique_names_of_any_form),
		with_fixture(test_two_connections),
		with_fixture(test_many_connections),
		with_fixture(test_no_bus_too_many_names),
		with_fixture(test_no_bus_history),
		with_fixture(test_no_bus_match),
		with_fixture(test_redacted),
		with_fixture(test_redacted_many),
		with_fixture(test_empty_bus_lists),
		with_fixture(test_unreadable),
		with_fixture(test_doubles_count_once),
		with_fixture(test_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
