/*
 * In place of the message bus and of systemd, in a build without libsystemd: there is nobody to
 * ask.
 */
#include <stddef.h>

#include "bus/bus.h"
#include "bus/systemd.h"

struct pyi_error *pyi_bus_open(const struct pyi_process *process, enum pyi_bus_kind kind,
			       uint64_t deadline_ns, struct pyi_bus **ret_bus)
{
	(void)process;
	(void)kind;
	(void)deadline_ns;
	(void)ret_bus;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_NO_BUS,
					       "this pyinspect was built without libsystemd, and "
					       "cannot ask a message bus"),
			      "use one that was built with -Dsystemd=enabled");
}

/* There is no bus that was opened. */
const char *pyi_bus_address(const struct pyi_bus *bus)
{
	(void)bus;
	return "";
}

struct pyi_error *pyi_bus_list_names(struct pyi_bus *bus, uint64_t deadline_ns,
				     struct pyi_error *(*name)(void *argument, const char *name),
				     void *argument)
{
	(void)bus;
	(void)deadline_ns;
	(void)name;
	(void)argument;
	return pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_NO_BUS, "there is no bus");
}

void pyi_bus_close(struct pyi_bus *bus)
{
	(void)bus;
}

enum pyi_unit_answer pyi_systemd_find_unit(const char *unit, struct pyi_unit_place *ret_place)
{
	(void)unit;
	(void)ret_place;
	return PYI_UNIT_NO_ANSWER;
}
