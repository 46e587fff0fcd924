/*
 * The message bus that a target is connected to: finds it as the target would, and asks it who is
 * there. Over sd-bus; asks the bus daemon only, never the target.
 *
 * Knows processes, not Python.
 */
#ifndef PYI_BUS_BUS_H
#define PYI_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "process/process.h"

enum pyi_bus_kind {
	PYI_BUS_SYSTEM,
	PYI_BUS_SESSION,
};

struct pyi_bus;

/*
 * Connects to the target's own bus: the address in its environment (DBUS_SYSTEM_BUS_ADDRESS or
 * DBUS_SESSION_BUS_ADDRESS in /proc/PID/environ), else the system bus' usual socket or the
 * session's $XDG_RUNTIME_DIR/bus; paths are looked up below /proc/PID/root and nowhere else
 * (symbolic links too). Addresses other than unix:path= and unix:abstract= are refused (abstract:
 * only if the target shares our network namespace). We authenticate as ourselves. No wait heeds
 * signals: a deadline is a few seconds.
 *
 * Errors (exit 1): "no-bus" (says what was tried and why not), "bus-refused" (authentication),
 * "timeout"; and those of pyi_process_open_file() if the target may not be looked into.
 */
struct pyi_error *pyi_bus_open(const struct pyi_process *process, enum pyi_bus_kind kind,
			       uint64_t deadline_ns, struct pyi_bus **ret_bus) PYI_MUST_CHECK;

/* What was connected to, for people: "unix:path=/run/dbus/system_bus_socket". */
const char *pyi_bus_address(const struct pyi_bus *bus);

/*
 * Calls back with each name on the bus (ListNames), of 1 to 255 printable ASCII bytes without
 * spaces; what is not such a name is passed over. An error of `name` ends it and is returned.
 * Errors: "no-bus" (also for more than a million names), "timeout"; after either the bus is of no
 * more use.
 */
struct pyi_error *pyi_bus_list_names(struct pyi_bus *bus, uint64_t deadline_ns,
				     struct pyi_error *(*name)(void *argument, const char *name),
				     void *argument) PYI_MUST_CHECK;

/* NULL is fine. */
void pyi_bus_close(struct pyi_bus *bus);

#endif
