/*
 * The process that reads /proc of many processes: for `list`, and for a hint at the child that was
 * meant. It may look at processes of others, and that is all it may.
 *
 * Attaches to nothing, writes to nothing that it has not been given, starts nothing. What it reads
 * is handed on as it is; whoever takes it to pieces has no rights (broker/worker.h).
 */
#ifndef PYI_BROKER_READER_H
#define PYI_BROKER_READER_H

#include "base/error.h"

/*
 * Takes from this process, for good, all capabilities but CAP_SYS_PTRACE (if it has that), which
 * the kernel asks for before it shows what another user's process has mapped; and all system calls
 * but those for reading files, for passing on what was read on descriptors that are open, for
 * memory, time and the end. The user stays. Error PYI_ERROR_WORKER_LOST (exit 1): the process must
 * end then.
 */
struct pyi_error *pyi_reader_confine(void) PYI_MUST_CHECK;

#endif
