/*
 * Fuzzer of src/rules: a rule file, or the words of an option.
 */
#include <math.h>

#include "fuzz.h"
#include "rules/rule_words.h"
#include "rules/rules_file.h"

static void expect_whole(const struct pyi_rules *rules)
{
	for (size_t r = 0; r < rules->count; r++) {
		const struct pyi_rule *rule = &rules->items[r];

		FUZZ_EXPECT((unsigned)rule->kind < PYI_RULE_KINDS);
		FUZZ_EXPECT(!rule->subject == !pyi_rule_kind_has_subject(rule->kind));
		FUZZ_EXPECT(!rule->subject ||
			    (rule->subject[0] && strlen(rule->subject) <= PYI_RULES_SUBJECT_LIMIT));
		FUZZ_EXPECT(rule->warning >= 0 && rule->critical >= 0);
		FUZZ_EXPECT(isinf(rule->warning) || rule->warning <= PYI_RULES_LIMIT);
		FUZZ_EXPECT(isinf(rule->critical) || rule->critical <= PYI_RULES_LIMIT);
		FUZZ_EXPECT(!isinf(rule->warning) || !isinf(rule->critical));
		FUZZ_EXPECT(isinf(rule->warning) || rule->warning <= rule->critical);
		FUZZ_EXPECT(!rule->runs == (rule->kind != PYI_RULE_GROWING_CONTAINERS));
		FUZZ_EXPECT(rule->origin && rule->origin[0]);
	}
}

static void try_option(const char *words)
{
	static const char *const options[] = { "max", "max-growth", "max-container", "max-rss",
					       "max-tracked" };

	for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++) {
		struct pyi_rules rules = { 0 };
		bool refused = fuzz_drop(pyi_rules_parse_option(options[o], words, &rules));

		FUZZ_EXPECT(rules.count == !refused);
		expect_whole(&rules);
		pyi_rules_deinit(&rules);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	const struct pyi_rules_target target = { .word = "firewalld", .program = "firewalld" };
	struct pyi_rules rules = { 0 };
	/* Not longer than it is, so that a byte behind it is found to be read. */
	char *text = malloc(size_bytes ? size_bytes : 1);
	char *words;

	FUZZ_EXPECT(text);
	if (size_bytes)
		memcpy(text, bytes, size_bytes);
	if (fuzz_drop(pyi_rules_read_text(text, size_bytes, "x.json", &target, &rules)))
		FUZZ_EXPECT(!rules.count);
	expect_whole(&rules);
	pyi_rules_deinit(&rules);
	words = strndup(text, size_bytes);
	FUZZ_EXPECT(words);
	try_option(words);
	free(words);
	free(text);
	return 0;
}
