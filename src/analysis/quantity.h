/*
 * Counts, bytes and rates in words, for sentences: "20,001", "1.5 GiB", "62 an hour".
 */
#ifndef PYI_ANALYSIS_QUANTITY_H
#define PYI_ANALYSIS_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PYI_QUANTITY_TEXT = 48,
};

/* Writes it into `text` and returns that. Any number, also negative ones and ones that are not
 * finite. */
const char *pyi_quantity_count(char text[PYI_QUANTITY_TEXT], double count);
const char *pyi_quantity_bytes(char text[PYI_QUANTITY_TEXT], double bytes);

/* "23 h", "40 min", "5 days" */
const char *pyi_quantity_duration(char text[PYI_QUANTITY_TEXT], int64_t seconds);

#endif
