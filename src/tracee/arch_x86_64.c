/*
 * x86_64: registers, gadgets, guard frame, restart rules. Does not handle shadow stacks
 * (refused before anything is stopped) and 32-bit targets.
 */
#include "tracee/arch.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* include/uapi/linux/elf.h, Linux 6.6 */
#ifndef NT_X86_SHSTK
#define NT_X86_SHSTK 0x204
#endif

enum gadget {
	GADGET_SYSCALL,
	GADGET_POP_RAX,
	GADGET_POP_RDI,
};

const struct pyi_gadget_pattern pyi_arch_gadget_patterns[] = {
	[GADGET_SYSCALL] = { "syscall; ret", { 0x0f, 0x05, 0xc3 }, 3, 1 },
	[GADGET_POP_RAX] = { "pop %rax; ret", { 0x58, 0xc3 }, 2, 1 },
	[GADGET_POP_RDI] = { "pop %rdi; ret", { 0x5f, 0xc3 }, 2, 1 },
};

const size_t pyi_arch_gadget_count =
	sizeof(pyi_arch_gadget_patterns) / sizeof(pyi_arch_gadget_patterns[0]);

const uint32_t pyi_arch_audit = AUDIT_ARCH_X86_64;

enum {
	/* Results the kernel uses inside; include/linux/errno.h */
	RESTART_SYS = 512,
	RESTART_NO_INTR = 513,
	RESTART_NO_HAND = 514,
	RESTART_BLOCK = 516,

	/* Linux 5.11; not in older headers */
	EPOLL_PWAIT2 = 441,

	FLAG_TRAP = 0x100,
	FLAG_DIRECTION = 0x400,
	SYSCALL_INSTRUCTION_BYTES = 2,

	/* System V ABI: a leaf function may use 128 bytes below its stack pointer. */
	RED_ZONE_BYTES = 128,
	XSAVE_LIMIT = 16384,
	XSAVE_ALIGNMENT = 64,
	/* Where the kernel looks for struct _fpx_sw_bytes in the legacy area. */
	XSAVE_SOFTWARE_OFFSET = 464,
	XSAVE_HEADER_OFFSET = 512,
	XSAVE_LEAF = 0xd,
	XSAVE_FIRST_EXTENDED = 2,
	XSAVE_COMPONENTS = 63,
};

/* Tile configuration and data: a process has room for them in its signal frames only after asking
 * for it. */
#define XFEATURES_AMX (UINT64_C(1) << 17 | UINT64_C(1) << 18)

/* struct _fpx_sw_bytes of arch/x86/include/uapi/asm/sigcontext.h */
struct fpx_software_bytes {
	uint32_t magic1;
	uint32_t extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size;
	uint32_t padding[7];
};

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u

/* struct sigcontext_64 and struct ucontext of arch/x86/include/uapi/asm, in 64-bit words */
struct kernel_ucontext {
	uint64_t flags;
	uint64_t link;
	uint64_t stack_sp;
	uint64_t stack_flags;
	uint64_t stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	uint64_t eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, old_mask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
	uint64_t mask;
};

enum {
	/* UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
	UCONTEXT_FLAGS = 1 | 2 | 4,
	/* No valid ss_flags: restore_altstack() then leaves the alternate stack alone. */
	STACK_FLAGS_INVALID = 0x7fffffff,
};

/* The whole block below the red zone, from its lowest address up. */
struct guard_block {
	/* A child returns into these: exit_group(PYI_ORPHAN_EXIT_STATUS). */
	uint64_t child_chain[5];
	char comm[16];
	uint64_t spare;
	/* The thread returns into these: rt_sigreturn on `context`. */
	uint64_t chain[3];
	struct kernel_ucontext context;
};

bool pyi_arch_get_registers(pid_t tid, struct pyi_registers *ret_registers)
{
	struct iovec io = { &ret_registers->user, sizeof(ret_registers->user) };

	return ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &io) == 0 &&
	       io.iov_len == sizeof(ret_registers->user);
}

bool pyi_arch_set_registers(pid_t tid, const struct pyi_registers *registers)
{
	struct pyi_registers copy = *registers;
	struct iovec io = { &copy.user, sizeof(copy.user) };

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &io) == 0;
}

uint64_t pyi_arch_pc(const struct pyi_registers *registers)
{
	return registers->user.rip;
}

void pyi_arch_set_pc(struct pyi_registers *registers, uint64_t pc)
{
	registers->user.rip = pc;
}

uint64_t pyi_arch_sp(const struct pyi_registers *registers)
{
	return registers->user.rsp;
}

uint64_t pyi_arch_thread_pointer(pid_t tid, const struct pyi_registers *registers)
{
	(void)tid;
	return registers->user.fs_base;
}

bool pyi_arch_is_thread(uint64_t thread_pointer, uint64_t pthread_id)
{
	return thread_pointer == pthread_id;
}

bool pyi_arch_set_thread_pointer(pid_t tid, uint64_t thread_pointer)
{
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(tid, &registers))
		return false;
	registers.user.fs_base = thread_pointer;
	return pyi_arch_set_registers(tid, &registers);
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
	case SYS_select:
	case SYS_pselect6:
	case SYS_pause:
	case SYS_rt_sigsuspend:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_accept:
	case SYS_accept4:
	case SYS_flock:
	case SYS_fcntl:
	case SYS_msgrcv:
		return PYI_INTERRUPTION_UNSEEN;
	case SYS_poll:
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_restart_syscall:
		return PYI_INTERRUPTION_CONTINUED;
	case SYS_futex:
		/* Once it has been moved to the lock, an interruption makes it fail. */
		if ((arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_REQUEUE_PI)
			return PYI_INTERRUPTION_FORBIDDEN;
		return arguments[3] ? PYI_INTERRUPTION_CONTINUED : PYI_INTERRUPTION_UNSEEN;
	case SYS_recvfrom:
		return reads_whole(arguments[3]) ? PYI_INTERRUPTION_FORBIDDEN
						 : PYI_INTERRUPTION_UNSEEN;
	case SYS_recvmsg:
		return reads_whole(arguments[2]) ? PYI_INTERRUPTION_FORBIDDEN
						 : PYI_INTERRUPTION_UNSEEN;
	case SYS_epoll_wait:
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

/* True for calls that, when they fail with EINTR, have done nothing and can be started again. */
static bool can_rewind(uint64_t number)
{
	switch (number) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case EPOLL_PWAIT2:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_rt_sigtimedwait:
	case SYS_io_getevents:
	/* With SO_RCVTIMEO or SO_SNDTIMEO these fail with EINTR, else the kernel restarts them. */
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_accept:
	case SYS_accept4:
	case SYS_write:
	case SYS_writev:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_connect:
	/* When what is left of the timeout cannot be written back: it is the full one again. */
	case SYS_select:
	case SYS_pselect6:
	case SYS_ppoll:
		return true;
	default:
		return false;
	}
}

void pyi_arch_prepare_restart(pid_t tid, struct pyi_registers *registers,
			      const uint64_t *blocked_number, const uint64_t *blocked_arguments,
			      uint64_t slept_ms)
{
	struct user_regs_struct *user = &registers->user;
	uint64_t number = user->orig_rax;

	(void)tid;
	/* Some random bytes more, that nobody has seen yet. */
	if (number == SYS_getrandom && user->rax < user->rsi && user->rax > 0) {
		user->rax = (uint64_t)-RESTART_NO_HAND;
		return;
	}
	if ((int64_t)number < 0 || (int64_t)user->rax != -EINTR || !can_rewind(number))
		return;
	/* As for select(): restarted unless a handler runs, and then it is that handler's EINTR. */
	user->rax = (uint64_t)-RESTART_NO_HAND;
	if (blocked_number && *blocked_number == number && blocked_arguments &&
	    pyi_arch_interruption(number, blocked_arguments) == PYI_INTERRUPTION_REWIND_TIMED &&
	    slept_ms != UINT64_MAX) {
		uint64_t timeout_ms = (uint32_t)user->r10;

		user->r10 = timeout_ms > slept_ms ? timeout_ms - slept_ms : 0;
	}
}

/* If it was restart_syscall itself, nobody has minded so far. */
bool pyi_arch_restarts_by_call(const struct pyi_registers *registers, uint64_t *ret_end_addr)
{
	const struct user_regs_struct *user = &registers->user;

	*ret_end_addr = user->rip;
	return (int64_t)user->rax == -RESTART_BLOCK && (int64_t)user->orig_rax >= 0 &&
	       user->orig_rax != SYS_restart_syscall;
}

void pyi_arch_restart_in_full(pid_t tid, struct pyi_registers *registers)
{
	(void)tid;
	registers->user.rax = (uint64_t)-RESTART_NO_HAND;
}

static void set_arguments(struct user_regs_struct *user,
			  const uint64_t arguments[PYI_SYSCALL_ARGUMENTS])
{
	user->rdi = arguments[0];
	user->rsi = arguments[1];
	user->rdx = arguments[2];
	user->r10 = arguments[3];
	user->r8 = arguments[4];
	user->r9 = arguments[5];
}

void pyi_arch_set_syscall(struct pyi_registers *registers, const struct pyi_gadgets *gadgets,
			  uint64_t sp, uint64_t number,
			  const uint64_t arguments[PYI_SYSCALL_ARGUMENTS])
{
	struct user_regs_struct *user = &registers->user;

	user->rip = gadgets->addr[GADGET_SYSCALL];
	user->rsp = sp;
	user->rax = number;
	/* Else the kernel would take the change of registers for a call to restart. */
	user->orig_rax = UINT64_MAX;
	set_arguments(user, arguments);
	user->eflags &= ~(uint64_t)(FLAG_TRAP | FLAG_DIRECTION);
}

uint64_t pyi_arch_syscall_number(const struct pyi_registers *registers)
{
	return registers->user.orig_rax;
}

void pyi_arch_syscall_arguments(const struct pyi_registers *registers,
				uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS])
{
	const struct user_regs_struct *user = &registers->user;

	ret_arguments[0] = user->rdi;
	ret_arguments[1] = user->rsi;
	ret_arguments[2] = user->rdx;
	ret_arguments[3] = user->r10;
	ret_arguments[4] = user->r8;
	ret_arguments[5] = user->r9;
}

int64_t pyi_arch_syscall_result(const struct pyi_registers *registers)
{
	return (int64_t)registers->user.rax;
}

void pyi_arch_set_syscall_result(struct pyi_registers *registers, uint64_t value)
{
	registers->user.rax = value;
}

uint64_t pyi_arch_syscall_end(const struct pyi_gadgets *gadgets)
{
	return gadgets->addr[GADGET_SYSCALL] + SYSCALL_INSTRUCTION_BYTES;
}

bool pyi_arch_skip_syscall(pid_t tid)
{
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(tid, &registers))
		return false;
	registers.user.orig_rax = UINT64_MAX;
	return pyi_arch_set_registers(tid, &registers);
}

bool pyi_arch_replace_syscall(pid_t tid, uint64_t number,
			      const uint64_t arguments[PYI_SYSCALL_ARGUMENTS])
{
	struct pyi_registers registers;

	if (!pyi_arch_get_registers(tid, &registers))
		return false;
	registers.user.orig_rax = number;
	set_arguments(&registers.user, arguments);
	return pyi_arch_set_registers(tid, &registers);
}

void pyi_arch_set_call(struct pyi_registers *registers, uint64_t pc, uint64_t sp, uint64_t argument)
{
	struct user_regs_struct *user = &registers->user;

	user->rip = pc;
	/* At a function's entry rsp is 8 below a multiple of 16. */
	user->rsp = (sp & ~UINT64_C(15)) - 8;
	user->rdi = argument;
	user->orig_rax = UINT64_MAX;
	user->eflags &= ~(uint64_t)(FLAG_TRAP | FLAG_DIRECTION);
}

uint64_t pyi_arch_sigreturn_end(const struct pyi_gadgets *gadgets)
{
	return pyi_arch_syscall_end(gadgets);
}

bool pyi_arch_has_shadow_stack(pid_t tid)
{
	uint64_t pointer;
	struct iovec io = { &pointer, sizeof(pointer) };

	return ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_SHSTK, &io) == 0;
}

void pyi_arch_clone_arguments(uint64_t flags, uint64_t stack,
			      uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS])
{
	memset(ret_arguments, 0, PYI_SYSCALL_ARGUMENTS * sizeof(ret_arguments[0]));
	ret_arguments[0] = flags;
	ret_arguments[1] = stack;
}

/* Size of the standard form of these components: Intel SDM volume 1, 13.4.3. */
static size_t xsave_bytes(uint64_t xfeatures)
{
	size_t bytes = XSAVE_HEADER_OFFSET + 64;

	for (unsigned i = XSAVE_FIRST_EXTENDED; i < XSAVE_COMPONENTS; i++) {
		unsigned size;
		unsigned offset;
		unsigned ecx;
		unsigned edx;

		if (xfeatures >> i & 1 &&
		    __get_cpuid_count(XSAVE_LEAF, i, &size, &offset, &ecx, &edx) &&
		    offset + size > bytes)
			bytes = offset + size;
	}
	return bytes;
}

/*
 * A call that was interrupted before goes on as restart_syscall, and what it was is nowhere to be
 * read; but C libraries load the number with the instruction before ("mov $number, %eax"). False if
 * this is none of the calls that end in a restart block.
 */
static bool find_restarted_number(pid_t tid, uint64_t rip, uint64_t *ret_number)
{
	enum {
		LOAD_OPCODE = 0xb8,
	};
	uint8_t code[1 + sizeof(uint32_t) + SYSCALL_INSTRUCTION_BYTES];
	struct iovec local = { code, sizeof(code) };
	struct iovec remote = { (void *)(uintptr_t)(rip - sizeof(code)), sizeof(code) };
	uint32_t number;

	if (process_vm_readv(tid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof(code) ||
	    code[0] != LOAD_OPCODE)
		return false;
	memcpy(&number, code + 1, sizeof(number));
	*ret_number = number;
	return number == SYS_poll || number == SYS_nanosleep || number == SYS_clock_nanosleep ||
	       number == SYS_futex;
}

/* What the thread continues with if only the guard brings it back. */
static void fill_context(pid_t tid, struct kernel_ucontext *context,
			 const struct user_regs_struct *user, uint64_t mask, uint64_t fpstate_addr)
{
	uint64_t number = user->orig_rax;
	uint64_t rax = user->rax;
	uint64_t rip = user->rip;

	/* rt_sigreturn restarts nothing by itself, so rewind here what the kernel would have
	 * restarted. */
	if ((int64_t)number >= 0) {
		switch (-(int64_t)rax) {
		case RESTART_BLOCK:
			/* Sleeping for the whole time again is better than a failure nobody
			 * expects. */
			if (number == SYS_restart_syscall &&
			    !find_restarted_number(tid, rip, &number)) {
				rax = (uint64_t)-EINTR;
				break;
			}
			__attribute__((fallthrough));
		case RESTART_SYS:
		case RESTART_NO_INTR:
		case RESTART_NO_HAND:
			rax = number;
			rip -= SYSCALL_INSTRUCTION_BYTES;
			break;
		default:
			break;
		}
	}
	*context = (struct kernel_ucontext){
		.flags = UCONTEXT_FLAGS,
		.stack_flags = STACK_FLAGS_INVALID,
		.r8 = user->r8,
		.r9 = user->r9,
		.r10 = user->r10,
		.r11 = user->r11,
		.r12 = user->r12,
		.r13 = user->r13,
		.r14 = user->r14,
		.r15 = user->r15,
		.rdi = user->rdi,
		.rsi = user->rsi,
		.rbp = user->rbp,
		.rbx = user->rbx,
		.rdx = user->rdx,
		.rax = rax,
		.rcx = user->rcx,
		.rsp = user->rsp,
		.rip = rip,
		.eflags = user->eflags,
		.cs = (uint16_t)user->cs,
		.ss = (uint16_t)user->ss,
		.fpstate = fpstate_addr,
		.mask = mask,
	};
}

struct pyi_error *pyi_arch_build_guard(pid_t tid, const struct pyi_registers *registers,
				       uint64_t mask, const struct pyi_gadgets *gadgets,
				       struct pyi_guard *ret_guard)
{
	static const char comm[] = PYI_SNAPSHOT_COMM;
	const uint32_t magic2 = FP_XSTATE_MAGIC2;
	uint8_t xsave[XSAVE_LIMIT] __attribute__((aligned(XSAVE_ALIGNMENT)));
	struct iovec io = { xsave, sizeof(xsave) };
	struct fpx_software_bytes software = { .magic1 = FP_XSTATE_MAGIC1 };
	struct guard_block block = { 0 };
	uint64_t fpstate_addr;
	uint64_t block_addr;
	uint64_t in_use;
	size_t fpstate_bytes;
	size_t size_bytes;
	uint8_t *bytes;

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_XSTATE, &io) != 0 ||
	    io.iov_len < XSAVE_HEADER_OFFSET + 64)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_GUARD, errno,
					      "cannot read the vector registers of thread %d", tid);
	/* The tracer sees xfeatures (XCR0) where the signal frame wants them too. */
	memcpy(&software.xfeatures, xsave + XSAVE_SOFTWARE_OFFSET, sizeof(software.xfeatures));
	memcpy(&in_use, xsave + XSAVE_HEADER_OFFSET, sizeof(in_use));
	/* The kernel refuses a frame with more room than this process has ever asked for. */
	if (software.xfeatures & XFEATURES_AMX && !(in_use & XFEATURES_AMX)) {
		size_t without;

		software.xfeatures &= ~XFEATURES_AMX;
		without = xsave_bytes(software.xfeatures);
		io.iov_len = without < io.iov_len ? without : io.iov_len;
	}
	fpstate_bytes = io.iov_len + sizeof(magic2);
	software.extended_size = (uint32_t)fpstate_bytes;
	software.xstate_size = (uint32_t)io.iov_len;
	memcpy(xsave + XSAVE_SOFTWARE_OFFSET, &software, sizeof(software));

	fpstate_addr = (registers->user.rsp - RED_ZONE_BYTES - fpstate_bytes) &
		       ~(uint64_t)(XSAVE_ALIGNMENT - 1);
	block_addr = (fpstate_addr - sizeof(block)) & ~UINT64_C(15);
	size_bytes = (size_t)(fpstate_addr + fpstate_bytes - block_addr);

	block.child_chain[0] = gadgets->addr[GADGET_POP_RAX];
	block.child_chain[1] = SYS_exit_group;
	block.child_chain[2] = gadgets->addr[GADGET_POP_RDI];
	block.child_chain[3] = PYI_ORPHAN_EXIT_STATUS;
	block.child_chain[4] = gadgets->addr[GADGET_SYSCALL];
	memcpy(block.comm, comm, sizeof(comm));
	block.chain[0] = gadgets->addr[GADGET_POP_RAX];
	block.chain[1] = SYS_rt_sigreturn;
	block.chain[2] = gadgets->addr[GADGET_SYSCALL];
	fill_context(tid, &block.context, &registers->user, mask, fpstate_addr);

	bytes = calloc(1, size_bytes);
	if (!bytes)
		return pyi_error_no_memory();
	memcpy(bytes, &block, sizeof(block));
	memcpy(bytes + (fpstate_addr - block_addr), xsave, io.iov_len);
	memcpy(bytes + (fpstate_addr - block_addr) + io.iov_len, &magic2, sizeof(magic2));
	*ret_guard = (struct pyi_guard){
		.addr = block_addr,
		.size_bytes = size_bytes,
		.bytes = bytes,
		.sp = block_addr + offsetof(struct guard_block, chain),
		.child_sp = block_addr + offsetof(struct guard_block, child_chain),
		.comm_addr = block_addr + offsetof(struct guard_block, comm),
	};
	return NULL;
}

/* System calls leave the vector registers of x86 alone. */
bool pyi_arch_save_vectors(pid_t tid, struct pyi_vector_state *ret_state)
{
	(void)tid;
	*ret_state = (struct pyi_vector_state){ 0 };
	return true;
}

bool pyi_arch_restore_vectors(pid_t tid, const struct pyi_vector_state *state)
{
	(void)tid;
	(void)state;
	return true;
}
