/*
 * Tests of payloads/entry.c: what the payload refuses to do, and how it ends.
 *
 * Linked with --wrap=pyi_payload_message, so that no system call is made; the walk itself is tested
 * elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payloads/walk.h"

enum {
	ARENA_BYTES = 64 << 20,
	MESSAGES = 8,
};

__attribute__((noreturn)) void pyi_payload_entry(struct pyi_payload_arguments *arguments);
uint64_t __wrap_pyi_payload_message(uint64_t number, uint64_t first, uint64_t second);

static jmp_buf left;
static uint64_t numbers[MESSAGES];
static uint64_t firsts[MESSAGES];
static size_t message_count;
static size_t wanted;

/* The entry does not return: it is left when it has sent as much as was wanted. */
uint64_t __wrap_pyi_payload_message(uint64_t number, uint64_t first, uint64_t second)
{
	(void)second;
	numbers[message_count] = number;
	firsts[message_count++] = first;
	if (message_count == wanted)
		longjmp(left, 1);
	return 0;
}

static void run(struct pyi_payload_arguments *arguments, size_t messages)
{
	message_count = 0;
	wanted = messages;
	if (!setjmp(left))
		pyi_payload_entry(arguments);
	assert_int_equal(message_count, messages);
}

static int set_up(void **state)
{
	struct pyi_payload_arguments *arguments = calloc(1, sizeof(*arguments));
	void *arena = calloc(1, ARENA_BYTES);
	void *records = calloc(1, sizeof(struct pyi_record_summary));

	arguments->abi = PYI_PAYLOAD_ABI;
	arguments->size_bytes = sizeof(*arguments);
	arguments->mapped_bytes = (UINT64_C(1) << 47) - 1;
	arguments->arena_addr = (uintptr_t)arena;
	arguments->arena_bytes = ARENA_BYTES;
	arguments->records_addr = (uintptr_t)records;
	arguments->records_bytes = sizeof(struct pyi_record_summary);
	/* Empty, but not nowhere. */
	arguments->ranges_addr = arguments->arena_addr;
	arguments->lists_addr = arguments->arena_addr;
	arguments->roots_addr = arguments->arena_addr;
	*state = arguments;
	return 0;
}

static int tear_down(void **state)
{
	struct pyi_payload_arguments *arguments = *state;

	free((void *)(uintptr_t)arguments->arena_addr);
	free((void *)(uintptr_t)arguments->records_addr);
	free(arguments);
	return 0;
}

static void test_ends(void **state)
{
	struct pyi_payload_arguments *arguments = *state;
	struct pyi_record_summary summary;

	run(arguments, 2);
	assert_int_equal(numbers[0], PYI_MESSAGE_RECORDS);
	assert_true(firsts[0] == arguments->records_addr);
	memcpy(&summary, (const void *)(uintptr_t)arguments->records_addr, sizeof(summary));
	assert_int_equal(summary.kind, PYI_RECORD_SUMMARY);
	assert_int_equal(summary.objects, 0);
	assert_int_equal(numbers[1], PYI_MESSAGE_DONE);
	assert_int_equal(firsts[1], PYI_PAYLOAD_OK);
	/* Where the host would make it go on after a fault. */
	assert_true(arguments->recover_pc == (uintptr_t)pyi_payload_recover);
	assert_true(arguments->mark[0] != 0);
}

/* A host that lets it run on after the end gets nothing but the end. */
static void test_does_not_return(void **state)
{
	run(*state, 5);
	for (size_t i = 1; i < 5; i++)
		assert_int_equal(numbers[i], PYI_MESSAGE_DONE);
}

static void expect_bad_abi(struct pyi_payload_arguments *arguments)
{
	run(arguments, 1);
	assert_int_equal(numbers[0], PYI_MESSAGE_DONE);
	assert_int_equal(firsts[0], PYI_PAYLOAD_BAD_ABI);
	/* Nothing else of the arguments was believed. */
	assert_true(arguments->recover_pc == 0);
	assert_true(arguments->mark[0] == 0);
}

static void test_bad_abi(void **state)
{
	struct pyi_payload_arguments *arguments = *state;

	arguments->abi++;
	expect_bad_abi(arguments);
	arguments->abi = 0;
	expect_bad_abi(arguments);
	arguments->abi = PYI_PAYLOAD_ABI;
	arguments->size_bytes -= 8;
	expect_bad_abi(arguments);
	arguments->size_bytes += 16;
	expect_bad_abi(arguments);
}

static void test_no_memory(void **state)
{
	struct pyi_payload_arguments *arguments = *state;

	arguments->arena_bytes = 4096;
	run(arguments, 1);
	assert_int_equal(numbers[0], PYI_MESSAGE_DONE);
	assert_int_equal(firsts[0], PYI_PAYLOAD_NO_MEMORY);
	/* Then there is no place to return to. */
	assert_true(arguments->mark[0] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_does_not_return, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_abi, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
