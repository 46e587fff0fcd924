/*
 * In place of the unwinder, in a build without libunwind: no thread has a stack that is known.
 */
#include "source/stack.h"

bool pyi_stack_is_known(void)
{
	return false;
}

struct pyi_error *pyi_stack_unwind(const struct pyi_source_snapshot *snapshot, size_t thread_index,
				   struct pyi_stack *ret_stack)
{
	(void)snapshot;
	(void)thread_index;
	(void)ret_stack;
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_STACK,
				"this pyinspect was built without libunwind");
}
