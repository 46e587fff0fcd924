/*
 * Lays groups of references out as lines, without recursion. Does not print them.
 */
#include "report/referrer_rows.h"

#include "base/array.h"

static size_t shown_groups(const struct pyi_referrers_report *report,
			   const struct pyi_referrer_list *list)
{
	return report->limit && report->limit < list->count ? (size_t)report->limit : list->count;
}

static void add(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

struct pyi_referrer_row pyi_referrer_rows_rest(const struct pyi_referrers_report *report,
					       const struct pyi_referrer_list *list, unsigned level)
{
	size_t shown = shown_groups(report, list);
	struct pyi_referrer_row row = { .level = level, .rest_groups = list->count - shown };

	for (size_t i = 0; i < list->count; i++)
		add(i < shown ? &row.list_references : &row.rest_references,
		    list->groups[i].references);
	add(&row.list_references, row.rest_references);
	return row;
}

static bool append(struct pyi_referrer_rows *rows, struct pyi_referrer_row row)
{
	if (!pyi_array_reserve(&rows->rows, rows->count, &rows->capacity, sizeof(*rows->rows)))
		return false;
	rows->rows[rows->count++] = row;
	return true;
}

bool pyi_referrer_rows_lay_out(const struct pyi_referrers_report *report,
			       struct pyi_referrer_rows *rows)
{
	struct {
		const struct pyi_referrer_list *list;
		size_t next;
		struct pyi_referrer_row rest;
	} levels[PYI_REFERRERS_LEVELS] = { { .list = &report->referrers->list } };
	unsigned depth = 1;

	levels[0].rest = pyi_referrer_rows_rest(report, levels[0].list, 0);
	while (depth) {
		const struct pyi_referrer_list *list = levels[depth - 1].list;
		const struct pyi_referrer_row *rest = &levels[depth - 1].rest;
		size_t next = levels[depth - 1].next++;
		const struct pyi_referrer_group *group;

		if (next == shown_groups(report, list)) {
			depth--;
			if (rest->rest_groups && !append(rows, *rest))
				return false;
			continue;
		}
		group = &list->groups[next];
		if (!append(rows,
			    (struct pyi_referrer_row){ .group = group,
						       .level = depth - 1,
						       .list_references = rest->list_references }))
			return false;
		if (group->referrers && depth < PYI_REFERRERS_LEVELS) {
			levels[depth].list = group->referrers;
			levels[depth].next = 0;
			levels[depth].rest =
				pyi_referrer_rows_rest(report, group->referrers, depth);
			depth++;
		}
	}
	return true;
}
