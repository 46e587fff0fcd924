/*
 * From frame to frame by libunwind, in the memory of a snapshot: its accessors are here, the tables
 * of rules are found by unwind_table.c. Does not interpret what it finds.
 */
#include "source/stack.h"

#include <libunwind.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault_guard.h"
#include "process/elf_module.h"
#include "source/unwind_table.h"

enum {
	/* For a whole stack, of a word each; a deep one takes some thousands. */
	READ_LIMIT = 100000,
	/* Different files that are asked for names, and how much of them. */
	FILE_LIMIT = 16,
	NAME_LIMIT_BYTES = 256 << 20,
};

/* Exported by the library of each architecture, and declared nowhere: perf does the same. */
#define dwarf_search_unwind_table UNW_OBJ(dwarf_search_unwind_table)
extern int dwarf_search_unwind_table(unw_addr_space_t space, unw_word_t pc, unw_dyn_info_t *table,
				     unw_proc_info_t *ret_info, int need_unwind_info,
				     void *argument);

/* What the accessors are called with. */
struct walk {
	unw_addr_space_t space;
	struct pyi_unwind_memory memory;
	const struct pyi_maps *maps;
	const struct pyi_unwind_registers *registers;
	struct pyi_stack *stack;
};

static int find_proc_info(unw_addr_space_t space, unw_word_t pc, unw_proc_info_t *ret_info,
			  int need_unwind_info, void *argument)
{
	struct walk *walk = argument;
	struct pyi_unwind_table table;
	unw_dyn_info_t info;
	bool found;

	pyi_fault_guard_leave();
	found = pyi_unwind_table_find(&walk->memory, walk->maps, pc, &table);
	pyi_fault_guard_enter();
	if (!found)
		return -UNW_ENOINFO;
	info = (unw_dyn_info_t){
		.start_ip = table.start_addr,
		.end_ip = table.end_addr,
		.format = UNW_INFO_FORMAT_REMOTE_TABLE,
		.u.rti = { .segbase = table.base_addr,
			   .table_data = table.entries_addr,
			   /* In words, and an entry has as many bytes as a word. */
			   .table_len = table.entry_count },
	};
	return dwarf_search_unwind_table(space, pc, &info, ret_info, need_unwind_info, argument);
}

/* What there is to free is libunwind's own, which it frees itself. */
static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *argument)
{
	(void)space;
	(void)info;
	(void)argument;
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *ret_addr, void *argument)
{
	(void)space;
	(void)ret_addr;
	(void)argument;
	return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t space, unw_word_t addr, unw_word_t *value, int write,
		      void *argument)
{
	struct walk *walk = argument;
	bool good;

	(void)space;
	pyi_fault_guard_leave();
	good = !write && pyi_unwind_memory_read(&walk->memory, addr, value, sizeof(*value));
	pyi_fault_guard_enter();
	return good ? 0 : -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write,
		      void *argument)
{
	const struct pyi_unwind_registers *registers = ((struct walk *)argument)->registers;

	(void)space;
	if (write || number < 0 || number >= PYI_UNWIND_REGISTERS ||
	    !(registers->known >> number & 1))
		return -UNW_EBADREG;
	*value = registers->values[number];
	return 0;
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write,
			void *argument)
{
	(void)space;
	(void)number;
	(void)value;
	(void)write;
	(void)argument;
	return -UNW_EINVAL;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *argument)
{
	(void)space;
	(void)cursor;
	(void)argument;
	return -UNW_EINVAL;
}

/* libunwind would look for names in files. */
static int get_proc_name(unw_addr_space_t space, unw_word_t addr, char *name, size_t size_bytes,
			 unw_word_t *ret_offset, void *argument)
{
	(void)space;
	(void)addr;
	(void)name;
	(void)size_bytes;
	(void)ret_offset;
	(void)argument;
	return -UNW_EINVAL;
}

static bool is_code(const struct pyi_maps *maps, uint64_t addr)
{
	const struct pyi_map *map = pyi_maps_find(maps, addr);

	return map && map->executable;
}

static void walk_frames(unw_cursor_t *cursor, const struct walk *walk)
{
	struct pyi_stack *stack = walk->stack;
	bool is_return = false;

	do {
		unw_word_t pc = 0;

		if (unw_get_reg(cursor, UNW_REG_IP, &pc) != 0)
			break;
		pc = pyi_unwind_code_addr(pc);
		/* Where there are no rules, libunwind takes anything for a frame pointer. */
		if (!pc || (stack->count && !is_code(walk->maps, pc - is_return)))
			break;
		stack->frames[stack->count++] =
			(struct pyi_stack_frame){ .pc = pc, .is_return = is_return };
		/* What a signal interrupted did not call. */
		is_return = unw_is_signal_frame(cursor) <= 0;
	} while (stack->count < PYI_STACK_LIMIT && unw_step(cursor) > 0);
}

/* All calls of libunwind that have to do with what it reads. */
static void walk_stack(void *argument)
{
	struct walk *walk = argument;
	unw_cursor_t cursor;

	if (unw_init_remote(&cursor, walk->space, walk) == 0)
		walk_frames(&cursor, walk);
}

void pyi_stack_read(struct pyi_memory_reader *reader, const struct pyi_maps *maps,
		    const struct pyi_unwind_registers *registers, struct pyi_stack *ret_stack)
{
	unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = resume,
		.get_proc_name = get_proc_name,
	};
	struct walk walk = {
		.space = unw_create_addr_space(&accessors, 0),
		.memory = { .reader = reader, .reads_left = READ_LIMIT },
		.maps = maps,
		.registers = registers,
		.stack = ret_stack,
	};

	memset(ret_stack, 0, sizeof(*ret_stack));
	if (!walk.space)
		return;
	/* A cache would outlive the snapshot. */
	unw_set_caching_policy(walk.space, UNW_CACHE_NONE);
	/* After a fault, the rules of a frame stay in libunwind's pools: some hundred bytes. */
	ret_stack->broken = !pyi_fault_guard_run(walk_stack, &walk);
	unw_destroy_addr_space(walk.space);
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

bool pyi_stack_is_known(void)
{
	return true;
}

struct pyi_error *pyi_stack_unwind(const struct pyi_source_snapshot *snapshot, size_t thread_index,
				   struct pyi_stack *ret_stack)
{
	const struct pyi_source_thread *thread = &snapshot->threads[thread_index];
	PYI_CLEANUP(pyi_maps_deinit) struct pyi_maps of_target = { 0 };
	const struct pyi_process *process = &snapshot->source->process;
	const struct pyi_maps *maps = &snapshot->maps;
	struct pyi_unwind_registers registers;
	struct pyi_error *error;

	if (!thread->held)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_STACK,
					"the thread's registers are not known");
	/* A mirror has the memory, but not the files. */
	if (snapshot->source->kind == PYI_SOURCE_MIRROR) {
		error = pyi_maps_read(process, &of_target);
		if (error)
			return error;
		maps = &of_target;
	}
	pyi_unwind_registers_of(&thread->registers, &registers);
	pyi_stack_read(snapshot->reader, maps, &registers, ret_stack);
	pyi_stack_name(process, maps, ret_stack);
	return NULL;
}
