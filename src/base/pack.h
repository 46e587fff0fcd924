/*
 * Values in a row of bytes: written by one process of ours, read by another that does not trust it.
 *
 * Numbers have 8 bytes in this machine's order, texts a length before them. Both sides must agree
 * on the order: nothing in the bytes says what is next. A failure is noted and everything after it
 * does nothing, so that it is asked for once, at the end.
 */
#ifndef PYI_BASE_PACK_H
#define PYI_BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pyi_packer {
	char *bytes;
	size_t size_bytes;
	size_t capacity;
	/* There was not enough memory. */
	bool failed;
};

void pyi_pack_number(struct pyi_packer *packer, uint64_t value);
void pyi_pack_real(struct pyi_packer *packer, double value);
/* NULL is not the same as "". */
void pyi_pack_text(struct pyi_packer *packer, const char *text);
/* The same for bytes that need not be a C string. */
void pyi_pack_bytes(struct pyi_packer *packer, const void *bytes, size_t size_bytes);
/* Safe on a zeroed struct. */
void pyi_packer_deinit(struct pyi_packer *packer);

struct pyi_unpacker {
	const char *at;
	const char *end;
	/* Something is not as it should be, or there was not enough memory. */
	bool failed;
};

/* 0 on failure; a number above `most` is one. */
uint64_t pyi_unpack_number(struct pyi_unpacker *unpacker, uint64_t most);
/* 0 on failure; what is not finite is one. */
double pyi_unpack_real(struct pyi_unpacker *unpacker);
/*
 * To be freed by the caller; NULL on failure, and for a NULL. A text of more than `most` bytes, or
 * with a NUL in it, is a failure.
 */
char *pyi_unpack_text(struct pyi_unpacker *unpacker, size_t most);
/* Bytes, with a NUL behind them; as above. */
char *pyi_unpack_bytes(struct pyi_unpacker *unpacker, size_t most, size_t *ret_size);
/* True if nothing failed and nothing is left. */
bool pyi_unpack_is_complete(const struct pyi_unpacker *unpacker);

#endif
