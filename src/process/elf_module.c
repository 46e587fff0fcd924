/*
 * Parses an ELF file and places its symbols and sections at the target's addresses.
 *
 * Does not find the file (elf_module_open.c does), does not read debug information, and does not
 * map the file: its owner could cut it short under our eyes, and where a short read is an error,
 * a page of a mapping is a SIGBUS.
 */
#include "process/elf_module_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	/* Limits for files that lie about their sizes; a big program has a tenth of each. */
	TABLE_LIMIT_BYTES = 64 << 20,
	SEGMENT_LIMIT = 4096,
	/* Of two names that are both longer, neither is the shorter one. */
	NAME_LIMIT = 256,
};

/* Our own header, from the linker: it knows best which machine we are made for. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

void pyi_elf_module_close(struct pyi_elf_module *module)
{
	if (!module)
		return;
	elf_end(module->elf);
	if (module->fd >= 0)
		close(module->fd);
	free(module->loads);
	free(module->path);
	free(module);
}

static struct pyi_error *broken(const struct pyi_elf_module *module, const char *what)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MODULE_UNREADABLE, "%s is damaged: %s",
				module->path, what);
}

/* Looks at the header before libelf does: it would believe any number of sections. */
static struct pyi_error *check_header(struct pyi_elf_module *module)
{
	Elf64_Ehdr *header = &module->header;
	ssize_t got = pread(module->fd, header, sizeof(*header), 0);

	if (got < 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_MODULE_UNREADABLE, errno,
					      "cannot read %s", module->path);
	if (got < EI_NIDENT || memcmp(header->e_ident, ELFMAG, SELFMAG))
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NOT_ELF,
					"%s is not an ELF file", module->path);
	if (header->e_ident[EI_CLASS] == ELFCLASS32)
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_ELF_32_BIT,
					"%s is a 32-bit file, and only 64-bit ones are supported",
					module->path);
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || got < (ssize_t)sizeof(*header))
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NOT_ELF,
					"%s is not a whole ELF file", module->path);
	if (header->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
	    header->e_machine != __ehdr_start.e_machine)
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_ELF_FOREIGN_MACHINE,
					"%s is for another architecture (ELF machine %u, ours is "
					"%u)",
					module->path, header->e_machine, __ehdr_start.e_machine);
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NOT_ELF,
					"%s is neither a program nor a shared library",
					module->path);
	if (header->e_phnum == PN_XNUM || (header->e_shoff && !header->e_shnum))
		return broken(module, "it claims more sections or segments than a program has");
	return NULL;
}

static struct pyi_error *read_segments(struct pyi_elf_module *module)
{
	size_t count;
	size_t i;

	if (elf_getphdrnum(module->elf, &count) || count > SEGMENT_LIMIT)
		return broken(module, "its segment table");
	module->segment_count = count;
	module->loads = calloc(count ? count : 1, sizeof(*module->loads));
	if (!module->loads)
		return pyi_error_no_memory();
	for (i = 0; i < count; i++) {
		struct pyi_elf_load *load = &module->loads[module->load_count];
		uint64_t end;
		GElf_Phdr segment;

		if (!gelf_getphdr(module->elf, (int)i, &segment))
			return broken(module, "its segment table");
		if (segment.p_type != PT_LOAD || !segment.p_memsz)
			continue;
		if (segment.p_filesz > segment.p_memsz ||
		    __builtin_add_overflow(segment.p_vaddr, segment.p_memsz, &end) ||
		    __builtin_add_overflow(segment.p_offset, segment.p_filesz, &end))
			return broken(module, "a loaded segment");
		*load = (struct pyi_elf_load){
			.offset = segment.p_offset,
			.file_bytes = segment.p_filesz,
			.addr = segment.p_vaddr,
			.size_bytes = segment.p_memsz,
			.writable = segment.p_flags & PF_W,
			.executable = segment.p_flags & PF_X,
		};
		module->load_count++;
	}
	return module->load_count ? NULL : broken(module, "nothing of it is loaded");
}

static void find_symbol_tables(struct pyi_elf_module *module)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(module->elf, section))) {
		GElf_Shdr header, strings;
		struct pyi_elf_symbol_table *table;

		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_DYNSYM)
			table = &module->tables[0];
		else if (header.sh_type == SHT_SYMTAB)
			table = &module->tables[1];
		else
			continue;
		if (table->section || header.sh_size > TABLE_LIMIT_BYTES ||
		    !gelf_getshdr(elf_getscn(module->elf, header.sh_link), &strings) ||
		    strings.sh_type != SHT_STRTAB || strings.sh_size > TABLE_LIMIT_BYTES)
			continue;
		table->section = section;
		table->string_section = header.sh_link;
		table->size_bytes = header.sh_size + strings.sh_size;
	}
}

struct pyi_error *pyi_elf_module_parse(int fd, const char *path, struct pyi_elf_module **ret_module)
{
	PYI_CLEANUP(pyi_guard_fd) int owned_fd = fd;
	PYI_CLEANUP(pyi_guard_module) struct pyi_elf_module *module = calloc(1, sizeof(*module));
	struct pyi_error *error;

	if (!module)
		return pyi_error_no_memory();
	module->fd = owned_fd;
	owned_fd = -1;
	module->path = strdup(path);
	if (!module->path)
		return pyi_error_no_memory();
	error = check_header(module);
	if (error)
		return error;
	elf_version(EV_CURRENT);
	module->elf = elf_begin(module->fd, ELF_C_READ, NULL);
	if (!module->elf || elf_kind(module->elf) != ELF_K_ELF)
		return broken(module, elf_errmsg(-1));
	error = read_segments(module);
	if (error)
		return error;
	find_symbol_tables(module);
	*ret_module = pyi_return_ptr(module);
	return NULL;
}

struct pyi_error *pyi_elf_module_set_bias(struct pyi_elf_module *module, uint64_t load_bias)
{
	size_t i;

	/* NOLINTNEXTLINE: the analyzer does not know that an error is never NULL */
	for (i = 0; i < module->load_count; i++) {
		uint64_t end;

		if (__builtin_add_overflow(load_bias + module->loads[i].addr,
					   module->loads[i].size_bytes, &end))
			return broken(module, "a segment does not fit where it is loaded");
	}
	module->load_bias = load_bias;
	return NULL;
}

struct pyi_error *pyi_elf_module_open_fd(int fd, uint64_t load_bias,
					 struct pyi_elf_module **ret_module)
{
	PYI_CLEANUP(pyi_guard_module) struct pyi_elf_module *module = NULL;
	struct pyi_error *error = pyi_elf_module_parse(fd, "the ELF file", &module);

	if (!error)
		error = pyi_elf_module_set_bias(module, load_bias);
	if (error)
		return error;
	*ret_module = pyi_return_ptr(module);
	return NULL;
}

bool pyi_elf_module_is_loaded(const struct pyi_elf_module *module, uint64_t addr, uint64_t size)
{
	size_t i;

	for (i = 0; i < module->load_count; i++) {
		const struct pyi_elf_load *load = &module->loads[i];

		if (addr >= load->addr && addr - load->addr <= load->size_bytes &&
		    size <= load->size_bytes - (addr - load->addr))
			return true;
	}
	return false;
}

/*
 * The text of a string section, if it is not too long and ends with a NUL; else NULL. libelf gives
 * the strings one by one, too, but looks for the end of each of them, wherever that is.
 */
static const char *read_strings(struct pyi_elf_module *module, size_t index, size_t *ret_bytes)
{
	Elf_Scn *section = elf_getscn(module->elf, index);
	GElf_Shdr header;
	Elf_Data *data;
	const char *text;

	if (!section || !gelf_getshdr(section, &header) || header.sh_type != SHT_STRTAB ||
	    header.sh_size > TABLE_LIMIT_BYTES)
		return NULL;
	data = elf_getdata(section, NULL);
	text = data ? data->d_buf : NULL;
	if (!text || !data->d_size || text[data->d_size - 1])
		return NULL;
	*ret_bytes = data->d_size;
	return text;
}

/* Reads a table at its first use; false if there is none. */
static bool read_table(struct pyi_elf_module *module, struct pyi_elf_symbol_table *table)
{
	if (table->section && !table->data) {
		table->strings = read_strings(module, table->string_section, &table->string_bytes);
		table->data = table->strings ? elf_getdata(table->section, NULL) : NULL;
		if (!table->data || !table->data->d_buf)
			table->section = NULL;
	}
	return table->section;
}

/* Symbol `index` if it is defined and inside of the module. */
static bool get_symbol(const struct pyi_elf_module *module,
		       const struct pyi_elf_symbol_table *table, size_t index, GElf_Sym *ret_symbol,
		       const char **ret_name)
{
	int type;

	if (!gelf_getsym(table->data, (int)index, ret_symbol))
		return false;
	type = GELF_ST_TYPE(ret_symbol->st_info);
	if (ret_symbol->st_shndx == SHN_UNDEF || ret_symbol->st_shndx == SHN_ABS ||
	    ret_symbol->st_shndx == SHN_COMMON || type == STT_TLS || type == STT_FILE ||
	    type == STT_SECTION || ret_symbol->st_name >= table->string_bytes)
		return false;
	*ret_name = table->strings + ret_symbol->st_name;
	return pyi_elf_module_is_loaded(module, ret_symbol->st_value, ret_symbol->st_size);
}

static size_t symbol_count(const struct pyi_elf_symbol_table *table)
{
	return table->data->d_size / sizeof(Elf64_Sym);
}

/* The symbol by its name in one table; a global one wins over local ones of the same name. */
static bool find_in_table(struct pyi_elf_module *module, struct pyi_elf_symbol_table *table,
			  const char *name, struct pyi_elf_symbol *ret_symbol)
{
	bool found = false;

	if (!read_table(module, table))
		return false;
	for (size_t i = 0; i < symbol_count(table); i++) {
		const char *symbol_name;
		GElf_Sym symbol;

		if (!get_symbol(module, table, i, &symbol, &symbol_name) ||
		    strcmp(symbol_name, name))
			continue;
		if (!found || GELF_ST_BIND(symbol.st_info) != STB_LOCAL) {
			ret_symbol->addr = module->load_bias + symbol.st_value;
			ret_symbol->size_bytes = symbol.st_size;
			ret_symbol->is_function = GELF_ST_TYPE(symbol.st_info) == STT_FUNC;
			found = true;
		}
		if (GELF_ST_BIND(symbol.st_info) != STB_LOCAL)
			break;
	}
	return found;
}

/* The function that begins last is the innermost one. */
static void improve(struct pyi_elf_name *found, uint64_t start_addr, uint64_t size_bytes,
		    const char *name)
{
	if (!name[0] || found->addr - start_addr >= size_bytes)
		return;
	if (found->name && (start_addr < found->start_addr ||
			    (start_addr == found->start_addr &&
			     strnlen(name, NAME_LIMIT) >= strnlen(found->name, NAME_LIMIT))))
		return;
	found->name = name;
	found->start_addr = start_addr;
}

void pyi_elf_module_find_names(struct pyi_elf_module *module, struct pyi_elf_name *names,
			       size_t count, uint64_t *budget_bytes)
{
	for (size_t n = 0; n < count; n++)
		names[n].name = NULL;
	for (size_t t = 0; t < PYI_ELF_SYMBOL_TABLE_COUNT; t++) {
		struct pyi_elf_symbol_table *table = &module->tables[t];

		if (!table->section || table->size_bytes > *budget_bytes)
			continue;
		*budget_bytes -= table->size_bytes;
		if (!read_table(module, table))
			continue;
		for (size_t i = 0; i < symbol_count(table); i++) {
			const char *name;
			GElf_Sym symbol;

			if (!get_symbol(module, table, i, &symbol, &name) ||
			    (GELF_ST_TYPE(symbol.st_info) != STT_FUNC &&
			     GELF_ST_TYPE(symbol.st_info) != STT_GNU_IFUNC))
				continue;
			for (size_t n = 0; n < count; n++)
				improve(&names[n], module->load_bias + symbol.st_value,
					symbol.st_size, name);
		}
	}
}

bool pyi_elf_module_find_symbol(struct pyi_elf_module *module, const char *name,
				struct pyi_elf_symbol *ret_symbol)
{
	size_t i;

	for (i = 0; i < PYI_ELF_SYMBOL_TABLE_COUNT; i++) {
		if (find_in_table(module, &module->tables[i], name, ret_symbol))
			return true;
	}
	return false;
}

bool pyi_elf_module_find_exported(struct pyi_elf_module *module, const char *name,
				  struct pyi_elf_symbol *ret_symbol)
{
	return find_in_table(module, &module->tables[0], name, ret_symbol);
}

bool pyi_elf_module_find_section(struct pyi_elf_module *module, const char *name,
				 struct pyi_elf_range *ret_range)
{
	Elf_Scn *section = NULL;
	size_t names_bytes;
	const char *names = read_strings(module, module->header.e_shstrndx, &names_bytes);

	while (names && (section = elf_nextscn(module->elf, section))) {
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || header.sh_name >= names_bytes ||
		    strcmp(names + header.sh_name, name) || !(header.sh_flags & SHF_ALLOC) ||
		    !pyi_elf_module_is_loaded(module, header.sh_addr, header.sh_size))
			continue;
		*ret_range = (struct pyi_elf_range){
			.addr = module->load_bias + header.sh_addr,
			.size_bytes = header.sh_size,
		};
		return true;
	}
	return false;
}

bool pyi_elf_module_find_dynamic(struct pyi_elf_module *module, struct pyi_elf_range *ret_range)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(module->elf, (int)i, &segment) || segment.p_type != PT_DYNAMIC ||
		    !pyi_elf_module_is_loaded(module, segment.p_vaddr, segment.p_memsz))
			continue;
		*ret_range = (struct pyi_elf_range){
			.addr = module->load_bias + segment.p_vaddr,
			.size_bytes = segment.p_memsz,
		};
		return true;
	}
	return false;
}

size_t pyi_elf_module_writable_ranges(struct pyi_elf_module *module,
				      struct pyi_elf_range *ret_ranges, size_t capacity)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < module->load_count && count < capacity; i++) {
		const struct pyi_elf_load *load = &module->loads[i];

		if (!load->writable)
			continue;
		ret_ranges[count++] = (struct pyi_elf_range){
			.addr = module->load_bias + load->addr,
			.size_bytes = load->size_bytes,
		};
	}
	return count;
}

const char *pyi_elf_module_path(const struct pyi_elf_module *module)
{
	return module->path;
}
