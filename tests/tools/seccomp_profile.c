/*
 * Reads rules and gives them to libseccomp. Does not load the filter.
 */
#include "tools/seccomp_profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARGUMENTS = 6,
};

static void wrong(const char *path, const char *line, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", path, why, line);
	exit(2);
}

/* An action without its number; 1 is none. */
static uint32_t find_action(const char *word)
{
	static const struct {
		const char *word;
		uint32_t action;
	} actions[] = {
		{ "allow", SCMP_ACT_ALLOW },
		{ "log", SCMP_ACT_LOG },
		{ "kill", SCMP_ACT_KILL_PROCESS },
		{ "trap", SCMP_ACT_TRAP },
		{ "trace", SCMP_ACT_TRACE(0) },
		{ "notify", SCMP_ACT_NOTIFY },
		{ "kill-thread", SCMP_ACT_KILL_THREAD },
		{ "fail", SCMP_ACT_ERRNO(0) },
	};

	for (size_t a = 0; a < sizeof(actions) / sizeof(actions[0]); a++)
		if (strcmp(word, actions[a].word) == 0)
			return actions[a].action;
	return 1;
}

/* "INDEX == VALUE", "INDEX != VALUE" or "INDEX & MASK == VALUE", any number of them. */
static unsigned read_conditions(char *text, struct scmp_arg_cmp conditions[ARGUMENTS])
{
	unsigned count = 0;
	int length;

	for (char *at = text; *at && count < ARGUMENTS; at += length) {
		unsigned long long value;
		unsigned long long mask;
		unsigned index;

		length = 0;
		if (sscanf(at, " %u & %llx == %llx%n", &index, &mask, &value, &length) == 3)
			conditions[count++] = SCMP_CMP(index, SCMP_CMP_MASKED_EQ, mask, value);
		else if (sscanf(at, " %u == %llx%n", &index, &value, &length) == 2)
			conditions[count++] = SCMP_CMP(index, SCMP_CMP_EQ, value, 0);
		else if (sscanf(at, " %u != %llx%n", &index, &value, &length) == 2)
			conditions[count++] = SCMP_CMP(index, SCMP_CMP_NE, value, 0);
		else
			break;
	}
	return count;
}

static void add_rule(scmp_filter_ctx filter, uint32_t action, const char *path, char *line,
		     const char *name, char *rest)
{
	struct scmp_arg_cmp conditions[ARGUMENTS];
	int number = seccomp_syscall_resolve_name(name);
	unsigned count = 0;
	int result;

	if (number == __NR_SCMP_ERROR)
		return;
	if (action == SCMP_ACT_ERRNO(0))
		action = SCMP_ACT_ERRNO((uint32_t)strtoul(rest, &rest, 10));
	count = read_conditions(rest, conditions);
	result = seccomp_rule_add_array(filter, action, number, count, conditions);
	/* What is the default already, and what another processor has. */
	if (result && result != -EACCES && result != -EDOM && result != -EEXIST)
		wrong(path, line, strerror(-result));
}

scmp_filter_ctx seccomp_profile_read(const char *path)
{
	FILE *file = fopen(path, "re");
	scmp_filter_ctx filter = NULL;
	char line[256];

	if (!file)
		wrong(path, "", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		char word[32];
		char name[64];
		int length = 0;
		uint32_t action;

		if (line[0] == '#' || sscanf(line, "%31s %63s%n", word, name, &length) < 2)
			continue;
		if (!filter) {
			action = find_action(name);
			if (strcmp(word, "default") != 0 || action == 1)
				wrong(path, line, "no default");
			if (action == SCMP_ACT_ERRNO(0))
				action = SCMP_ACT_ERRNO((uint32_t)atoi(line + length));
			filter = seccomp_init(action);
			continue;
		}
		action = find_action(word);
		if (action == 1)
			wrong(path, line, "no such action");
		add_rule(filter, action, path, line, name, line + length);
	}
	fclose(file);
	if (!filter)
		wrong(path, "", "no rules");
	return filter;
}
