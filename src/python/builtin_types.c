/*
 * One table of symbols, names and kinds. Does not check what a type is: anchors.c does.
 */
#include "python/builtin_types.h"

#include <string.h>

#include <pyinspect/payload.h>
#include <pyinspect/type_flags.h>

#include "base/clock.h"
#include "python/interpreters.h"
#include "python/types.h"

enum {
	/* Py_TPFLAGS_READY and Py_TPFLAGS_HEAPTYPE, the same in all versions. */
	FLAG_READY = 1 << 12,
	/* A list of types that takes so long is one that does not end. */
	PATIENCE_MS = 5000,
};

static const struct {
	const char *symbol;
	/* tp_name */
	const char *name;
	uint32_t kind;
} builtin_types[] = {
	{ "PyType_Type", "type", PYI_KIND_TYPE },
	{ "PyDict_Type", "dict", PYI_KIND_DICT },
	{ "PyODict_Type", "collections.OrderedDict", PYI_KIND_ORDERED_DICT },
	{ "PyFrozenDict_Type", "frozendict", PYI_KIND_DICT },
	{ "PyList_Type", "list", PYI_KIND_LIST },
	{ "PySet_Type", "set", PYI_KIND_SET },
	{ "PyFrozenSet_Type", "frozenset", PYI_KIND_SET },
	{ "PyUnicode_Type", "str", PYI_KIND_STR },
	{ "PyString_Type", "str", PYI_KIND_STR },
	{ "PyInstance_Type", "instance", PYI_KIND_INSTANCE },
	{ "PyClass_Type", "classobj", PYI_KIND_CLASS },
	{ "PyByteArray_Type", "bytearray", PYI_KIND_BYTEARRAY },
	{ "PyLong_Type", "int", PYI_KIND_INT },
	{ "PyCode_Type", "code", PYI_KIND_CODE },
	{ "PyFrame_Type", "frame", PYI_KIND_FRAME },
	{ "PyGen_Type", "generator", PYI_KIND_GENERATOR },
	{ "PyCoro_Type", "coroutine", PYI_KIND_GENERATOR },
	{ "PyAsyncGen_Type", "async_generator", PYI_KIND_GENERATOR },
	{ "PyModule_Type", "module", PYI_KIND_MODULE },
	{ "PyRange_Type", "range", PYI_KIND_RANGE },
	{ "PyMethodDescr_Type", "method_descriptor", PYI_KIND_DESCRIPTOR },
	{ "PyClassMethodDescr_Type", "classmethod_descriptor", PYI_KIND_DESCRIPTOR },
	{ "PyMemberDescr_Type", "member_descriptor", PYI_KIND_DESCRIPTOR },
	{ "PyGetSetDescr_Type", "getset_descriptor", PYI_KIND_DESCRIPTOR },
	{ "PyWrapperDescr_Type", "wrapper_descriptor", PYI_KIND_DESCRIPTOR },
	{ "PyTuple_Type", "tuple", PYI_KIND_TUPLE },
	{ "PyCell_Type", "cell", PYI_KIND_CELL },
	{ "PyFunction_Type", "function", PYI_KIND_FUNCTION },
	{ "_PyWeakref_RefType", "weakref.ReferenceType", PYI_KIND_WEAKREF },
};

#define BUILTIN_COUNT (sizeof(builtin_types) / sizeof(builtin_types[0]))

_Static_assert(BUILTIN_COUNT <= PYI_BUILTIN_TYPE_LIMIT,
	       "struct pyi_runtime must have room for every builtin type");
_Static_assert(BUILTIN_COUNT <= PYI_KNOWN_TYPES, "the payload must know every builtin type");

static bool has_flag(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		     uint64_t type_addr, uint32_t flag)
{
	uint64_t flags;

	return pyi_memory_try_read_u64(reader, type_addr + runtime->layout->type_flags, &flags) &&
	       (flags & flag);
}

/* The definition of a type; its address is 0 if there is none. */
static struct pyi_elf_symbol find_type(const struct pyi_runtime *runtime, struct pyi_scope *scope,
				       size_t home, struct pyi_memory_reader *reader,
				       const char *name)
{
	struct pyi_elf_symbol symbols[PYI_SCOPE_LIMIT];
	size_t count = pyi_scope_find(scope, home, name, symbols);

	for (size_t i = 0; i < count; i++)
		if (has_flag(runtime, reader, symbols[i].addr, FLAG_READY))
			return symbols[i];
	/* Some become ready when they are used first. */
	return count ? symbols[0] : (struct pyi_elf_symbol){ 0 };
}

static void add(struct pyi_runtime *runtime, size_t builtin, uint64_t addr)
{
	const char *symbol = builtin_types[builtin].symbol;

	runtime->builtin_types[runtime->builtin_type_count++] = (struct pyi_builtin_type){
		.kind = builtin_types[builtin].kind,
		.addr = addr,
	};
	if (strcmp(symbol, "PyType_Type") == 0)
		runtime->type_type_addr = addr;
	if (strcmp(symbol, "PyDict_Type") == 0)
		runtime->dict_type_addr = addr;
	if (strcmp(symbol, "PyUnicode_Type") == 0)
		runtime->str_type_addr = addr;
}

struct pyi_error *pyi_builtin_types_by_symbol(struct pyi_runtime *runtime, struct pyi_scope *scope,
					      size_t home, struct pyi_memory_reader *reader)
{
	for (size_t i = 0; i < BUILTIN_COUNT; i++) {
		struct pyi_elf_symbol symbol =
			find_type(runtime, scope, home, reader, builtin_types[i].symbol);

		if (!symbol.addr)
			continue;
		add(runtime, i, symbol.addr);
		if (symbol.addr == runtime->type_type_addr)
			runtime->type_bytes = symbol.size_bytes;
	}
	runtime->object_type_addr =
		find_type(runtime, scope, home, reader, "PyBaseObject_Type").addr;
	if (!runtime->type_type_addr || !runtime->dict_type_addr || !runtime->str_type_addr)
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_LAYOUT_MISMATCH,
					"%s exports no PyType_Type, PyDict_Type or PyUnicode_Type",
					pyi_elf_module_path(scope->modules[home]));
	return NULL;
}

static struct pyi_error *no_types(const struct pyi_runtime *runtime)
{
	return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_LAYOUT_MISMATCH,
				"CPython %s has no symbols, and its types cannot be found without "
				"them",
				runtime->version);
}

/* `dict` is the type of sys.modules, `type` is the type of that, and `object` its base. */
static struct pyi_error *find_first_types(struct pyi_runtime *runtime,
					  struct pyi_memory_reader *reader,
					  struct pyi_interpreters *ret_interpreters)
{
	const struct pyi_layout *layout = runtime->layout;
	struct pyi_error *error = pyi_interpreters_list(runtime, reader, ret_interpreters);
	uint64_t main_addr;
	uint64_t modules;

	if (error)
		return error;
	main_addr = ret_interpreters->addr[ret_interpreters->count - 1];
	if (!pyi_memory_try_read_u64(reader, main_addr + layout->interp_modules, &modules) ||
	    !pyi_memory_try_read_u64(reader, modules + layout->object_type,
				     &runtime->dict_type_addr) ||
	    !pyi_memory_try_read_u64(reader, runtime->dict_type_addr + layout->object_type,
				     &runtime->type_type_addr) ||
	    !pyi_memory_try_read_u64(reader, runtime->dict_type_addr + layout->type_base,
				     &runtime->object_type_addr))
		return no_types(runtime);
	return pyi_runtime_find_static_types(runtime, reader);
}

struct pyi_error *pyi_builtin_types_by_name(struct pyi_runtime *runtime,
					    struct pyi_memory_reader *reader)
{
	struct pyi_interpreters interpreters;
	struct pyi_type_list list;
	struct pyi_error *error = find_first_types(runtime, reader, &interpreters);

	if (!error)
		error = pyi_types_list(runtime, reader, &interpreters,
				       pyi_clock_deadline(PATIENCE_MS, PYI_CLOCK_NEVER), &list);
	if (error)
		return error;
	for (size_t i = 0; i < BUILTIN_COUNT; i++) {
		for (size_t t = 0; t < list.count; t++) {
			if (strcmp(list.types[t].name, builtin_types[i].name) != 0 ||
			    has_flag(runtime, reader, list.types[t].addr, PYI_TPFLAG_HEAP_TYPE))
				continue;
			add(runtime, i, list.types[t].addr);
			break;
		}
	}
	pyi_type_list_deinit(&list);
	return runtime->str_type_addr ? NULL : no_types(runtime);
}

uint64_t pyi_builtin_types_find(const struct pyi_runtime *runtime, uint32_t kind)
{
	for (size_t i = 0; i < runtime->builtin_type_count; i++)
		if (runtime->builtin_types[i].kind == kind)
			return runtime->builtin_types[i].addr;
	return 0;
}
