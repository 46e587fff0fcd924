/*
 * Whether somebody else, a userfaultfd, fills in the missing pages of a target's mapping.
 *
 * Reads a text only: /proc/PID/smaps.
 */
#ifndef PYI_SNAPSHOT_MONITORED_H
#define PYI_SNAPSHOT_MONITORED_H

#include <stdbool.h>

#include "process/maps.h"

/*
 * True if so: "um", "uw", "ui" of the map's VmFlags. To be asked in the order of addresses;
 * `cursor` begins at the start of smaps, and is moved.
 */
bool pyi_monitored_map(const char **cursor, const struct pyi_map *map);

#endif
