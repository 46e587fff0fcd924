/*
 * A mirror: the private memory of a stopped target, copied into an empty process of ours at the
 * same addresses. For targets that must not be cloned: nothing is run in the target, and
 * nothing of it is changed; it stands still for as long as the copying takes.
 *
 * Does not stop the target, and does not know Python.
 */
#ifndef PYI_SNAPSHOT_MIRROR_H
#define PYI_SNAPSHOT_MIRROR_H

#include "base/error.h"
#include "process/maps.h"
#include "process/process.h"
#include "tracee/arch.h"

struct pyi_mirror;

/*
 * While the target runs: copies what does not change (program text), and makes room for the rest.
 * Error "mirror-failed" (exit 1).
 */
struct pyi_error *pyi_mirror_prepare(const struct pyi_process *process, const struct pyi_maps *maps,
				     struct pyi_mirror **ret_mirror) PYI_MUST_CHECK;

/*
 * While it stands still: copies what can have changed. Pages that cannot be read (behind the end of
 * a file) are left out. Errors: "mirror-failed"; "target-exited".
 */
struct pyi_error *pyi_mirror_copy(struct pyi_mirror *mirror,
				  const struct pyi_process *process) PYI_MUST_CHECK;

/*
 * Makes the process (see pyi_mirror_process_create()), which has no right that the target has not.
 * The memory of the mirror itself is given up. Error "mirror-failed".
 */
struct pyi_error *pyi_mirror_build(struct pyi_mirror *mirror, struct pyi_gadgets *ret_gadgets,
				   pid_t *ret_pid) PYI_MUST_CHECK;

/* Does not end the process that was made. NULL is fine. */
void pyi_mirror_destroy(struct pyi_mirror *mirror);

#endif
