/*
 * How podman, docker, containerd, cri-o, LXC and systemd-nspawn name the cgroup of a container.
 *
 * Asks none of them: they may not run, and whoever may ask them can do more than look.
 */
#ifndef PYI_PROCESS_CONTAINER_NAME_H
#define PYI_PROCESS_CONTAINER_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a cgroup (the last part of its path) is that of a container, and what that is called: its
 * whole id, or its name; "" and false if it is none.
 */
bool pyi_container_name_of(const char *cgroup, char *ret_name, size_t size, bool *ret_is_id);

/*
 * Whether a cgroup (the last part of its path) is that of the container `wanted`: its id or at
 * least 4 digits of the beginning of that, or its name, where that is what the cgroup is called by.
 */
bool pyi_container_name_matches(const char *cgroup, const char *wanted);

#endif
