/*
 * Asks the kernel for a thread's rseq area and reads the critical section it names. Changes
 * nothing.
 */
#include "tracee/rseq.h"

#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#include "tracee/live_memory.h"

/* include/uapi/linux/ptrace.h, Linux 5.13 */
#define GET_RSEQ_CONFIGURATION 0x420f

struct rseq_configuration {
	uint64_t area_addr;
	uint32_t area_size;
	uint32_t signature;
	uint32_t flags;
	uint32_t padding;
};

/* struct rseq_cs of include/uapi/linux/rseq.h */
struct critical_section {
	uint32_t version;
	uint32_t flags;
	uint64_t start_addr;
	uint64_t post_commit_offset;
	uint64_t abort_addr;
};

enum {
	/* struct rseq: cpu_id_start, cpu_id, then the pointer to the critical section. */
	SECTION_POINTER_OFFSET = 8,
	/* RSEQ_FLAG_UNREGISTER */
	UNREGISTER_FLAG = 1,
	/* The first struct rseq; the C library never registers less. */
	FIRST_AREA_BYTES = 32,
};

static bool read_thread(pid_t tid, uint64_t addr, void *ret_bytes, size_t size_bytes)
{
	struct iovec local = { ret_bytes, size_bytes };
	struct iovec remote = { (void *)(uintptr_t)addr, size_bytes };

	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)size_bytes;
}

static bool read_configuration(pid_t tid, struct rseq_configuration *ret_configuration)
{
	*ret_configuration = (struct rseq_configuration){ 0 };
	return ptrace(GET_RSEQ_CONFIGURATION, tid, (void *)sizeof(*ret_configuration),
		      ret_configuration) >= 0 &&
	       ret_configuration->area_addr;
}

bool pyi_rseq_unregister_arguments(pid_t tid, uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS])
{
	struct rseq_configuration configuration;

	if (!read_configuration(tid, &configuration))
		return false;
	memset(ret_arguments, 0, PYI_SYSCALL_ARGUMENTS * sizeof(ret_arguments[0]));
	ret_arguments[0] = configuration.area_addr;
	ret_arguments[1] = configuration.area_size;
	ret_arguments[2] = UNREGISTER_FLAG;
	ret_arguments[3] = configuration.signature;
	return true;
}

bool pyi_rseq_own_unregister_arguments(uint64_t ret_arguments[PYI_SYSCALL_ARGUMENTS])
{
	memset(ret_arguments, 0, PYI_SYSCALL_ARGUMENTS * sizeof(ret_arguments[0]));
	/* glibc 2.35 and later; no other C library registers one. */
#ifdef RSEQ_SIG
	ret_arguments[0] = (uintptr_t)__builtin_thread_pointer() + (uintptr_t)__rseq_offset;
	ret_arguments[1] = __rseq_size > FIRST_AREA_BYTES ? __rseq_size : FIRST_AREA_BYTES;
	ret_arguments[2] = UNREGISTER_FLAG;
	ret_arguments[3] = RSEQ_SIG;
	return __rseq_size != 0;
#else
	return false;
#endif
}

enum pyi_rseq_place pyi_rseq_find(pid_t tid, uint64_t pc, uint64_t *ret_abort_addr)
{
	struct rseq_configuration configuration;
	struct critical_section section;
	uint64_t pointer_addr;
	uint64_t section_addr;

	if (!read_configuration(tid, &configuration))
		return PYI_RSEQ_OUTSIDE;
	pointer_addr = configuration.area_addr + SECTION_POINTER_OFFSET;
	if (!pyi_live_memory_is_present(tid, pointer_addr, sizeof(section_addr)))
		return PYI_RSEQ_UNKNOWN;
	if (!read_thread(tid, pointer_addr, &section_addr, sizeof(section_addr)) || !section_addr)
		return PYI_RSEQ_OUTSIDE;
	if (!pyi_live_memory_is_present(tid, section_addr, sizeof(section)))
		return PYI_RSEQ_UNKNOWN;
	if (!read_thread(tid, section_addr, &section, sizeof(section)) ||
	    pc - section.start_addr >= section.post_commit_offset)
		return PYI_RSEQ_OUTSIDE;
	*ret_abort_addr = section.abort_addr;
	return PYI_RSEQ_INSIDE;
}
