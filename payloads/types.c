/*
 * The types met so far: a hash table from type address to counters and to what sizes and visits
 * need. Does not name types: the host does.
 */
#include "state.h"

enum {
	/* Longest chain of base types believed. */
	BASE_LIMIT = 200,
	POINTER_SHIFT = 4,
};

bool pyi_types_init(struct pyi_walk *walk)
{
	walk->type_slots = pyi_walk_allocate(walk, PYI_TYPE_SLOTS * sizeof(walk->type_slots[0]));
	walk->types = pyi_walk_allocate(walk, PYI_TYPE_LIMIT * sizeof(walk->types[0]));
	return walk->type_slots && walk->types;
}

static uint64_t hash(uint64_t addr)
{
	return (addr >> POINTER_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) >> 45;
}

PYI_SELDOM uint64_t pyi_type_known(const struct pyi_walk *walk, uint32_t kind)
{
	const struct pyi_known_type *known = walk->arguments->known_types;

	for (int k = 0; k < PYI_KNOWN_TYPES && known[k].type_addr; k++)
		if (known[k].kind == kind)
			return known[k].type_addr;
	return 0;
}

/* Kind and rule of the nearest base whose layout is known. */
static void find_kind(const struct pyi_walk *walk, uint64_t addr, struct pyi_walk_type *type)
{
	const struct pyi_known_type *known = walk->arguments->known_types;
	const struct pyi_type_rule *rules = walk->arguments->rules;

	for (int depth = 0; addr && depth < BASE_LIMIT; depth++) {
		for (int k = 0; k < PYI_KNOWN_TYPES && known[k].type_addr; k++)
			if (known[k].type_addr == addr) {
				type->exact = depth == 0;
				type->kind = (uint32_t)known[k].kind;
				return;
			}
		for (int r = 0; r < PYI_TYPE_RULES && rules[r].type_addr; r++)
			if (rules[r].type_addr == addr) {
				type->rule = &rules[r];
				return;
			}
		if (!pyi_marks_is_readable(walk, addr))
			break;
		addr = pyi_field(addr, walk->layout->type_base);
	}
}

/* A type is an object whose own type has Py_TPFLAGS_TYPE_SUBCLASS. */
static bool is_type(const struct pyi_walk *walk, uint64_t addr)
{
	const struct pyi_layout *layout = walk->layout;
	uint64_t meta;

	if (!pyi_marks_is_readable(walk, addr))
		return false;
	meta = pyi_field(addr, layout->object_type);
	return pyi_marks_is_readable(walk, meta) &&
	       pyi_field(meta, layout->type_flags) & PYI_TPFLAG_TYPE_SUBCLASS;
}

static uint32_t presize_of(const struct pyi_layout *layout, uint64_t flags)
{
	uint64_t managed = 0;
	uint32_t bytes = 0;

	if (layout->features & PYI_FEATURE_PRESIZE_MANAGED_DICT)
		managed |= PYI_TPFLAG_MANAGED_DICT;
	if (layout->features & PYI_FEATURE_PRESIZE_MANAGED_WEAKREF)
		managed |= PYI_TPFLAG_MANAGED_WEAKREF;
	if (flags & PYI_TPFLAG_HAVE_GC)
		bytes += layout->gc_head_size;
	if (flags & managed)
		bytes += 2 * PYI_POINTER_BYTES;
	return bytes;
}

/* NULL without room. */
static struct pyi_walk_type *insert(struct pyi_walk *walk, uint64_t slot,
				    const struct pyi_walk_type *type)
{
	if (walk->type_count == PYI_TYPE_LIMIT) {
		pyi_walk_trouble(walk, PYI_TROUBLE_MEMORY, type->addr);
		return NULL;
	}
	walk->types[walk->type_count] = *type;
	walk->type_slots[slot] = (uint32_t)++walk->type_count;
	return &walk->types[walk->type_count - 1];
}

static struct pyi_walk_type *add(struct pyi_walk *walk, uint64_t slot, uint64_t addr)
{
	const struct pyi_layout *layout = walk->layout;
	struct pyi_walk_type type = { .addr = addr };

	if (!is_type(walk, addr))
		return NULL;
	type.flags = pyi_field(addr, layout->type_flags);
	type.basicsize = (int64_t)pyi_bounded(pyi_field(addr, layout->type_basicsize));
	type.itemsize = (int64_t)pyi_field(addr, layout->type_itemsize);
	type.traverse =
		type.flags & PYI_TPFLAG_HAVE_GC ? pyi_field(addr, layout->type_traverse) : 0;
	type.is_gc = pyi_field(addr, layout->type_is_gc);
	find_kind(walk, addr, &type);
	/* A metatype of an extension has the layout of type, whatever its bases. */
	if (type.flags & PYI_TPFLAG_TYPE_SUBCLASS)
		type.kind = PYI_KIND_TYPE;
	type.presize = presize_of(layout, type.flags);
	return insert(walk, slot, &type);
}

/* The slot of an entry, or an empty one for it. */
static uint64_t find_slot(const struct pyi_walk *walk, uint64_t addr)
{
	uint64_t slot = hash(addr) % PYI_TYPE_SLOTS;

	while (walk->type_slots[slot]) {
		if (walk->types[walk->type_slots[slot] - 1].addr == addr)
			break;
		slot = (slot + 1) % PYI_TYPE_SLOTS;
	}
	return slot;
}

struct pyi_walk_type *pyi_type_at(struct pyi_walk *walk, uint64_t addr)
{
	uint64_t slot = find_slot(walk, addr);
	uint32_t number = walk->type_slots[slot];

	return number ? &walk->types[number - 1] : add(walk, slot, addr);
}

/* The entry of an old-style class, made of that of the type of its instances. */
PYI_SELDOM static struct pyi_walk_type *find_class(struct pyi_walk *walk, uint64_t addr,
						   const struct pyi_walk_type *instances)
{
	const struct pyi_walk_type *own = NULL;
	struct pyi_walk_type type = *instances;
	uint64_t slot;

	if (pyi_marks_is_readable(walk, addr))
		own = pyi_type_at(walk, pyi_field(addr, walk->layout->object_type));
	if (!own || own->kind != PYI_KIND_CLASS)
		return NULL;
	slot = find_slot(walk, addr);
	if (walk->type_slots[slot])
		return &walk->types[walk->type_slots[slot] - 1];
	type.addr = addr;
	type.count = 0;
	type.bytes = 0;
	return insert(walk, slot, &type);
}

struct pyi_walk_type *pyi_type_of(struct pyi_walk *walk, uint64_t object)
{
	struct pyi_walk_type *type =
		pyi_type_at(walk, pyi_field(object, walk->layout->object_type));

	if (type && type->kind == PYI_KIND_INSTANCE)
		return find_class(walk, pyi_field(object, walk->layout->instance_class), type);
	return type;
}
