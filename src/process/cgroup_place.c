/*
 * Goes through the parts of one path.
 */
#include "process/cgroup_place.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "process/container_name.h"

/* As docker and podman show ids. */
enum {
	SHOWN_ID_LENGTH = 12,
};

#define USER_MANAGER "user@"

/*
 * The path of the line that counts: that of systemd's own hierarchy ("0::/..." or
 * "1:name=systemd:/..."), else the first one. `ret_length` is without the newline.
 */
static const char *choose_path(const char *text, size_t *ret_length)
{
	const char *chosen = NULL;

	*ret_length = 0;
	while (*text) {
		const char *end = text + strcspn(text, "\n");
		const char *controllers = memchr(text, ':', (size_t)(end - text));
		const char *path =
			controllers ? memchr(controllers + 1, ':', (size_t)(end - controllers - 1))
				    : NULL;
		bool own = path && (strncmp(controllers, "::", 2) == 0 ||
				    strncmp(controllers, ":name=systemd:", 14) == 0);

		if (path && (!chosen || own) && path[1] == '/') {
			chosen = path + 1;
			*ret_length = (size_t)(end - chosen);
			/* Where both are, that of version 2 may be empty. */
			if (own && *ret_length > 1)
				break;
		}
		text = *end ? end + 1 : end;
	}
	return chosen;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t length = strlen(name);

	return length > strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

void pyi_cgroup_place_of(const char *text, struct pyi_cgroup_place *ret_place)
{
	size_t left;
	const char *at = choose_path(text, &left);
	bool in_unit = false;

	*ret_place = (struct pyi_cgroup_place){ 0 };
	while (at && left) {
		const char *slash = memchr(at, '/', left);
		size_t length = slash ? (size_t)(slash - at) : left;
		char part[sizeof(ret_place->name)];
		char container[sizeof(ret_place->name)];
		bool is_id;

		/* A cgroup's name has at most 255 bytes, as that of any file. */
		snprintf(part, sizeof(part), "%.*s", (int)length, at);
		at += length + (slash != NULL);
		left -= length + (slash != NULL);
		if (pyi_container_name_of(part, container, sizeof(container), &is_id)) {
			ret_place->is_container = true;
			snprintf(ret_place->name, sizeof(ret_place->name), "%.*s",
				 is_id ? SHOWN_ID_LENGTH : (int)sizeof(container), container);
			in_unit = true;
		} else if (!in_unit && !ends_with(part, ".slice")) {
			if (ends_with(part, ".service") || ends_with(part, ".scope"))
				snprintf(ret_place->name, sizeof(ret_place->name), "%s", part);
			/* What is below a cgroup of no known kind is nothing of systemd's. */
			in_unit = *part != '\0';
		}
		if (strncmp(part, USER_MANAGER, strlen(USER_MANAGER)) == 0)
			break;
	}
}
