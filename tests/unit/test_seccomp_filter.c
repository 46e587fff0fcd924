/*
 * What filters say to calls: invented programs, programs of which the kernel is asked, too, and
 * those that libseccomp makes of the profiles in data/seccomp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/calls.h"
#include "tools/seccomp_profile.h"
#include "tracee/seccomp_filter.h"

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	NUMBER = offsetof(struct seccomp_data, nr),
	PROCESSOR = offsetof(struct seccomp_data, arch),
	POINTER = offsetof(struct seccomp_data, instruction_pointer),
	FIRST_ARGUMENT = offsetof(struct seccomp_data, args),
	RANDOM_PROGRAMS = 400,
	RANDOM_INSTRUCTIONS = 40,
};

static const struct pyi_gadgets gadgets = { .addr = { 0x7f1234567890, 0x7f1234560000,
						      0x7f1234560010 } };

static const struct seccomp_data call = {
	.nr = 56,
	.arch = 0xc000003e,
	.instruction_pointer = 0x7f1234567892,
	.args = { 0x2400, 0x7ffd00000010, 3, 4, 5, UINT64_MAX },
};

static uint32_t run(const struct sock_filter *code, size_t count)
{
	uint32_t value = 0;

	assert_true(pyi_seccomp_filter_is_valid(code, count));
	assert_true(pyi_seccomp_filter_run(code, count, &call, PYI_SECCOMP_ALL_KNOWN, &value));
	return value;
}

static void test_invalid(void **state)
{
	static const struct sock_filter bad[] = {
		LOAD(sizeof(struct seccomp_data)),
		LOAD(2),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
		BPF_STMT(BPF_LDX | BPF_W | BPF_ABS, 0),
		BPF_STMT(BPF_LD | BPF_MEM, BPF_MEMWORDS),
		BPF_STMT(BPF_ST, BPF_MEMWORDS),
		BPF_STMT(BPF_STX, UINT32_MAX),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX),
		IF_EQUAL(0, 1, 0),
		IF_EQUAL(0, 0, 1),
		BPF_STMT(0xffff, 0),
	};
	struct sock_filter *many = calloc(PYI_SECCOMP_INSTRUCTION_LIMIT + 1, sizeof(*many));
	struct sock_filter code[2] = { LOAD(0), RETURN(0) };

	(void)state;
	assert_true(pyi_seccomp_filter_is_valid(code, 2));
	assert_false(pyi_seccomp_filter_is_valid(code, 0));
	assert_false(pyi_seccomp_filter_is_valid(code, 1));
	for (size_t b = 0; b < COUNT(bad); b++) {
		code[0] = bad[b];
		assert_false(pyi_seccomp_filter_is_valid(code, 2));
	}
	assert_non_null(many);
	for (size_t i = 0; i <= PYI_SECCOMP_INSTRUCTION_LIMIT; i++)
		many[i] = code[1];
	assert_true(pyi_seccomp_filter_is_valid(many, PYI_SECCOMP_INSTRUCTION_LIMIT));
	assert_false(pyi_seccomp_filter_is_valid(many, PYI_SECCOMP_INSTRUCTION_LIMIT + 1));
	free(many);
}

static void test_fields(void **state)
{
	static const struct {
		uint32_t offset;
		uint32_t value;
	} fields[] = {
		{ NUMBER, 56 },
		{ PROCESSOR, 0xc000003e },
		{ POINTER, 0x34567892 },
		{ POINTER + 4, 0x7f12 },
		{ FIRST_ARGUMENT, 0x2400 },
		{ FIRST_ARGUMENT + 8, 0x10 },
		{ FIRST_ARGUMENT + 12, 0x7ffd },
		{ FIRST_ARGUMENT + 44, UINT32_MAX },
	};

	(void)state;
	for (size_t f = 0; f < COUNT(fields); f++) {
		const struct sock_filter code[] = {
			LOAD(fields[f].offset),
			BPF_STMT(BPF_RET | BPF_A, 0),
		};

		assert_int_equal(run(code, COUNT(code)), fields[f].value);
	}
}

static void test_branches(void **state)
{
	const struct sock_filter code[] = {
		LOAD(NUMBER),
		IF_EQUAL(56, 0, 2),
		BPF_STMT(BPF_JMP | BPF_JA, 2),
		RETURN(1),
		RETURN(2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 56, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 56, 0, 1),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 8, 1, 0),
		RETURN(3),
		RETURN(4),
	};

	(void)state;
	assert_int_equal(run(code, COUNT(code)), 4);
}

static void test_division_by_zero_ends_it(void **state)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_IMM, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		RETURN(SECCOMP_RET_ALLOW),
	};

	(void)state;
	assert_int_equal(run(code, COUNT(code)), SECCOMP_RET_KILL_THREAD);
}

/* Only what a result depends on has to be known. */
static void test_unknown_arguments(void **state)
{
	const struct sock_filter flags[] = {
		LOAD(NUMBER),
		IF_EQUAL(56, 0, 2),
		LOAD(FIRST_ARGUMENT),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7e020000, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | 1),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_filter returned[] = {
		LOAD(FIRST_ARGUMENT + 8),	BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_STX, 3),		BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_filter divided[] = {
		LOAD(FIRST_ARGUMENT + 8),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		RETURN(SECCOMP_RET_ALLOW),
	};
	uint32_t value;

	(void)state;
	assert_true(pyi_seccomp_filter_run(flags, COUNT(flags), &call, 1, &value));
	assert_int_equal(value, SECCOMP_RET_ALLOW);
	assert_false(pyi_seccomp_filter_run(flags, COUNT(flags), &call, 0x3e, &value));
	assert_false(pyi_seccomp_filter_run(returned, COUNT(returned), &call, 0x3d, &value));
	assert_true(pyi_seccomp_filter_run(returned, COUNT(returned), &call, 2, &value));
	assert_int_equal(value, SECCOMP_RET_ALLOW | 0x10);
	assert_false(pyi_seccomp_filter_run(divided, COUNT(divided), &call, 0x3d, &value));
}

static void test_precedence(void **state)
{
	static const uint32_t strongest_first[] = {
		SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO(1),
		SCMP_ACT_NOTIFY,       SCMP_ACT_TRACE(7),    SCMP_ACT_LOG,  SCMP_ACT_ALLOW,
	};

	(void)state;
	for (size_t a = 0; a < COUNT(strongest_first); a++) {
		for (size_t b = a; b < COUNT(strongest_first); b++) {
			assert_int_equal(
				pyi_seccomp_stronger(strongest_first[a], strongest_first[b]),
				strongest_first[a]);
			assert_int_equal(
				pyi_seccomp_stronger(strongest_first[b], strongest_first[a]),
				strongest_first[a]);
		}
		assert_int_equal(pyi_seccomp_is_harmless(strongest_first[a]), a >= 6);
	}
	/* An action that nobody has heard of. */
	assert_false(pyi_seccomp_is_harmless(0x7fff8000 ^ 0x00010000));
}

/* Computes something of the call, and returns it as an error number. */
static size_t make_random_program(struct sock_filter *code)
{
	static const uint16_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND,
					       BPF_OR,	BPF_XOR, BPF_NEG };
	static const uint16_t jumps[] = { BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JSET };
	size_t count = 0;

	code[count++] = (struct sock_filter)LOAD(NUMBER);
	code[count++] = (struct sock_filter)IF_EQUAL(SYS_getppid, 1, 0);
	code[count++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	/* The kernel lets nobody read memory that was not written to. */
	for (uint32_t m = 0; m < BPF_MEMWORDS; m++)
		code[count++] = (struct sock_filter)BPF_STMT(m % 2 ? BPF_STX : BPF_ST, m);
	for (int i = 0; i < RANDOM_INSTRUCTIONS; i++) {
		uint16_t source = random() % 2 ? BPF_X : BPF_K;
		uint32_t k = (uint32_t)random() * 2654435761u;
		uint16_t operation = operations[(size_t)random() % COUNT(operations)];
		uint32_t slot = (uint32_t)random() % BPF_MEMWORDS;
		struct sock_filter one;

		switch (random() % 10) {
		case 0:
			one = (struct sock_filter)LOAD(
				(uint32_t)random() % (sizeof(struct seccomp_data) / 4 - 4) * 4 +
				16);
			break;
		case 1:
			one = (struct sock_filter)BPF_STMT(
				random() % 2 ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM, slot);
			break;
		case 2:
			one = (struct sock_filter)BPF_STMT(random() % 2 ? BPF_ST : BPF_STX, slot);
			break;
		case 3:
			one = (struct sock_filter)BPF_STMT(
				BPF_MISC | (random() % 2 ? BPF_TAX : BPF_TXA), 0);
			break;
		case 4:
			one = (struct sock_filter)BPF_STMT(
				BPF_ALU | (random() % 2 ? BPF_LSH : BPF_RSH) | BPF_K, k % 32);
			break;
		case 5:
			one = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, k % 1000 + 1);
			break;
		case 6:
			/* Over a few of those that follow, which the last ones leave room for. */
			one = (struct sock_filter)BPF_JUMP(
				BPF_JMP | jumps[(size_t)random() % COUNT(jumps)] | source,
				random() % 2 ? k : k % 64, (uint8_t)(random() % 4),
				(uint8_t)(random() % 4));
			break;
		case 7:
			one = (struct sock_filter)BPF_STMT(
				random() % 2 ? BPF_LD | BPF_IMM : BPF_LDX | BPF_IMM, k);
			break;
		default:
			if (operation == BPF_NEG)
				source = BPF_K;
			one = (struct sock_filter)BPF_STMT(BPF_ALU | operation | source, k);
			break;
		}
		code[count++] = one;
	}
	for (int i = 0; i < 4; i++)
		code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x55);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_ST, 0);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 11);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, 0);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
	code[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	return count;
}

/* What the kernel makes of it: the error number; -1 if it does not take the program. */
static int ask_kernel(struct sock_filter *code, size_t count, const uint64_t *arguments)
{
	const struct sock_fprog program = { (unsigned short)count, code };
	int answer = -2;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
			answer = -1;
		else
			answer = syscall(SYS_getppid, arguments[0], arguments[1], arguments[2],
					 arguments[3], arguments[4], arguments[5]) == -1
					 ? errno
					 : 0;
		(void)!write(ends[1], &answer, sizeof(answer));
		_exit(0);
	}
	assert_int_equal(read(ends[0], &answer, sizeof(answer)), sizeof(answer));
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	return answer;
}

static void test_as_the_kernel(void **state)
{
	struct sock_filter code[RANDOM_INSTRUCTIONS + 64];
	int different[2] = { 0 };

	(void)state;
	srandom(4711);
	for (int p = 0; p < RANDOM_PROGRAMS; p++) {
		struct seccomp_data data = { .nr = SYS_getppid, .arch = pyi_arch_audit };
		size_t count = make_random_program(code);
		uint32_t value;
		int answer;

		for (size_t a = 0; a < COUNT(data.args); a++)
			data.args[a] = (uint64_t)random() << 33 ^ (uint64_t)random();
		assert_true(pyi_seccomp_filter_is_valid(code, count));
		assert_true(
			pyi_seccomp_filter_run(code, count, &data, PYI_SECCOMP_ALL_KNOWN, &value));
		answer = ask_kernel(code, count, (const uint64_t *)data.args);
		assert_int_equal(answer, (int)(value & SECCOMP_RET_DATA));
		different[answer & 1]++;
	}
	assert_true(different[0] > RANDOM_PROGRAMS / 8 && different[1] > RANDOM_PROGRAMS / 8);
}

/* Takes over what libseccomp makes of it. */
static struct pyi_seccomp_filter compile(scmp_filter_ctx profile)
{
	struct pyi_seccomp_filter filter = {
		.code = calloc(PYI_SECCOMP_INSTRUCTION_LIMIT, sizeof(*filter.code)),
	};
	FILE *file = tmpfile();

	assert_non_null(filter.code);
	assert_non_null(file);
	assert_int_equal(seccomp_export_bpf(profile, fileno(file)), 0);
	seccomp_release(profile);
	rewind(file);
	filter.count =
		fread(filter.code, sizeof(*filter.code), PYI_SECCOMP_INSTRUCTION_LIMIT, file);
	fclose(file);
	assert_true(pyi_seccomp_filter_is_valid(filter.code, filter.count));
	return filter;
}

static struct pyi_seccomp_filter read_profile(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/seccomp/%s", getenv("PYI_TEST_DATA"), name);
	return compile(seccomp_profile_read(path));
}

static uint32_t ask(const struct pyi_seccomp_filter *filter, int number, uint64_t argument)
{
	const struct seccomp_data data = {
		.nr = number,
		.arch = pyi_arch_audit,
		.args = { argument },
	};
	uint32_t value = 0;

	assert_true(pyi_seccomp_filter_run(filter->code, filter->count, &data, 1, &value));
	return value;
}

static const char *const profiles[] = { "docker", "podman", "containerd", "systemd" };

/* What most programs in the field are confined by lets a clone through. */
static void test_profiles(void **state)
{
	(void)state;
	for (size_t p = 0; p < COUNT(profiles); p++) {
		struct pyi_seccomp_filter filter = read_profile(profiles[p]);
		const struct pyi_seccomp_filters filters = { &filter, 1 };
		struct pyi_error *error =
			pyi_seccomp_filters_check(&filters, 1, &gadgets, &pyi_calls_of_clone);

		if (error)
			fail_msg("%s: %s", profiles[p], error->message);
		assert_int_equal(ask(&filter, SYS_close_range, 0), SECCOMP_RET_ALLOW);
		assert_int_not_equal(ask(&filter, SYS_kexec_load, 0), SECCOMP_RET_ALLOW);
		free(filter.code);
	}
}

static void test_docker(void **state)
{
	struct pyi_seccomp_filter filter = read_profile("docker");

	(void)state;
	assert_int_equal(ask(&filter, SYS_clone, CLONE_NEWUSER), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(ask(&filter, SYS_clone, CLONE_VM), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&filter, 435 /* clone3 */, 0), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(ask(&filter, SYS_personality, 8), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&filter, SYS_personality, 9), SECCOMP_RET_ERRNO | EPERM);
	free(filter.code);
}

/* Each call of the plan matters, and those of the guard; the strictest of several filters wins. */
static void test_every_call_counts(void **state)
{
	static const int needed[] = { SYS_clone, SYS_wait4,  SYS_prctl,	     SYS_mprotect,
				      SYS_mmap,	 SYS_munmap, SYS_exit_group, SYS_rt_sigreturn };
	static const uint32_t harmful[] = { SCMP_ACT_KILL_PROCESS, SCMP_ACT_ERRNO(38),
					    SCMP_ACT_NOTIFY, SCMP_ACT_TRACE(0) };

	(void)state;
	for (size_t n = 0; n < COUNT(needed); n++) {
		for (size_t h = 0; h < COUNT(harmful); h++) {
			scmp_filter_ctx denies = seccomp_init(SCMP_ACT_ALLOW);
			struct pyi_seccomp_filter both[2] = { read_profile("docker") };
			const struct pyi_seccomp_filters filters = { both, 2 };
			struct pyi_error *error;

			assert_int_equal(
				seccomp_rule_add_array(denies, harmful[h], needed[n], 0, NULL), 0);
			both[1] = compile(denies);
			error = pyi_seccomp_filters_check(&filters, 1, &gadgets,
							  &pyi_calls_of_clone);
			assert_non_null(error);
			assert_int_equal(error->code, PYI_ERROR_SECCOMP);
			pyi_error_destroy(error);
			free(both[0].code);
			free(both[1].code);
		}
	}
}

/* It may look at where a call comes from. */
static void test_instruction_pointer(void **state)
{
	uint64_t end_addr = pyi_arch_syscall_end(&gadgets);
	struct sock_filter code[] = {
		LOAD(NUMBER),
		IF_EQUAL(SYS_clone, 0, 2),
		LOAD(POINTER),
		IF_EQUAL((uint32_t)end_addr, 0, 1),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_KILL_PROCESS),
	};
	struct pyi_seccomp_filter filter = { code, COUNT(code) };
	const struct pyi_seccomp_filters filters = { &filter, 1 };
	struct pyi_error *error;

	(void)state;
	assert_null(pyi_seccomp_filters_check(&filters, 1, &gadgets, &pyi_calls_of_clone));
	code[3].k++;
	error = pyi_seccomp_filters_check(&filters, 1, &gadgets, &pyi_calls_of_clone);
	assert_non_null(error);
	assert_non_null(strstr(error->message, "ends the process"));
	pyi_error_destroy(error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_branches),
		cmocka_unit_test(test_division_by_zero_ends_it),
		cmocka_unit_test(test_unknown_arguments),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_as_the_kernel),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_every_call_counts),
		cmocka_unit_test(test_instruction_pointer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
