/*
 * Memory pressure as the kernel measures it (PSI): of the host, and of a process' cgroup.
 *
 * Does not decide what follows from it, but says from when on it is pressure. A kernel that does
 * not measure it is no failure: then nothing is known.
 */
#ifndef PYI_PROCESS_PRESSURE_H
#define PYI_PROCESS_PRESSURE_H

#include <stdbool.h>

#include "base/error.h"
#include "process/process.h"

/* Where they are; other places in tests. */
#define PYI_PRESSURE_HOST_FILE "/proc/pressure/memory"
#define PYI_PRESSURE_CGROUP_ROOT "/sys/fs/cgroup"

struct pyi_pressure {
	bool known;
	/* Why it is not known; a static string; NULL if it is. */
	const char *why;
	/* Percent of the last ten seconds in which some task, or every one that had something to
	 * do, waited for memory. */
	double some_percent;
	double full_percent;
};

/* Of the host. A file that cannot be read or understood is not known. */
void pyi_pressure_read_host(const char *file, struct pyi_pressure *ret_pressure);

/*
 * Of the cgroup (v2) that a process is in; the memory of a snapshot is charged there, too. Not
 * known for a process in no such cgroup, or in one that cannot be seen from here.
 */
void pyi_pressure_read_group(const struct pyi_process *process, const char *cgroup_root,
			     struct pyi_pressure *ret_pressure);

/* Pure parser of a pressure file; false if it is none. */
bool pyi_pressure_parse(const char *text, struct pyi_pressure *ret_pressure);

/*
 * Error "memory-pressure", with that exit code, if one of the two is under pressure; NULL: no, or
 * nothing is known. A snapshot makes the process' writes copy pages: where memory is short that
 * makes things worse for everybody, and can make somebody be killed.
 */
struct pyi_error *pyi_pressure_refusal(const struct pyi_pressure *host,
				       const struct pyi_pressure *group,
				       enum pyi_exit exit) PYI_MUST_CHECK;

#endif
