/*
 * Goes through all words of the writable segments. Knows structs by their layouts only.
 */
#include "python/search.h"

#include <stdlib.h>
#include <string.h>

#include "python/interpreters.h"
#include "python/layouts.h"
#include "python/version.h"

enum {
	WRITABLE_LIMIT = 8,
	/* The data of a program; that of CPython has less than 1 MB. */
	SCAN_LIMIT_BYTES = 64 << 20,
	WORD_BYTES = 8,
};

/* The words of one segment. */
struct data {
	uint64_t *words;
	size_t count;
	uint64_t addr;
};

static bool load(struct pyi_memory_reader *reader, const struct pyi_elf_range *range,
		 struct data *ret_data)
{
	uint64_t size = range->size_bytes < SCAN_LIMIT_BYTES ? range->size_bytes : SCAN_LIMIT_BYTES;
	uint64_t skipped = -range->addr % WORD_BYTES;
	uint64_t *words;

	if (size < skipped + WORD_BYTES)
		return false;
	size = (size - skipped) / WORD_BYTES * WORD_BYTES;
	words = malloc(size);
	if (!words || !pyi_memory_try_read(reader, range->addr + skipped, words, size)) {
		free(words);
		return false;
	}
	*ret_data = (struct data){ words, size / WORD_BYTES, range->addr + skipped };
	return true;
}

static bool find_cookie(const struct data *data, uint64_t *ret_addr)
{
	for (size_t i = 0; i < data->count; i++) {
		if (!pyi_version_is_cookie((const char *)&data->words[i]))
			continue;
		*ret_addr = data->addr + i * WORD_BYTES;
		return true;
	}
	return false;
}

/* An interpreter has threads that belong to it, and a sys.modules that is an object. */
static bool is_interpreter(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			   uint64_t addr)
{
	uint64_t thread;
	uint64_t owner;
	uint64_t modules;
	uint64_t type;
	uint64_t metatype;

	return addr && addr % WORD_BYTES == 0 &&
	       pyi_memory_try_read_u64(reader, addr + layout->interp_threads_head, &thread) &&
	       pyi_memory_try_read_u64(reader, thread + layout->thread_interp, &owner) &&
	       owner == addr &&
	       pyi_memory_try_read_u64(reader, addr + layout->interp_modules, &modules) &&
	       pyi_memory_try_read_u64(reader, modules + layout->object_type, &type) &&
	       pyi_memory_try_read_u64(reader, type + layout->object_type, &metatype);
}

/* The head of a chain of interpreters, which the main one ends, whose address follows the head. */
static bool is_head(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
		    uint64_t head, uint64_t main_addr)
{
	uint64_t addr = head;

	for (int i = 0; i < PYI_INTERPRETER_LIMIT && is_interpreter(layout, reader, addr); i++) {
		uint64_t next;

		if (!pyi_memory_try_read_u64(reader, addr + layout->interp_next, &next))
			return false;
		if (!next)
			return addr == main_addr;
		addr = next;
	}
	return false;
}

static bool find_head(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
		      const struct data *data, uint64_t *ret_addr)
{
	size_t first = layout->runtime_interpreters_head / WORD_BYTES;

	for (size_t i = first; i + 1 < data->count; i++) {
		/* Most words are no pointers, and are not asked about. */
		if (!data->words[i] || data->words[i] % WORD_BYTES || !data->words[i + 1] ||
		    !is_head(layout, reader, data->words[i], data->words[i + 1]))
			continue;
		*ret_addr = data->addr + (i - first) * WORD_BYTES;
		return true;
	}
	return false;
}

/* Rows of one version mostly agree in what is looked at. */
static bool find_by_layouts(struct pyi_memory_reader *reader, const struct data *data,
			    uint32_t version, uint64_t *ret_addr)
{
	const struct pyi_layout *before = NULL;

	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_layout *layout = &pyi_known_layouts[i].layout;

		if (layout->python_version != version ||
		    layout->runtime_interpreters_head == PYI_ABSENT ||
		    (before &&
		     before->runtime_interpreters_head == layout->runtime_interpreters_head &&
		     before->interp_modules == layout->interp_modules))
			continue;
		if (find_head(layout, reader, data, ret_addr))
			return true;
		before = layout;
	}
	return false;
}

bool pyi_search_runtime(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
			const char *version, struct pyi_elf_symbol *ret_symbol)
{
	struct pyi_elf_range ranges[WRITABLE_LIMIT];
	size_t count = pyi_elf_module_writable_ranges(module, ranges, WRITABLE_LIMIT);
	bool found = false;
	uint64_t addr = 0;

	for (size_t r = 0; r < count && !found; r++) {
		struct data data;

		if (!load(reader, &ranges[r], &data))
			continue;
		found = find_cookie(&data, &addr) ||
			find_by_layouts(reader, &data, pyi_version_number(version), &addr);
		free(data.words);
	}
	if (found)
		*ret_symbol = (struct pyi_elf_symbol){ .addr = addr };
	return found;
}
