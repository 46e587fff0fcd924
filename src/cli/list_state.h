/*
 * What `list` remembers of the processes: how much memory each had, for the next list to say what
 * grew. A text of numbers, which whoever reads it takes for hostile all the same.
 *
 * Pure: does not know where it is kept.
 */
#ifndef PYI_CLI_LIST_STATE_H
#define PYI_CLI_LIST_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "report/list.h"

enum {
	/* 200,000 processes. */
	PYI_LIST_STATE_LIMIT = 8 << 20,
};

/*
 * Fills in what the processes of the report had by `text`, and when that was. Of another boot, or
 * if it is damaged, it says nothing, which is then said.
 */
void pyi_list_state_compare(const char *text, const char *boot_id, struct pyi_list_report *report);

/* The text for the next list; the caller frees it; NULL without memory. */
char *pyi_list_state_write(const struct pyi_list_report *report, const char *boot_id,
			   int64_t now_s);

#endif
