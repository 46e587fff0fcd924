/*
 * Prints those lines of its input that look like secrets (src/python/secrets.c).
 */
#include <stdio.h>
#include <string.h>

#include "python/secrets.h"

enum {
	LINE_BYTES = 4096,
};

int main(void)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (pyi_secrets_looks_secret(line))
			puts(line);
	}
	return fflush(stdout) != 0;
}
