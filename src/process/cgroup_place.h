/*
 * Which unit of systemd or which container a process is in, by the text of /proc/PID/cgroup.
 *
 * Pure: asks nobody, and does not say whether the manager knows of it. Names are any bytes.
 */
#ifndef PYI_PROCESS_CGROUP_PLACE_H
#define PYI_PROCESS_CGROUP_PLACE_H

#include <stdbool.h>

struct pyi_cgroup_place {
	/* "unit:" or "container:" can stand before it. */
	bool is_container;
	/* "" if it is in none, or that is not known (in a cgroup namespace, for one). */
	char name[256];
};

/*
 * The innermost container among the cgroups on the way from the root, else the first one that is
 * not a slice, if it is a service or scope. A name below a user's manager is whatever that user
 * wants, so the way ends there: all that is said of it is "user@1000.service". Of an id of a
 * container the first 12 digits are kept.
 */
void pyi_cgroup_place_of(const char *text, struct pyi_cgroup_place *ret_place);

#endif
