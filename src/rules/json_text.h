/*
 * Whether a text is JSON to the letter (RFC 8259), before cJSON reads it, which takes more.
 */
#ifndef PYI_RULES_JSON_TEXT_H
#define PYI_RULES_JSON_TEXT_H

#include <stddef.h>

#include "base/error.h"

enum {
	/* Of the deepest value: far more than any rule file needs. */
	PYI_JSON_DEPTH_LIMIT = 16,
};

/* NULL or an error "bad-rules" that names line and column. Strings must be UTF-8 without NUL. Which
 * token may follow which is left to cJSON. */
struct pyi_error *pyi_json_text_check(const char *text, size_t length) PYI_MUST_CHECK;

/* Line and column, from 1, of the byte at `at`. */
void pyi_json_text_place(const char *text, size_t at, size_t *ret_line, size_t *ret_column);

#endif
