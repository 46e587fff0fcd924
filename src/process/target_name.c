/*
 * Finds the pid that a user's name for a target stands for.
 *
 * Any user may make cgroups of any name in a tree that is delegated to him. So a unit's cgroup is
 * the one that its manager names; without a manager to ask, one below system.slice to which only
 * slices lead that belong to the owner of the whole tree. Does not talk to systemd itself, and does
 * not check that a plain number is a process.
 */
#include "process/target_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "process/container_name.h"
#include "process/process.h"
#include "process/process_list.h"
#include "process/process_stat.h"

enum {
	UNIT_NAME_LIMIT = 255,
	/* Any user with a delegated cgroup can make many; a big host has some ten thousand. */
	DIRECTORY_LIMIT = 1 << 20,
	HINT_PID_LIMIT = 16,
	/* Processes of one target. */
	GROUP_LIMIT = 4096,
};

/* A directory of the tree that is still to be visited. */
struct pending {
	/* Below the root. */
	char *path;
	/* It is the unit's cgroup, or below it; else a slice that may lead to it. */
	bool in_unit;
};

struct search {
	const char *unit;
	/* A container is wanted: `unit` is its id, the beginning of that, or its name; and the
	 * cgroup that was found first. */
	bool container;
	char *container_path;
	bool ambiguous;
	int root_fd;
	/* Owner of the root. */
	uid_t owner;
	struct pending *pending;
	size_t pending_count;
	size_t pending_capacity;
	size_t seen_count;
	bool found;
	pid_t *pids;
	size_t pid_count;
	size_t pid_capacity;
};

static void deinit_search(struct search *search)
{
	while (search->pending_count)
		free(search->pending[--search->pending_count].path);
	free(search->pending);
	free(search->pids);
	free(search->container_path);
	pyi_guard_fd(&search->root_fd);
}

static bool parse_pid(const char *text, const char **ret_end, pid_t *ret_pid)
{
	const char *at = text;
	int64_t value = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (*at - '0');
		if (value > INT_MAX)
			return false;
	}
	if (at == text)
		return false;
	*ret_end = at;
	*ret_pid = (pid_t)value;
	return true;
}

/* Takes over `path`. */
static struct pyi_error *push(struct search *search, char *path, bool in_unit)
{
	if (!path || !pyi_array_reserve(&search->pending, search->pending_count,
					&search->pending_capacity, sizeof(*search->pending))) {
		free(path);
		return pyi_error_no_memory();
	}
	search->pending[search->pending_count++] =
		(struct pending){ .path = path, .in_unit = in_unit };
	return NULL;
}

/* Adds the processes of one cgroup. One that is gone, or may not be read, has none for us. */
static struct pyi_error *add_pids(struct search *search, int directory_fd)
{
	PYI_CLEANUP(pyi_guard_file) FILE *file = NULL;
	int fd = openat(directory_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char line[32];

	if (fd < 0)
		return NULL;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return pyi_error_no_memory();
	}
	while (fgets(line, sizeof(line), file)) {
		const char *end;
		pid_t pid;

		/* 0 is a process that has no number in our pid namespace. */
		if (!parse_pid(line, &end, &pid) || *end != '\n' || !pid)
			continue;
		if (!pyi_array_reserve(&search->pids, search->pid_count, &search->pid_capacity,
				       sizeof(*search->pids)))
			return pyi_error_no_memory();
		search->pids[search->pid_count++] = pid;
	}
	return NULL;
}

static void guard_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static bool is_directory(int directory_fd, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return !fstatat(directory_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(status.st_mode);
}

/* Only whoever owns the whole tree can put something into it. */
static bool is_trusted(const struct search *search, int fd)
{
	struct stat status;

	return !fstat(fd, &status) && status.st_uid == search->owner &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/* A directory in another one; -1: there is none, or it is a link, or not `trusted`. */
static int open_in(const struct search *search, int directory_fd, const char *name, bool trusted)
{
	int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && trusted && !is_trusted(search, fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The same for one that is further below the root. */
static int open_below(const struct search *search, const char *path, bool trusted)
{
	int fd = fcntl(search->root_fd, F_DUPFD_CLOEXEC, 0);
	char name[NAME_MAX + 1];

	for (path += strspn(path, "/"); fd >= 0 && *path; path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");
		int above = fd;

		fd = -1;
		if (length <= NAME_MAX && strncmp(path, "..", length) != 0) {
			memcpy(name, path, length);
			name[length] = '\0';
			fd = open_in(search, above, name, trusted);
		}
		close(above);
		path += length;
	}
	return fd;
}

static bool has_ending(const char *name, const char *ending)
{
	size_t length = strlen(name);

	return length > strlen(ending) && !strcmp(name + length - strlen(ending), ending);
}

/* Where a cgroup is below the root of its hierarchy. */
static const char *in_hierarchy(const struct search *search, const char *path)
{
	const char *below = strchr(path + 1, '/');

	/* With version 1 each has a directory in the root. */
	return faccessat(search->root_fd, "cgroup.procs", F_OK, 0) == 0 || !below ? path : below;
}

/*
 * The same container in another hierarchy of version 1 has the same path in there. By its name
 * alone it would be anything that the root of another container has made.
 */
static bool is_other_container(const struct search *search, const char *one, const char *other)
{
	return strcmp(in_hierarchy(search, one), in_hierarchy(search, other)) != 0;
}

/* Whether there may be something for us in a directory of `here`. */
static bool is_wanted(const struct search *search, const struct pending *here, int directory_fd,
		      const struct dirent *entry, bool *ret_in_unit)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;

	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
	    !is_directory(directory_fd, entry))
		return false;
	*ret_in_unit = here->in_unit ||
		       (search->container ? pyi_container_name_matches(entry->d_name, search->unit)
					  : !strcmp(entry->d_name, search->unit));
	if (here->in_unit)
		return true;
	if (!*ret_in_unit && !search->container && !has_ending(entry->d_name, ".slice"))
		return false;
	fd = open_in(search, directory_fd, entry->d_name, true);
	return fd >= 0;
}

static struct pyi_error *visit(struct search *search, const struct pending *here)
{
	PYI_CLEANUP(guard_directory) DIR *directory = NULL;
	int fd = open_below(search, here->path, !here->in_unit);
	struct pyi_error *error = NULL;
	struct dirent *entry;

	if (fd < 0)
		return NULL;
	directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return pyi_error_no_memory();
	}
	if (here->in_unit) {
		search->found = true;
		error = add_pids(search, fd);
	}
	while (!error && (entry = readdir(directory))) {
		bool in_unit;
		char *below;

		if (!is_wanted(search, here, fd, entry, &in_unit))
			continue;
		if (++search->seen_count > DIRECTORY_LIMIT)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
						"there are more than %d cgroups", DIRECTORY_LIMIT);
		if (asprintf(&below, "%s/%s", here->path, entry->d_name) < 0)
			return pyi_error_no_memory();
		if (search->container && in_unit && !here->in_unit) {
			search->ambiguous |=
				search->container_path &&
				is_other_container(search, search->container_path, below);
			if (!search->container_path)
				search->container_path = strdup(below);
		}
		error = push(search, below, in_unit);
	}
	return error;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t first = *(const pid_t *)a;
	pid_t second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

static pid_t parent_of(pid_t pid)
{
	struct pyi_process_status status;
	struct pyi_error *error = pyi_process_peek_status(pid, &status);

	if (error) {
		pyi_error_destroy(error);
		return -1;
	}
	return status.parent_pid;
}

/* Leaves only the processes whose parent is not among them; those that are gone are dropped. */
static struct pyi_error *keep_roots(struct search *search)
{
	PYI_CLEANUP(pyi_guard_free) pid_t *roots = NULL;
	size_t count = 0;
	size_t i;

	if (!search->pid_count)
		return NULL;
	roots = calloc(search->pid_count, sizeof(*roots));
	if (!roots)
		return pyi_error_no_memory();
	qsort(search->pids, search->pid_count, sizeof(*search->pids), compare_pids);
	for (i = 0; i < search->pid_count; i++) {
		pid_t parent;

		/* With several version 1 hierarchies the same process is met in each. */
		if (i && search->pids[i] == search->pids[i - 1])
			continue;
		parent = parent_of(search->pids[i]);
		if (parent >= 0 && !bsearch(&parent, search->pids, search->pid_count,
					    sizeof(*search->pids), compare_pids))
			roots[count++] = search->pids[i];
	}
	memcpy(search->pids, roots, count * sizeof(*roots));
	search->pid_count = count;
	return NULL;
}

static struct pyi_error *no_such_unit(const char *unit, const char *why)
{
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_UNIT, "%s %s", unit, why),
		"see: systemctl status %s", unit);
}

static struct pyi_error *ambiguous_unit(const struct search *search)
{
	char list[HINT_PID_LIMIT * 16] = "";
	size_t length = 0;
	size_t i;

	for (i = 0; i < search->pid_count && i < HINT_PID_LIMIT; i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%d",
					   i ? ", " : "", (int)search->pids[i]);
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_AMBIGUOUS_UNIT,
					       "%s has %zu main processes", search->unit,
					       search->pid_count),
			      "give the number of one: %s%s", list,
			      search->pid_count > HINT_PID_LIMIT ? ", ..." : "");
}

/*
 * Where a unit may be: the one hierarchy of version 2; its place beside those of version 1; and
 * systemd's own of version 1.
 */
static struct pyi_error *push_places(struct search *search, const char *cgroup, bool in_unit)
{
	static const char *const hierarchies[] = { "", "unified", "systemd" };
	struct pyi_error *error = NULL;

	for (size_t h = 0; !error && h < sizeof(hierarchies) / sizeof(hierarchies[0]); h++) {
		char *path;

		if (asprintf(&path, "%s/%s", hierarchies[h], cgroup) < 0)
			return pyi_error_no_memory();
		error = push(search, path, in_unit);
	}
	return error;
}

/* The one that the manager calls the main one, if it is there; else the only root. */
static struct pyi_error *choose_pid(struct search *search, pid_t main_pid, pid_t *ret_pid)
{
	struct pyi_error *error;

	for (size_t i = 0; main_pid && i < search->pid_count; i++) {
		if (search->pids[i] == main_pid) {
			*ret_pid = main_pid;
			return NULL;
		}
	}
	error = keep_roots(search);
	if (error)
		return error;
	if (!search->pid_count)
		return no_such_unit(search->unit, "has no process that we can see");
	if (search->pid_count > 1)
		return ambiguous_unit(search);
	*ret_pid = search->pids[0];
	return NULL;
}

static struct pyi_error *begin_search(struct search *search, const char *cgroup_root)
{
	struct stat status;

	search->root_fd = open(cgroup_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (search->root_fd < 0 || fstat(search->root_fd, &status))
		return no_such_unit(search->unit, "is not a unit that runs here");
	search->owner = status.st_uid;
	return NULL;
}

static struct pyi_error *visit_all(struct search *search)
{
	struct pyi_error *error = NULL;

	while (!error && search->pending_count) {
		struct pending next = search->pending[--search->pending_count];

		error = visit(search, &next);
		free(next.path);
	}
	return error;
}

/* Finds the processes of a unit, and which of them its manager calls the main one (0: none). */
static struct pyi_error *gather_unit(const char *unit, const char *cgroup_root,
				     pyi_unit_lookup *lookup, struct search *search,
				     pid_t *ret_main_pid)
{
	struct pyi_unit_place place = { .main_pid = 0 };
	enum pyi_unit_answer answer = lookup ? lookup(unit, &place) : PYI_UNIT_NO_ANSWER;
	struct pyi_error *error;

	*ret_main_pid = 0;
	if (answer != PYI_UNIT_FOUND)
		place.main_pid = 0;
	if (answer == PYI_UNIT_NOT_THERE)
		return no_such_unit(unit, "is not a unit that runs here");
	/* The root of all, too, is no place of a unit. */
	if (answer == PYI_UNIT_FOUND && strspn(place.cgroup, "/") == strlen(place.cgroup))
		return no_such_unit(unit, "has no process that we can see");
	error = begin_search(search, cgroup_root);
	if (!error)
		error = answer == PYI_UNIT_FOUND ? push_places(search, place.cgroup, true)
						 : push_places(search, "system.slice",
							       !strcmp(unit, "system.slice"));
	if (!error)
		error = visit_all(search);
	if (error)
		return error;
	if (!search->found)
		return no_such_unit(unit, "is not a unit that runs here");
	*ret_main_pid = place.main_pid;
	return NULL;
}

static struct pyi_error *find_unit(const char *unit, const char *cgroup_root,
				   pyi_unit_lookup *lookup, pid_t *ret_pid)
{
	PYI_CLEANUP(deinit_search) struct search search = { .unit = unit, .root_fd = -1 };
	pid_t main_pid = 0;
	struct pyi_error *error = gather_unit(unit, cgroup_root, lookup, &search, &main_pid);

	return error ? error : choose_pid(&search, main_pid, ret_pid);
}

static struct pyi_error *no_such_group(const char *kind, const char *name, const char *why)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_UNIT, "%s %s %s",
					       kind, name, why),
			      "see: systemd-cgls; a process id can be given, too");
}

static struct pyi_error *gather_cgroup(const char *path, const char *cgroup_root,
				       struct search *search)
{
	struct pyi_error *error;

	/* The root of all is no service. */
	if (strspn(path, "/") == strlen(path))
		return no_such_group("cgroup", path, "is not that of a service");
	error = begin_search(search, cgroup_root);
	if (!error)
		error = push_places(search, path, true);
	if (!error)
		error = visit_all(search);
	if (!error && !search->found)
		error = no_such_group("cgroup", path, "is not there");
	return error;
}

static struct pyi_error *gather_container(const char *name, const char *cgroup_root,
					  struct search *search)
{
	struct pyi_error *error = begin_search(search, cgroup_root);

	search->container = true;
	if (!error)
		error = push(search, strdup(""), false);
	if (!error)
		error = visit_all(search);
	if (!error && !search->found)
		error = no_such_group("container", name, "does not run here");
	if (!error && search->ambiguous)
		error = pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_AMBIGUOUS_UNIT,
							"several containers are called %s", name),
				       "give more of the id, or cgroup:PATH");
	return error;
}

static struct pyi_error *add_pid(struct search *search, pid_t pid)
{
	if (!pyi_array_reserve(&search->pids, search->pid_count, &search->pid_capacity,
			       sizeof(*search->pids)))
		return pyi_error_no_memory();
	search->pids[search->pid_count++] = pid;
	return NULL;
}

/* In order, each once; those that are gone, or wait for their parents, are left out. */
static void tidy_pids(struct search *search)
{
	size_t kept = 0;

	if (search->pid_count)
		qsort(search->pids, search->pid_count, sizeof(*search->pids), compare_pids);
	for (size_t p = 0; p < search->pid_count; p++) {
		struct pyi_process_stat stat;

		if (kept && search->pids[kept - 1] == search->pids[p])
			continue;
		if (!pyi_process_stat_peek(search->pids[p], &stat) || stat.state == 'Z' ||
		    stat.state == 'X')
			continue;
		search->pids[kept++] = search->pids[p];
	}
	search->pid_count = kept;
}

static bool is_unit_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789:-_.\\@");

	return length && length <= UNIT_NAME_LIMIT && !name[length] && name[0] != '.';
}

/* A name may have other dots in it ("python3.11"): only a kind of unit is a suffix. */
static bool has_suffix(const char *name)
{
	static const char *const suffixes[] = { "service", "scope", "slice",
						"socket",  "mount", "swap" };
	const char *dot = strrchr(name, '.');
	size_t i;

	for (i = 0; dot && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (!strcmp(dot + 1, suffixes[i]))
			return true;
	}
	return false;
}

static struct pyi_error *bad_target(const char *name)
{
	char list[HINT_PID_LIMIT * 16];

	pyi_process_list_named(name, HINT_PID_LIMIT, list, sizeof(list));
	if (*name && list[0])
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_TARGET,
						       "'%s' is not the name of a target", name),
				      "a process of that name is: %s; give its number, or a "
				      "systemd unit (unit:NAME.service)",
				      list);
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_TARGET,
				 "'%s' is not the name of a target", name),
		"give a process id (1234), a systemd unit (unit:NAME.service), cgroup:PATH or "
		"container:ID");
}

/* "unit:NAME", whose bare name that is, becomes "NAME.service". */
static struct pyi_error *complete_unit(const char *name, const char *bare, char **ret_unit)
{
	if (!is_unit_name(bare))
		return bad_target(name);
	if (asprintf(ret_unit, "%s%s", bare, has_suffix(bare) ? "" : ".service") >= 0)
		return NULL;
	*ret_unit = NULL;
	return pyi_error_no_memory();
}

/* What is behind "unit:" and the like; NULL: it does not begin so. */
static const char *behind(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

bool pyi_target_name_is_group(const char *name)
{
	return behind(name, "unit:") || behind(name, "cgroup:") || behind(name, "container:");
}

struct pyi_error *pyi_target_name_resolve(const char *name, const char *cgroup_root,
					  pyi_unit_lookup *lookup, pid_t *ret_pid)
{
	PYI_CLEANUP(pyi_guard_free) char *unit = NULL;
	const char *bare = behind(name, "unit:");
	struct pyi_error *error;
	const char *end;
	pid_t pid;

	if (bare) {
		error = complete_unit(name, bare, &unit);
		return error || !unit ? error : find_unit(unit, cgroup_root, lookup, ret_pid);
	}
	if (!parse_pid(name, &end, &pid) || *end || !pid)
		return bad_target(name);
	*ret_pid = pid;
	return NULL;
}

struct pyi_error *pyi_target_name_group(const char *name, bool children, const char *cgroup_root,
					pyi_unit_lookup *lookup, pid_t **ret_pids,
					size_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_free) char *unit = NULL;
	PYI_CLEANUP(deinit_search) struct search search = { .root_fd = -1 };
	struct pyi_error *error = NULL;
	const char *bare;
	pid_t pid = 0;

	if ((bare = behind(name, "unit:"))) {
		error = complete_unit(name, bare, &unit);
		search.unit = unit;
		if (!error && unit)
			error = gather_unit(unit, cgroup_root, lookup, &search, &pid);
	} else if ((bare = behind(name, "cgroup:"))) {
		search.unit = bare;
		error = gather_cgroup(bare, cgroup_root, &search);
	} else if ((bare = behind(name, "container:"))) {
		search.unit = bare;
		error = is_unit_name(bare) ? gather_container(bare, cgroup_root, &search)
					   : bad_target(name);
	} else {
		error = pyi_target_name_resolve(name, cgroup_root, lookup, &pid);
		if (!error)
			error = add_pid(&search, pid);
	}
	if (!error && children)
		error = pyi_process_list_descendants(&search.pids, &search.pid_count,
						     &search.pid_capacity);
	if (error)
		return error;
	/* One that was named by its number is there or not: that is for others to say. */
	if (search.pid_count > 1 || pyi_target_name_is_group(name))
		tidy_pids(&search);
	if (!search.pid_count)
		return no_such_group("target", name, "has no process that we can see");
	if (search.pid_count > GROUP_LIMIT)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE,
					"%s has more than %d processes", name, GROUP_LIMIT);
	*ret_pids = pyi_return_ptr(search.pids);
	*ret_count = search.pid_count;
	return NULL;
}
