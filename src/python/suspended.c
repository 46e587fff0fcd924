/*
 * Which types are meant, and how large the library's is: the rest is greenlet_frames.h.
 */
#include "python/suspended.h"

#include <pyinspect/payload.h>

#include "python/builtin_types.h"

enum {
	BASE_LIMIT = 100,
};

static struct pyi_greenlet_types types_of(const struct pyi_runtime *runtime)
{
	return (struct pyi_greenlet_types){
		.frame = pyi_builtin_types_find(runtime, PYI_KIND_FRAME),
		.code = pyi_builtin_types_find(runtime, PYI_KIND_CODE),
	};
}

/* tp_basicsize of the library's type, of which this is one or a subclass. */
static uint64_t bytes_of(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t type)
{
	const struct pyi_layout *layout = runtime->layout;

	for (int i = 0; i < BASE_LIMIT; i++) {
		uint64_t base = pyi_memory_u64(reader, type + layout->type_base);

		if (!base || base == runtime->object_type_addr)
			break;
		type = base;
	}
	return pyi_memory_u64(reader, type + layout->type_basicsize);
}

bool pyi_suspended_first(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t type_addr, uint64_t greenlet,
			 struct pyi_greenlet_frame *ret_frame)
{
	const struct pyi_layout *layout = runtime->layout;
	const struct pyi_greenlet_types types = types_of(runtime);
	uint64_t frame;

	*ret_frame = (struct pyi_greenlet_frame){ 0 };
	if (!pyi_has(layout->frame_iframe))
		return false;
	frame = pyi_greenlet_frame_object(reader, layout, types.frame, greenlet,
					  bytes_of(runtime, reader, type_addr));
	if (!frame)
		return false;
	ret_frame->iframe = pyi_memory_u64(reader, frame + layout->frame_iframe);
	return pyi_greenlet_frame_settle(reader, layout, &types, ret_frame);
}

bool pyi_suspended_next(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			struct pyi_greenlet_frame *frame)
{
	const struct pyi_greenlet_types types = types_of(runtime);

	return pyi_greenlet_frame_next(reader, runtime->layout, &types, frame);
}
