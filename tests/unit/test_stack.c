/*
 * Tests of src/snapshot/stack.c and eh_frame.c: expressions, on invented memory, and the stack of
 * this program itself, against what the compiler says.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "snapshot/eh_frame_private.h"
#include "snapshot/stack.h"

enum {
	ADDR = 0x10000,
	READS = 1000,
	DEPTH = 3,
};

/* Evaluates in a memory that has nothing but the expression; false if it has no value. */
static bool evaluate(const void *code, size_t size_bytes, uint64_t *ret_value)
{
	struct pyi_unwind_registers registers = { .values = { 0, 0x111 }, .known = 2 };
	struct pyi_eh_frame_memory memory = { .reads_left = READS };
	uint64_t cfa = 0x5000;
	bool good;

	assert_null(pyi_memory_reader_create_mock(code, size_bytes, ADDR, &memory.reader));
	good = pyi_eh_frame_expression(&memory, ADDR, size_bytes, &registers, &cfa, ret_value);
	pyi_memory_reader_destroy(memory.reader);
	return good;
}

#define EXPECT(text, expected)                                                                     \
	do {                                                                                       \
		uint64_t value = 0;                                                                \
		assert_true(evaluate(text, sizeof(text) - 1, &value));                             \
		assert_true(value == (uint64_t)(expected));                                        \
	} while (0)

#define EXPECT_NONE(text)                                                                          \
	do {                                                                                       \
		uint64_t value = 77;                                                               \
		assert_false(evaluate(text, sizeof(text) - 1, &value));                            \
		assert_int_equal(value, 77);                                                       \
	} while (0)

static void test_expressions(void **state)
{
	(void)state;
	EXPECT("", 0x5000);
	/* breg1 -1; const2s -2, minus */
	EXPECT("\x71\x7f", 0x110);
	EXPECT("\x0b\xfe\xff\x1c", 0x5002);
	/* lit17, shl; const1s -8, lit1, shra; the same with shr */
	EXPECT("\x41\x24", UINT64_C(0x5000) << 17);
	EXPECT("\x09\xf8\x31\x26", -4);
	EXPECT("\x09\xf8\x31\x25", UINT64_MAX / 2 - 3);
	/* lit2, lit1, lit0, rot, minus: 2 1 0 becomes 0 2 1 */
	EXPECT("\x32\x31\x30\x17\x1c", 1);
	/* lit5, lit3, lt; over; deref_size 1 of itself */
	EXPECT("\x35\x33\x2d", 0);
	EXPECT("\x35\x14", 0x5000);
	EXPECT("\x0c\0\0\1\0\x94\1", 0x0c);
	/* lit1, bra +1 (over lit7), nop */
	EXPECT("\x34\x31\x28\1\0\x37\x96", 4);
	EXPECT("\x09\xf8\x33\x1b", -2);
}

static void test_hostile_expressions(void **state)
{
	(void)state;
	/* INT64_MIN / -1 and / 0, which processors do not like */
	EXPECT("\x0e\0\0\0\0\0\0\0\x80\x09\xff\x1b", INT64_MIN);
	EXPECT_NONE("\x31\x30\x1b");
	/* Shifts by more than there is. */
	EXPECT("\x31\x08\xff\x24", 0);
	EXPECT("\x09\xff\x08\xff\x26", -1);
	/* It never ends, or jumps out, or is cut off. */
	EXPECT_NONE("\x2f\xfd\xff");
	EXPECT_NONE("\x2f\xf0\xff");
	EXPECT_NONE("\x2f\x40\0");
	EXPECT_NONE("\x0e\0\0");
	/* Too much on the stack, too little; nobody's register; none of ours. */
	EXPECT_NONE("\x12\x2f\xfc\xff");
	EXPECT_NONE("\x13\x13");
	EXPECT_NONE("\x15\x05");
	EXPECT_NONE("\x72\0");
	EXPECT_NONE("\x92\xff\xff\xff\xff\x0f\0");
	EXPECT_NONE("\x50");
	/* LEB128 of more than 64 bits. */
	EXPECT_NONE("\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\1");
	/* Memory that is not there. */
	EXPECT_NONE("\x30\x06");
}

/* In a child that is traced, at a known depth; the sum keeps the call from being the last. */
__attribute__((noinline)) static int stop_at(int depth)
{
	int below = depth ? stop_at(depth - 1) : raise(SIGSTOP);

	__asm__ volatile("" : "+r"(below));
	return below + depth;
}

static void test_own_stack(void **state)
{
	PYI_CLEANUP(pyi_process_close) struct pyi_process process = { .proc_fd = -1 };
	struct pyi_unwind_registers start;
	struct pyi_memory_reader *reader;
	struct pyi_registers registers;
	struct pyi_stack stack;
	struct pyi_maps maps;
	size_t found = 0;
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		_exit(stop_at(DEPTH));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	assert_true(pyi_arch_get_registers(child, &registers));
	assert_null(pyi_process_open(child, &process));
	assert_null(pyi_maps_read(&process, &maps));
	assert_null(pyi_memory_reader_create(child, false, &reader));
	pyi_arch_unwind_registers(&registers, &start);
	pyi_stack_read(reader, &maps, &start, &stack);
	pyi_stack_name(&process, &maps, &stack);
	for (size_t f = 0; f < stack.count; f++)
		found += !strcmp(stack.frames[f].name, "stop_at");
	assert_int_equal(found, DEPTH + 1);
	assert_string_equal(stack.frames[stack.count - 1].name, "_start");
	pyi_memory_reader_destroy(reader);
	pyi_maps_deinit(&maps);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_hostile_expressions),
		cmocka_unit_test(test_own_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
