/*
 * The frames of a greenlet that is suspended, which its type says nothing of.
 *
 * Everything is untrusted, as in objects.h; the chain of frames is bounded.
 */
#ifndef PYI_PYTHON_SUSPENDED_H
#define PYI_PYTHON_SUSPENDED_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/greenlet_frames.h>

#include "process/memory_reader.h"
#include "python/runtime.h"

/*
 * The innermost frame of an instance of a greenlet type; false if it has none, or in versions where
 * frames are objects that lead on by themselves (up to 3.10).
 */
bool pyi_suspended_first(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t type_addr, uint64_t greenlet,
			 struct pyi_greenlet_frame *ret_frame);
/* The one that called it; false at the end. */
bool pyi_suspended_next(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			struct pyi_greenlet_frame *frame);

#endif
