/*
 * What has become of a process that left the memory it was looked at in: see process/program.h.
 */
#ifndef PYI_PROCESS_ANOTHER_PROGRAM_H
#define PYI_PROCESS_ANOTHER_PROGRAM_H

#include <stdbool.h>

#include "process/process.h"

/*
 * Of a process that left its pinned memory: true if it has other memory now, so runs another
 * program; false if it has none, so is about to end, which may take long when that memory was
 * large, and until when it looks alive. True as well if the new memory may not be opened.
 */
bool pyi_program_is_another(const struct pyi_process *process);

#endif
