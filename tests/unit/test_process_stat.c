/*
 * Tests of src/process/process_stat.c, on invented stat files and on our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/process_stat.h"

/* All fields behind the state. */
#define STAT_NUMBERS                                                                               \
	" 4711 5 6 0 -1 4194304 9 10 11 12 1300 1400 15 16 20 -5 3 0 98765 22 23 "                 \
	"18446744073709551615 25 26 27 28 29 30 31 32 33 34 35 36 17 3 40 41 42 43 44 45 46 "      \
	"47 "                                                                                      \
	"48 49 50 51 768"

static void test_stat(void **state)
{
	static const char *const names[] = {
		"python3", "", "a b", "(", ")", ") S 1 (", "a)\n(b", "(sd-pam)", "\xff",
	};
	struct pyi_process_stat stat;
	char text[1024];

	(void)state;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		snprintf(text, sizeof(text), "4712 (%s) Z" STAT_NUMBERS "\n", names[n]);
		assert_true(pyi_process_stat_parse(text, &stat));
		assert_string_equal(stat.name, names[n]);
		assert_int_equal(stat.state, 'Z');
		assert_int_equal(stat.parent_pid, 4711);
		assert_int_equal(stat.flags, 4194304);
		assert_int_equal(stat.user_ticks, 1300);
		assert_int_equal(stat.kernel_ticks, 1400);
		assert_int_equal(stat.thread_count, 3);
		assert_int_equal(stat.start_ticks, 98765);
		assert_int_equal(stat.exit_signal, 17);
		assert_int_equal(stat.processor, 3);
		assert_int_equal(stat.exit_code, 768);
	}
	/* A later kernel may know more. */
	assert_true(pyi_process_stat_parse("1 (x) S" STAT_NUMBERS " 53 x\n", &stat));
	/* A longer name than there is room for. */
	snprintf(text, sizeof(text), "1 (%0200d) S" STAT_NUMBERS "\n", 7);
	assert_true(pyi_process_stat_parse(text, &stat));
	assert_int_equal(strlen(stat.name), sizeof(stat.name) - 1);
}

/* The text with field `field` (from the state on) replaced. */
static bool parse_with(int field, const char *value, struct pyi_process_stat *ret_stat)
{
	char *numbers = strdup("S" STAT_NUMBERS);
	char text[1024] = "4712 (py)";
	char *save;
	int number = 3;

	for (char *word = strtok_r(numbers, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		strcat(text, " ");
		strcat(text, number++ == field ? value : word);
	}
	free(numbers);
	return pyi_process_stat_parse(text, ret_stat);
}

static void test_stat_malformed(void **state)
{
	static const struct {
		int field;
		const char *value;
	} cases[] = {
		{ 3, "SS" },	      { 3, "" },
		{ 4, "-1" },	      { 4, "2147483648" },
		{ 5, "x" },	      { 5, "" },
		{ 5, "-" },	      { 9, "4294967296" },
		{ 9, "-1" },	      { 14, "-1" },
		{ 20, "2147483648" }, { 22, "18446744073709551616" },
		{ 22, "1x" },	      { 24, "99999999999999999999999" },
		{ 38, "2147483648" }, { 39, "-1" },
		{ 52, "1x" },	      { 52, "4294967296" },
	};
	struct pyi_process_stat stat = { .state = '?' };
	const char whole[] = "4712 (py) S" STAT_NUMBERS "\n";

	(void)state;
	assert_true(parse_with(38, "-1", &stat));
	assert_int_equal(stat.exit_signal, -1);
	assert_true(parse_with(22, "18446744073709551615", &stat));
	assert_true(stat.start_ticks == UINT64_MAX);
	stat.state = '?';
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		if (parse_with(cases[c].field, cases[c].value, &stat))
			fail_msg("field %d: \"%s\"", cases[c].field, cases[c].value);
	assert_false(pyi_process_stat_parse("", &stat));
	assert_false(pyi_process_stat_parse(")(", &stat));
	assert_false(pyi_process_stat_parse("1 py S 1", &stat));
	/* Every truncation but those within the last number. */
	for (size_t length = 0; length < sizeof(whole) - sizeof("768\n"); length++) {
		char *cut = strndup(whole, length);

		assert_false(pyi_process_stat_parse(cut, &stat));
		free(cut);
	}
	assert_int_equal(stat.state, '?');
}

static void test_stat_of_self(void **state)
{
	struct pyi_process_stat stat, thread, peeked;
	struct pyi_process process;

	(void)state;
	assert_null(pyi_process_open(getpid(), &process));
	assert_true(pyi_process_stat_read(&process, 0, &stat));
	assert_int_equal(stat.state, 'R');
	assert_int_equal(stat.parent_pid, getppid());
	assert_true(stat.start_ticks == process.start_ticks);
	assert_int_equal(stat.exit_signal, SIGCHLD);
	assert_true(pyi_process_stat_read(&process, getpid(), &thread));
	assert_string_equal(thread.name, stat.name);
	assert_true(pyi_process_stat_peek(getpid(), &peeked));
	assert_true(peeked.start_ticks == stat.start_ticks);
	assert_false(pyi_process_stat_read(&process, 1, &thread));
	assert_false(pyi_process_stat_peek(0, &peeked));
	pyi_process_close(&process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_malformed),
		cmocka_unit_test(test_stat_of_self),
	};

	return cmocka_run_group_tests_name("process_stat", tests, NULL, NULL);
}
