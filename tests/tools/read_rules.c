/*
 * Reads rule files as `check` does and prints what came of each: "ok N" with the number of rules,
 * or "error MESSAGE".
 *
 * usage: read_rules TARGET FILE...
 */
#include <stdio.h>

#include "rules/rules_file.h"

int main(int count, char **words)
{
	const struct pyi_rules_target target = { .word = words[1] };

	for (int w = 2; w < count; w++) {
		struct pyi_rules rules = { 0 };
		struct pyi_error *error = pyi_rules_read_file(words[w], &target, &rules);

		if (error)
			printf("error %s: %s\n", pyi_error_code_name(error->code), error->message);
		else
			printf("ok %zu\n", rules.count);
		pyi_error_destroy(error);
		pyi_rules_deinit(&rules);
	}
	return 0;
}
