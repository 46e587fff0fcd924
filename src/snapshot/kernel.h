/*
 * What no kernel that pyinspect is for can lack: asked once, so that an emulator of a kernel, or
 * one built for something small, is called what it is, and not a process that cannot be looked
 * into.
 *
 * What only newer kernels have is asked for where it is used, and done without.
 */
#ifndef PYI_SNAPSHOT_KERNEL_H
#define PYI_SNAPSHOT_KERNEL_H

#include "base/error.h"

/* Error "kernel-lacks" (exit 1) names the call that is not there. */
struct pyi_error *pyi_kernel_check(void) PYI_MUST_CHECK;

#endif
