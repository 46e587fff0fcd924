/*
 * The graph stream: what a payload says of every object of a heap, and of its references.
 *
 * Words of 8 bytes, in the machine's byte order. Entries come in any order: a reference may come
 * before the object that it leads to, leaves come in the middle of what a container refers to, and
 * what an object refers to may come in several entries, in order. The first word of an entry:
 *
 *   BITS    DESCRIPTION
 *   63..16  address of the object; objects above 48 bits are not sent
 *   1..0    enum pyi_graph_entry
 *   15..2   NODE: enum pyi_node_flag; EDGES: see there
 *
 * NODE, 2 words: the second is
 *   63..40  sys.getsizeof(), below 16 MiB
 *   39..20  reference count, below 2^20
 *   19..0   number of the type
 * NODE_LONG, 3 words: what does not fit
 *   second  63..32 reference count (UINT32_MAX: as much, or more); 31..0 number of the type
 *   third   sys.getsizeof()
 * EDGES: bit 2 of the first word says that places are labelled; bit 3 that not all references of
 * the object are known; bits 15..4 are the number of references, or PYI_EDGES_MANY: then the next
 * word is. A word for each reference follows: 63..16  address of what is referred to; 0: a place
 * that is empty 15..0   its label (see below), 0 without labels
 *
 * Each object has one NODE. The type of an object is no edge, unless it is a reference that is
 * counted: those of the instances of heap types are.
 */
#ifndef PYINSPECT_GRAPH_STREAM_H
#define PYINSPECT_GRAPH_STREAM_H

#include <stdint.h>

enum pyi_graph_entry {
	PYI_ENTRY_NODE = 0,
	PYI_ENTRY_NODE_LONG = 1,
	PYI_ENTRY_EDGES = 2,
};

enum {
	PYI_ENTRY_MASK = 3,
	PYI_ENTRY_ADDRESS_SHIFT = 16,
	PYI_ENTRY_ADDRESS_BITS = 48,
	PYI_NODE_TYPE_BITS = 20,
	PYI_NODE_COUNT_BITS = 20,
	PYI_NODE_SIZE_SHIFT = 40,
	PYI_EDGES_LABELLED = 1 << 2,
	PYI_EDGES_INCOMPLETE = 1 << 3,
	PYI_EDGES_COUNT_SHIFT = 4,
	PYI_EDGES_MANY = (1 << 12) - 1,
};

/* Bits of the first word of a NODE. */
enum pyi_node_flag {
	/* On a list of the collector, as gc.get_objects() lists it. */
	PYI_NODE_TRACKED = 1 << 2,
	/* On the permanent list. */
	PYI_NODE_FROZEN = 1 << 3,
	/* Never freed, whatever its reference count says. */
	PYI_NODE_IMMORTAL = 1 << 4,
	/* Something outside of the heap refers to it. The builder sets it for known roots. */
	PYI_NODE_ROOT = 1 << 5,
	/* In the memory of the interpreter or of a module: never allocated, never freed. */
	PYI_NODE_STATIC = 1 << 6,
	/* Not all of its references are known. */
	PYI_NODE_INCOMPLETE = 1 << 7,
	/* No object: what several dicts share their keys by. Its type means nothing, its size is
	 * that of the dicts. */
	PYI_NODE_KEYS = 1 << 8,
	/* Its references have labels. The builder sets it. */
	PYI_NODE_LABELLED = 1 << 9,
	/* All of these. */
	PYI_NODE_FLAGS = (1 << 10) - (1 << 2),
};

/*
 * The label of a reference: what kind of place it is at, and which one of that kind.
 *
 *   BITS    DESCRIPTION
 *   15      tp_traverse does not report it: the collector does not subtract it
 *   14..11  enum pyi_label_kind
 *   10..0   its slot; PYI_LABEL_SLOTS - 1: that one or one behind it
 *
 * Of an object without labels all references are ones that tp_traverse reports, and the places say
 * what they are: in a list or a tuple the last item comes first (as tp_traverse has it), in a dict
 * each value is followed by its key.
 */
enum pyi_label_kind {
	PYI_LABEL_PLACE = 0,
	/* Of a dict: value and key of entry `slot`; the keys object it shares. */
	PYI_LABEL_VALUE,
	PYI_LABEL_KEY,
	PYI_LABEL_KEYS,
	/* Item of a list or tuple that has empty places. */
	PYI_LABEL_INDEX,
	/* The pointer at offset 8 * slot of the object. */
	PYI_LABEL_FIELD,
	/* The attribute that name `slot` of the shared keys of the type has. */
	PYI_LABEL_ATTRIBUTE,
	/* Local variable or stack slot; free variable. */
	PYI_LABEL_LOCAL,
	PYI_LABEL_CLOSURE,
	PYI_LABEL_TYPE,
	PYI_LABEL_DICT,
	PYI_LABEL_ELSEWHERE,
	PYI_LABEL_KIND_COUNT,
};

enum {
	PYI_LABEL_INTERNAL = 1 << 15,
	PYI_LABEL_KIND_SHIFT = 11,
	PYI_LABEL_SLOTS = 1 << 11,
};

static inline uint32_t pyi_label_kind_of(uint32_t label)
{
	return label >> PYI_LABEL_KIND_SHIFT & 15;
}

#endif
