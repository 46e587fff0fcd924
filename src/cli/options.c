/*
 * Parses options with getopt_long(). Does not look at the system.
 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPTION_BY = 256,
	OPTION_SCOPE,
	OPTION_FORMAT,
	OPTION_MAX_PAUSE,
	OPTION_TIMEOUT,
	OPTION_VERSION,
	DEFAULT_LIMIT = 20,
	DEFAULT_MAX_PAUSE_MS = 250,
	DEFAULT_TIMEOUT_S = 60,
};

static const struct option long_options[] = {
	{ "limit", required_argument, NULL, 'n' },
	{ "by", required_argument, NULL, OPTION_BY },
	{ "scope", required_argument, NULL, OPTION_SCOPE },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "max-pause", required_argument, NULL, OPTION_MAX_PAUSE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

/* About thirty years. */
#define DURATION_LIMIT_MS 1e12

#define usage(...)                                                                                 \
	pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, "usage", __VA_ARGS__),                     \
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

static struct pyi_error *apply(int option, struct pyi_options *options)
{
	struct pyi_error *error;
	double ms = 0;

	switch (option) {
	case 'n':
		return parse_count("--limit", optarg, &options->limit);
	case 'v':
		options->verbose = true;
		return NULL;
	case 'h':
		options->help = true;
		return NULL;
	case OPTION_VERSION:
		options->version = true;
		return NULL;
	case OPTION_BY:
		if (strcmp(optarg, "count") != 0 && strcmp(optarg, "bytes") != 0)
			return usage("--by wants count or bytes, not \"%s\"", optarg);
		options->order = optarg[0] == 'c' ? PYI_CENSUS_BY_COUNT : PYI_CENSUS_BY_BYTES;
		return NULL;
	case OPTION_SCOPE:
		if (strcmp(optarg, "all") != 0 && strcmp(optarg, "tracked") != 0)
			return usage("--scope wants all or tracked, not \"%s\"", optarg);
		options->tracked_only = optarg[0] == 't';
		return NULL;
	case OPTION_FORMAT:
		if (!pyi_format_parse(optarg, &options->format))
			return usage("--format wants table, json or ndjson, not \"%s\"", optarg);
		return NULL;
	case OPTION_MAX_PAUSE:
		return parse_duration("--max-pause", optarg, 1, &options->max_pause_ms);
	case OPTION_TIMEOUT:
		error = parse_duration("--timeout", optarg, 1000, &ms);
		if (!error)
			options->timeout_s = ms / 1000;
		return error;
	default:
		return usage("unknown option");
	}
}

struct pyi_error *pyi_options_parse(int argc, char **argv, struct pyi_options *ret_options)
{
	struct pyi_options *options = ret_options;
	struct pyi_error *first = NULL;
	int option;

	*options = (struct pyi_options){
		.format = isatty(STDOUT_FILENO) ? PYI_FORMAT_TABLE : PYI_FORMAT_JSON,
		.max_pause_ms = DEFAULT_MAX_PAUSE_MS,
		.timeout_s = DEFAULT_TIMEOUT_S,
		.limit = DEFAULT_LIMIT,
		.order = PYI_CENSUS_BY_BYTES,
	};
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":n:vh", long_options, NULL)) != -1) {
		struct pyi_error *error;

		/* Within letters behind one dash, optind still stands before them. */
		if (option == '?' && optopt && optopt < OPTION_BY && !strchr("nvh", optopt))
			error = usage("unknown option -%c", optopt);
		else if (option == '?')
			error = usage("unknown option %s", argv[optind - 1]);
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
	if (optind < argc)
		options->target = argv[optind++];
	if (optind < argc)
		options->command = argv[optind++];
	if (!first && optind < argc)
		first = usage("\"%s\" is one word too many", argv[optind]);
	return first;
}
