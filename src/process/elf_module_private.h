/*
 * What the two halves of elf_module share: the parser and the finder of the file.
 *
 * Is not for anybody else.
 */
#ifndef PYI_PROCESS_ELF_MODULE_PRIVATE_H
#define PYI_PROCESS_ELF_MODULE_PRIVATE_H

#include <gelf.h>
#include <libelf.h>

#include "base/cleanup.h"
#include "process/elf_module.h"

enum {
	PYI_ELF_SYMBOL_TABLE_COUNT = 2,
};

/* A PT_LOAD segment; addresses without the load bias. */
struct pyi_elf_load {
	uint64_t offset;
	uint64_t file_bytes;
	uint64_t addr;
	uint64_t size_bytes;
	bool writable;
	bool executable;
};

struct pyi_elf_symbol_table {
	/* NULL if there is none (any more: it could not be read). */
	Elf_Scn *section;
	/* Read at the first lookup. */
	Elf_Data *data;
	size_t string_section;
	/* With a NUL at the end. */
	const char *strings;
	size_t string_bytes;
	/* Of both, as the section headers say. */
	uint64_t size_bytes;
};

struct pyi_elf_module {
	int fd;
	Elf *elf;
	char *path;
	Elf64_Ehdr header;
	/* Added modulo 2^64: a library may lie below the addresses it was linked for. */
	uint64_t load_bias;
	struct pyi_elf_load *loads;
	size_t load_count;
	size_t segment_count;
	/* .dynsym, .symtab */
	struct pyi_elf_symbol_table tables[PYI_ELF_SYMBOL_TABLE_COUNT];
};

PYI_DEFINE_GUARD(module, struct pyi_elf_module, pyi_elf_module_close)

/* Opens a file, with a load bias of 0; `path` is copied. Takes over `fd`, also on failure. */
struct pyi_error *pyi_elf_module_parse(int fd, const char *path,
				       struct pyi_elf_module **ret_module) PYI_MUST_CHECK;

/* Error "module-unreadable" if a segment would wrap around there. */
struct pyi_error *pyi_elf_module_set_bias(struct pyi_elf_module *module,
					  uint64_t load_bias) PYI_MUST_CHECK;

/* True if the range (addresses without the load bias) is inside of one PT_LOAD segment. */
bool pyi_elf_module_is_loaded(const struct pyi_elf_module *module, uint64_t addr, uint64_t size);

#endif
