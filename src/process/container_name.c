/*
 * The forms in which makers of containers name cgroups.
 */
#include "process/container_name.h"

#include <stdio.h>
#include <string.h>

enum {
	/* Digits of an id; and so many of them must be given. */
	CONTAINER_ID_LENGTH = 64,
	CONTAINER_ID_LEAST = 4,
};

/* What makers of containers put around the id or name in the name of a cgroup. */
static const struct {
	const char *before;
	const char *behind;
	/* It is an id, of which the beginning is enough. */
	bool is_id;
} container_names[] = {
	{ "docker-", ".scope", true },
	{ "libpod-", ".scope", true },
	{ "libpod-", "", true },
	{ "crio-", ".scope", true },
	{ "cri-containerd-", ".scope", true },
	{ "nerdctl-", ".scope", true },
	{ "", "", true },
	{ "machine-", ".scope", false },
	{ "systemd-nspawn@", ".service", false },
	{ "lxc.payload.", "", false },
};

/* `text` has nothing but the digits of an id. */
static bool is_container_id(const char *text, size_t length)
{
	return length == CONTAINER_ID_LENGTH &&
	       strspn(text, "0123456789abcdef") >= CONTAINER_ID_LENGTH;
}

/* The part of `cgroup` that form `n` has as name or id; NULL if it is not of that form. */
static const char *name_in(const char *cgroup, size_t n, size_t *ret_length)
{
	size_t before = strlen(container_names[n].before);
	size_t behind = strlen(container_names[n].behind);
	size_t length = strlen(cgroup);

	if (length <= before + behind || strncmp(cgroup, container_names[n].before, before) != 0 ||
	    strcmp(cgroup + length - behind, container_names[n].behind) != 0)
		return NULL;
	*ret_length = length - before - behind;
	if (container_names[n].is_id && !is_container_id(cgroup + before, *ret_length))
		return NULL;
	return cgroup + before;
}

bool pyi_container_name_of(const char *cgroup, char *ret_name, size_t size, bool *ret_is_id)
{
	ret_name[0] = '\0';
	for (size_t n = 0; n < sizeof(container_names) / sizeof(container_names[0]); n++) {
		size_t length;
		const char *name = name_in(cgroup, n, &length);

		if (!name)
			continue;
		snprintf(ret_name, size, "%.*s", (int)length, name);
		*ret_is_id = container_names[n].is_id;
		return true;
	}
	return false;
}

bool pyi_container_name_matches(const char *cgroup, const char *wanted)
{
	size_t wanted_length = strlen(wanted);

	for (size_t n = 0; n < sizeof(container_names) / sizeof(container_names[0]); n++) {
		size_t length;
		const char *name = name_in(cgroup, n, &length);

		if (!name || wanted_length > length || strncmp(name, wanted, wanted_length) != 0)
			continue;
		if (container_names[n].is_id ? wanted_length >= CONTAINER_ID_LEAST
					     : wanted_length == length)
			return true;
	}
	return false;
}
