/*
 * Asks systemd where a unit is.
 *
 * Asks the manager of the host only, never one of a user, and changes nothing.
 */
#ifndef PYI_BUS_SYSTEMD_H
#define PYI_BUS_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

#include "process/target_name.h"

enum {
	PYI_SYSTEMD_MS = 2000,
};

/*
 * Asks over systemd's private socket (root only), else over the system bus, for PYI_SYSTEMD_MS at
 * most: a pyi_unit_lookup. No answer where systemd does not run, or may not be asked.
 */
enum pyi_unit_answer pyi_systemd_find_unit(const char *unit, struct pyi_unit_place *ret_place);

/* The same of whoever listens at `path`: a bus, or with `direct` systemd itself. */
enum pyi_unit_answer pyi_systemd_ask(const char *path, bool direct, const char *unit,
				     uint64_t deadline_ns, struct pyi_unit_place *ret_place);

#endif
