/*
 * What fuzzers are made of: the input taken apart, expectations, errors that are dropped.
 *
 * Each fuzz_NAME.c defines LLVMFuzzerTestOneInput(). It is linked with libFuzzer, or with
 * fuzz_main.c, which needs no special compiler.
 */
#ifndef PYI_TESTS_FUZZ_H
#define PYI_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The name is libFuzzer's. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

/* Ends the program if it does not hold, without the help of a library. */
#define FUZZ_EXPECT(condition)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)

/* A function that stands for another one: the linker sends its calls here (--wrap). */
#define STUB(type, name, ...)                                                                      \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

/* What is left of an input; when nothing is, numbers are 0. */
struct fuzz_input {
	const uint8_t *bytes;
	size_t size_bytes;
};

static inline uint64_t fuzz_take(struct fuzz_input *input, size_t size_bytes)
{
	size_t size = input->size_bytes < size_bytes ? input->size_bytes : size_bytes;
	uint64_t value = 0;

	if (size)
		memcpy(&value, input->bytes, size);
	input->bytes += size;
	input->size_bytes -= size;
	return value;
}

/* All that is left as a C string of its own memory, to be freed; NULs are kept. */
static inline char *fuzz_take_text(struct fuzz_input *input)
{
	char *text = malloc(input->size_bytes + 1);

	FUZZ_EXPECT(text);
	if (input->size_bytes)
		memcpy(text, input->bytes, input->size_bytes);
	text[input->size_bytes] = '\0';
	input->size_bytes = 0;
	return text;
}

/* Drops an error, which must be a whole one; NULL is none. True if there was one. */
static inline bool fuzz_drop(struct pyi_error *error)
{
	if (!error)
		return false;
	FUZZ_EXPECT(error->exit > PYI_EXIT_OK && error->exit <= PYI_EXIT_NOT_RESTORED);
	FUZZ_EXPECT(error->code < PYI_ERROR_CODE_COUNT);
	FUZZ_EXPECT(error->message && error->message[0]);
	pyi_error_destroy(error);
	return true;
}

#endif
