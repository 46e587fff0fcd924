/*
 * Gathers the rules of a check, and what they need.
 */
#include "cli/check_setup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "rules/rules_file.h"

enum {
	/* Containers that no rule names are measured, for the history, from this length on. */
	CONTAINER_LEAST = 100,
};

static struct pyi_error *read_rules(const char *path, const struct pyi_rules_target *target,
				    struct pyi_rules *rules)
{
	struct stat about;

	/* A folder that is missing would be no error, but here the user has named it. */
	if (stat(path, &about) != 0)
		return pyi_error_create_errno(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES, errno,
					      "--rules: cannot read %s", path);
	return S_ISDIR(about.st_mode) ? pyi_rules_read_folder(path, target, rules)
				      : pyi_rules_read_file(path, target, rules);
}

static struct pyi_error *add_presets(const struct pyi_options *options, struct pyi_rules *rules)
{
	struct pyi_error *error = NULL;

	for (size_t r = 0; !error && r < options->rule_count; r++)
		if (strcmp(options->rules[r].option, "preset") == 0)
			error = pyi_rules_add_preset(options->rules[r].words, rules);
	return error;
}

/* Once for both names, so that their order alone says which of two files counts. */
static struct pyi_error *add_files(const struct pyi_options *options, const char *program,
				   struct pyi_rules *rules)
{
	const struct pyi_rules_target target = { .word = options->target, .program = program };
	struct pyi_error *error = NULL;
	bool given = false;

	for (size_t r = 0; !error && r < options->rule_count; r++) {
		if (strcmp(options->rules[r].option, "rules") != 0)
			continue;
		given = true;
		error = read_rules(options->rules[r].words, &target, rules);
	}
	if (error || given)
		return error;
	return pyi_rules_read_folder(PYI_CHECK_RULES_FOLDER, &target, rules);
}

static struct pyi_error *add_single(const struct pyi_options *options, struct pyi_rules *rules)
{
	struct pyi_error *error = NULL;

	for (size_t r = 0; !error && r < options->rule_count; r++)
		if (strncmp(options->rules[r].option, "max", 3) == 0)
			error = pyi_rules_parse_option(options->rules[r].option,
						       options->rules[r].words, rules);
	return error;
}

static struct pyi_error *gather_rules(const struct pyi_options *options, const char *program,
				      struct pyi_rules *rules)
{
	struct pyi_error *error = add_presets(options, rules);

	if (!error)
		error = add_files(options, program, rules);
	if (!error)
		error = add_single(options, rules);
	if (error && !error->hint)
		return pyi_error_hint(error, "see pyinspect help check");
	if (error || rules->count)
		return error;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
				 "check by which rules? There are none for %s", options->target),
		"for instance --preset firewalld, --preset generic, --max foo.Session=10000, "
		"--max-rss 500MiB, or a file in " PYI_CHECK_RULES_FOLDER
		"; see pyinspect help check");
}

/* What the rules are about. */
static struct pyi_error *plan_measure(struct pyi_check_setup *setup)
{
	const struct pyi_rules *rules = &setup->rules;
	enum pyi_measure_reach reach = PYI_REACH_NAMED;
	double least = CONTAINER_LEAST;
	size_t types = 0;
	size_t containers = 0;

	/* One more, so that it is never nothing. */
	setup->types = calloc(rules->count + 1, sizeof(*setup->types));
	setup->containers = calloc(rules->count + 1, sizeof(*setup->containers));
	if (!setup->types || !setup->containers)
		return pyi_error_no_memory();
	for (size_t r = 0; r < rules->count; r++) {
		const struct pyi_rule *rule = &rules->items[r];

		switch (rule->kind) {
		case PYI_RULE_MAX_COUNT:
		case PYI_RULE_MAX_BYTES:
		case PYI_RULE_MAX_GROWTH:
			setup->types[types++] = rule->subject;
			break;
		case PYI_RULE_MAX_CONTAINER:
			setup->containers[containers++] = rule->subject;
			/* What need not be there is no reason to look everywhere each time. */
			if (reach == PYI_REACH_NAMED && !rule->may_be_absent)
				reach = PYI_REACH_IF_MISSING;
			break;
		case PYI_RULE_MAX_SLIP_STALE:
		case PYI_RULE_SLIP_DEAD_MATCH:
			setup->slip = true;
			break;
		case PYI_RULE_GROWING_CONTAINERS:
			least = fmin(least, fmin(rule->warning, rule->critical));
			reach = PYI_REACH_ALL;
			break;
		case PYI_RULE_MAX_RSS:
		case PYI_RULE_MAX_TRACKED:
		case PYI_RULE_MAX_RSS_GROWTH:
		case PYI_RULE_MAX_TRACKED_GROWTH:
		case PYI_RULE_GROWING_TYPES:
		case PYI_RULE_MAX_OTHER_GROWTH:
			break;
		}
	}
	setup->measure = (struct pyi_measure_request){
		.types = setup->types,
		.type_count = types,
		.containers = setup->containers,
		.container_count = containers,
		.container_least = least > 1 ? (uint64_t)least : 1,
		.reach = reach,
	};
	return NULL;
}

/* systemd may name several, with colons between them; the first is the one of the unit. */
char *pyi_check_state_folder(const struct pyi_options *options)
{
	const char *given = getenv("STATE_DIRECTORY");

	if (options->state)
		return strdup(options->state);
	if (given && *given == '/')
		return strndup(given, strcspn(given, ":"));
	return strdup(PYI_CHECK_STATE_FOLDER);
}

static struct pyi_error *plan_places(const struct pyi_options *options,
				     struct pyi_check_setup *setup)
{
	setup->state = pyi_check_state_folder(options);
	if (!setup->state)
		return pyi_error_no_memory();
	if (options->no_history)
		return NULL;
	if (options->history)
		setup->history = strdup(options->history);
	else if (asprintf(&setup->history, "%s/history.sqlite", setup->state) < 0)
		setup->history = NULL;
	return setup->history ? NULL : pyi_error_no_memory();
}

struct pyi_error *pyi_check_setup_init(const struct pyi_options *options, const char *program,
				       struct pyi_check_setup *ret_setup)
{
	struct pyi_check_setup setup = { 0 };
	struct pyi_error *error = NULL;

	if (options->no_history && options->history)
		error = pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
							"check wants one of --history and "
							"--no-history, not both"),
				       "see pyinspect help check");
	if (!error)
		error = gather_rules(options, program, &setup.rules);
	if (!error)
		error = plan_measure(&setup);
	if (!error)
		error = plan_places(options, &setup);
	if (error) {
		pyi_check_setup_deinit(&setup);
		return error;
	}
	*ret_setup = setup;
	return NULL;
}

void pyi_check_setup_deinit(struct pyi_check_setup *setup)
{
	pyi_rules_deinit(&setup->rules);
	free(setup->types);
	free(setup->containers);
	free(setup->state);
	free(setup->history);
	*setup = (struct pyi_check_setup){ 0 };
}
