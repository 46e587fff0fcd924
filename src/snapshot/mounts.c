/*
 * Parses lists of mounts into a table sorted by device. Follows no path.
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

/* Whose files do something when a descriptor is closed (file_operations.flush). */
static const char *const flushed_types[] = {
	"fuse", "fuseblk", "virtiofs", "nfs",	   "nfs4",     "cifs",
	"smb3", "afs",	   "coda",     "ecryptfs", "orangefs", "lustre",
};

static int compare(const void *left, const void *right)
{
	const struct pyi_mount *a = left;
	const struct pyi_mount *b = right;

	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return (int)b->served - (int)a->served;
}

/* Also "fuse.sshfs" is FUSE. */
static bool is_type(const char *type, const char *word)
{
	size_t length = strlen(word);

	return strncmp(type, word, length) == 0 && strchr(" .\n", type[length]);
}

static bool is_served(const char *type, bool trust_layers)
{
	if (is_type(type, "overlay"))
		return !trust_layers;
	return is_type(type, "fuse") || is_type(type, "fuseblk");
}

static bool is_flushed(const char *type)
{
	for (size_t t = 0; t < sizeof(flushed_types) / sizeof(flushed_types[0]); t++)
		if (is_type(type, flushed_types[t]))
			return true;
	return false;
}

struct pyi_error *pyi_mounts_add(const char *text, bool trust_layers, struct pyi_mounts *mounts)
{
	struct pyi_mount *items;
	size_t lines = 0;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	items = realloc(mounts->items, (mounts->count + lines + 1) * sizeof(*items));
	if (!items)
		return pyi_error_no_memory();
	mounts->items = items;
	for (const char *line = text; strchr(line, '\n'); line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');
		/* No other field can be a dash between spaces: they are escaped, or optional ones
		   with a colon. */
		const char *type = strstr(line, " - ");
		struct pyi_mount mount;

		if (!type || type > end ||
		    sscanf(line, "%" SCNu32 " %*u %" SCNu32 ":%" SCNu32 " ", &mount.id,
			   &mount.major, &mount.minor) != 3)
			continue;
		mount.served = is_served(type + strlen(" - "), trust_layers);
		mount.flushed = is_flushed(type + strlen(" - "));
		items[mounts->count++] = mount;
	}
	qsort(items, mounts->count, sizeof(*items), compare);
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
	const struct pyi_mount wanted = {
		.major = map->device_major,
		.minor = map->device_minor,
		.served = true,
	};

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&mounts->items[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == mounts->count || mounts->items[low].major != wanted.major ||
	    mounts->items[low].minor != wanted.minor)
		return map->device_major != 0;
	return !mounts->items[low].served;
}

bool pyi_mounts_is_flushed(const struct pyi_mounts *mounts, uint32_t id)
{
	for (size_t m = 0; m < mounts->count; m++)
		if (mounts->items[m].id == id && !mounts->items[m].flushed)
			return false;
	return true;
}

void pyi_mounts_deinit(struct pyi_mounts *mounts)
{
	free(mounts->items);
	*mounts = (struct pyi_mounts){ 0 };
}
