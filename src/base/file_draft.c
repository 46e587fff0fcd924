/*
 * A file without a name in the right folder; linked there when it is whole. Where there are none of
 * these, a hidden one that is renamed.
 */
#include "base/file_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_replace.h"

enum {
	MODE = 0600,
	/* Names that are tried for it. */
	NAME_ROUNDS = 100,
};

#define failed(...)                                                                                \
	pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED, errno, __VA_ARGS__)

static int open_unnamed(int folder_fd)
{
	return openat(folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
}

struct pyi_error *pyi_file_draft_begin(const char *path, struct pyi_file_draft *ret_draft)
{
	PYI_CLEANUP(pyi_guard_free) char *for_folder = strdup(path);
	PYI_CLEANUP(pyi_guard_free) char *for_name = strdup(path);
	struct pyi_file_draft draft = { .fd = -1, .folder_fd = -1, .shown = strdup(path) };
	struct pyi_error *error = NULL;
	const char *folder;

	*ret_draft = (struct pyi_file_draft){ .fd = -1, .folder_fd = -1 };
	draft.name = for_name ? strdup(basename(for_name)) : NULL;
	if (!for_folder || !draft.name || !draft.shown) {
		pyi_file_draft_end(&draft);
		return pyi_error_no_memory();
	}
	folder = dirname(for_folder);
	draft.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (draft.folder_fd < 0)
		error = failed("cannot write %s: no new file in %s", path, folder);
	if (!error)
		error = pyi_file_check_place(draft.folder_fd, draft.name, draft.shown);
	if (!error) {
		draft.fd = open_unnamed(draft.folder_fd);
		/* Not on this file system, or not on this kernel. */
		if (draft.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
			draft.fd =
				pyi_file_create_beside(draft.folder_fd, draft.name, &draft.beside);
		if (draft.fd < 0)
			error = failed("cannot write %s: no new file in its folder", path);
	}
	if (error) {
		pyi_file_draft_end(&draft);
		return error;
	}
	*ret_draft = draft;
	return NULL;
}

/* Gives a file without a name that one; false with errno. */
static bool link_as(const struct pyi_file_draft *draft, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", draft->fd);
	return linkat(AT_FDCWD, path, draft->folder_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

/* A name that can be renamed over one that there is. */
static bool link_beside(struct pyi_file_draft *draft)
{
	for (int round = 0; round < NAME_ROUNDS; round++) {
		free(draft->beside);
		draft->beside = pyi_file_name_beside(draft->name);
		if (!draft->beside)
			return false;
		if (link_as(draft, draft->beside))
			return true;
		if (errno != EEXIST)
			break;
	}
	free(pyi_return_ptr(draft->beside));
	return false;
}

static bool put(struct pyi_file_draft *draft)
{
	if (fchmod(draft->fd, MODE) != 0 || fsync(draft->fd) != 0)
		return false;
	if (!draft->beside && link_as(draft, draft->name))
		return true;
	if (!draft->beside && (errno != EEXIST || !link_beside(draft)))
		return false;
	if (renameat(draft->folder_fd, draft->beside, draft->folder_fd, draft->name) != 0)
		return false;
	free(pyi_return_ptr(draft->beside));
	return true;
}

struct pyi_error *pyi_file_draft_put(struct pyi_file_draft *draft)
{
	struct pyi_error *error = pyi_file_check_place(draft->folder_fd, draft->name, draft->shown);

	if (error)
		return error;
	if (!put(draft))
		return failed("cannot write %s", draft->shown);
	return pyi_file_sync_folder(draft->folder_fd) ? NULL
						      : failed("cannot write %s", draft->shown);
}

void pyi_file_draft_end(struct pyi_file_draft *draft)
{
	if (draft->beside)
		unlinkat(draft->folder_fd, draft->beside, 0);
	if (draft->fd >= 0)
		close(draft->fd);
	if (draft->folder_fd >= 0)
		close(draft->folder_fd);
	free(draft->name);
	free(draft->shown);
	free(draft->beside);
	*draft = (struct pyi_file_draft){ .fd = -1, .folder_fd = -1 };
}
