/*
 * Reads files of /proc into one buffer, and writes that when the process is complete.
 */
#include "process/proc_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "process/process_list.h"
#include "process/process_stat.h"

#define SIGN "python"

enum {
	MAGIC = 0x50594c31,
	/* PF_KTHREAD of include/linux/sched.h. */
	KERNEL_THREAD_FLAG = 0x00200000,
	PASSWD_LIMIT = 1 << 20,
	MAPS_CHUNK = 1 << 16,
};

/* How much of each is copied. A path is a page at most, wherever it stands. */
static const size_t limits[PYI_PROC_TEXTS] = {
	[PYI_PROC_STAT] = 4096,	    [PYI_PROC_STATUS] = 16384,	[PYI_PROC_CGROUP] = 16384,
	[PYI_PROC_CMDLINE] = 16384, [PYI_PROC_PROGRAM] = 16384, [PYI_PROC_MAPPED] = 65536,
};

static const char *const names[PYI_PROC_TEXTS] = {
	[PYI_PROC_STAT] = "stat",	[PYI_PROC_STATUS] = "status", [PYI_PROC_CGROUP] = "cgroup",
	[PYI_PROC_CMDLINE] = "cmdline", [PYI_PROC_PROGRAM] = "exe",   [PYI_PROC_MAPPED] = "maps",
};

/* Before the texts of each process; each text has a NUL behind it. */
struct header {
	uint32_t magic;
	int32_t pid;
	int32_t refused;
	uint32_t sizes[PYI_PROC_TEXTS];
};

struct copy {
	struct header header;
	char *texts[PYI_PROC_TEXTS];
};

static void deinit(struct copy *copy)
{
	for (int t = 0; t < PYI_PROC_TEXTS; t++)
		free(copy->texts[t]);
}

/* Reads at most so much, and puts a NUL behind it; -1 with errno. */
static ssize_t read_some(int fd, char *text, size_t limit)
{
	size_t size = 0;

	while (size < limit) {
		ssize_t got = read(fd, text + size, limit - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		size += (size_t)got;
	}
	text[size] = '\0';
	return (ssize_t)size;
}

static int open_at(int directory_fd, const char *path)
{
	return openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* 0, or an errno; ENOENT and ESRCH: the process is gone. */
static int take_file(int directory_fd, enum pyi_proc_text text, struct copy *copy)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = open_at(directory_fd, names[text]);
	ssize_t size = fd < 0 ? -1 : read_some(fd, copy->texts[text], limits[text]);

	if (size < 0)
		return errno;
	copy->header.sizes[text] = (uint32_t)size;
	return 0;
}

static int take_program(int directory_fd, struct copy *copy)
{
	ssize_t size = readlinkat(directory_fd, "exe", copy->texts[PYI_PROC_PROGRAM],
				  limits[PYI_PROC_PROGRAM]);

	if (size < 0)
		return errno;
	copy->texts[PYI_PROC_PROGRAM][size] = '\0';
	copy->header.sizes[PYI_PROC_PROGRAM] = (uint32_t)size;
	return 0;
}

/* Keeps the lines in which the sign stands, as many as there is room for. */
static void keep_lines(char *text, size_t size, struct copy *copy)
{
	uint32_t *kept = &copy->header.sizes[PYI_PROC_MAPPED];
	char *end = text + size;

	for (char *line = text; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline + 1 : end) - line);

		if (memmem(line, length, SIGN, strlen(SIGN)) &&
		    length <= limits[PYI_PROC_MAPPED] - *kept) {
			memcpy(copy->texts[PYI_PROC_MAPPED] + *kept, line, length);
			*kept += (uint32_t)length;
		}
		line += length;
	}
	copy->texts[PYI_PROC_MAPPED][*kept] = '\0';
}

static int take_mapped(int directory_fd, char *chunk, struct copy *copy)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = open_at(directory_fd, "maps");
	size_t begun = 0;

	if (fd < 0)
		return errno;
	for (;;) {
		ssize_t got = read_some(fd, chunk + begun, MAPS_CHUNK - begun);
		size_t size = begun + (size_t)got;
		char *last;

		if (got < 0)
			return errno;
		last = size ? memrchr(chunk, '\n', size) : NULL;
		/* A line is a path and a little more: no chunk is without an end of one. */
		if (!got || !last) {
			keep_lines(chunk, size, copy);
			return 0;
		}
		keep_lines(chunk, (size_t)(last + 1 - chunk), copy);
		begun = size - (size_t)(last + 1 - chunk);
		memmove(chunk, last + 1, begun);
	}
}

static bool write_all(int fd, const void *data, size_t size)
{
	while (size) {
		ssize_t put = write(fd, data, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		data = (const char *)data + put;
		size -= (size_t)put;
	}
	return true;
}

static struct pyi_error *put(int fd, const struct copy *copy,
			     struct pyi_proc_copy_progress *progress)
{
	off_t size = lseek(fd, 0, SEEK_CUR) + (off_t)sizeof(copy->header) + PYI_PROC_TEXTS;
	bool ok;

	for (int t = 0; t < PYI_PROC_TEXTS; t++)
		size += copy->header.sizes[t];
	if (size > PYI_PROC_COPY_LIMIT) {
		progress->left_out++;
		return NULL;
	}
	ok = write_all(fd, &copy->header, sizeof(copy->header));
	for (int t = 0; ok && t < PYI_PROC_TEXTS; t++)
		ok = write_all(fd, copy->texts[t], copy->header.sizes[t] + (size_t)1);
	if (ok)
		__atomic_store_n(&progress->whole_bytes, (uint64_t)size, __ATOMIC_SEQ_CST);
	return ok ? NULL
		  : pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, errno,
					   "cannot copy what /proc says");
}

/* 0, or why it is not to be in the copy: an errno of which EACCES and EPERM are a refusal. */
static int take_process(int directory_fd, char *chunk, struct copy *copy)
{
	struct pyi_process_stat stat;
	int number = take_file(directory_fd, PYI_PROC_STAT, copy);

	if (number)
		return number;
	if (!pyi_process_stat_parse(copy->texts[PYI_PROC_STAT], &stat) ||
	    stat.flags & KERNEL_THREAD_FLAG)
		return ENOENT;
	number = take_program(directory_fd, copy);
	if (!number)
		number = take_mapped(directory_fd, chunk, copy);
	if (number)
		return number;
	if (!strstr(copy->texts[PYI_PROC_PROGRAM], SIGN) && !copy->header.sizes[PYI_PROC_MAPPED])
		return ENOENT;
	number = take_file(directory_fd, PYI_PROC_STATUS, copy);
	if (!number)
		number = take_file(directory_fd, PYI_PROC_CGROUP, copy);
	/* A kernel may be without cgroups. */
	if (number == ENOENT)
		number = 0;
	return number ? number : take_file(directory_fd, PYI_PROC_CMDLINE, copy);
}

static void begin(struct copy *copy, pid_t pid)
{
	copy->header = (struct header){ .magic = MAGIC, .pid = pid };
	for (int t = 0; t < PYI_PROC_TEXTS; t++)
		copy->texts[t][0] = '\0';
}

static struct pyi_error *copy_process(int fd, pid_t pid, char *chunk, struct copy *copy,
				      struct pyi_proc_copy_progress *progress)
{
	PYI_CLEANUP(pyi_guard_fd) int directory_fd = -1;
	char path[32];
	int number;

	begin(copy, pid);
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	directory_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	number = directory_fd < 0 ? errno : take_process(directory_fd, chunk, copy);
	if (number == EACCES || number == EPERM) {
		begin(copy, pid);
		copy->header.refused = number;
		number = 0;
	}
	return number ? NULL : put(fd, copy, progress);
}

static struct pyi_error *copy_users(int fd, struct pyi_proc_copy_progress *progress)
{
	PYI_CLEANUP(pyi_guard_fd) int passwd_fd = open_at(AT_FDCWD, "/etc/passwd");
	PYI_CLEANUP(pyi_guard_free) char *users = malloc(PASSWD_LIMIT + 1);
	char nothing[1] = "";
	struct copy copy = { .header = { .magic = MAGIC } };
	ssize_t size;

	if (!users)
		return pyi_error_no_memory();
	for (int t = 0; t < PYI_PROC_TEXTS; t++)
		copy.texts[t] = nothing;
	size = passwd_fd < 0 ? -1 : read_some(passwd_fd, users, PASSWD_LIMIT);
	if (size > 0) {
		copy.texts[PYI_PROC_STATUS] = users;
		copy.header.sizes[PYI_PROC_STATUS] = (uint32_t)size;
	}
	return put(fd, &copy, progress);
}

struct pyi_error *pyi_proc_copy_write(int fd, pid_t after, struct pyi_proc_copy_progress *progress)
{
	PYI_CLEANUP(deinit) struct copy copy = { 0 };
	PYI_CLEANUP(pyi_guard_free) char *chunk = malloc(MAPS_CHUNK + 1);
	PYI_CLEANUP(pyi_guard_free) pid_t *pids = NULL;
	struct pyi_error *error;
	size_t count = 0;

	for (int t = 0; t < PYI_PROC_TEXTS; t++) {
		copy.texts[t] = malloc(limits[t] + 1);
		if (!copy.texts[t])
			return pyi_error_no_memory();
	}
	if (!chunk)
		return pyi_error_no_memory();
	error = pyi_process_list(&pids, &count);
	if (!error && !after)
		error = copy_users(fd, progress);
	for (size_t p = 0; p < count && !error; p++) {
		if (pids[p] <= after)
			continue;
		__atomic_store_n(&progress->pid, pids[p], __ATOMIC_SEQ_CST);
		error = copy_process(fd, pids[p], chunk, &copy, progress);
	}
	return error;
}

bool pyi_proc_copy_cut(int fd, const struct pyi_proc_copy_progress *progress)
{
	off_t whole = (off_t)__atomic_load_n(&progress->whole_bytes, __ATOMIC_SEQ_CST);

	return ftruncate(fd, whole) == 0 && lseek(fd, whole, SEEK_SET) == whole;
}

bool pyi_proc_copy_next(const char *data, size_t size_bytes, size_t *at,
			struct pyi_proc_copy *ret_copy)
{
	struct pyi_proc_copy copy = { 0 };
	struct header header;
	size_t place = *at;

	if (place > size_bytes || size_bytes - place < sizeof(header))
		return false;
	memcpy(&header, data + place, sizeof(header));
	place += sizeof(header);
	if (header.magic != MAGIC || header.pid < 0)
		return false;
	copy.pid = header.pid;
	copy.refused = header.refused;
	for (int t = 0; t < PYI_PROC_TEXTS; t++) {
		size_t size = header.sizes[t];

		if (size >= size_bytes - place || data[place + size])
			return false;
		copy.texts[t] = data + place;
		copy.sizes[t] = size;
		place += size + 1;
	}
	*at = place;
	*ret_copy = copy;
	return true;
}
