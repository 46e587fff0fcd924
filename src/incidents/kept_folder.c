/*
 * Makes, fills, names and removes folders of reports.
 *
 * Everything goes by descriptors of folders and never follows links. A folder that is being filled
 * is locked, so that one that is not was left behind.
 */
#include "incidents/kept_folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_replace.h"
#include "base/own_folder.h"

enum {
	TARGET_CHARACTERS = 64,
	/* What is read of a folder at most. */
	ENTRY_LIMIT = 10000,
	SECONDS_OF_A_DAY = 86400,
};

#define PARTIAL ".partial"
#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

#define failed(code, ...) pyi_error_create_errno(PYI_EXIT_FAILED, code, errno, __VA_ARGS__)

static bool is_name_character(char letter)
{
	return isalnum((unsigned char)letter) || strchr("._-", letter);
}

char *pyi_kept_folder_name(const char *target, int64_t pid, int64_t time_s)
{
	char word[TARGET_CHARACTERS + 1];
	char when[sizeof("20260131T235959Z") + 16];
	time_t time = (time_t)time_s;
	struct tm parts;
	size_t length = 0;
	char *name;

	for (; target[length] && length < TARGET_CHARACTERS; length++)
		word[length] = (char)(is_name_character(target[length]) ? target[length] : '_');
	word[length] = '\0';
	/* A name that begins with a dot is hidden. */
	if (word[0] == '.')
		word[0] = '_';
	if (!gmtime_r(&time, &parts) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &parts))
		snprintf(when, sizeof(when), "19700101T000000Z");
	return asprintf(&name, "%s-%" PRId64 "-%s", word, pid, when) < 0 ? NULL : name;
}

bool pyi_kept_folder_is_name(const char *name)
{
	/* '0' stands for any digit. */
	static const char form[] = "-00000000T000000Z";
	size_t length = strlen(name);
	size_t width = sizeof(form) - 1;

	if (length <= width || length > NAME_MAX - sizeof("." PARTIAL) || name[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_name_character(name[i]))
			return false;
	for (size_t i = 0; i < width; i++) {
		char letter = name[length - width + i];

		if (form[i] == '0' ? !isdigit((unsigned char)letter) : letter != form[i])
			return false;
	}
	return true;
}

static const struct pyi_folder_use use = {
	.code = PYI_ERROR_NO_INCIDENTS,
	.refusal = "no incidents there",
	.hint = "keep them in a folder of your own, which nobody else can write to: --state FOLDER",
	.missing_hint = "the folder above it must be there; another one: --state FOLDER",
};

struct pyi_error *pyi_kept_folder_open(const char *path, bool make, int *ret_fd)
{
	PYI_CLEANUP(pyi_guard_free) char *above = strdup(path);
	PYI_CLEANUP(pyi_guard_fd) int above_fd = -1;
	struct pyi_error *error;
	char *name;

	if (!above)
		return pyi_error_no_memory();
	name = strrchr(above, '/');
	if (!name)
		return pyi_own_folder_open(path, make, &use, ret_fd, NULL);
	*name++ = '\0';
	error = pyi_own_folder_open(*above ? above : "/", make, &use, &above_fd, NULL);
	if (!error)
		error = pyi_own_folder_open_in(above_fd, name, path, make, &use, ret_fd);
	return error;
}

void pyi_folder_entries_deinit(struct pyi_folder_entries *names)
{
	for (size_t n = 0; n < names->count; n++)
		free(names->names[n]);
	free(names->names);
	*names = (struct pyi_folder_entries){ 0 };
}

/* False with errno. */
static bool list(int folder_fd, struct pyi_folder_entries *ret_listing)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries listing = { 0 };
	int fd = openat(folder_fd, ".", FOLDER);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!folder) {
		pyi_guard_fd(&fd);
		return false;
	}
	while (listing.count < ENTRY_LIMIT && (entry = readdir(folder))) {
		char **names;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		names = reallocarray(listing.names, listing.count + 1, sizeof(*names));
		if (names)
			listing.names = names;
		if (!names || !(names[listing.count] = strdup(entry->d_name))) {
			closedir(folder);
			errno = ENOMEM;
			return false;
		}
		listing.count++;
	}
	closedir(folder);
	*ret_listing = listing;
	listing = (struct pyi_folder_entries){ 0 };
	return true;
}

struct pyi_error *pyi_kept_folder_names(const char *path, int *ret_fd,
					struct pyi_folder_entries *ret_names)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error;
	struct stat about;

	if (lstat(path, &about) != 0 && errno == ENOENT) {
		*ret_fd = -1;
		return NULL;
	}
	error = pyi_kept_folder_open(path, false, &fd);
	if (error)
		return error;
	if (!list(fd, ret_names))
		return failed(PYI_ERROR_NO_INCIDENTS, "cannot read the folder %s", path);
	*ret_fd = fd;
	fd = -1;
	return NULL;
}

/* A folder and the files in it; what is left of it is tried again at the next rotation. */
static void drop(int parent_fd, const char *name)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries listing = { 0 };
	PYI_CLEANUP(pyi_guard_fd) int fd = openat(parent_fd, name, FOLDER);

	if (fd < 0 || !list(fd, &listing))
		return;
	for (size_t n = 0; n < listing.count; n++)
		unlinkat(fd, listing.names[n], 0);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

static bool is_partial(const char *name)
{
	size_t length = strlen(name);

	return name[0] == '.' && length > strlen(PARTIAL) &&
	       strcmp(name + length - strlen(PARTIAL), PARTIAL) == 0;
}

static void drop_what_was_left(int parent_fd)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries listing = { 0 };

	if (!list(parent_fd, &listing))
		return;
	for (size_t n = 0; n < listing.count; n++) {
		PYI_CLEANUP(pyi_guard_fd) int fd = -1;

		if (!is_partial(listing.names[n]))
			continue;
		fd = openat(parent_fd, listing.names[n], FOLDER);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			drop(parent_fd, listing.names[n]);
	}
}

bool pyi_kept_folder_exists(const char *parent, const char *name)
{
	PYI_CLEANUP(pyi_guard_fd) int parent_fd = -1;
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error = pyi_kept_folder_open(parent, false, &parent_fd);

	if (!error)
		fd = openat(parent_fd, name, FOLDER);
	pyi_error_destroy(error);
	return fd >= 0;
}

static struct pyi_error *begin(struct pyi_kept_folder *folder, const char *parent)
{
	struct pyi_error *error;

	if (!folder->partial || !folder->name)
		return pyi_error_no_memory();
	error = pyi_kept_folder_open(parent, true, &folder->parent_fd);
	if (error)
		return error;
	drop_what_was_left(folder->parent_fd);
	if (mkdirat(folder->parent_fd, folder->partial, 0700) != 0)
		return failed(PYI_ERROR_OUTPUT_FAILED, "cannot make the folder %s",
			      folder->partial);
	folder->fd = openat(folder->parent_fd, folder->partial, FOLDER);
	if (folder->fd < 0 || flock(folder->fd, LOCK_EX | LOCK_NB) != 0)
		return failed(PYI_ERROR_OUTPUT_FAILED, "cannot open the folder %s",
			      folder->partial);
	return NULL;
}

struct pyi_error *pyi_kept_folder_begin(const char *parent, const char *name,
					struct pyi_kept_folder *ret_folder)
{
	struct pyi_kept_folder folder = { .parent_fd = -1, .fd = -1, .name = strdup(name) };
	struct pyi_error *error;

	if (asprintf(&folder.partial, ".%s" PARTIAL, name) < 0)
		folder.partial = NULL;
	error = begin(&folder, parent);
	if (error) {
		pyi_kept_folder_close(&folder);
		return error;
	}
	*ret_folder = folder;
	return NULL;
}

struct pyi_error *pyi_kept_folder_add(struct pyi_kept_folder *folder, const char *name,
				      const void *data, size_t size)
{
	return pyi_file_create_at(folder->fd, name, 0600, data, size);
}

struct pyi_error *pyi_kept_folder_finish(struct pyi_kept_folder *folder)
{
	if (fsync(folder->fd) != 0 ||
	    renameat(folder->parent_fd, folder->partial, folder->parent_fd, folder->name) != 0)
		return failed(PYI_ERROR_OUTPUT_FAILED, "cannot complete the folder %s",
			      folder->name);
	free(pyi_return_ptr(folder->partial));
	if (fsync(folder->parent_fd) != 0)
		return failed(PYI_ERROR_OUTPUT_FAILED, "cannot complete the folder %s",
			      folder->name);
	return NULL;
}

void pyi_kept_folder_close(struct pyi_kept_folder *folder)
{
	if (folder->partial && folder->fd >= 0)
		drop(folder->parent_fd, folder->partial);
	pyi_guard_fd(&folder->fd);
	pyi_guard_fd(&folder->parent_fd);
	free(folder->partial);
	free(folder->name);
	*folder = (struct pyi_kept_folder){ .parent_fd = -1, .fd = -1 };
}

/* Something that may have to go. */
struct kept {
	const char *name;
	struct timespec changed;
	uint64_t bytes;
};

static int youngest_first(const void *left, const void *right)
{
	const struct kept *a = left;
	const struct kept *b = right;

	if (a->changed.tv_sec != b->changed.tv_sec)
		return a->changed.tv_sec > b->changed.tv_sec ? -1 : 1;
	if (a->changed.tv_nsec != b->changed.tv_nsec)
		return a->changed.tv_nsec > b->changed.tv_nsec ? -1 : 1;
	return strcmp(b->name, a->name);
}

static uint64_t measure(int parent_fd, const char *name)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries listing = { 0 };
	PYI_CLEANUP(pyi_guard_fd) int fd = openat(parent_fd, name, FOLDER);
	uint64_t bytes = 0;

	if (fd < 0 || !list(fd, &listing))
		return 0;
	for (size_t n = 0; n < listing.count; n++) {
		struct stat about;

		if (fstatat(fd, listing.names[n], &about, AT_SYMLINK_NOFOLLOW) == 0 &&
		    about.st_size > 0)
			bytes += (uint64_t)about.st_size;
	}
	return bytes;
}

struct pyi_error *pyi_kept_folder_rotate(const char *parent, size_t most, uint64_t most_bytes)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries listing = { 0 };
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	PYI_CLEANUP(pyi_guard_free) struct kept *kept = NULL;
	struct pyi_error *error = pyi_kept_folder_open(parent, false, &fd);
	uint64_t bytes = 0;
	size_t count = 0;

	if (error)
		return error;
	if (!list(fd, &listing))
		return failed(PYI_ERROR_NO_INCIDENTS, "cannot read the folder %s", parent);
	kept = calloc(listing.count + 1, sizeof(*kept));
	if (!kept)
		return pyi_error_no_memory();
	for (size_t n = 0; n < listing.count; n++) {
		struct stat about;

		if (pyi_kept_folder_is_name(listing.names[n]) &&
		    fstatat(fd, listing.names[n], &about, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(about.st_mode))
			kept[count++] = (struct kept){ listing.names[n], about.st_mtim,
						       measure(fd, listing.names[n]) };
	}
	qsort(kept, count, sizeof(*kept), youngest_first);
	for (size_t k = 0; k < count; k++) {
		bytes += kept[k].bytes;
		if (k && (k >= most || bytes > most_bytes))
			drop(fd, kept[k].name);
	}
	return NULL;
}

struct pyi_error *pyi_kept_folder_prune_files(int fd, const char *shown, size_t most)
{
	PYI_CLEANUP(pyi_folder_entries_deinit) struct pyi_folder_entries listing = { 0 };
	PYI_CLEANUP(pyi_guard_free) struct kept *kept = NULL;
	time_t now = time(NULL);
	size_t count = 0;

	if (!list(fd, &listing))
		return failed(PYI_ERROR_NO_INCIDENTS, "cannot read the folder %s", shown);
	kept = calloc(listing.count + 1, sizeof(*kept));
	if (!kept)
		return pyi_error_no_memory();
	for (size_t n = 0; n < listing.count; n++) {
		const char *name = listing.names[n];
		struct stat about;

		if (fstatat(fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode))
			continue;
		if (name[0] != '.')
			kept[count++] = (struct kept){ name, about.st_mtim, 0 };
		else if (about.st_mtim.tv_sec < now - SECONDS_OF_A_DAY)
			unlinkat(fd, name, 0);
	}
	qsort(kept, count, sizeof(*kept), youngest_first);
	for (size_t k = most; k < count; k++)
		unlinkat(fd, kept[k].name, 0);
	return NULL;
}
