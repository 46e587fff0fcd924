/*
 * Looks at links and fdinfo of descriptors.
 */
#include "snapshot/flushed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "snapshot/mounts.h"

/* include/uapi/linux/fcntl.h: what stat() takes, too */
#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

enum {
	/* NR_OPEN_DEFAULT of the kernel: so many are copied even if all are to be closed. */
	FIRST_DESCRIPTORS = 64,
	FDINFO_LIMIT_BYTES = 1 << 20,
};

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

bool pyi_flushed_has_files(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_mounts_deinit) struct pyi_mounts mounts = { 0 };
	bool read = false;

	for (unsigned number = 0; number < FIRST_DESCRIPTORS; number++) {
		unsigned mount_id;

		if (!find_mount(process, number, &mount_id))
			continue;
		/* Ours are among them, for descriptors that it has had since before it got a mount
		   namespace of its own, as those that systemd gives to a service. */
		if (!read)
			pyi_error_destroy(pyi_mounts_read(process, &mounts));
		read = true;
		if (pyi_mounts_is_flushed(&mounts, mount_id))
			return true;
	}
	return false;
}
