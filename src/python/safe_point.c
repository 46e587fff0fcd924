/*
 * Names of functions inside of which the heap is not at rest.
 */
#include "python/safe_point.h"

#include <stddef.h>
#include <string.h>

static const char allocating[] = "memory was being allocated or freed";
static const char collecting[] = "a garbage collection was running";
static const char resizing[] = "a container was being resized";

static const struct {
	const char *name;
	const char *problem;
} functions[] = {
	/* Objects/obmalloc.c, Modules/gcmodule.c (Python/gc.c from 3.13) */
	{ "_PyObject_Malloc", allocating },
	{ "_PyObject_Realloc", allocating },
	{ "_PyObject_Free", allocating },
	{ "pymalloc_alloc", allocating },
	{ "pymalloc_realloc", allocating },
	{ "pymalloc_free", allocating },
	{ "new_arena", allocating },
	{ "_PyObject_GC_Alloc", allocating },
	{ "_PyObject_GC_Malloc", allocating },
	{ "_PyObject_GC_Resize", resizing },
	{ "gc_alloc", allocating },
	/* Objects/mimalloc: pages go from heap to heap, or to a thread (3.13, without a GIL) */
	{ "_mi_malloc_generic", allocating },
	{ "_mi_heap_collect_abandon", allocating },
	{ "_mi_segment_page_abandon", allocating },
	{ "mi_segment_reclaim", allocating },
	/* C libraries */
	{ "malloc", allocating },
	{ "calloc", allocating },
	{ "realloc", allocating },
	{ "free", allocating },
	{ "_int_malloc", allocating },
	{ "_int_realloc", allocating },
	{ "_int_free", allocating },
	{ "malloc_consolidate", allocating },
	{ "sysmalloc", allocating },
	/* The collector */
	{ "collect", collecting },
	{ "gc_collect_main", collecting },
	{ "collect_with_callback", collecting },
	{ "collect_generations", collecting },
	{ "gc_collect_generations", collecting },
	{ "gc_collect_with_callback", collecting },
	{ "_PyGC_CollectNoFail", collecting },
	{ "PyGC_Collect", collecting },
	{ "deduce_unreachable", collecting },
	{ "subtract_refs", collecting },
	{ "move_unreachable", collecting },
	{ "delete_garbage", collecting },
	/* Objects/listobject.c, dictobject.c, setobject.c, odictobject.c, tupleobject.c */
	{ "list_resize", resizing },
	{ "list_clear", resizing },
	{ "list_ass_slice", resizing },
	{ "dictresize", resizing },
	{ "insertion_resize", resizing },
	{ "insert_to_emptydict", resizing },
	{ "make_keys_shared", resizing },
	{ "set_table_resize", resizing },
	{ "set_clear_internal", resizing },
	{ "_odict_resize", resizing },
	{ "_PyTuple_Resize", resizing },
	{ "deque_append_internal", resizing },
};

const char *pyi_safe_point_problem(const char *function)
{
	for (size_t f = 0; f < sizeof(functions) / sizeof(functions[0]); f++)
		if (strcmp(functions[f].name, function) == 0)
			return functions[f].problem;
	return NULL;
}
