/*
 * Reads and parses /proc/PID/maps.
 *
 * Does not interpret paths: they stay as the kernel prints them.
 */
#include "process/maps.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

enum {
	/* About two million maps: far above any vm.max_map_count in use. */
	MAPS_LIMIT_BYTES = 256 << 20,
	ATTEMPT_LIMIT = 20,
};

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return 16;
}

/* Parses a number in `base` that ends with `separator`, and moves behind that. */
static bool parse_number(char **cursor, int base, char separator, uint64_t limit,
			 uint64_t *ret_value)
{
	char *at = *cursor;
	uint64_t value = 0;

	if (digit_value(*at) >= base)
		return false;
	for (; digit_value(*at) < base; at++) {
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(*at), &value))
			return false;
	}
	if (*at != separator || value > limit)
		return false;
	*cursor = at + 1;
	*ret_value = value;
	return true;
}

static bool parse_flag(char letter, char set, char unset, bool *ret_flag)
{
	*ret_flag = letter == set;
	return letter == set || letter == unset;
}

/* Parses a line whose '\n' has become a NUL. */
static bool parse_line(char *line, struct pyi_map *ret_map)
{
	struct pyi_map map = { 0 };
	uint64_t major, minor;
	char *at = line;

	if (!parse_number(&at, 16, '-', UINT64_MAX, &map.start_addr) ||
	    !parse_number(&at, 16, ' ', UINT64_MAX, &map.end_addr) ||
	    map.start_addr >= map.end_addr)
		return false;
	if (!parse_flag(at[0], 'r', '-', &map.readable) ||
	    !parse_flag(at[1], 'w', '-', &map.writable) ||
	    !parse_flag(at[2], 'x', '-', &map.executable) ||
	    !parse_flag(at[3], 's', 'p', &map.shared) || at[4] != ' ')
		return false;
	at += 5;
	if (!parse_number(&at, 16, ' ', UINT64_MAX, &map.offset) ||
	    !parse_number(&at, 16, ':', UINT32_MAX, &major) ||
	    !parse_number(&at, 16, ' ', UINT32_MAX, &minor))
		return false;
	map.device_major = (uint32_t)major;
	map.device_minor = (uint32_t)minor;
	/* The kernel ends the line of an anonymous map with a space, older ones do not. */
	if (!parse_number(&at, 10, ' ', UINT64_MAX, &map.inode)) {
		if (!parse_number(&at, 10, '\0', UINT64_MAX, &map.inode))
			return false;
		at--;
	}
	map.path = at + strspn(at, " ");
	*ret_map = map;
	return true;
}

struct pyi_error *pyi_maps_parse(char *text, struct pyi_maps *ret_maps)
{
	PYI_CLEANUP(pyi_guard_free) char *owned = text;
	PYI_CLEANUP(pyi_guard_free) struct pyi_map *items = NULL;
	size_t capacity = 0;
	size_t count = 0;
	char *line = text;

	while (*line) {
		char *end = strchr(line, '\n');

		if (!end)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_MAPS,
						"line %zu of the maps is incomplete", count + 1);
		*end = '\0';
		if (!pyi_array_reserve(&items, count, &capacity, sizeof(*items)))
			return pyi_error_no_memory();
		if (!parse_line(line, &items[count]))
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_MAPS,
						"line %zu of the maps is malformed", count + 1);
		if (count && items[count].start_addr < items[count - 1].end_addr)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_MAPS,
						"line %zu of the maps is not above the one before",
						count + 1);
		count++;
		line = end + 1;
	}
	ret_maps->items = pyi_return_ptr(items);
	ret_maps->count = count;
	ret_maps->text = pyi_return_ptr(owned);
	return NULL;
}

static struct pyi_error *read_once(const struct pyi_process *process, struct pyi_maps *ret_maps)
{
	struct pyi_error *error;
	size_t size;
	char *text;

	error = pyi_process_read_file(process, "maps", MAPS_LIMIT_BYTES, &text, &size);
	if (error)
		return error;
	/* A process that has just exited reads as one without memory. */
	if (!size && !pyi_process_is_alive(process)) {
		free(text);
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					"process %d has exited", (int)process->pid);
	}
	error = pyi_maps_parse(text, ret_maps);
	return pyi_error_context(error, "/proc/%d/maps", (int)process->pid);
}

struct pyi_error *pyi_maps_read(const struct pyi_process *process, struct pyi_maps *ret_maps)
{
	struct pyi_error *error;
	int attempt;

	/*
	 * The kernel hands out a page of text at a time. Where a running process lets two maps grow
	 * together in between, they come as the lower one and then as both in one: try again.
	 */
	for (attempt = 0;; attempt++) {
		error = read_once(process, ret_maps);
		if (!error || error->code != PYI_ERROR_BAD_MAPS || attempt == ATTEMPT_LIMIT)
			return error;
		pyi_error_destroy(error);
	}
}

const struct pyi_map *pyi_maps_find(const struct pyi_maps *maps, uint64_t addr)
{
	size_t low = 0;
	size_t high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pyi_map *map = &maps->items[middle];

		if (addr < map->start_addr)
			high = middle;
		else if (addr >= map->end_addr)
			low = middle + 1;
		else
			return map;
	}
	return NULL;
}

bool pyi_map_can_hold_objects(const struct pyi_map *map)
{
	/* "[vdso]", "[vvar]", "[vsyscall]" are the kernel's. */
	return map->readable && !map->shared && strncmp(map->path, "[v", 2) != 0;
}

void pyi_maps_deinit(struct pyi_maps *maps)
{
	free(maps->items);
	free(maps->text);
	*maps = (struct pyi_maps){ 0 };
}
