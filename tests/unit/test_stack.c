/*
 * Tests of src/source/stack.c and unwind_table.c: the stack of this program itself, against what
 * the compiler says, with rules made for harm too, and tables in invented memory.
 *
 * Does not test libunwind.
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
#include <elf.h>

#include "base/cleanup.h"
#include "base/fault_guard.h"
#include "source/stack.h"
#include "source/unwind_table.h"

enum {
	ADDR = 0x10000,
	TABLE_OFFSET = 0x100,
	PC = ADDR + 0x1800,
	READS = 1000,
	DEPTH = 3,
};

/* In a child that is traced, at a known depth; the sum keeps the call from being the last. */
__attribute__((noinline)) static int stop_at(int depth)
{
	int below = depth ? stop_at(depth - 1) : raise(SIGSTOP);

	__asm__ volatile("" : "+r"(below));
	return below + depth;
}

/* DW_CFA_def_cfa_expression: const8u INT64_MIN, const1s -1, div */
__attribute__((noinline)) static int stop_divided(int depth)
{
	int below;

	__asm__ volatile(".cfi_remember_state\n"
			 ".cfi_escape 0x0f, 12, 0x0e, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x09, 0xff, 0x1b");
	below = stop_at(depth);
	__asm__ volatile(".cfi_restore_state" : "+r"(below));
	return below + 1;
}

/* The same: skip -3 */
__attribute__((noinline)) static int stop_endless(int depth)
{
	int below;

	__asm__ volatile(".cfi_remember_state\n"
			 ".cfi_escape 0x0f, 3, 0x2f, 0xfd, 0xff");
	below = stop_at(depth);
	__asm__ volatile(".cfi_restore_state" : "+r"(below));
	return below + 1;
}

__attribute__((no_sanitize("undefined"))) static void divide(void *argument)
{
	volatile int64_t *numbers = argument;

	numbers[0] /= numbers[1];
}

/* What some processors do not do. */
static bool division_faults(void)
{
	int64_t numbers[] = { INT64_MIN, -1 };

	return !pyi_fault_guard_run(divide, numbers);
}

/* The stack of a child that has stopped in `function`. */
static void read_child(int (*function)(int), struct pyi_stack *ret_stack)
{
	PYI_CLEANUP(pyi_process_close) struct pyi_process process = { .proc_fd = -1 };
	struct pyi_unwind_registers start;
	struct pyi_memory_reader *reader;
	struct pyi_registers registers;
	struct pyi_maps maps;
	pid_t child;
	int status;

	child = fork();
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		_exit(function(DEPTH));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	assert_true(pyi_arch_get_registers(child, &registers));
	assert_null(pyi_process_open(child, &process));
	assert_null(pyi_maps_read(&process, &maps));
	assert_null(pyi_memory_reader_create(child, false, &reader));
	pyi_unwind_registers_of(&registers, &start);
	pyi_stack_read(reader, &maps, &start, ret_stack);
	pyi_stack_name(&process, &maps, ret_stack);
	pyi_memory_reader_destroy(reader);
	pyi_maps_deinit(&maps);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static size_t count_frames(const struct pyi_stack *stack, const char *name)
{
	size_t found = 0;

	for (size_t f = 0; f < stack->count; f++)
		found += !strcmp(stack->frames[f].name, name);
	return found;
}

static void test_own_stack(void **state)
{
	struct pyi_stack stack;

	(void)state;
	read_child(stop_at, &stack);
	assert_false(stack.broken);
	assert_int_equal(count_frames(&stack, "stop_at"), DEPTH + 1);
	assert_string_equal(stack.frames[stack.count - 1].name, "_start");
}

/* Twice: what the first fault leaves behind is not in the way of the next stack. */
static void test_rules_that_fault(void **state)
{
	struct pyi_stack stack;

	(void)state;
	for (size_t n = 0; n < 2; n++) {
		read_child(stop_divided, &stack);
		assert_int_equal(stack.broken, division_faults());
		assert_int_equal(count_frames(&stack, "stop_at"), DEPTH + 1);
		assert_int_equal(count_frames(&stack, "stop_divided"), 1);
	}
	test_own_stack(state);
}

static void test_rules_without_end(void **state)
{
	struct pyi_stack stack;

	(void)state;
	read_child(stop_endless, &stack);
	assert_false(stack.broken);
	assert_int_equal(count_frames(&stack, "stop_at"), DEPTH + 1);
	assert_int_equal(count_frames(&stack, "stop_endless"), 1);
}

/* The first page of a module, and in it the head of a table with one entry. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	uint8_t padding[TABLE_OFFSET - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
	uint8_t head[4];
	uint32_t words[4];
};

static struct image module(void)
{
	struct image image = {
		.header = { .e_ident = ELFMAG,
			    .e_phoff = sizeof(Elf64_Ehdr),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 2 },
		.segments = { { .p_type = PT_LOAD, .p_vaddr = 0x5000, .p_memsz = 0x2000 },
			      { .p_type = PT_GNU_EH_FRAME,
				.p_vaddr = 0x5000 + TABLE_OFFSET,
				.p_memsz = 20 } },
		.head = { 1, 0x1b, 0x03, 0x3b },
		.words = { 0, 1 },
	};

	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	return image;
}

static bool find_at(const struct image *image, uint64_t pc, struct pyi_unwind_table *ret_table)
{
	static const char text[] = "00010000-00012000 r-xp 00000000 fe:01 5 /a/module\n"
				   "00012000-00013000 rw-p 00000000 00:00 0\n";
	struct pyi_unwind_memory memory = { .reads_left = READS };
	struct pyi_maps maps;
	bool found;

	assert_null(pyi_maps_parse(strdup(text), &maps));
	assert_null(pyi_memory_reader_create_mock(image, sizeof(*image), ADDR, &memory.reader));
	found = pyi_unwind_table_find(&memory, &maps, pc, ret_table);
	pyi_memory_reader_destroy(memory.reader);
	pyi_maps_deinit(&maps);
	return found;
}

static void test_table(void **state)
{
	struct image image = module();
	struct pyi_unwind_table table;

	(void)state;
	assert_true(find_at(&image, PC, &table));
	assert_int_equal(table.start_addr, ADDR);
	assert_int_equal(table.end_addr, ADDR + 0x2000);
	assert_int_equal(table.base_addr, ADDR + TABLE_OFFSET);
	assert_int_equal(table.entries_addr, ADDR + TABLE_OFFSET + 12);
	assert_int_equal(table.entry_count, 1);
	/* Not code, and nothing. */
	assert_false(find_at(&image, ADDR + 0x2800, &table));
	assert_false(find_at(&image, ADDR - 1, &table));
}

#define EXPECT_NONE(change)                                                                        \
	do {                                                                                       \
		struct image image = module();                                                     \
		struct pyi_unwind_table table;                                                     \
		change;                                                                            \
		assert_false(find_at(&image, PC, &table));                                         \
	} while (0)

static void test_hostile_tables(void **state)
{
	(void)state;
	EXPECT_NONE(image.header.e_ident[0] = 0);
	EXPECT_NONE(image.header.e_ident[EI_CLASS] = ELFCLASS32);
	EXPECT_NONE(image.header.e_phnum = 65535);
	EXPECT_NONE(image.header.e_phoff = UINT64_C(1) << 40);
	EXPECT_NONE(image.header.e_phoff = UINT64_MAX - 10);
	EXPECT_NONE(image.header.e_phentsize = 1);
	EXPECT_NONE(image.segments[0].p_memsz = 0x1000);
	EXPECT_NONE(image.segments[0].p_memsz = UINT64_MAX);
	EXPECT_NONE(image.segments[0].p_type = PT_NOTE);
	EXPECT_NONE(image.segments[1].p_type = PT_NOTE);
	EXPECT_NONE(image.segments[1].p_vaddr = UINT64_C(1) << 60);
	EXPECT_NONE(image.segments[1].p_memsz = 11);
	EXPECT_NONE(image.segments[1].p_memsz = UINT64_MAX);
	for (size_t n = 0; n < sizeof(((struct image *)0)->head); n++)
		EXPECT_NONE(image.head[n] = 0xff);
	/* More than there is room for. */
	EXPECT_NONE(image.words[1] = 2);
	EXPECT_NONE(image.words[1] = UINT32_MAX);
}

static void test_budget(void **state)
{
	struct pyi_unwind_memory memory = { .reads_left = 1 };
	uint8_t byte;

	(void)state;
	assert_null(pyi_memory_reader_create_mock("x", 1, ADDR, &memory.reader));
	assert_true(pyi_unwind_memory_read(&memory, ADDR, &byte, 1));
	assert_false(pyi_unwind_memory_read(&memory, ADDR, &byte, 1));
	pyi_memory_reader_destroy(memory.reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_stack),	  cmocka_unit_test(test_rules_that_fault),
		cmocka_unit_test(test_rules_without_end), cmocka_unit_test(test_table),
		cmocka_unit_test(test_hostile_tables),	  cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
