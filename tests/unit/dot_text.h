/*
 * Reads a picture as strictly as pyinspect writes one, for tests: what is no such text fails them.
 */
#ifndef PYI_TEST_DOT_TEXT_H
#define PYI_TEST_DOT_TEXT_H

#include <stddef.h>

struct dot_counts {
	size_t nodes;
	size_t edges;
	/* Bytes of the longest label of these. */
	size_t longest;
};

struct dot_counts assert_dot(const char *text);

#endif
