/*
 * Finds the folders of a process's control groups by mountinfo, and reads limits from there up to
 * the top. Does not look into a hierarchy of which only a part without the process is mounted.
 */
#include "snapshot/group.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/small_file.h"

enum {
	SMALL_FILE_LIMIT = 1 << 20,
	/* memory.stat has some fifty lines. */
	GROUP_FILE_BYTES = 16384,
};

/* One mounted hierarchy: a line of mountinfo, cut up. */
struct hierarchy {
	const char *root;
	const char *mount_point;
	/* The controllers, among other options; NULL for version 2, which has all it has. */
	const char *options;
};

/* The names of the files of one version. */
struct memory_files {
	const char *limits[2];
	const char *usage;
	/* The line of memory.stat about file pages that are soon given back. */
	const char *reclaimable;
};

static const struct memory_files memory_files_1 = { { "memory.limit_in_bytes" },
						    "memory.usage_in_bytes",
						    "total_inactive_file " };
/* Above `high` the kernel slows its processes down. */
static const struct memory_files memory_files_2 = { { "memory.max", "memory.high" },
						    "memory.current",
						    "inactive_file " };

/* Text of a file in a group's folder; empty if it is not there. */
static const char *read_file(const char *folder, const char *name, char text[GROUP_FILE_BYTES])
{
	char path[PATH_MAX];

	text[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
		pyi_small_file_read(AT_FDCWD, path, text, GROUP_FILE_BYTES);
	return text;
}

/* UINT64_MAX for "max", and if there is no such file. */
static uint64_t read_number(const char *folder, const char *name)
{
	char text[GROUP_FILE_BYTES];
	uint64_t value;

	return sscanf(read_file(folder, name, text), "%" SCNu64, &value) == 1 ? value : UINT64_MAX;
}

static uint64_t read_reclaimable(const char *folder, const struct memory_files *files)
{
	char text[GROUP_FILE_BYTES];
	const char *line = read_file(folder, "memory.stat", text);
	uint64_t value;

	while (line && strncmp(line, files->reclaimable, strlen(files->reclaimable)) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line && sscanf(line + strlen(files->reclaimable), "%" SCNu64, &value) == 1 ? value
											  : 0;
}

static void look_at_memory(const char *folder, const struct memory_files *files,
			   struct pyi_group *group)
{
	uint64_t used = read_number(folder, files->usage);
	uint64_t limit = UINT64_MAX;
	uint64_t reclaimable;
	uint64_t room;

	for (size_t l = 0; l < sizeof(files->limits) / sizeof(files->limits[0]); l++) {
		uint64_t one = files->limits[l] ? read_number(folder, files->limits[l]) : limit;

		limit = one < limit ? one : limit;
	}
	if (limit == UINT64_MAX || used == UINT64_MAX)
		return;
	reclaimable = read_reclaimable(folder, files);
	used -= reclaimable < used ? reclaimable : used;
	room = limit > used ? limit - used : 0;
	if (room < group->memory_bytes)
		group->memory_bytes = room;
}

static void look_at_folder(const char *folder, bool version_2, struct pyi_group *group)
{
	char text[GROUP_FILE_BYTES];
	uint64_t most = read_number(folder, "pids.max");
	uint64_t now = read_number(folder, "pids.current");

	look_at_memory(folder, version_2 ? &memory_files_2 : &memory_files_1, group);
	group->full |= most != UINT64_MAX && now != UINT64_MAX && now >= most;
	group->dies_together |= read_number(folder, "memory.oom.group") == 1;
	group->frozen |= strstr(read_file(folder, "cgroup.events", text), "frozen 1") != NULL;
	group->frozen |= strncmp(read_file(folder, "freezer.state", text), "FR", 2) == 0;
}

/* Whether `word` is one of those in a list that commas part; the list ends at `end`. */
static bool has_word(const char *list, const char *end, const char *word, size_t length)
{
	while (list < end) {
		size_t run = strcspn(list, ",:\n");

		if (run == length && memcmp(list, word, length) == 0)
			return true;
		list += run + 1;
	}
	return false;
}

/* Whether a line of /proc/PID/cgroup, "NUMBER:CONTROLLERS:PATH", is about that hierarchy. */
static bool is_about(const char *controllers, const char *end, const struct hierarchy *hierarchy)
{
	static const char *const used[] = { "memory", "pids", "freezer" };

	if (!hierarchy->options)
		return controllers == end;
	for (size_t u = 0; u < sizeof(used) / sizeof(used[0]); u++)
		if (has_word(controllers, end, used[u], strlen(used[u])) &&
		    has_word(hierarchy->options, hierarchy->options + strlen(hierarchy->options),
			     used[u], strlen(used[u])))
			return true;
	return false;
}

/* The group's folder in that hierarchy; false if it is not below what is mounted. */
static bool find_folder(const char *groups, const struct hierarchy *hierarchy,
			char ret_folder[static PATH_MAX])
{
	for (const char *line = groups; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *controllers = strchr(line, ':');
		const char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		size_t root_length =
			strcmp(hierarchy->root, "/") == 0 ? 0 : strlen(hierarchy->root);
		size_t length;

		if (!path || !is_about(controllers + 1, path, hierarchy))
			continue;
		path++;
		length = strcspn(path, "\n");
		if (length < root_length || memcmp(path, hierarchy->root, root_length) != 0 ||
		    strncmp(path + root_length, "/..", 3) == 0)
			return false;
		return snprintf(ret_folder, PATH_MAX, "%s%.*s", hierarchy->mount_point,
				(int)(length - root_length), path + root_length) < PATH_MAX;
	}
	return false;
}

/* "ID PARENT DEVICE ROOT MOUNT-POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS"; cuts up the line. */
static bool parse_mount(char *line, struct hierarchy *ret_hierarchy)
{
	char *behind = strstr(line, " - ");
	char *words[5];
	char *save;
	char *kind;
	char *options;

	if (!behind)
		return false;
	*behind = '\0';
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		words[w] = strtok_r(w ? NULL : line, " ", &save);
		if (!words[w])
			return false;
	}
	kind = strtok_r(behind + 3, " ", &save);
	options = kind && strtok_r(NULL, " ", &save) ? strtok_r(NULL, " ", &save) : NULL;
	if (!options || strncmp(kind, "cgroup", 6) != 0)
		return false;
	*ret_hierarchy = (struct hierarchy){
		.root = words[3],
		.mount_point = words[4],
		.options = strcmp(kind, "cgroup") == 0 ? options : NULL,
	};
	return true;
}

void pyi_group_look(const struct pyi_process *process, struct pyi_group *ret_group)
{
	PYI_CLEANUP(pyi_guard_free) char *groups = NULL;
	PYI_CLEANUP(pyi_guard_free) char *mounts = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	struct pyi_process self = { .proc_fd = -1 };
	char *save;

	*ret_group = (struct pyi_group){ .memory_bytes = UINT64_MAX };
	error = pyi_process_open(getpid(), &self);
	if (!error)
		error = pyi_process_read_file(&self, "mountinfo", SMALL_FILE_LIMIT, &mounts, NULL);
	if (!error)
		error = pyi_process_read_file(process, "cgroup", SMALL_FILE_LIMIT, &groups, NULL);
	pyi_process_close(&self);
	if (error)
		return;
	for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct hierarchy hierarchy;
		char folder[PATH_MAX];
		size_t top;

		if (!parse_mount(line, &hierarchy) || !find_folder(groups, &hierarchy, folder))
			continue;
		top = strlen(hierarchy.mount_point);
		while (strlen(folder) > top) {
			look_at_folder(folder, !hierarchy.options, ret_group);
			*strrchr(folder, '/') = '\0';
		}
		/* In a container the top is a group with limits. */
		look_at_folder(hierarchy.mount_point, !hierarchy.options, ret_group);
	}
}
