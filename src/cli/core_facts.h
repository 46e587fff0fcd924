/*
 * What a worker says of the core that it looks at.
 */
#ifndef PYI_CLI_CORE_FACTS_H
#define PYI_CLI_CORE_FACTS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "cli/inspection.h"

/*
 * Reads the core, tells the server, and notes in the inspection what is wrong with
 * it. `ret_pid` is what its process was.
 */
struct pyi_error *pyi_core_facts_begin(struct pyi_inspection *inspection,
				       pid_t *ret_pid) PYI_MUST_CHECK;

/* When the core was written, in ms since 1970; 0: not known. */
uint64_t pyi_core_facts_taken_ms(const struct pyi_options *options);

#endif
