/*
 * The figures of one sample as bytes: numbers of seven bits a byte, names as differences.
 *
 * Does not know what the names are.
 */
#include <stdlib.h>

#include "history/store.h"

static uint8_t *put(uint8_t *to, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		*to++ = (uint8_t)(number | 0x80);
	*to++ = (uint8_t)number;
	return to;
}

static bool take(const uint8_t **bytes, size_t *size, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned shift = 0, used = 0; used < *size && shift < 64; shift += 7) {
		uint64_t bits = (*bytes)[used] & 0x7f;

		if (bits << shift >> shift != bits)
			return false;
		number |= bits << shift;
		if (!((*bytes)[used++] & 0x80)) {
			*bytes += used;
			*size -= used;
			*ret_number = number;
			return true;
		}
	}
	return false;
}

static int by_name(const void *left, const void *right)
{
	const struct pyi_history_packed *a = left;
	const struct pyi_history_packed *b = right;

	return (a->name > b->name) - (a->name < b->name);
}

size_t pyi_history_pack(struct pyi_history_packed *figures, size_t count, uint8_t *ret_bytes)
{
	uint8_t *to = ret_bytes;
	uint64_t last = 0;

	if (count)
		qsort(figures, count, sizeof(*figures), by_name);
	for (size_t f = 0; f < count; f++) {
		to = put(to, figures[f].name - last);
		to = put(to, figures[f].count);
		to = put(to, figures[f].bytes);
		last = figures[f].name;
	}
	return (size_t)(to - ret_bytes);
}

bool pyi_history_unpack(const uint8_t **bytes, size_t *size, struct pyi_history_packed *figure)
{
	const uint8_t *at = *bytes;
	size_t left = *size;
	uint64_t step;
	struct pyi_history_packed next;

	if (!left || !take(&at, &left, &step) || !step ||
	    __builtin_add_overflow(figure->name, step, &next.name) ||
	    !take(&at, &left, &next.count) || !take(&at, &left, &next.bytes))
		return false;
	*bytes = at;
	*size = left;
	*figure = next;
	return true;
}
