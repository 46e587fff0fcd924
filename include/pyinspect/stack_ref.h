/*
 * References in frames that carry tags: _PyStackRef of Include/internal/pycore_stackref.h. Shared
 * by the host and by payloads. Does not check that there is an object at the address.
 */
#ifndef PYINSPECT_STACK_REF_H
#define PYINSPECT_STACK_REF_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/layout.h>

enum {
	/* Borrowed, or of an object that is never freed; alone, it is the null reference. */
	PYI_STACK_REF_BORROWED = 1,
	/* With the other bit an integer; without it a mark of the interpreter's own. */
	PYI_STACK_REF_NO_OBJECT = 2,
};

/* The address of the object that a word of a frame refers to; 0 if there is none. */
static inline uint64_t pyi_stack_ref_object(const struct pyi_layout *layout, uint64_t word)
{
	if (!(layout->features & PYI_FEATURE_STACK_REFS))
		return word;
	if (word & PYI_STACK_REF_NO_OBJECT)
		return 0;
	return word & ~(uint64_t)PYI_STACK_REF_BORROWED;
}

/* True if the object's reference count does not count that word. */
static inline bool pyi_stack_ref_is_borrowed(const struct pyi_layout *layout, uint64_t word)
{
	return layout->features & PYI_FEATURE_STACK_REFS && word & PYI_STACK_REF_BORROWED;
}

#endif
