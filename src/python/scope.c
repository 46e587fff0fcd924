/*
 * Opens files, keeps those with a CPython, sorts them by the linker's own list of what it has
 * loaded (struct link_map).
 */
#include "python/scope.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	/* Files that are looked into, those that look like Python first. */
	FILE_LIMIT = 4096,
	DYNAMIC_LIMIT = 256,
	LOADED_LIMIT = 4096,
	/* struct r_debug and struct link_map of <link.h>, the same in glibc and musl. */
	DEBUG_MAP = 8,
	LINK_DYNAMIC = 16,
	LINK_NEXT = 24,
	RANKS = 3,
};

/* What tells that a file has a CPython in it. */
static const char *const marks[] = {
	"_PyRuntime",
	/* 3.6 and older */
	"_PyGC_generation0",
};

/* The files that have been looked at. */
struct seen {
	const struct pyi_map *maps[FILE_LIMIT];
	size_t count;
};

/* The program first, then what is called python, then the rest: an embedding program loads it from
 * anywhere. */
static int rank_of(const struct pyi_map *map, const char *exe)
{
	const char *base = strrchr(map->path, '/');

	if (exe && strcmp(map->path, exe) == 0)
		return 0;
	return base && strstr(base, "python") ? 1 : 2;
}

/*
 * Whether a file that could not be opened may be what was looked for: its name says so, or the
 * program is one that runs those of another machine.
 */
static bool is_unknown(const struct pyi_error *error, int rank, const char *exe)
{
	const char *base = exe ? strrchr(exe, '/') : NULL;

	switch (error->code) {
	case PYI_ERROR_MODULE_UNREADABLE:
	case PYI_ERROR_MODULE_MISMATCH:
		return rank == 1;
	case PYI_ERROR_ELF_FOREIGN_MACHINE:
		return base && strncmp(base, "/qemu-", 6) == 0;
	default:
		return false;
	}
}

/* Takes over the error. */
static void pass_over(struct pyi_scope *scope, struct pyi_error *error, int rank, const char *exe)
{
	if (!scope->unknown && is_unknown(error, rank, exe))
		scope->unknown = error;
	else
		pyi_error_destroy(error);
}

/* True, once a file, for what can be a program or a library: its code may have been moved to
 * anonymous memory. */
static bool is_new_candidate(const struct pyi_map *map, struct seen *seen)
{
	if (map->path[0] != '/' || map->shared || (!map->executable && !map->writable) ||
	    seen->count == FILE_LIMIT)
		return false;
	for (size_t i = 0; i < seen->count; i++)
		if (pyi_map_same_file(seen->maps[i], map))
			return false;
	seen->maps[seen->count++] = map;
	return true;
}

static bool has_mark(struct pyi_elf_module *module)
{
	struct pyi_elf_symbol symbol;
	struct pyi_elf_range range;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (pyi_elf_module_find_symbol(module, marks[i], &symbol))
			return true;
	/* A stripped one that exports nothing. */
	return pyi_elf_module_find_section(module, ".PyRuntime", &range);
}

static bool is_pypy(struct pyi_elf_module *module)
{
	struct pyi_elf_symbol symbol;

	return pyi_elf_module_find_symbol(module, "pypy_execute_source", &symbol) ||
	       pyi_elf_module_find_symbol(module, "pypy_main_startup", &symbol);
}

/*
 * Once there is a CPython, in the file of `found`, no other file system without a disk is asked:
 * one with a server (FUSE, NFS) may never answer.
 */
static bool may_be_served(const struct pyi_map *map, const struct pyi_map *found)
{
	return found && map->device_major == 0 &&
	       (found->device_major != 0 || found->device_minor != map->device_minor);
}

/* Has a CPython in it, by its name; all else may have one as well, but hardly ever does. */
static bool is_called_libpython(const struct pyi_map *map)
{
	const char *base = strrchr(map->path, '/');

	return base && strncmp(base, "/libpython", strlen("/libpython")) == 0;
}

/* Takes over the module; true if it has a CPython in it. */
static bool keep(struct pyi_scope *scope, struct pyi_elf_module *module, bool is_program)
{
	bool marked = has_mark(module);

	scope->has_pypy |= is_pypy(module);
	scope->has_program |= is_program;
	if (scope->count < PYI_SCOPE_LIMIT && (is_program || marked))
		scope->modules[scope->count++] = module;
	else
		pyi_elf_module_close(module);
	return marked;
}

/* Where the dynamic section of each loaded file is, in the order of the linker's list. */
static size_t read_load_order(struct pyi_elf_module *program, struct pyi_memory_reader *reader,
			      uint64_t ret_dynamic_addrs[LOADED_LIMIT])
{
	struct pyi_elf_range dynamic;
	uint64_t link_addr = 0;
	size_t count = 0;

	if (!pyi_elf_module_find_dynamic(program, &dynamic))
		return 0;
	for (uint64_t i = 0; i < DYNAMIC_LIMIT && i < dynamic.size_bytes / sizeof(Elf64_Dyn); i++) {
		Elf64_Dyn entry;

		if (!pyi_memory_try_read(reader, dynamic.addr + i * sizeof(entry), &entry,
					 sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_DEBUG && entry.d_un.d_ptr &&
		    !pyi_memory_try_read_u64(reader, entry.d_un.d_ptr + DEBUG_MAP, &link_addr))
			return 0;
	}
	while (link_addr && count < LOADED_LIMIT &&
	       pyi_memory_try_read_u64(reader, link_addr + LINK_DYNAMIC,
				       &ret_dynamic_addrs[count])) {
		count++;
		if (!pyi_memory_try_read_u64(reader, link_addr + LINK_NEXT, &link_addr))
			break;
	}
	return count;
}

/* Where a module is on the list; behind all others if it is not. */
static size_t place_of(struct pyi_elf_module *module, const uint64_t *dynamic_addrs, size_t count)
{
	struct pyi_elf_range dynamic;
	size_t place = count;

	if (!pyi_elf_module_find_dynamic(module, &dynamic))
		return count;
	for (size_t i = count; i-- > 0;)
		if (dynamic_addrs[i] == dynamic.addr)
			place = i;
	return place;
}

/* The program stays where it is. */
static struct pyi_error *sort(struct pyi_scope *scope, struct pyi_memory_reader *reader)
{
	PYI_CLEANUP(pyi_guard_free)
	uint64_t *dynamic_addrs = calloc(LOADED_LIMIT, sizeof(*dynamic_addrs));
	size_t places[PYI_SCOPE_LIMIT];
	size_t count;

	if (!dynamic_addrs)
		return pyi_error_no_memory();
	if (!scope->has_program || scope->count <= 2)
		return NULL;
	count = read_load_order(scope->modules[0], reader, dynamic_addrs);
	for (size_t i = 1; i < scope->count; i++) {
		struct pyi_elf_module *module = scope->modules[i];
		size_t place = place_of(module, dynamic_addrs, count);
		size_t at = i;

		for (; at > 1 && places[at - 1] > place; at--) {
			places[at] = places[at - 1];
			scope->modules[at] = scope->modules[at - 1];
		}
		places[at] = place;
		scope->modules[at] = module;
	}
	return NULL;
}

struct pyi_error *pyi_scope_open(const struct pyi_process *process, const struct pyi_maps *maps,
				 struct pyi_memory_reader *reader, struct pyi_scope *ret_scope)
{
	PYI_CLEANUP(pyi_guard_free) struct seen *seen = calloc(1, sizeof(*seen));
	PYI_CLEANUP(pyi_guard_free) char *exe = NULL;
	const struct pyi_map *found = NULL;
	struct pyi_scope scope = { 0 };
	struct pyi_error *error;

	if (!seen)
		return pyi_error_no_memory();
	error = pyi_process_read_exe(process, &exe);
	for (int rank = 0; rank < RANKS && !error; rank++) {
		for (size_t m = 0; m < maps->count; m++) {
			const struct pyi_map *map = &maps->items[m];
			struct pyi_elf_module *module;

			if (rank_of(map, exe) != rank)
				continue;
			if (may_be_served(map, found)) {
				scope.passed_over |= is_called_libpython(map);
				continue;
			}
			if (!is_new_candidate(map, seen))
				continue;
			error = pyi_elf_module_open(process, maps, map, &module);
			if (error && rank == 0)
				break;
			if (error) {
				pass_over(&scope, error, rank, exe);
				error = NULL;
				continue;
			}
			if (keep(&scope, module, rank == 0) && !found)
				found = map;
		}
	}
	if (!error)
		error = sort(&scope, reader);
	if (error) {
		pyi_scope_close(&scope);
		return error;
	}
	*ret_scope = scope;
	return NULL;
}

void pyi_scope_close(struct pyi_scope *scope)
{
	for (size_t i = 0; i < scope->count; i++)
		pyi_elf_module_close(scope->modules[i]);
	pyi_error_destroy(scope->unknown);
	*scope = (struct pyi_scope){ 0 };
}

static size_t add_new(struct pyi_elf_symbol *symbols, size_t count,
		      const struct pyi_elf_symbol *symbol)
{
	for (size_t i = 0; i < count; i++)
		if (symbols[i].addr == symbol->addr)
			return count;
	if (count < PYI_SCOPE_LIMIT)
		symbols[count++] = *symbol;
	return count;
}

size_t pyi_scope_find(struct pyi_scope *scope, size_t home, const char *name,
		      struct pyi_elf_symbol ret_symbols[PYI_SCOPE_LIMIT])
{
	struct pyi_elf_symbol symbol;
	size_t count = 0;

	/* Nothing comes before what a program defines itself, for others or not. */
	if (home == 0 && scope->has_program &&
	    pyi_elf_module_find_symbol(scope->modules[home], name, &symbol))
		count = add_new(ret_symbols, count, &symbol);
	for (size_t i = 0; i < scope->count; i++)
		if (pyi_elf_module_find_exported(scope->modules[i], name, &symbol))
			count = add_new(ret_symbols, count, &symbol);
	if (pyi_elf_module_find_symbol(scope->modules[home], name, &symbol))
		count = add_new(ret_symbols, count, &symbol);
	return count;
}
