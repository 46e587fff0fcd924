/*
 * The table of layoutgen: see layoutgen_table.h for the meaning of the paths. Contains no offset
 * and no version number.
 */
#include "layoutgen_table.h"

#include <pyinspect/layout.h>

/* clang-format off */
#define ROW(kind, field, paths) { \
	#field, kind, offsetof(struct pyi_layout, field), \
	sizeof(((struct pyi_layout *)NULL)->field), paths \
}
/* clang-format on */

const struct row layout_rows[] = {
	ROW(GIVEN, python_version, NULL),
	ROW(GIVEN, features, NULL),

	ROW(OPTIONAL, runtime_interpreters_head, "_PyRuntimeState.interpreters.head"),
	ROW(OPTIONAL, runtime_gc, "_PyRuntimeState.gc"),
	ROW(OPTIONAL, runtime_gil_locked, "_PyRuntimeState.ceval.gil.locked"),
	ROW(OPTIONAL, runtime_gil_last_holder, "_PyRuntimeState.ceval.gil.last_holder"),
	ROW(OPTIONAL, runtime_gil_switches, "_PyRuntimeState.ceval.gil.switch_number"),

	ROW(OPTIONAL, runtime_initialized, "_PyRuntimeState.initialized"),
	ROW(OPTIONAL, runtime_finalizing, "_PyRuntimeState.finalizing|_PyRuntimeState._finalizing"),

	ROW(SIZE, interp_size, "PyInterpreterState"),
	ROW(OPTIONAL, interp_id, "PyInterpreterState.id"),
	ROW(OFFSET, interp_next, "PyInterpreterState.next"),
	ROW(OFFSET, interp_threads_head,
	    "PyInterpreterState.threads.head|PyInterpreterState.tstate_head"),
	ROW(OPTIONAL, interp_gc, "PyInterpreterState.gc"),
	ROW(OFFSET, interp_modules,
	    "PyInterpreterState.imports.modules|PyInterpreterState.modules"),
	ROW(OFFSET, interp_sysdict, "PyInterpreterState.sysdict"),
	ROW(OFFSET, interp_builtins, "PyInterpreterState.builtins"),
	ROW(OPTIONAL, interp_gil, "PyInterpreterState.ceval.gil"),
	ROW(OPTIONAL, interp_static_types,
	    "PyInterpreterState.types.builtins.initialized|PyInterpreterState.types.builtins"),
	ROW(OPTIONAL_SIZE, static_type_size, "managed_static_type_state|static_builtin_state"),
	ROW(OPTIONAL, static_type_type, "managed_static_type_state.type|static_builtin_state.type"),
	ROW(OPTIONAL, static_type_dict,
	    "managed_static_type_state.tp_dict|static_builtin_state.tp_dict"),
	ROW(OPTIONAL, static_type_subclasses,
	    "managed_static_type_state.tp_subclasses|static_builtin_state.tp_subclasses"),
	/* Without what only holds types (tracked anyway), free lists or configuration. */
	ROW(LIST, interp_roots,
	    "PyInterpreterState.modules|PyInterpreterState.imports.modules "
	    "PyInterpreterState.modules_by_index|PyInterpreterState.imports.modules_by_index "
	    "PyInterpreterState.modules_reloading "
	    "PyInterpreterState.sysdict PyInterpreterState.builtins "
	    "PyInterpreterState.importlib|PyInterpreterState.imports.importlib "
	    "PyInterpreterState.codec_search_path|PyInterpreterState.codecs.search_path "
	    "PyInterpreterState.codec_search_cache|PyInterpreterState.codecs.search_cache "
	    "PyInterpreterState.codec_error_registry|PyInterpreterState.codecs.error_registry "
	    "PyInterpreterState.dict PyInterpreterState.sysdict_copy "
	    "PyInterpreterState.builtins_copy "
	    "PyInterpreterState.import_func|PyInterpreterState.imports.import_func "
	    "PyInterpreterState.before_forkers PyInterpreterState.after_forkers_parent "
	    "PyInterpreterState.after_forkers_child PyInterpreterState.pyexitmodule "
	    "PyInterpreterState.warnings.filters PyInterpreterState.warnings.once_registry "
	    "PyInterpreterState.warnings.default_action PyInterpreterState.audit_hooks "
	    "PyInterpreterState.exc_state.errnomap "
	    "PyInterpreterState.imports.lazy_import_func "
	    "PyInterpreterState.imports.lazy_imports_filter "
	    "PyInterpreterState.imports.lazy_modules "
	    "PyInterpreterState.imports.lazy_pending_submodules"),
	ROW(OPTIONAL, interp_interned, "PyInterpreterState.cached_objects.interned_strings"),
	ROW(OPTIONAL, interp_atexit, "PyInterpreterState.atexit.callbacks"),
	ROW(OPTIONAL, interp_atexit_count, "PyInterpreterState.atexit.ncallbacks"),
	ROW(OPTIONAL, atexit_function, "atexit_py_callback.func|atexit_callback.func"),
	ROW(OPTIONAL, atexit_arguments, "atexit_py_callback.args|atexit_callback.args"),
	ROW(OPTIONAL, atexit_keywords, "atexit_py_callback.kwargs|atexit_callback.kwargs"),

	ROW(OPTIONAL, gil_locked, "_gil_runtime_state.locked"),
	ROW(OPTIONAL, gil_last_holder, "_gil_runtime_state.last_holder"),
	ROW(OPTIONAL, gil_switches, "_gil_runtime_state.switch_number"),

	ROW(OFFSET, thread_next, "PyThreadState.next"),
	ROW(OFFSET, thread_interp, "PyThreadState.interp"),
	ROW(OPTIONAL, thread_frame, "PyThreadState.frame"),
	ROW(OPTIONAL, thread_cframe, "PyThreadState.cframe"),
	ROW(OPTIONAL, thread_current_frame, "PyThreadState.current_frame"),
	ROW(OPTIONAL, cframe_current_frame, "_PyCFrame.current_frame"),
	ROW(OFFSET, thread_id, "PyThreadState.thread_id"),
	ROW(OPTIONAL, thread_native_id, "PyThreadState.native_thread_id"),
	ROW(OPTIONAL, thread_exc_info, "PyThreadState.exc_info"),
	ROW(OPTIONAL, exc_item_value, "_PyErr_StackItem.exc_value"),
	ROW(OPTIONAL, exc_item_type, "_PyErr_StackItem.exc_type"),
	ROW(OPTIONAL, exc_item_traceback, "_PyErr_StackItem.exc_traceback"),
	ROW(OPTIONAL, exc_item_previous, "_PyErr_StackItem.previous_item"),
	/* Every PyThreadState is the first member of a _PyThreadStateImpl where there is one. */
	ROW(LIST, thread_roots,
	    "PyThreadState.dict PyThreadState.async_exc PyThreadState.c_profileobj "
	    "PyThreadState.c_traceobj PyThreadState.curexc_type PyThreadState.curexc_value "
	    "PyThreadState.curexc_traceback PyThreadState.current_exception "
	    "PyThreadState.exc_type PyThreadState.exc_value "
	    "PyThreadState.exc_traceback PyThreadState.coroutine_wrapper "
	    "PyThreadState.async_gen_firstiter "
	    "PyThreadState.async_gen_finalizer PyThreadState.context "
	    "PyThreadState.threading_local_key PyThreadState.threading_local_sentinel "
	    "_PyThreadStateImpl.asyncio_running_loop _PyThreadStateImpl.asyncio_running_task"),

	ROW(OPTIONAL, iframe_code, "_PyInterpreterFrame.f_code|_PyInterpreterFrame.f_executable"),
	ROW(OPTIONAL, iframe_function, "_PyInterpreterFrame.f_funcobj|_PyInterpreterFrame.f_func"),
	ROW(OPTIONAL, iframe_globals, "_PyInterpreterFrame.f_globals"),
	ROW(OPTIONAL, iframe_builtins, "_PyInterpreterFrame.f_builtins"),
	ROW(OPTIONAL, iframe_locals, "_PyInterpreterFrame.f_locals"),
	ROW(OPTIONAL, iframe_object, "_PyInterpreterFrame.frame_obj"),
	ROW(OPTIONAL, iframe_previous, "_PyInterpreterFrame.previous"),
	ROW(OPTIONAL, iframe_stacktop, "_PyInterpreterFrame.stacktop"),
	ROW(OPTIONAL, iframe_owner, "_PyInterpreterFrame.owner"),
	ROW(OPTIONAL, iframe_localsplus, "_PyInterpreterFrame.localsplus"),

	ROW(OPTIONAL, gc_generations, "_gc_runtime_state.generations|_gc_runtime_state.young"),
	ROW(SIZE, gc_generation_size, "gc_generation"),
	ROW(OPTIONAL, gc_permanent, "_gc_runtime_state.permanent_generation.head"),
	ROW(OPTIONAL, gc_collecting, "_gc_runtime_state.collecting"),
	ROW(OPTIONAL, gc_garbage, "_gc_runtime_state.garbage"),
	ROW(OPTIONAL, gc_callbacks, "_gc_runtime_state.callbacks"),

	ROW(SIZE, gc_head_size, "PyGC_Head"),
	ROW(OFFSET, gc_head_next, "PyGC_Head._gc_next|PyGC_Head.gc.gc_next"),
	ROW(OFFSET, gc_head_prev, "PyGC_Head._gc_prev|PyGC_Head.gc.gc_prev"),
	ROW(OPTIONAL, gc_head_refs, "PyGC_Head.gc.gc_refs"),

	ROW(SIZE, object_size, "PyObject"),
	ROW(OFFSET, object_type, "PyObject.ob_type"),
	ROW(OFFSET, var_size, "PyVarObject.ob_size"),

	ROW(SIZE, type_size, "PyTypeObject"),
	ROW(OFFSET, type_name, "PyTypeObject.tp_name"),
	ROW(OFFSET, type_basicsize, "PyTypeObject.tp_basicsize"),
	ROW(OFFSET, type_itemsize, "PyTypeObject.tp_itemsize"),
	ROW(OFFSET, type_flags, "PyTypeObject.tp_flags"),
	ROW(OFFSET, type_traverse, "PyTypeObject.tp_traverse"),
	ROW(OFFSET, type_base, "PyTypeObject.tp_base"),
	ROW(OFFSET, type_dict, "PyTypeObject.tp_dict"),
	ROW(OFFSET, type_dictoffset, "PyTypeObject.tp_dictoffset"),
	ROW(OFFSET, type_members, "PyTypeObject.tp_members"),
	ROW(OFFSET, type_is_gc, "PyTypeObject.tp_is_gc"),
	ROW(OFFSET, type_bases, "PyTypeObject.tp_bases"),
	ROW(OFFSET, type_mro, "PyTypeObject.tp_mro"),
	ROW(OFFSET, type_cache, "PyTypeObject.tp_cache"),
	ROW(OFFSET, type_subclasses, "PyTypeObject.tp_subclasses"),
	ROW(SIZE, heap_type_size, "PyHeapTypeObject"),
	ROW(OFFSET, heap_type_name, "PyHeapTypeObject.ht_name"),
	ROW(OFFSET, heap_type_slots, "PyHeapTypeObject.ht_slots"),
	ROW(OPTIONAL, heap_type_qualname, "PyHeapTypeObject.ht_qualname"),
	ROW(OPTIONAL, heap_type_cached_keys, "PyHeapTypeObject.ht_cached_keys"),

	ROW(SIZE, member_size, "PyMemberDef"),
	ROW(OFFSET, member_name, "PyMemberDef.name"),
	ROW(OFFSET, member_offset, "PyMemberDef.offset"),

	ROW(OFFSET, tuple_items, "PyTupleObject.ob_item"),
	ROW(OFFSET, list_items, "PyListObject.ob_item"),
	ROW(OFFSET, list_allocated, "PyListObject.allocated"),
	ROW(SIZE, dict_size, "PyDictObject"),
	ROW(OFFSET, dict_used, "PyDictObject.ma_used"),
	ROW(OPTIONAL, dict_keys, "PyDictObject.ma_keys"),
	ROW(OPTIONAL, dict_values, "PyDictObject.ma_values"),
	ROW(SIZE, set_size, "PySetObject"),
	ROW(OFFSET, set_used, "PySetObject.used"),
	ROW(OFFSET, set_mask, "PySetObject.mask"),
	ROW(OFFSET, set_table, "PySetObject.table"),
	ROW(OFFSET, set_smalltable, "PySetObject.smalltable"),

	ROW(OPTIONAL, keys_refcnt, "PyDictKeysObject.dk_refcnt"),
	ROW(OPTIONAL, keys_size, "PyDictKeysObject.dk_size"),
	ROW(OPTIONAL, keys_log2_size, "PyDictKeysObject.dk_log2_size"),
	ROW(OPTIONAL, keys_log2_index_bytes, "PyDictKeysObject.dk_log2_index_bytes"),
	ROW(OPTIONAL, keys_kind, "PyDictKeysObject.dk_kind"),
	ROW(OPTIONAL, keys_usable, "PyDictKeysObject.dk_usable"),
	ROW(OPTIONAL, keys_nentries, "PyDictKeysObject.dk_nentries"),
	ROW(OPTIONAL, keys_indices, "PyDictKeysObject.dk_indices"),

	ROW(OPTIONAL, values_items, "PyDictValues.values"),
	ROW(OPTIONAL, values_valid, "PyDictValues.valid"),

	ROW(OFFSET, str_length, "PyASCIIObject.length|PyUnicodeObject.length"),
	ROW(OPTIONAL, str_state, "PyASCIIObject.state"),
	ROW(OPTIONAL_SIZE, str_ascii_size, "PyASCIIObject"),
	ROW(OPTIONAL_SIZE, str_compact_size, "PyCompactUnicodeObject"),
	ROW(SIZE, str_legacy_size, "PyUnicodeObject"),
	ROW(OPTIONAL, str_wstr, "PyASCIIObject.wstr"),
	ROW(OPTIONAL, str_wstr_length, "PyCompactUnicodeObject.wstr_length"),
	ROW(OPTIONAL, str_utf8, "PyCompactUnicodeObject.utf8"),
	ROW(OPTIONAL, str_utf8_length, "PyCompactUnicodeObject.utf8_length"),
	ROW(OFFSET, str_data, "PyUnicodeObject.data|PyUnicodeObject.str"),
	ROW(OFFSET, bytes_value, "PyBytesObject.ob_sval|PyStringObject.ob_sval"),
	ROW(OFFSET, bytearray_allocated, "PyByteArrayObject.ob_alloc"),
	ROW(OPTIONAL, int_tag, "PyLongObject.long_value.lv_tag"),
	ROW(OFFSET, int_digits, "PyLongObject.ob_digit|PyLongObject.long_value.ob_digit"),
	ROW(OFFSET, float_value, "PyFloatObject.ob_fval"),

	ROW(OFFSET, cell_contents, "PyCellObject.ob_ref"),
	ROW(OFFSET, weakref_object, "PyWeakReference.wr_object"),

	ROW(OFFSET, function_code, "PyFunctionObject.func_code"),
	ROW(OFFSET, function_globals, "PyFunctionObject.func_globals"),
	ROW(OPTIONAL, function_builtins, "PyFunctionObject.func_builtins"),
	ROW(OFFSET, function_name, "PyFunctionObject.func_name"),
	ROW(OPTIONAL, function_qualname, "PyFunctionObject.func_qualname"),
	ROW(OFFSET, function_defaults, "PyFunctionObject.func_defaults"),
	ROW(OPTIONAL, function_kwdefaults, "PyFunctionObject.func_kwdefaults"),
	ROW(OFFSET, function_closure, "PyFunctionObject.func_closure"),
	ROW(OFFSET, function_doc, "PyFunctionObject.func_doc"),
	ROW(OFFSET, function_dict, "PyFunctionObject.func_dict"),
	ROW(OFFSET, function_module, "PyFunctionObject.func_module"),
	ROW(OPTIONAL, function_annotations, "PyFunctionObject.func_annotations"),

	ROW(OPTIONAL, odict_fast_nodes_size, "PyODictObject.od_fast_nodes_size"),
	ROW(SIZE, deque_size, "dequeobject"),
	ROW(OFFSET, deque_leftindex, "dequeobject.leftindex"),
	ROW(OFFSET, array_allocated, "arrayobject.allocated"),
	ROW(OFFSET, array_descr, "arrayobject.ob_descr"),
	ROW(OFFSET, array_descr_itemsize, "arraydescr.itemsize"),

	ROW(SIZE, frame_size, "PyFrameObject"),
	ROW(OPTIONAL, frame_code, "PyFrameObject.f_code"),
	ROW(OPTIONAL, frame_localsplus, "PyFrameObject.f_localsplus"),
	ROW(OPTIONAL, frame_iframe, "PyFrameObject.f_frame"),
	ROW(OPTIONAL, frame_data, "PyFrameObject._f_frame_data"),
	ROW(OPTIONAL, generator_iframe, "PyGenObject.gi_iframe"),
	ROW(OPTIONAL, generator_code, "PyGenObject.gi_code"),

	ROW(SIZE, code_size, "PyCodeObject"),
	ROW(OFFSET, code_nlocals, "PyCodeObject.co_nlocals"),
	ROW(OPTIONAL, code_nlocalsplus, "PyCodeObject.co_nlocalsplus"),
	ROW(OFFSET, code_stacksize, "PyCodeObject.co_stacksize"),
	ROW(OPTIONAL, code_cellvars, "PyCodeObject.co_cellvars"),
	ROW(OPTIONAL, code_freevars, "PyCodeObject.co_freevars"),
	ROW(OPTIONAL, code_varnames, "PyCodeObject.co_varnames"),
	ROW(OPTIONAL, code_localsplusnames, "PyCodeObject.co_localsplusnames"),
	ROW(OFFSET, code_name, "PyCodeObject.co_name"),
	ROW(OPTIONAL, code_qualname, "PyCodeObject.co_qualname"),
	ROW(OFFSET, code_filename, "PyCodeObject.co_filename"),
	ROW(OPTIONAL, code_cell2arg, "PyCodeObject.co_cell2arg"),
	ROW(OPTIONAL, code_code, "PyCodeObject.co_code"),
	ROW(OPTIONAL, code_opcache_map, "PyCodeObject.co_opcache_map"),
	ROW(OPTIONAL, code_opcache, "PyCodeObject.co_opcache"),
	ROW(OPTIONAL, code_opcache_size, "PyCodeObject.co_opcache_size"),
	ROW(OPTIONAL, code_cached, "PyCodeObject._co_cached"),
	ROW(OPTIONAL_SIZE, code_cached_size, "_PyCoCached"),
	ROW(OPTIONAL, code_extra, "PyCodeObject.co_extra"),
	ROW(OFFSET, module_dict, "PyModuleObject.md_dict"),

	/* Not co_zombieframe and co_weakreflist, which own nothing; _co_code is 3.11's own cache.
	 */
	ROW(LIST, code_references,
	    "PyCodeObject.co_code PyCodeObject._co_code PyCodeObject.co_consts "
	    "PyCodeObject.co_names PyCodeObject.co_varnames PyCodeObject.co_freevars "
	    "PyCodeObject.co_cellvars PyCodeObject.co_localsplusnames "
	    "PyCodeObject.co_localspluskinds PyCodeObject.co_filename PyCodeObject.co_name "
	    "PyCodeObject.co_qualname PyCodeObject.co_lnotab|PyCodeObject.co_linetable "
	    "PyCodeObject.co_exceptiontable"),
	ROW(LIST, heap_type_references,
	    "PyHeapTypeObject.ht_name PyHeapTypeObject.ht_slots PyHeapTypeObject.ht_qualname "
	    "PyHeapTypeObject.ht_module"),
	ROW(LIST, generator_references,
	    "PyGenObject.gi_code PyGenObject.gi_name PyGenObject.gi_qualname"),
	ROW(LIST, descriptor_references, "PyDescrObject.d_name PyDescrObject.d_qualname"),
	ROW(OPTIONAL_LIST, module_references, "PyModuleObject.md_name"),
	ROW(OPTIONAL_LIST, range_references,
	    "rangeobject.start rangeobject.stop rangeobject.step rangeobject.length"),

	ROW(OPTIONAL_SIZE, runtime_size, "_PyRuntimeState"),
	ROW(OPTIONAL_SIZE, gc_size, "_gc_runtime_state"),
	ROW(OPTIONAL, gc_generation0, "_gc_runtime_state.generation0"),
	ROW(OPTIONAL, debug_gc_size, "_PyRuntimeState.debug_offsets.gc.size"),
	ROW(OPTIONAL, iframe_stackpointer, "_PyInterpreterFrame.stackpointer"),
	ROW(OPTIONAL, bytearray_object, "PyByteArrayObject.ob_bytes_object"),
	ROW(OPTIONAL, gc_enabled, "_gc_runtime_state.enabled"),
	ROW(OFFSET, gc_generation_threshold, "gc_generation.threshold"),
	ROW(OFFSET, gc_generation_count, "gc_generation.count"),

	ROW(OPTIONAL, dict_mask, "PyDictObject.ma_mask"),
	ROW(OPTIONAL, dict_table, "PyDictObject.ma_table"),
	ROW(OPTIONAL, dict_smalltable, "PyDictObject.ma_smalltable"),
	ROW(OPTIONAL, deque_length, "dequeobject.len"),
	ROW(SIZE, deque_block_size, "BLOCK|block"),
	ROW(OPTIONAL, int_value, "PyIntObject.ob_ival"),
	ROW(OPTIONAL, instance_class, "PyInstanceObject.in_class"),
	ROW(OPTIONAL, instance_dict, "PyInstanceObject.in_dict"),
	ROW(OPTIONAL, class_bases, "PyClassObject.cl_bases"),
	ROW(OPTIONAL, class_dict, "PyClassObject.cl_dict"),
	ROW(OPTIONAL, class_name, "PyClassObject.cl_name"),

	/* layoutgen leaves all of these out where there is no object_gc_bits: mimalloc is in builds
	   with a GIL too. */
	ROW(OPTIONAL, object_gc_bits, "PyObject.ob_gc_bits"),
	ROW(OPTIONAL, object_ref_local, "PyObject.ob_ref_local"),
	ROW(OPTIONAL, object_ref_shared, "PyObject.ob_ref_shared"),
	ROW(OPTIONAL, thread_attached, "PyThreadState.state"),
	ROW(OPTIONAL, runtime_debug_allocator, "_PyRuntimeState.allocators.is_debug_enabled"),
	ROW(OPTIONAL, thread_heaps, "_PyThreadStateImpl.mimalloc.heaps"),
	ROW(OPTIONAL, thread_heaps_ready, "_PyThreadStateImpl.mimalloc.initialized"),
	ROW(OPTIONAL, thread_abandoned, "_PyThreadStateImpl.mimalloc.tld.segments.abandoned"),
	ROW(OPTIONAL, mi_pool_abandoned, "mi_abandoned_pool_t.abandoned"),
	ROW(OPTIONAL, mi_pool_visited, "mi_abandoned_pool_t.abandoned_visited"),
	ROW(OPTIONAL_SIZE, mi_heap_size, "mi_heap_t"),
	ROW(OPTIONAL, mi_heap_pages, "mi_heap_t.pages"),
	ROW(OPTIONAL, mi_heap_page_count, "mi_heap_t.page_count"),
	ROW(OPTIONAL_SIZE, mi_queue_size, "mi_page_queue_t"),
	ROW(OPTIONAL, mi_queue_first, "mi_page_queue_t.first"),
	ROW(OPTIONAL_SIZE, mi_page_size, "mi_page_t"),
	ROW(OPTIONAL, mi_page_slices, "mi_page_t.slice_count"),
	ROW(OPTIONAL, mi_page_tag, "mi_page_t.debug_offset"),
	ROW(OPTIONAL, mi_page_capacity, "mi_page_t.capacity"),
	ROW(OPTIONAL, mi_page_reserved, "mi_page_t.reserved"),
	ROW(OPTIONAL, mi_page_free, "mi_page_t.free"),
	ROW(OPTIONAL, mi_page_block_size, "mi_page_t.xblock_size"),
	ROW(OPTIONAL, mi_page_local_free, "mi_page_t.local_free"),
	ROW(OPTIONAL, mi_page_thread_free, "mi_page_t.xthread_free"),
	ROW(OPTIONAL, mi_page_heap, "mi_page_t.xheap"),
	ROW(OPTIONAL, mi_page_next, "mi_page_t.next"),
	ROW(OPTIONAL, mi_page_prev, "mi_page_t.prev"),
	ROW(OPTIONAL, mi_segment_next, "mi_segment_t.abandoned_next"),
	ROW(OPTIONAL, mi_segment_abandoned, "mi_segment_t.abandoned"),
	ROW(OPTIONAL, mi_segment_slice_count, "mi_segment_t.slice_entries"),
	ROW(OPTIONAL, mi_segment_slices, "mi_segment_t.slices"),
};

const size_t layout_row_count = sizeof(layout_rows) / sizeof(layout_rows[0]);

/* clang-format off */
#define MEASURED(feature) { #feature, feature, NULL, NULL }
#define FOUND(feature, members, unless) { #feature, feature, members, unless }
/* clang-format on */

const struct row_feature layout_features[] = {
	MEASURED(PYI_FEATURE_PRESIZE_BY_TYPE),
	MEASURED(PYI_FEATURE_PRESIZE_GC_ONLY),
	MEASURED(PYI_FEATURE_PRESIZE_MANAGED_DICT),
	MEASURED(PYI_FEATURE_PRESIZE_MANAGED_WEAKREF),
	MEASURED(PYI_FEATURE_INT_ONE_DIGIT),
	FOUND(PYI_FEATURE_INLINE_VALUES, "PyDictValues.embedded", NULL),
	FOUND(PYI_FEATURE_STATIC_TYPE_STATE,
	      "managed_static_type_state.tp_dict|static_builtin_state.tp_dict", NULL),
	FOUND(PYI_FEATURE_EMBEDDED_FRAMES, "PyGenObject.gi_iframe", NULL),
	/* Two plain words of the first kind have no struct of their own. */
	FOUND(PYI_FEATURE_MANAGED_DICT_AND_VALUES, "PyDictValues.values",
	      "PyDictOrValues.values|PyManagedDictPointer.dict"),
	FOUND(PYI_FEATURE_MANAGED_DICT_OR_VALUES, "PyDictOrValues.values", NULL),
	FOUND(PYI_FEATURE_MANAGED_DICT, "PyManagedDictPointer.dict", NULL),
	FOUND(PYI_FEATURE_STACK_REFS, "_PyInterpreterFrame.stackpointer", NULL),
	FOUND(PYI_FEATURE_GC_REFS_WHOLE, "PyGC_Head.gc.gc_refs", "PyTypeObject.tp_finalize"),
	FOUND(PYI_FEATURE_BYTES_NAMES, "PyStringObject.ob_sval", NULL),
	MEASURED(PYI_FEATURE_WIDE_TEXT),
};

const size_t layout_feature_count = sizeof(layout_features) / sizeof(layout_features[0]);
