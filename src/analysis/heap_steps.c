/*
 * A table of what has been met, in order of arrival.
 */
#include "analysis/heap_steps.h"

#include <stdlib.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "base/array.h"

enum {
	SLOTS = 4 * PYI_STEPS_LIMIT,
	/* From here on nothing is told apart that is only another item. */
	APART_LIMIT = PYI_STEPS_LIMIT / 2,
	/* How far back a step is looked for that comes again. */
	LOOK_BACK = 6,
};

struct pyi_error *pyi_heap_steps_init(struct pyi_heap_steps *steps)
{
	*steps = (struct pyi_heap_steps){ .slots = calloc(SLOTS, sizeof(*steps->slots)) };
	return steps->slots ? NULL : pyi_error_no_memory();
}

void pyi_heap_steps_deinit(struct pyi_heap_steps *steps)
{
	free(steps->items);
	free(steps->slots);
	*steps = (struct pyi_heap_steps){ 0 };
}

static bool is_index(uint32_t kind)
{
	return kind == PYI_KIND_LIST || kind == PYI_KIND_TUPLE;
}

static bool is_dict(uint32_t kind)
{
	return kind == PYI_KIND_DICT || kind == PYI_KIND_ORDERED_DICT;
}

/*
 * Only of a plain dict are values and keys in turn. tp_traverse of a subclass also reports its
 * class, a default_factory or what is in slots, and that of an OrderedDict all keys first.
 */
static bool is_in_turn(const struct pyi_graph_type *type, const uint16_t *labels)
{
	return type->kind == PYI_KIND_DICT && !labels &&
	       (!type->name || strcmp(type->name, "dict") == 0);
}

struct pyi_heap_step pyi_heap_step_of(const struct pyi_graph *graph, uint32_t source,
				      uint64_t place)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, source);
	const uint16_t *labels = pyi_graph_labels(graph, source);
	const struct pyi_graph_type *type = &graph->types[pyi_graph_type(graph, source)];
	uint32_t kind = type->kind;
	struct pyi_heap_step step = { .above = PYI_GRAPH_NONE };

	if (labels)
		step.label = labels[place] & ~(uint32_t)PYI_LABEL_INTERNAL;
	if (step.label)
		return step;
	step.place = PYI_AT_PLACE;
	step.detail = (uint32_t)place;
	if (kind == PYI_KIND_SET) {
		step.place = PYI_AT_ANY;
		step.detail = 0;
	} else if (is_index(kind)) {
		step.place = PYI_AT_INDEX;
		step.detail = (uint32_t)(referents.count - 1 - place);
	} else if (is_dict(kind) && !is_in_turn(type, labels)) {
		step.label = PYI_LABEL_VALUE << PYI_LABEL_KIND_SHIFT;
	} else if (is_dict(kind)) {
		/* The key stands behind its value. */
		step.label = place % 2 ? PYI_LABEL_KEY << PYI_LABEL_KIND_SHIFT
				       : PYI_LABEL_VALUE << PYI_LABEL_KIND_SHIFT;
		step.place = PYI_AT_KEY;
		step.detail = referents.items[(place | 1) < referents.count ? place | 1 : place];
	}
	return step;
}

uint64_t pyi_heap_steps_apart(const struct pyi_graph *graph, uint32_t source)
{
	return graph->types[pyi_graph_type(graph, source)].kind == PYI_KIND_LIST
		       ? PYI_STEPS_APART_OF_LIST
		       : PYI_STEPS_APART;
}

static bool is_alike(const struct pyi_heap_step *one, const struct pyi_heap_step *other)
{
	return one->type == other->type && one->label == other->label &&
	       one->place == other->place && one->detail == other->detail;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint32_t slot_of(const struct pyi_heap_steps *steps, const struct pyi_heap_step *like)
{
	uint64_t hash = mix(mix(0, like->above), (uint64_t)like->type << 32 | like->label);
	uint32_t slot =
		(uint32_t)(mix(hash, (uint64_t)like->place << 32 | like->detail) >> 20) % SLOTS;

	while (steps->slots[slot]) {
		const struct pyi_heap_step *found = &steps->items[steps->slots[slot] - 1];

		if (found->above == like->above && is_alike(found, like))
			return slot;
		slot = (slot + 1) % SLOTS;
	}
	return slot;
}

/* The one that comes again if this one follows: of a chain, all links are one. */
static uint32_t find_repeated(struct pyi_heap_steps *steps, const struct pyi_heap_step *like)
{
	const struct pyi_heap_step *items = steps->items;
	uint32_t at = like->above;

	for (int back = 0; back < LOOK_BACK && at != PYI_GRAPH_NONE; back++) {
		/* Also of what they are a reference: both a module and a class have a __dict__. */
		if (is_alike(&items[at], like) && items[at].above != PYI_GRAPH_NONE &&
		    items[items[at].above].type == items[like->above].type) {
			steps->items[at].repeats = true;
			return at;
		}
		at = steps->items[at].above;
	}
	return PYI_GRAPH_NONE;
}

struct pyi_error *pyi_heap_steps_find(struct pyi_heap_steps *steps,
				      const struct pyi_heap_step *like, uint32_t *ret_number)
{
	struct pyi_heap_step step = *like;
	uint32_t slot;

	if (steps->count >= APART_LIMIT && step.place != PYI_AT_ANY) {
		step.place = PYI_AT_ANY;
		step.detail = 0;
		steps->crowded = true;
	}
	*ret_number = find_repeated(steps, &step);
	if (*ret_number != PYI_GRAPH_NONE)
		return NULL;
	slot = slot_of(steps, &step);
	if (!steps->slots[slot] && steps->count >= PYI_STEPS_LIMIT) {
		/* To what it follows; the first stands for all that begin. */
		steps->crowded = true;
		*ret_number = step.above == PYI_GRAPH_NONE ? 0 : step.above;
		return NULL;
	}
	if (!steps->slots[slot]) {
		if (!pyi_array_reserve(&steps->items, steps->count, &steps->capacity, sizeof(step)))
			return pyi_error_no_memory();
		steps->items[steps->count++] = step;
		steps->slots[slot] = (uint32_t)steps->count;
	}
	*ret_number = steps->slots[slot] - 1;
	return NULL;
}
