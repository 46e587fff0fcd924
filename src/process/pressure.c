/*
 * Reads pressure files, and holds them against the limits.
 */
#include "process/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/small_file.h"

enum {
	FILE_LIMIT_BYTES = 4096,
	CGROUP_LIMIT_BYTES = 1 << 20,
	HUNDREDTHS = 100,
	HUNDREDTHS_LIMIT = 100 * HUNDREDTHS,
	/*
	 * From when on it is pressure. `some` reaches some percent on a healthy host that drops
	 * caches or swaps a little; a fifth of the time means that memory is being looked for
	 * all the time. `full` is time lost to everybody: on a healthy host it is next to 0. Both
	 * are far below what systemd-oomd takes for a reason to kill (60 percent).
	 */
	SOME_LIMIT_PERCENT = 20,
	FULL_LIMIT_PERCENT = 5,
};

static const char no_such_file[] = "the kernel does not measure it";
static const char unreadable[] = "it cannot be read";
static const char no_such_group[] = "it is in no cgroup (v2) that measures it";

/* Parses "12.34" as hundredths. */
static bool parse_percent(const char *text, uint32_t *ret_hundredths)
{
	uint32_t value = 0;
	int decimals = -1;

	if (*text < '0' || *text > '9')
		return false;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && decimals < 0); text++) {
		if (*text == '.') {
			decimals = 0;
			continue;
		}
		if (decimals == 2)
			return false;
		decimals += decimals >= 0;
		value = value * 10 + (uint32_t)(*text - '0');
		if (value > HUNDREDTHS_LIMIT)
			return false;
	}
	for (int d = decimals < 0 ? 0 : decimals; d < 2; d++)
		value *= 10;
	if (value > HUNDREDTHS_LIMIT || (*text != ' ' && *text != '\n'))
		return false;
	*ret_hundredths = value;
	return true;
}

/* The average over ten seconds of the line that begins with `label`; 0 without such a line. */
static bool parse_line(const char *text, const char *label, bool *ret_found,
		       uint32_t *ret_hundredths)
{
	size_t length = strlen(label);

	*ret_found = false;
	*ret_hundredths = 0;
	while (*text) {
		const char *end = strchr(text, '\n');

		if (!end)
			return false;
		if (strncmp(text, label, length) == 0) {
			*ret_found = true;
			return parse_percent(text + length, ret_hundredths);
		}
		text = end + 1;
	}
	return true;
}

bool pyi_pressure_parse(const char *text, struct pyi_pressure *ret_pressure)
{
	uint32_t some;
	uint32_t full;
	bool has_some;
	bool has_full;

	/* Kernels have files that are without the second line. */
	if (!parse_line(text, "some avg10=", &has_some, &some) || !has_some ||
	    !parse_line(text, "full avg10=", &has_full, &full))
		return false;
	*ret_pressure = (struct pyi_pressure){
		.known = true,
		.some_percent = (double)some / HUNDREDTHS,
		.full_percent = (double)full / HUNDREDTHS,
	};
	return true;
}

static void read_file(const char *path, struct pyi_pressure *ret_pressure)
{
	char text[FILE_LIMIT_BYTES];

	*ret_pressure = (struct pyi_pressure){ .why = unreadable };
	if (!pyi_small_file_read(AT_FDCWD, path, text, sizeof(text))) {
		/* EOPNOTSUPP: it is built in, but was not switched on (psi=1). */
		if (errno == ENOENT || errno == ENOTDIR || errno == EOPNOTSUPP)
			ret_pressure->why = no_such_file;
		return;
	}
	if (!pyi_pressure_parse(text, ret_pressure))
		ret_pressure->why = "it is not as the kernel writes it";
}

void pyi_pressure_read_host(const char *file, struct pyi_pressure *ret_pressure)
{
	read_file(file, ret_pressure);
}

/* The path behind "0::", if it can be looked up below the root; NULL: it cannot. */
static char *find_path(char *cgroups)
{
	char *line = cgroups;

	while (line && strncmp(line, "0::/", 4) != 0) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!line)
		return NULL;
	line += 3;
	line[strcspn(line, "\n")] = '\0';
	/* Out of our cgroup namespace, or a cgroup that was removed. */
	return strncmp(line, "/..", 3) == 0 || strstr(line, "/../") ? NULL : line;
}

void pyi_pressure_read_group(const struct pyi_process *process, const char *cgroup_root,
			     struct pyi_pressure *ret_pressure)
{
	/* On hosts that have both, the new hierarchy is mounted below the old ones. */
	static const char *const mounts[] = { "", "/unified" };
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	PYI_CLEANUP(pyi_guard_free) char *cgroups = NULL;
	const char *path;

	*ret_pressure = (struct pyi_pressure){ .why = no_such_group };
	error = pyi_process_read_file(process, "cgroup", CGROUP_LIMIT_BYTES, &cgroups, NULL);
	path = error ? NULL : find_path(cgroups);
	for (size_t m = 0; path && m < sizeof(mounts) / sizeof(mounts[0]); m++) {
		char *file;

		if (asprintf(&file, "%s%s%s/memory.pressure", cgroup_root, mounts[m], path) < 0)
			return;
		read_file(file, ret_pressure);
		free(file);
		if (ret_pressure->why != no_such_file)
			return;
		ret_pressure->why = no_such_group;
	}
}

static bool is_high(const struct pyi_pressure *pressure)
{
	return pressure->known && (pressure->some_percent >= SOME_LIMIT_PERCENT ||
				   pressure->full_percent >= FULL_LIMIT_PERCENT);
}

struct pyi_error *pyi_pressure_refusal(const struct pyi_pressure *host,
				       const struct pyi_pressure *group, enum pyi_exit exit)
{
	const struct pyi_pressure *high = is_high(host) ? host : is_high(group) ? group : NULL;

	if (!high)
		return NULL;
	return pyi_error_hint(
		pyi_error_create(
			exit, PYI_ERROR_MEMORY_PRESSURE,
			"%s is under memory pressure: of the last 10 s something waited for memory "
			"in %.2f %% (limit %d), everything in %.2f %% (limit %d)",
			high == host ? "the host" : "the cgroup of the process", high->some_percent,
			SOME_LIMIT_PERCENT, high->full_percent, FULL_LIMIT_PERCENT),
		"a snapshot would need more memory: try again when there is some");
}
