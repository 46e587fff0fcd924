/*
 * Finds one mapping's flags in the text of smaps.
 */
#include "snapshot/monitored.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool pyi_monitored_map(const char **cursor, const struct pyi_map *map)
{
	const char *line = *cursor;
	uint64_t start_addr = 0;

	for (; *line; line = strchr(line, '\n') + 1) {
		if (!strchr(line, '\n'))
			break;
		/* What is told of a map has a name in front that begins with a capital letter. */
		if (*line < 'A' || *line > 'Z')
			start_addr = strtoull(line, NULL, 16);
		if (start_addr > map->start_addr)
			break;
		if (start_addr < map->start_addr || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		*cursor = line;
		for (const char *flag = line + 8; *flag == ' ' && flag[1] > ' '; flag += 3)
			if (flag[1] == 'u' && strchr("mwi", flag[2]))
				return true;
		return false;
	}
	*cursor = line;
	return false;
}
