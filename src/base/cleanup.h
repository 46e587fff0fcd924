/*
 * Scope guards: what a block owns is given back when the block is left.
 *
 * Does not hand over ownership by itself: pyi_return_ptr() does, and belongs
 * after the last step that can fail.
 */
#ifndef PYI_BASE_CLEANUP_H
#define PYI_BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

#define PYI_CLEANUP(function) __attribute__((cleanup(function)))

/* Gives the pointer's value to the caller and disarms the guard. */
#define pyi_return_ptr(pointer)                                                                    \
	({                                                                                         \
		__auto_type pyi_returned = (pointer);                                              \
		(pointer) = NULL;                                                                  \
		pyi_returned;                                                                      \
	})

/* Makes a guard `pyi_guard_<name>` for pointers that `destroy` frees. */
#define PYI_DEFINE_GUARD(name, type, destroy)                                                      \
	static inline void pyi_guard_##name(type **pointer)                                        \
	{                                                                                          \
		destroy(*pointer);                                                                 \
	}

static inline void pyi_guard_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Closes a descriptor if it is one (-1 is none) and leaves errno alone. */
static inline void pyi_guard_fd(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

static inline void pyi_guard_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void pyi_guard_error(struct pyi_error **error)
{
	pyi_error_destroy(*error);
}

#endif
