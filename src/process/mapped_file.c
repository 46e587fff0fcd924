/*
 * First a handle (O_PATH) that does nothing to the file, then a look at what it is, then the open.
 */
#include "process/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char deleted[] = " (deleted)";

/* The path of the file without what the kernel adds to it. */
static size_t path_length(const struct pyi_map *map)
{
	size_t length = strlen(map->path);
	size_t suffix = strlen(deleted);

	if (length > suffix && !strcmp(map->path + length - suffix, deleted))
		return length - suffix;
	return length;
}

/*
 * A handle of `path`, component by component from the directory `root_fd`. The kernel shows paths
 * without links: where there is one now, it was put there later. Takes over `root_fd`.
 */
static int walk(int root_fd, const char *path, size_t length)
{
	PYI_CLEANUP(pyi_guard_fd) int at_fd = root_fd;
	const char *end = path + length;
	char name[NAME_MAX + 1];
	int found_fd;

	while (at_fd >= 0) {
		const char *slash;
		size_t bytes;
		int next_fd;

		while (path < end && *path == '/')
			path++;
		if (path == end)
			break;
		slash = memchr(path, '/', (size_t)(end - path));
		bytes = (size_t)((slash ? slash : end) - path);
		if (bytes >= sizeof(name)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, bytes);
		name[bytes] = '\0';
		if (!strcmp(name, "..")) {
			errno = EXDEV;
			return -1;
		}
		next_fd = openat(at_fd, name,
				 O_PATH | O_NOFOLLOW | O_CLOEXEC | (slash ? O_DIRECTORY : 0));
		if (next_fd < 0)
			return -1;
		close(at_fd);
		at_fd = next_fd;
		path += bytes;
	}
	found_fd = at_fd;
	at_fd = -1;
	return found_fd;
}

bool pyi_mapped_file_is(int fd, const struct pyi_map *map)
{
	struct stat status;

	return !fstat(fd, &status) && status.st_ino == map->inode &&
	       major(status.st_dev) == map->device_major &&
	       minor(status.st_dev) == map->device_minor;
}

static int find(const struct pyi_process *process, const struct pyi_map *map,
		enum pyi_mapped_place place)
{
	char range[64];
	int root_fd;

	switch (place) {
	case PYI_MAPPED_BY_RANGE:
		snprintf(range, sizeof(range), "map_files/%llx-%llx",
			 (unsigned long long)map->start_addr, (unsigned long long)map->end_addr);
		return openat(process->proc_fd, range, O_PATH | O_CLOEXEC);
	case PYI_MAPPED_AS_PROGRAM:
		return openat(process->proc_fd, "exe", O_PATH | O_CLOEXEC);
	case PYI_MAPPED_IN_ROOT:
		root_fd = openat(process->proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return walk(root_fd, map->path, path_length(map));
	case PYI_MAPPED_AS_SEEN:
		root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return walk(root_fd, map->path, path_length(map));
	case PYI_MAPPED_PLACES:
		break;
	}
	errno = EINVAL;
	return -1;
}

int pyi_mapped_file_open(const struct pyi_process *process, const struct pyi_map *map,
			 enum pyi_mapped_place place)
{
	PYI_CLEANUP(pyi_guard_fd) int handle = -1;
	struct stat status;
	char again[32];

	if (process->door)
		return process->door->open_mapped(process->door_argument, map->start_addr,
						  map->end_addr, place);
	handle = find(process, map, place);
	if (handle < 0 || fstat(handle, &status))
		return -1;
	if (!S_ISREG(status.st_mode)) {
		errno = ENOEXEC;
		return -1;
	}
	if (place == PYI_MAPPED_AS_SEEN && !pyi_mapped_file_is(handle, map)) {
		errno = ENOENT;
		return -1;
	}
	/* The handle cannot become another file in between. */
	snprintf(again, sizeof(again), "/proc/self/fd/%d", handle);
	return open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}
