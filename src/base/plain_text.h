/*
 * Which characters may be shown as they are: the one place that decides it for tables, JSON,
 * messages and whatever else people read.
 *
 * How text for a terminal is escaped is a matter of reports (report/output.h).
 */
#ifndef PYI_BASE_PLAIN_TEXT_H
#define PYI_BASE_PLAIN_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * False for what could drive a terminal, break a line, reorder or hide text, or look like nothing
 * or like a plain space: control and format characters, spaces other than U+0020, line and
 * paragraph separators, characters that are to be ignored where they are not known, surrogates,
 * private use and noncharacters.
 */
bool pyi_plain_text_is_shown(uint32_t code_point);

/* A copy of `text` in which each byte that is no UTF-8 is U+FFFD; the caller owns it; NULL without
 * memory. */
char *pyi_plain_text_make_utf8(const char *text);

/*
 * Prints JSON, as cJSON made it. What is not shown as it is becomes \uXXXX, which means the same,
 * and bytes that are no UTF-8 become U+FFFD.
 */
void pyi_plain_text_put_json(FILE *stream, const char *json);

#endif
