/*
 * What a core looks like as a process: its maps and its status as texts, and where the bytes of
 * its memory are; and tells the server of the core (core/core_server.h) so.
 *
 * For a worker without rights. Does not know Python.
 */
#ifndef PYI_CORE_CORE_PLAN_H
#define PYI_CORE_CORE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* What is to be said of a core, for people. */
struct pyi_core_facts {
	int32_t pid;
	/* It ends early: so many bytes are missing. */
	bool truncated;
	uint64_t lost_bytes;
	/* Memory that can be written to and was not written to the core. */
	uint64_t left_out_bytes;
	/* Files without a build id, which may be others; one of them, malloc'ed. */
	uint64_t unsure_count;
	char *unsure_path;
};

/*
 * Reads the core and tells the server; from then on that answers as a broker does about a process.
 * Errors: those of pyi_core_file_read(), pyi_core_binaries_find() and of the server.
 */
struct pyi_error *pyi_core_plan_send(int core_fd, int channel_fd,
				     struct pyi_core_facts *ret_facts) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_core_facts_deinit(struct pyi_core_facts *facts);

#endif
