/*
 * From frame to frame: the module of an address by its headers in memory, then the rules of its
 * .eh_frame (eh_frame.c), else the chain of frame pointers. Does not interpret what it finds.
 */
#include "snapshot/stack.h"

#include <elf.h>
#include <string.h>

#include "base/cleanup.h"
#include "process/elf_module.h"
#include "snapshot/eh_frame.h"

enum {
	/* For a whole stack; a deep one takes some thousands. */
	READ_LIMIT = 100000,
	SEGMENT_LIMIT = 64,
	/* Maps in front of an address among which the first one of its file is looked for. */
	MODULE_MAPS_LIMIT = 64,
	/* Different files that are asked for names, and how much of them. */
	FILE_LIMIT = 16,
	NAME_LIMIT_BYTES = 256 << 20,
	/* A frame that is larger is none. */
	FRAME_LIMIT_BYTES = 1 << 20,
};

/* The PT_GNU_EH_FRAME segment of a module. */
struct table {
	uint64_t addr;
	uint64_t size_bytes;
};

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

/* Nothing of the headers is believed: they are numbers to add and to read at, no more. */
static bool read_table(struct pyi_eh_frame_memory *memory, uint64_t head_addr, uint64_t pc,
		       struct table *ret_table)
{
	bool has_bias = false, has_pc = false, has_table = false;
	Elf64_Phdr segment;
	uint64_t bias = 0;
	Elf64_Ehdr header;

	if (!pyi_eh_frame_read(memory, head_addr, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(segment) ||
	    header.e_phnum > SEGMENT_LIMIT)
		return false;
	for (size_t s = 0; s < header.e_phnum; s++) {
		if (!pyi_eh_frame_read(memory, head_addr + header.e_phoff + s * sizeof(segment),
				       &segment, sizeof(segment)))
			return false;
		if (segment.p_type == PT_LOAD) {
			if (!has_bias)
				bias = head_addr - (segment.p_vaddr - segment.p_offset);
			has_bias = true;
			has_pc |= pc - bias - segment.p_vaddr < segment.p_memsz;
		} else if (segment.p_type == PT_GNU_EH_FRAME) {
			ret_table->addr = segment.p_vaddr;
			ret_table->size_bytes = segment.p_memsz;
			has_table = true;
		}
	}
	ret_table->addr += bias;
	return has_bias && has_pc && has_table;
}

static bool is_code(const struct pyi_maps *maps, uint64_t addr)
{
	const struct pyi_map *map = pyi_maps_find(maps, addr);

	return map && map->executable;
}

/* For code without rules, e.g. made at run time. */
static bool follow_frame_pointer(struct pyi_eh_frame_memory *memory, const struct pyi_maps *maps,
				 struct pyi_unwind_registers *registers)
{
	const uint64_t needed = UINT64_C(1) << pyi_arch_unwind_fp | UINT64_C(1)
									    << pyi_arch_unwind_sp;
	uint64_t frame_addr = registers->values[pyi_arch_unwind_fp];
	uint64_t words[2];

	if ((registers->known & needed) != needed || frame_addr % sizeof(words[0]) ||
	    frame_addr - registers->values[pyi_arch_unwind_sp] >= FRAME_LIMIT_BYTES ||
	    !pyi_eh_frame_read(memory, frame_addr, words, sizeof(words)))
		return false;
	registers->pc = pyi_arch_code_addr(words[1]);
	registers->values[pyi_arch_unwind_fp] = words[0];
	registers->values[pyi_arch_unwind_sp] = frame_addr + sizeof(words);
	registers->known = needed;
	return is_code(maps, registers->pc);
}

static enum pyi_eh_frame_step step(struct pyi_eh_frame_memory *memory, const struct pyi_maps *maps,
				   uint64_t pc, struct pyi_unwind_registers *registers)
{
	const struct pyi_map *map = pyi_maps_find(maps, pc);
	enum pyi_eh_frame_step result = PYI_EH_FRAME_NONE;
	struct table table = { 0 };
	uint64_t head_addr;

	if (!map || !map->executable)
		return PYI_EH_FRAME_NONE;
	if (find_head(maps, map, &head_addr) && read_table(memory, head_addr, pc, &table))
		result = pyi_eh_frame_step(memory, table.addr, table.size_bytes, pc, registers);
	if (result == PYI_EH_FRAME_NONE && follow_frame_pointer(memory, maps, registers))
		result = PYI_EH_FRAME_CALLER;
	return result;
}

void pyi_stack_read(struct pyi_memory_reader *reader, const struct pyi_maps *maps,
		    const struct pyi_unwind_registers *registers, struct pyi_stack *ret_stack)
{
	struct pyi_eh_frame_memory memory = { .reader = reader, .reads_left = READ_LIMIT };
	struct pyi_unwind_registers now = *registers;
	enum pyi_eh_frame_step result;
	bool is_return = false;

	memset(ret_stack, 0, sizeof(*ret_stack));
	while (ret_stack->count < PYI_STACK_LIMIT && now.pc) {
		uint64_t sp = now.values[pyi_arch_unwind_sp];
		uint64_t pc = now.pc;

		ret_stack->frames[ret_stack->count++] =
			(struct pyi_stack_frame){ .pc = pc, .is_return = is_return };
		result = step(&memory, maps, pc - is_return, &now);
		if (result != PYI_EH_FRAME_CALLER && result != PYI_EH_FRAME_INTERRUPTED)
			break;
		if (now.pc == pc && now.values[pyi_arch_unwind_sp] == sp)
			break;
		is_return = result == PYI_EH_FRAME_CALLER;
	}
}

/* Names those frames that are in the file of `map`. */
static void name_by_file(const struct pyi_process *process, const struct pyi_maps *maps,
			 const struct pyi_map *map, uint64_t *budget_bytes, struct pyi_stack *stack)
{
	struct pyi_elf_name names[PYI_STACK_LIMIT];
	struct pyi_elf_module *module;
	struct pyi_error *error;

	error = pyi_elf_module_open(process, maps, map, &module);
	if (error) {
		pyi_error_destroy(error);
		return;
	}
	for (size_t f = 0; f < stack->count; f++)
		names[f] = (struct pyi_elf_name){ .addr = stack->frames[f].pc -
							  stack->frames[f].is_return };
	pyi_elf_module_find_names(module, names, stack->count, budget_bytes);
	for (size_t f = 0; f < stack->count; f++) {
		struct pyi_stack_frame *frame = &stack->frames[f];
		const struct pyi_map *of_frame = pyi_maps_find(maps, names[f].addr);
		size_t n;

		if (!names[f].name || !of_frame || !pyi_map_same_file(of_frame, map))
			continue;
		for (n = 0; n < sizeof(frame->name) - 1 && names[f].name[n]; n++) {
			char letter = names[f].name[n];

			frame->name[n] = '?';
			if (letter > ' ' && letter <= '~')
				frame->name[n] = letter;
		}
		frame->offset = frame->pc - names[f].start_addr;
	}
	pyi_elf_module_close(module);
}

void pyi_stack_name(const struct pyi_process *process, const struct pyi_maps *maps,
		    struct pyi_stack *stack)
{
	const struct pyi_map *files[FILE_LIMIT];
	uint64_t budget_bytes = NAME_LIMIT_BYTES;
	size_t count = 0;

	for (size_t f = 0; f < stack->count && count < FILE_LIMIT; f++) {
		const struct pyi_stack_frame *frame = &stack->frames[f];
		const struct pyi_map *map = pyi_maps_find(maps, frame->pc - frame->is_return);
		size_t seen = 0;

		if (!map || !map->inode)
			continue;
		while (seen < count && !pyi_map_same_file(files[seen], map))
			seen++;
		if (seen < count)
			continue;
		files[count++] = map;
		name_by_file(process, maps, map, &budget_bytes, stack);
	}
}

struct pyi_error *pyi_stack_unwind(const struct pyi_snapshot *snapshot, size_t thread_index,
				   struct pyi_stack *ret_stack)
{
	const struct pyi_snapshot_thread *thread = &snapshot->threads[thread_index];
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps of_target = { 0 };
	const struct pyi_process *process = &snapshot->process;
	const struct pyi_maps *maps = &snapshot->maps;
	struct pyi_unwind_registers registers;
	struct pyi_error *error;

	if (!thread->held)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_STACK,
					"the thread's registers are not known");
	/* A mirror has the memory, but not the files. */
	if (snapshot->target->source == PYI_SOURCE_MIRROR) {
		process = snapshot->target->process;
		error = pyi_maps_read(process, &of_target);
		if (error)
			return error;
		maps = &of_target;
	}
	pyi_arch_unwind_registers(&thread->registers, &registers);
	pyi_stack_read(snapshot->reader, maps, &registers, ret_stack);
	pyi_stack_name(process, maps, ret_stack);
	return NULL;
}
