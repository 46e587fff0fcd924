/*
 * aarch64: registers, gadgets, guard frames, restart rules. Does not handle guarded control stacks
 * (GCS), threads in streaming mode (SME) and 32-bit targets. The guard itself brings back the
 * 128-bit vector registers only: wider SVE state is put back by us.
 */
#include "tracee/arch.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* include/uapi/linux/elf.h */
#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif
#ifndef NT_ARM_SVE
#define NT_ARM_SVE 0x405
#endif
#ifndef NT_ARM_SSVE
#define NT_ARM_SSVE 0x40b
#endif
#ifndef NT_ARM_GCS
#define NT_ARM_GCS 0x410
#endif

enum gadget {
	GADGET_SYSCALL,
	GADGET_SIGRETURN,
};

/* The vdso has both: its fallbacks, and the return trampoline of every signal handler. */
const struct pyi_gadget_pattern pyi_arch_gadget_patterns[] = {
	[GADGET_SYSCALL] = { "svc #0; ret",
			     { 0x01, 0x00, 0x00, 0xd4, 0xc0, 0x03, 0x5f, 0xd6 },
			     8,
			     4 },
	[GADGET_SIGRETURN] = { "mov x8, #139; svc #0",
			       { 0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4 },
			       8,
			       4 },
};

const size_t pyi_arch_gadget_count =
	sizeof(pyi_arch_gadget_patterns) / sizeof(pyi_arch_gadget_patterns[0]);

const uint32_t pyi_arch_audit = AUDIT_ARCH_AARCH64;

#define SVC_INSTRUCTION 0xd4000001u
#define MOVE_WIDE_MASK 0x7f800000u
#define MOVZ 0x52800000u
#define MOVN 0x12800000u
#define MOVE_REGISTER_MASK 0x7fe0ffe0u
#define MOVE_REGISTER 0x2a0003e0u

enum {
	INSTRUCTION_BYTES = 4,
	REGISTER_SYSCALL = 8,
	REGISTER_FRAME = 29,
	REGISTER_LINK = 30,

	/* PSTATE.BTYPE: "arrived by an indirect branch", which a landing pad must then answer. */
	PSTATE_BTYPE = 3 << 10,

	/* Above sizeof(struct pthread) of any C library; the next thread's is farther away. */
	THREAD_DESCRIPTION_LIMIT = 4096,

	STACK_ALIGNMENT = 16,
	/* The ABI knows no red zone; this is for hand-written code that thinks it does. */
	MARGIN_BYTES = 128,

	/* include/uapi/linux/futex.h, time.h: calls with these restart through a restart block */
	FUTEX_OPERATION_MASK = 0x7f,
	FUTEX_OPERATION_WAIT = 0,
	FUTEX_OPERATION_WAIT_BITSET = 9,
	FUTEX_OPERATION_WAIT_REQUEUE_PI = 11,
	CLOCK_ABSOLUTE = 1,

	/* struct user_sve_header.flags of arch/arm64/include/uapi/asm/ptrace.h */
	VECTOR_REGISTERS_MASK = 1,
	VECTOR_REGISTERS_SVE = 1,
	/* Above what the largest vector length of the architecture needs. */
	VECTOR_BYTES_LIMIT = 1 << 20,
};

/* struct user_sve_header */
struct vector_header {
	uint32_t size_bytes;
	uint32_t max_size_bytes;
	uint16_t vector_length;
	uint16_t max_vector_length;
	uint16_t flags;
	uint16_t reserved;
};

/* struct user_fpsimd_state */
struct fpsimd_registers {
	uint8_t vectors[512];
	uint32_t status;
	uint32_t control;
	uint32_t reserved[2];
};

#define FPSIMD_MAGIC 0x46508001u

/* struct fpsimd_context of arch/arm64/include/uapi/asm/sigcontext.h */
struct fpsimd_record {
	uint32_t magic;
	uint32_t size_bytes;
	uint32_t status;
	uint32_t control;
	uint8_t vectors[512];
};

/*
 * struct rt_sigframe of arch/arm64/kernel/signal.c: siginfo, ucontext with its sigcontext,
 * then records up to one of zeros. The kernel reserves more room for records than it reads.
 */
struct signal_frame {
	uint8_t siginfo[128];
	uint64_t flags;
	uint64_t link;
	uint64_t stack_sp;
	uint64_t stack_flags;
	uint64_t stack_size;
	uint64_t mask;
	uint8_t mask_reserved[120];
	uint64_t alignment;
	uint64_t fault_addr;
	uint64_t registers[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t pstate;
	uint64_t records_alignment;
	struct fpsimd_record fpsimd;
	uint32_t end[4];
};

_Static_assert(offsetof(struct signal_frame, mask) == 128 + 40, "uc_sigmask");
_Static_assert(offsetof(struct signal_frame, fault_addr) == 128 + 176, "uc_mcontext");
_Static_assert(offsetof(struct signal_frame, fpsimd) == 128 + 176 + 288, "__reserved");
_Static_assert(sizeof(struct fpsimd_record) == 528, "fpsimd_context");
_Static_assert(sizeof(struct signal_frame) % STACK_ALIGNMENT == 0, "stack alignment");

/* No valid ss_flags: restore_altstack() then leaves the alternate stack alone. */
#define STACK_FLAGS_INVALID 0x7fffffffu

/* The whole block below the stack pointer, from its lowest address up. */
struct guard_block {
	/* A child returns into this: exit_group(PYI_ORPHAN_EXIT_STATUS). */
	struct signal_frame child;
	char comm[16];
	/* The thread returns into this: itself. */
	struct signal_frame thread;
};

_Static_assert(offsetof(struct guard_block, thread) % STACK_ALIGNMENT == 0, "stack alignment");

static bool get_regset(pid_t tid, unsigned long type, void *ret_bytes, size_t size_bytes)
{
	struct iovec io = { ret_bytes, size_bytes };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)type, &io) != 0)
		return false;
	if (io.iov_len == size_bytes)
		return true;
	errno = EIO;
	return false;
}

bool pyi_arch_get_registers(pid_t tid, struct pyi_registers *ret_registers)
{
	return get_regset(tid, NT_PRSTATUS, &ret_registers->user, sizeof(ret_registers->user));
}

bool pyi_arch_set_registers(pid_t tid, const struct pyi_registers *registers)
{
	struct pyi_registers copy = *registers;
	struct iovec io = { &copy.user, sizeof(copy.user) };

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &io) == 0;
}

uint64_t pyi_arch_pc(const struct pyi_registers *registers)
{
	return registers->user.pc;
}

void pyi_arch_set_pc(struct pyi_registers *registers, uint64_t pc)
{
	registers->user.pc = pc;
	registers->user.pstate &= ~(uint64_t)PSTATE_BTYPE;
}

uint64_t pyi_arch_sp(const struct pyi_registers *registers)
{
	return registers->user.sp;
}

uint64_t pyi_arch_thread_pointer(pid_t tid, const struct pyi_registers *registers)
{
	uint64_t thread_pointer;

	(void)registers;
	return get_regset(tid, NT_ARM_TLS, &thread_pointer, sizeof(thread_pointer)) ? thread_pointer
										    : 0;
}

bool pyi_arch_is_thread(uint64_t thread_pointer, uint64_t pthread_id)
{
	return thread_pointer - pthread_id <= THREAD_DESCRIPTION_LIMIT;
}

bool pyi_arch_set_thread_pointer(pid_t tid, uint64_t thread_pointer)
{
	struct iovec io = { &thread_pointer, sizeof(thread_pointer) };

	return ptrace(PTRACE_SETREGSET, tid, (void *)(unsigned long)NT_ARM_TLS, &io) == 0;
}

static bool reads_whole(uint64_t flags)
{
	return flags & MSG_WAITALL;
}

enum pyi_interruption pyi_arch_interruption(uint64_t number,
					    const uint64_t arguments[PYI_SYSCALL_ARGUMENTS])
{
	switch (number) {
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_rt_sigsuspend:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_accept:
	case SYS_accept4:
	case SYS_flock:
	case SYS_fcntl:
	case SYS_msgrcv:
		return PYI_INTERRUPTION_UNSEEN;
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_restart_syscall:
		return PYI_INTERRUPTION_CONTINUED;
	case SYS_futex:
		/* Once it has been moved to the lock, an interruption makes it fail. */
		if ((arguments[1] & FUTEX_OPERATION_MASK) == FUTEX_OPERATION_WAIT_REQUEUE_PI)
			return PYI_INTERRUPTION_FORBIDDEN;
		return arguments[3] ? PYI_INTERRUPTION_CONTINUED : PYI_INTERRUPTION_UNSEEN;
	case SYS_recvfrom:
		return reads_whole(arguments[3]) ? PYI_INTERRUPTION_FORBIDDEN
						 : PYI_INTERRUPTION_UNSEEN;
	case SYS_recvmsg:
		return reads_whole(arguments[2]) ? PYI_INTERRUPTION_FORBIDDEN
						 : PYI_INTERRUPTION_UNSEEN;
	case SYS_epoll_pwait:
		return (int32_t)arguments[3] > 0 ? PYI_INTERRUPTION_REWIND_TIMED
						 : PYI_INTERRUPTION_REWIND;
	case SYS_semop:
		return PYI_INTERRUPTION_REWIND;
	case SYS_rt_sigtimedwait:
		/* With a timeout, in memory, it would sleep too long. */
		return arguments[2] ? PYI_INTERRUPTION_FORBIDDEN : PYI_INTERRUPTION_REWIND;
	default:
		return PYI_INTERRUPTION_FORBIDDEN;
	}
}

/* True for calls that fail with EINTR when stopped and can simply be started again. */
static bool can_rewind(uint64_t number)
{
	switch (number) {
	case SYS_epoll_pwait:
	case SYS_semop:
	case SYS_rt_sigtimedwait:
	/* With SO_RCVTIMEO these fail with EINTR, else the kernel restarts them. */
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_accept:
	case SYS_accept4:
	/* When what is left of the timeout cannot be written back: it is the full one again. */
	case SYS_pselect6:
	case SYS_ppoll:
		return true;
	default:
		return false;
	}
}

/* True for calls of which the kernel itself remembers how much time is left. */
static bool has_restart_block(uint64_t number, const uint64_t *arguments)
{
	uint64_t operation;

	switch (number) {
	case SYS_nanosleep:
		return true;
	case SYS_clock_nanosleep:
		return !(arguments[1] & CLOCK_ABSOLUTE);
	case SYS_futex:
		operation = arguments[1] & FUTEX_OPERATION_MASK;
		return (operation == FUTEX_OPERATION_WAIT ||
			operation == FUTEX_OPERATION_WAIT_BITSET) &&
		       arguments[3];
	default:
		return false;
	}
}

static bool read_instruction(pid_t tid, uint64_t addr, uint32_t *ret_instruction)
{
	struct iovec local = { ret_instruction, sizeof(*ret_instruction) };
	struct iovec remote = { (void *)(uintptr_t)addr, sizeof(*ret_instruction) };

	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)sizeof(*ret_instruction);
}

static bool is_svc(pid_t tid, uint64_t addr)
{
	uint32_t instruction;

	return read_instruction(tid, addr, &instruction) && instruction == SVC_INSTRUCTION;
}

/*
 * True for a `mov` that gives its register what is in there already: the last one before a system
 * call is of that kind in every C library. Encodings: Arm ARM, C4.1, MOVZ, MOVN, ORR.
 */
static bool changes_nothing(uint32_t instruction, const struct user_regs_struct *user)
{
	uint64_t width = instruction >> 31 ? UINT64_MAX : UINT32_MAX;
	uint64_t immediate = (uint64_t)(instruction >> 5 & 0xffff) << (instruction >> 21 & 3) * 16;
	unsigned to = instruction & 31;
	unsigned from = instruction >> 16 & 31;

	if (to == 31)
		return false;
	switch (instruction & MOVE_WIDE_MASK) {
	case MOVZ:
		return user->regs[to] == immediate;
	case MOVN:
		return user->regs[to] == (~immediate & width);
	default:
		return (instruction & MOVE_REGISTER_MASK) == MOVE_REGISTER &&
		       user->regs[to] == (from == 31 ? 0 : user->regs[from] & width);
	}
}

/*
 * The kernel has rewound by itself what it restarts, and forgotten that there was a system
 * call, before it stops a thread. So what there was is what /proc said, if the registers agree.
 */
void pyi_arch_prepare_restart(pid_t tid, struct pyi_registers *registers,
			      const uint64_t *blocked_number, const uint64_t *blocked_arguments,
			      uint64_t slept_ms)
{
	struct user_regs_struct *user = &registers->user;
	uint64_t number = user->regs[REGISTER_SYSCALL];

	if (!blocked_number || !blocked_arguments || *blocked_number != number)
		return;
	for (size_t i = 1; i < PYI_SYSCALL_ARGUMENTS; i++)
		if (user->regs[i] != blocked_arguments[i])
			return;
	if (has_restart_block(number, blocked_arguments)) {
		/*
		 * Else it would sleep its whole time again. The kernel looks at the lower half
		 * only; the upper one keeps the number for the guard.
		 */
		if (user->regs[0] == blocked_arguments[0] && is_svc(tid, user->pc))
			user->regs[REGISTER_SYSCALL] = number << 32 | SYS_restart_syscall;
		return;
	}
	if ((int64_t)user->regs[0] != -EINTR || !can_rewind(number) ||
	    !is_svc(tid, user->pc - INSTRUCTION_BYTES))
		return;
	user->regs[0] = blocked_arguments[0];
	pyi_arch_set_pc(registers, user->pc - INSTRUCTION_BYTES);
	if (pyi_arch_interruption(number, blocked_arguments) == PYI_INTERRUPTION_REWIND_TIMED &&
	    slept_ms != UINT64_MAX) {
		uint64_t timeout_ms = (uint32_t)user->regs[3];

		user->regs[3] = timeout_ms > slept_ms ? timeout_ms - slept_ms : 0;
	}
}

/* pyi_arch_prepare_restart() has put the original number into the upper half. */
bool pyi_arch_restarts_by_call(const struct pyi_registers *registers, uint64_t *ret_end_addr)
{
	uint64_t number = registers->user.regs[REGISTER_SYSCALL];

	*ret_end_addr = registers->user.pc + INSTRUCTION_BYTES;
	return (uint32_t)number == SYS_restart_syscall && number >> 32;
}

/*
 * The kernel writes the number of restart_syscall over any other if the thread is at that `svc`
 * when it goes on; so it goes on right before.
 */
void pyi_arch_restart_in_full(pid_t tid, struct pyi_registers *registers)
{
	struct user_regs_struct *user = &registers->user;
	uint64_t before = user->pc - INSTRUCTION_BYTES;
	uint32_t instruction;
	bool again;

	user->regs[REGISTER_SYSCALL] >>= 32;
	again = read_instruction(tid, before, &instruction) && changes_nothing(instruction, user);
	if (!again)
		user->regs[0] = (uint64_t)-EINTR;
	pyi_arch_set_pc(registers, again ? before : user->pc + INSTRUCTION_BYTES);
}

void pyi_arch_set_syscall(struct pyi_registers *registers, const struct pyi_gadgets *gadgets,
			  uint64_t sp, uint64_t number,
			  const uint64_t arguments[PYI_SYSCALL_ARGUMENTS])
{
	struct user_regs_struct *user = &registers->user;

	for (size_t i = 0; i < PYI_SYSCALL_ARGUMENTS; i++)
		user->regs[i] = arguments[i];
	user->regs[REGISTER_SYSCALL] = number;
	/* A cloned child has the same; its stack pointer leads to another frame. */
	user->regs[REGISTER_LINK] = gadgets->addr[GADGET_SIGRETURN];
	user->sp = sp;
	pyi_arch_set_pc(registers, gadgets->addr[GADGET_SYSCALL]);
}

uint64_t pyi_arch_syscall_number(const struct pyi_registers *registers)
{
	return registers->user.regs[REGISTER_SYSCALL];
}

void pyi_arch_syscall_arguments(const struct pyi_registers *registers,
				uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS])
{
	for (size_t i = 0; i < PYI_SYSCALL_ARGUMENTS; i++)
		ret_arguments[i] = registers->user.regs[i];
}

int64_t pyi_arch_syscall_result(const struct pyi_registers *registers)
{
	return (int64_t)registers->user.regs[0];
}

void pyi_arch_set_syscall_result(struct pyi_registers *registers, uint64_t value)
{
	registers->user.regs[0] = value;
}

uint64_t pyi_arch_syscall_end(const struct pyi_gadgets *gadgets)
{
	return gadgets->addr[GADGET_SYSCALL] + INSTRUCTION_BYTES;
}

static bool set_entered_call(pid_t tid, int number)
{
	struct iovec io = { &number, sizeof(number) };

	return ptrace(PTRACE_SETREGSET, tid, (void *)(unsigned long)NT_ARM_SYSTEM_CALL, &io) == 0;
}

bool pyi_arch_skip_syscall(pid_t tid)
{
	return set_entered_call(tid, -1);
}

bool pyi_arch_replace_syscall(pid_t tid, uint64_t number,
			      const uint64_t arguments[PYI_SYSCALL_ARGUMENTS])
{
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(tid, &registers))
		return false;
	memcpy(registers.user.regs, arguments, PYI_SYSCALL_ARGUMENTS * sizeof(arguments[0]));
	return pyi_arch_set_registers(tid, &registers) && set_entered_call(tid, (int)number);
}

void pyi_arch_set_call(struct pyi_registers *registers, uint64_t pc, uint64_t sp, uint64_t argument)
{
	struct user_regs_struct *user = &registers->user;

	user->regs[0] = argument;
	user->regs[REGISTER_FRAME] = 0;
	user->regs[REGISTER_LINK] = 0;
	user->sp = sp & ~(uint64_t)(STACK_ALIGNMENT - 1);
	pyi_arch_set_pc(registers, pc);
}

/* It is the second instruction of its gadget. */
uint64_t pyi_arch_sigreturn_end(const struct pyi_gadgets *gadgets)
{
	return gadgets->addr[GADGET_SIGRETURN] + 2 * INSTRUCTION_BYTES;
}

bool pyi_arch_has_shadow_stack(pid_t tid)
{
	/* struct user_gcs: what is enabled, what is locked, the pointer */
	uint64_t state[3] = { 0 };
	struct iovec io = { state, sizeof(state) };

	return ptrace(PTRACE_GETREGSET, tid, (void *)NT_ARM_GCS, &io) == 0 && state[0] != 0;
}

/* Here clone() takes flags, stack, parent_tid, tls, child_tid. */
void pyi_arch_clone_arguments(uint64_t flags, uint64_t stack,
			      uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS])
{
	memset(ret_arguments, 0, PYI_SYSCALL_ARGUMENTS * sizeof(ret_arguments[0]));
	ret_arguments[0] = flags;
	ret_arguments[1] = stack;
}

/* The kernel accepts no frame without these. */
static void fill_fpsimd(struct signal_frame *frame, const struct fpsimd_registers *fpsimd)
{
	frame->fpsimd.magic = FPSIMD_MAGIC;
	frame->fpsimd.size_bytes = sizeof(frame->fpsimd);
	frame->fpsimd.status = fpsimd->status;
	frame->fpsimd.control = fpsimd->control;
	memcpy(frame->fpsimd.vectors, fpsimd->vectors, sizeof(frame->fpsimd.vectors));
}

static void fill_frame(struct signal_frame *frame, const struct user_regs_struct *user,
		       uint64_t mask, const struct fpsimd_registers *fpsimd)
{
	frame->stack_flags = STACK_FLAGS_INVALID;
	frame->mask = mask;
	for (size_t i = 0; i < sizeof(frame->registers) / sizeof(frame->registers[0]); i++)
		frame->registers[i] = user->regs[i];
	frame->sp = user->sp;
	frame->pc = user->pc;
	frame->pstate = user->pstate;
	fill_fpsimd(frame, fpsimd);
}

struct pyi_error *pyi_arch_build_guard(pid_t tid, const struct pyi_registers *registers,
				       uint64_t mask, const struct pyi_gadgets *gadgets,
				       struct pyi_guard *ret_guard)
{
	static const char comm[] = PYI_SNAPSHOT_COMM;
	static const uint64_t exit_arguments[PYI_SYSCALL_ARGUMENTS] = { PYI_ORPHAN_EXIT_STATUS };
	struct pyi_registers child = *registers;
	struct fpsimd_registers fpsimd;
	struct guard_block *block;
	uint64_t block_addr;
	uint64_t child_addr;
	uint64_t number;

	if (!get_regset(tid, NT_PRFPREG, &fpsimd, sizeof(fpsimd)))
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_GUARD, errno,
					      "cannot read the vector registers of thread %d", tid);
	block = calloc(1, sizeof(*block));
	if (!block)
		return pyi_error_no_memory();
	block_addr = (registers->user.sp - MARGIN_BYTES - sizeof(*block)) &
		     ~(uint64_t)(STACK_ALIGNMENT - 1);
	child_addr = block_addr + offsetof(struct guard_block, child);

	fill_frame(&block->thread, &registers->user, mask, &fpsimd);
	/*
	 * rt_sigreturn drops what restart_syscall would go on with. Sleeping for the whole time
	 * again is better than a failure nobody expects.
	 */
	number = registers->user.regs[REGISTER_SYSCALL];
	if ((uint32_t)number == SYS_restart_syscall && number >> 32)
		block->thread.registers[REGISTER_SYSCALL] = number >> 32;
	pyi_arch_set_syscall(&child, gadgets, child_addr, SYS_exit_group, exit_arguments);
	fill_frame(&block->child, &child.user, UINT64_MAX, &fpsimd);
	memcpy(block->comm, comm, sizeof(comm));
	*ret_guard = (struct pyi_guard){
		.addr = block_addr,
		.size_bytes = sizeof(*block),
		.bytes = (uint8_t *)block,
		.sp = block_addr + offsetof(struct guard_block, thread),
		.child_sp = child_addr,
		.comm_addr = block_addr + offsetof(struct guard_block, comm),
	};
	return NULL;
}

/* Reads the header of a scalable vector regset; false if the processor has no such thing. */
static bool get_vector_header(pid_t tid, unsigned long type, struct vector_header *ret_header)
{
	return get_regset(tid, type, ret_header, sizeof(*ret_header));
}

static bool is_in_use(const struct vector_header *header)
{
	return (header->flags & VECTOR_REGISTERS_MASK) == VECTOR_REGISTERS_SVE;
}

/*
 * A system call keeps only the lowest 128 bits of each vector register, and leaves streaming
 * mode. A thread that is blocked in one has nothing left to lose, but saving that does no harm.
 */
bool pyi_arch_save_vectors(pid_t tid, struct pyi_vector_state *ret_state)
{
	struct vector_header header;
	struct iovec io;

	*ret_state = (struct pyi_vector_state){ 0 };
	if (get_vector_header(tid, NT_ARM_SSVE, &header) && is_in_use(&header)) {
		errno = ENOTSUP;
		return false;
	}
	if (!get_vector_header(tid, NT_ARM_SVE, &header))
		return errno == EINVAL || errno == ENODEV;
	if (!is_in_use(&header))
		return true;
	if (header.size_bytes < sizeof(header) || header.size_bytes > VECTOR_BYTES_LIMIT) {
		errno = EOVERFLOW;
		return false;
	}
	io.iov_len = header.size_bytes;
	io.iov_base = malloc(io.iov_len);
	if (!io.iov_base)
		return false;
	if (ptrace(PTRACE_GETREGSET, tid, (void *)(unsigned long)NT_ARM_SVE, &io) != 0) {
		free(io.iov_base);
		return false;
	}
	ret_state->bytes = io.iov_base;
	ret_state->size_bytes = io.iov_len;
	return true;
}

bool pyi_arch_restore_vectors(pid_t tid, const struct pyi_vector_state *state)
{
	struct iovec io = { state->bytes, state->size_bytes };

	return !state->size_bytes ||
	       ptrace(PTRACE_SETREGSET, tid, (void *)(unsigned long)NT_ARM_SVE, &io) == 0;
}
