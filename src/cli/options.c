/*
 * Parses options with getopt_long(). Does not look at the system.
 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analysis/near_name.h"
#include "source/source.h"

enum {
	OPTION_BY = 256,
	OPTION_SCOPE,
	OPTION_FORMAT,
	OPTION_MAX_PAUSE,
	OPTION_MAX_TOTAL_PAUSE,
	OPTION_SOURCE,
	OPTION_SYSROOT,
	OPTION_RUNTIME,
	OPTION_INTERPRETER,
	OPTION_FORCE,
	OPTION_TIMEOUT,
	OPTION_EXACT,
	OPTION_ADDRESS,
	OPTION_DEPTH,
	OPTION_TREE,
	OPTION_VALUES,
	OPTION_MAX,
	OPTION_MAX_GROWTH,
	OPTION_MAX_CONTAINER,
	OPTION_MAX_RSS,
	OPTION_MAX_TRACKED,
	OPTION_PRESET,
	OPTION_RULES,
	OPTION_HISTORY,
	OPTION_NO_HISTORY,
	OPTION_STATE,
	OPTION_MIN_AGE,
	OPTION_OUTPUT,
	OPTION_SINCE,
	OPTION_JSON,
	OPTION_TYPE,
	OPTION_MODULE,
	OPTION_NO_BUILTINS,
	OPTION_CHILDREN,
	OPTION_MIN_SHARE,
	OPTION_INTERVAL,
	DEPTH_LIMIT = 20,
	DEFAULT_MAX_PAUSE_MS = 250,
	DEFAULT_PAUSES = 4,
	DEFAULT_TIMEOUT_S = 60,
	DEFAULT_MIN_AGE_S = 60,
	DEFAULT_MIN_SHARE = 1,
	DEFAULT_INTERVAL_S = 30,
	LEAST_INTERVAL_MS = 100,
};

static const struct option long_options[] = {
	{ "limit", required_argument, NULL, 'n' },
	{ "by", required_argument, NULL, OPTION_BY },
	{ "scope", required_argument, NULL, OPTION_SCOPE },
	{ "exact", no_argument, NULL, OPTION_EXACT },
	{ "address", required_argument, NULL, OPTION_ADDRESS },
	{ "depth", required_argument, NULL, OPTION_DEPTH },
	{ "tree", no_argument, NULL, OPTION_TREE },
	{ "values", no_argument, NULL, OPTION_VALUES },
	{ "max", required_argument, NULL, OPTION_MAX },
	{ "max-growth", required_argument, NULL, OPTION_MAX_GROWTH },
	{ "max-container", required_argument, NULL, OPTION_MAX_CONTAINER },
	{ "max-rss", required_argument, NULL, OPTION_MAX_RSS },
	{ "max-tracked", required_argument, NULL, OPTION_MAX_TRACKED },
	{ "preset", required_argument, NULL, OPTION_PRESET },
	{ "rules", required_argument, NULL, OPTION_RULES },
	{ "history", required_argument, NULL, OPTION_HISTORY },
	{ "no-history", no_argument, NULL, OPTION_NO_HISTORY },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "min-age", required_argument, NULL, OPTION_MIN_AGE },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "type", required_argument, NULL, OPTION_TYPE },
	{ "module", required_argument, NULL, OPTION_MODULE },
	{ "no-builtins", no_argument, NULL, OPTION_NO_BUILTINS },
	{ "children", no_argument, NULL, OPTION_CHILDREN },
	{ "min-share", required_argument, NULL, OPTION_MIN_SHARE },
	{ "interval", required_argument, NULL, OPTION_INTERVAL },
	{ "pid", required_argument, NULL, 'p' },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "max-pause", required_argument, NULL, OPTION_MAX_PAUSE },
	{ "max-total-pause", required_argument, NULL, OPTION_MAX_TOTAL_PAUSE },
	{ "source", required_argument, NULL, OPTION_SOURCE },
	{ "sysroot", required_argument, NULL, OPTION_SYSROOT },
	{ "runtime", required_argument, NULL, OPTION_RUNTIME },
	{ "interpreter", required_argument, NULL, OPTION_INTERPRETER },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* By the bits of enum pyi_option and enum pyi_by, ascending. */
static const char *const option_names[] = {
	"--limit",     "--by",	     "--scope", "--exact",	"--address",	 "--depth",
	"--values",    "--history",  "--rules", "--no-history", "--state",	 "--min-age",
	"--output",    "--since",    "--type",	"--module",	"--no-builtins", "--children",
	"--min-share", "--interval", "--tree",
};
static const char *const by_names[] = { "count", "bytes", "referents", "retained" };

/* Behind the colon, for getopt_long(). */
#define LETTERS ":n:p:vhV"

/* About thirty years. */
#define DURATION_LIMIT_MS 1e12

#define usage(...)                                                                                 \
	pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE, __VA_ARGS__),             \
		       "see pyinspect --help")

static struct pyi_error *parse_count(const char *option, const char *word, uint64_t *ret_count)
{
	unsigned long long count;
	char *end;

	errno = 0;
	count = strtoull(word, &end, 10);
	if (errno || end == word || *end || strchr(word, '-'))
		return usage("%s wants a whole number, not \"%s\"", option, word);
	*ret_count = count;
	return NULL;
}

/* Of one among several, which are counted from 1. */
static struct pyi_error *parse_number(const char *option, const char *word, unsigned *ret_number)
{
	uint64_t number = 0;
	struct pyi_error *error = parse_count(option, word, &number);

	if (error)
		return error;
	if (!number || number > UINT_MAX)
		return usage("%s wants a number from 1, not \"%s\"", option, word);
	*ret_number = (unsigned)number;
	return NULL;
}

static struct pyi_error *parse_interpreter(const char *word, uint64_t *ret_number)
{
	uint64_t number = 0;
	struct pyi_error *error = parse_count("--interpreter", word, &number);

	if (error)
		return error;
	if (number == UINT64_MAX)
		return usage("--interpreter wants a number from 0, not \"%s\"", word);
	*ret_number = number + 1;
	return NULL;
}

/* A number with an optional unit; `scale` is what one unit-less step is worth. */
static struct pyi_error *parse_duration(const char *option, const char *word, double ms_default,
					double *ret_ms)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(word, &end);
	if (errno || end == word || !isfinite(value) || value < 0)
		return usage("%s wants a duration such as 100, 100ms or 2s, not \"%s\"", option,
			     word);
	if (!*end)
		value *= ms_default;
	else if (strcmp(end, "s") == 0)
		value *= 1000;
	else if (strcmp(end, "ms") != 0)
		return usage("%s: \"%s\" is no unit, use ms or s", option, end);
	/* In nanoseconds it must fit 64 bits. */
	if (value > DURATION_LIMIT_MS)
		return usage("%s: \"%s\" is too long", option, word);
	*ret_ms = value;
	return NULL;
}

/* A share in percent. */
static struct pyi_error *parse_share(const char *word, double *ret_percent)
{
	char *end;
	double percent;

	errno = 0;
	percent = strtod(word, &end);
	if (errno || end == word || (*end && strcmp(end, "%") != 0) || !(percent >= 0) ||
	    percent > 100)
		return usage("--min-share wants a share in percent, 0 to 100, not \"%s\"", word);
	*ret_percent = percent;
	return NULL;
}

/* A whole number and a unit: how far back. */
static struct pyi_error *parse_since(const char *word, uint64_t *ret_since_s)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	unsigned long long number;
	uint64_t since_s;
	char *end;

	errno = 0;
	number = strtoull(word, &end, 10);
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		if (errno || !isdigit((unsigned char)word[0]) || !number || *end != units[u].unit ||
		    end[1] || __builtin_mul_overflow(number, units[u].seconds, &since_s) ||
		    since_s > INT32_MAX)
			continue;
		*ret_since_s = since_s;
		return NULL;
	}
	return usage("--since wants a time such as 90m, 36h, 7d or 4w, not \"%s\"", word);
}

static bool is_hexadecimal(const char *word)
{
	return strncasecmp(word, "0x", 2) == 0;
}

static struct pyi_error *parse_address(const char *word, uint64_t *ret_address)
{
	unsigned long long address;
	char *end;

	errno = 0;
	address = strtoull(word, &end, is_hexadecimal(word) ? 16 : 10);
	/* No object is at 0. */
	if (errno || !isdigit((unsigned char)word[0]) || *end || !address)
		return usage("\"%s\" is no address; it wants 0x and hexadecimal digits, or decimal "
			     "ones",
			     word);
	*ret_address = address;
	return NULL;
}

static struct pyi_error *parse_depth(const char *word, unsigned *ret_depth)
{
	uint64_t depth = 0;
	struct pyi_error *error = parse_count("--depth", word, &depth);

	if (error)
		return error;
	if (depth < 1 || depth > DEPTH_LIMIT)
		return usage("--depth wants 1 to %d levels, not %s", DEPTH_LIMIT, word);
	*ret_depth = (unsigned)depth;
	return NULL;
}

static struct pyi_error *parse_by(const char *word, unsigned *ret_by)
{
	for (size_t b = 0; b < sizeof(by_names) / sizeof(by_names[0]); b++)
		if (strcmp(word, by_names[b]) == 0) {
			*ret_by = 1u << b;
			return NULL;
		}
	return usage("--by wants count, bytes, referents or retained, not \"%s\"", word);
}

static struct pyi_error *parse_source(const char *word, enum pyi_source_kind *ret_source)
{
	for (int source = PYI_SOURCE_AUTO; source <= (int)PYI_SOURCE_MIRROR; source++) {
		if (strcmp(word, pyi_source_name((enum pyi_source_kind)source)) != 0)
			continue;
		*ret_source = (enum pyi_source_kind)source;
		return NULL;
	}
	return usage("--source is auto, clone or mirror, not \"%s\"", word);
}

/* Notes that an option was given, unless its value was not understood. */
static struct pyi_error *note(struct pyi_options *options, enum pyi_option option,
			      struct pyi_error *error)
{
	if (!error)
		options->given |= option;
	return error;
}

static struct pyi_error *add_rule(struct pyi_options *options, const char *option)
{
	if (options->rule_count == PYI_RULE_WORDS)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
						       "more than %d rules", PYI_RULE_WORDS),
				      "put them into a file, and name that by --rules");
	options->rules[options->rule_count++] = (struct pyi_rule_words){ option, optarg };
	return note(options, PYI_OPTION_RULES, NULL);
}

/* A path that is not empty. */
static struct pyi_error *set_path(struct pyi_options *options, enum pyi_option option,
				  const char *name, const char **path)
{
	if (!*optarg)
		return usage("%s wants a path", name);
	*path = optarg;
	return note(options, option, NULL);
}

/* What only `check`, and `history`, know. */
static struct pyi_error *apply_of_check(int option, struct pyi_options *options)
{
	struct pyi_error *error;
	double ms = 0;

	switch (option) {
	case OPTION_MAX:
		return add_rule(options, "max");
	case OPTION_MAX_GROWTH:
		return add_rule(options, "max-growth");
	case OPTION_MAX_CONTAINER:
		return add_rule(options, "max-container");
	case OPTION_MAX_RSS:
		return add_rule(options, "max-rss");
	case OPTION_MAX_TRACKED:
		return add_rule(options, "max-tracked");
	case OPTION_PRESET:
		return add_rule(options, "preset");
	case OPTION_RULES:
		return add_rule(options, "rules");
	case OPTION_HISTORY:
		return set_path(options, PYI_OPTION_HISTORY, "--history", &options->history);
	case OPTION_SINCE:
		return note(options, PYI_OPTION_SINCE, parse_since(optarg, &options->since_s));
	case OPTION_NO_HISTORY:
		options->no_history = true;
		return note(options, PYI_OPTION_NO_HISTORY, NULL);
	case OPTION_STATE:
		return set_path(options, PYI_OPTION_STATE, "--state", &options->state);
	case OPTION_OUTPUT:
		return set_path(options, PYI_OPTION_OUTPUT, "--output", &options->output);
	case OPTION_MIN_AGE:
		error = parse_duration("--min-age", optarg, 1000, &ms);
		if (!error)
			options->min_age_s = ms / 1000;
		return note(options, PYI_OPTION_MIN_AGE, error);
	default:
		return usage("unknown option");
	}
}

static struct pyi_error *apply(int option, struct pyi_options *options)
{
	struct pyi_error *error;
	double ms = 0;

	switch (option) {
	case 'n':
		return note(options, PYI_OPTION_LIMIT,
			    parse_count("--limit", optarg, &options->limit));
	case 'v':
		options->verbose = true;
		return NULL;
	case 'h':
		options->help = true;
		return NULL;
	case 'V':
		options->version = true;
		return NULL;
	case OPTION_BY:
		return note(options, PYI_OPTION_BY, parse_by(optarg, &options->by));
	case OPTION_EXACT:
		options->exact = true;
		return note(options, PYI_OPTION_EXACT, NULL);
	case OPTION_ADDRESS:
		return note(
			options, PYI_OPTION_ADDRESS,
			pyi_error_context(parse_address(optarg, &options->address), "--address"));
	case OPTION_DEPTH:
		return note(options, PYI_OPTION_DEPTH, parse_depth(optarg, &options->depth));
	case OPTION_TREE:
		options->tree = true;
		return note(options, PYI_OPTION_TREE, NULL);
	case OPTION_VALUES:
		options->values = true;
		return note(options, PYI_OPTION_VALUES, NULL);
	case OPTION_SCOPE:
		if (strcmp(optarg, "all") != 0 && strcmp(optarg, "tracked") != 0)
			return usage("--scope wants all or tracked, not \"%s\"", optarg);
		options->tracked_only = optarg[0] == 't';
		return note(options, PYI_OPTION_SCOPE, NULL);
	case 'p':
		if (!*optarg)
			return usage("--pid wants a process id");
		options->target = optarg;
		return NULL;
	case OPTION_TYPE:
		options->type = optarg;
		return note(options, PYI_OPTION_TYPE, NULL);
	case OPTION_MODULE:
		options->module = optarg;
		return note(options, PYI_OPTION_MODULE, NULL);
	case OPTION_NO_BUILTINS:
		options->no_builtins = true;
		return note(options, PYI_OPTION_NO_BUILTINS, NULL);
	case OPTION_MIN_SHARE:
		return note(options, PYI_OPTION_MIN_SHARE,
			    parse_share(optarg, &options->min_share));
	case OPTION_CHILDREN:
		options->children = true;
		return note(options, PYI_OPTION_CHILDREN, NULL);
	case OPTION_INTERVAL:
		error = parse_duration("--interval", optarg, 1000, &ms);
		/* Between them the process is to do something. */
		if (!error && ms < LEAST_INTERVAL_MS)
			error = usage("--interval wants %d ms or more", LEAST_INTERVAL_MS);
		if (!error)
			options->interval_s = ms / 1000;
		return note(options, PYI_OPTION_INTERVAL, error);
	case OPTION_JSON:
		options->format = PYI_FORMAT_JSON;
		return NULL;
	case OPTION_FORMAT:
		if (!pyi_format_parse(optarg, &options->format))
			return usage("--format wants table, json or ndjson (check: nagios or "
				     "prometheus, too; path, show, referrers and referents: dot), "
				     "not \"%s\"",
				     optarg);
		return NULL;
	case OPTION_SOURCE:
		return parse_source(optarg, &options->source);
	case OPTION_SYSROOT:
		if (!*optarg)
			return usage("--sysroot wants a folder");
		options->sysroot = optarg;
		return NULL;
	case OPTION_RUNTIME:
		return parse_number("--runtime", optarg, &options->runtime);
	case OPTION_FORCE:
		options->force = true;
		return NULL;
	case OPTION_INTERPRETER:
		return parse_interpreter(optarg, &options->interpreter);
	case OPTION_MAX_PAUSE:
		return parse_duration("--max-pause", optarg, 1, &options->max_pause_ms);
	case OPTION_MAX_TOTAL_PAUSE:
		return parse_duration("--max-total-pause", optarg, 1, &options->max_total_pause_ms);
	case OPTION_TIMEOUT:
		error = parse_duration("--timeout", optarg, 1000, &ms);
		if (!error)
			options->timeout_s = ms / 1000;
		return error;
	default:
		return apply_of_check(option, options);
	}
}

/* For scripts that want the same of all commands. */
static struct pyi_error *take_default_format(struct pyi_options *options)
{
	const char *word = getenv("PYINSPECT_FORMAT");
	enum pyi_format format;

	if (!word || !*word)
		return NULL;
	if (!pyi_format_parse(word, &format) || format > PYI_FORMAT_NDJSON)
		return usage("PYINSPECT_FORMAT is table, json or ndjson, not \"%s\"", word);
	options->format = format;
	return NULL;
}

static struct pyi_error *unknown_option(const char *word)
{
	struct pyi_error *error = usage("unknown option %s", word);
	char name[64];
	struct pyi_near_name near_name = { .wanted = name };

	if (strncmp(word, "--", 2) != 0)
		return error;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	for (const struct option *known = long_options; known->name; known++)
		pyi_near_name_offer(&near_name, known->name);
	if (!near_name.best)
		return error;
	return pyi_error_hint(error, "is it --%s? See pyinspect --help", near_name.best);
}

struct pyi_error *pyi_options_parse(int argc, char **argv, struct pyi_options *ret_options)
{
	struct pyi_options *options = ret_options;
	struct pyi_error *first = NULL;
	int option;

	*options = (struct pyi_options){
		.format = PYI_FORMAT_TABLE,
		.max_pause_ms = DEFAULT_MAX_PAUSE_MS,
		.max_total_pause_ms = -1,
		.timeout_s = DEFAULT_TIMEOUT_S,
		.depth = 1,
		.min_age_s = DEFAULT_MIN_AGE_S,
		.min_share = DEFAULT_MIN_SHARE,
		.interval_s = DEFAULT_INTERVAL_S,
		.out = stdout,
		.output_fd = -1,
		.other_fd = -1,
		.core_fd = -1,
		.draft = { .fd = -1, .folder_fd = -1 },
		.children_fd = -1,
	};
	opterr = 0;
	first = take_default_format(options);
	while ((option = getopt_long(argc, argv, LETTERS, long_options, NULL)) != -1) {
		struct pyi_error *error;

		/* Within letters behind one dash, optind still stands before them. */
		if (option == '?' && optopt && optopt < OPTION_BY && !strchr(LETTERS, optopt))
			error = usage("unknown option -%c", optopt);
		else if (option == '?')
			error = unknown_option(argv[optind - 1]);
		else if (option == ':')
			error = usage("option %s wants a value", argv[optind - 1]);
		else
			error = apply(option, options);
		/* Go on, so that --format is known whatever stands before it. */
		if (first)
			pyi_error_destroy(error);
		else
			first = error;
	}
	if (options->max_total_pause_ms < 0)
		options->max_total_pause_ms = DEFAULT_PAUSES * options->max_pause_ms;
	/* One stop is a sum, too. */
	if (options->max_pause_ms > options->max_total_pause_ms)
		options->max_pause_ms = options->max_total_pause_ms;
	if (optind < argc && !options->target)
		options->target = argv[optind++];
	if (optind < argc)
		options->command = argv[optind++];
	if (optind < argc)
		options->subject = argv[optind++];
	if (!first && optind < argc)
		first = usage("\"%s\" is one word too many", argv[optind]);
	return first;
}

#define usage_of(command, ...)                                                                     \
	pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE, __VA_ARGS__),             \
		       "see pyinspect help %s", command)

/* A type or an address, and only one of them. */
static struct pyi_error *complete_subject(struct pyi_options *options, const char *command)
{
	bool both = options->subject && (options->given & PYI_OPTION_ADDRESS);

	if (both)
		return usage_of(command, "%s wants one of \"%s\" and --address, not both", command,
				options->subject);
	if (options->subject && is_hexadecimal(options->subject)) {
		struct pyi_error *error = parse_address(options->subject, &options->address);

		if (error)
			return pyi_error_context(error, "%s", command);
		options->subject = NULL;
	}
	if (!options->address && (!options->subject || !*options->subject))
		return usage_of(command, "%s of what? It wants a TYPE or the address of an object",
				command);
	if (options->address && options->exact)
		return usage_of(command, "%s: --exact goes with a TYPE, not with an address",
				command);
	return NULL;
}

/* An address only. */
static struct pyi_error *complete_address(struct pyi_options *options, const char *command,
					  const struct pyi_option_use *use)
{
	struct pyi_error *error = NULL;

	if (options->subject && options->given & PYI_OPTION_ADDRESS)
		return usage_of(command, "%s wants one of \"%s\" and --address, not both", command,
				options->subject);
	if (!options->subject && !options->address && use->evidence &&
	    options->format == PYI_FORMAT_DOT)
		return usage_of(command,
				"%s of kept evidence is no graph; the format dot wants the "
				"address of an object",
				command);
	if (!options->subject && !options->address && use->evidence)
		return NULL;
	if (!options->subject && !options->address)
		return usage_of(command, "%s of what? It wants the address of an object", command);
	if (options->subject && !is_hexadecimal(options->subject))
		return usage_of(
			command,
			"%s wants the address of an object (0x...), not \"%s\"; top-objects "
			"and path show some",
			command, options->subject);
	if (options->subject)
		error = parse_address(options->subject, &options->address);
	options->subject = NULL;
	return error ? pyi_error_context(error, "%s", command) : NULL;
}

/* "count or bytes" */
static void list_by(unsigned by, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t b = 0; b < sizeof(by_names) / sizeof(by_names[0]); b++)
		if (by & 1u << b && length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s",
						   length ? " or " : "", by_names[b]);
}

struct pyi_error *pyi_options_complete(struct pyi_options *options, const char *command,
				       const struct pyi_option_use *use)
{
	unsigned foreign = options->given & ~use->options;

	/* Of several, the user may have given another one. */
	if (foreign & PYI_OPTION_RULES)
		return usage_of(command, "%s does not know --%s", command,
				options->rules[0].option);
	if (foreign)
		return usage_of(command, "%s does not know %s", command,
				option_names[__builtin_ctz(foreign)]);
	if (!use->monitoring &&
	    (options->format == PYI_FORMAT_NAGIOS || options->format == PYI_FORMAT_PROMETHEUS))
		return usage_of(command,
				"%s has the formats table, json and ndjson; nagios and "
				"prometheus are for check",
				command);
	if (!use->graph && options->format == PYI_FORMAT_DOT)
		return usage_of(command,
				"%s says nothing that is a graph; the format dot is for path, "
				"show, referrers and referents",
				command);
	if (options->by & ~use->by) {
		char known[64];

		list_by(use->by, known, sizeof(known));
		return usage_of(command, "%s --by wants %s, not \"%s\"", command, known,
				by_names[__builtin_ctz(options->by)]);
	}
	if (!(options->given & PYI_OPTION_LIMIT))
		options->limit = use->default_limit;
	/* As many as can be. */
	else if (!options->limit && use->zero_is_most)
		options->limit = use->most_limit;
	else if (use->most_limit && options->limit > use->most_limit)
		return usage_of(command, "%s --limit wants %llu or less", command,
				(unsigned long long)use->most_limit);
	/* That is for what is done beside waiting. */
	if (use->options & PYI_OPTION_INTERVAL && options->timeout_s > 0 && options->limit > 1)
		options->timeout_s += options->interval_s * (double)(options->limit - 1);
	if (use->subject)
		return complete_subject(options, command);
	if (use->file) {
		options->dump_file = options->subject;
		return options->subject && *options->subject
			       ? NULL
			       : usage_of(command, "%s into which file?", command);
	}
	if (use->two_files)
		return options->subject && *options->subject
			       ? NULL
			       : usage_of(command, "%s wants two files", command);
	if (use->address)
		return complete_address(options, command, use);
	if (use->optional_type && (options->subject || options->given & PYI_OPTION_ADDRESS))
		return complete_subject(options, command);
	if (use->optional_type && options->exact)
		return usage_of(command, "%s: --exact goes with a TYPE", command);
	if (options->subject && !use->optional_subject)
		return usage_of(command, "\"%s\" is one word too many for %s", options->subject,
				command);
	return NULL;
}
