/*
 * The variables of a frame: how many there are, and where. Shared by the host and by payloads.
 * Looks into none of them.
 *
 * Sources: Include/internal/pycore_frame.h (3.14: pycore_interpframe_structs.h), struct
 * _PyInterpreterFrame; Objects/frameobject.c of 2.7 to 3.10, frame_sizeof(), code_sizeof().
 */
#ifndef PYINSPECT_FRAME_SLOTS_H
#define PYINSPECT_FRAME_SLOTS_H

#include <pyinspect/memory.h>
#include <pyinspect/stack_ref.h>

enum {
	/* FRAME_OWNED_BY_CSTACK (FRAME_OWNED_BY_INTERPRETER) and what is above it run no code: of
	   these no field is valid but the one that leads on. */
	PYI_FRAME_OWNER_C_STACK = 3,
};

/* Slots of a frame that runs `code`: for its variables and its stack. Not bounded by more than the
 * fields' own sizes. */
static inline uint64_t pyi_frame_room(struct pyi_memory_reader *reader,
				      const struct pyi_layout *layout, uint64_t code)
{
	uint64_t room = pyi_memory_u32(reader, code + layout->code_stacksize);
	uint64_t cells;
	uint64_t free_variables;

	if (pyi_has(layout->code_nlocalsplus))
		return room + pyi_memory_u32(reader, code + layout->code_nlocalsplus);
	cells = pyi_memory_u64(reader, code + layout->code_cellvars);
	free_variables = pyi_memory_u64(reader, code + layout->code_freevars);
	room += pyi_memory_u32(reader, code + layout->code_nlocals);
	if (pyi_memory_can_hold(reader, cells))
		room += pyi_memory_u64(reader, cells + layout->var_size);
	if (pyi_memory_can_hold(reader, free_variables))
		room += pyi_memory_u64(reader, free_variables + layout->var_size);
	return room;
}

/* The code that an interpreter frame runs (3.11+). */
static inline uint64_t pyi_frame_code(struct pyi_memory_reader *reader,
				      const struct pyi_layout *layout, uint64_t iframe)
{
	return pyi_stack_ref_object(layout, pyi_memory_u64(reader, iframe + layout->iframe_code));
}

/*
 * How many slots of an interpreter frame the frame itself says are in use: 0 while it executes,
 * and where it says nonsense (3.11+).
 */
static inline uint64_t pyi_frame_known_slots(struct pyi_memory_reader *reader,
					     const struct pyi_layout *layout, uint64_t iframe,
					     uint64_t code)
{
	uint64_t first = iframe + layout->iframe_localsplus;
	uint64_t room = pyi_frame_room(reader, layout, code);
	uint64_t known;

	if (pyi_has(layout->iframe_stackpointer))
		known = (pyi_memory_u64(reader, iframe + layout->iframe_stackpointer) - first) /
			PYI_POINTER_BYTES;
	else
		known = pyi_memory_u32(reader, iframe + layout->iframe_stacktop);
	return known <= room ? known : 0;
}

/* How many are in use: the variables, and of the stack what is known to be (3.11+). */
static inline uint64_t pyi_frame_slots(struct pyi_memory_reader *reader,
				       const struct pyi_layout *layout, uint64_t iframe,
				       uint64_t code)
{
	uint64_t locals = pyi_memory_u32(reader, code + layout->code_nlocalsplus);
	uint64_t known = pyi_frame_known_slots(reader, layout, iframe, code);

	return known > locals ? known : locals;
}

#endif
