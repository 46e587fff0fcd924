/*
 * Names and copies.
 */
#include "cli/evidence_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/check_setup.h"
#include "cli/dump_target.h"
#include "cli/evidence_parts.h"
#include "cli/room.h"
#include "incidents/kept_folder.h"

enum {
	/* Memory that a parsed report takes, for each byte of it. */
	PARSED_FACTOR = 32,
};

static struct pyi_error *input_failed(const char *name)
{
	return pyi_error_hint(
		pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED, errno,
				       "cannot read the evidence %s", name),
		"it is a folder that check has named, one of the files in it, or the name of the "
		"folder alone");
}

/* -1 with errno; nothing that could hold us up, or be changed by being opened. */
static int open_file(int folder_fd, const char *name, int flags, struct stat *ret_status)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);

	if (fd >= 0 && fstat(fd, ret_status) == 0 && S_ISREG(ret_status->st_mode))
		return fd;
	if (fd >= 0) {
		errno = S_ISDIR(ret_status->st_mode) ? EISDIR : ESPIPE;
		close(fd);
	}
	return -1;
}

static bool write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size) {
		ssize_t written = write(fd, at, size);

		if (written <= 0)
			return false;
		at += written;
		size -= (size_t)written;
	}
	return true;
}

/* How long it is then counts, whatever happens to it meanwhile. */
static struct pyi_error *copy_file(struct pyi_options *options, int fd, const char *name)
{
	PYI_CLEANUP(pyi_guard_free) char *bytes = malloc(PYI_EVIDENCE_FILE_BYTES + 1);
	struct pyi_evidence_header header = { .name = "" };
	size_t size = 0;
	ssize_t got;

	if (!bytes)
		return pyi_error_no_memory();
	while (size <= PYI_EVIDENCE_FILE_BYTES &&
	       (got = read(fd, bytes + size, PYI_EVIDENCE_FILE_BYTES + 1 - size)) > 0)
		size += (size_t)got;
	snprintf(header.name, sizeof(header.name), "%s", name);
	header.size = size <= PYI_EVIDENCE_FILE_BYTES ? size : UINT64_MAX;
	if (header.size == UINT64_MAX)
		size = 0;
	options->graph_bytes += size * PARSED_FACTOR / PYI_ROOM_ADDRESS_FACTOR;
	if (write_all(options->dump_fd, &header, sizeof(header)) &&
	    write_all(options->dump_fd, bytes, size))
		return NULL;
	return pyi_error_no_memory();
}

/* The check first, then what a person wants to read next. */
static struct pyi_error *copy_folder(struct pyi_options *options, int folder_fd)
{
	const char *names[PYI_EVIDENCE_PARTS + 2] = { "check.json",
						      pyi_evidence_file(PYI_EVIDENCE_EXPLAIN) };
	struct pyi_error *error = NULL;
	size_t count = 2;
	size_t found = 0;

	for (int part = 0; part < PYI_EVIDENCE_PARTS; part++)
		if (part != PYI_EVIDENCE_EXPLAIN)
			names[count++] = pyi_evidence_file((enum pyi_evidence_part)part);
	for (size_t n = 0; n < count && !error; n++) {
		struct stat status = { 0 };
		PYI_CLEANUP(pyi_guard_fd)
		int fd = open_file(folder_fd, names[n], O_NOFOLLOW, &status);

		if (fd < 0)
			continue;
		found++;
		error = copy_file(options, fd, names[n]);
	}
	if (error || found)
		return error;
	errno = ENOENT;
	return input_failed(options->target);
}

static struct pyi_error *copy_path(struct pyi_options *options, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat status = { 0 };
	PYI_CLEANUP(pyi_guard_fd)
	int folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;

	if (folder_fd >= 0)
		return copy_folder(options, folder_fd);
	fd = open_file(AT_FDCWD, path, 0, &status);
	return fd < 0 ? input_failed(path) : copy_file(options, fd, slash ? slash + 1 : path);
}

/* Below the state folder, which must be our own: another would be what somebody else says. */
static struct pyi_error *copy_name(struct pyi_options *options)
{
	PYI_CLEANUP(pyi_guard_free) char *state = pyi_check_state_folder(options);
	PYI_CLEANUP(pyi_guard_free) char *path = NULL;
	PYI_CLEANUP(pyi_guard_fd) int folder_fd = -1;
	struct pyi_error *error;

	if (!state || asprintf(&path, "%s/evidence/%s", state, options->target) < 0) {
		path = NULL;
		return pyi_error_no_memory();
	}
	error = pyi_kept_folder_open(path, false, &folder_fd);
	if (!error)
		return copy_folder(options, folder_fd);
	return pyi_error_hint(error, "--state FOLDER is where check keeps it, if not there");
}

struct pyi_error *pyi_evidence_target_open(struct pyi_options *options)
{
	const char *name = options->target;

	if (pyi_dump_target_is_of_process(name) || strncmp(name, "0x", 2) == 0)
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
					 "show what? It wants a process and the address of an "
					 "object, or kept evidence"),
			"pyinspect PID show 0xADDRESS, or pyinspect show FOLDER; see pyinspect "
			"help show");
	options->dump_fd = memfd_create("evidence", MFD_CLOEXEC);
	if (options->dump_fd < 0)
		return pyi_error_no_memory();
	options->dump = name;
	return strchr(name, '/') || !pyi_kept_folder_is_name(name) ? copy_path(options, name)
								   : copy_name(options);
}
