/*
 * Chooses the branches of the next level, in an order that is the same in each run.
 */
#include "analysis/referrer_tree.h"

#include <stdlib.h>
#include <string.h>

static const char module_type[] = "module";

/* A group that can be followed: the biggest of a level are kept, the biggest first. */
struct candidates {
	struct {
		struct pyi_referrer_group *group;
		const struct pyi_referrer_branch *branch;
	} items[PYI_REFERRER_TREE_BRANCHES];
	size_t count;
	size_t limit;
};

const char *pyi_referrer_end_name(enum pyi_referrer_end end)
{
	switch (end) {
	case PYI_REFERRER_MODULE:
		return "module";
	case PYI_REFERRER_AGAIN:
		return "again";
	case PYI_REFERRER_DEPTH:
		return "depth";
	case PYI_REFERRER_WIDTH:
		return "width";
	case PYI_REFERRER_GOES_ON:
		break;
	}
	return NULL;
}

/* Roots are no objects, and a merged rest leads nowhere. */
static bool leads_on(const struct pyi_referrer_group *group)
{
	return group->type[0] && group->type[0] != '(' && group->number_count;
}

static bool is_again(const struct pyi_referrer_group *group,
		     const struct pyi_referrer_branch *branch, unsigned level)
{
	for (unsigned l = 0; l < level; l++)
		if (pyi_referrer_group_is_like(group, branch->above[l]))
			return true;
	return false;
}

/* Of as many references the first one that came. */
static void propose(struct candidates *candidates, struct pyi_referrer_group *group,
		    const struct pyi_referrer_branch *branch)
{
	size_t at = candidates->count;

	group->ends = PYI_REFERRER_WIDTH;
	while (at && candidates->items[at - 1].group->references < group->references)
		at--;
	if (at == candidates->limit)
		return;
	if (candidates->count < candidates->limit)
		candidates->count++;
	memmove(&candidates->items[at + 1], &candidates->items[at],
		(candidates->count - 1 - at) * sizeof(*candidates->items));
	candidates->items[at].group = group;
	candidates->items[at].branch = branch;
}

static void propose_all(struct candidates *candidates, const struct pyi_referrer_branch *branch,
			unsigned level, const struct pyi_referrer_tree_request *request)
{
	size_t shown = branch->list->count;

	if (request->width && request->width < shown)
		shown = (size_t)request->width;
	for (size_t g = 0; g < shown; g++) {
		struct pyi_referrer_group *group = &branch->list->groups[g];

		if (!leads_on(group))
			continue;
		if (strcmp(group->type, module_type) == 0)
			group->ends = PYI_REFERRER_MODULE;
		else if (is_again(group, branch, level))
			group->ends = PYI_REFERRER_AGAIN;
		else if (level + 1 >= request->depth)
			group->ends = PYI_REFERRER_DEPTH;
		else
			propose(candidates, group, branch);
	}
}

static void propose_biggest(struct candidates *candidates, const struct pyi_referrer_branch *branch)
{
	for (size_t g = 0; g < branch->list->count && !candidates->count; g++)
		if (leads_on(&branch->list->groups[g]))
			propose(candidates, &branch->list->groups[g], branch);
}

struct pyi_error *pyi_referrer_tree_follow(const struct pyi_referrer_level *level,
					   const struct pyi_referrer_tree_request *request,
					   struct pyi_referrer_level *ret_next)
{
	struct candidates candidates = { .limit = PYI_REFERRER_TREE_BRANCHES };

	*ret_next = (struct pyi_referrer_level){ .level = level->level + 1 };
	for (size_t b = 0; b < level->count; b++) {
		if (request->tree)
			propose_all(&candidates, &level->branches[b], level->level, request);
		else if (level->level + 1 < request->depth)
			propose_biggest(&candidates, &level->branches[b]);
	}
	for (size_t c = 0; c < candidates.count; c++) {
		struct pyi_referrer_group *group = candidates.items[c].group;
		struct pyi_referrer_branch *branch = &ret_next->branches[c];

		*branch = *candidates.items[c].branch;
		branch->above[level->level] = group;
		branch->list = calloc(1, sizeof(*branch->list));
		group->referrers = branch->list;
		group->ends = PYI_REFERRER_GOES_ON;
		if (!branch->list)
			return pyi_error_no_memory();
		ret_next->count++;
	}
	return NULL;
}
