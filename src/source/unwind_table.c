/*
 * ELF headers and .eh_frame_hdr in memory. Does not search the table.
 */
#include "source/unwind_table.h"

#include <elf.h>
#include <string.h>

#include "process/elf_module.h"

enum {
	SEGMENT_LIMIT = 64,
	/* Maps in front of an address among which the first one of its file is looked for. */
	MODULE_MAPS_LIMIT = 64,
	TABLE_VERSION = 1,
	TABLE_ENTRY_BYTES = 8,
	/* DW_EH_PE_udata4, DW_EH_PE_sdata4, DW_EH_PE_datarel | DW_EH_PE_sdata4. */
	ENCODING_UNSIGNED_4 = 0x03,
	ENCODING_SIGNED_4 = 0x0b,
	ENCODING_TABLE = 0x3b,
	ENCODING_FORMAT_MASK = 0x0f,
};

/* The head of .eh_frame_hdr as linkers write it. */
struct table_head {
	uint8_t version;
	uint8_t frames_encoding;
	uint8_t count_encoding;
	uint8_t entry_encoding;
	uint32_t frames;
	uint32_t count;
};

bool pyi_unwind_memory_read(struct pyi_unwind_memory *memory, uint64_t addr, void *ret_bytes,
			    size_t size_bytes)
{
	if (!memory->reads_left)
		return false;
	memory->reads_left--;
	return pyi_memory_try_read(memory->reader, addr, ret_bytes, size_bytes);
}

/* Where the file that is mapped at `map` begins in memory; false if that is not mapped. */
static bool find_head(const struct pyi_maps *maps, const struct pyi_map *map, uint64_t *ret_addr)
{
	const struct pyi_map *at = map;

	/* The vDSO, or something else without a file. */
	if (!map->inode) {
		*ret_addr = map->start_addr;
		return true;
	}
	for (size_t n = 0; n < MODULE_MAPS_LIMIT; n++) {
		if (!at->offset && pyi_map_same_file(at, map)) {
			*ret_addr = at->start_addr;
			return true;
		}
		if (at == maps->items)
			break;
		at--;
	}
	return false;
}

/* Sets the segment of `pc`, where the table's segment begins, and its size. */
static bool read_segments(struct pyi_unwind_memory *memory, uint64_t head_addr, uint64_t pc,
			  struct pyi_unwind_table *table, uint64_t *ret_size_bytes)
{
	bool has_bias = false, has_pc = false, has_table = false;
	Elf64_Phdr segment;
	uint64_t bias = 0;
	Elf64_Ehdr header;

	if (!pyi_unwind_memory_read(memory, head_addr, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(segment) ||
	    header.e_phnum > SEGMENT_LIMIT)
		return false;
	for (size_t s = 0; s < header.e_phnum; s++) {
		if (!pyi_unwind_memory_read(memory,
					    head_addr + header.e_phoff + s * sizeof(segment),
					    &segment, sizeof(segment)))
			return false;
		if (segment.p_type == PT_LOAD) {
			if (!has_bias)
				bias = head_addr - (segment.p_vaddr - segment.p_offset);
			has_bias = true;
			if (pc - bias - segment.p_vaddr >= segment.p_memsz)
				continue;
			has_pc = true;
			table->start_addr = bias + segment.p_vaddr;
			if (__builtin_add_overflow(table->start_addr, segment.p_memsz,
						   &table->end_addr))
				return false;
		} else if (segment.p_type == PT_GNU_EH_FRAME) {
			table->base_addr = segment.p_vaddr;
			*ret_size_bytes = segment.p_memsz;
			has_table = true;
		}
	}
	table->base_addr += bias;
	return has_bias && has_pc && has_table;
}

bool pyi_unwind_table_find(struct pyi_unwind_memory *memory, const struct pyi_maps *maps,
			   uint64_t pc, struct pyi_unwind_table *ret_table)
{
	const struct pyi_map *map = pyi_maps_find(maps, pc);
	struct pyi_unwind_table table = { 0 };
	uint64_t head_addr, end_addr;
	uint64_t size_bytes = 0;
	struct table_head head;
	uint8_t frames_format;

	if (!map || !map->executable || !find_head(maps, map, &head_addr) ||
	    !read_segments(memory, head_addr, pc, &table, &size_bytes) ||
	    size_bytes < sizeof(head) ||
	    __builtin_add_overflow(table.base_addr, size_bytes, &end_addr) ||
	    !pyi_unwind_memory_read(memory, table.base_addr, &head, sizeof(head)))
		return false;
	frames_format = head.frames_encoding & ENCODING_FORMAT_MASK;
	if (head.version != TABLE_VERSION || head.entry_encoding != ENCODING_TABLE ||
	    head.count_encoding != ENCODING_UNSIGNED_4 ||
	    (frames_format != ENCODING_SIGNED_4 && frames_format != ENCODING_UNSIGNED_4) ||
	    head.count > (size_bytes - sizeof(head)) / TABLE_ENTRY_BYTES)
		return false;
	table.entries_addr = table.base_addr + sizeof(head);
	table.entry_count = head.count;
	*ret_table = table;
	return true;
}
