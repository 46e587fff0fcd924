/*
 * Tests of src/cli/options.c: the command line as data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <getopt.h>
#include <math.h>
#include <unistd.h>

#include "cli/options.h"

enum {
	WORD_LIMIT = 32,
};

/* Parses the words after the program's name, which NULL ends. */
static struct pyi_error *parse(struct pyi_options *ret_options, ...)
{
	static char *words[WORD_LIMIT];
	int count = 0;
	va_list list;

	words[count++] = (char *)(uintptr_t) "pyinspect";
	va_start(list, ret_options);
	while ((words[count] = va_arg(list, char *)))
		assert_true(++count < WORD_LIMIT);
	va_end(list);
	/* Start again, with glibc and with musl. */
	optind = 0;
	memset(ret_options, 0x5a, sizeof(*ret_options));
	return pyi_options_parse(count, words, ret_options);
}

#define expect_good(options, ...)                                                                  \
	do {                                                                                       \
		struct pyi_error *error_ = parse(options, __VA_ARGS__, (char *)NULL);              \
		if (error_)                                                                        \
			fail_msg("%s", error_->message);                                           \
	} while (0)

#define expect_usage(options, words, ...)                                                          \
	check_usage(parse(options, __VA_ARGS__, (char *)NULL), words)

static void check_hint(struct pyi_error *error, const char *words)
{
	assert_non_null(error);
	assert_non_null(strstr(error->hint, words));
	pyi_error_destroy(error);
}

/* `words` must be in the message. */
static void check_usage(struct pyi_error *error, const char *words)
{
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), "usage");
	assert_int_equal(error->exit, PYI_EXIT_USAGE);
	assert_non_null(error->hint);
	if (!strstr(error->message, words))
		fail_msg("\"%s\" does not say \"%s\"", error->message, words);
	pyi_error_destroy(error);
}

static void expect_ms(double found, double expected)
{
	assert_true(fabs(found - expected) < 1e-6);
}

static void test_history(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_good(&options, "123", "history", "rss", "--history", "/a/b", "--since", "36h");
	assert_string_equal(options.history, "/a/b");
	assert_int_equal(options.since_s, 36 * 3600);
	assert_int_equal(options.given, PYI_OPTION_HISTORY | PYI_OPTION_SINCE);
	expect_good(&options, "123", "history", "--since", "4w");
	assert_int_equal(options.since_s, 28 * 86400);
	expect_usage(&options, "--since wants a time such as", "123", "history", "--since", "4");
	expect_usage(&options, "--since wants a time such as", "123", "history", "--since", "0h");
	expect_usage(&options, "--since wants a time such as", "123", "history", "--since", "-1h");
	expect_usage(&options, "--since wants a time such as", "123", "history", "--since", "1y");
	expect_usage(&options, "--since wants a time such as", "123", "history", "--since", "1hh");
	expect_usage(&options, "--since wants a time such as", "123", "history", "--since",
		     "99999999999999999w");
	expect_usage(&options, "--history wants a path", "123", "history", "--history", "");
}

static void test_defaults(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_good(&options, "123", "top-types");
	assert_string_equal(options.target, "123");
	assert_string_equal(options.command, "top-types");
	/* In a pipe, too. */
	assert_int_equal(options.format, PYI_FORMAT_TABLE);
	expect_ms(options.max_pause_ms, 250);
	expect_ms(options.timeout_s, 60);
	assert_null(options.subject);
	assert_int_equal(options.given, 0);
	assert_int_equal(options.by, 0);
	assert_false(options.tracked_only);
	assert_false(options.exact);
	assert_false(options.values);
	assert_int_equal(options.address, 0);
	assert_int_equal(options.depth, 1);
	assert_false(options.verbose);
	assert_false(options.help);
	assert_false(options.version);
}

static void test_words(void **state)
{
	struct pyi_options options;
	struct pyi_error *error;

	(void)state;
	/* What is missing is for the caller to say. */
	error = parse(&options, (char *)NULL);
	assert_null(error);
	assert_null(options.target);
	assert_null(options.command);
	expect_good(&options, "123");
	assert_string_equal(options.target, "123");
	assert_null(options.command);
	expect_good(&options, "123", "referrers", "foo.Session");
	assert_string_equal(options.command, "referrers");
	assert_string_equal(options.subject, "foo.Session");
	expect_usage(&options, "\"more\" is one word too many", "123", "referrers", "dict", "more");
	assert_string_equal(options.target, "123");
	assert_string_equal(options.command, "referrers");
	assert_string_equal(options.subject, "dict");
	/* No program name at all. */
	optind = 0;
	assert_null(pyi_options_parse(0, (char *[]){ NULL }, &options));
	assert_null(options.target);
	/* Behind "--" nothing is an option. */
	expect_good(&options, "--verbose", "--", "--help", "-n");
	assert_true(options.verbose);
	assert_false(options.help);
	assert_string_equal(options.target, "--help");
	assert_string_equal(options.command, "-n");
}

static void test_all_options(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_good(&options, "--limit", "7", "--by=count", "--scope", "tracked", "--format",
		    "ndjson", "--max-pause", "1.5s", "--timeout", "500ms", "--verbose", "svc",
		    "top-types");
	assert_int_equal(options.limit, 7);
	assert_int_equal(options.by, PYI_BY_COUNT);
	assert_true(options.tracked_only);
	assert_int_equal(options.given, PYI_OPTION_LIMIT | PYI_OPTION_BY | PYI_OPTION_SCOPE);
	assert_int_equal(options.format, PYI_FORMAT_NDJSON);
	expect_ms(options.max_pause_ms, 1500);
	expect_ms(options.timeout_s, 0.5);
	assert_true(options.verbose);
	assert_string_equal(options.target, "svc");

	expect_good(&options, "--exact", "svc", "--address=0x7Fff00000010", "referrers", "--depth",
		    "20", "--values", "--by", "referents");
	assert_true(options.exact && options.values);
	assert_true(options.address == 0x7fff00000010);
	assert_int_equal(options.depth, 20);
	assert_int_equal(options.by, PYI_BY_REFERENTS);
	assert_int_equal(options.given, PYI_OPTION_EXACT | PYI_OPTION_ADDRESS | PYI_OPTION_DEPTH |
						PYI_OPTION_VALUES | PYI_OPTION_BY);

	expect_good(&options, "--interpreter", "0", "svc", "top-types");
	assert_int_equal(options.interpreter, 1);
	expect_usage(&options, "--interpreter wants a whole number", "--interpreter", "-1");
	expect_good(&options, "--runtime", "2", "svc", "top-types");
	assert_int_equal(options.interpreter, 0);
	assert_int_equal(options.runtime, 2);
	expect_usage(&options, "--runtime wants a number from 1", "--runtime", "0");
	expect_usage(&options, "--runtime wants a number from 1", "--runtime", "4294967296");
	expect_usage(&options, "--runtime wants a whole number", "--runtime", "one");

	expect_good(&options, "-vn5", "-h", "--version");
	assert_true(options.verbose && options.help && options.version);
	assert_int_equal(options.limit, 5);
	assert_null(options.target);
	/* Shortened as far as nothing else begins so. */
	expect_good(&options, "--lim", "3", "--form", "table", "--verb");
	assert_int_equal(options.limit, 3);
	assert_int_equal(options.format, PYI_FORMAT_TABLE);
	assert_true(options.verbose);
}

/* What people try who have not read anything yet. */
static void test_other_forms(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_good(&options, "-p", "123", "referrers", "foo.Session");
	assert_string_equal(options.target, "123");
	assert_string_equal(options.command, "referrers");
	assert_string_equal(options.subject, "foo.Session");
	expect_good(&options, "top-types", "--pid=123");
	assert_string_equal(options.target, "123");
	assert_string_equal(options.command, "top-types");
	expect_usage(&options, "\"more\" is one word too many", "-p", "1", "path", "x", "more");
	expect_usage(&options, "--pid wants a process id", "-p", "", "path");
	expect_usage(&options, "option -p wants a value", "top-types", "-p");
	expect_good(&options, "-V");
	assert_true(options.version);
	expect_good(&options, "123", "top-types", "--json");
	assert_int_equal(options.format, PYI_FORMAT_JSON);
	expect_good(&options, "123", "top-types", "--type", "*Session*", "--module=shop",
		    "--no-builtins");
	assert_string_equal(options.type, "*Session*");
	assert_string_equal(options.module, "shop");
	assert_true(options.no_builtins);
	assert_int_equal(options.given,
			 PYI_OPTION_TYPE | PYI_OPTION_MODULE | PYI_OPTION_NO_BUILTINS);
}

/* Another default for scripts. */
static void test_format_of_the_environment(void **state)
{
	struct pyi_options options;

	(void)state;
	setenv("PYINSPECT_FORMAT", "ndjson", 1);
	expect_good(&options, "123", "top-types");
	assert_int_equal(options.format, PYI_FORMAT_NDJSON);
	expect_good(&options, "123", "top-types", "--format", "table");
	assert_int_equal(options.format, PYI_FORMAT_TABLE);
	setenv("PYINSPECT_FORMAT", "nagios", 1);
	expect_usage(&options, "PYINSPECT_FORMAT is table, json or ndjson", "123", "top-types");
	unsetenv("PYINSPECT_FORMAT");
}

/* The order of words does not matter, but the last of the same option counts. */
static void test_order(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_good(&options, "123", "-n", "5", "top-types", "--format", "json", "--by", "bytes");
	assert_string_equal(options.target, "123");
	assert_string_equal(options.command, "top-types");
	assert_int_equal(options.limit, 5);
	assert_int_equal(options.format, PYI_FORMAT_JSON);
	expect_good(&options, "--by", "count", "-n1", "123", "--limit=2", "--by", "bytes",
		    "top-types");
	assert_int_equal(options.limit, 2);
	assert_int_equal(options.by, PYI_BY_BYTES);
	expect_good(&options, "--scope=tracked", "--scope=all");
	assert_false(options.tracked_only);
}

static void test_counts(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_good(&options, "--limit", "0");
	assert_int_equal(options.limit, 0);
	expect_good(&options, "--limit", "18446744073709551615");
	assert_true(options.limit == UINT64_MAX);
	expect_usage(&options, "whole number, not \"18446744073709551616\"", "--limit",
		     "18446744073709551616");
	expect_usage(&options, "--limit wants a whole number, not \"-1\"", "--limit", "-1");
	expect_usage(&options, "not \" -1\"", "--limit", " -1");
	expect_usage(&options, "not \"\"", "--limit", "");
	expect_usage(&options, "not \"ten\"", "--limit", "ten");
	expect_usage(&options, "not \"5k\"", "-n", "5k");
	expect_usage(&options, "not \"1.5\"", "-n1.5");
	expect_usage(&options, "not \"0x10\"", "-n", "0x10");
	/* A value that was not understood is not set. */
	expect_usage(&options, "not \"x\"", "-n", "7", "-n", "x");
	assert_int_equal(options.limit, 7);
}

static void test_durations(void **state)
{
	static const char *const bad[] = { "",	       "ms",	"-1",	"-1s", "nan", "inf",
					   "infinity", "1e999", "fast", " ",   "--",  "-inf" };
	struct pyi_options options;

	(void)state;
	expect_good(&options, "--max-pause", "100", "--timeout", "100");
	expect_ms(options.max_pause_ms, 100);
	expect_ms(options.timeout_s, 100);
	expect_good(&options, "--max-pause", "2s", "--timeout", "2s");
	expect_ms(options.max_pause_ms, 2000);
	expect_ms(options.timeout_s, 2);
	expect_good(&options, "--max-pause", "0.25ms", "--timeout", "0");
	expect_ms(options.max_pause_ms, 0.25);
	expect_ms(options.timeout_s, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_usage(&options, "--max-pause wants a duration", "--max-pause", bad[i]);
		expect_ms(options.max_pause_ms, 250);
		expect_usage(&options, "--timeout wants a duration", "--timeout", bad[i]);
		expect_ms(options.timeout_s, 60);
	}
	expect_usage(&options, "\"min\" is no unit", "--timeout", "5min");
	expect_usage(&options, "\" s\" is no unit", "--timeout", "5 s");
	expect_usage(&options, "\",5\" is no unit", "--max-pause", "1,5");
	expect_usage(&options, "\"S\" is no unit", "--timeout", "5S");
}

/* Whatever is accepted can be counted with. */
static void test_durations_huge(void **state)
{
	static const char *const huge[] = { "1e308s", "1e307", "1.7e308", "1e300s", "1e308ms" };
	struct pyi_options options;

	(void)state;
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		struct pyi_error *error =
			parse(&options, "--timeout", huge[i], "--max-pause", huge[i], (char *)NULL);

		pyi_error_destroy(error);
		assert_true(isfinite(options.timeout_s));
		assert_true(isfinite(options.max_pause_ms));
		/* As nanoseconds, too. */
		assert_true(options.timeout_s < 1.8e10);
	}
}

static void test_choices(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_usage(&options, "--by wants count, bytes, referents or retained, not \"size\"",
		     "--by", "size");
	assert_int_equal(options.by, 0);
	assert_int_equal(options.given, 0);
	expect_usage(&options, "--by wants count, bytes, referents or retained, not \"coun\"",
		     "--by", "coun");
	expect_usage(&options, "not \"\"", "--by=");
	expect_usage(&options, "--scope wants all or tracked, not \"\"", "--scope=");
	expect_usage(&options, "--scope wants all or tracked, not \"tracked2\"", "--scope",
		     "tracked2");
	assert_false(options.tracked_only);
	expect_usage(
		&options,
		"--format wants table, json or ndjson (check: nagios or prometheus, too; path, "
		"show, referrers and referents: dot), not \"yaml\"",
		"--format", "yaml");
	expect_usage(
		&options,
		"--format wants table, json or ndjson (check: nagios or prometheus, too; path, "
		"show, referrers and referents: dot), not \"JSON\"",
		"--format", "JSON");
}

static void test_unknown(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_usage(&options, "unknown option --bogus", "--bogus");
	expect_usage(&options, "unknown option --bogus=1", "123", "--bogus=1", "top-types");
	expect_usage(&options, "unknown option -x", "123", "-x", "top-types");
	check_hint(parse(&options, "123", "top-types", "--limt=5", (char *)NULL), "is it --limit?");
	check_hint(parse(&options, "123", "--max-puase", "5", (char *)NULL), "is it --max-pause?");
	check_hint(parse(&options, "123", "--bogus", (char *)NULL), "see pyinspect --help");
	/* It could be two: --version and --verbose. */
	expect_usage(&options, "--ver", "--ver");
	expect_usage(&options, "--help=yes", "--help=yes");
	/* Among letters: the one that is not known, not the word before. */
	expect_usage(&options, "unknown option -x", "--verbose", "-xv");
	expect_usage(&options, "unknown option -x", "123", "-vxh");
	assert_true(options.verbose && options.help);
}

static void test_missing_values(void **state)
{
	static const char *const wanting[] = { "-n",	    "--limit",	 "--by",
					       "--scope",   "--format",	 "--max-pause",
					       "--timeout", "--address", "--depth" };
	struct pyi_options options;

	(void)state;
	for (size_t i = 0; i < sizeof(wanting) / sizeof(wanting[0]); i++) {
		char expected[64] = "option ";

		strcat(strcat(expected, wanting[i]), " wants a value");
		expect_usage(&options, expected, "123", "top-types", wanting[i]);
		assert_string_equal(options.target, "123");
	}
	expect_usage(&options, "option -vn wants a value", "123", "-vn");
	assert_true(options.verbose);
}

/* An error is reported in the format that was asked for, wherever that stands. */
static void test_format_after_an_error(void **state)
{
	static const char *const bad[] = { "--bogus", "-x", "--limit=x", "--by=x", "--timeout=x" };
	struct pyi_options options;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_usage(&options, "", bad[i], "--format", "ndjson", "123", "top-types");
		assert_int_equal(options.format, PYI_FORMAT_NDJSON);
		assert_string_equal(options.target, "123");
		assert_string_equal(options.command, "top-types");
		expect_usage(&options, "", "123", bad[i], "top-types", "--format=table");
		assert_int_equal(options.format, PYI_FORMAT_TABLE);
	}
	expect_usage(&options, "too many", "1", "2", "3", "4", "--format=ndjson");
	assert_int_equal(options.format, PYI_FORMAT_NDJSON);
	/* The first error is the one that is told. */
	expect_usage(&options, "--limit", "--limit=x", "--by=x", "--bogus", "1", "2", "3", "4");
	/* A format that is none leaves the one before. */
	expect_usage(&options, "yaml", "--format=ndjson", "--format=yaml");
	assert_int_equal(options.format, PYI_FORMAT_NDJSON);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = { "",
					   "0",
					   "0x",
					   "0x0",
					   "-1",
					   "+1",
					   " 0x10",
					   "0x1 ",
					   "0xfg",
					   "7f00",
					   "0x-1",
					   "0x 1",
					   "0x10000000000000000",
					   "18446744073709551616" };
	struct pyi_options options;

	(void)state;
	expect_good(&options, "--address", "140737219919888");
	assert_true(options.address == 140737219919888);
	expect_good(&options, "--address", "0XFFFFFFFFFFFFFFFF");
	assert_true(options.address == UINT64_MAX);
	/* Not octal. */
	expect_good(&options, "--address", "010");
	assert_int_equal(options.address, 10);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char expected[64];

		snprintf(expected, sizeof(expected), "--address: \"%s\" is no address", bad[i]);
		expect_usage(&options, expected, "--address", bad[i]);
		assert_int_equal(options.address, 0);
		assert_int_equal(options.given, 0);
	}
}

static void test_depths(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_good(&options, "--depth", "1");
	assert_int_equal(options.depth, 1);
	assert_int_equal(options.given, PYI_OPTION_DEPTH);
	assert_false(options.tree);
	expect_good(&options, "7", "referrers", "foo.A", "--tree");
	assert_true(options.tree);
	assert_int_equal(options.given, PYI_OPTION_TREE);
	check_usage(pyi_options_complete(&options, "path",
					 &(struct pyi_option_use){ .options = PYI_OPTION_DEPTH }),
		    "path does not know --tree");
	expect_usage(&options, "--depth wants 1 to 20 levels, not 0", "--depth", "0");
	expect_usage(&options, "--depth wants 1 to 20 levels, not 21", "--depth", "21");
	/* Not cut to fewer bits before it is compared. */
	expect_usage(&options, "--depth wants 1 to 20 levels", "--depth", "4294967297");
	expect_usage(&options, "--depth wants a whole number, not \"two\"", "--depth", "two");
	assert_int_equal(options.depth, 1);
}

static const struct pyi_option_use about_all = {
	.options = PYI_OPTION_LIMIT | PYI_OPTION_BY,
	.by = PYI_BY_COUNT | PYI_BY_BYTES,
	.default_limit = 20,
};

static const struct pyi_option_use about_one = {
	.options = PYI_OPTION_LIMIT | PYI_OPTION_EXACT | PYI_OPTION_ADDRESS,
	.subject = true,
	.default_limit = 3,
	.most_limit = 10,
	.zero_is_most = true,
};

/* Parses words that are right in themselves, and completes them for the command "cmd". */
#define complete(options, use, ...)                                                                \
	(pyi_error_destroy(parse(options, "1", "cmd", __VA_ARGS__, (char *)NULL)),                 \
	 pyi_options_complete(options, "cmd", use))

#define expect_complete(options, use, ...)                                                         \
	do {                                                                                       \
		struct pyi_error *error_ = complete(options, use, __VA_ARGS__);                    \
		if (error_)                                                                        \
			fail_msg("%s", error_->message);                                           \
	} while (0)

static void test_foreign_options(void **state)
{
	static const char *const foreign[][2] = {
		{ "--scope=all", "cmd does not know --scope" },
		{ "--exact", "cmd does not know --exact" },
		{ "--address=0x10", "cmd does not know --address" },
		{ "--depth=1", "cmd does not know --depth" },
		{ "--values", "cmd does not know --values" },
	};
	const struct pyi_option_use none = { 0 };
	struct pyi_options options;

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		check_usage(complete(&options, &about_all, foreign[i][0]), foreign[i][1]);
	check_usage(complete(&options, &none, "-n5"), "cmd does not know --limit");
	check_usage(complete(&options, &none, "--by=count"), "cmd does not know --by");
	/* Those of all commands are known to all. */
	expect_complete(&options, &none, "--format=table", "--timeout=1", "--max-pause=1", "-v");
	expect_complete(&options, &about_all, "-n5", "--by", "bytes");
	assert_int_equal(options.by, PYI_BY_BYTES);
	check_usage(complete(&options, &about_all, "--by", "referents"),
		    "cmd --by wants count or bytes, not \"referents\"");
}

static void test_check(void **state)
{
	static const struct pyi_option_use check = {
		.options = PYI_OPTION_RULES | PYI_OPTION_HISTORY | PYI_OPTION_MIN_AGE,
		.monitoring = true,
	};
	static const struct pyi_option_use other = { 0 };
	struct pyi_options options;

	(void)state;
	expect_good(&options, "7", "check", "--max", "a=1", "--preset=generic", "--max-rss", "5",
		    "--rules", "b", "--max", "c=2", "--format", "nagios", "--min-age=2s");
	assert_int_equal(options.rule_count, 5);
	assert_string_equal(options.rules[0].option, "max");
	assert_string_equal(options.rules[1].option, "preset");
	assert_string_equal(options.rules[2].option, "max-rss");
	assert_string_equal(options.rules[3].option, "rules");
	assert_string_equal(options.rules[4].words, "c=2");
	assert_true(options.min_age_s == 2);
	assert_true(options.out == stdout);
	assert_null(pyi_options_complete(&options, "check", &check));
	check_usage(pyi_options_complete(&options, "top-types", &other),
		    "top-types does not know --max");
	expect_good(&options, "7", "top-types", "--format", "prometheus");
	check_usage(pyi_options_complete(&options, "top-types", &other), "for check");
	expect_good(&options, "7", "check", "--state", "s", "--no-history", "--output=o");
	assert_string_equal(options.state, "s");
	assert_string_equal(options.output, "o");
	check_usage(pyi_options_complete(&options, "check", &check),
		    "check does not know --no-history");
	expect_good(&options, "7", "check", "--history", "h");
	assert_string_equal(options.history, "h");
	/* Long before anything is measured. */
	assert_true(options.min_age_s == 60);
	expect_usage(&options, "--history wants a path", "--history=");
	expect_usage(&options, "--min-age wants a duration", "--min-age", "x");
	expect_usage(&options, "option --max wants a value", "7", "check", "--max");
}

/* Only of what is a graph. */
static void test_dot(void **state)
{
	static const struct pyi_option_use graph = { .subject = true, .graph = true };
	static const struct pyi_option_use show = { .address = true,
						    .evidence = true,
						    .graph = true };
	static const struct pyi_option_use other = { .subject = true };
	static const struct pyi_option_use check = { .monitoring = true };
	struct pyi_options options;

	(void)state;
	expect_good(&options, "7", "path", "foo.A", "--format", "dot");
	assert_int_equal(options.format, PYI_FORMAT_DOT);
	assert_null(pyi_options_complete(&options, "path", &graph));
	check_usage(pyi_options_complete(&options, "cmd", &other),
		    "cmd says nothing that is a graph");
	expect_good(&options, "7", "check", "--format=dot");
	check_usage(pyi_options_complete(&options, "check", &check), "is for path, show");
	expect_good(&options, "7", "show", "0x10", "--format=dot");
	assert_null(pyi_options_complete(&options, "show", &show));
	expect_good(&options, "folder", "show", "--format=dot");
	check_usage(pyi_options_complete(&options, "show", &show), "kept evidence is no graph");
	expect_good(&options, "folder", "show", "--format=json");
	assert_null(pyi_options_complete(&options, "show", &show));
}

static void test_limits(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_complete(&options, &about_all, "-v");
	assert_int_equal(options.limit, 20);
	expect_complete(&options, &about_all, "-n0");
	assert_int_equal(options.limit, 0);
	expect_complete(&options, &about_one, "T");
	assert_int_equal(options.limit, 3);
	expect_complete(&options, &about_one, "T", "-n1");
	assert_int_equal(options.limit, 1);
	expect_complete(&options, &about_one, "T", "-n10");
	assert_int_equal(options.limit, 10);
	assert_null(complete(&options, &about_one, "T", "-n0"));
	assert_int_equal(options.limit, 10);
	check_usage(complete(&options, &about_one, "T", "-n11"), "cmd --limit wants 10 or less");
}

static void test_subjects(void **state)
{
	struct pyi_options options;

	(void)state;
	expect_complete(&options, &about_one, "foo.Session", "--exact");
	assert_string_equal(options.subject, "foo.Session");
	assert_int_equal(options.address, 0);
	/* An address either way; a type's name cannot begin with a digit. */
	expect_complete(&options, &about_one, "0x7f00deadbeef");
	assert_null(options.subject);
	assert_true(options.address == 0x7f00deadbeef);
	expect_complete(&options, &about_one, "--address", "4096");
	assert_null(options.subject);
	assert_int_equal(options.address, 4096);
	check_usage(complete(&options, &about_one, "0xyz"), "cmd: \"0xyz\" is no address");
	check_usage(complete(&options, &about_one, "0x0"), "cmd: \"0x0\" is no address");

	check_usage(complete(&options, &about_one, "-v"), "cmd of what?");
	check_usage(complete(&options, &about_one, ""), "cmd of what?");
	check_usage(complete(&options, &about_one, "T", "--address=16"), "not both");
	check_usage(complete(&options, &about_one, "0x10", "--address=16"), "not both");
	check_usage(complete(&options, &about_one, "0x10", "--exact"),
		    "cmd: --exact goes with a TYPE");
	check_usage(complete(&options, &about_all, "more"),
		    "\"more\" is one word too many for cmd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_format_of_the_environment),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_durations_huge),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_missing_values),
		cmocka_unit_test(test_format_after_an_error),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_depths),
		cmocka_unit_test(test_foreign_options),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_subjects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
