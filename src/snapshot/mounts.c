/*
 * Parses lists of mounts into a sorted table of devices. Follows no path.
 */
#include "snapshot/mounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	MOUNTINFO_LIMIT_BYTES = 64 << 20,
};

static int compare(const void *left, const void *right)
{
	const struct pyi_mount_device *a = left;
	const struct pyi_mount_device *b = right;

	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return (int)b->served - (int)a->served;
}

static bool begins(const char *type, const char *word, const char *ends)
{
	size_t length = strlen(word);

	return strncmp(type, word, length) == 0 && strchr(ends, type[length]);
}

static bool is_served(const char *type, bool trust_layers)
{
	if (begins(type, "overlay", " "))
		return !trust_layers;
	return begins(type, "fuse", " .") || begins(type, "fuseblk", " .");
}

struct pyi_error *pyi_mounts_add(const char *text, bool trust_layers, struct pyi_mounts *mounts)
{
	struct pyi_mount_device *devices;
	size_t lines = 0;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	devices = realloc(mounts->devices, (mounts->count + lines + 1) * sizeof(*devices));
	if (!devices)
		return pyi_error_no_memory();
	mounts->devices = devices;
	for (const char *line = text; strchr(line, '\n'); line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');
		/* No other field can be a dash between spaces: they are escaped, or optional ones
		   with a colon. */
		const char *type = strstr(line, " - ");
		uint32_t major;
		uint32_t minor;

		if (!type || type > end ||
		    sscanf(line, "%*u %*u %" SCNu32 ":%" SCNu32 " ", &major, &minor) != 2)
			continue;
		devices[mounts->count++] = (struct pyi_mount_device){
			.major = major,
			.minor = minor,
			.served = is_served(type + strlen(" - "), trust_layers),
		};
	}
	qsort(devices, mounts->count, sizeof(*devices), compare);
	return NULL;
}

/* Whether both are in one user namespace: what is mounted there was mounted with its rights. */
static bool shares_user_namespace(const struct pyi_process *process)
{
	struct stat ours;
	struct stat theirs;

	return stat("/proc/self/ns/user", &ours) == 0 &&
	       fstatat(process->proc_fd, "ns/user", &theirs, 0) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static struct pyi_error *add_process(const struct pyi_process *process, bool trust_layers,
				     struct pyi_mounts *mounts)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct pyi_error *error =
		pyi_process_read_file(process, "mountinfo", MOUNTINFO_LIMIT_BYTES, &text, NULL);

	return error ? error : pyi_mounts_add(text, trust_layers, mounts);
}

struct pyi_error *pyi_mounts_read(const struct pyi_process *process, struct pyi_mounts *ret_mounts)
{
	struct pyi_mounts mounts = { 0 };
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_error *error = pyi_process_open(getpid(), &self);

	if (!error)
		error = add_process(&self, true, &mounts);
	pyi_process_close(&self);
	if (!error)
		error = add_process(process, shares_user_namespace(process), &mounts);
	if (error) {
		pyi_mounts_deinit(&mounts);
		return error;
	}
	*ret_mounts = mounts;
	return NULL;
}

bool pyi_mounts_is_kept_by_kernel(const struct pyi_mounts *mounts, const struct pyi_map *map)
{
	size_t low = 0;
	size_t high = mounts->count;
	const struct pyi_mount_device wanted = { map->device_major, map->device_minor, true };

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&mounts->devices[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == mounts->count || mounts->devices[low].major != wanted.major ||
	    mounts->devices[low].minor != wanted.minor)
		return map->device_major != 0;
	return !mounts->devices[low].served;
}

void pyi_mounts_deinit(struct pyi_mounts *mounts)
{
	free(mounts->devices);
	*mounts = (struct pyi_mounts){ 0 };
}
