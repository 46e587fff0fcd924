/*
 * A greenlet keeps the frame object it is suspended in, in itself (greenlet 1) or in a C++ object
 * that it points to (2 and 3): found by its type, as its place differs from version to version.
 */
#include "python/suspended.h"

#include <pyinspect/payload.h>
#include <pyinspect/stack_ref.h>

enum {
	WORD_BYTES = 8,
	/* PyObject, weakreflist, dict: the C++ object comes next. */
	IMPLEMENTATION_FIELD = 32,
	/* In front of the frame object are a vtable, exceptions, arguments, a stack, a context. */
	IMPLEMENTATION_WORDS = 32,
	OBJECT_BYTES_LIMIT = 512,
	BASE_LIMIT = 100,
	FRAME_LIMIT = 100000,
	SLOT_LIMIT = 1 << 16,
	/* Include/internal/pycore_frame.h: FRAME_OWNED_BY_CSTACK */
	OWNER_C_STACK = 3,
};

static uint64_t load(struct pyi_memory_reader *reader, uint64_t addr)
{
	uint64_t value;

	return pyi_memory_try_read_u64(reader, addr, &value) ? value : 0;
}

static uint64_t builtin_type(const struct pyi_runtime *runtime, uint32_t kind)
{
	for (size_t i = 0; i < runtime->builtin_type_count; i++)
		if (runtime->builtin_types[i].kind == kind)
			return runtime->builtin_types[i].addr;
	return 0;
}

/* False if there is none: then nothing is of that type. */
static bool is_of(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		  uint64_t object, uint32_t kind)
{
	uint64_t type = builtin_type(runtime, kind);

	return object && type && load(reader, object + runtime->layout->object_type) == type;
}

/* The first pointer to a frame object among these words; 0 if there is none. */
static uint64_t find_frame(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t addr, uint64_t word_count)
{
	for (uint64_t i = 0; i < word_count; i++) {
		uint64_t object;

		if (!pyi_memory_try_read_u64(reader, addr + i * WORD_BYTES, &object))
			return 0;
		if (is_of(runtime, reader, object, PYI_KIND_FRAME))
			return object;
	}
	return 0;
}

/* Not in what a subclass adds: it may hold any frame. */
static uint64_t find_frame_of(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t type, uint64_t greenlet)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t frame;
	uint64_t end;

	for (int i = 0; i < BASE_LIMIT; i++) {
		uint64_t base = load(reader, type + layout->type_base);

		if (!base || base == runtime->object_type_addr)
			break;
		type = base;
	}
	end = load(reader, type + layout->type_basicsize);
	if (end < IMPLEMENTATION_FIELD + WORD_BYTES)
		return 0;
	if (end > OBJECT_BYTES_LIMIT)
		end = OBJECT_BYTES_LIMIT;
	frame = find_frame(runtime, reader, greenlet + layout->object_size,
			   (end - layout->object_size) / WORD_BYTES);
	if (frame)
		return frame;
	return find_frame(runtime, reader, load(reader, greenlet + IMPLEMENTATION_FIELD),
			  IMPLEMENTATION_WORDS);
}

/* How many slots are in use: locals, and of the stack what is known to be. */
static uint64_t count_slots(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			    uint64_t iframe, uint64_t code)
{
	uint32_t locals = 0;
	uint32_t stack = 0;
	uint32_t height = 0;
	uint64_t top;

	if (!pyi_memory_try_read_u32(reader, code + layout->code_nlocalsplus, &locals) ||
	    !pyi_memory_try_read_u32(reader, code + layout->code_stacksize, &stack) ||
	    (uint64_t)locals + stack > SLOT_LIMIT)
		return 0;
	if (layout->iframe_stackpointer != PYI_ABSENT) {
		top = (load(reader, iframe + layout->iframe_stackpointer) - iframe -
		       layout->iframe_localsplus) /
		      WORD_BYTES;
	} else {
		(void)pyi_memory_try_read_u32(reader, iframe + layout->iframe_stacktop, &height);
		top = height;
	}
	return top >= locals && top <= (uint64_t)locals + stack ? top : locals;
}

/* Fills in what is at `frame->iframe`; goes on to the first frame that runs code. */
static bool settle(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		   struct pyi_suspended_frame *frame)
{
	const struct pyi_layout *layout = runtime->layout;
	uint8_t owner;

	for (; frame->steps < FRAME_LIMIT && frame->iframe &&
	       pyi_memory_try_read(reader, frame->iframe + layout->iframe_owner, &owner, 1);
	     frame->steps++,
	     frame->iframe = load(reader, frame->iframe + layout->iframe_previous)) {
		if (owner >= OWNER_C_STACK)
			continue;
		frame->code = pyi_stack_ref_object(
			layout, load(reader, frame->iframe + layout->iframe_code));
		if (!is_of(runtime, reader, frame->code, PYI_KIND_CODE))
			return false;
		frame->slots_addr = frame->iframe + layout->iframe_localsplus;
		frame->slot_count = count_slots(layout, reader, frame->iframe, frame->code);
		return true;
	}
	return false;
}

bool pyi_suspended_first(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t type_addr, uint64_t greenlet,
			 struct pyi_suspended_frame *ret_frame)
{
	uint64_t frame;

	*ret_frame = (struct pyi_suspended_frame){ 0 };
	if (runtime->layout->frame_iframe == PYI_ABSENT)
		return false;
	frame = find_frame_of(runtime, reader, type_addr, greenlet);
	if (!frame)
		return false;
	ret_frame->iframe = load(reader, frame + runtime->layout->frame_iframe);
	return settle(runtime, reader, ret_frame);
}

bool pyi_suspended_next(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			struct pyi_suspended_frame *frame)
{
	frame->iframe = load(reader, frame->iframe + runtime->layout->iframe_previous);
	frame->steps++;
	return settle(runtime, reader, frame);
}
