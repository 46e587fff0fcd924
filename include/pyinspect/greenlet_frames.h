/*
 * The frames of a greenlet that is suspended: no thread state leads to them, and tp_traverse of a
 * greenlet reports none. Shared by the host and by payloads. Greenlets that run have none here:
 * their frames are those of a thread.
 *
 * Sources: src/greenlet of greenlet 1 to 3 (PythonState::tp_traverse(), expose_frames()). A
 * greenlet keeps the frame object it is suspended in, in itself (1) or in a C++ object that it
 * points to (2 and 3). That is found by its type, as its place differs from version to version.
 */
#ifndef PYINSPECT_GREENLET_FRAMES_H
#define PYINSPECT_GREENLET_FRAMES_H

#include <pyinspect/frame_slots.h>

enum {
	/* PyObject, weakreflist, dict: the C++ object comes next. */
	PYI_GREENLET_IMPLEMENTATION = 32,
	/* In front of the frame object are a vtable, exceptions, arguments, a stack, a context. */
	PYI_GREENLET_IMPLEMENTATION_WORDS = 32,
	PYI_GREENLET_BYTES_LIMIT = 512,
	PYI_GREENLET_FRAME_LIMIT = 100000,
	PYI_GREENLET_SLOT_LIMIT = 1 << 16,
};

/* Types, by which things are known; 0: there is none, and nothing is of it. */
struct pyi_greenlet_types {
	uint64_t frame;
	uint64_t code;
};

/* One that runs code (3.11+). */
struct pyi_greenlet_frame {
	uint64_t iframe;
	uint64_t code;
	/* Local variables and what is on the stack. */
	uint64_t slots_addr;
	uint64_t slot_count;
	/* For pyi_greenlet_frame_next(). */
	uint64_t steps;
};

static inline bool pyi_greenlet_is_of(struct pyi_memory_reader *reader,
				      const struct pyi_layout *layout, uint64_t object,
				      uint64_t type)
{
	return type && pyi_memory_can_hold(reader, object) &&
	       pyi_memory_u64(reader, object + layout->object_type) == type;
}

/* The first pointer to a frame object among these words; 0 if there is none. */
static inline uint64_t pyi_greenlet_search(struct pyi_memory_reader *reader,
					   const struct pyi_layout *layout, uint64_t frame_type,
					   uint64_t addr, uint64_t word_count)
{
	for (uint64_t i = 0; i < word_count; i++) {
		uint64_t at = addr + i * PYI_POINTER_BYTES;
		uint64_t object;

		if (!pyi_memory_can_hold(reader, at))
			return 0;
		object = pyi_memory_u64(reader, at);
		if (pyi_greenlet_is_of(reader, layout, object, frame_type))
			return object;
	}
	return 0;
}

/*
 * The frame object that a greenlet is suspended in; 0: none. `bytes` is tp_basicsize of the type
 * of the library: what subclasses add may hold any frame.
 */
static inline uint64_t pyi_greenlet_frame_object(struct pyi_memory_reader *reader,
						 const struct pyi_layout *layout,
						 uint64_t frame_type, uint64_t greenlet,
						 uint64_t bytes)
{
	uint64_t first = layout->object_size;
	uint64_t frame;

	if (bytes < PYI_GREENLET_IMPLEMENTATION + PYI_POINTER_BYTES)
		return 0;
	if (bytes > PYI_GREENLET_BYTES_LIMIT)
		bytes = PYI_GREENLET_BYTES_LIMIT;
	frame = pyi_greenlet_search(reader, layout, frame_type, greenlet + first,
				    (bytes - first) / PYI_POINTER_BYTES);
	if (frame)
		return frame;
	return pyi_greenlet_search(reader, layout, frame_type,
				   pyi_memory_u64(reader, greenlet + PYI_GREENLET_IMPLEMENTATION),
				   PYI_GREENLET_IMPLEMENTATION_WORDS);
}

/* Fills in what is at `frame->iframe`, or at the first one below it that runs code; false at the
 * end. The innermost is frame_iframe of the frame object; `steps` is 0 then. */
static inline bool pyi_greenlet_frame_settle(struct pyi_memory_reader *reader,
					     const struct pyi_layout *layout,
					     const struct pyi_greenlet_types *types,
					     struct pyi_greenlet_frame *frame)
{
	for (;
	     frame->steps < PYI_GREENLET_FRAME_LIMIT && pyi_memory_can_hold(reader, frame->iframe);
	     frame->steps++,
	     frame->iframe = pyi_memory_u64(reader, frame->iframe + layout->iframe_previous)) {
		if (pyi_memory_u8(reader, frame->iframe + layout->iframe_owner) >=
		    PYI_FRAME_OWNER_C_STACK)
			continue;
		frame->code = pyi_frame_code(reader, layout, frame->iframe);
		if (!pyi_greenlet_is_of(reader, layout, frame->code, types->code))
			return false;
		frame->slots_addr = frame->iframe + layout->iframe_localsplus;
		frame->slot_count = pyi_frame_slots(reader, layout, frame->iframe, frame->code);
		if (frame->slot_count > PYI_GREENLET_SLOT_LIMIT)
			frame->slot_count = 0;
		return true;
	}
	return false;
}

/* The one that called it; false at the end. */
static inline bool pyi_greenlet_frame_next(struct pyi_memory_reader *reader,
					   const struct pyi_layout *layout,
					   const struct pyi_greenlet_types *types,
					   struct pyi_greenlet_frame *frame)
{
	frame->iframe = pyi_memory_u64(reader, frame->iframe + layout->iframe_previous);
	frame->steps++;
	return pyi_greenlet_frame_settle(reader, layout, types, frame);
}

#endif
