/*
 * What a seccomp filter would say to a system call: an interpreter of classic BPF, as the kernel
 * runs it on struct seccomp_data.
 *
 * Pure functions. A filter comes from the target: nothing about it is taken for granted. Does not
 * read filters from a thread: tracee/call_check.h does.
 */
#ifndef PYI_TRACEE_SECCOMP_FILTER_H
#define PYI_TRACEE_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* BPF_MAXINSNS of the kernel */
	PYI_SECCOMP_INSTRUCTION_LIMIT = 4096,
	/* Of the six arguments. */
	PYI_SECCOMP_ALL_KNOWN = 0x3f,
};

/*
 * Whether the kernel would accept this program as a filter: no more than 4096 instructions, only
 * those that seccomp has, all jumps and loads in range, a return at the end.
 */
bool pyi_seccomp_filter_is_valid(const struct sock_filter *code, size_t count);

/*
 * What a valid program returns for a call, an action with its data. `known` has a bit for each
 * argument whose value in `data` is the real one. False if the result depends on another one, or on
 * something that kernels may do differently.
 */
bool pyi_seccomp_filter_run(const struct sock_filter *code, size_t count,
			    const struct seccomp_data *data, unsigned known, uint32_t *ret_value);

/* Of the values that two filters return the one that the kernel acts on. */
uint32_t pyi_seccomp_stronger(uint32_t one, uint32_t other);

/* True if a call with this result is made as if there were no filter. */
bool pyi_seccomp_is_harmless(uint32_t value);

/* What becomes of the call, for messages: "ends the process", for example. */
const char *pyi_seccomp_effect(uint32_t value);

#endif
