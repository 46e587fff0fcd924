/*
 * The frames of greenlets that are suspended: no thread state leads to them, and tp_traverse of a
 * greenlet reports none. Does not look at greenlets that run: their frames are those of a thread.
 *
 * Sources: src/greenlet of greenlet 1 to 3 (PythonState::tp_traverse(), expose_frames()). A
 * greenlet keeps the frame object it is suspended in, in itself (1) or in a C++ object that it
 * points to (2 and 3). That is found by its type, as its place differs from version to version.
 */
#include <pyinspect/stack_ref.h>

#include "state.h"

enum {
	/* PyObject, weakreflist, dict: the C++ object comes next. */
	IMPLEMENTATION_FIELD = 32,
	/* In front of the frame object are a vtable, exceptions, arguments, a stack, a context. */
	IMPLEMENTATION_WORDS = 32,
	OBJECT_BYTES_LIMIT = 512,
	FRAME_LIMIT = 100000,
	SLOT_LIMIT = 1 << 16,
	/* As in src/python/interpreters.c: FRAME_OWNED_BY_CSTACK */
	OWNER_C_STACK = 3,
};

/* One of them that runs code (3.11+); the innermost comes first. */
struct suspended_frame {
	uint64_t iframe;
	uint64_t code;
	uint64_t slots_addr;
	uint64_t slot_count;
	uint64_t steps;
};

/* The first pointer to a frame object among these words; 0 if there is none. */
static uint64_t find_frame(struct pyi_walk *walk, uint64_t addr, uint64_t word_count)
{
	for (uint64_t i = 0; i < word_count; i++) {
		uint64_t at = addr + i * PYI_POINTER_BYTES;
		const struct pyi_walk_type *type = NULL;
		uint64_t object;

		if (!pyi_marks_is_readable(walk, at))
			return 0;
		object = pyi_load64(at);
		if (pyi_marks_is_readable(walk, object))
			type = pyi_type_of(walk, object);
		if (type && type->kind == PYI_KIND_FRAME && type->exact)
			return object;
	}
	return 0;
}

/* The frame object that it is suspended in; 0: none. */
static uint64_t frame_of(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	uint64_t first = walk->layout->object_size;
	uint64_t frame;
	uint64_t end;

	/* Not in what a subclass adds: it may hold any frame. */
	while (type && !type->exact)
		type = pyi_type_at(walk, pyi_field(type->addr, walk->layout->type_base));
	if (!type)
		return 0;
	end = (uint64_t)type->basicsize;
	if (type->basicsize < IMPLEMENTATION_FIELD + PYI_POINTER_BYTES)
		return 0;
	if (end > OBJECT_BYTES_LIMIT)
		end = OBJECT_BYTES_LIMIT;
	frame = find_frame(walk, object + first, (end - first) / PYI_POINTER_BYTES);
	if (frame)
		return frame;
	return find_frame(walk, pyi_field(object, IMPLEMENTATION_FIELD), IMPLEMENTATION_WORDS);
}

/* How many slots are in use: locals, and of the stack what is known to be. */
static uint64_t count_slots(const struct pyi_layout *layout, uint64_t iframe, uint64_t code)
{
	uint64_t locals = pyi_load32(code + layout->code_nlocalsplus);
	uint64_t limit = locals + pyi_load32(code + layout->code_stacksize);
	uint64_t top;

	if (limit > SLOT_LIMIT)
		return 0;
	if (pyi_has(layout->iframe_stackpointer))
		top = (pyi_field(iframe, layout->iframe_stackpointer) - iframe -
		       layout->iframe_localsplus) /
		      PYI_POINTER_BYTES;
	else
		top = pyi_load32(iframe + layout->iframe_stacktop);
	return top >= locals && top <= limit ? top : locals;
}

/* Fills in what is at `frame->iframe`; goes on to the first frame that runs code. */
static bool settle(struct pyi_walk *walk, struct suspended_frame *frame)
{
	const struct pyi_layout *layout = walk->layout;

	for (; frame->steps < FRAME_LIMIT && pyi_marks_is_readable(walk, frame->iframe);
	     frame->steps++, frame->iframe = pyi_field(frame->iframe, layout->iframe_previous)) {
		const struct pyi_walk_type *type = NULL;

		if (pyi_load8(frame->iframe + layout->iframe_owner) >= OWNER_C_STACK)
			continue;
		frame->code =
			pyi_stack_ref_object(layout, pyi_field(frame->iframe, layout->iframe_code));
		if (pyi_marks_is_readable(walk, frame->code))
			type = pyi_type_of(walk, frame->code);
		if (!type || type->kind != PYI_KIND_CODE)
			return false;
		frame->slots_addr = frame->iframe + layout->iframe_localsplus;
		frame->slot_count = count_slots(layout, frame->iframe, frame->code);
		return true;
	}
	return false;
}

static void refer_frame(struct pyi_walk *walk, const struct suspended_frame *frame)
{
	const struct pyi_layout *layout = walk->layout;
	const struct suspended_frame at = *frame;

	pyi_walk_refer(walk, at.code);
	pyi_walk_refer(walk,
		       pyi_stack_ref_object(layout, pyi_field(at.iframe, layout->iframe_function)));
	pyi_walk_refer(walk, pyi_field(at.iframe, layout->iframe_locals));
	pyi_walk_refer(walk, pyi_field(at.iframe, layout->iframe_object));
	for (uint64_t i = 0; i < at.slot_count; i++)
		pyi_walk_refer(walk,
			       pyi_stack_ref_object(
				       layout, pyi_load64(at.slots_addr + i * PYI_POINTER_BYTES)));
}

void pyi_greenlet_visit(struct pyi_walk *walk, uint64_t object, const struct pyi_walk_type *type)
{
	const struct pyi_layout *layout = walk->layout;
	struct suspended_frame frame = { 0 };
	uint64_t frame_object = frame_of(walk, object, type);

	/* Up to 3.10 a frame object leads to its locals, and to the frames below it. */
	if (!pyi_has(layout->frame_iframe)) {
		pyi_walk_refer(walk, frame_object);
		return;
	}
	if (!frame_object)
		return;
	frame.iframe = pyi_field(frame_object, layout->frame_iframe);
	while (settle(walk, &frame)) {
		refer_frame(walk, &frame);
		frame.iframe = pyi_field(frame.iframe, layout->iframe_previous);
		frame.steps++;
	}
}
