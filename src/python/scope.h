/*
 * The files of a process that CPython can be in, in the order in which the dynamic linker looks for
 * a symbol: the program first, then the libraries as they were loaded.
 *
 * A program that refers to a variable of a library has a copy of it (R_*_COPY), and everybody uses
 * that one: what the library itself defines is dead then. Does not know what the symbols mean.
 */
#ifndef PYI_PYTHON_SCOPE_H
#define PYI_PYTHON_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "process/elf_module.h"
#include "process/maps.h"
#include "process/memory_reader.h"
#include "process/process.h"

enum {
	/* Files with a CPython in them, and the program. */
	PYI_SCOPE_LIMIT = 16,
};

struct pyi_scope {
	/* In the order of lookup. */
	struct pyi_elf_module *modules[PYI_SCOPE_LIMIT];
	size_t count;
	/* The first of them is the program. */
	bool has_program;
	/* One of the files is PyPy. */
	bool has_pypy;
	/* One that is called libpython was not opened, for it may be a server's. */
	bool passed_over;
	/* Why it is not known what is in a file that may be a CPython; NULL: there is none. */
	struct pyi_error *unknown;
};

/*
 * Opens the program, and what else is mapped and defines something of CPython. Names of files say
 * only where to look first. Once there is a CPython, other file systems without a disk (FUSE, NFS)
 * are left alone: whoever reads there may wait for ever. Errors of pyi_elf_module_open() for the
 * program; other files that cannot be opened are left out, and the first that is called python, or
 * that an emulator (qemu-user) has mapped for another machine, is told in `unknown`.
 */
struct pyi_error *pyi_scope_open(const struct pyi_process *process, const struct pyi_maps *maps,
				 struct pyi_memory_reader *reader,
				 struct pyi_scope *ret_scope) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_scope_close(struct pyi_scope *scope);

/*
 * The definitions of `name` that code of `home` (an index) may be bound to, likeliest first: the
 * one that the dynamic linker takes, then others, last a local one of `home`. Returns how many; at
 * most PYI_SCOPE_LIMIT.
 */
size_t pyi_scope_find(struct pyi_scope *scope, size_t home, const char *name,
		      struct pyi_elf_symbol ret_symbols[PYI_SCOPE_LIMIT]);

#endif
