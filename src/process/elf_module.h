/*
 * An ELF file that a process has mapped: its symbols and segments at the target's addresses.
 *
 * Opens the very file that is mapped (mapped_file.h) and verifies device and inode, or the build id
 * in the target's memory; does not read debug information and does not search symbol files
 * elsewhere.
 * Everything in the file is untrusted input. Built on libelf.
 */
#ifndef PYI_PROCESS_ELF_MODULE_H
#define PYI_PROCESS_ELF_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "process/maps.h"
#include "process/process.h"

struct pyi_elf_module;

/* True if `b` is a map of the same file (device and inode, not anonymous) as `a`. */
bool pyi_map_same_file(const struct pyi_map *a, const struct pyi_map *b);

struct pyi_elf_symbol {
	/* Address in the target. */
	uint64_t addr;
	uint64_t size_bytes;
	/* STT_FUNC. */
	bool is_function;
};

/* A run of the module's memory in the target. */
struct pyi_elf_range {
	uint64_t addr;
	uint64_t size_bytes;
};

/*
 * Opens the file mapped by `map` (any map of the file) in `process`; `maps` are all maps, to
 * find the load bias (the map that holds the first PT_LOAD; the bias is 0 for ET_EXEC).
 * Errors (exit 4 "not-elf" for something that is no ELF file, "elf-32-bit", "elf-foreign-machine"
 * for another architecture than our own; exit 1 "module-mismatch" when the file on disk is not the
 * one that is mapped, "module-unreadable" else).
 */
struct pyi_error *pyi_elf_module_open(const struct pyi_process *process,
				      const struct pyi_maps *maps, const struct pyi_map *map,
				      struct pyi_elf_module **ret_module) PYI_MUST_CHECK;

/* The parser alone, for an open file that is loaded at `load_bias`: for tests and fuzzers. Takes
 * over `fd`, also on failure.
 */
struct pyi_error *pyi_elf_module_open_fd(int fd, uint64_t load_bias,
					 struct pyi_elf_module **ret_module) PYI_MUST_CHECK;

void pyi_elf_module_close(struct pyi_elf_module *module);

/*
 * Looks up a defined symbol by exact name, in .dynsym, then in .symtab. False if there is none, or
 * if it is not inside the module's loaded segments.
 */
bool pyi_elf_module_find_symbol(struct pyi_elf_module *module, const char *name,
				struct pyi_elf_symbol *ret_symbol);

/* The same in .dynsym alone: what the module defines for others, too. */
bool pyi_elf_module_find_exported(struct pyi_elf_module *module, const char *name,
				  struct pyi_elf_symbol *ret_symbol);

/* A section by its name that is inside the module's loaded segments; false if there is none. */
bool pyi_elf_module_find_section(struct pyi_elf_module *module, const char *name,
				 struct pyi_elf_range *ret_range);

/* Its dynamic section (PT_DYNAMIC) in memory; false for a static program. */
bool pyi_elf_module_find_dynamic(struct pyi_elf_module *module, struct pyi_elf_range *ret_range);

/* An address in the target, and the function that is there. */
struct pyi_elf_name {
	uint64_t addr;
	/* Valid until the module is closed; untrusted text. NULL if no function is there. */
	const char *name;
	uint64_t start_addr;
};

/*
 * Finds the functions that `count` addresses are inside of, in one pass over .dynsym and .symtab.
 * Of several names the shortest is taken ("free", not "__libc_free"). Symbol tables of more than
 * `*budget_bytes` are left out; what is read is taken off it.
 */
void pyi_elf_module_find_names(struct pyi_elf_module *module, struct pyi_elf_name *names,
			       size_t count, uint64_t *budget_bytes);

/* The module's writable PT_LOAD segments in memory (.data and .bss), at most `capacity`; returns
 * how many. */
size_t pyi_elf_module_writable_ranges(struct pyi_elf_module *module,
				      struct pyi_elf_range *ret_ranges, size_t capacity);

/* The path as the maps show it. */
const char *pyi_elf_module_path(const struct pyi_elf_module *module);

#endif
