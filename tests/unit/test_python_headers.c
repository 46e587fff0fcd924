/*
 * Tests that the generated table of layouts agrees with what a C compiler makes of the
 * headers of the distribution's Python.
 *
 * Does not need a running interpreter, and does not link against one: all is offsetof() and
 * sizeof(). Knows no field that only a .c file of CPython's declares (deque, array, OrderedDict,
 * range).
 */
/* Headers of CPython are not held to our warnings. Python.h wants to be the first header. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wcast-align"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wredundant-decls"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define Py_BUILD_CORE 1
#include <Python.h>
/* Where the structs are has changed a lot; the test follows the headers of these versions. */
#define HEADERS_KNOWN (PY_VERSION_HEX >= 0x03090000 && PY_VERSION_HEX < 0x03100000)
#if HEADERS_KNOWN
#include <frameobject.h>
#include <structmember.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#if PY_VERSION_HEX < 0x030b0000
#include <longintrepr.h>
#else
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe.h>
#include <internal/pycore_tstate.h>
#endif
#if PY_VERSION_HEX >= 0x030a0000
#include <internal/pycore_moduleobject.h>
#endif
#endif
#pragma GCC diagnostic pop

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "python/layouts.h"

enum {
	/* Fewer compared means that most of the table below was lost. */
	MIN_COMPARED = 180,
};

#if HEADERS_KNOWN

/* Of the same patch level if there is one. */
static const struct pyi_layout *find_row(void)
{
	const struct pyi_layout *found = NULL;

	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_layout *layout = &pyi_known_layouts[i].layout;

		if (layout->python_version != PY_VERSION_HEX >> 16 ||
		    layout->object_gc_bits != PYI_ABSENT)
			continue;
		if (!found || layout->runtime_size == sizeof(_PyRuntimeState))
			found = layout;
	}
	return found;
}

/* What the headers say of a field of the layout: its value, or one element if it is a list. */
struct expectation {
	const char *name;
	/* Where it is in the layout, and how many elements it has. */
	size_t field;
	size_t count;
	uint32_t value;
};

/* clang-format off */
#define VALUE(field, value) { \
	#field, offsetof(struct pyi_layout, field), \
	sizeof(((struct pyi_layout *)NULL)->field) / sizeof(uint32_t), (uint32_t)(value) \
}
/* clang-format on */
#define OFFSET(field, type, member) VALUE(field, offsetof(type, member))
#define SIZE(field, type) VALUE(field, sizeof(type))
#define ABSENT(field) VALUE(field, PYI_ABSENT)

/* The same in all of these versions. */
static const struct expectation common[] = {
	OFFSET(runtime_interpreters_head, _PyRuntimeState, interpreters.head),
	ABSENT(runtime_gc),
	OFFSET(interp_next, PyInterpreterState, next),
	OFFSET(interp_gc, PyInterpreterState, gc),
	OFFSET(interp_sysdict, PyInterpreterState, sysdict),
	OFFSET(interp_builtins, PyInterpreterState, builtins),
	OFFSET(interp_roots, PyInterpreterState, sysdict),
	OFFSET(interp_roots, PyInterpreterState, builtins),
	OFFSET(interp_roots, PyInterpreterState, dict),
	OFFSET(interp_roots, PyInterpreterState, before_forkers),
	OFFSET(interp_roots, PyInterpreterState, after_forkers_parent),
	OFFSET(interp_roots, PyInterpreterState, after_forkers_child),
	OFFSET(interp_roots, PyInterpreterState, warnings.filters),
	OFFSET(interp_roots, PyInterpreterState, warnings.once_registry),
	OFFSET(interp_roots, PyInterpreterState, warnings.default_action),
	OFFSET(interp_roots, PyInterpreterState, audit_hooks),

	OFFSET(gil_locked, struct _gil_runtime_state, locked),
	OFFSET(gil_last_holder, struct _gil_runtime_state, last_holder),
	OFFSET(gil_switches, struct _gil_runtime_state, switch_number),

	OFFSET(thread_next, PyThreadState, next),
	OFFSET(thread_interp, PyThreadState, interp),
	OFFSET(thread_id, PyThreadState, thread_id),
	OFFSET(thread_exc_info, PyThreadState, exc_info),
	OFFSET(exc_item_value, _PyErr_StackItem, exc_value),
	OFFSET(exc_item_previous, _PyErr_StackItem, previous_item),
	OFFSET(thread_roots, PyThreadState, dict),
	OFFSET(thread_roots, PyThreadState, async_exc),
	OFFSET(thread_roots, PyThreadState, c_profileobj),
	OFFSET(thread_roots, PyThreadState, c_traceobj),
	OFFSET(thread_roots, PyThreadState, async_gen_firstiter),
	OFFSET(thread_roots, PyThreadState, async_gen_finalizer),
	OFFSET(thread_roots, PyThreadState, context),

	OFFSET(gc_generations, struct _gc_runtime_state, generations),
	SIZE(gc_generation_size, struct gc_generation),
	OFFSET(gc_permanent, struct _gc_runtime_state, permanent_generation.head),
	OFFSET(gc_collecting, struct _gc_runtime_state, collecting),
	OFFSET(gc_generation0, struct _gc_runtime_state, generation0),
	OFFSET(gc_garbage, struct _gc_runtime_state, garbage),
	OFFSET(gc_callbacks, struct _gc_runtime_state, callbacks),
	OFFSET(gc_enabled, struct _gc_runtime_state, enabled),
	OFFSET(gc_generation_threshold, struct gc_generation, threshold),
	OFFSET(gc_generation_count, struct gc_generation, count),

	SIZE(gc_head_size, PyGC_Head),
	OFFSET(gc_head_next, PyGC_Head, _gc_next),
	OFFSET(gc_head_prev, PyGC_Head, _gc_prev),
	ABSENT(gc_head_refs),

	SIZE(object_size, PyObject),
	OFFSET(object_type, PyObject, ob_type),
	OFFSET(var_size, PyVarObject, ob_size),

	SIZE(type_size, PyTypeObject),
	OFFSET(type_name, PyTypeObject, tp_name),
	OFFSET(type_basicsize, PyTypeObject, tp_basicsize),
	OFFSET(type_itemsize, PyTypeObject, tp_itemsize),
	OFFSET(type_flags, PyTypeObject, tp_flags),
	OFFSET(type_traverse, PyTypeObject, tp_traverse),
	OFFSET(type_base, PyTypeObject, tp_base),
	OFFSET(type_dict, PyTypeObject, tp_dict),
	OFFSET(type_dictoffset, PyTypeObject, tp_dictoffset),
	OFFSET(type_members, PyTypeObject, tp_members),
	OFFSET(type_is_gc, PyTypeObject, tp_is_gc),
	OFFSET(type_bases, PyTypeObject, tp_bases),
	OFFSET(type_mro, PyTypeObject, tp_mro),
	OFFSET(type_cache, PyTypeObject, tp_cache),
	OFFSET(type_subclasses, PyTypeObject, tp_subclasses),
	SIZE(heap_type_size, PyHeapTypeObject),
	OFFSET(heap_type_name, PyHeapTypeObject, ht_name),
	OFFSET(heap_type_slots, PyHeapTypeObject, ht_slots),
	OFFSET(heap_type_qualname, PyHeapTypeObject, ht_qualname),
	OFFSET(heap_type_cached_keys, PyHeapTypeObject, ht_cached_keys),
	OFFSET(heap_type_references, PyHeapTypeObject, ht_name),
	OFFSET(heap_type_references, PyHeapTypeObject, ht_slots),
	OFFSET(heap_type_references, PyHeapTypeObject, ht_qualname),
	OFFSET(heap_type_references, PyHeapTypeObject, ht_module),

	SIZE(member_size, PyMemberDef),
	OFFSET(member_name, PyMemberDef, name),
	OFFSET(member_offset, PyMemberDef, offset),

	OFFSET(tuple_items, PyTupleObject, ob_item),
	OFFSET(list_items, PyListObject, ob_item),
	OFFSET(list_allocated, PyListObject, allocated),
	SIZE(dict_size, PyDictObject),
	OFFSET(dict_used, PyDictObject, ma_used),
	OFFSET(dict_keys, PyDictObject, ma_keys),
	OFFSET(dict_values, PyDictObject, ma_values),
	SIZE(set_size, PySetObject),
	OFFSET(set_used, PySetObject, used),
	OFFSET(set_mask, PySetObject, mask),
	OFFSET(set_table, PySetObject, table),
	OFFSET(set_smalltable, PySetObject, smalltable),

	OFFSET(str_length, PyASCIIObject, length),
	OFFSET(str_state, PyASCIIObject, state),
	SIZE(str_ascii_size, PyASCIIObject),
	SIZE(str_compact_size, PyCompactUnicodeObject),
	SIZE(str_legacy_size, PyUnicodeObject),
	OFFSET(str_utf8, PyCompactUnicodeObject, utf8),
	OFFSET(str_utf8_length, PyCompactUnicodeObject, utf8_length),
	OFFSET(str_data, PyUnicodeObject, data),
	OFFSET(bytes_value, PyBytesObject, ob_sval),
	OFFSET(bytearray_allocated, PyByteArrayObject, ob_alloc),
	OFFSET(float_value, PyFloatObject, ob_fval),

	OFFSET(cell_contents, PyCellObject, ob_ref),
	OFFSET(weakref_object, PyWeakReference, wr_object),

	OFFSET(function_code, PyFunctionObject, func_code),
	OFFSET(function_globals, PyFunctionObject, func_globals),
	OFFSET(function_name, PyFunctionObject, func_name),
	OFFSET(function_qualname, PyFunctionObject, func_qualname),
	OFFSET(function_defaults, PyFunctionObject, func_defaults),
	OFFSET(function_kwdefaults, PyFunctionObject, func_kwdefaults),
	OFFSET(function_closure, PyFunctionObject, func_closure),
	OFFSET(function_doc, PyFunctionObject, func_doc),
	OFFSET(function_dict, PyFunctionObject, func_dict),
	OFFSET(function_module, PyFunctionObject, func_module),
	OFFSET(function_annotations, PyFunctionObject, func_annotations),

	SIZE(frame_size, PyFrameObject),

	SIZE(code_size, PyCodeObject),
	OFFSET(code_nlocals, PyCodeObject, co_nlocals),
	OFFSET(code_stacksize, PyCodeObject, co_stacksize),
	OFFSET(code_name, PyCodeObject, co_name),
	OFFSET(code_filename, PyCodeObject, co_filename),
	OFFSET(code_extra, PyCodeObject, co_extra),
	OFFSET(code_references, PyCodeObject, co_consts),
	OFFSET(code_references, PyCodeObject, co_names),
	OFFSET(code_references, PyCodeObject, co_filename),
	OFFSET(code_references, PyCodeObject, co_name),
	OFFSET(generator_references, PyGenObject, gi_name),
	OFFSET(generator_references, PyGenObject, gi_qualname),
	OFFSET(descriptor_references, PyDescrObject, d_name),
	OFFSET(descriptor_references, PyDescrObject, d_qualname),
};

/* Where they differ: each block begins with the version that it was new or the last in. */
static const struct expectation special[] = {
#if PY_VERSION_HEX < 0x030a0000
	OFFSET(code_references, PyCodeObject, co_lnotab),
	OFFSET(interp_roots, PyInterpreterState, pyexitmodule),
	ABSENT(function_builtins),
#else
	OFFSET(function_builtins, PyFunctionObject, func_builtins),
	OFFSET(code_references, PyCodeObject, co_linetable),
	OFFSET(module_dict, PyModuleObject, md_dict),
	OFFSET(module_references, PyModuleObject, md_name),
#endif
#if PY_VERSION_HEX < 0x030b0000
	OFFSET(interp_threads_head, PyInterpreterState, tstate_head),
	OFFSET(thread_frame, PyThreadState, frame),
	ABSENT(thread_cframe),
	ABSENT(cframe_current_frame),
	ABSENT(thread_native_id),
	OFFSET(exc_item_type, _PyErr_StackItem, exc_type),
	OFFSET(exc_item_traceback, _PyErr_StackItem, exc_traceback),
	ABSENT(iframe_code),
	ABSENT(iframe_localsplus),
	OFFSET(frame_code, PyFrameObject, f_code),
	OFFSET(frame_localsplus, PyFrameObject, f_localsplus),
	ABSENT(frame_iframe),
	ABSENT(frame_data),
	ABSENT(generator_iframe),
	ABSENT(values_items),
	ABSENT(values_valid),
	OFFSET(generator_references, PyGenObject, gi_code),
	ABSENT(code_nlocalsplus),
	OFFSET(code_cellvars, PyCodeObject, co_cellvars),
	OFFSET(code_freevars, PyCodeObject, co_freevars),
	OFFSET(code_varnames, PyCodeObject, co_varnames),
	ABSENT(code_localsplusnames),
	ABSENT(code_qualname),
	OFFSET(code_cell2arg, PyCodeObject, co_cell2arg),
	OFFSET(code_code, PyCodeObject, co_code),
	OFFSET(code_opcache_map, PyCodeObject, co_opcache_map),
	OFFSET(code_opcache, PyCodeObject, co_opcache),
	OFFSET(code_opcache_size, PyCodeObject, co_opcache_size),
	OFFSET(code_references, PyCodeObject, co_code),
	OFFSET(code_references, PyCodeObject, co_varnames),
	OFFSET(code_references, PyCodeObject, co_freevars),
	OFFSET(code_references, PyCodeObject, co_cellvars),
#else
	OFFSET(interp_threads_head, PyInterpreterState, threads.head),
	ABSENT(thread_frame),
	OFFSET(thread_native_id, PyThreadState, native_thread_id),
	ABSENT(exc_item_type),
	ABSENT(exc_item_traceback),
	OFFSET(iframe_globals, _PyInterpreterFrame, f_globals),
	OFFSET(iframe_builtins, _PyInterpreterFrame, f_builtins),
	OFFSET(iframe_locals, _PyInterpreterFrame, f_locals),
	OFFSET(iframe_object, _PyInterpreterFrame, frame_obj),
	OFFSET(iframe_previous, _PyInterpreterFrame, previous),
	OFFSET(iframe_owner, _PyInterpreterFrame, owner),
	OFFSET(iframe_localsplus, _PyInterpreterFrame, localsplus),
	ABSENT(keys_size),
	OFFSET(keys_refcnt, PyDictKeysObject, dk_refcnt),
	OFFSET(keys_log2_size, PyDictKeysObject, dk_log2_size),
	OFFSET(keys_log2_index_bytes, PyDictKeysObject, dk_log2_index_bytes),
	OFFSET(keys_kind, PyDictKeysObject, dk_kind),
	OFFSET(keys_usable, PyDictKeysObject, dk_usable),
	OFFSET(keys_nentries, PyDictKeysObject, dk_nentries),
	OFFSET(keys_indices, PyDictKeysObject, dk_indices),
	SIZE(keys_indices, PyDictKeysObject),
	ABSENT(frame_code),
	ABSENT(frame_localsplus),
	OFFSET(frame_iframe, PyFrameObject, f_frame),
	OFFSET(frame_data, PyFrameObject, _f_frame_data),
	OFFSET(generator_iframe, PyGenObject, gi_iframe),
	OFFSET(values_items, PyDictValues, values),
	OFFSET(code_nlocalsplus, PyCodeObject, co_nlocalsplus),
	ABSENT(code_cellvars),
	ABSENT(code_freevars),
	ABSENT(code_varnames),
	OFFSET(code_localsplusnames, PyCodeObject, co_localsplusnames),
	OFFSET(code_qualname, PyCodeObject, co_qualname),
	ABSENT(code_cell2arg),
	ABSENT(code_code),
	ABSENT(code_opcache_map),
	OFFSET(code_references, PyCodeObject, co_localsplusnames),
	OFFSET(code_references, PyCodeObject, co_localspluskinds),
	OFFSET(code_references, PyCodeObject, co_qualname),
	OFFSET(code_references, PyCodeObject, co_exceptiontable),
#endif
#if PY_VERSION_HEX < 0x030c0000
	OFFSET(generator_code, PyGenObject, gi_code),
	OFFSET(runtime_gil_locked, _PyRuntimeState, ceval.gil.locked),
	OFFSET(runtime_gil_last_holder, _PyRuntimeState, ceval.gil.last_holder),
	OFFSET(runtime_gil_switches, _PyRuntimeState, ceval.gil.switch_number),
	OFFSET(interp_modules, PyInterpreterState, modules),
	OFFSET(interp_roots, PyInterpreterState, modules),
	OFFSET(interp_roots, PyInterpreterState, modules_by_index),
	OFFSET(interp_roots, PyInterpreterState, importlib),
	OFFSET(interp_roots, PyInterpreterState, codec_search_path),
	OFFSET(interp_roots, PyInterpreterState, codec_search_cache),
	OFFSET(interp_roots, PyInterpreterState, codec_error_registry),
	OFFSET(interp_roots, PyInterpreterState, import_func),
	ABSENT(interp_gil),
	ABSENT(interp_static_types),
	ABSENT(static_type_size),
	OFFSET(thread_roots, PyThreadState, curexc_type),
	OFFSET(thread_roots, PyThreadState, curexc_value),
	OFFSET(thread_roots, PyThreadState, curexc_traceback),
	OFFSET(str_wstr, PyASCIIObject, wstr),
	OFFSET(str_wstr_length, PyCompactUnicodeObject, wstr_length),
	ABSENT(int_tag),
	OFFSET(int_digits, PyLongObject, ob_digit),
#else
	ABSENT(runtime_gil_locked),
	ABSENT(generator_code),
	OFFSET(interp_modules, PyInterpreterState, imports.modules),
	OFFSET(interp_roots, PyInterpreterState, imports.modules),
	OFFSET(interp_roots, PyInterpreterState, imports.modules_by_index),
	OFFSET(interp_roots, PyInterpreterState, imports.importlib),
	OFFSET(interp_roots, PyInterpreterState, imports.import_func),
	OFFSET(interp_gil, PyInterpreterState, ceval.gil),
	OFFSET(thread_roots, PyThreadState, current_exception),
	ABSENT(str_wstr),
	ABSENT(str_wstr_length),
	OFFSET(int_tag, PyLongObject, long_value.lv_tag),
	OFFSET(int_digits, PyLongObject, long_value.ob_digit),
#endif
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
	OFFSET(iframe_code, _PyInterpreterFrame, f_code),
	OFFSET(iframe_function, _PyInterpreterFrame, f_func),
	OFFSET(generator_references, PyGenObject, gi_code),
	OFFSET(code_references, PyCodeObject, _co_code),
#endif
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000
	ABSENT(values_valid),
	OFFSET(thread_cframe, PyThreadState, cframe),
	ABSENT(thread_current_frame),
	OFFSET(cframe_current_frame, _PyCFrame, current_frame),
#endif
#if PY_VERSION_HEX >= 0x030c0000 && PY_VERSION_HEX < 0x030d0000
	OFFSET(iframe_code, _PyInterpreterFrame, f_code),
	OFFSET(interp_static_types, PyInterpreterState, types.builtins),
	SIZE(static_type_size, static_builtin_state),
	OFFSET(static_type_type, static_builtin_state, type),
	OFFSET(static_type_dict, static_builtin_state, tp_dict),
	OFFSET(static_type_subclasses, static_builtin_state, tp_subclasses),
#endif
#if PY_VERSION_HEX >= 0x030c0000
	OFFSET(iframe_function, _PyInterpreterFrame, f_funcobj),
#endif
#if PY_VERSION_HEX >= 0x030d0000
	OFFSET(values_valid, PyDictValues, valid),
	ABSENT(thread_cframe),
	OFFSET(thread_current_frame, PyThreadState, current_frame),
	OFFSET(iframe_code, _PyInterpreterFrame, f_executable),
	OFFSET(interp_static_types, PyInterpreterState, types.builtins.initialized),
	SIZE(static_type_size, managed_static_type_state),
	OFFSET(static_type_type, managed_static_type_state, type),
	OFFSET(static_type_dict, managed_static_type_state, tp_dict),
	OFFSET(static_type_subclasses, managed_static_type_state, tp_subclasses),
	OFFSET(thread_roots, _PyThreadStateImpl, asyncio_running_loop),
	OFFSET(debug_gc_size, _PyRuntimeState, debug_offsets.gc.size),
#endif
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030e0000
	OFFSET(iframe_stacktop, _PyInterpreterFrame, stacktop),
	ABSENT(iframe_stackpointer),
#endif
#if PY_VERSION_HEX >= 0x030e0000
	ABSENT(iframe_stacktop),
	OFFSET(iframe_stackpointer, _PyInterpreterFrame, stackpointer),
	OFFSET(thread_roots, _PyThreadStateImpl, asyncio_running_task),
#endif
#if PY_VERSION_HEX < 0x030f0000
	SIZE(runtime_size, _PyRuntimeState),
	SIZE(interp_size, PyInterpreterState),
#endif
/* Here the sizes depend on whether there is a compiler to machine code: headers do not say. */
#if PY_VERSION_HEX >= 0x030f0000
	OFFSET(bytearray_object, PyByteArrayObject, ob_bytes_object),
	OFFSET(interp_roots, PyInterpreterState, imports.lazy_modules),
#else
	ABSENT(bytearray_object),
#endif
};

static uint32_t element(const struct pyi_layout *layout, const struct expectation *expected,
			size_t index)
{
	uint32_t value;

	memcpy(&value, (const char *)layout + expected->field + index * sizeof(value),
	       sizeof(value));
	return value;
}

/* A list agrees if the value is one of its elements: which others it has is the table's own affair.
 */
static bool agrees(const struct pyi_layout *layout, const struct expectation *expected)
{
	for (size_t i = 0; i < expected->count; i++)
		if (element(layout, expected, i) == expected->value)
			return true;
	return false;
}

static size_t compare(const struct pyi_layout *layout, const struct expectation *expected,
		      size_t count)
{
	size_t wrong = 0;

	for (size_t i = 0; i < count; i++) {
		if (agrees(layout, &expected[i]))
			continue;
		wrong++;
		print_error("%s: the headers say %u, the table does not (%u)\n", expected[i].name,
			    expected[i].value, element(layout, &expected[i], 0));
	}
	return wrong;
}

static void test_row_is_what_headers_say(void **state)
{
	const struct pyi_layout *layout = find_row();
	const size_t common_count = sizeof(common) / sizeof(common[0]);
	const size_t special_count = sizeof(special) / sizeof(special[0]);

	(void)state;
	if (!layout) {
		print_message("# skipped: there is no layout for the headers of " PY_VERSION "\n");
		skip();
	}
	assert_int_equal(
		compare(layout, common, common_count) + compare(layout, special, special_count), 0);
	assert_true(common_count + special_count >= MIN_COMPARED);
	print_message("# %zu fields compared with the headers of " PY_VERSION "\n",
		      common_count + special_count);
}

/* Otherwise the test above could not fail. */
static void test_difference_is_seen(void **state)
{
	const struct pyi_layout *layout = find_row();
	struct expectation wrong[] = {
		OFFSET(type_name, PyTypeObject, tp_basicsize),
		SIZE(object_size, PyVarObject),
		OFFSET(heap_type_references, PyTypeObject, tp_name),
		ABSENT(tuple_items),
	};

	(void)state;
	if (!layout)
		skip();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(agrees(layout, &wrong[i]));
}

/* Features that follow from what a struct has. */
static void test_features(void **state)
{
	const struct pyi_layout *layout = find_row();

	(void)state;
	if (!layout)
		skip();
	assert_int_equal(!!(layout->features & PYI_FEATURE_EMBEDDED_FRAMES),
			 PY_VERSION_HEX >= 0x030b0000);
	assert_int_equal(!!(layout->features & PYI_FEATURE_STATIC_TYPE_STATE),
			 PY_VERSION_HEX >= 0x030c0000);
	assert_int_equal(!!(layout->features & PYI_FEATURE_INLINE_VALUES),
			 PY_VERSION_HEX >= 0x030d0000);
	assert_int_equal(!!(layout->features & PYI_FEATURE_MANAGED_DICT_AND_VALUES),
			 PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000);
	assert_int_equal(!!(layout->features & PYI_FEATURE_MANAGED_DICT_OR_VALUES),
			 PY_VERSION_HEX >= 0x030c0000 && PY_VERSION_HEX < 0x030d0000);
	assert_int_equal(!!(layout->features & PYI_FEATURE_MANAGED_DICT),
			 PY_VERSION_HEX >= 0x030d0000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_is_what_headers_say),
		cmocka_unit_test(test_difference_is_seen),
		cmocka_unit_test(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_no_row(void **state)
{
	(void)state;
	print_message("# skipped: the test does not know the headers of " PY_VERSION "%s\n",
		      find_row() ? "" : ", and there is no layout for them");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
