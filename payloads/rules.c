/*
 * Rules of types that do not tell by themselves how large their objects are, or what they refer to.
 * What there is to know of them is data of the host; only numpy's arrays need more than offsets.
 */
#include <pyinspect/ndarray.h>

#include "reader.h"
#include "state.h"

enum {
	TERMINATED_LIMIT = 1 << 20,
};

bool pyi_size_has_own_bytes(const struct pyi_walk *walk, uint64_t object,
			    const struct pyi_type_rule *rule)
{
	uint64_t bytes = pyi_field(object, rule->fields[0]);

	return pyi_marks_is_readable(walk, bytes) &&
	       pyi_object_references(walk->layout, bytes) == 1;
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

/* The data that the array owns, its shape and its strides. */
static uint64_t ndarray_size(const struct pyi_walk *walk, uint64_t object,
			     const struct pyi_type_rule *rule)
{
	uint64_t descr = pyi_field(object, rule->fields[1]);
	uint32_t rank = pyi_load32(object + PYI_NDARRAY_RANK);
	uint64_t bytes = (uint64_t)rank * 2 * PYI_POINTER_BYTES;
	const struct pyi_walk_type *type = NULL;
	uint64_t items;
	uint64_t item;

	if (rank > PYI_NDARRAY_RANK_LIMIT)
		return PYI_SIZE_LIMIT;
	if (!(pyi_load32(object + PYI_NDARRAY_FLAGS) & PYI_NDARRAY_OWNS_DATA))
		return bytes;
	if (pyi_marks_is_readable(walk, descr))
		type = pyi_type_of((struct pyi_walk *)walk, descr);
	/* Data of items that are not known is not data of no bytes. */
	if (!type || !type->rule || type->rule->size_rule != PYI_SIZE_ITEM ||
	    !pyi_ndarray_items(&(struct pyi_memory_reader){ walk }, object, &items))
		return PYI_SIZE_LIMIT;
	item = type->rule->unit == PYI_POINTER_BYTES ? pyi_field(descr, type->rule->fields[0])
						     : pyi_load32(descr + type->rule->fields[0]);
	return bytes + pyi_times(items, item);
}

bool pyi_object_array_find(const struct pyi_walk *walk, uint64_t object,
			   const struct pyi_type_rule *rule, struct pyi_object_array *ret_array)
{
	if (rule->size_rule != PYI_SIZE_NDARRAY ||
	    !pyi_ndarray_objects(&(struct pyi_memory_reader){ walk }, object,
				 &ret_array->first_addr, &ret_array->count))
		return false;
	/* Its end, too: a broken count must not lead through all memory. */
	return ret_array->count < PYI_SIZE_LIMIT / PYI_POINTER_BYTES &&
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
