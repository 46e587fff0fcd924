/*
 * Reads rule files, strictly: whatever is not understood is an error.
 *
 * Does not say what a good limit is.
 */
#include "rules/rules_file.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/near_name.h"
#include "base/cleanup.h"
#include "rules/json_text.h"
#include "rules/rule_words.h"

enum {
	FILE_LIMIT = 1000000,
	RULE_LIMIT = 1000,
	LIST_LIMIT = 100,
	/* "$.rules[999].warning" */
	PATH_TEXT = 64,
};

static void guard_json(cJSON **json)
{
	cJSON_Delete(*json);
}

static void guard_rules(struct pyi_rules *rules)
{
	pyi_rules_deinit(rules);
}

/* One value of the file, and where it is. */
struct place {
	char path[PATH_TEXT];
	const cJSON *value;
};

static struct place place_of_key(const struct place *parent, const char *key, const cJSON *value)
{
	struct place place = { .value = value };

	snprintf(place.path, sizeof(place.path), "%.40s.%.20s", parent->path, key);
	return place;
}

static struct place place_of_index(const struct place *parent, size_t index, const cJSON *value)
{
	struct place place = { .value = value };

	snprintf(place.path, sizeof(place.path), "%.40s[%zu]", parent->path, index);
	return place;
}

#define wrong(place, format, ...)                                                                  \
	pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES, "at %s: " format, (place)->path,     \
			 ##__VA_ARGS__)

/* A key of an object: `value` is set if it is there. */
struct key {
	const char *name;
	bool required;
	const cJSON *value;
};

static struct pyi_error *no_such_key(const struct place *object, const struct key *keys,
				     size_t count, const char *name)
{
	struct pyi_error *error = wrong(object, "there is no key \"%.100s\" here", name);
	struct pyi_near_name near_name = { .wanted = name };

	for (size_t k = 0; k < count; k++)
		pyi_near_name_offer(&near_name, keys[k].name);
	if (near_name.best)
		return pyi_error_hint(error, "is it \"%s\"? See pyinspect-rules(5)",
				      near_name.best);
	return pyi_error_hint(error, "see pyinspect-rules(5)");
}

static struct pyi_error *take_keys(const struct place *object, struct key *keys, size_t count)
{
	const cJSON *member;

	if (!cJSON_IsObject(object->value))
		return wrong(object, "expected an object");
	cJSON_ArrayForEach(member, object->value)
	{
		size_t k = 0;

		while (k < count && strcmp(keys[k].name, member->string) != 0)
			k++;
		if (k == count)
			return no_such_key(object, keys, count, member->string);
		if (keys[k].value)
			return wrong(object, "the key \"%s\" comes twice", member->string);
		keys[k].value = member;
	}
	for (size_t k = 0; k < count; k++) {
		if (keys[k].required && !keys[k].value)
			return wrong(object, "the key \"%s\" is missing", keys[k].name);
	}
	return NULL;
}

static struct pyi_error *take_name(const struct place *place, const char **ret_name)
{
	size_t length;

	if (!cJSON_IsString(place->value))
		return wrong(place, "expected a string");
	length = strlen(place->value->valuestring);
	if (!length || length > PYI_RULES_SUBJECT_LIMIT)
		return wrong(place, "expected a string of 1 to %d bytes", PYI_RULES_SUBJECT_LIMIT);
	*ret_name = place->value->valuestring;
	return NULL;
}

/* A number, which is a count, bytes, or per hour; or words. */
static struct pyi_error *take_limit(const struct place *place, enum pyi_rule_kind kind,
				    double *ret_limit)
{
	const cJSON *value = place->value;
	struct pyi_rule_limit limit = { 0 };

	if (cJSON_IsNumber(value)) {
		if (!(value->valuedouble >= 0) || value->valuedouble > PYI_RULES_LIMIT)
			return wrong(place, "expected a number from 0 to %.0f", PYI_RULES_LIMIT);
		*ret_limit = value->valuedouble;
		return NULL;
	}
	if (!cJSON_IsString(value) ||
	    !pyi_rule_words_read(value->valuestring, strlen(value->valuestring), &limit) ||
	    limit.in_bytes != pyi_rule_kind_in_bytes(kind) ||
	    limit.is_rate != pyi_rule_kind_is_growth(kind))
		return wrong(place, "expected a number, or in quotes %s",
			     pyi_rule_words_expected(kind));
	*ret_limit = limit.value;
	return NULL;
}

static struct pyi_error *take_runs(const struct place *place, unsigned *ret_runs)
{
	double runs = place->value->valuedouble;

	if (!cJSON_IsNumber(place->value) || runs != floor(runs) || runs < PYI_RULES_RUNS_LEAST ||
	    runs > PYI_RULES_RUNS_MOST)
		return wrong(place, "expected a whole number from %d to %d", PYI_RULES_RUNS_LEAST,
			     PYI_RULES_RUNS_MOST);
	*ret_runs = (unsigned)runs;
	return NULL;
}

static struct pyi_error *take_kind(const struct place *place, enum pyi_rule_kind *ret_kind)
{
	struct pyi_near_name near_name = { 0 };

	if (!cJSON_IsString(place->value))
		return wrong(place, "expected the name of a rule, a string");
	for (int kind = 0; kind < PYI_RULE_KINDS; kind++) {
		if (strcmp(pyi_rule_kind_name((enum pyi_rule_kind)kind),
			   place->value->valuestring) == 0) {
			*ret_kind = (enum pyi_rule_kind)kind;
			return NULL;
		}
	}
	near_name.wanted = place->value->valuestring;
	for (int kind = 0; kind < PYI_RULE_KINDS; kind++)
		pyi_near_name_offer(&near_name, pyi_rule_kind_name((enum pyi_rule_kind)kind));
	return pyi_error_hint(
		wrong(place, "there is no rule \"%.100s\"", place->value->valuestring),
		near_name.best ? "is it %s? See pyinspect-rules(5)" : "see pyinspect-rules(5)",
		near_name.best);
}

enum {
	KEY_RULE,
	KEY_OF,
	KEY_WARNING,
	KEY_CRITICAL,
	KEY_RUNS,
	KEY_MAY_BE_ABSENT,
	KEY_COMMENT,
	RULE_KEYS,
};

static struct pyi_error *take_limits(const struct place *place, const struct key *keys,
				     struct pyi_rule *rule)
{
	struct place warning = place_of_key(place, "warning", keys[KEY_WARNING].value);
	struct place critical = place_of_key(place, "critical", keys[KEY_CRITICAL].value);
	struct pyi_error *error = NULL;

	if (!warning.value && !critical.value)
		return wrong(place, "expected a limit, \"warning\" or \"critical\" or both");
	if (warning.value)
		error = take_limit(&warning, rule->kind, &rule->warning);
	if (!error && critical.value)
		error = take_limit(&critical, rule->kind, &rule->critical);
	if (!error && critical.value && warning.value && rule->warning > rule->critical)
		return wrong(place, "the warning limit is higher than the critical one");
	return error;
}

static struct pyi_error *take_comment(const struct place *object, const cJSON *value)
{
	struct place place = place_of_key(object, "comment", value);

	return value && !cJSON_IsString(value) ? wrong(&place, "expected a string") : NULL;
}

static struct pyi_error *take_may_be_absent(const struct place *object, const cJSON *value,
					    struct pyi_rule *rule)
{
	struct place place = place_of_key(object, "may_be_absent", value);

	if (!value)
		return NULL;
	if (!cJSON_IsBool(value))
		return wrong(&place, "expected true or false");
	if (!pyi_rule_kind_has_subject(rule->kind))
		return wrong(object, "%s takes no key \"may_be_absent\"",
			     pyi_rule_kind_name(rule->kind));
	rule->may_be_absent = cJSON_IsTrue(value);
	return NULL;
}

/* A type, or a container as reports call it. */
static struct pyi_error *take_subject(const struct place *place, enum pyi_rule_kind kind,
				      const char **ret_subject)
{
	const char *subject = NULL;
	struct pyi_error *error = take_name(place, &subject);

	if (error || !subject)
		return error;
	*ret_subject = pyi_rule_words_subject(kind, subject);
	return *ret_subject ? NULL : wrong(place, PYI_RULE_WORDS_NO_SUBJECT, subject);
}

static struct pyi_error *take_rule(const struct place *place, const char *origin,
				   struct pyi_rules *rules)
{
	struct key keys[RULE_KEYS] = {
		[KEY_RULE] = { .name = "rule", .required = true },
		[KEY_OF] = { .name = "of" },
		[KEY_WARNING] = { .name = "warning" },
		[KEY_CRITICAL] = { .name = "critical" },
		[KEY_RUNS] = { .name = "runs" },
		[KEY_MAY_BE_ABSENT] = { .name = "may_be_absent" },
		[KEY_COMMENT] = { .name = "comment" },
	};
	struct pyi_rule rule = {
		.warning = INFINITY,
		.critical = INFINITY,
		.origin = (char *)(uintptr_t)origin,
	};
	struct pyi_error *error = take_keys(place, keys, RULE_KEYS);
	const struct pyi_rule *same;
	const char *subject = NULL;
	struct place at;

	if (error)
		return error;
	at = place_of_key(place, "rule", keys[KEY_RULE].value);
	error = take_kind(&at, &rule.kind);
	if (error)
		return error;
	if (!keys[KEY_OF].value != !pyi_rule_kind_has_subject(rule.kind))
		return wrong(place, "%s %s a key \"of\"", pyi_rule_kind_name(rule.kind),
			     keys[KEY_OF].value ? "takes no" : "needs");
	if (keys[KEY_OF].value) {
		at = place_of_key(place, "of", keys[KEY_OF].value);
		error = take_subject(&at, rule.kind, &subject);
	}
	if (!error)
		error = take_limits(place, keys, &rule);
	if (!error && rule.kind == PYI_RULE_GROWING_CONTAINERS)
		rule.runs = PYI_RULES_RUNS_DEFAULT;
	if (!error && keys[KEY_RUNS].value) {
		at = place_of_key(place, "runs", keys[KEY_RUNS].value);
		error = rule.runs ? take_runs(&at, &rule.runs)
				  : wrong(place, "%s takes no key \"runs\"",
					  pyi_rule_kind_name(rule.kind));
	}
	if (!error)
		error = take_may_be_absent(place, keys[KEY_MAY_BE_ABSENT].value, &rule);
	if (!error)
		error = take_comment(place, keys[KEY_COMMENT].value);
	if (error)
		return error;
	rule.subject = (char *)(uintptr_t)subject;
	/* One of a preset is replaced. */
	same = pyi_rules_find(rules, &rule);
	if (same && same->origin && strcmp(same->origin, origin) == 0)
		return wrong(place, "the same rule is in this file already");
	return pyi_rules_add(rules, &rule);
}

static struct pyi_error *check_list(const struct place *place, int least, int most)
{
	int size;

	if (!cJSON_IsArray(place->value))
		return wrong(place, "expected a list");
	size = cJSON_GetArraySize(place->value);
	if (size < least || size > most)
		return wrong(place, "expected a list of %d to %d", least, most);
	return NULL;
}

static bool matches_word(const char *pattern, const char *target)
{
	static const char prefix[] = "unit:";
	static const char suffix[] = ".service";
	char bare[PYI_RULES_SUBJECT_LIMIT + 1];
	size_t length;

	if (fnmatch(pattern, target, 0) == 0)
		return true;
	if (strncmp(target, prefix, sizeof(prefix) - 1) == 0)
		target += sizeof(prefix) - 1;
	if (fnmatch(pattern, target, 0) == 0)
		return true;
	length = strlen(target);
	if (length < sizeof(suffix) || length >= sizeof(bare) ||
	    strcmp(target + length - (sizeof(suffix) - 1), suffix) != 0)
		return false;
	memcpy(bare, target, length);
	bare[length - (sizeof(suffix) - 1)] = '\0';
	return fnmatch(pattern, bare, 0) == 0;
}

static bool matches(const char *pattern, const struct pyi_rules_target *target)
{
	return (target->word && matches_word(pattern, target->word)) ||
	       (target->program && fnmatch(pattern, target->program, 0) == 0);
}

/* All patterns are looked at, so that a wrong one is found wherever the file is read. */
static struct pyi_error *take_targets(const struct place *place,
				      const struct pyi_rules_target *target, bool *ret_selected)
{
	struct pyi_error *error = check_list(place, 1, LIST_LIMIT);
	const cJSON *item;
	size_t index = 0;

	*ret_selected = false;
	if (error)
		return error;
	cJSON_ArrayForEach(item, place->value)
	{
		struct place at = place_of_index(place, index++, item);
		const char *pattern = "";

		error = take_name(&at, &pattern);
		if (error)
			return error;
		*ret_selected = *ret_selected || matches(pattern, target);
	}
	return NULL;
}

static struct pyi_error *take_presets(const struct place *place, struct pyi_rules *rules)
{
	struct pyi_error *error = check_list(place, 1, LIST_LIMIT);
	const cJSON *item;
	size_t index = 0;

	if (error)
		return error;
	cJSON_ArrayForEach(item, place->value)
	{
		struct place at = place_of_index(place, index++, item);

		if (!cJSON_IsString(item))
			return wrong(&at, "expected the name of a preset, a string");
		error = pyi_rules_add_preset(item->valuestring, rules);
		if (error) {
			if (error->exit == PYI_EXIT_USAGE)
				error->code = PYI_ERROR_BAD_RULES;
			return pyi_error_context(error, "at %s", at.path);
		}
	}
	return NULL;
}

static struct pyi_error *take_list(const struct place *place, const char *origin,
				   struct pyi_rules *rules)
{
	struct pyi_error *error = check_list(place, 0, RULE_LIMIT);
	const cJSON *item;
	size_t index = 0;

	if (error)
		return error;
	cJSON_ArrayForEach(item, place->value)
	{
		struct place at = place_of_index(place, index++, item);

		error = take_rule(&at, origin, rules);
		if (error)
			return error;
	}
	return NULL;
}

static struct pyi_error *take_file(const cJSON *json, const char *origin,
				   const struct pyi_rules_target *target, bool *ret_selected,
				   struct pyi_rules *rules)
{
	enum { TARGETS, PRESETS, RULES, COMMENT, SCHEMA, KEYS };
	struct key keys[KEYS] = {
		[TARGETS] = { .name = "targets" }, [PRESETS] = { .name = "presets" },
		[RULES] = { .name = "rules" },	   [COMMENT] = { .name = "comment" },
		[SCHEMA] = { .name = "$schema" },
	};
	const struct place root = { .path = "$", .value = json };
	struct pyi_error *error = take_keys(&root, keys, KEYS);
	struct place at;

	*ret_selected = true;
	if (!error && keys[TARGETS].value) {
		at = place_of_key(&root, "targets", keys[TARGETS].value);
		error = take_targets(&at, target, ret_selected);
	}
	if (!error && keys[PRESETS].value) {
		at = place_of_key(&root, "presets", keys[PRESETS].value);
		error = take_presets(&at, rules);
	}
	if (!error && keys[RULES].value) {
		at = place_of_key(&root, "rules", keys[RULES].value);
		error = take_list(&at, origin, rules);
	}
	if (!error && !keys[RULES].value && !keys[PRESETS].value)
		return wrong(&root, "expected \"rules\" or \"presets\" or both");
	if (!error)
		error = take_comment(&root, keys[COMMENT].value);
	if (!error && keys[SCHEMA].value && !cJSON_IsString(keys[SCHEMA].value))
		return wrong(&root, "expected a string for \"$schema\"");
	return error;
}

static struct pyi_error *add_all(const struct pyi_rules *from, struct pyi_rules *rules)
{
	struct pyi_error *error = NULL;

	for (size_t r = 0; r < from->count && !error; r++)
		error = pyi_rules_add(rules, &from->items[r]);
	return error;
}

struct pyi_error *pyi_rules_read_text(const char *text, size_t length, const char *origin,
				      const struct pyi_rules_target *target,
				      struct pyi_rules *rules)
{
	PYI_CLEANUP(guard_rules) struct pyi_rules found = { 0 };
	PYI_CLEANUP(guard_json) cJSON *json = NULL;
	struct pyi_error *error = pyi_json_text_check(text, length);
	const char *end = NULL;
	bool selected = false;

	if (error)
		return pyi_error_context(error, "%s", origin);
	json = cJSON_ParseWithLengthOpts(text, length, &end, false);
	/* Only white space may come behind it. */
	while (json && (size_t)(end - text) < length && strchr(" \t\r\n", *end) && *end)
		end++;
	if (!json || (size_t)(end - text) < length) {
		size_t at =
			end >= text && (size_t)(end - text) <= length ? (size_t)(end - text) : 0;
		size_t line;
		size_t column;

		pyi_json_text_place(text, at, &line, &column);
		return pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES,
					"%s: line %zu, column %zu: %s", origin, line, column,
					json ? "something behind the end" : "not JSON");
	}
	error = take_file(json, origin, target, &selected, &found);
	if (error)
		return pyi_error_context(error, "%s", origin);
	return selected ? add_all(&found, rules) : NULL;
}

/* At most one byte more than is allowed, so that a file which grows is seen. */
static struct pyi_error *read_all(const char *path, char *text, size_t *ret_length)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	size_t length = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		return pyi_error_create_errno(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES, errno,
					      "cannot read %s", path);
	if (!S_ISREG(status.st_mode))
		return pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES,
					"cannot read %s: not a regular file", path);
	while (length <= FILE_LIMIT) {
		ssize_t got = read(fd, text + length, FILE_LIMIT + 1 - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pyi_error_create_errno(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES, errno,
						      "cannot read %s", path);
		if (!got)
			break;
		length += (size_t)got;
	}
	if (length > FILE_LIMIT)
		return pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES,
					"%s is larger than 1 MB", path);
	*ret_length = length;
	return NULL;
}

struct pyi_error *pyi_rules_read_file(const char *path, const struct pyi_rules_target *target,
				      struct pyi_rules *rules)
{
	PYI_CLEANUP(pyi_guard_free) char *text = malloc(FILE_LIMIT + 1);
	struct pyi_error *error;
	size_t length = 0;

	if (!text)
		return pyi_error_no_memory();
	error = read_all(path, text, &length);
	return error ? error : pyi_rules_read_text(text, length, path, target, rules);
}

static int is_rules_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".json") == 0;
}

/* Not alphasort(), which depends on the language. */
static int compare_names(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static struct pyi_error *read_entry(const char *folder, const char *name,
				    const struct pyi_rules_target *target, struct pyi_rules *rules)
{
	char *file = NULL;
	struct pyi_error *error;

	if (asprintf(&file, "%s/%s", folder, name) < 0 || !file)
		return pyi_error_no_memory();
	error = pyi_rules_read_file(file, target, rules);
	free(file);
	return error;
}

struct pyi_error *pyi_rules_read_folder(const char *path, const struct pyi_rules_target *target,
					struct pyi_rules *rules)
{
	PYI_CLEANUP(guard_rules) struct pyi_rules found = { 0 };
	struct pyi_error *error = NULL;
	struct dirent **entries;
	int count = scandir(path, &entries, is_rules_file, compare_names);

	if (count < 0 && errno == ENOENT)
		return NULL;
	if (count < 0)
		return pyi_error_create_errno(PYI_EXIT_USAGE, PYI_ERROR_BAD_RULES, errno,
					      "cannot read %s", path);
	for (int e = 0; e < count; e++) {
		if (!error)
			error = read_entry(path, entries[e]->d_name, target, &found);
		free(entries[e]);
	}
	free(entries);
	return error ? error : add_all(&found, rules);
}
