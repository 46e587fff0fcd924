/*
 * Looks at links and fdinfo of descriptors, and at mountinfo.
 */
#include "snapshot/flushed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* include/uapi/linux/fcntl.h: what stat() takes, too */
#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

enum {
	/* NR_OPEN_DEFAULT of the kernel: so many are copied even if all are to be closed. */
	FIRST_DESCRIPTORS = 64,
	FDINFO_LIMIT_BYTES = 1 << 20,
	MOUNTINFO_LIMIT_BYTES = 1 << 26,
};

/* Whose files do something when a descriptor is closed (file_operations.flush). */
static const char *const types[] = {
	"fuse", "fuseblk", "virtiofs", "nfs",	   "nfs4",     "cifs",
	"smb3", "afs",	   "coda",     "ecryptfs", "orangefs", "lustre",
};

static bool is_flushed_type(const char *type, size_t length)
{
	/* "fuse.sshfs" */
	if (strncmp(type, "fuse.", 5) == 0)
		return true;
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
		if (strlen(types[t]) == length && memcmp(types[t], type, length) == 0)
			return true;
	return false;
}

bool pyi_flushed_is_mount(const char *mountinfo, unsigned mount_id)
{
	/* "36 35 98:0 /root /place options optional... - type source options" */
	for (const char *line = mountinfo; *line;) {
		const char *end = line + strcspn(line, "\n");
		char *rest;
		unsigned long id = strtoul(line, &rest, 10);

		if (rest != line && id == mount_id) {
			const char *type = strstr(line, " - ");

			return !type || type > end ||
			       is_flushed_type(type + 3, strcspn(type + 3, " \n"));
		}
		line = *end ? end + 1 : end;
	}
	return true;
}

/* True for a file with a name: devices, directories and others have nobody to be told. */
static bool is_file(const struct pyi_process *process, const char *path)
{
	static const char memory_link[] = "/memfd:";
	char link[sizeof(memory_link)];
	struct stat status;
	ssize_t length = readlinkat(process->proc_fd, path, link, sizeof(link) - 1);

	if (length <= 0 || link[0] != '/')
		return false;
	link[length] = '\0';
	/* The kernel knows the type by itself: no file system is asked. */
	return strcmp(link, memory_link) != 0 &&
	       (fstatat(process->proc_fd, path, &status, AT_STATX_DONT_SYNC) != 0 ||
		S_ISREG(status.st_mode));
}

/* The mount of a descriptor that is such a file; false if it is none, or is not there. */
static bool find_mount(const struct pyi_process *process, unsigned number, unsigned *ret_mount_id)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	const char *line;
	char path[32];

	snprintf(path, sizeof(path), "fd/%u", number);
	if (!is_file(process, path))
		return false;
	snprintf(path, sizeof(path), "fdinfo/%u", number);
	error = pyi_process_read_file(process, path, FDINFO_LIMIT_BYTES, &text, NULL);
	line = error ? NULL : strstr(text, "mnt_id:");
	return line && sscanf(line + 7, " %u", ret_mount_id) == 1;
}

/* Texts of mountinfo: of the process, and ours, for descriptors it has had since before it got a
 * mount namespace of its own, as those that systemd gives to a service. */
struct mounts {
	bool known;
	char *theirs;
	char *ours;
};

static void deinit_mounts(struct mounts *mounts)
{
	free(mounts->theirs);
	free(mounts->ours);
}

/* NULL if it cannot be read. */
static char *read_mountinfo(const struct pyi_process *process)
{
	char *text = NULL;

	pyi_error_destroy(
		pyi_process_read_file(process, "mountinfo", MOUNTINFO_LIMIT_BYTES, &text, NULL));
	return text;
}

static void read_mounts(const struct pyi_process *process, struct mounts *ret_mounts)
{
	struct pyi_process self = { .proc_fd = -1 };
	struct pyi_error *error = pyi_process_open(getpid(), &self);

	ret_mounts->known = true;
	ret_mounts->theirs = read_mountinfo(process);
	if (!error)
		ret_mounts->ours = read_mountinfo(&self);
	pyi_error_destroy(error);
	pyi_process_close(&self);
}

/* The number of a mount is the same for all who see it. */
static bool is_flushed(const struct mounts *mounts, unsigned mount_id)
{
	return (!mounts->theirs || pyi_flushed_is_mount(mounts->theirs, mount_id)) &&
	       (!mounts->ours || pyi_flushed_is_mount(mounts->ours, mount_id));
}

bool pyi_flushed_has_files(const struct pyi_process *process)
{
	PYI_CLEANUP(deinit_mounts) struct mounts mounts = { 0 };

	for (unsigned number = 0; number < FIRST_DESCRIPTORS; number++) {
		unsigned mount_id;

		if (!find_mount(process, number, &mount_id))
			continue;
		if (!mounts.known)
			read_mounts(process, &mounts);
		if (is_flushed(&mounts, mount_id))
			return true;
	}
	return false;
}
