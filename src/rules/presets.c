/*
 * Rules for programs that are known, and for any: no file needs to be written for them.
 */
#include "rules/rules_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NEVER INFINITY
#define MIB (1024.0 * 1024)

/*
 * firewalld 0.x with python-slip, and firewalld since then.
 *
 * Stale names: they are found by two looks, and are none in a healthy process. A few may come
 * together when many clients go at one time, and the bus' messages wait: 4 are let pass. 1,000 take
 * 0.2 MB, and so many clients are never gone unnoticed by chance.
 *
 * Dead match: the proof that nothing will be removed any more, so that two names are enough (one
 * may be the client that was watched, a moment ago). 100 are hours of the leak at one call a
 * minute: it will not go away by itself.
 *
 * Senders: whether they are stale cannot be asked everywhere. The bus' stock configuration admits
 * 2,048 connections, 256 for one user: more entries than that are clients that are gone.
 *
 * Tracked objects: firewalld has 40,000 to 250,000, by the number of its zones, services and rules;
 * they change in steps, by configuration. Only a growth is judged, of half an object a minute or
 * more: each leaked sender is one. 1,000 an hour is a client every 4 seconds, day and night.
 *
 * Memory: 40 to 50 MiB with stock rules; very large ipsets take some hundreds. Growth of it is not
 * judged: memory that is free inside of the process is not given back, so it rises for weeks
 * without any leak.
 */
static const struct pyi_rule firewalld[] = {
	{ .kind = PYI_RULE_MAX_SLIP_STALE, .warning = 4, .critical = 1000 },
	{ .kind = PYI_RULE_SLIP_DEAD_MATCH, .warning = 1, .critical = 100 },
	{ .kind = PYI_RULE_MAX_CONTAINER,
	  .subject = (char *)(uintptr_t) "slip.dbus.service.Object.senders",
	  .warning = 2048,
	  .critical = 20000,
	  /* firewalld has been without python-slip for years. */
	  .may_be_absent = true },
	{ .kind = PYI_RULE_MAX_TRACKED_GROWTH, .warning = 30, .critical = 1000 },
	{ .kind = PYI_RULE_MAX_RSS, .warning = 512 * MIB, .critical = 1024 * MIB },
};

/*
 * Any program. A container of less than 100 entries is no leak that matters today; one of more than
 * 100,000 that has never stopped growing is one that does.
 *
 * What grows by 60 objects an hour, which is one a minute, for most of a day, is one for each
 * request, timer or connection; by 100,000 an hour it takes memory by the hour.
 *
 * Memory: 1 MiB an hour is 170 MiB a week; by 256 MiB an hour a common service is out of memory the
 * same day. What is not objects grows by itself where allocators keep holes, so more is let pass.
 */
static const struct pyi_rule generic[] = {
	{ .kind = PYI_RULE_GROWING_CONTAINERS, .warning = 100, .critical = 100000, .runs = 12 },
	{ .kind = PYI_RULE_GROWING_TYPES, .warning = 60, .critical = 100000 },
	{ .kind = PYI_RULE_MAX_TRACKED_GROWTH, .warning = 120, .critical = 1000000 },
	{ .kind = PYI_RULE_MAX_RSS_GROWTH, .warning = MIB, .critical = 256 * MIB },
	{ .kind = PYI_RULE_MAX_OTHER_GROWTH, .warning = 2 * MIB, .critical = 256 * MIB },
};

static const struct {
	const char *name;
	const struct pyi_rule *rules;
	size_t count;
} presets[] = {
	{ "firewalld", firewalld, sizeof(firewalld) / sizeof(firewalld[0]) },
	{ "generic", generic, sizeof(generic) / sizeof(generic[0]) },
};

/* Of two presets the one that is stricter counts, in whatever order they are given. */
static bool is_stricter(const struct pyi_rules *rules, const struct pyi_rule *rule)
{
	for (size_t r = 0; r < rules->count; r++) {
		const struct pyi_rule *known = &rules->items[r];

		if (known->kind == rule->kind && !known->subject && !rule->subject &&
		    known->origin && strncmp(known->origin, "preset ", strlen("preset ")) == 0)
			return rule->warning < known->warning;
	}
	return true;
}

static struct pyi_error *add_all(const char *name, const struct pyi_rule *from, size_t count,
				 struct pyi_rules *rules)
{
	PYI_CLEANUP(pyi_guard_free) char *origin = NULL;
	struct pyi_error *error = NULL;

	if (asprintf(&origin, "preset %s", name) < 0) {
		origin = NULL;
		return pyi_error_no_memory();
	}
	for (size_t r = 0; r < count && !error; r++) {
		struct pyi_rule rule = from[r];

		if (!is_stricter(rules, &rule))
			continue;
		rule.origin = origin;
		error = pyi_rules_add(rules, &rule);
	}
	return error;
}

struct pyi_error *pyi_rules_add_preset(const char *name, struct pyi_rules *rules)
{
	for (size_t p = 0; p < sizeof(presets) / sizeof(presets[0]); p++) {
		if (strcmp(name, presets[p].name) == 0)
			return add_all(name, presets[p].rules, presets[p].count, rules);
	}
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
					       "there is no preset \"%s\"", name),
			      "presets are: firewalld, generic");
}
