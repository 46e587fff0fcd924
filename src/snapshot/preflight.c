/*
 * The checks before a snapshot. Does not look at Python.
 */
#include "snapshot/preflight.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "base/small_file.h"
#include "process/access.h"
#include "snapshot/child_namespace.h"
#include "snapshot/group.h"
#include "snapshot/huge_pages.h"
#include "snapshot/kernel.h"

enum {
	/* include/uapi/linux/userfaultfd.h: UFFD_FEATURE_EVENT_FORK */
	USERFAULT_EVENT_FORK = 1 << 1,
	SMALL_FILE_LIMIT = 1 << 20,
	SMAPS_LIMIT_BYTES = 1 << 30,
	GIGABYTE = 1 << 30,
	/* A GB in pages of 4 KB. */
	PAGES_OF_MEASUREMENT = 1 << 18,
	MEGABYTE = 1 << 20,
	/* Of page tables for each page: twice the word that it takes. */
	TABLE_WORD_BYTES = 2 * 8,
	TABLE_BASE_BYTES = 8 << 20,
	/* Room beside the page tables: marks, stack and buffers of the payload, and the target's
	   first writes. */
	HEADROOM_BASE_BYTES = 48 << 20,
};

double pyi_preflight_estimate_pause(uint64_t anonymous_bytes, uint64_t huge_bytes,
				    uint64_t page_bytes)
{
	uint64_t small_bytes = anonymous_bytes > huge_bytes ? anonymous_bytes - huge_bytes : 0;

	return 0.4 + 20.0 / PAGES_OF_MEASUREMENT * (double)small_bytes / (double)page_bytes +
	       0.4 * (double)huge_bytes / GIGABYTE;
}

/*
 * Page tables of few pages each are copied all the same: 0.5 ms for a MB of them. Those of dense
 * memory, a word for each page, are in the estimate for that.
 */
static double estimate_tables(const struct pyi_process_status *status)
{
	uint64_t dense_bytes =
		status->rss_bytes / pyi_page_bytes() * TABLE_WORD_BYTES + TABLE_BASE_BYTES;

	return status->page_table_bytes > dense_bytes
		       ? 0.5 * (double)(status->page_table_bytes - dense_bytes) / MEGABYTE
		       : 0;
}

static double estimate_pages(const struct pyi_process_status *status, uint64_t huge_bytes)
{
	return pyi_preflight_estimate_pause(status->anonymous_bytes, huge_bytes, pyi_page_bytes());
}

double pyi_preflight_estimate_mirror(uint64_t anonymous_bytes)
{
	return 2.0 + 250.0 * (double)anonymous_bytes / GIGABYTE;
}

static uint64_t read_kb(const char *text, const char *key)
{
	const char *line = strstr(text, key);
	uint64_t kb;

	return line && sscanf(line + strlen(key), " %" SCNu64, &kb) == 1 ? kb * 1024 : 0;
}

/* Huge pages of the target; 0 where the kernel has no smaps_rollup (before 4.14) or refuses. */
static uint64_t read_huge_bytes(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;

	error = pyi_process_read_file(process, "smaps_rollup", SMALL_FILE_LIMIT, &text, NULL);
	return error ? 0 : read_kb(text, "AnonHugePages:");
}

static struct pyi_error *check_pause(const struct pyi_process *process,
				     const struct pyi_process_status *status, double max_pause_ms,
				     double *ret_estimate)
{
	double tables = estimate_tables(status);
	double estimate = estimate_pages(status, 0) + tables;

	/* smaps_rollup makes the kernel walk all page tables: only when it can change the answer.
	 */
	if (estimate > max_pause_ms)
		estimate = estimate_pages(status, read_huge_bytes(process)) + tables;
	*ret_estimate = estimate;
	if (estimate <= max_pause_ms)
		return NULL;
	return pyi_error_hint(
		pyi_error_create(
			PYI_EXIT_FAILED, PYI_ERROR_PAUSE_TOO_LONG,
			"a snapshot would stop process %d for about %.0f ms, more than the "
			"%.0f ms that are allowed",
			process->pid, estimate, max_pause_ms),
		"allow it with --max-pause %.0f", estimate * 1.5 + 1);
}

/* A userfaultfd that wants to hear of forks blocks clone() until its monitor answers. */
static bool has_fork_monitor(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	struct dirent *entry;
	bool found = false;
	DIR *directory;
	int fd;

	error = pyi_process_open_file(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, &fd);
	if (error)
		return false;
	directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return false;
	}
	while (!found && (entry = readdir(directory))) {
		PYI_CLEANUP(pyi_guard_free) char *text = NULL;
		struct pyi_error *unreadable;
		unsigned version;
		uint64_t features;
		const char *line;
		char link[64];
		char path[300];
		ssize_t length = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);

		link[length > 0 ? length : 0] = '\0';
		if (strcmp(link, "anon_inode:[userfaultfd]") != 0)
			continue;
		snprintf(path, sizeof(path), "fdinfo/%s", entry->d_name);
		unreadable = pyi_process_read_file(process, path, SMALL_FILE_LIMIT, &text, NULL);
		if (unreadable) {
			pyi_error_destroy(unreadable);
			continue;
		}
		/* "API:\t<version>:<features>:<all features>", hexadecimal */
		line = strstr(text, "API:");
		found = line && sscanf(line + 4, " %x:%" SCNx64, &version, &features) == 2 &&
			features & USERFAULT_EVENT_FORK;
	}
	closedir(directory);
	return found;
}

/* Twice the page tables, the payload's marks (1/128 of the heap at most), and a base. */
static uint64_t snapshot_bytes(const struct pyi_process_status *status)
{
	return 2 * status->page_table_bytes + status->anonymous_bytes / 128 + HEADROOM_BASE_BYTES;
}

/* What is copied into a mirror, at most. */
static uint64_t mirror_bytes(const struct pyi_process_status *status)
{
	return status->rss_bytes + status->huge_pool_bytes;
}

/* A mirror is a process of ours, and counts where we do. */
static struct pyi_error *check_own_group(const struct pyi_process *process, uint64_t need_bytes)
{
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_error *error = pyi_process_open(getpid(), &self);
	struct pyi_group group;

	if (error)
		return error;
	pyi_group_look(&self, &group);
	pyi_process_close(&self);
	if (group.memory_bytes >= need_bytes)
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MEMORY_SHORT,
				 "a copy of process %d needs about %" PRIu64
				 " MB, and the control group (cgroup) of pyinspect has %" PRIu64
				 " MB left",
				 process->pid, need_bytes >> 20, group.memory_bytes >> 20),
		"run pyinspect outside of that group");
}

/* What is cloned is in the target's control groups, too. */
static struct pyi_error *check_group(const struct pyi_process *process,
				     const struct pyi_process_status *status)
{
	uint64_t need_bytes = snapshot_bytes(status);
	struct pyi_group group;

	pyi_group_look(process, &group);
	if (group.frozen)
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_FROZEN,
					 "process %d is frozen by its control group (cgroup): no "
					 "call can be run in it",
					 process->pid),
			"thaw the group first, or copy the memory: --source mirror");
	if (group.full)
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_CLONE_REFUSED,
					 "process %d cannot be cloned: its control "
					 "group (cgroup) has all the processes it may",
					 process->pid),
			"allow it more (pids.max), or copy the memory: "
			"--source mirror");
	/* Not even what the target writes meanwhile may then lead to an OOM kill. */
	if (group.dies_together)
		need_bytes += status->anonymous_bytes;
	if (group.memory_bytes >= need_bytes)
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_CGROUP_MEMORY,
				 "a snapshot of process %d may need %" PRIu64
				 " MB, and its control group (cgroup) has %" PRIu64 " MB left",
				 process->pid, need_bytes >> 20, group.memory_bytes >> 20),
		"allow it more (memory.max), or copy the memory: --source mirror");
}

/*
 * The target's first write to one of them while the snapshot lives takes another page from the
 * pool. If there is none, that is SIGBUS for the target, unless it has reserved them itself; and
 * whether there will be one, nobody can promise.
 */
static struct pyi_error *check_huge_pages(const struct pyi_process *process,
					  const struct pyi_process_status *status)
{
	PYI_CLEANUP(pyi_guard_free) char *smaps = NULL;
	struct pyi_error *error;

	if (!status->huge_pool_bytes)
		return NULL;
	error = pyi_process_read_file(process, "smaps", SMAPS_LIMIT_BYTES, &smaps, NULL);
	if (error)
		return error;
	if (!pyi_huge_pages_are_private(smaps))
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_HUGE_PAGES,
				 "process %d has private memory in huge pages (hugetlb): after a "
				 "clone, a write to them could end it with SIGBUS",
				 process->pid),
		"copy the memory: --source mirror");
}

static struct pyi_error *check_memory(const struct pyi_process *process,
				      const struct pyi_process_status *status,
				      enum pyi_source_kind source)
{
	uint64_t need = snapshot_bytes(status);
	uint64_t copy = source == PYI_SOURCE_MIRROR ? mirror_bytes(status) : 0;
	char text[4096];
	uint64_t available;

	pyi_small_file_read(AT_FDCWD, "/proc/meminfo", text, sizeof(text));
	available = read_kb(text, "MemAvailable:");
	need += copy;
	if (!available || available >= need)
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MEMORY_SHORT,
				 "a snapshot of process %d needs about %" PRIu64
				 " MB, and the machine has %" PRIu64 " MB left",
				 process->pid, need >> 20, available >> 20),
		"free some memory first: a snapshot must not bring the OOM killer in");
}

/*
 * A filter might kill the target for a call that is run in it. What it says can only be read by
 * some, and only from a thread that stands still: see tracee/call_check.h.
 */
static struct pyi_error *check_seccomp(const struct pyi_process *process,
				       const struct pyi_process_status *status)
{
	struct pyi_process_status own_status;
	struct pyi_error *error;

	if (!status->seccomp_mode)
		return NULL;
	if (status->seccomp_mode != SECCOMP_MODE_FILTER)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_SECCOMP,
						       "process %d may only read, write and end "
						       "(SECCOMP_MODE_STRICT)",
						       process->pid),
				      "copy the memory: --source mirror");
	error = pyi_process_peek_status(getpid(), &own_status);
	if (error)
		return error;
	if (!own_status.seccomp_mode &&
	    own_status.capabilities_effective & UINT64_C(1) << CAP_SYS_ADMIN)
		return NULL;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_SECCOMP,
				 "process %d runs under a seccomp filter, which might kill it for "
				 "a clone, and which pyinspect cannot read: %s",
				 process->pid,
				 own_status.seccomp_mode ? "it runs under one itself"
							 : "it has no CAP_SYS_ADMIN"),
		"run pyinspect with CAP_SYS_ADMIN, and under no such filter itself; or copy the "
		"memory: --source mirror");
}

/* What forbids to run anything in the target. */
static struct pyi_error *check_injection(const struct pyi_process *process,
					 const struct pyi_process_status *status)
{
	if (status->shadow_stack)
		return pyi_error_create(
			PYI_EXIT_FAILED, PYI_ERROR_SHADOW_STACK,
			"process %d uses a hardware shadow stack, which an injected "
			"call cannot yet leave safely",
			process->pid);
	if (has_fork_monitor(process))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_USERFAULTFD,
					"process %d has a userfaultfd that monitors forks: a clone "
					"could block it for ever",
					process->pid);
	if (pyi_child_namespace_is_another(process))
		return pyi_error_hint(
			pyi_error_create(
				PYI_EXIT_FAILED, PYI_ERROR_PID_NAMESPACE,
				"process %d makes its children in another pid namespace "
				"(unshare or setns with CLONE_NEWPID): a clone could "
				"become process 1 there, and its end that of the namespace",
				process->pid),
			"copy the memory: --source mirror");
	return check_seccomp(process, status);
}

static double estimate_mirror(const struct pyi_process_status *status)
{
	return pyi_preflight_estimate_mirror(status->anonymous_bytes + status->huge_pool_bytes);
}

static struct pyi_error *check_mirror(const struct pyi_process *process,
				      const struct pyi_process_status *status, double max_pause_ms,
				      struct pyi_preflight *ret_preflight)
{
	struct pyi_preflight preflight = {
		.estimated_pause_ms = estimate_mirror(status),
		.source = PYI_SOURCE_MIRROR,
	};
	struct pyi_error *error;

	if (preflight.estimated_pause_ms > max_pause_ms)
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAUSE_TOO_LONG,
					 "to copy its memory would stop process %d for about %.0f "
					 "ms, more than the %.0f ms that are allowed",
					 process->pid, preflight.estimated_pause_ms, max_pause_ms),
			"allow it with --source mirror --max-pause %.0f",
			preflight.estimated_pause_ms * 1.5 + 1);
	error = check_memory(process, status, PYI_SOURCE_MIRROR);
	if (!error)
		error = check_own_group(process, mirror_bytes(status) + HEADROOM_BASE_BYTES);
	if (!error)
		*ret_preflight = preflight;
	return error;
}

static struct pyi_error *check_clone(const struct pyi_process *process,
				     const struct pyi_process_status *status, double max_pause_ms,
				     struct pyi_preflight *ret_preflight)
{
	struct pyi_preflight preflight = { .source = PYI_SOURCE_CLONE };
	struct pyi_error *error;

	error = check_injection(process, status);
	if (!error)
		error = check_group(process, status);
	if (!error)
		error = check_huge_pages(process, status);
	if (!error)
		error = check_memory(process, status, PYI_SOURCE_CLONE);
	if (!error)
		error = check_pause(process, status, max_pause_ms, &preflight.estimated_pause_ms);
	if (!error)
		*ret_preflight = preflight;
	return error;
}

/* What can differ from thread to thread, and counts if it is so for one. */
static struct pyi_error *add_threads(const struct pyi_process *process,
				     struct pyi_process_status *status)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *tids = NULL;
	struct pyi_error *error;
	size_t count;

	error = pyi_process_list_threads(process, &tids, &count);
	if (error)
		return error;
	for (size_t t = 0; t < count; t++) {
		struct pyi_process_status thread;

		error = pyi_process_read_status(process, tids[t], &thread);
		if (error) {
			/* It has ended. */
			pyi_error_destroy(error);
			continue;
		}
		if (!status->tracer_pid)
			status->tracer_pid = thread.tracer_pid;
		if (!status->seccomp_mode)
			status->seccomp_mode = thread.seccomp_mode;
		status->shadow_stack |= thread.shadow_stack;
	}
	return NULL;
}

struct pyi_error *pyi_preflight_check(const struct pyi_process *process,
				      enum pyi_source_kind source, double max_pause_ms,
				      struct pyi_preflight *ret_preflight)
{
	struct pyi_process_status status;
	struct pyi_error *mirror_error;
	struct pyi_error *error;

	if (process->pid == getpid())
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_OWN_PROCESS,
					"process %d is pyinspect itself", process->pid);
	error = pyi_kernel_check();
	if (!error)
		error = pyi_process_read_status(process, 0, &status);
	if (!error)
		error = add_threads(process, &status);
	if (error)
		return error;
	if (status.tracer_pid)
		return pyi_access_explain(process, EPERM);
	if (source == PYI_SOURCE_MIRROR)
		return check_mirror(process, &status, max_pause_ms, ret_preflight);
	error = check_clone(process, &status, max_pause_ms, ret_preflight);
	if (!error || source == PYI_SOURCE_CLONE || !pyi_error_has(error, PYI_ERROR_ABOUT_CLONE))
		return error;
	mirror_error = check_mirror(process, &status, max_pause_ms, ret_preflight);
	if (!mirror_error) {
		pyi_error_destroy(error);
		return NULL;
	}
	pyi_error_destroy(mirror_error);
	return pyi_error_hint(error,
			      "it can be copied without running anything in it, which stops "
			      "it for about %.0f ms: --source mirror --max-pause %.0f",
			      estimate_mirror(&status), estimate_mirror(&status) * 1.5 + 1);
}
