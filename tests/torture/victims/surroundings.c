/*
 * What a victim in hostile surroundings cannot do from Python: filters, fault monitors, restartable
 * sequences, vector registers, odd stacks. A plain shared library, called through ctypes.
 *
 * Does not judge: it counts what went wrong, and the tests ask for it. Knows nothing of Python.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum {
	PAGE_BYTES = 4096,
	SPIN = 2000000,
	VECTORS = 32,
	VECTOR_BYTES = 64,
	/* Room below the stack pointer that a deep thread leaves: too little for any frame. */
	DEEP_LEFT_BYTES = 256,
	ALTERNATE_MORE_BYTES = 512,
	DEEP_STACK_BYTES = 64 << 10,
};

/* What a thread has done; `bad` must stay 0. */
struct sur_work {
	volatile uint64_t begun;
	volatile uint64_t rounds;
	volatile uint64_t bad;
	volatile uint64_t stop;
};

/*
 * Everything but what a process needs that only computes, writes to its pipes, and ends; or what it
 * takes to clone it. For this thread, or for all.
 */
long sur_filter(uint32_t action, long everything, long all_threads)
{
	static const int needed[] = {
		SYS_read,
		SYS_write,
		SYS_futex,
		SYS_rt_sigreturn,
		SYS_mmap,
		SYS_munmap,
		SYS_brk,
		SYS_mremap,
		SYS_madvise,
		SYS_mprotect,
		SYS_exit,
		SYS_exit_group,
		SYS_sched_yield,
		SYS_close,
		SYS_restart_syscall,
		SYS_rt_sigprocmask,
	};
	static const int forbidden[] = { SYS_clone, SYS_wait4, SYS_prctl,
#ifdef SYS_fork
					 SYS_fork,  SYS_vfork,
#endif
					 435 /* clone3 */ };
	const int *calls = everything ? needed : forbidden;
	size_t count = everything ? sizeof(needed) / sizeof(needed[0])
				  : sizeof(forbidden) / sizeof(forbidden[0]);
	uint32_t listed = everything ? SECCOMP_RET_ALLOW : action;
	uint32_t other = everything ? action : SECCOMP_RET_ALLOW;
	struct sock_filter code[64];
	struct sock_fprog program = { 0, code };

	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							   offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++) {
		code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								   (uint32_t)calls[i], 0, 1);
		code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed);
	}
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, other);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       all_threads ? SECCOMP_FILTER_FLAG_TSYNC : 0, &program) == 0
		       ? 0
		       : -errno;
}

/* One thread under a filter of its own; it runs all the time. */
long sur_filtered_thread(struct sur_work *work, uint32_t action)
{
	long result = sur_filter(action, 1, 0);

	work->bad = (uint64_t)result;
	work->begun = 1;
	while (!work->stop)
		work->rounds = work->rounds + 1;
	return result;
}

#ifdef __x86_64__
extern const char sur_own_begin[];
extern const char sur_own_end[];
long sur_own_call(long number, const long long *arguments);
void sur_own_return(void);

/* The only code whose calls the kernel takes. */
__asm__(".text\n"
	"sur_own_begin:\n"
	"sur_own_call:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %r11\n"
	"	mov (%r11), %rdi\n"
	"	mov 8(%r11), %rsi\n"
	"	mov 16(%r11), %rdx\n"
	"	mov 24(%r11), %r10\n"
	"	mov 32(%r11), %r8\n"
	"	mov 40(%r11), %r9\n"
	"	syscall\n"
	"	ret\n"
	"sur_own_return:\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	/* What counts is where the call returns to. */
	"	ud2\n"
	"sur_own_end:\n");

static volatile char dispatch_selector;

/* Makes the call that was not made, for whoever wanted it. */
static void make_call(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	const long long arguments[6] = {
		registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
		registers[REG_R10], registers[REG_R8],	registers[REG_R9],
	};

	(void)number;
	(void)info;
	registers[REG_RAX] = sur_own_call(registers[REG_RAX], arguments);
}

/* Syscall User Dispatch, as programs have it that run those of another system. */
long sur_dispatch(long blocked)
{
	/* struct sigaction of the kernel, with a way back that is allowed: SA_RESTORER */
	struct {
		void (*handler)(int, siginfo_t *, void *);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} action = { make_call, SA_SIGINFO | SA_NODEFER | 0x04000000, sur_own_return, 0 };

	if (syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof(action.mask)) != 0)
		return -errno;
	dispatch_selector = (char)blocked;
	return prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, sur_own_begin,
		     sur_own_end - sur_own_begin, &dispatch_selector) == 0
		       ? 0
		       : -errno;
}
#else
long sur_dispatch(long blocked)
{
	(void)blocked;
	return -ENOSYS;
}
#endif

/* A range of memory whose missing pages somebody else must fill in; nobody does. */
long sur_monitor_faults(uint64_t features, void *range, uint64_t size_bytes)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register registration = {
		.range = { (uint64_t)(uintptr_t)range, size_bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	long fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (ioctl((int)fd, UFFDIO_API, &api) != 0 ||
	    ioctl((int)fd, UFFDIO_REGISTER, &registration) != 0)
		return -errno;
	return fd;
}

/*
 * A breakpoint of the kernel's own in one process, as `perf probe` sets it; nothing is changed in
 * the file. Ends when its descriptor is closed.
 */
long sur_probe(long type, long pid, const char *path, uint64_t offset)
{
	struct perf_event_attr attributes = {
		.type = (uint32_t)type,
		.size = sizeof(attributes),
		.uprobe_path = (uint64_t)(uintptr_t)path,
		.probe_offset = offset,
	};
	long fd =
		syscall(SYS_perf_event_open, &attributes, (pid_t)pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* clang-format off */
#define SIXTEEN(one) \
	one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) \
	one(8) one(9) one(10) one(11) one(12) one(13) one(14) one(15)
#define SIXTEEN_MORE(one) \
	one(16) one(17) one(18) one(19) one(20) one(21) one(22) one(23) \
	one(24) one(25) one(26) one(27) one(28) one(29) one(30) one(31)
/* clang-format on */

#if defined(__x86_64__)
/* Fills every vector register, computes nothing for a while, and looks what is in them then. */
__attribute__((target("avx512f"))) static void spin_zmm(const uint8_t *in, uint8_t *out)
{
	uint64_t spins = SPIN;

#define LOAD(n) "vmovdqu64 " #n "*64(%[in]), %%zmm" #n "\n"
#define STORE(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%[out])\n"
	__asm__ volatile(
		SIXTEEN(LOAD) SIXTEEN_MORE(LOAD) "1: dec %[spins]\n jnz 1b\n" SIXTEEN(STORE)
			SIXTEEN_MORE(STORE)
		: [spins] "+r"(spins)
		: [in] "r"(in), [out] "r"(out)
		: "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
		  "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16",
		  "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",
		  "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
#undef LOAD
#undef STORE
}

static void spin_xmm(const uint8_t *in, uint8_t *out)
{
	uint64_t spins = SPIN;

#define LOAD(n) "movdqu " #n "*64(%[in]), %%xmm" #n "\n"
#define STORE(n) "movdqu %%xmm" #n ", " #n "*64(%[out])\n"
	__asm__ volatile(SIXTEEN(LOAD) "1: dec %[spins]\n jnz 1b\n" SIXTEEN(STORE)
			 : [spins] "+r"(spins)
			 : [in] "r"(in), [out] "r"(out)
			 : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			   "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
			   "xmm15");
#undef LOAD
#undef STORE
}

static void spin_vectors(const uint8_t *in, uint8_t *out)
{
	if (__builtin_cpu_supports("avx512f"))
		spin_zmm(in, out);
	else
		spin_xmm(in, out);
}

static size_t vector_width(void)
{
	return __builtin_cpu_supports("avx512f") ? 64 : 16;
}

static size_t vector_count(void)
{
	return __builtin_cpu_supports("avx512f") ? 32 : 16;
}

/*
 * A section that is nearly always being executed. When the kernel sees its thread elsewhere, as
 * it does when somebody runs a system call in it, it forgets the section; that must not happen
 * without the section being aborted, so at its end the kernel must still remember it.
 */
long sur_restartable(struct sur_work *work, int64_t area_offset)
{
	uintptr_t thread_pointer;
	uint8_t *area;

	__asm__("movq %%fs:0, %0" : "=r"(thread_pointer));
	area = (uint8_t *)(thread_pointer + (uintptr_t)area_offset);
	work->begun = 1;
	while (!work->stop) {
		uint64_t spins = SPIN;
		uint64_t section = 0;
		uint64_t remembered = 0;
		uint64_t aborted = 0;

		__asm__ volatile(".pushsection __rseq_cs, \"aw\"\n"
				 ".balign 32\n"
				 "3: .long 0, 0\n"
				 ".quad 1f, 2f - 1f, 4f\n"
				 ".popsection\n"
				 "leaq 3b(%%rip), %[section]\n"
				 "movq %[section], 8(%[area])\n"
				 "1:\n"
				 "5: decq %[spins]\n"
				 "jnz 5b\n"
				 "movq 8(%[area]), %[remembered]\n"
				 "2:\n"
				 "jmp 6f\n"
				 ".byte 0x0f, 0xb9, 0x3d\n"
				 ".long 0x53053053\n"
				 "4: movq $1, %[aborted]\n"
				 "6:\n"
				 : [spins] "+r"(spins), [section] "+r"(section),
				   [remembered] "+r"(remembered), [aborted] "+r"(aborted)
				 : [area] "r"(area)
				 : "memory", "cc");
		if (!aborted)
			work->rounds = work->rounds + 1;
		if (!aborted && remembered != section)
			work->bad = work->bad + 1;
	}
	return 0;
}
#else
static size_t vector_width(void)
{
	return 16;
}

static size_t vector_count(void)
{
	return 32;
}

static void spin_vectors(const uint8_t *in, uint8_t *out)
{
	uint64_t spins = SPIN;

#define LOAD(n) "ldr q" #n ", [%[in], #" #n "*64]\n"
#define STORE(n) "str q" #n ", [%[out], #" #n "*64]\n"
	__asm__ volatile(SIXTEEN(LOAD) SIXTEEN_MORE(
				 LOAD) "1: subs %[spins], %[spins], #1\n b.ne 1b\n" SIXTEEN(STORE)
				 SIXTEEN_MORE(STORE)
			 : [spins] "+r"(spins)
			 : [in] "r"(in), [out] "r"(out)
			 : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8",
			   "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",
			   "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
			   "v29", "v30", "v31");
#undef LOAD
#undef STORE
}

long sur_restartable(struct sur_work *work, int64_t area_offset)
{
	(void)work;
	(void)area_offset;
	return -ENOSYS;
}
#endif

long sur_vectors(struct sur_work *work)
{
	static _Thread_local uint8_t in[VECTORS * VECTOR_BYTES];
	static _Thread_local uint8_t out[VECTORS * VECTOR_BYTES];
	uint64_t seed = 1;

	work->begun = 1;
	while (!work->stop) {
		for (size_t i = 0; i < sizeof(in); i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			in[i] = (uint8_t)(seed >> 56);
		}
		spin_vectors(in, out);
		for (size_t v = 0; v < vector_count(); v++)
			if (memcmp(in + v * VECTOR_BYTES, out + v * VECTOR_BYTES, vector_width()) !=
			    0)
				work->bad = work->bad + 1;
		work->rounds = work->rounds + 1;
	}
	return 0;
}

static _Thread_local struct sur_work *handled_work;

static void spin_in_handler(int number)
{
	struct sur_work *work = handled_work;

	(void)number;
	work->begun = 1;
	while (!work->stop)
		work->rounds = work->rounds + 1;
}

/*
 * Runs in a signal handler on a stack of its own, of the smallest size that the kernel allows and a
 * bit more. Below it: unusable memory if `guarded`, else memory that must not change.
 */
long sur_alternate_stack(struct sur_work *work, long guarded)
{
	size_t size_bytes = getauxval(AT_MINSIGSTKSZ) + ALTERNATE_MORE_BYTES;
	uint8_t *below = mmap(NULL, PAGE_BYTES + size_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = { .sa_handler = spin_in_handler, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_size = size_bytes };

	if (below == MAP_FAILED)
		return -errno;
	stack.ss_sp = below + PAGE_BYTES;
	memset(below, 0x5a, PAGE_BYTES);
	if (guarded)
		mprotect(below, PAGE_BYTES, PROT_NONE);
	if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
		return -errno;
	handled_work = work;
	pthread_kill(pthread_self(), SIGUSR1);
	for (size_t i = 0; !guarded && i < PAGE_BYTES; i++)
		work->bad = work->bad + (below[i] != 0x5a);
	return 0;
}

/* Runs with next to nothing left of its stack, and a guard page behind that. */
__attribute__((noinline)) static void spin_deep(struct sur_work *work, const uint8_t *lowest)
{
	uint8_t here;
	size_t left = (size_t)(&here - lowest);
	volatile uint8_t *filled;

	if (left > DEEP_LEFT_BYTES + 64) {
		filled = __builtin_alloca(left - DEEP_LEFT_BYTES);
		filled[0] = 1;
	}
	work->begun = 1;
	while (!work->stop)
		work->rounds = work->rounds + 1;
}

static void *deep_thread(void *argument)
{
	pthread_attr_t attributes;
	void *lowest;
	size_t size_bytes;

	pthread_getattr_np(pthread_self(), &attributes);
	pthread_attr_getstack(&attributes, &lowest, &size_bytes);
	pthread_attr_destroy(&attributes);
	spin_deep(argument, lowest);
	return NULL;
}

long sur_deep_stack(struct sur_work *work)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int result;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, DEEP_STACK_BYTES);
	result = pthread_create(&thread, &attributes, deep_thread, work);
	pthread_attr_destroy(&attributes);
	if (result == 0)
		result = pthread_join(thread, NULL);
	return -result;
}

static void *short_thread(void *argument)
{
	return argument;
}

/* Threads that come and go all the time. */
long sur_thread_storm(struct sur_work *work)
{
	work->begun = 1;
	while (!work->stop) {
		pthread_t thread;
		void *result;

		if (pthread_create(&thread, NULL, short_thread, work) != 0 ||
		    pthread_join(thread, &result) != 0 || result != work)
			work->bad = work->bad + 1;
		work->rounds = work->rounds + 1;
	}
	return 0;
}

/* A child on our own memory; we stand still until it ends, which it does when `fd` says so. */
long sur_vfork(struct sur_work *work, int fd)
{
	int status;
	pid_t pid;

	work->begun = 1;
	pid = vfork();
	if (pid == 0) {
		char byte;

		_exit(read(fd, &byte, 1) == 1 ? byte : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A tp_traverse that writes into memory which is shared with others. */
static volatile uint64_t *traversed;

void sur_traverse_writes(uint64_t *shared)
{
	traversed = shared;
}

int sur_traverse(void *self, void *visit, void *argument)
{
	(void)self;
	(void)visit;
	(void)argument;
	*traversed = *traversed + 1;
	return 0;
}

/* Python's main thread ends, the others go on. */
void sur_end_thread(void)
{
	pthread_exit(NULL);
}
