/*
 * Reads limits, and rules as options give them. Does not know who gives them.
 */
#include "rules/rule_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rules/rules_file.h"

enum {
	DIGIT_LIMIT = 24,
};

struct unit {
	const char *name;
	double factor;
};

static const struct unit multiples[] = { { "", 1 }, { "k", 1e3 }, { "M", 1e6 }, { "G", 1e9 } };

static const struct unit sizes[] = {
	{ "B", 1 },
	{ "kB", 1e3 },
	{ "KB", 1e3 },
	{ "MB", 1e6 },
	{ "GB", 1e9 },
	{ "TB", 1e12 },
	{ "KiB", 1024 },
	{ "MiB", 1024.0 * 1024 },
	{ "GiB", 1024.0 * 1024 * 1024 },
	{ "TiB", 1024.0 * 1024 * 1024 * 1024 },
};

static const struct unit rates[] = { { "/min", 60 }, { "/h", 1 }, { "/d", 1.0 / 24 } };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct unit *find_unit(const struct unit *units, size_t count, const char *text,
				    size_t length)
{
	for (size_t u = 0; u < count; u++) {
		if (strlen(units[u].name) == length && memcmp(units[u].name, text, length) == 0)
			return &units[u];
	}
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Not by strtod(): "inf", "0x10" and "1,5" are no limits, in whatever language. Returns how long
 * the number is; 0: there is none. */
static size_t read_number(const char *text, size_t length, double *ret_number)
{
	double number = 0;
	double place = 1;
	size_t at = 0;
	size_t whole;

	for (; at < length && at < DIGIT_LIMIT && is_digit(text[at]); at++)
		number = 10 * number + (text[at] - '0');
	whole = at;
	if (!whole)
		return 0;
	if (at < length && text[at] == '.') {
		size_t point = at++;

		for (; at < length && at < DIGIT_LIMIT && is_digit(text[at]); at++) {
			number = 10 * number + (text[at] - '0');
			place *= 10;
		}
		if (at == point + 1)
			return 0;
	}
	*ret_number = number / place;
	return at;
}

bool pyi_rule_words_read(const char *text, size_t length, struct pyi_rule_limit *ret_limit)
{
	struct pyi_rule_limit limit = { 0 };
	const char *slash = memchr(text, '/', length);
	size_t before = slash ? (size_t)(slash - text) : length;
	size_t digits = read_number(text, before, &limit.value);
	const struct unit *unit;

	if (!digits)
		return false;
	unit = find_unit(multiples, COUNT(multiples), text + digits, before - digits);
	if (!unit) {
		unit = find_unit(sizes, COUNT(sizes), text + digits, before - digits);
		limit.in_bytes = true;
	}
	if (!unit)
		return false;
	limit.value *= unit->factor;
	if (slash) {
		unit = find_unit(rates, COUNT(rates), slash, length - before);
		if (!unit)
			return false;
		limit.value *= unit->factor;
		limit.is_rate = true;
	}
	if (!(limit.value <= PYI_RULES_LIMIT))
		return false;
	*ret_limit = limit;
	return true;
}

const char *pyi_rule_words_expected(enum pyi_rule_kind kind)
{
	if (pyi_rule_kind_is_growth(kind))
		return pyi_rule_kind_in_bytes(kind) ? "a size a time such as 10MiB/h"
						    : "a count a time such as 60/h, 1/min or 1k/d";
	return pyi_rule_kind_in_bytes(kind) ? "a size with a unit such as 512MiB or 1.5GB"
					    : "a count such as 1000 or 20k";
}

/* The words of one option, and what is known of them. */
struct words {
	const char *option;
	const char *all;
	/* The subject; empty: none. */
	size_t subject_length;
	const char *limits;
	/* Of the limits that are there. */
	bool has_warning;
	bool has_critical;
	struct pyi_rule_limit warning;
	struct pyi_rule_limit critical;
};

#define usage(...) pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE, __VA_ARGS__)

static struct pyi_error *split_limits(struct words *words)
{
	const char *colon = strchr(words->limits, ':');
	const char *last = colon ? colon + 1 : words->limits;
	size_t last_length = strlen(last);
	size_t first_length = colon ? (size_t)(colon - words->limits) : 0;

	words->has_warning = first_length > 0;
	words->has_critical = last_length > 0;
	if (words->has_warning &&
	    !pyi_rule_words_read(words->limits, first_length, &words->warning))
		return usage("--%s %s: \"%.*s\" is no limit", words->option, words->all,
			     (int)first_length, words->limits);
	if (words->has_critical && !pyi_rule_words_read(last, last_length, &words->critical))
		return usage("--%s %s: \"%s\" is no limit", words->option, words->all, last);
	if (!words->has_warning && !words->has_critical)
		return usage("--%s %s: there is no limit", words->option, words->all);
	/* "100:200/h" */
	if (words->has_warning && words->has_critical && words->critical.is_rate)
		words->warning.is_rate = words->warning.is_rate || !words->critical.in_bytes ||
					 words->warning.in_bytes;
	return NULL;
}

static bool fits(enum pyi_rule_kind kind, const struct pyi_rule_limit *limit, bool rate_optional)
{
	return limit->in_bytes == pyi_rule_kind_in_bytes(kind) &&
	       (limit->is_rate == pyi_rule_kind_is_growth(kind) ||
		(rate_optional && !limit->is_rate));
}

static struct pyi_error *add(const struct words *words, enum pyi_rule_kind kind,
			     struct pyi_rules *rules)
{
	PYI_CLEANUP(pyi_guard_free) char *written = NULL;
	PYI_CLEANUP(pyi_guard_free) char *origin = NULL;
	const char *subject = NULL;
	bool rate_optional = kind == PYI_RULE_MAX_GROWTH;
	struct pyi_rule rule = { .kind = kind, .warning = INFINITY, .critical = INFINITY };

	if ((words->has_warning && !fits(kind, &words->warning, rate_optional)) ||
	    (words->has_critical && !fits(kind, &words->critical, rate_optional)))
		return usage("--%s %s: expected %s", words->option, words->all,
			     pyi_rule_words_expected(kind));
	if (words->has_warning)
		rule.warning = words->warning.value;
	if (words->has_critical)
		rule.critical = words->critical.value;
	if (words->has_warning && words->has_critical && rule.warning > rule.critical)
		return usage("--%s %s: the warning comes first, and must not be higher than the "
			     "critical limit",
			     words->option, words->all);
	if (words->subject_length) {
		written = strndup(words->all, words->subject_length);
		if (!written)
			return pyi_error_no_memory();
		subject = pyi_rule_words_subject(kind, written);
		if (!subject)
			return usage("--%s: " PYI_RULE_WORDS_NO_SUBJECT, words->option, written);
	}
	if (asprintf(&origin, "--%s", words->option) < 0) {
		origin = NULL;
		return pyi_error_no_memory();
	}
	rule.subject = (char *)(uintptr_t)subject;
	rule.origin = origin;
	return pyi_rules_add(rules, &rule);
}

/* Reports say what a container belongs to: "dict[*]  in instance app.Cache.entries". */
static const char *skip_place(const char *words)
{
	static const char *const holders[] = { "instance ", "module ", "class " };
	const char *in = strstr(words, " in ");

	if (in)
		words = in + strlen(" in ");
	else if (strncmp(words, "in ", strlen("in ")) == 0)
		words += strlen("in ");
	for (size_t h = 0; h < COUNT(holders); h++)
		if (strncmp(words, holders[h], strlen(holders[h])) == 0)
			return words + strlen(holders[h]);
	return words;
}

/* "[*]" is a part of the names of containers: any item. */
static bool has_wildcard(const char *words, bool items)
{
	for (const char *at = words; (at = strpbrk(at, "*?")); at++)
		if (!items || *at != '*' || at == words || at[-1] != '[' || at[1] != ']')
			return true;
	return false;
}

const char *pyi_rule_words_subject(enum pyi_rule_kind kind, const char *words)
{
	const char *subject = kind == PYI_RULE_MAX_CONTAINER ? skip_place(words) : words;

	return *subject && !has_wildcard(subject, kind == PYI_RULE_MAX_CONTAINER) ? subject : NULL;
}

/* Names of types may have "=" in them ("Box[x=1]"): limits never do. */
static struct pyi_error *split_subject(struct words *words, const char *what)
{
	const char *equal = strrchr(words->all, '=');

	if (!equal || equal == words->all)
		return usage("--%s wants %s=LIMIT, not \"%s\"", words->option, what, words->all);
	words->subject_length = (size_t)(equal - words->all);
	words->limits = equal + 1;
	if (words->subject_length > PYI_RULES_SUBJECT_LIMIT)
		return usage("--%s: the name is longer than %d bytes", words->option,
			     PYI_RULES_SUBJECT_LIMIT);
	return NULL;
}

/* What a limit was given in decides which of the rules it is. */
static enum pyi_rule_kind kind_by_limit(const struct words *words, enum pyi_rule_kind kind)
{
	const struct pyi_rule_limit *limit =
		words->has_critical ? &words->critical : &words->warning;

	if (kind == PYI_RULE_MAX_COUNT && limit->in_bytes)
		return PYI_RULE_MAX_BYTES;
	if (kind == PYI_RULE_MAX_RSS && limit->is_rate)
		return PYI_RULE_MAX_RSS_GROWTH;
	if (kind == PYI_RULE_MAX_TRACKED && limit->is_rate)
		return PYI_RULE_MAX_TRACKED_GROWTH;
	return kind;
}

struct pyi_error *pyi_rules_parse_option(const char *option, const char *words,
					 struct pyi_rules *rules)
{
	static const struct {
		const char *option;
		enum pyi_rule_kind kind;
		const char *subject;
	} options[] = {
		{ "max", PYI_RULE_MAX_COUNT, "TYPE" },
		{ "max-growth", PYI_RULE_MAX_GROWTH, "TYPE" },
		{ "max-container", PYI_RULE_MAX_CONTAINER, "OWNER" },
		{ "max-rss", PYI_RULE_MAX_RSS, NULL },
		{ "max-tracked", PYI_RULE_MAX_TRACKED, NULL },
	};
	struct words parts = { .option = option, .all = words, .limits = words };

	for (size_t o = 0; o < COUNT(options); o++) {
		struct pyi_error *error;

		if (strcmp(option, options[o].option) != 0)
			continue;
		error = options[o].subject ? split_subject(&parts, options[o].subject) : NULL;
		if (!error)
			error = split_limits(&parts);
		return error ? error : add(&parts, kind_by_limit(&parts, options[o].kind), rules);
	}
	return usage("there is no option --%s for rules", option);
}
