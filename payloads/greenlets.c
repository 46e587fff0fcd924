/*
 * What the frames of a greenlet that is suspended hold. How they are found: greenlet_frames.h.
 */
#include <pyinspect/greenlet_frames.h>

#include "reader.h"
#include "state.h"

/* tp_basicsize of the library's type, of which this is one or a subclass; 0: there is none. */
static uint64_t bytes_of(struct pyi_walk *walk, const struct pyi_walk_type *type)
{
	while (type && !type->exact)
		type = pyi_type_at(walk, pyi_field(type->addr, walk->layout->type_base));
	return type ? (uint64_t)type->basicsize : 0;
}

static void refer_frame(struct pyi_walk *walk, const struct pyi_greenlet_frame *frame)
{
	const struct pyi_layout *layout = walk->layout;

	pyi_walk_refer(walk, frame->code);
	pyi_walk_refer(walk, pyi_stack_ref_object(
				     layout, pyi_field(frame->iframe, layout->iframe_function)));
	pyi_walk_refer(walk, pyi_field(frame->iframe, layout->iframe_locals));
	pyi_walk_refer(walk, pyi_field(frame->iframe, layout->iframe_object));
	for (uint64_t i = 0; i < frame->slot_count; i++)
		pyi_walk_refer(walk,
			       pyi_stack_ref_object(layout, pyi_load64(frame->slots_addr +
								       i * PYI_POINTER_BYTES)));
}

void pyi_greenlet_visit(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	const struct pyi_greenlet_types types = {
		.frame = pyi_type_known(walk, PYI_KIND_FRAME),
		.code = pyi_type_known(walk, PYI_KIND_CODE),
	};
	struct pyi_memory_reader reader = { walk };
	struct pyi_greenlet_frame frame = { 0 };
	uint64_t frame_object = pyi_greenlet_frame_object(&reader, layout, types.frame, object,
							  bytes_of(walk, type));

	/* Up to 3.10 a frame object leads to its locals, and to the frames below it. */
	if (!pyi_has(layout->frame_iframe)) {
		pyi_walk_refer(walk, frame_object);
		return;
	}
	if (!frame_object)
		return;
	frame.iframe = pyi_field(frame_object, layout->frame_iframe);
	for (bool more = pyi_greenlet_frame_settle(&reader, layout, &types, &frame); more;
	     more = pyi_greenlet_frame_next(&reader, layout, &types, &frame))
		refer_frame(walk, &frame);
}
