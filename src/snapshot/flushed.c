/*
 * Looks at links and fdinfo of descriptors, and at mountinfo.
 */
#include "snapshot/flushed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

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

/* The mount of a descriptor that is a file with a name; false if it is none, or is not there. */
static bool find_mount(const struct pyi_process *process, unsigned number, unsigned *ret_mount_id)
{
	static const char memory_link[] = "/memfd:";
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	char link[sizeof(memory_link)];
	const char *line;
	char path[32];
	ssize_t length;

	snprintf(path, sizeof(path), "fd/%u", number);
	length = readlinkat(process->proc_fd, path, link, sizeof(link) - 1);
	if (length <= 0 || link[0] != '/')
		return false;
	link[length] = '\0';
	if (strcmp(link, memory_link) == 0)
		return false;
	snprintf(path, sizeof(path), "fdinfo/%u", number);
	error = pyi_process_read_file(process, path, FDINFO_LIMIT_BYTES, &text, NULL);
	line = error ? NULL : strstr(text, "mnt_id:");
	return line && sscanf(line + 7, " %u", ret_mount_id) == 1;
}

bool pyi_flushed_has_files(const struct pyi_process *process)
{
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) char *mountinfo = NULL;

	for (unsigned number = 0; number < FIRST_DESCRIPTORS; number++) {
		unsigned mount_id;

		if (!find_mount(process, number, &mount_id))
			continue;
		if (!mountinfo)
			error = pyi_process_read_file(process, "mountinfo", MOUNTINFO_LIMIT_BYTES,
						      &mountinfo, NULL);
		if (error || pyi_flushed_is_mount(mountinfo, mount_id))
			return true;
	}
	return false;
}
