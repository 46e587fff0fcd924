/*
 * What a compiler may call in freestanding code although nobody wrote it: copying and filling
 * of structs. Only for the payload; not for speed.
 */
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size_bytes);
void *memset(void *to, int value, size_t size_bytes);

void *memcpy(void *to, const void *from, size_t size_bytes)
{
	unsigned char *target = to;
	const unsigned char *source = from;

	for (size_t i = 0; i < size_bytes; i++)
		target[i] = source[i];
	return to;
}

void *memset(void *to, int value, size_t size_bytes)
{
	unsigned char *target = to;

	for (size_t i = 0; i < size_bytes; i++)
		target[i] = (unsigned char)value;
	return to;
}
