/*
 * Makes the runtime that the names are asked of: the types which the heap knows, and a reader of
 * it.
 */
#include "named_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void named_graph_begin(const struct graph *graph, struct named_graph *ret_named)
{
	named_graph_begin_at(graph, NULL, 0, ret_named);
}

void named_graph_begin_at(const struct graph *graph, const struct pyi_payload_root *roots,
			  size_t root_count, struct named_graph *ret_named)
{
	const struct invented_heap *heap = &graph->heap;
	struct pyi_payload_arguments arguments = invented_arguments(heap);
	size_t count = 0;

	*ret_named = (struct named_graph){ 0 };
	arguments.roots_addr = (uintptr_t)roots;
	arguments.root_count = root_count;
	while (arguments.known_types[count].type_addr)
		count++;
	memcpy(&arguments.known_types[count], graph->known_types, sizeof(graph->known_types));
	invented_graph_make(&arguments, &ret_named->made);
	ret_named->runtime.layout = &heap->layout;
	ret_named->runtime.object_type_addr = heap->object_type;
	ret_named->runtime.dict_type_addr = heap->dict_type;
	ret_named->runtime.str_type_addr = heap->str_type;
	for (size_t i = 0; i < PYI_BUILTIN_TYPE_LIMIT && arguments.known_types[i].type_addr; i++)
		ret_named->runtime.builtin_types[ret_named->runtime.builtin_type_count++] =
			(struct pyi_builtin_type){
				.kind = (uint32_t)arguments.known_types[i].kind,
				.addr = arguments.known_types[i].type_addr,
			};
	assert_null(pyi_memory_reader_create_mock(
		(const void *)(uintptr_t)heap->range.start_addr,
		(size_t)(heap->range.end_addr - heap->range.start_addr), heap->range.start_addr,
		&ret_named->reader));
	assert_null(pyi_names_init(&ret_named->names, &ret_named->made.graph, &ret_named->runtime,
				   ret_named->reader, false));
}

void named_graph_end(struct named_graph *named)
{
	pyi_names_deinit(&named->names);
	pyi_memory_reader_destroy(named->reader);
	invented_graph_drop(&named->made);
}
