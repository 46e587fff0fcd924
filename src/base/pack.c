/*
 * Appends values to bytes, and takes them off again. Knows no types but numbers and texts.
 */
#include "base/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The length that stands for NULL. */
#define NO_TEXT UINT64_MAX

static void append(struct pyi_packer *packer, const void *bytes, size_t size_bytes)
{
	if (packer->failed || !size_bytes)
		return;
	if (packer->capacity - packer->size_bytes < size_bytes) {
		size_t capacity = 2 * packer->capacity + size_bytes;
		char *larger = realloc(packer->bytes, capacity);

		if (!larger) {
			packer->failed = true;
			return;
		}
		packer->bytes = larger;
		packer->capacity = capacity;
	}
	memcpy(packer->bytes + packer->size_bytes, bytes, size_bytes);
	packer->size_bytes += size_bytes;
}

void pyi_pack_number(struct pyi_packer *packer, uint64_t value)
{
	append(packer, &value, sizeof(value));
}

void pyi_pack_real(struct pyi_packer *packer, double value)
{
	append(packer, &value, sizeof(value));
}

void pyi_pack_bytes(struct pyi_packer *packer, const void *bytes, size_t size_bytes)
{
	pyi_pack_number(packer, size_bytes);
	append(packer, bytes, size_bytes);
}

void pyi_pack_text(struct pyi_packer *packer, const char *text)
{
	if (text)
		pyi_pack_bytes(packer, text, strlen(text));
	else
		pyi_pack_number(packer, NO_TEXT);
}

void pyi_packer_deinit(struct pyi_packer *packer)
{
	free(packer->bytes);
	*packer = (struct pyi_packer){ 0 };
}

/* The next bytes; NULL if there are not so many. */
static const char *take(struct pyi_unpacker *unpacker, uint64_t size_bytes)
{
	const char *taken = unpacker->at;

	if (unpacker->failed || (uint64_t)(unpacker->end - unpacker->at) < size_bytes) {
		unpacker->failed = true;
		return NULL;
	}
	unpacker->at += size_bytes;
	return taken;
}

uint64_t pyi_unpack_number(struct pyi_unpacker *unpacker, uint64_t most)
{
	const char *bytes = take(unpacker, sizeof(uint64_t));
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	if (value <= most)
		return value;
	unpacker->failed = true;
	return 0;
}

double pyi_unpack_real(struct pyi_unpacker *unpacker)
{
	const char *bytes = take(unpacker, sizeof(double));
	double value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	if (isfinite(value))
		return value;
	unpacker->failed = true;
	return 0;
}

char *pyi_unpack_bytes(struct pyi_unpacker *unpacker, size_t most, size_t *ret_size)
{
	uint64_t size_bytes = pyi_unpack_number(unpacker, UINT64_MAX);
	const char *bytes;
	char *copy;

	*ret_size = 0;
	if (unpacker->failed || size_bytes == NO_TEXT)
		return NULL;
	bytes = size_bytes <= most ? take(unpacker, size_bytes) : NULL;
	copy = bytes ? malloc((size_t)size_bytes + 1) : NULL;
	if (!copy) {
		unpacker->failed = true;
		return NULL;
	}
	memcpy(copy, bytes, (size_t)size_bytes);
	copy[size_bytes] = '\0';
	*ret_size = (size_t)size_bytes;
	return copy;
}

char *pyi_unpack_text(struct pyi_unpacker *unpacker, size_t most)
{
	size_t size_bytes;
	char *text = pyi_unpack_bytes(unpacker, most, &size_bytes);

	if (!text || strlen(text) == size_bytes)
		return text;
	free(text);
	unpacker->failed = true;
	return NULL;
}

bool pyi_unpack_is_complete(const struct pyi_unpacker *unpacker)
{
	return !unpacker->failed && unpacker->at == unpacker->end;
}
