/*
 * Walks the subclasses of `object`, breadth first. Does not look at anything of a type but its name
 * and its subclasses.
 */
#include "python/types.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/type_flags.h>

#include "base/clock.h"
#include "python/attributes.h"
#include "python/objects.h"
#include "python/objects_private.h"
#include "tracee/wait.h"

enum {
	TYPE_LIMIT = 1 << 20,
	/* Of all of them together; a name of a class has 30. */
	NAMES_LIMIT_BYTES = 64 << 20,
	FIRST_SLOTS = 1024,
	STATIC_TYPE_LIMIT = 1000,
	SEARCH_BYTES = 1 << 16,
	SEARCH_WORDS = 512,
	/* The clock is looked at once in so many types. */
	STEPS_PER_LOOK = 256,
};

struct walk {
	const struct pyi_runtime *runtime;
	struct pyi_memory_reader *reader;
	const struct pyi_interpreters *interpreters;
	uint64_t deadline_ns;
	uint64_t steps;
	/* In the order found: those behind the one that is looked at are the queue. */
	struct pyi_type_list list;
	size_t capacity;
	uint64_t name_bytes;
	/* Addresses in the list, hashed; 0 is an empty slot. At most half full. */
	uint64_t *slots;
	size_t slot_count;
	struct pyi_error *error;
};

static uint64_t *find_slot(uint64_t *slots, size_t slot_count, uint64_t addr)
{
	size_t at = (size_t)((addr * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (slot_count - 1);

	while (slots[at] && slots[at] != addr)
		at = (at + 1) & (slot_count - 1);
	return &slots[at];
}

static bool grow_slots(struct walk *walk)
{
	size_t count = walk->slot_count ? 2 * walk->slot_count : FIRST_SLOTS;
	uint64_t *slots;

	if (2 * (walk->list.count + 1) <= walk->slot_count)
		return true;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < walk->list.count; i++)
		*find_slot(slots, count, walk->list.types[i].addr) = walk->list.types[i].addr;
	free(walk->slots);
	walk->slots = slots;
	walk->slot_count = count;
	return true;
}

static bool grow_list(struct walk *walk)
{
	size_t capacity = walk->capacity ? 2 * walk->capacity : FIRST_SLOTS;
	struct pyi_type *types;

	if (walk->list.count < walk->capacity)
		return true;
	types = realloc(walk->list.types, capacity * sizeof(*types));
	if (!types)
		return false;
	walk->list.types = types;
	walk->capacity = capacity;
	return true;
}

/* Puts a type on the list, once; false if the walk cannot go on. */
static bool push(struct walk *walk, uint64_t addr)
{
	uint64_t *slot;
	char *name;

	if (!grow_slots(walk) || !grow_list(walk)) {
		walk->error = pyi_error_no_memory();
		return false;
	}
	slot = find_slot(walk->slots, walk->slot_count, addr);
	if (*slot)
		return true;
	name = pyi_objects_type_name(walk->runtime, walk->reader, addr);
	if (!name) {
		walk->error = pyi_error_no_memory();
		return false;
	}
	walk->name_bytes += strlen(name) + 1;
	if (walk->list.count == TYPE_LIMIT || walk->name_bytes > NAMES_LIMIT_BYTES) {
		free(name);
		walk->list.truncated = true;
		walk->list.full = true;
		return false;
	}
	*slot = addr;
	walk->list.types[walk->list.count++] = (struct pyi_type){ .addr = addr, .name = name };
	return true;
}

static bool may_go_on(struct walk *walk)
{
	if (walk->error || walk->list.full)
		return false;
	if (walk->steps++ % STEPS_PER_LOOK)
		return true;
	if (pyi_wait_is_cancelled())
		walk->error = pyi_wait_interrupted();
	else if (pyi_clock_passed(walk->deadline_ns))
		walk->error =
			pyi_error_timeout("the types could not be listed in the time allowed");
	return !walk->error;
}

/* An item of tp_subclasses: the address as an int, and a weak reference to the subclass. */
static bool visit_subclass(void *argument, uint64_t key, uint64_t value)
{
	struct walk *walk = argument;
	const struct pyi_layout *layout = walk->runtime->layout;
	uint64_t metatype;
	uint64_t type;

	(void)key;
	if (!may_go_on(walk))
		return false;
	if (!pyi_memory_try_read_u64(walk->reader, value + layout->weakref_object, &type) ||
	    !pyi_memory_try_read_u64(walk->reader, type + layout->object_type, &metatype)) {
		walk->list.truncated = true;
		return true;
	}
	/* A dead reference leads to None. */
	return !pyi_objects_has_flag(walk->runtime, walk->reader, type, PYI_SUBCLASS_TYPE_BIT) ||
	       push(walk, type);
}

/* To 3.3 tp_subclasses is a list of weak references. */
static void visit_list(struct walk *walk, uint64_t list)
{
	const struct pyi_layout *layout = walk->runtime->layout;
	uint64_t items = pyi_memory_u64(walk->reader, list + layout->list_items);
	uint64_t count = pyi_memory_u64(walk->reader, list + layout->var_size);
	uint64_t item;

	for (uint64_t i = 0; i < count; i++) {
		if (!pyi_memory_try_read_u64(walk->reader, items + i * sizeof(item), &item)) {
			walk->list.truncated = true;
			return;
		}
		if (!visit_subclass(walk, 0, item))
			return;
	}
}

static void visit_dict(struct walk *walk, uint64_t dict)
{
	if (pyi_objects_has_flag(walk->runtime, walk->reader, dict, PYI_SUBCLASS_LIST_BIT))
		visit_list(walk, dict);
	else if (dict &&
		 !pyi_attributes_each_item(walk->runtime, walk->reader, dict, visit_subclass, walk))
		walk->list.truncated = true;
}

/* Words to be searched, of which nobody is told. Of memory that is made up, those that are known.
 */
static bool read_words(struct pyi_memory_reader *reader, uint64_t addr, uint64_t *words,
		       size_t size_bytes)
{
	bool read;

	if (pyi_memory_reader_made(reader)) {
		for (size_t i = 0; i < size_bytes / sizeof(*words); i++)
			words[i] = pyi_memory_u64(reader, addr + i * sizeof(*words));
		return true;
	}
	pyi_memory_text_begin(reader);
	read = pyi_memory_try_read(reader, addr, words, size_bytes);
	pyi_memory_text_end(reader, addr, NULL);
	return read;
}

/* Where an interpreter keeps what belongs to a static type; 0 if it does not know the type. */
static uint64_t find_state(const struct walk *walk, uint64_t interpreter, uint64_t type,
			   uint64_t index)
{
	const struct pyi_layout *layout = walk->runtime->layout;
	uint64_t table = pyi_interpreters_static_types(walk->runtime, interpreter);
	uint64_t state = table + (index - 1) * layout->static_type_size;
	uint64_t end = interpreter + layout->interp_size;
	uint64_t words[SEARCH_WORDS];

	if (index && index <= STATIC_TYPE_LIMIT &&
	    pyi_memory_u64(walk->reader, state + layout->static_type_type) == type)
		return state;
	/*
	 * Static types of extension modules (datetime in 3.13) count from 1 again, in another table
	 * behind the first. They are so few that it need not be known where.
	 */
	if (end > table + SEARCH_BYTES)
		end = table + SEARCH_BYTES;
	for (uint64_t addr = table; addr < end; addr += sizeof(words)) {
		size_t bytes = end - addr < sizeof(words) ? (size_t)(end - addr) : sizeof(words);

		if (!read_words(walk->reader, addr, words, bytes))
			return 0;
		for (size_t i = 0; i < bytes / sizeof(words[0]); i++)
			/* Read again: only this word is wanted. */
			if (words[i] == type &&
			    pyi_memory_u64(walk->reader, addr + i * sizeof(words[0])) == type)
				return addr + i * sizeof(words[0]) - layout->static_type_type;
	}
	return 0;
}

static void visit_subclasses(struct walk *walk, uint64_t type)
{
	const struct pyi_layout *layout = walk->runtime->layout;
	uint64_t subclasses;
	uint64_t flags;
	bool known = false;

	if (!pyi_memory_try_read_u64(walk->reader, type + layout->type_flags, &flags) ||
	    !pyi_memory_try_read_u64(walk->reader, type + layout->type_subclasses, &subclasses)) {
		walk->list.truncated = true;
		return;
	}
	if (!(layout->features & PYI_FEATURE_STATIC_TYPE_STATE) ||
	    !(flags & PYI_TPFLAG_STATIC_BUILTIN)) {
		visit_dict(walk, subclasses);
		return;
	}
	for (size_t i = 0; i < walk->interpreters->count; i++) {
		uint64_t state = find_state(walk, walk->interpreters->addr[i], type, subclasses);

		if (!state)
			continue;
		known = true;
		visit_dict(walk,
			   pyi_memory_u64(walk->reader, state + layout->static_type_subclasses));
	}
	walk->list.truncated |= !known;
}

static int compare_types(const void *a, const void *b)
{
	const struct pyi_type *first = a;
	const struct pyi_type *second = b;

	return (first->addr > second->addr) - (first->addr < second->addr);
}

struct pyi_error *pyi_types_list(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader,
				 const struct pyi_interpreters *interpreters, uint64_t deadline_ns,
				 struct pyi_type_list *ret_list)
{
	struct walk walk = {
		.runtime = runtime,
		.reader = reader,
		.interpreters = interpreters,
		.deadline_ns = deadline_ns,
	};

	if (push(&walk, runtime->object_type_addr))
		push(&walk, runtime->type_type_addr);
	for (size_t i = 0; i < walk.list.count && may_go_on(&walk); i++)
		visit_subclasses(&walk, walk.list.types[i].addr);
	free(walk.slots);
	if (walk.error) {
		pyi_type_list_deinit(&walk.list);
		return walk.error;
	}
	if (walk.list.types)
		qsort(walk.list.types, walk.list.count, sizeof(*walk.list.types), compare_types);
	*ret_list = walk.list;
	return NULL;
}

struct pyi_error *pyi_types_add(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
				const uint64_t *addrs, size_t count, struct pyi_type_list *list)
{
	struct pyi_type *types = realloc(list->types, (list->count + count + 1) * sizeof(*types));

	if (!types)
		return pyi_error_no_memory();
	list->types = types;
	for (size_t i = 0; i < count; i++) {
		char *name = pyi_objects_type_name(runtime, reader, addrs[i]);

		if (!name)
			return pyi_error_no_memory();
		types[list->count++] = (struct pyi_type){ .addr = addrs[i], .name = name };
	}
	qsort(types, list->count, sizeof(*types), compare_types);
	return NULL;
}

const struct pyi_type *pyi_type_list_find(const struct pyi_type_list *list, uint64_t addr)
{
	size_t first = 0;
	size_t end = list->count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (list->types[middle].addr == addr)
			return &list->types[middle];
		if (list->types[middle].addr < addr)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

void pyi_type_list_deinit(struct pyi_type_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->types[i].name);
	free(list->types);
	*list = (struct pyi_type_list){ 0 };
}
