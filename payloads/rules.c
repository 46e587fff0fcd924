/*
 * Rules of types that do not tell by themselves how large their objects are, or what they refer to.
 * What there is to know of them is data of the host; only numpy's arrays need more than offsets.
 */
#include "state.h"

enum {
	TERMINATED_LIMIT = 1 << 20,
	/* numpy/ndarraytypes.h, unchanged since 1.7: PyArrayObject_fields */
	NDARRAY_DIMENSIONS_COUNT = 24,
	NDARRAY_DIMENSIONS = 32,
	NDARRAY_FLAGS = 64,
	NDARRAY_C_CONTIGUOUS = 1,
	NDARRAY_F_CONTIGUOUS = 2,
	NDARRAY_OWNS_DATA = 4,
	/* NPY_MAXDIMS of numpy 2 */
	NDARRAY_DIMENSIONS_LIMIT = 64,
	/* PyArray_Descr; NPY_OBJECT */
	DTYPE_NUMBER = 28,
	DTYPE_NUMBER_OBJECT = 17,
};

bool pyi_size_has_own_bytes(const struct pyi_walk *walk, uint64_t object,
			    const struct pyi_type_rule *rule)
{
	uint64_t bytes = pyi_field(object, rule->fields[0]);

	/* In front of its type an object has its reference count. */
	return pyi_marks_is_readable(walk, bytes) &&
	       pyi_load32(bytes + walk->layout->object_type - PYI_POINTER_BYTES) == 1;
}

/* Of a bytes object; what is no object is no size. */
static uint64_t size_of_bytes(const struct pyi_walk *walk, uint64_t object)
{
	const struct pyi_walk_type *type = pyi_type_of((struct pyi_walk *)walk, object);

	return type ? pyi_size_plain(walk, object, type) : 0;
}

static uint64_t size_until_null(const struct pyi_walk *walk, uint64_t addr, uint32_t unit)
{
	uint64_t count = 1;

	while (count < TERMINATED_LIMIT && pyi_marks_is_readable(walk, addr) && pyi_load64(addr)) {
		addr += unit;
		count++;
	}
	return count * unit;
}

/* PYI_SIZE_LIMIT: more than there can be. */
static uint64_t ndarray_items(const struct pyi_walk *walk, uint64_t object)
{
	uint64_t dimensions = pyi_field(object, NDARRAY_DIMENSIONS);
	uint32_t count = pyi_load32(object + NDARRAY_DIMENSIONS_COUNT);
	uint64_t items = 1;

	if (count > NDARRAY_DIMENSIONS_LIMIT || (count && !pyi_marks_is_readable(walk, dimensions)))
		return PYI_SIZE_LIMIT;
	for (uint32_t i = 0; i < count; i++)
		items = pyi_times(items, pyi_load64(dimensions + i * PYI_POINTER_BYTES));
	return items;
}

/* The data that the array owns, its shape and its strides. */
static uint64_t ndarray_size(const struct pyi_walk *walk, uint64_t object,
			     const struct pyi_type_rule *rule)
{
	uint64_t descr = pyi_field(object, rule->fields[1]);
	uint32_t dimensions = pyi_load32(object + NDARRAY_DIMENSIONS_COUNT);
	uint64_t bytes = (uint64_t)dimensions * 2 * PYI_POINTER_BYTES;
	const struct pyi_walk_type *type = NULL;
	uint64_t item;

	if (dimensions > NDARRAY_DIMENSIONS_LIMIT)
		return PYI_SIZE_LIMIT;
	if (!(pyi_load32(object + NDARRAY_FLAGS) & NDARRAY_OWNS_DATA))
		return bytes;
	if (pyi_marks_is_readable(walk, descr))
		type = pyi_type_of((struct pyi_walk *)walk, descr);
	/* Data of items that are not known is not data of no bytes. */
	if (!type || !type->rule || type->rule->size_rule != PYI_SIZE_ITEM)
		return PYI_SIZE_LIMIT;
	item = type->rule->unit == PYI_POINTER_BYTES ? pyi_field(descr, type->rule->fields[0])
						     : pyi_load32(descr + type->rule->fields[0]);
	return bytes + pyi_times(ndarray_items(walk, object), item);
}

bool pyi_object_array_find(const struct pyi_walk *walk, uint64_t object,
			   const struct pyi_type_rule *rule, struct pyi_object_array *ret_array)
{
	uint32_t flags;
	uint64_t descr;

	if (rule->size_rule != PYI_SIZE_NDARRAY)
		return false;
	flags = pyi_load32(object + NDARRAY_FLAGS);
	descr = pyi_field(object, rule->fields[1]);
	if (!(flags & NDARRAY_OWNS_DATA) ||
	    !(flags & (NDARRAY_C_CONTIGUOUS | NDARRAY_F_CONTIGUOUS)) ||
	    !pyi_marks_is_readable(walk, descr) ||
	    pyi_load32(descr + DTYPE_NUMBER) != DTYPE_NUMBER_OBJECT)
		return false;
	ret_array->first_addr = pyi_field(object, rule->fields[0]);
	ret_array->count = ndarray_items(walk, object);
	/* Its end, too: a broken count must not lead through all memory. */
	return ret_array->count && ret_array->count < PYI_SIZE_LIMIT / PYI_POINTER_BYTES &&
	       pyi_marks_is_readable(walk, ret_array->first_addr) &&
	       pyi_marks_is_readable(walk, ret_array->first_addr +
						   (ret_array->count - 1) * PYI_POINTER_BYTES);
}

PYI_SELDOM uint64_t pyi_size_by_rule(const struct pyi_walk *walk, uint64_t object,
				     const struct pyi_type_rule *rule)
{
	uint64_t first = pyi_field(object, rule->fields[0]);

	switch (rule->size_rule) {
	case PYI_SIZE_COUNTED:
		return first ? pyi_times(pyi_field(object, rule->fields[1]), rule->unit) : 0;
	case PYI_SIZE_TERMINATED:
		return size_until_null(walk, first, rule->unit);
	case PYI_SIZE_OWNED:
		return pyi_size_has_own_bytes(walk, object, rule) ? size_of_bytes(walk, first) : 0;
	case PYI_SIZE_NDARRAY:
		return ndarray_size(walk, object, rule);
	default:
		return 0;
	}
}
