/*
 * Parts of the memory of a process that are kept without it: any bytes at any addresses.
 *
 * Does not know what they mean, nor where they come from.
 */
#ifndef PYI_PROCESS_MEMORY_IMAGE_H
#define PYI_PROCESS_MEMORY_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pyi_memory_image;

/* NULL without memory. */
struct pyi_memory_image *pyi_memory_image_create(void);
/* Safe on NULL. */
void pyi_memory_image_destroy(struct pyi_memory_image *image);

/*
 * Keeps `size_bytes` at `addr`; what was there is replaced. False, and part of it may be there, if
 * it wraps around, without memory, or if there is no room: an image is at most 64 MiB.
 */
bool pyi_memory_image_add(struct pyi_memory_image *image, uint64_t addr, const void *bytes,
			  size_t size_bytes);

/* False, and nothing is set, if one byte of it is not kept. */
bool pyi_memory_image_read(const struct pyi_memory_image *image, uint64_t addr, void *ret_bytes,
			   size_t size_bytes);

/*
 * Calls back for what is kept, in the order of addresses; what touches comes as one, up to 64 KiB.
 * Errors: those of the callback.
 */
struct pyi_error *pyi_memory_image_each(const struct pyi_memory_image *image,
					struct pyi_error *(*range)(void *argument, uint64_t addr,
								   const uint8_t *bytes,
								   size_t size_bytes),
					void *argument) PYI_MUST_CHECK;

#endif
