/*
 * What a compiler may call in freestanding code although nobody wrote it: copying and filling
 * of structs, which are a few words long. Only for the payload.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size_bytes);
void *memset(void *to, int value, size_t size_bytes);

void *memcpy(void *to, const void *from, size_t size_bytes)
{
	unsigned char *target = to;
	const unsigned char *source = from;
	size_t i = 0;

	for (; i + sizeof(uint64_t) <= size_bytes; i += sizeof(uint64_t)) {
		uint64_t word;

		__builtin_memcpy(&word, source + i, sizeof(word));
		__builtin_memcpy(target + i, &word, sizeof(word));
	}
	for (; i < size_bytes; i++)
		target[i] = source[i];
	return to;
}

void *memset(void *to, int value, size_t size_bytes)
{
	const uint64_t word = (unsigned char)value * UINT64_C(0x0101010101010101);
	unsigned char *target = to;
	size_t i = 0;

	for (; i + sizeof(word) <= size_bytes; i += sizeof(word))
		__builtin_memcpy(target + i, &word, sizeof(word));
	for (; i < size_bytes; i++)
		target[i] = (unsigned char)value;
	return to;
}
