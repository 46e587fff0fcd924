/*
 * A table of names that were met, and how a chain of steps is written.
 */
#include "heap/step_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "python/inner_arrays.h"
#include "python/objects.h"

enum {
	NAME_LIMIT = 1 << 17,
	SLOTS = 4 * NAME_LIMIT,
	/* An expression is no longer, nor does it have more steps. */
	TEXT_BYTES = 4096,
	STEP_LIMIT = 1000,
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static bool is_same(const struct pyi_step_name *one, const struct pyi_step_name *other)
{
	return one->start == other->start && one->edge.kind == other->edge.kind &&
	       one->edge.internal == other->edge.internal &&
	       one->edge.detail == other->edge.detail && one->edge.context == other->edge.context;
}

/* The number of a name, made if it is new. */
static struct pyi_error *find(struct pyi_step_names *step_names, const struct pyi_step_name *name,
			      uint32_t *ret_number)
{
	const struct pyi_edge *edge = &name->edge;
	uint64_t hash =
		mix(mix(name->start, (uint64_t)edge->kind << 32 | edge->internal), edge->detail);
	uint32_t slot = (uint32_t)(mix(hash, edge->context) >> 20) % SLOTS;

	for (; step_names->slots[slot]; slot = (slot + 1) % SLOTS) {
		if (!is_same(&step_names->items[step_names->slots[slot]], name))
			continue;
		*ret_number = step_names->slots[slot];
		return NULL;
	}
	*ret_number = 0;
	if (step_names->count == NAME_LIMIT)
		return NULL;
	if (!pyi_array_reserve(&step_names->items, step_names->count, &step_names->capacity,
			       sizeof(*step_names->items)))
		return pyi_error_no_memory();
	step_names->items[step_names->count] = *name;
	step_names->slots[slot] = (uint32_t)step_names->count++;
	*ret_number = step_names->slots[slot];
	return NULL;
}

static bool is_closure(const struct pyi_step_names *step_names, uint32_t type,
		       const struct pyi_edge *edge)
{
	return step_names->names->graph->types[type].kind == PYI_KIND_FUNCTION &&
	       edge->kind == PYI_EDGE_FIELD &&
	       edge->detail == step_names->names->places.runtime->layout->function_closure;
}

static uint64_t load(const struct pyi_step_names *step_names, uint64_t addr)
{
	return pyi_memory_u64(step_names->names->places.reader, addr);
}

/* Of a function, or of a frame that is an object (up to 3.10); 0: it runs no code. */
static uint64_t code_of(const struct pyi_step_names *step_names, uint32_t node)
{
	const struct pyi_graph *graph = step_names->names->graph;
	const struct pyi_layout *layout = step_names->names->places.runtime->layout;
	const uint32_t kind = graph->types[pyi_graph_type(graph, node)].kind;
	uint32_t offset = PYI_ABSENT;

	if (kind == PYI_KIND_FUNCTION)
		offset = layout->function_code;
	else if (kind == PYI_KIND_FRAME)
		offset = layout->frame_code;
	return offset == PYI_ABSENT ? 0 : load(step_names, pyi_graph_address(graph, node) + offset);
}

/* A frame that another one was called by: which one it is its code says. */
static bool is_caller(const struct pyi_step_names *step_names, uint32_t source_type,
		      uint32_t target_type)
{
	const struct pyi_graph_type *types = step_names->names->graph->types;

	return types[source_type].kind == PYI_KIND_FRAME &&
	       types[target_type].kind == PYI_KIND_FRAME &&
	       step_names->names->places.runtime->layout->frame_code != PYI_ABSENT;
}

static struct pyi_error *name_reference(void *argument, uint32_t source, uint64_t place,
					uint32_t *ret_name)
{
	struct pyi_step_names *step_names = argument;
	const struct pyi_graph *graph = step_names->names->graph;
	const uint32_t target = pyi_graph_referents(graph, source).items[place];
	struct pyi_step_name name = { .edge = pyi_names_edge(step_names->names, source, place) };

	/* Which of the elements does not matter. */
	if (name.edge.kind == PYI_EDGE_KEY || name.edge.kind == PYI_EDGE_ELEMENT)
		name.edge.detail = 0;
	/* What the cells of a closure are called its code knows. */
	if (is_closure(step_names, pyi_graph_type(graph, source), &name.edge))
		name.edge.context = code_of(step_names, source);
	if (name.edge.kind == PYI_EDGE_FIELD &&
	    is_caller(step_names, pyi_graph_type(graph, source), pyi_graph_type(graph, target)))
		name.edge.context = code_of(step_names, target);
	return find(step_names, &name, ret_name);
}

struct pyi_step_name pyi_step_names_entry(const struct pyi_step_names *step_names, uint32_t node)
{
	const struct pyi_graph *graph = step_names->names->graph;
	enum pyi_heap_rank rank = pyi_heap_rank_of(graph, node, &step_names->order);
	struct pyi_step_name name = { .start = (uint32_t)rank + 1 };

	for (size_t r = pyi_graph_first_root(graph, node);
	     r < graph->root_count && graph->roots[r].node == node; r++) {
		const struct pyi_graph_root *root = &graph->roots[r];

		if (pyi_heap_root_rank(root, &step_names->order) != rank)
			continue;
		name.edge = (struct pyi_edge){ .kind = root->kind,
					       .internal = 1,
					       .detail = root->detail,
					       .context = root->context };
		break;
	}
	/* Which thread has it says less than what it runs. */
	if (name.edge.kind == PYI_EDGE_THREAD && code_of(step_names, node))
		name.edge.detail = 0;
	if (name.edge.kind == PYI_EDGE_THREAD || name.edge.kind == PYI_EDGE_NONE)
		name.edge.context = code_of(step_names, node);
	if (name.edge.kind == PYI_EDGE_NONE &&
	    graph->types[pyi_graph_type(graph, node)].kind == PYI_KIND_TYPE)
		name.edge.context = pyi_graph_address(graph, node);
	return name;
}

static struct pyi_error *name_entry(void *argument, uint32_t node, uint32_t *ret_name)
{
	struct pyi_step_names *step_names = argument;
	struct pyi_step_name name = pyi_step_names_entry(step_names, node);

	return find(step_names, &name, ret_name);
}

struct pyi_error *pyi_step_names_init(struct pyi_step_names *step_names, struct pyi_names *names)
{
	const struct pyi_step_name other = { .edge = { .kind = PYI_EDGE_NONE } };

	*step_names = (struct pyi_step_names){
		.names = names,
		.namer = { name_reference, name_entry, step_names },
		.order = { names->places.runtime->layout->interp_modules,
			   names->places.runtime->layout->interp_interned },
		.slots = calloc(SLOTS, sizeof(*step_names->slots)),
	};
	if (!step_names->slots || !pyi_array_reserve(&step_names->items, 0, &step_names->capacity,
						     sizeof(*step_names->items))) {
		pyi_step_names_deinit(step_names);
		return pyi_error_no_memory();
	}
	step_names->items[step_names->count++] = other;
	return NULL;
}

void pyi_step_names_deinit(struct pyi_step_names *step_names)
{
	free(step_names->items);
	free(step_names->slots);
	*step_names = (struct pyi_step_names){ 0 };
}

bool pyi_step_names_are_full(const struct pyi_step_names *step_names)
{
	return step_names->count == NAME_LIMIT;
}

static const char *type_name(const struct pyi_graph *graph, uint32_t node)
{
	const char *name = graph->types[pyi_graph_type(graph, node)].name;

	return name ? name : "?";
}

static char *frame_text(const struct pyi_step_names *step_names, uint64_t code)
{
	PYI_CLEANUP(pyi_guard_free)
	char *name = pyi_places_code_name(&step_names->names->places, code);
	char *text;

	return name && asprintf(&text, "frame %s", name) >= 0 ? text : NULL;
}

/* An object that no root is: a type or a function by its name, another one by that of its type. */
static char *object_text(const struct pyi_step_names *step_names, const char *words,
			 const struct pyi_step_name *name, uint32_t node)
{
	const struct pyi_graph *graph = step_names->names->graph;
	const struct pyi_places *places = &step_names->names->places;
	PYI_CLEANUP(pyi_guard_free) char *known = NULL;
	const char *of = "";
	char *text;

	if (graph->types[pyi_graph_type(graph, node)].kind == PYI_KIND_TYPE) {
		of = "type ";
		known = pyi_objects_type_name(places->runtime, places->reader,
					      pyi_graph_address(graph, node));
	} else if (name->edge.context) {
		of = graph->types[pyi_graph_type(graph, node)].kind == PYI_KIND_FRAME ? "frame "
										      : "function ";
		known = pyi_places_code_name(places, name->edge.context);
	}
	return asprintf(&text, "%s%s%s", words, known ? of : "",
			known ? known : type_name(graph, node)) < 0
		       ? NULL
		       : text;
}

char *pyi_step_names_start_text(const struct pyi_step_names *step_names,
				const struct pyi_step_name *name, uint32_t node)
{
	const struct pyi_graph_root root = { .kind = name->edge.kind,
					     .detail = name->edge.detail,
					     .context = name->edge.context };

	/* A root, even if it comes last. */
	if (name->edge.kind == PYI_EDGE_THREAD && name->edge.context)
		return frame_text(step_names, name->edge.context);
	if (name->edge.kind != PYI_EDGE_NONE)
		return pyi_names_root_text(step_names->names, &root);
	switch (name->start - 1) {
	case PYI_RANK_ALIVE:
		return object_text(step_names, name->edge.context ? "" : "never freed: ", name,
				   node);
	case PYI_RANK_HELD:
		return object_text(step_names, "held by C code: ", name, node);
	case PYI_RANK_UNREACHED:
		return object_text(step_names, "held by nothing: ", name, node);
	default:
		return strdup("?");
	}
}

/* Any of many references of an object of this type. */
static const char *any_text(struct pyi_names *names, uint32_t type_number,
			    const struct pyi_heap_step *step)
{
	const struct pyi_graph_type *type = &names->graph->types[type_number];

	switch (type->kind) {
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
		return pyi_label_kind_of(step->label) == PYI_LABEL_KEY ? "{*}" : "[*]";
	case PYI_KIND_LIST:
	case PYI_KIND_TUPLE:
	case PYI_KIND_DEQUE:
		return "[*]";
	case PYI_KIND_SET:
		return "{*}";
	case PYI_KIND_FRAME:
	case PYI_KIND_GENERATOR:
		return " local *";
	case PYI_KIND_PLAIN:
		if (pyi_names_type(names, type_number)->array.offset)
			return "[*]";
		return pyi_inner_array_is_cache(names->places.runtime, names->places.reader,
						type->addr)
			       ? "(cached)"
			       : ".*";
	default:
		return ".*";
	}
}

struct writing {
	const struct pyi_step_names *step_names;
	const struct pyi_heap_steps *steps;
	/* From the first to the last. */
	uint32_t chain[STEP_LIMIT];
	size_t count;
	char text[TEXT_BYTES];
	size_t length;
	/* The step before was a __dict__, and is written with this one. */
	bool in_dict;
};

static const struct pyi_heap_step *step_at(const struct writing *writing, size_t index)
{
	return &writing->steps->items[writing->chain[index]];
}

/* NULL: it has none. */
static const struct pyi_edge *edge_at(const struct writing *writing, size_t index)
{
	const struct pyi_heap_step *step = step_at(writing, index);

	if (step->place != PYI_AT_NAMED || !step->detail)
		return NULL;
	return &writing->step_names->items[step->detail].edge;
}

static void put(struct writing *writing, const char *text)
{
	size_t length = strlen(text);
	size_t room = sizeof(writing->text) - 1 - writing->length;

	if (length > room) {
		/* No half of a character: nothing more fits. */
		writing->length = sizeof(writing->text) - 1;
		return;
	}
	memcpy(writing->text + writing->length, text, length + 1);
	writing->length += length;
}

static bool is_keys(const struct writing *writing, size_t index)
{
	return pyi_graph_flags(writing->step_names->names->graph,
			       step_at(writing, index)->example) &
	       PYI_NODE_KEYS;
}

/* "closure x" for three steps: the tuple of cells, its item, the contents. */
static struct pyi_error *put_closure(struct writing *writing, size_t *index)
{
	const struct pyi_edge *closure = edge_at(writing, *index);
	const struct pyi_edge *item =
		*index + 2 < writing->count ? edge_at(writing, *index + 1) : NULL;
	struct pyi_edge edge = { .kind = PYI_EDGE_CLOSURE };
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;

	if (!closure || !item || item->kind != PYI_EDGE_INDEX ||
	    !is_closure(writing->step_names, step_at(writing, *index - 1)->type, closure) ||
	    writing->step_names->names->graph->types[step_at(writing, *index + 1)->type].kind !=
		    PYI_KIND_CELL)
		return NULL;
	edge.detail = item->detail;
	edge.context = closure->context;
	text = pyi_places_edge(&writing->step_names->names->places, 0, &edge);
	if (!text)
		return pyi_error_no_memory();
	put(writing, " ");
	put(writing, text);
	*index += 2;
	return NULL;
}

/* "frame f" in place of what led to it: f called the frames that are before it on its thread. */
static struct pyi_error *put_caller(struct writing *writing, uint64_t code)
{
	PYI_CLEANUP(pyi_guard_free) char *text = frame_text(writing->step_names, code);

	if (!text)
		return pyi_error_no_memory();
	writing->length = 0;
	put(writing, text);
	return NULL;
}

/* True if all steps up to this one are frames of one thread, the last called first. */
static bool is_on_stack(const struct writing *writing, size_t index)
{
	const struct pyi_edge *start = edge_at(writing, 0);

	for (size_t i = 1; i <= index; i++)
		if (!is_caller(writing->step_names, step_at(writing, i - 1)->type,
			       step_at(writing, i)->type))
			return false;
	return start && start->kind == PYI_EDGE_THREAD;
}

static struct pyi_error *put_edge(struct writing *writing, size_t index)
{
	const struct pyi_graph *graph = writing->step_names->names->graph;
	const struct pyi_graph_type *type = &graph->types[step_at(writing, index - 1)->type];
	const struct pyi_edge *known = edge_at(writing, index);
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	bool in_dict = writing->in_dict;
	struct pyi_edge edge;

	writing->in_dict = false;
	if (is_keys(writing, index))
		return NULL;
	if (!known) {
		put(writing,
		    in_dict ? ".*"
			    : any_text(writing->step_names->names,
				       step_at(writing, index - 1)->type, step_at(writing, index)));
		return NULL;
	}
	edge = *known;
	if (edge.kind == PYI_EDGE_FIELD && edge.context && is_on_stack(writing, index))
		return put_caller(writing, edge.context);
	if (edge.kind == PYI_EDGE_DICT && index + 1 < writing->count) {
		writing->in_dict = true;
		return NULL;
	}
	if (in_dict && edge.kind == PYI_EDGE_ITEM)
		edge.kind = PYI_EDGE_ATTRIBUTE;
	else if (in_dict)
		put(writing, ".__dict__");
	if (edge.kind == PYI_EDGE_KEY || edge.kind == PYI_EDGE_ELEMENT) {
		put(writing, type->kind == PYI_KIND_DEQUE ? "[*]" : "{*}");
		return NULL;
	}
	text = pyi_names_edge_text(writing->step_names->names, type, &edge, 0);
	if (!text)
		return pyi_error_no_memory();
	put(writing, text);
	return NULL;
}

/* "sys.modules['foo'].bar" is written "foo.bar". */
static void shorten(struct writing *writing)
{
	static const char start[] = "sys.modules['";
	static const char end[] = "'].";
	char *behind;

	if (strncmp(writing->text, start, sizeof(start) - 1) != 0)
		return;
	behind = strstr(writing->text + sizeof(start) - 1, end);
	if (!behind)
		return;
	memmove(behind, behind + 2, strlen(behind + 2) + 1);
	memmove(writing->text, writing->text + sizeof(start) - 1,
		strlen(writing->text + sizeof(start) - 1) + 1);
}

static struct pyi_error *write_start(struct writing *writing, enum pyi_way_start *ret_start)
{
	const struct pyi_heap_step *step = step_at(writing, 0);
	const struct pyi_step_name *name = &writing->step_names->items[step->detail];
	PYI_CLEANUP(pyi_guard_free)
	char *text = pyi_step_names_start_text(writing->step_names, name, step->example);

	if (!text)
		return pyi_error_no_memory();
	put(writing, text);
	switch (name->start - 1) {
	case PYI_RANK_ALIVE:
		*ret_start = name->edge.kind == PYI_EDGE_NONE ? PYI_WAY_IMMORTAL : PYI_WAY_ROOT;
		break;
	case PYI_RANK_HELD:
		*ret_start = PYI_WAY_HELD;
		break;
	case PYI_RANK_UNREACHED:
		*ret_start = PYI_WAY_UNREACHED;
		break;
	default:
		*ret_start = PYI_WAY_ROOT;
	}
	return NULL;
}

static void find_chain(struct writing *writing, uint32_t number, bool *ret_cut)
{
	const struct pyi_heap_step *steps = writing->steps->items;
	size_t length = 1;

	for (uint32_t up = number; steps[up].above != PYI_GRAPH_NONE; up = steps[up].above)
		length++;
	*ret_cut = length > STEP_LIMIT;
	/* Of a chain that is too long its beginning. */
	for (; length > STEP_LIMIT; length--)
		number = steps[number].above;
	writing->count = length;
	for (; length; length--, number = steps[number].above)
		writing->chain[length - 1] = number;
}

struct pyi_error *pyi_step_names_expression(const struct pyi_step_names *step_names,
					    const struct pyi_heap_steps *steps, uint32_t number,
					    enum pyi_way_start *ret_start, char **ret_expression)
{
	PYI_CLEANUP(pyi_guard_free) struct writing *writing = calloc(1, sizeof(*writing));
	enum pyi_way_start start = PYI_WAY_ROOT;
	struct pyi_error *error;
	bool cut;

	if (!writing)
		return pyi_error_no_memory();
	writing->step_names = step_names;
	writing->steps = steps;
	find_chain(writing, number, &cut);
	error = write_start(writing, &start);
	for (size_t i = 1; i < writing->count && !error; i++) {
		size_t before = i;

		error = put_closure(writing, &i);
		if (!error && i == before)
			error = put_edge(writing, i);
		if (!error && step_at(writing, i)->repeats && !writing->in_dict)
			put(writing, "+");
	}
	if (error)
		return error;
	shorten(writing);
	if (asprintf(ret_expression, "%s%s", writing->text,
		     cut || writing->length == sizeof(writing->text) - 1 ? "..." : "") < 0)
		return pyi_error_no_memory();
	if (ret_start)
		*ret_start = start;
	return NULL;
}
