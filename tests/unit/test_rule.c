/*
 * Tests of lists of rules: what replaces what, and names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/rule.h"

static void add(struct pyi_rules *rules, enum pyi_rule_kind kind, const char *subject,
		double critical, const char *origin)
{
	const struct pyi_rule rule = {
		.kind = kind,
		.subject = (char *)(uintptr_t)subject,
		.critical = critical,
		.origin = (char *)(uintptr_t)origin,
	};

	assert_null(pyi_rules_add(rules, &rule));
}

static void test_last_rule_counts(void **state)
{
	struct pyi_rules rules = { 0 };

	(void)state;
	add(&rules, PYI_RULE_MAX_COUNT, "a.B", 1, "preset x");
	add(&rules, PYI_RULE_MAX_RSS, NULL, 2, NULL);
	add(&rules, PYI_RULE_MAX_COUNT, "a.B", 3, "--max");
	assert_int_equal(rules.count, 2);
	assert_int_equal(rules.items[0].critical, 3);
	assert_string_equal(rules.items[0].origin, "--max");
	assert_int_equal(rules.items[1].critical, 2);
	assert_null(rules.items[1].origin);
	add(&rules, PYI_RULE_MAX_RSS, NULL, 4, "--max-rss");
	assert_int_equal(rules.count, 2);
	assert_int_equal(rules.items[1].critical, 4);
	pyi_rules_deinit(&rules);
	assert_null(rules.items);
	pyi_rules_deinit(&rules);
}

static void test_others_are_kept(void **state)
{
	struct pyi_rules rules = { 0 };
	char name[16] = "a.B";

	(void)state;
	add(&rules, PYI_RULE_MAX_COUNT, name, 1, NULL);
	name[2] = 'C';
	add(&rules, PYI_RULE_MAX_COUNT, name, 2, NULL);
	add(&rules, PYI_RULE_MAX_BYTES, name, 3, NULL);
	for (int i = 0; i < 100; i++) {
		name[2] = 'D';
		name[3] = (char)('A' + i % 50);
		add(&rules, PYI_RULE_MAX_GROWTH, name, i, NULL);
	}
	assert_int_equal(rules.count, 53);
	assert_string_equal(rules.items[0].subject, "a.B");
	assert_int_equal(rules.items[3].critical, 50);
	pyi_rules_deinit(&rules);
}

static void test_names(void **state)
{
	struct pyi_rule rule = { .kind = PYI_RULE_MAX_COUNT, .subject = (char *)(uintptr_t) "a.B" };
	char *name = pyi_rule_name(&rule);

	(void)state;
	assert_string_equal(name, "max-count a.B");
	free(name);
	for (int kind = 0; kind < PYI_RULE_KINDS; kind++) {
		for (int other = 0; other < kind; other++)
			assert_string_not_equal(pyi_rule_kind_name((enum pyi_rule_kind)kind),
						pyi_rule_kind_name((enum pyi_rule_kind)other));
		assert_int_equal(pyi_rule_kind_has_subject((enum pyi_rule_kind)kind),
				 kind <= PYI_RULE_MAX_CONTAINER);
	}
	rule = (struct pyi_rule){ .kind = PYI_RULE_MAX_RSS_GROWTH };
	name = pyi_rule_name(&rule);
	assert_string_equal(name, "max-rss-growth");
	free(name);
	assert_true(pyi_rule_kind_in_bytes(rule.kind) && pyi_rule_kind_is_growth(rule.kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_rule_counts),
		cmocka_unit_test(test_others_are_kept),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
