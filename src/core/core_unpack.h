/*
 * A core that zstd has compressed, as systemd-coredump keeps it: unpacked to a file without a name,
 * which can be mapped.
 *
 * What somebody else's memory was packed into is read by a process of its own, without rights
 * (broker/worker.h). Does not know what a core is.
 */
#ifndef PYI_CORE_CORE_UNPACK_H
#define PYI_CORE_CORE_UNPACK_H

#include <stdint.h>

#include "base/error.h"

struct pyi_core_packed {
	/* To read from where it is. */
	int fd;
	/* Where there is room for all of it. Seven eighths of what is free there may be used. */
	const char *folder;
	/* Address space that unpacking may take. */
	uint64_t memory_bytes;
	/* As base/clock.h. */
	uint64_t deadline_ns;
	/* Called now and then with how much is there; NULL: nobody wants to know. */
	void (*progress)(void *argument, uint64_t bytes);
	void *argument;
};

/*
 * A descriptor of the file, which is gone when that is closed, and its size. Pages of zeros are
 * holes. One that ends too early is unpacked as far as it goes. pyi_wait_init() must have been
 * called.
 *
 * Errors (nothing is left then): PYI_ERROR_BAD_CORE for damaged data; PYI_ERROR_OUTPUT_FAILED for
 * want of room, PYI_ERROR_MEMORY_SHORT, PYI_ERROR_WORKER_LOST, and those of the user and the
 * deadline (exit 1); of a build without libzstd PYI_ERROR_USAGE (exit 2).
 */
struct pyi_error *pyi_core_unpack(const struct pyi_core_packed *packed, int *ret_fd,
				  uint64_t *ret_bytes) PYI_MUST_CHECK;

#endif
