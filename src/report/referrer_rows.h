/*
 * The lines of the reports of `referrers` and `referents`: groups of references, each before its
 * own referrers, and what the limit left out. For report/referrers.c.
 */
#ifndef PYI_REPORT_REFERRER_ROWS_H
#define PYI_REPORT_REFERRER_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/referrers.h"

/* A line of the report: a group, or what the limit left out of a level. */
struct pyi_referrer_row {
	/* NULL: the rest. */
	const struct pyi_referrer_group *group;
	/* 0: those who refer to what was asked for. */
	unsigned level;
	uint64_t rest_groups;
	uint64_t rest_references;
	/* Of all groups of its list. */
	uint64_t list_references;
};

/* All lines; those of a group come behind it, a level deeper. */
struct pyi_referrer_rows {
	struct pyi_referrer_row *rows;
	size_t count;
	size_t capacity;
};

/* `ret_rows->rows` is the caller's, also without memory; then false. */
bool pyi_referrer_rows_lay_out(const struct pyi_referrers_report *report,
			       struct pyi_referrer_rows *ret_rows) PYI_MUST_CHECK;

/* What the limit leaves out of a list. */
struct pyi_referrer_row pyi_referrer_rows_rest(const struct pyi_referrers_report *report,
					       const struct pyi_referrer_list *list,
					       unsigned level);

#endif
