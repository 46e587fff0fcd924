/*
 * The size of this kernel's pages: 4 KB on x86_64; 4, 16 or 64 KB on aarch64. Huge pages are
 * another matter.
 */
#ifndef PYI_BASE_PAGE_H
#define PYI_BASE_PAGE_H

#include <stdint.h>
#include <sys/auxv.h>

enum {
	/* No kernel has smaller pages; theirs are a multiple of this, so it is whole or not there.
	 */
	PYI_PAGE_LEAST_BYTES = 4096,
	/* None has larger ones. */
	PYI_PAGE_MOST_BYTES = 65536,
};

static inline uint64_t pyi_page_bytes(void)
{
	return getauxval(AT_PAGESZ);
}

#endif
