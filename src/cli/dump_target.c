/*
 * Names and descriptors; of a file no more than its first bytes are compared.
 */
#include "cli/dump_target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/room.h"
#include "graph/file.h"

/* -1 with errno; nothing that could hold us up, or be changed by being opened. */
static int open_file(const char *name, struct stat *ret_status)
{
	PYI_CLEANUP(pyi_guard_fd)
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int opened = fd;

	if (fd < 0 || fstat(fd, ret_status) != 0)
		return -1;
	if (!S_ISREG(ret_status->st_mode)) {
		errno = S_ISDIR(ret_status->st_mode) ? EISDIR : ESPIPE;
		return -1;
	}
	fd = -1;
	return opened;
}

/* A program in this folder may have the name of a unit. */
static bool is_program(const char *bytes, size_t size_bytes)
{
	Elf64_Ehdr header;

	if (size_bytes < sizeof(header))
		return true;
	memcpy(&header, bytes, sizeof(header));
	return header.e_type != ET_CORE;
}

static enum pyi_target_file look(const char *name)
{
	static const struct {
		const char *magic;
		size_t size_bytes;
		enum pyi_target_file kind;
	} kinds[] = {
		{ PYI_GRAPH_FILE_MAGIC, sizeof(PYI_GRAPH_FILE_MAGIC) - 1, PYI_TARGET_DUMP },
		{ ELFMAG, SELFMAG, PYI_TARGET_CORE },
		/* RFC 8878, 3.1.1 */
		{ "\x28\xb5\x2f\xfd", 4, PYI_TARGET_COMPRESSED_CORE },
		/* xz, lz4, gzip: systemd has used the first two. */
		{ "\3757zXZ", 6, PYI_TARGET_COMPRESSED },
		{ "\x04\x22\x4d\x18", 4, PYI_TARGET_COMPRESSED },
		{ "\x1f\x8b", 2, PYI_TARGET_COMPRESSED },
	};
	struct stat status;
	PYI_CLEANUP(pyi_guard_fd) int fd = open_file(name, &status);
	char bytes[sizeof(Elf64_Ehdr)];
	ssize_t got = fd >= 0 ? pread(fd, bytes, sizeof(bytes), 0) : -1;

	if (got > 0 && !strchr(name, '/') && memcmp(bytes, ELFMAG, SELFMAG) == 0 &&
	    is_program(bytes, (size_t)got))
		return PYI_TARGET_NO_FILE;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (got >= (ssize_t)kinds[k].size_bytes &&
		    memcmp(bytes, kinds[k].magic, kinds[k].size_bytes) == 0)
			return kinds[k].kind;
	return PYI_TARGET_NO_FILE;
}

bool pyi_dump_target_is_of_process(const char *name)
{
	static const char *const prefixes[] = { "unit:", "cgroup:", "container:" };

	for (size_t p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++)
		if (strncmp(name, prefixes[p], strlen(prefixes[p])) == 0)
			return true;
	return name[strspn(name, "0123456789")] == '\0';
}

enum pyi_target_file pyi_dump_target_kind(const char *name)
{
	bool process = pyi_dump_target_is_of_process(name);
	enum pyi_target_file kind = process ? PYI_TARGET_NO_FILE : look(name);

	return !kind && !process && strchr(name, '/') ? PYI_TARGET_DUMP : kind;
}

struct pyi_error *pyi_dump_target_open_file(const char *name, const char *what, int *ret_fd,
					    uint64_t *ret_size_bytes)
{
	struct stat status;
	int fd = open_file(name, &status);

	if (fd < 0)
		return pyi_error_hint(
			pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED, errno,
					       "cannot read the %s %s", what, name),
			"a target is a process id, a unit, a core, or a file that pyinspect TARGET "
			"dump has written");
	*ret_fd = fd;
	*ret_size_bytes = (uint64_t)status.st_size;
	return NULL;
}

struct pyi_error *pyi_dump_target_open(struct pyi_options *options)
{
	uint64_t size_bytes = 0;
	struct pyi_error *error =
		pyi_dump_target_open_file(options->target, "dump", &options->dump_fd, &size_bytes);

	if (error)
		return error;
	if (options->interpreter)
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
					 "what a dump is of was said when it was made"),
			"leave out --interpreter, or give it to dump");
	options->dump = options->target;
	options->graph_bytes = pyi_room_for_dump(size_bytes);
	return NULL;
}

struct pyi_error *pyi_dump_target_open_two(struct pyi_options *options)
{
	uint64_t size_bytes = 0;
	uint64_t other_bytes = 0;
	struct pyi_error *error =
		pyi_dump_target_open_file(options->target, "dump", &options->dump_fd, &size_bytes);

	if (!error)
		error = pyi_dump_target_open_file(options->subject, "dump", &options->other_fd,
						  &other_bytes);
	if (error)
		return error;
	options->dump = options->target;
	/* Sizes of files are no more than 2^63. */
	options->graph_bytes = pyi_room_for_dump(size_bytes + other_bytes);
	return NULL;
}

/* What to do instead: of a dump and of a core. */
static const char *find_instead(const char *command)
{
	if (strcmp(command, "growth") == 0)
		return "pyinspect diff A B says what has grown from one dump to another one; of a "
		       "core or of a process TARGET dump FILE makes one";
	if (strcmp(command, "check") == 0)
		return "a core can be checked; of a dump top-types, top-objects and garbage say "
		       "the figures that rules are about";
	return "give a process id or a unit; pyinspect --help says which commands can be asked of "
	       "a dump";
}

struct pyi_error *pyi_dump_target_refuse(const char *name, const char *what, const char *command)
{
	bool several = strcmp(command, "growth") == 0;

	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE, "%s %s, and %s is a %s%s",
				 command,
				 several ? "compares several moments" : "asks the process itself",
				 name, what, several ? ", which is of one" : ""),
		"%s", find_instead(command));
}
