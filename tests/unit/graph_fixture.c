/*
 * Types and objects of a small program that no Python made. Does not break them.
 */
#include "graph_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	POINTER_BYTES = 8,
	INSTANCE_BYTES = 40,
	/* More than any layout needs. */
	FUNCTION_BYTES = 256,
	CODE_BYTES = 256,
};

typedef int visit_function(void *object, void *argument);

/* tp_traverse functions are not told which heap they are in; there is one at a time. */
static const struct pyi_layout *current;

static int visit_field(uint64_t object, uint32_t offset, visit_function *visit, void *argument)
{
	uint64_t reference = invented_get(object + offset);

	return reference ? visit((void *)(uintptr_t)reference, argument) : 0;
}

/* A module, and an instance: its one field is its __dict__. */
static int traverse_dict_field(void *object, visit_function *visit, void *argument)
{
	return visit_field((uintptr_t)object, current->object_size, visit, argument);
}

static int traverse_instance(void *object, visit_function *visit, void *argument)
{
	traverse_dict_field(object, visit, argument);
	return visit_field((uintptr_t)object, current->object_type, visit, argument);
}

static int traverse_slots(void *object, visit_function *visit, void *argument)
{
	for (uint32_t s = 0; s < GRAPH_SLOTS; s++)
		visit_field((uintptr_t)object, current->object_size + s * POINTER_BYTES, visit,
			    argument);
	return visit_field((uintptr_t)object, current->object_type, visit, argument);
}

static int traverse_function(void *object, visit_function *visit, void *argument)
{
	visit_field((uintptr_t)object, current->function_code, visit, argument);
	visit_field((uintptr_t)object, current->function_defaults, visit, argument);
	return visit_field((uintptr_t)object, current->function_closure, visit, argument);
}

static uint64_t builtin_type(struct graph *graph, const char *name, int64_t size_bytes,
			     uint64_t flags,
			     int (*traverse)(void *object, visit_function *visit, void *argument))
{
	return invented_static_type(&graph->heap, &(struct invented_type){
							  .name = name,
							  .base = graph->heap.object_type,
							  .basicsize = size_bytes,
							  .flags = flags,
							  .traverse = traverse,
						  });
}

static uint64_t new_class(struct graph *graph, const char *name, uint64_t dictoffset,
			  int (*traverse)(void *object, visit_function *visit, void *argument))
{
	uint64_t type = invented_heap_type(&graph->heap,
					   &(struct invented_type){
						   .name = name,
						   .base = graph->heap.object_type,
						   .basicsize = INSTANCE_BYTES,
						   .flags = INVENTED_FLAG_GC,
						   .traverse = traverse,
					   },
					   invented_str(&graph->heap, name));

	invented_set(type + graph->heap.layout.type_dictoffset, dictoffset);
	return type;
}

static void forget_list(uint32_t offsets[PYI_LAYOUT_LIST])
{
	for (int i = 0; i < PYI_LAYOUT_LIST; i++)
		offsets[i] = PYI_ABSENT;
}

/* These objects only have what tp_traverse reports. */
static void simplify_layout(struct pyi_layout *layout)
{
	forget_list(layout->code_references);
	forget_list(layout->module_references);
	forget_list(layout->heap_type_references);
	layout->code_cached = PYI_ABSENT;
	layout->dict_size = 48;
}

static void fill(struct graph *graph, const struct pyi_layout *layout, size_t heap_bytes)
{
	struct pyi_layout simple = *layout;
	struct invented_heap *heap = &graph->heap;

	simplify_layout(&simple);
	invented_heap_create(heap, &simple, heap_bytes);
	current = &heap->layout;
	graph->module_type = builtin_type(graph, "module", INSTANCE_BYTES, INVENTED_FLAG_GC,
					  traverse_dict_field);
	invented_set(graph->module_type + simple.type_dictoffset, simple.object_size);
	graph->function_type = builtin_type(graph, "function", FUNCTION_BYTES, INVENTED_FLAG_GC,
					    traverse_function);
	graph->code_type = builtin_type(graph, "code", CODE_BYTES, 0, NULL);
	invented_set(heap->type_type + simple.type_dictoffset, simple.type_dict);
	graph->known_types[0] = (struct pyi_known_type){ graph->module_type, PYI_KIND_MODULE };
	graph->known_types[1] = (struct pyi_known_type){ graph->function_type, PYI_KIND_FUNCTION };
	graph->known_types[2] = (struct pyi_known_type){ graph->code_type, PYI_KIND_CODE };
	graph->known_types[3] = (struct pyi_known_type){ heap->tuple_type, PYI_KIND_TUPLE };
	graph->app_class = new_class(graph, "app.App", simple.object_size, traverse_instance);
	graph->slots_class = new_class(graph, "app.Slots", 0, traverse_slots);
}

int graph_set_up(void **state)
{
	uint32_t version = (uint32_t)(uintptr_t)*state;
	struct graph *graph = calloc(1, sizeof(*graph));
	struct pyi_layout layout;

	if (version)
		layout = *invented_layout_of(version);
	else
		invented_layout_init(&layout);
	fill(graph, &layout, GRAPH_HEAP_BYTES);
	*state = graph;
	return 0;
}

int graph_tear_down(void **state)
{
	struct graph *graph = *state;

	invented_heap_destroy(&graph->heap);
	free(graph);
	return 0;
}

void graph_resize(struct graph *graph, size_t heap_bytes)
{
	struct pyi_layout layout = graph->heap.layout;

	invented_heap_destroy(&graph->heap);
	fill(graph, &layout, heap_bytes);
}

static uint64_t tracked(struct graph *graph, uint64_t type, uint64_t size_bytes)
{
	uint64_t object = invented_object(&graph->heap, type, size_bytes);

	invented_track(&graph->heap, object, 0);
	return object;
}

uint64_t graph_instance(struct graph *graph, uint64_t dict)
{
	uint64_t object = tracked(graph, graph->app_class, INSTANCE_BYTES);

	invented_set(object + graph->heap.layout.object_size, dict);
	return object;
}

uint64_t graph_with_slots(struct graph *graph, uint64_t first, uint64_t second)
{
	uint64_t object = tracked(graph, graph->slots_class, INSTANCE_BYTES);

	invented_set(object + graph->heap.layout.object_size, first);
	invented_set(object + graph->heap.layout.object_size + POINTER_BYTES, second);
	return object;
}

uint64_t graph_module(struct graph *graph, uint64_t dict)
{
	uint64_t object = tracked(graph, graph->module_type, INSTANCE_BYTES);

	invented_set(object + graph->heap.layout.object_size, dict);
	return object;
}

uint64_t graph_class(struct graph *graph, uint64_t dict)
{
	uint64_t type = new_class(graph, "app.Class", 0, traverse_slots);

	invented_set(type + graph->heap.layout.type_dict, dict);
	invented_track(&graph->heap, type, 0);
	return type;
}

uint64_t graph_function(struct graph *graph, uint64_t code, uint64_t defaults, uint64_t closure)
{
	const struct pyi_layout *layout = &graph->heap.layout;
	uint64_t object = tracked(graph, graph->function_type, FUNCTION_BYTES);

	invented_set(object + layout->function_code, code);
	invented_set(object + layout->function_defaults, defaults);
	invented_set(object + layout->function_closure, closure);
	return object;
}

uint64_t graph_code(struct graph *graph)
{
	return invented_object(&graph->heap, graph->code_type, CODE_BYTES);
}

uint64_t graph_dict(struct graph *graph, const uint64_t *keys, const uint64_t *values, size_t count)
{
	return invented_dict(&graph->heap, keys, values, count, false);
}

uint64_t graph_dict_of(struct graph *graph, uint64_t key, uint64_t value)
{
	return graph_dict(graph, &key, &value, 1);
}

uint64_t graph_name(struct graph *graph, const char *name)
{
	return invented_str(&graph->heap, name);
}

uint64_t graph_leaf(struct graph *graph)
{
	uint64_t leaf = invented_node(&graph->heap, 0);

	invented_track(&graph->heap, leaf, 1);
	return leaf;
}
