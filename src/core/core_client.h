/*
 * What a worker asks the server of a core beside the requests of a broker (core/core_wire.h).
 *
 * Errors are those of the server's side, and PYI_ERROR_BROKER_LOST (exit 1) when it is gone.
 */
#ifndef PYI_CORE_CORE_CLIENT_H
#define PYI_CORE_CORE_CLIENT_H

#include <stddef.h>

#include "base/error.h"
#include "core/core_wire.h"

/* A descriptor of the ELF file at `path`; -1: there is none, and `ret_error_number` says why. */
struct pyi_error *pyi_core_client_open_file(int channel_fd, const char *path, int *ret_fd,
					    int *ret_error_number) PYI_MUST_CHECK;

/* Adds to a part, however long it is. */
struct pyi_error *pyi_core_client_send(int channel_fd, enum pyi_core_part part, const void *bytes,
				       size_t size_bytes) PYI_MUST_CHECK;

#endif
