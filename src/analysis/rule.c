/*
 * A list of rules: adding, replacing, naming. Does not judge.
 */
#include "analysis/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static const struct {
	const char *name;
	bool in_bytes;
	bool is_growth;
	bool has_subject;
} kinds[PYI_RULE_KINDS] = {
	[PYI_RULE_MAX_COUNT] = { "max-count", false, false, true },
	[PYI_RULE_MAX_BYTES] = { "max-bytes", true, false, true },
	[PYI_RULE_MAX_GROWTH] = { "max-growth", false, true, true },
	[PYI_RULE_MAX_CONTAINER] = { "max-container", false, false, true },
	[PYI_RULE_MAX_RSS] = { "max-rss", true, false, false },
	[PYI_RULE_MAX_TRACKED] = { "max-tracked", false, false, false },
	[PYI_RULE_MAX_RSS_GROWTH] = { "max-rss-growth", true, true, false },
	[PYI_RULE_MAX_TRACKED_GROWTH] = { "max-tracked-growth", false, true, false },
	[PYI_RULE_MAX_SLIP_STALE] = { "max-slip-stale", false, false, false },
	[PYI_RULE_SLIP_DEAD_MATCH] = { "slip-dead-match", false, false, false },
	[PYI_RULE_GROWING_CONTAINERS] = { "growing-containers", false, false, false },
	[PYI_RULE_GROWING_TYPES] = { "growing-types", false, true, false },
	[PYI_RULE_MAX_OTHER_GROWTH] = { "max-other-growth", true, true, false },
};

bool pyi_rule_kind_in_bytes(enum pyi_rule_kind kind)
{
	return kinds[kind].in_bytes;
}

bool pyi_rule_kind_is_growth(enum pyi_rule_kind kind)
{
	return kinds[kind].is_growth;
}

bool pyi_rule_kind_has_subject(enum pyi_rule_kind kind)
{
	return kinds[kind].has_subject;
}

const char *pyi_rule_kind_name(enum pyi_rule_kind kind)
{
	return kinds[kind].name;
}

static void deinit_rule(struct pyi_rule *rule)
{
	free(rule->subject);
	free(rule->origin);
}

static bool is_about_same(const struct pyi_rule *a, const struct pyi_rule *b)
{
	if (a->kind != b->kind || !a->subject != !b->subject)
		return false;
	return !a->subject || strcmp(a->subject, b->subject) == 0;
}

struct pyi_rule *pyi_rules_find(const struct pyi_rules *rules, const struct pyi_rule *rule)
{
	for (size_t r = 0; r < rules->count; r++) {
		if (is_about_same(&rules->items[r], rule))
			return &rules->items[r];
	}
	return NULL;
}

/* A rule that is replaced keeps its place. NULL: no memory. */
static struct pyi_rule *find_place(struct pyi_rules *rules, const struct pyi_rule *rule)
{
	struct pyi_rule *found = pyi_rules_find(rules, rule);

	if (found)
		return found;
	if (!pyi_array_reserve(&rules->items, rules->count, &rules->capacity,
			       sizeof(*rules->items)))
		return NULL;
	return &rules->items[rules->count];
}

struct pyi_error *pyi_rules_add(struct pyi_rules *rules, const struct pyi_rule *rule)
{
	struct pyi_rule copy = *rule;
	struct pyi_rule *place = find_place(rules, rule);

	copy.subject = rule->subject ? strdup(rule->subject) : NULL;
	copy.origin = rule->origin ? strdup(rule->origin) : NULL;
	if (!place || (rule->subject && !copy.subject) || (rule->origin && !copy.origin)) {
		deinit_rule(&copy);
		return pyi_error_no_memory();
	}
	if (place == &rules->items[rules->count])
		rules->count++;
	else
		deinit_rule(place);
	*place = copy;
	return NULL;
}

char *pyi_rule_name(const struct pyi_rule *rule)
{
	char *name;

	if (!rule->subject)
		return strdup(kinds[rule->kind].name);
	if (asprintf(&name, "%s %s", kinds[rule->kind].name, rule->subject) < 0)
		return NULL;
	return name;
}

void pyi_rules_deinit(struct pyi_rules *rules)
{
	for (size_t r = 0; r < rules->count; r++)
		deinit_rule(&rules->items[r]);
	free(rules->items);
	*rules = (struct pyi_rules){ 0 };
}
