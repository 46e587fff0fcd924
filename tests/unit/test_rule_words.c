/*
 * Tests of rules as options give them, of presets, and of what folders of rule files come to.
 *
 * What a rule file may contain is tested by tests/schema/rules_agree.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

#include "rules/rule_words.h"
#include "rules/rules_file.h"

static void expect_rule(const char *option, const char *words, enum pyi_rule_kind kind,
			const char *subject, double warning, double critical)
{
	struct pyi_rules rules = { 0 };

	assert_null(pyi_rules_parse_option(option, words, &rules));
	assert_int_equal(rules.count, 1);
	assert_int_equal(rules.items[0].kind, kind);
	if (subject)
		assert_string_equal(rules.items[0].subject, subject);
	else
		assert_null(rules.items[0].subject);
	assert_true(rules.items[0].warning == warning);
	assert_true(rules.items[0].critical == critical);
	assert_int_equal(strncmp(rules.items[0].origin, "--", 2), 0);
	assert_string_equal(rules.items[0].origin + 2, option);
	pyi_rules_deinit(&rules);
}

static void test_options(void **state)
{
	const double none = INFINITY;

	(void)state;
	expect_rule("max", "a.B=1000", PYI_RULE_MAX_COUNT, "a.B", none, 1000);
	expect_rule("max", "a.B=20k", PYI_RULE_MAX_COUNT, "a.B", none, 20000);
	expect_rule("max", "a.B=1.5M", PYI_RULE_MAX_COUNT, "a.B", none, 1.5e6);
	expect_rule("max", "a.B=64MiB", PYI_RULE_MAX_BYTES, "a.B", none, 64 * 1048576.0);
	expect_rule("max", "a.B=64kB", PYI_RULE_MAX_BYTES, "a.B", none, 64000);
	expect_rule("max", "a.B=1MB:1GB", PYI_RULE_MAX_BYTES, "a.B", 1e6, 1e9);
	expect_rule("max", "a.B=5:10", PYI_RULE_MAX_COUNT, "a.B", 5, 10);
	expect_rule("max", "a.B=5:", PYI_RULE_MAX_COUNT, "a.B", 5, none);
	expect_rule("max", "a.B=7B:", PYI_RULE_MAX_BYTES, "a.B", 7, none);
	expect_rule("max", "a.B=:10", PYI_RULE_MAX_COUNT, "a.B", none, 10);
	expect_rule("max", "a.B=10:10", PYI_RULE_MAX_COUNT, "a.B", 10, 10);
	expect_rule("max", "a.B=0", PYI_RULE_MAX_COUNT, "a.B", none, 0);
	expect_rule("max", "Box[x=1]=3", PYI_RULE_MAX_COUNT, "Box[x=1]", none, 3);
	expect_rule("max-growth", "a.B=60", PYI_RULE_MAX_GROWTH, "a.B", none, 60);
	expect_rule("max-growth", "a.B=60/h", PYI_RULE_MAX_GROWTH, "a.B", none, 60);
	expect_rule("max-growth", "a.B=1/min", PYI_RULE_MAX_GROWTH, "a.B", none, 60);
	expect_rule("max-growth", "a.B=24/d", PYI_RULE_MAX_GROWTH, "a.B", none, 1);
	expect_rule("max-growth", "a.B=30:1/min", PYI_RULE_MAX_GROWTH, "a.B", 30, 60);
	expect_rule("max-container", "a.B.c=5k", PYI_RULE_MAX_CONTAINER, "a.B.c", none, 5000);
	/* As reports call it. */
	expect_rule("max-container", "in instance a.B.c=5k", PYI_RULE_MAX_CONTAINER, "a.B.c", none,
		    5000);
	expect_rule("max-container", "dict[*]  in module a=5k", PYI_RULE_MAX_CONTAINER, "a", none,
		    5000);
	expect_rule("max-container", "a.CACHE[*].b[*][1]=5", PYI_RULE_MAX_CONTAINER,
		    "a.CACHE[*].b[*][1]", none, 5);
	expect_rule("max-container", "in frame f local x=5", PYI_RULE_MAX_CONTAINER,
		    "frame f local x", none, 5);
	expect_rule("max-container", "list[*]  in function f.<locals>.g closure x=5",
		    PYI_RULE_MAX_CONTAINER, "function f.<locals>.g closure x", none, 5);
	expect_rule("max-container", "class a.B.c=5k", PYI_RULE_MAX_CONTAINER, "a.B.c", none, 5000);
	expect_rule("max-rss", "512MiB:1GiB", PYI_RULE_MAX_RSS, NULL, 536870912, 1073741824);
	expect_rule("max-rss", "2MiB/h", PYI_RULE_MAX_RSS_GROWTH, NULL, none, 2097152);
	expect_rule("max-rss", "24MB/d:2MB/h", PYI_RULE_MAX_RSS_GROWTH, NULL, 1e6, 2e6);
	expect_rule("max-tracked", "1M", PYI_RULE_MAX_TRACKED, NULL, none, 1e6);
	expect_rule("max-tracked", "100:1k/h", PYI_RULE_MAX_TRACKED_GROWTH, NULL, 100, 1000);
}

static void expect_refused(const char *option, const char *words)
{
	struct pyi_rules rules = { 0 };
	struct pyi_error *error = pyi_rules_parse_option(option, words, &rules);

	if (!error) {
		fail_msg("taken: --%s %s", option, words);
		return;
	}
	assert_string_equal(pyi_error_code_name(error->code), "usage");
	assert_int_equal(error->exit, PYI_EXIT_USAGE);
	assert_non_null(strstr(error->message, option));
	assert_int_equal(rules.count, 0);
	pyi_error_destroy(error);
}

static void test_wrong_options(void **state)
{
	static const char *const of_max[] = {
		"",
		"a.B",
		"=5",
		"a.B=",
		"a.B=:",
		"a.B=x",
		"a.B=-5",
		"a.B=+5",
		"a.B=0x10",
		"a.B=1e3",
		"a.B=inf",
		"a.B=nan",
		"a.B=1,5",
		"a.B=.5",
		"a.B=5.",
		"a.B= 5",
		"a.B=5 ",
		"a.B=5kib",
		"a.B=10/h",
		"a.B=5:4",
		"a.B=1:2:3",
		"a.B=5/x",
		"a.B=5/",
		"a.B=5k:1B",
		"a.B=5B:9",
		"a.B=5KK",
		"a.B=5K",
		"a.B=1000000000000000000000000000",
		"a.B=10000000G",
	};
	char long_name[1100];

	(void)state;
	for (size_t w = 0; w < sizeof(of_max) / sizeof(of_max[0]); w++)
		expect_refused("max", of_max[w]);
	expect_refused("max-growth", "a.B=1MiB/h");
	expect_refused("max-growth", "a.B=60/s");
	expect_refused("max-growth", "a.B=2/min:1/h");
	expect_refused("max-container", "a.B=1MiB");
	expect_refused("max-container", "a.*=1");
	expect_refused("max-container", "in instance =1");
	expect_refused("max-container", "a.CACHE[*=1");
	expect_refused("max-container", "a.CACHE[?]=1");
	expect_refused("max-container", "a.*]=1");
	expect_refused("max", "a.CACHE[*]=1");
	expect_refused("max", "app.Sessio?=1");
	expect_refused("max-growth", "*=1/h");
	expect_refused("max-container", "a.B=1/h");
	expect_refused("max-rss", "100");
	expect_refused("max-rss", "100/h");
	expect_refused("max-rss", "1MiB:2MiB/x");
	expect_refused("max-rss", "1:2MiB/h");
	expect_refused("max-rss", "");
	expect_refused("max-tracked", "1MB");
	expect_refused("max-tracked", "5/h:10");
	expect_refused("max-none", "5");
	memset(long_name, 'x', sizeof(long_name));
	memcpy(long_name + sizeof(long_name) - 3, "=5", 3);
	expect_refused("max", long_name);
}

static void test_presets(void **state)
{
	struct pyi_rules rules = { 0 };
	struct pyi_error *error;
	size_t count;

	(void)state;
	assert_null(pyi_rules_add_preset("firewalld", &rules));
	count = rules.count;
	assert_true(count > 0);
	assert_null(pyi_rules_add_preset("generic", &rules));
	assert_true(rules.count > count);
	for (size_t r = 0; r < rules.count; r++) {
		const struct pyi_rule *rule = &rules.items[r];

		assert_true(rule->warning <= rule->critical && isfinite(rule->warning));
		assert_int_equal(rule->subject != NULL, pyi_rule_kind_has_subject(rule->kind));
		assert_int_equal(rule->runs > 0, rule->kind == PYI_RULE_GROWING_CONTAINERS);
		assert_string_equal(rule->origin,
				    r < count ? "preset firewalld" : "preset generic");
	}
	/* In the other order, too. */
	pyi_rules_deinit(&rules);
	assert_null(pyi_rules_add_preset("generic", &rules));
	assert_null(pyi_rules_add_preset("firewalld", &rules));
	for (size_t r = 0; r < rules.count; r++)
		if (rules.items[r].kind == PYI_RULE_MAX_TRACKED_GROWTH)
			assert_string_equal(rules.items[r].origin, "preset firewalld");
	error = pyi_rules_add_preset("Firewalld", &rules);
	assert_string_equal(pyi_error_code_name(error->code), "usage");
	assert_non_null(strstr(error->hint, "firewalld, generic"));
	pyi_error_destroy(error);
	pyi_rules_deinit(&rules);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static const struct pyi_rules_target nobody = { .word = NULL };

#define RULE_RSS(limit) "\"rules\": [{\"rule\": \"max-rss\", \"critical\": " limit "}]"
#define RSS(limit) "{" RULE_RSS(limit) "}"
#define FOR(target, limit) "{\"targets\": [\"" target "\"], " RULE_RSS(limit) "}"

static void test_folder(void **state)
{
	char folder[] = "/tmp/pyinspect-rules-XXXXXX";
	struct pyi_rules rules = { 0 };
	struct pyi_error *error;

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_file(folder, "20-b.json", RSS("2"));
	write_file(folder, "10-a.json", RSS("1"));
	write_file(folder, ".30-c.json", "hidden");
	write_file(folder, "30-c.json~", "of an editor");
	assert_null(pyi_rules_read_folder(folder, &nobody, &rules));
	assert_int_equal(rules.count, 1);
	assert_true(rules.items[0].critical == 2);
	assert_non_null(strstr(rules.items[0].origin, "/20-b.json"));

	write_file(folder, "10-a.json", "{\n \"rules\": [{}, 5]}");
	error = pyi_rules_read_folder(folder, &nobody, &rules);
	assert_string_equal(pyi_error_code_name(error->code), "bad-rules");
	assert_int_equal(error->exit, PYI_EXIT_USAGE);
	assert_non_null(strstr(error->message, "/10-a.json: at $.rules[0]: the key \"rule\""));
	pyi_error_destroy(error);
	assert_int_equal(rules.count, 1);

	write_file(folder, "10-a.json", "{\n \"rules\": [01]}");
	error = pyi_rules_read_folder(folder, &nobody, &rules);
	assert_non_null(strstr(error->message, "/10-a.json: line 2, column 12: "));
	pyi_error_destroy(error);
	remove_file(folder, "10-a.json");
	remove_file(folder, "20-b.json");
	remove_file(folder, ".30-c.json");
	remove_file(folder, "30-c.json~");
	assert_null(pyi_rules_read_folder(folder, &nobody, &rules));
	assert_int_equal(rmdir(folder), 0);
	assert_null(pyi_rules_read_folder(folder, &nobody, &rules));
	error = pyi_rules_read_file(folder, &nobody, &rules);
	assert_string_equal(pyi_error_code_name(error->code), "bad-rules");
	pyi_error_destroy(error);
	error = pyi_rules_read_file("/dev/zero", &nobody, &rules);
	assert_non_null(strstr(error->message, "not a regular file"));
	pyi_error_destroy(error);
	pyi_rules_deinit(&rules);
}

/* What somebody may have meant who wrote something else, in a file of rules. */
static void test_near_names(void **state)
{
	static const struct {
		const char *text;
		const char *hint;
	} cases[] = {
		{ "{\"presets\": [\"generic\"], \"target\": [\"a\"]}", "is it \"targets\"?" },
		{ "{\"rules\": [{\"rule\": \"max-rss\", \"critcal\": 1}]}", "is it \"critical\"?" },
		{ "{\"rules\": [{\"rule\": \"maxrss\", \"critical\": 1}]}", "is it max-rss?" },
		{ "{\"rules\": [{\"rule\": \"x\", \"critical\": 1}]}", "see pyinspect-rules(5)" },
		{ "{\"entirely\": 1}", "see pyinspect-rules(5)" },
	};
	char folder[] = "/tmp/pyinspect-rules-XXXXXX";
	struct pyi_rules rules = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct pyi_error *error;

		write_file(folder, "a.json", cases[c].text);
		error = pyi_rules_read_folder(folder, &nobody, &rules);
		assert_non_null(error);
		assert_non_null(error->hint);
		assert_non_null(strstr(error->hint, cases[c].hint));
		pyi_error_destroy(error);
	}
	remove_file(folder, "a.json");
	assert_int_equal(rmdir(folder), 0);
	pyi_rules_deinit(&rules);
}

static void test_large_file(void **state)
{
	char folder[] = "/tmp/pyinspect-rules-XXXXXX";
	struct pyi_rules rules = { 0 };
	char *text = malloc(1000001);
	struct pyi_error *error;
	char path[64];

	(void)state;
	assert_non_null(text);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.json", folder);
	memset(text, ' ', 1000000);
	memcpy(text, RSS("5"), strlen(RSS("5")));
	text[1000000] = '\0';
	write_file(folder, "a.json", text);
	assert_null(pyi_rules_read_file(path, &nobody, &rules));
	assert_int_equal(rules.count, 1);
	assert_int_equal(truncate(path, 1000001), 0);
	error = pyi_rules_read_file(path, &nobody, &rules);
	assert_non_null(strstr(error->message, "larger than 1 MB"));
	pyi_error_destroy(error);
	remove_file(folder, "a.json");
	assert_int_equal(rmdir(folder), 0);
	free(text);
	pyi_rules_deinit(&rules);
}

static bool is_for_program(const char *patterns, const char *word, const char *program)
{
	const struct pyi_rules_target target = { .word = word, .program = program };
	char text[256];
	struct pyi_rules rules = { 0 };
	bool is;

	snprintf(text, sizeof(text), "{\"targets\": %s, \"presets\": [\"generic\"]}", patterns);
	assert_null(pyi_rules_read_text(text, strlen(text), "x.json", &target, &rules));
	is = rules.count > 0;
	pyi_rules_deinit(&rules);
	return is;
}

static bool is_for(const char *patterns, const char *word)
{
	return is_for_program(patterns, word, NULL);
}

static void test_targets(void **state)
{
	(void)state;
	assert_true(is_for("[\"firewalld\"]", "firewalld"));
	assert_true(is_for("[\"firewalld\"]", "unit:firewalld"));
	assert_true(is_for("[\"firewalld\"]", "unit:firewalld.service"));
	assert_true(is_for("[\"unit:firewalld*\"]", "unit:firewalld.service"));
	assert_true(is_for("[\"x\", \"fire*\"]", "firewalld.service"));
	assert_true(is_for("[\"4711\"]", "4711"));
	assert_false(is_for("[\"firewalld\"]", "firewalld2"));
	assert_false(is_for("[\"firewalld\"]", "471"));
	assert_false(is_for("[\"*\"]", NULL));
	assert_false(is_for("[\"\\\\*\"]", "x"));

	assert_true(is_for_program("[\"guni*\"]", "unit:shop", "gunicorn"));
	assert_true(is_for_program("[\"shop\"]", "unit:shop", "gunicorn"));
	assert_true(is_for_program("[\"guni*\"]", NULL, "gunicorn"));
	assert_false(is_for_program("[\"guni\"]", "unit:shop", "gunicorn"));
}

/* Neither name, the one of the target or of its program, makes a file count more. */
static void test_folder_for_targets(void **state)
{
	static const struct {
		const char *general;
		const char *later;
		const char *word;
		const char *program;
		double limit;
	} cases[] = {
		{ "*", "gunicorn", "unit:shop", "gunicorn", 2 },
		{ "*", "shop", "unit:shop", "gunicorn", 2 },
		{ "gunicorn", "shop", "unit:shop", "gunicorn", 2 },
		{ "shop", "gunicorn", "unit:shop", "gunicorn", 2 },
		{ "gunicorn", "other", "unit:shop", "gunicorn", 1 },
		{ "shop", "gunicorn", "unit:shop", NULL, 1 },
	};
	char folder[] = "/tmp/pyinspect-rules-XXXXXX";
	char text[256];

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		const struct pyi_rules_target target = { cases[c].word, cases[c].program };
		struct pyi_rules rules = { 0 };

		snprintf(text, sizeof(text), FOR("%s", "1"), cases[c].general);
		write_file(folder, "10-general.json", text);
		snprintf(text, sizeof(text), FOR("%s", "2"), cases[c].later);
		write_file(folder, "50-later.json", text);
		assert_null(pyi_rules_read_folder(folder, &target, &rules));
		assert_int_equal(rules.count, 1);
		if (rules.items[0].critical != cases[c].limit)
			fail_msg("case %zu: the limit is %g", c, rules.items[0].critical);
		pyi_rules_deinit(&rules);
	}
	remove_file(folder, "10-general.json");
	remove_file(folder, "50-later.json");
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),	   cmocka_unit_test(test_wrong_options),
		cmocka_unit_test(test_presets),	   cmocka_unit_test(test_folder),
		cmocka_unit_test(test_near_names), cmocka_unit_test(test_large_file),
		cmocka_unit_test(test_targets),	   cmocka_unit_test(test_folder_for_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
