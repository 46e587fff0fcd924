/*
 * Where CPython keeps things: offsets and named features of one build of the interpreter.
 *
 * A layout is data. Code asks "is this field there" or "has it this feature", never for a version
 * number. Shared by the host and by payloads; every field is a fixed-size integer, so that the
 * host can pass a layout to a payload by value.
 *
 * To add a CPython version: raise NEWEST in tools/update-layouts, run that on an interpreter with
 * debug information (tools/layoutgen_table.c says which member is which field), look at the
 * difference, add a row to tests/data/layout-oracle.json from a second source, then say below which
 * upstream change made a new field or feature necessary.
 *
 * Offsets are bytes from the start of the struct that the field's name begins with; sizes
 * are bytes. PYI_ABSENT says that the build does not have the field.
 */
#ifndef PYINSPECT_LAYOUT_H
#define PYINSPECT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PYI_ABSENT UINT32_MAX

/* True if a build has the field at this offset. */
static inline bool pyi_has(uint32_t offset)
{
	return offset != PYI_ABSENT;
}

enum {
	/* Room of the lists of offsets below; unused entries are PYI_ABSENT and come last. */
	PYI_LAYOUT_LIST = 24,
	PYI_POINTER_BYTES = 8,
};

/* Bits of pyi_layout.features: behaviours that no offset shows. */
enum pyi_layout_feature {
	/*
	 * What sys.getsizeof() adds for the GC head: by the flags of the object's *type*, so that
	 * even static type objects, which have none, are charged for one (3.11 and 3.12:
	 * _PySys_GetSizeOf() adds _PyType_PreHeaderSize()).
	 */
	PYI_FEATURE_PRESIZE_BY_TYPE = 1 << 0,
	/* Only for objects that really are GC objects (up to 3.10, and again from 3.13). */
	PYI_FEATURE_PRESIZE_GC_ONLY = 1 << 1,
	/* It also adds two words if the type has Py_TPFLAGS_MANAGED_DICT (3.11). */
	PYI_FEATURE_PRESIZE_MANAGED_DICT = 1 << 2,
	/* ... or Py_TPFLAGS_MANAGED_WEAKREF; two words for both together, not four (3.12). */
	PYI_FEATURE_PRESIZE_MANAGED_WEAKREF = 1 << 3,
	/*
	 * An int of zero digits is charged one digit (gh-100637: 3.12, and 3.11 from 3.11.2: the
	 * layout of 3.11 says so and is 4 bytes too many for each 0 and False of 3.11.0
	 * and 3.11.1).
	 */
	PYI_FEATURE_INT_ONE_DIGIT = 1 << 4,
	/* Instance values are inline behind the object, with a header of 8 bytes (3.13, gh-115776).
	 */
	PYI_FEATURE_INLINE_VALUES = 1 << 5,
	/*
	 * The tp_dict of static builtin types is in the interpreter and their tp_subclasses is an
	 * index from 1 of where (3.12, gh-94673).
	 */
	PYI_FEATURE_STATIC_TYPE_STATE = 1 << 6,
	/* Generators embed their interpreter frame and have tp_itemsize 8 without ob_size (3.11).
	 */
	PYI_FEATURE_EMBEDDED_FRAMES = 1 << 7,
	/*
	 * Types with Py_TPFLAGS_MANAGED_DICT keep the instance dict in front of the object, and
	 * attributes that need no dict as values: three words before the object is the
	 * dict and four words before it the values (3.11: Include/internal/pycore_object.h).
	 */
	PYI_FEATURE_MANAGED_DICT_AND_VALUES = 1 << 8,
	/* ... three words before it is one of both: values if bit 0 is set (3.12). */
	PYI_FEATURE_MANAGED_DICT_OR_VALUES = 1 << 9,
	/* ... three words before it is the dict; values are behind the object (3.13,
	   INLINE_VALUES). */
	PYI_FEATURE_MANAGED_DICT = 1 << 10,
	/* What frames hold are tagged references, see pyinspect/stack_ref.h (3.14, gh-117139). */
	PYI_FEATURE_STACK_REFS = 1 << 11,
	/*
	 * gc_refs is a count with marks below 0, without a bit for finalizers (to 3.3; PEP 442).
	 */
	PYI_FEATURE_GC_REFS_WHOLE = 1 << 12,
	/* Names are bytes (2.7: PyString_Type is `str`); those that are text are names, too. */
	PYI_FEATURE_BYTES_NAMES = 1 << 13,
	/* Text that has no state is in units of 4 bytes, else of 2 (2.7: Py_UNICODE_SIZE). */
	PYI_FEATURE_WIDE_TEXT = 1 << 14,
};

/* object_gc_bits: Include/internal/pycore_gc.h, _PyGC_BITS_... (3.13) */
enum pyi_gc_bit {
	PYI_GC_BIT_TRACKED = 1 << 0,
	PYI_GC_BIT_FROZEN = 1 << 3,
	/* One reference more is counted than there is, so that only the collector frees it. */
	PYI_GC_BIT_DEFERRED = 1 << 6,
};

struct pyi_layout {
	/* PY_VERSION_HEX >> 16 of the builds it is for, e.g. 0x030b for 3.11. */
	uint32_t python_version;
	uint32_t features;

	/* _PyRuntimeState (PYI_ABSENT: not kept there in this version) */
	uint32_t runtime_interpreters_head;
	uint32_t runtime_gc;
	uint32_t runtime_gil_locked;	  /* int, atomic: 1 held, 0 free, -1 not made */
	uint32_t runtime_gil_last_holder; /* PyThreadState * */
	uint32_t runtime_gil_switches;	  /* unsigned long: counts changes of the holder */
	uint32_t runtime_initialized;	  /* int: 1 once the main interpreter has started */
	uint32_t runtime_finalizing;	  /* PyThreadState * that ends Python; NULL: none */

	/* PyInterpreterState */
	uint32_t interp_size;
	uint32_t interp_id; /* int64_t: 0 is the main one, 3.7+ */
	uint32_t interp_next;
	uint32_t interp_threads_head;
	uint32_t interp_gc;
	uint32_t interp_modules;
	uint32_t interp_sysdict;
	uint32_t interp_builtins;
	uint32_t interp_gil;	      /* struct _gil_runtime_state *, 3.12+ */
	uint32_t interp_static_types; /* first element of types.builtins(.initialized), 3.12+ */
	uint32_t static_type_size;    /* sizeof one element */
	uint32_t static_type_type;
	uint32_t static_type_dict;
	uint32_t static_type_subclasses;
	/* Every PyObject * directly in PyInterpreterState that is a root of the object graph. */
	uint32_t interp_roots[PYI_LAYOUT_LIST];
	uint32_t interp_interned; /* PyObject *: dict of interned strings, 3.12+ */
	/*
	 * What atexit.register() was called with: an array of pointers to structs with three
	 * PyObject * (3.10, bpo-42639), or where there is no count, PyObject *: a list (3.14).
	 */
	uint32_t interp_atexit;
	uint32_t interp_atexit_count; /* int */
	uint32_t atexit_function;
	uint32_t atexit_arguments;
	uint32_t atexit_keywords; /* NULL: none */

	/* struct _gil_runtime_state */
	uint32_t gil_locked;
	uint32_t gil_last_holder;
	uint32_t gil_switches;

	/* PyThreadState */
	uint32_t thread_next;
	uint32_t thread_interp;
	uint32_t thread_frame;	       /* PyFrameObject *, up to 3.10 */
	uint32_t thread_cframe;	       /* _PyCFrame *, 3.11 and 3.12 */
	uint32_t thread_current_frame; /* _PyInterpreterFrame *, 3.13 */
	uint32_t cframe_current_frame;
	uint32_t thread_id;	     /* pthread_self() */
	uint32_t thread_native_id;   /* gettid() in the target's namespace, 3.11+ */
	uint32_t thread_exc_info;    /* _PyErr_StackItem * */
	uint32_t exc_item_value;     /* PyObject * in _PyErr_StackItem */
	uint32_t exc_item_type;	     /* up to 3.10 */
	uint32_t exc_item_traceback; /* up to 3.10 */
	uint32_t exc_item_previous;
	/* Every PyObject * directly in PyThreadState that is a root. */
	uint32_t thread_roots[PYI_LAYOUT_LIST];

	/* _PyInterpreterFrame, 3.11+ */
	uint32_t iframe_code; /* f_code or f_executable */
	uint32_t iframe_function;
	uint32_t iframe_globals;
	uint32_t iframe_builtins;
	uint32_t iframe_locals;
	uint32_t iframe_object;
	uint32_t iframe_previous;
	uint32_t iframe_stacktop; /* int; -1 while the frame executes */
	uint32_t iframe_owner;	  /* char; 3 is a C stack entry without valid fields */
	uint32_t iframe_localsplus;

	/* struct _gc_runtime_state */
	uint32_t gc_generations;
	uint32_t gc_generation_size;
	uint32_t gc_permanent;	/* PyGC_Head of the permanent generation */
	uint32_t gc_collecting; /* int */
	uint32_t gc_garbage;	/* PyObject *: gc.garbage */
	uint32_t gc_callbacks;	/* PyObject *: gc.callbacks */

	/* PyGC_Head */
	uint32_t gc_head_size;
	uint32_t gc_head_next;
	uint32_t gc_head_prev;
	uint32_t gc_head_refs; /* 3.7: (refs >> 1) == -2 says untracked; later: next == 0 says so */

	/* PyObject, PyVarObject */
	uint32_t object_size;
	uint32_t object_type;
	uint32_t var_size;

	/* PyTypeObject, PyHeapTypeObject */
	uint32_t type_size;
	uint32_t type_name;
	uint32_t type_basicsize;
	uint32_t type_itemsize;
	uint32_t type_flags;
	uint32_t type_traverse;
	uint32_t type_base;
	uint32_t type_dict;
	uint32_t type_dictoffset;
	uint32_t type_members; /* tp_members: PyMemberDef *, ended by one without a name */
	uint32_t type_is_gc;
	uint32_t type_bases;
	uint32_t type_mro;
	uint32_t type_cache;
	uint32_t type_subclasses;
	uint32_t heap_type_size;
	uint32_t heap_type_name;
	uint32_t heap_type_slots;
	uint32_t heap_type_qualname;
	uint32_t heap_type_cached_keys;

	/* PyMemberDef: a field of instances that has a name; slots of Python classes too */
	uint32_t member_size;
	uint32_t member_name;	/* const char *; NULL ends the array */
	uint32_t member_offset; /* Py_ssize_t, in the instance */

	/* Containers */
	uint32_t tuple_items;
	uint32_t list_items;
	uint32_t list_allocated;
	uint32_t dict_size;
	uint32_t dict_used;
	uint32_t dict_keys;
	uint32_t dict_values;
	uint32_t set_size;
	uint32_t set_used;
	uint32_t set_mask;
	uint32_t set_table;
	uint32_t set_smalltable;

	/* PyDictKeysObject */
	uint32_t keys_refcnt;
	uint32_t keys_size;		/* dk_size (Py_ssize_t), up to 3.10 */
	uint32_t keys_log2_size;	/* dk_log2_size (uint8_t), 3.11+ */
	uint32_t keys_log2_index_bytes; /* 3.11+ */
	uint32_t keys_kind;		/* 0 general, 1 unicode, 2 split; 3.11+ */
	uint32_t keys_usable;
	uint32_t keys_nentries;
	uint32_t keys_indices; /* also sizeof the header */

	/* PyDictValues, 3.11+; before, dict_values leads to a plain array of PyObject * */
	uint32_t values_items;
	uint32_t values_valid; /* uint8_t: 0 if the inline values are not in use, 3.13 */

	/* str, bytes, bytearray, int, float */
	uint32_t str_length;
	uint32_t str_state;	   /* the byte with interned:2 kind:3 compact:1 ascii:1 (ready:1) */
	uint32_t str_ascii_size;   /* sizeof(PyASCIIObject) */
	uint32_t str_compact_size; /* sizeof(PyCompactUnicodeObject) */
	uint32_t str_legacy_size;  /* sizeof(PyUnicodeObject) */
	uint32_t str_wstr;	   /* up to 3.11 */
	uint32_t str_wstr_length;  /* up to 3.11 */
	uint32_t str_utf8;
	uint32_t str_utf8_length;
	uint32_t str_data;
	uint32_t bytes_value;
	uint32_t bytearray_allocated;
	uint32_t int_tag;     /* lv_tag, 3.12+: digits << 3 */
	uint32_t int_digits;  /* ob_digit */
	uint32_t float_value; /* double */

	/* Cells, weak references */
	uint32_t cell_contents;	 /* PyObject *; NULL: empty */
	uint32_t weakref_object; /* PyObject *, not owned; None: the referent is gone */

	/* PyFunctionObject: every PyObject * but func_typeparams and func_weakreflist */
	uint32_t function_code;
	uint32_t function_globals;
	uint32_t function_builtins; /* 3.10+ */
	uint32_t function_name;
	uint32_t function_qualname;
	uint32_t function_defaults;
	uint32_t function_kwdefaults;
	uint32_t function_closure; /* tuple of cells, in the order of the free variables */
	uint32_t function_doc;
	uint32_t function_dict;
	uint32_t function_module;
	uint32_t function_annotations; /* dict; from 3.10 also a tuple of names and values */

	/* Objects of the standard library with memory behind them */
	uint32_t odict_fast_nodes_size; /* PyODictObject.od_fast_nodes_size */
	uint32_t deque_size;
	uint32_t deque_leftindex;
	uint32_t array_allocated; /* arrayobject.allocated */
	uint32_t array_descr;	  /* arrayobject.ob_descr */
	uint32_t array_descr_itemsize;

	/* Frames and generators as objects */
	uint32_t frame_size;	   /* sizeof(PyFrameObject) */
	uint32_t frame_code;	   /* up to 3.10 */
	uint32_t frame_localsplus; /* up to 3.10 */
	uint32_t frame_iframe;	   /* f_frame, 3.11+ */
	uint32_t frame_data;	   /* _f_frame_data, 3.11+ */
	uint32_t generator_iframe; /* gi_iframe, 3.11+ */
	uint32_t generator_code;   /* gi_code, up to 3.11 */

	/* PyCodeObject: what sizes and names need; every PyObject * in it is in code_references */
	uint32_t code_size;
	uint32_t code_nlocals;
	uint32_t code_nlocalsplus; /* 3.11+ */
	uint32_t code_stacksize;
	uint32_t code_cellvars;	       /* tuple, up to 3.10 */
	uint32_t code_freevars;	       /* tuple, up to 3.10 */
	uint32_t code_varnames;	       /* tuple, up to 3.10 */
	uint32_t code_localsplusnames; /* tuple, 3.11+: locals, cells, free variables */
	uint32_t code_name;
	uint32_t code_qualname; /* 3.11+ */
	uint32_t code_filename;
	uint32_t code_cell2arg;	   /* up to 3.10 */
	uint32_t code_code;	   /* bytes, up to 3.10 */
	uint32_t code_opcache_map; /* co_opcache_map, 3.8 to 3.10 */
	uint32_t code_opcache;
	uint32_t code_opcache_size; /* unsigned char */
	uint32_t code_cached;	    /* _co_cached, 3.12+: what co_code, co_varnames ... gave */
	uint32_t code_cached_size;  /* sizeof(_PyCoCached), which only holds PyObject * */
	uint32_t code_extra;	    /* _PyCodeObjectExtra *: ce_size at 0 */

	/* PyModuleObject */
	uint32_t module_dict;

	/*
	 * References that tp_traverse does not report, as offsets of PyObject * fields:
	 * of code objects, heap types (besides ht_cached_keys), method descriptors, modules,
	 * ranges. Those of generators it does report (Objects/genobject.c, gen_traverse()): they
	 * are here for their names.
	 */
	uint32_t code_references[PYI_LAYOUT_LIST];
	uint32_t heap_type_references[PYI_LAYOUT_LIST];
	uint32_t generator_references[PYI_LAYOUT_LIST];
	uint32_t descriptor_references[PYI_LAYOUT_LIST];
	uint32_t module_references[PYI_LAYOUT_LIST];
	uint32_t range_references[PYI_LAYOUT_LIST];

	/* sizeof(_PyRuntimeState): tells patch levels of a version from each other. */
	uint32_t runtime_size;

	uint32_t gc_size; /* sizeof(struct _gc_runtime_state) */
	/*
	 * struct _gc_runtime_state: a pointer to the head of the youngest generation. Debian aligns
	 * PyGC_Head to 4 bytes (gh-127545), which moves gc_generations by 4: believe this pointer.
	 */
	uint32_t gc_generation0;

	/* _PyRuntimeState.debug_offsets: where the build says sizeof(struct _gc_runtime_state) */
	uint32_t debug_gc_size;

	/* _PyInterpreterFrame: end of the stack in use, or NULL while bytecode runs; 3.14+ */
	uint32_t iframe_stackpointer;

	/* PyByteArrayObject: the bytes object that holds the contents, 3.15+ (gh-139871) */
	uint32_t bytearray_object;

	/* struct _gc_runtime_state: int, 1 if gc.enable() is in force */
	uint32_t gc_enabled;
	/* struct gc_generation: int; what gc.get_threshold() and gc.get_count() say */
	uint32_t gc_generation_threshold;
	uint32_t gc_generation_count;

	/*
	 * PyDictObject that has its entries (hash, key, value) in a table of its own, not in a
	 * PyDictKeysObject; to 3.2. Unused are those without a value. (bpo-13903, PEP 412)
	 */
	uint32_t dict_mask; /* Py_ssize_t: entries in the table, less one */
	uint32_t dict_table;
	uint32_t dict_smalltable; /* where dict_table leads to as long as there are few */

	uint32_t deque_length;	   /* Py_ssize_t; PYI_ABSENT: as that of all PyVarObjects */
	uint32_t deque_block_size; /* two links, the rest are PyObject * */

	uint32_t int_value; /* PyIntObject: long; 2.7, where int_digits is of the type `long` */

	/* PyInstanceObject, PyClassObject: instances of old-style classes, and these; 2.7 */
	uint32_t instance_class;
	uint32_t instance_dict;
	uint32_t class_bases; /* tuple */
	uint32_t class_dict;
	uint32_t class_name; /* PyObject *: bytes */

	/*
	 * From here on: builds without a GIL (PEP 703, gh-108219), PYI_ABSENT in all others.
	 * Objects have no PyGC_Head in front of them (gc_head_size is 0) and are on no list: they
	 * are blocks in pages of mimalloc, of which each thread state has its own (gh-112532).
	 */
	uint32_t object_gc_bits;	  /* uint8_t, Include/internal/pycore_gc.h */
	uint32_t object_ref_local;	  /* uint32_t: of its thread; UINT32_MAX: never freed */
	uint32_t object_ref_shared;	  /* Py_ssize_t: of all threads, above two bits */
	uint32_t thread_attached;	  /* int: 1 while the thread may change objects */
	uint32_t runtime_debug_allocator; /* int: 1 if two words are in front of each block */

	/* mimalloc: heaps of a thread state, and the pages of threads that have ended */
	uint32_t thread_heaps;	     /* mi_heap_t: the third and the fourth have objects */
	uint32_t thread_heaps_ready; /* int */
	uint32_t thread_abandoned;   /* mi_abandoned_pool_t *: that of its interpreter */

	uint32_t mi_pool_abandoned; /* mi_segment_t *, above 25 bits of a counter */
	uint32_t mi_pool_visited;   /* mi_segment_t * */

	uint32_t mi_heap_size;
	uint32_t mi_heap_pages; /* mi_page_queue_t: one for each size of blocks */
	uint32_t mi_heap_page_count;
	uint32_t mi_queue_size;
	uint32_t mi_queue_first;

	uint32_t mi_page_size;
	uint32_t mi_page_slices;   /* uint32_t: of 64 KB; 0: it is no page */
	uint32_t mi_page_tag;	   /* the byte behind the one with the number of its heap */
	uint32_t mi_page_capacity; /* uint16_t: blocks that were ever in use */
	uint32_t mi_page_reserved; /* uint16_t: blocks that there is room for */
	uint32_t mi_page_free; /* mi_block_t *: a list, linked by the first word of each block */
	uint32_t mi_page_block_size; /* uint32_t */
	uint32_t mi_page_local_free;
	uint32_t mi_page_thread_free; /* the same, above two bits */
	uint32_t mi_page_heap;	      /* mi_heap_t *; NULL once its thread has ended */
	uint32_t mi_page_next;
	uint32_t mi_page_prev;

	uint32_t mi_segment_next;	 /* of those that were abandoned */
	uint32_t mi_segment_abandoned;	 /* size_t: pages of threads that have ended */
	uint32_t mi_segment_slice_count; /* size_t: of those in use */
	uint32_t mi_segment_slices;	 /* mi_page_t: one for each 64 KB of the segment */
};

/* Behind the fields that all builds may have: where those of builds without a GIL begin. */
#define PYI_LAYOUT_FREE_THREADED offsetof(struct pyi_layout, object_gc_bits)

#endif
