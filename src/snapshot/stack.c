/*
 * Unwinds in a snapshot by libunwind-ptrace. Does not interpret what it finds.
 */
#include "snapshot/stack.h"

#include <libunwind-ptrace.h>
#include <stdlib.h>
#include <string.h>

static struct pyi_error *no_stack(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_STACK,
				"libunwind cannot unwind the snapshot's stack");
}

static void walk_frames(unw_cursor_t *cursor, struct pyi_stack *stack)
{
	do {
		struct pyi_stack_frame *frame = &stack->frames[stack->count];
		unw_word_t offset = 0;
		unw_word_t pc = 0;

		if (unw_get_reg(cursor, UNW_REG_IP, &pc) != 0 || !pc)
			break;
		frame->pc = pc;
		if (unw_get_proc_name(cursor, frame->name, sizeof(frame->name), &offset) != 0)
			frame->name[0] = '\0';
		frame->name[sizeof(frame->name) - 1] = '\0';
		frame->offset = offset;
		stack->count++;
	} while (stack->count < PYI_STACK_LIMIT && unw_step(cursor) > 0);
}

struct pyi_error *pyi_stack_unwind(struct pyi_snapshot *snapshot, size_t thread_index,
				   struct pyi_stack *ret_stack)
{
	const struct pyi_snapshot_thread *thread = &snapshot->threads[thread_index];
	pid_t pid = snapshot->process.pid;
	struct pyi_registers own;
	unw_addr_space_t space;
	unw_cursor_t cursor;
	void *target;

	memset(ret_stack, 0, sizeof(*ret_stack));
	if (!thread->held || !pyi_arch_get_registers(pid, &own) ||
	    !pyi_arch_set_registers(pid, &thread->registers))
		return no_stack();
	space = unw_create_addr_space(&_UPT_accessors, 0);
	target = _UPT_create(pid);
	if (space && target && unw_init_remote(&cursor, space, target) == 0)
		walk_frames(&cursor, ret_stack);
	if (target)
		_UPT_destroy(target);
	if (space)
		unw_destroy_addr_space(space);
	if (!pyi_arch_set_registers(pid, &own))
		return no_stack();
	return ret_stack->count ? NULL : no_stack();
}
