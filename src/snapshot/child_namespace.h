/*
 * Do the children of a process go to another pid namespace than its own?
 *
 * Does not look at other kinds of namespaces, which a child shares with its parent.
 */
#ifndef PYI_SNAPSHOT_CHILD_NAMESPACE_H
#define PYI_SNAPSHOT_CHILD_NAMESPACE_H

#include <stdbool.h>

#include "process/process.h"

/*
 * True if one thread at least has called unshare(CLONE_NEWPID) or setns() to a pid namespace. The
 * first child it makes is process 1 there, and when that dies no other can be made any more.
 */
bool pyi_child_namespace_is_another(const struct pyi_process *process);

#endif
