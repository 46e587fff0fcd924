/*
 * Rights are taken away with plain system calls, so that no library has to be trusted. What the
 * kernel may not have is tried, never concluded from its version.
 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

/* Linux 5.9 and 5.13; the same on all machines. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "halves of arguments in filters");

enum {
	/* More than the kernel has: it refuses the first that it does not know. */
	CAPABILITY_LIMIT = 64,
	GROUP_LIMIT = 65536,
	DIRECTORY_BYTES = 4096,
	/* struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name */
	ENTRY_SIZE_OFFSET = 16,
	ENTRY_NAME_OFFSET = 19,

	LANDLOCK_VERSION_FLAG = 1,
	LANDLOCK_VERSION_KNOWN = 6,

	FILTER_HEAD = 3,
	FILTER_TAIL = 1,
	FILTER_CALL = 3,
	FILTER_CONDITION = 6,
	FILTER_LIMIT =
		FILTER_HEAD + FILTER_TAIL +
		PYI_CONFINE_CALLS * (FILTER_CALL + PYI_CONFINE_CONDITIONS * FILTER_CONDITION),
};

static bool is_kept(const int *kept_fds, size_t count, long fd)
{
	for (size_t k = 0; k < count; k++)
		if (kept_fds[k] == fd)
			return true;
	return false;
}

/* Closes what a directory of descriptors lists; false if that cannot be read. */
static bool close_listed(int directory_fd, const int *kept_fds, size_t count)
{
	uint8_t entries[DIRECTORY_BYTES] __attribute__((aligned(8)));
	bool closed;

	do {
		long got;

		closed = false;
		if (lseek(directory_fd, 0, SEEK_SET) != 0)
			return false;
		while ((got = syscall(SYS_getdents64, directory_fd, entries, sizeof(entries))) >
		       0) {
			for (long at = 0; at < got;) {
				const char *name = (const char *)entries + at + ENTRY_NAME_OFFSET;
				char *end;
				long fd = strtol(name, &end, 10);

				at += *(const uint16_t *)(const void *)(entries + at +
									ENTRY_SIZE_OFFSET);
				if (*end || end == name || fd == directory_fd ||
				    is_kept(kept_fds, count, fd))
					continue;
				close((int)fd);
				closed = true;
			}
		}
		if (got < 0)
			return false;
	} while (closed);
	return true;
}

/* The least that is kept of those from `from` on; -1: none. */
static int next_kept(const int *kept_fds, size_t count, int from)
{
	int least = -1;

	for (size_t k = 0; k < count; k++)
		if (kept_fds[k] >= from && (least < 0 || kept_fds[k] < least))
			least = kept_fds[k];
	return least;
}

/* Closes what lies between those that are kept; false where the kernel cannot. */
static bool close_ranges(const int *kept_fds, size_t count)
{
	int from = 0;
	int kept;

	while ((kept = next_kept(kept_fds, count, from)) >= 0) {
		if (kept > from &&
		    syscall(SYS_close_range, (unsigned)from, (unsigned)kept - 1, 0U) != 0)
			return false;
		from = kept + 1;
	}
	return syscall(SYS_close_range, (unsigned)from, UINT32_MAX, 0U) == 0;
}

bool pyi_confine_close_files(const int *kept_fds, size_t count)
{
	int directory_fd;
	bool done;

	if (close_ranges(kept_fds, count))
		return true;
	directory_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return false;
	done = close_listed(directory_fd, kept_fds, count);
	return close(directory_fd) == 0 && done;
}

bool pyi_confine_empty_root(void)
{
	/* Without descriptors there is nothing in it, and nobody can make anything there. */
	return chroot("/proc/self/fdinfo") == 0 && chdir("/") == 0;
}

bool pyi_confine_no_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0;
}

bool pyi_confine_landlock(void)
{
	/* All that is known of files, of ports, and of other processes, in each version. */
	static const struct {
		uint64_t files;
		uint64_t ports;
		uint64_t scopes;
	} rights[LANDLOCK_VERSION_KNOWN] = {
		{ 0x1fff, 0, 0 }, { 0x3fff, 0, 0 }, { 0x7fff, 0, 0 },
		{ 0x7fff, 3, 0 }, { 0xffff, 3, 0 }, { 0xffff, 3, 3 },
	};
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0UL, LANDLOCK_VERSION_FLAG);
	long fd;
	bool done;

	if (version < 1)
		return false;
	if (version > LANDLOCK_VERSION_KNOWN)
		version = LANDLOCK_VERSION_KNOWN;
	fd = syscall(SYS_landlock_create_ruleset, &rights[version - 1], sizeof(rights[0]), 0);
	if (fd < 0)
		return false;
	done = syscall(SYS_landlock_restrict_self, (int)fd, 0) == 0;
	return close((int)fd) == 0 && done;
}

void pyi_confine_bound_capabilities(void)
{
	prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
	/* Not SECBIT_NO_SETUID_FIXUP: that a change of users takes capabilities is wanted. */
	prctl(PR_SET_SECUREBITS,
	      (unsigned long)(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
			      SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
			      SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED),
	      0UL, 0UL, 0UL);
	for (unsigned long capability = 0; capability < CAPABILITY_LIMIT; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) != 0)
			break;
}

static bool is_group_of(const struct pyi_confine_owner *owner, gid_t group)
{
	if (group == owner->real_gid || group == owner->effective_gid || group == owner->saved_gid)
		return true;
	for (size_t g = 0; g < owner->group_count; g++)
		if (owner->groups[g] == group)
			return true;
	return false;
}

/* Whether this process is in no supplementary group that the owner is not in. */
static bool has_no_other_group(const struct pyi_confine_owner *owner)
{
	static gid_t own[GROUP_LIMIT];
	int count = getgroups(GROUP_LIMIT, own);

	for (int g = 0; g < count; g++)
		if (!is_group_of(owner, own[g]))
			return false;
	return count >= 0;
}

static bool has_become(const struct pyi_confine_owner *owner)
{
	uid_t uids[3];
	gid_t gids[3];

	return getresgid(&gids[0], &gids[1], &gids[2]) == 0 &&
	       getresuid(&uids[0], &uids[1], &uids[2]) == 0 && gids[0] == owner->real_gid &&
	       gids[1] == owner->effective_gid && gids[2] == owner->saved_gid &&
	       uids[0] == owner->real_uid && uids[1] == owner->effective_uid &&
	       uids[2] == owner->saved_uid;
}

bool pyi_confine_become(const struct pyi_confine_owner *owner)
{
	/* The calls themselves: the library's would do it for threads that are not there. */
	bool grouped = syscall(SYS_setgroups, owner->group_count, owner->groups) == 0 ||
		       has_no_other_group(owner);

	if (!grouped) {
		errno = EPERM;
		return false;
	}
	/* A filter of our own may forbid these, and nobody needs them then. */
	if (has_become(owner))
		return true;
	if (syscall(SYS_setresgid, owner->real_gid, owner->effective_gid, owner->saved_gid) != 0 ||
	    syscall(SYS_setresuid, owner->real_uid, owner->effective_uid, owner->saved_uid) != 0)
		return false;
	errno = EPERM;
	return has_become(owner);
}

void pyi_confine_end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(PYI_EXIT_FAILED);
}

/* False with errno. */
static bool get_capabilities(struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, sets) == 0;
}

bool pyi_confine_has_capability(unsigned capability)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return get_capabilities(sets) &&
	       sets[capability / 32].effective & UINT32_C(1) << capability % 32;
}

/* False with errno if there are any, or that cannot be known. */
static bool has_no_capabilities(void)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (!get_capabilities(sets))
		return false;
	errno = EPERM;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (sets[i].effective || sets[i].permitted || sets[i].inheritable)
			return false;
	return true;
}

bool pyi_confine_drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (has_no_capabilities())
		return true;
	return syscall(SYS_capset, &header, sets) == 0 && has_no_capabilities();
}

bool pyi_confine_limit(int resource, uint64_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) != 0)
		return false;
	/* Who started us may allow less. */
	if (value > limit.rlim_max)
		value = limit.rlim_max;
	limit.rlim_cur = value < limit.rlim_cur ? value : limit.rlim_cur;
	limit.rlim_max = value;
	return setrlimit(resource, &limit) == 0;
}

static void add(struct sock_filter *filter, unsigned short *length, uint16_t code, uint32_t value,
		size_t skipped_if_not)
{
	filter[(*length)++] = (struct sock_filter){ code, 0, (uint8_t)skipped_if_not, value };
}

/* Half of an argument is compared; if it differs, the rest of the rule is skipped. */
static void add_half(struct sock_filter *filter, unsigned short *length, size_t offset,
		     uint32_t mask, uint32_t value, size_t end)
{
	add(filter, length, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0);
	add(filter, length, BPF_ALU | BPF_AND | BPF_K, mask, 0);
	add(filter, length, BPF_JMP | BPF_JEQ | BPF_K, value, end - *length - 1);
}

static void add_call(struct sock_filter *filter, unsigned short *length,
		     const struct pyi_confine_call *call)
{
	size_t end = *length + FILTER_CALL + (size_t)call->condition_count * FILTER_CONDITION;

	add(filter, length, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0);
	add(filter, length, BPF_JMP | BPF_JEQ | BPF_K, call->number, end - *length - 1);
	for (unsigned c = 0; c < call->condition_count; c++) {
		const struct pyi_confine_condition *condition = &call->conditions[c];
		size_t offset = offsetof(struct seccomp_data, args) +
				condition->argument * sizeof(uint64_t);

		add_half(filter, length, offset, (uint32_t)condition->mask,
			 (uint32_t)condition->value, end);
		add_half(filter, length, offset + sizeof(uint32_t),
			 (uint32_t)(condition->mask >> 32), (uint32_t)(condition->value >> 32),
			 end);
	}
	add(filter, length, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);
}

bool pyi_confine_system_calls(uint32_t machine, const struct pyi_confine_call *calls, size_t count,
			      int error_number)
{
	uint32_t otherwise = error_number ? SECCOMP_RET_ERRNO | (uint32_t)error_number
					  : SECCOMP_RET_KILL_PROCESS;
	struct sock_filter filter[FILTER_LIMIT];
	struct sock_fprog program = { .filter = filter };

	if (count > PYI_CONFINE_CALLS) {
		errno = E2BIG;
		return false;
	}
	add(filter, &program.len, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0);
	filter[program.len++] = (struct sock_filter){ BPF_JMP | BPF_JEQ | BPF_K, 1, 0, machine };
	add(filter, &program.len, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0);
	for (size_t c = 0; c < count; c++) {
		if (calls[c].condition_count > PYI_CONFINE_CONDITIONS) {
			errno = E2BIG;
			return false;
		}
		add_call(filter, &program.len, &calls[c]);
	}
	add(filter, &program.len, BPF_RET | BPF_K, otherwise, 0);
	return prctl(PR_SET_SECCOMP, (unsigned long)SECCOMP_MODE_FILTER, &program, 0UL, 0UL) == 0;
}
