/*
 * As has_finalizer() of Modules/gcmodule.c, but by types. Does not look at objects.
 */
#include "python/finalizers.h"

#include <pyinspect/type_flags.h>

#include "python/attributes.h"
#include "python/objects.h"
#include "python/types.h"

enum {
	/* Include/object.h: tp_subclasses, tp_weaklist, tp_del */
	DEL_AFTER_SUBCLASSES = 16,
};

struct search {
	const struct pyi_runtime *runtime;
	struct pyi_memory_reader *reader;
	bool found;
};

static bool has_method(void *argument, uint64_t class_addr)
{
	struct search *search = argument;
	uint64_t method;

	search->found = pyi_attributes_get_class(search->runtime, search->reader, class_addr,
						 "__del__", &method);
	return !search->found;
}

bool pyi_finalizers_keep(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t type_addr)
{
	const struct pyi_layout *layout = runtime->layout;
	struct search search = { runtime, reader, false };
	uint64_t flags;
	uint64_t method;

	if (!(layout->features & PYI_FEATURE_GC_REFS_WHOLE))
		return false;
	if (pyi_objects_is_old_class(runtime, reader, type_addr)) {
		pyi_types_each_old_base(runtime, reader, type_addr, has_method, &search);
		return search.found;
	}
	return pyi_memory_try_read_u64(reader, type_addr + layout->type_flags, &flags) &&
	       flags & PYI_TPFLAG_HEAP_TYPE &&
	       pyi_memory_try_read_u64(reader,
				       type_addr + layout->type_subclasses + DEL_AFTER_SUBCLASSES,
				       &method) &&
	       method;
}
