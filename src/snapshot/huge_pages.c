/*
 * Finds private pages of the huge page pool in the text of smaps. Does not read the file.
 */
#include "snapshot/huge_pages.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The number behind `key`, if the line begins with that; else 0. */
static bool is_not_zero(const char *line, const char *key)
{
	size_t length = strlen(key);

	return strncmp(line, key, length) == 0 && strtoull(line + length, NULL, 10) != 0;
}

bool pyi_huge_pages_are_private(const char *smaps)
{
	bool private_map = false;

	for (const char *line = smaps; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		/* What is told of a map has a name in front that begins with a capital letter. */
		if (*line < 'A' || *line > 'Z') {
			/* "START-END rwxp ...": only two letters can be in the last place. */
			const char *permissions = line + strcspn(line, " \n");

			private_map = *permissions == ' ' && strcspn(permissions + 1, " \n") == 4 &&
				      permissions[4] == 'p';
		} else if (private_map && (is_not_zero(line, "Private_Hugetlb:") ||
					   is_not_zero(line, "Shared_Hugetlb:"))) {
			return true;
		}
	}
	return false;
}
