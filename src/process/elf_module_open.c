/*
 * Tells the very file behind a mapping from another one, and finds its load bias.
 *
 * Does not accept a file for its name: device and inode, or its head in the target's memory, must
 * agree.
 */
#include <errno.h>
#include <string.h>

#include "base/page.h"
#include "process/elf_module_private.h"
#include "process/mapped_file.h"
#include "process/memory_reader.h"

enum {
	NOTE_LIMIT_BYTES = 4096,
};

bool pyi_map_same_file(const struct pyi_map *a, const struct pyi_map *b)
{
	return a->inode && a->inode == b->inode && a->device_major == b->device_major &&
	       a->device_minor == b->device_minor;
}

/* True if every executable segment is mapped from the file where `load_bias` puts it. */
static bool text_is_mapped(const struct pyi_elf_module *module, const struct pyi_maps *maps,
			   const struct pyi_map *of_file, uint64_t load_bias, uint64_t page_mask)
{
	size_t i;

	for (i = 0; i < module->load_count; i++) {
		const struct pyi_elf_load *load = &module->loads[i];
		uint64_t addr = load_bias + (load->addr & ~page_mask);
		const struct pyi_map *map;

		if (!load->executable || !load->file_bytes)
			continue;
		map = pyi_maps_find(maps, addr);
		if (!map || !map->executable || !pyi_map_same_file(map, of_file) ||
		    map->offset + (addr - map->start_addr) != (load->offset & ~page_mask))
			return false;
	}
	return true;
}

/* Whether one of the segments of a program without a bias is a map of this file; not all need be:
 * its text may have been moved to anonymous memory. */
static bool holds_segment(const struct pyi_elf_module *module, const struct pyi_maps *maps,
			  const struct pyi_map *of_file)
{
	for (size_t i = 0; i < module->load_count; i++) {
		const struct pyi_map *map = pyi_maps_find(maps, module->loads[i].addr);

		if (map && pyi_map_same_file(map, of_file))
			return true;
	}
	return false;
}

static struct pyi_error *not_as_mapped(const struct pyi_elf_module *module)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MODULE_MISMATCH,
				"%s is mapped, but not the way its segments say", module->path);
}

/*
 * The same file may be mapped more than once: twice as a library, or once as plain data by a
 * program that reads ELF files itself. The best image has its text in place and holds `map`.
 */
static struct pyi_error *find_bias(const struct pyi_elf_module *module, const struct pyi_maps *maps,
				   const struct pyi_map *map, uint64_t *ret_load_bias)
{
	uint64_t page_mask = pyi_page_bytes() - 1;
	const struct pyi_elf_load *first = &module->loads[0];
	uint64_t first_addr = first->addr & ~page_mask;
	uint64_t end_addr = first_addr;
	int best = 0;
	size_t i;

	if (module->header.e_type == ET_EXEC) {
		/* The program is in memory, too, when it was opened for a library. */
		if (!holds_segment(module, maps, map))
			return not_as_mapped(module);
		*ret_load_bias = 0;
		return NULL;
	}
	for (i = 0; i < module->load_count; i++) {
		if (module->loads[i].addr + module->loads[i].size_bytes > end_addr)
			end_addr = module->loads[i].addr + module->loads[i].size_bytes;
	}
	for (i = 0; i < maps->count; i++) {
		const struct pyi_map *start = &maps->items[i];
		uint64_t load_bias = start->start_addr - first_addr;
		bool holds_map;
		int rank = 0;

		if (start->offset != (first->offset & ~page_mask) || !pyi_map_same_file(start, map))
			continue;
		holds_map = map->start_addr >= start->start_addr &&
			    map->start_addr - start->start_addr < end_addr - first_addr;
		if (holds_map)
			rank += 1;
		if (text_is_mapped(module, maps, map, load_bias, page_mask))
			rank += 2;
		if (rank > best || (rank == best && holds_map)) {
			best = rank;
			*ret_load_bias = load_bias;
		}
	}
	if (best)
		return NULL;
	return not_as_mapped(module);
}

static bool same_bytes(const struct pyi_elf_module *module, struct pyi_memory_reader *reader,
		       uint64_t offset, uint64_t addr, uint64_t size)
{
	unsigned char in_file[NOTE_LIMIT_BYTES];
	unsigned char in_memory[NOTE_LIMIT_BYTES];

	while (size) {
		size_t step = size < sizeof(in_file) ? (size_t)size : sizeof(in_file);

		if (pread(module->fd, in_file, step, (off_t)offset) != (ssize_t)step ||
		    !pyi_memory_try_read(reader, addr, in_memory, step) ||
		    memcmp(in_file, in_memory, step))
			return false;
		offset += step;
		addr += step;
		size -= step;
	}
	return true;
}

/*
 * Compares the ELF header, the segment table and the notes (the build id is one) with the target's
 * memory. On some file systems (overlay, btrfs) inode and device of a file do not agree with maps.
 */
static bool is_in_memory(const struct pyi_elf_module *module, const struct pyi_process *process)
{
	const struct pyi_elf_load *first = &module->loads[0];
	struct pyi_memory_reader *reader;
	struct pyi_error *error;
	uint64_t head_bytes;
	bool same;
	size_t i;

	if (__builtin_add_overflow(module->header.e_phoff,
				   module->segment_count * sizeof(Elf64_Phdr), &head_bytes))
		return false;
	if (head_bytes < sizeof(Elf64_Ehdr))
		head_bytes = sizeof(Elf64_Ehdr);
	if (first->offset || head_bytes > first->file_bytes)
		return false;
	error = pyi_memory_reader_open(process, false, &reader);
	if (error) {
		pyi_error_destroy(error);
		return false;
	}
	same = same_bytes(module, reader, 0, module->load_bias + first->addr, head_bytes);
	for (i = 0; same && i < module->segment_count; i++) {
		GElf_Phdr note;

		if (!gelf_getphdr(module->elf, (int)i, &note) || note.p_type != PT_NOTE)
			continue;
		if (note.p_filesz > NOTE_LIMIT_BYTES)
			note.p_filesz = NOTE_LIMIT_BYTES;
		if (pyi_elf_module_is_loaded(module, note.p_vaddr, note.p_filesz))
			same = same_bytes(module, reader, note.p_offset,
					  module->load_bias + note.p_vaddr, note.p_filesz);
	}
	pyi_memory_reader_destroy(reader);
	return same;
}

/* The kernel adds that to the path of a file that has been unlinked. */
static bool is_deleted(const struct pyi_map *map)
{
	static const char added[] = " (deleted)";
	size_t length = strlen(map->path);

	return length >= sizeof(added) &&
	       strcmp(map->path + length + 1 - sizeof(added), added) == 0;
}

/* With a descriptor that pyi_mapped_file_open() gave, which is taken over, also on failure. */
static struct pyi_error *open_mapped(const struct pyi_process *process, const struct pyi_maps *maps,
				     const struct pyi_map *map, int fd, enum pyi_mapped_place place,
				     struct pyi_elf_module **ret_module)
{
	PYI_CLEANUP(pyi_guard_module) struct pyi_elf_module *module = NULL;
	bool same = place == PYI_MAPPED_BY_RANGE || pyi_mapped_file_is(fd, map);
	struct pyi_error *error = pyi_elf_module_parse(fd, map->path, &module);
	uint64_t load_bias = 0;

	if (!error)
		error = find_bias(module, maps, map, &load_bias);
	if (!error)
		error = pyi_elf_module_set_bias(module, load_bias);
	/* What is wrong with another file is of no interest. */
	if (error && (same || error->code == PYI_ERROR_NO_MEMORY))
		return error;
	if (error || (!same && !is_in_memory(module, process))) {
		pyi_error_destroy(error);
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_MODULE_MISMATCH,
					 "%s is not the file that process %d has mapped", map->path,
					 (int)process->pid),
			"it was replaced (an upgrade?): run as root, so that the mapped one can be "
			"read, or restart the process");
	}
	*ret_module = pyi_return_ptr(module);
	return NULL;
}

struct pyi_error *pyi_elf_module_open(const struct pyi_process *process,
				      const struct pyi_maps *maps, const struct pyi_map *map,
				      struct pyi_elf_module **ret_module)
{
	struct pyi_error *mismatch = NULL;
	int failure = ENOENT;

	if (!map->inode || map->path[0] != '/')
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NOT_ELF,
					"the memory at 0x%llx of process %d is not a file's",
					(unsigned long long)map->start_addr, (int)process->pid);
	for (enum pyi_mapped_place place = 0; place < PYI_MAPPED_PLACES; place++) {
		int fd = pyi_mapped_file_open(process, map, place);
		struct pyi_error *error;

		if (fd < 0) {
			failure = errno;
			continue;
		}
		error = open_mapped(process, maps, map, fd, place, ret_module);
		if (!error || error->code != PYI_ERROR_MODULE_MISMATCH) {
			pyi_error_destroy(mismatch);
			return error;
		}
		/* That the program is not the library asked for is no news. */
		if (place == PYI_MAPPED_AS_PROGRAM) {
			pyi_error_destroy(error);
			continue;
		}
		pyi_error_destroy(mismatch);
		mismatch = error;
	}
	if (mismatch)
		return mismatch;
	if (!pyi_process_is_alive(process))
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					"process %d has exited", (int)process->pid);
	if (failure == ENOEXEC)
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NOT_ELF, "%s is not a file",
					map->path);
	return pyi_error_hint(
		pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_MODULE_UNREADABLE, failure,
				       "cannot open %s, which process %d has mapped", map->path,
				       (int)process->pid),
		is_deleted(map) ? "it was deleted or replaced (an upgrade?): run as root, "
				  "or restart the process"
				: "run as root");
}
