/*
 * numpy's arrays: what they own. Shared by the host and by payloads. Does not know which types are
 * arrays.
 *
 * Sources: numpy/ndarraytypes.h, PyArrayObject_fields, unchanged since 1.7; PyArray_Descr.
 */
#ifndef PYINSPECT_NDARRAY_H
#define PYINSPECT_NDARRAY_H

#include <pyinspect/memory.h>

enum {
	PYI_NDARRAY_DATA = 16,
	PYI_NDARRAY_RANK = 24,
	PYI_NDARRAY_DIMENSIONS = 32,
	PYI_NDARRAY_DESCR = 56,
	PYI_NDARRAY_FLAGS = 64,
	PYI_NDARRAY_C_CONTIGUOUS = 1,
	PYI_NDARRAY_F_CONTIGUOUS = 2,
	PYI_NDARRAY_OWNS_DATA = 4,
	/* NPY_MAXDIMS of numpy 2 */
	PYI_NDARRAY_RANK_LIMIT = 64,
	/* PyArray_Descr.type_num; NPY_OBJECT */
	PYI_DTYPE_NUMBER = 28,
	PYI_DTYPE_NUMBER_OBJECT = 17,
};

/* How many items it has; false: it is broken, or they are more than there can be. */
static inline bool pyi_ndarray_items(struct pyi_memory_reader *reader, uint64_t array,
				     uint64_t *ret_items)
{
	uint64_t dimensions = pyi_memory_u64(reader, array + PYI_NDARRAY_DIMENSIONS);
	uint32_t rank = pyi_memory_u32(reader, array + PYI_NDARRAY_RANK);

	*ret_items = 1;
	if (rank > PYI_NDARRAY_RANK_LIMIT || (rank && !pyi_memory_can_hold(reader, dimensions)))
		return false;
	for (uint32_t i = 0; i < rank; i++) {
		uint64_t length =
			pyi_memory_u64(reader, dimensions + (uint64_t)i * PYI_POINTER_BYTES);

		if (__builtin_mul_overflow(*ret_items, length, ret_items))
			return false;
	}
	return true;
}

/*
 * Where the objects are that an array of objects owns, and how many; false if it owns none. Their
 * end may be beyond all memory.
 */
static inline bool pyi_ndarray_objects(struct pyi_memory_reader *reader, uint64_t array,
				       uint64_t *ret_addr, uint64_t *ret_count)
{
	uint32_t flags = pyi_memory_u32(reader, array + PYI_NDARRAY_FLAGS);
	uint64_t descr = pyi_memory_u64(reader, array + PYI_NDARRAY_DESCR);

	if (!(flags & PYI_NDARRAY_OWNS_DATA) ||
	    !(flags & (PYI_NDARRAY_C_CONTIGUOUS | PYI_NDARRAY_F_CONTIGUOUS)) ||
	    !pyi_memory_can_hold(reader, descr) ||
	    pyi_memory_u32(reader, descr + PYI_DTYPE_NUMBER) != PYI_DTYPE_NUMBER_OBJECT)
		return false;
	*ret_addr = pyi_memory_u64(reader, array + PYI_NDARRAY_DATA);
	return pyi_ndarray_items(reader, array, ret_count) && *ret_count;
}

#endif
