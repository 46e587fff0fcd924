/*
 * Finds _PyRuntime among the mapped files, asks it for its version, chooses the layout. Does not
 * trust names of files.
 */
#include "python/runtime.h"

#include <stdio.h>
#include <string.h>

#include <pyinspect/payload.h>

#include "base/cleanup.h"
#include "python/layouts.h"

enum {
	/* Files that are searched for Python, those that look like it first. */
	MODULE_LIMIT = 4096,
	WRITABLE_LIMIT = 8,
	SCAN_CHUNK_BYTES = 1 << 16,
	SCAN_LIMIT_BYTES = 16 << 20,
	VERSION_OVERLAP = 64,
};

static const struct {
	const char *name;
	uint32_t kind;
} builtin_types[] = {
	{ "PyType_Type", PYI_KIND_TYPE },
	{ "PyDict_Type", PYI_KIND_DICT },
	{ "PyODict_Type", PYI_KIND_ORDERED_DICT },
	{ "PyFrozenDict_Type", PYI_KIND_DICT },
	{ "PyList_Type", PYI_KIND_LIST },
	{ "PySet_Type", PYI_KIND_SET },
	{ "PyFrozenSet_Type", PYI_KIND_SET },
	{ "PyUnicode_Type", PYI_KIND_STR },
	{ "PyByteArray_Type", PYI_KIND_BYTEARRAY },
	{ "PyLong_Type", PYI_KIND_INT },
	{ "PyCode_Type", PYI_KIND_CODE },
	{ "PyFrame_Type", PYI_KIND_FRAME },
	{ "PyGen_Type", PYI_KIND_GENERATOR },
	{ "PyCoro_Type", PYI_KIND_GENERATOR },
	{ "PyAsyncGen_Type", PYI_KIND_GENERATOR },
	{ "PyModule_Type", PYI_KIND_MODULE },
	{ "PyRange_Type", PYI_KIND_RANGE },
	{ "PyMethodDescr_Type", PYI_KIND_DESCRIPTOR },
	{ "PyClassMethodDescr_Type", PYI_KIND_DESCRIPTOR },
	{ "PyMemberDescr_Type", PYI_KIND_DESCRIPTOR },
	{ "PyGetSetDescr_Type", PYI_KIND_DESCRIPTOR },
	{ "PyWrapperDescr_Type", PYI_KIND_DESCRIPTOR },
	{ "PyTuple_Type", PYI_KIND_TUPLE },
	{ "PyCell_Type", PYI_KIND_CELL },
	{ "PyFunction_Type", PYI_KIND_FUNCTION },
};

_Static_assert(sizeof(builtin_types) / sizeof(builtin_types[0]) <= PYI_BUILTIN_TYPE_LIMIT,
	       "struct pyi_runtime must have room for every builtin type");
_Static_assert(sizeof(builtin_types) / sizeof(builtin_types[0]) <= PYI_KNOWN_TYPES,
	       "the payload must know every builtin type");

/* Sorts of files that are something like Python, for the message when there is no _PyRuntime. */
struct sighting {
	bool pypy;
	bool python2;
	bool python3_old;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of "3.X.Y[abrc...]" before " (" at `text`, 0 if it is not one. */
static size_t version_length(const char *text, size_t left)
{
	size_t i = 2;
	size_t dots = 1;

	if (left < 10 || (text[0] != '3' && text[0] != '2') || text[1] != '.')
		return 0;
	for (; i < left && i < 31; i++) {
		if (text[i] == '.' && is_digit(text[i - 1]) && i + 1 < left &&
		    is_digit(text[i + 1]))
			dots++;
		else if (!is_digit(text[i]) && (!text[i] || !strchr("abrc+", text[i])))
			break;
	}
	if (dots != 2 || i >= left || text[i] != ' ')
		return 0;
	/*
	 * "3.9.18 (main, ...", "3.13.5 free-threading build (", "3.13.5 experimental
	 * free-threading", "3.10.8 | packaged by conda-forge | ("
	 */
	if (i + 2 < left && text[i + 1] && strchr("(fe|", text[i + 1]))
		return i;
	return 0;
}

bool pyi_runtime_find_version(const char *bytes, size_t size_bytes, char ret_version[32])
{
	for (size_t i = 0; i < size_bytes; i++) {
		size_t length;

		/* A buffer of its own begins after a zero byte. */
		if (i && bytes[i - 1] != '\0')
			continue;
		length = version_length(bytes + i, size_bytes - i);
		if (length) {
			memcpy(ret_version, bytes + i, length);
			ret_version[length] = '\0';
			return true;
		}
	}
	return false;
}

/* The static buffer of Py_GetVersion(), filled when Python started. */
static bool scan_for_version(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
			     char ret_version[32])
{
	struct pyi_elf_range ranges[WRITABLE_LIMIT];
	size_t count = pyi_elf_module_writable_ranges(module, ranges, WRITABLE_LIMIT);
	PYI_CLEANUP(pyi_guard_free) char *chunk = malloc(SCAN_CHUNK_BYTES);

	if (!chunk)
		return false;
	for (size_t r = 0; r < count; r++) {
		uint64_t size = ranges[r].size_bytes < SCAN_LIMIT_BYTES ? ranges[r].size_bytes
									: SCAN_LIMIT_BYTES;

		for (uint64_t at = 0; at < size; at += SCAN_CHUNK_BYTES - VERSION_OVERLAP) {
			uint64_t left = size - at < SCAN_CHUNK_BYTES ? size - at : SCAN_CHUNK_BYTES;

			if (pyi_memory_try_read(reader, ranges[r].addr + at, chunk, left) &&
			    pyi_runtime_find_version(chunk, left, ret_version))
				return true;
		}
	}
	return false;
}

/* PY_VERSION_HEX >> 16 of a version string. */
static uint32_t version_number(const char *version)
{
	unsigned major = 0;
	unsigned minor = 0;

	if (sscanf(version, "%u.%u", &major, &minor) != 2 || major > 255 || minor > 255)
		return 0;
	return major << 8 | minor;
}

/* From Py_Version (3.11+), else from the version string. */
static bool read_version(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
			 char ret_version[32])
{
	static const char *const levels[16] = { [0xa] = "a", [0xb] = "b", [0xc] = "rc" };
	struct pyi_elf_symbol symbol;
	uint32_t hex;

	if (!pyi_elf_module_find_symbol(module, "Py_Version", &symbol) ||
	    !pyi_memory_try_read_u32(reader, symbol.addr, &hex) || !hex)
		return scan_for_version(module, reader, ret_version);
	if (levels[hex >> 4 & 15])
		snprintf(ret_version, 32, "%u.%u.%u%s%u", hex >> 24, hex >> 16 & 255,
			 hex >> 8 & 255, levels[hex >> 4 & 15], hex & 15);
	else
		snprintf(ret_version, 32, "%u.%u.%u", hex >> 24, hex >> 16 & 255, hex >> 8 & 255);
	return true;
}

static unsigned patch_level(const char *version)
{
	unsigned patch = 0;

	return sscanf(version, "%*u.%*u.%u", &patch) == 1 ? patch : 0;
}

/* What the build says of itself, where it does, is not what a layout says. */
static bool is_contradicted(const struct pyi_layout *layout, uint64_t runtime_addr,
			    struct pyi_memory_reader *reader)
{
	uint64_t size;

	return layout->debug_gc_size != PYI_ABSENT &&
	       pyi_memory_try_read_u64(reader, runtime_addr + layout->debug_gc_size, &size) &&
	       size != layout->gc_size;
}

/*
 * Patched builds of one version may differ in what their numbers do not show (3.6, with the heads
 * of 3.7): then the live process decides.
 */
static struct pyi_error *check_layouts(struct pyi_runtime *runtime,
				       struct pyi_memory_reader *reader)
{
	struct pyi_error *error = pyi_runtime_check_anchors(runtime, reader);
	const struct pyi_layout *chosen = runtime->layout;

	for (size_t i = 0; error && i < pyi_known_layout_count; i++) {
		const struct pyi_layout *other = &pyi_known_layouts[i].layout;
		struct pyi_error *other_error;

		if (other == chosen || other->python_version != chosen->python_version ||
		    is_contradicted(other, runtime->addr, reader))
			continue;
		runtime->layout = other;
		other_error = pyi_runtime_check_anchors(runtime, reader);
		if (!other_error) {
			pyi_error_destroy(error);
			return NULL;
		}
		pyi_error_destroy(other_error);
	}
	runtime->layout = chosen;
	return error;
}

const struct pyi_layout *pyi_runtime_choose_layout(const char *version,
						   const struct pyi_elf_symbol *symbol,
						   struct pyi_memory_reader *reader)
{
	const struct pyi_known_layout *best = NULL;

	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_known_layout *known = &pyi_known_layouts[i];

		if (known->layout.python_version != version_number(version) ||
		    is_contradicted(&known->layout, symbol->addr, reader))
			continue;
		if (known->layout.runtime_size == symbol->size_bytes)
			return &known->layout;
		/* They are in the order of their versions. */
		if (!best || patch_level(known->generated_from) <= patch_level(version))
			best = known;
	}
	return best ? &best->layout : NULL;
}

static void describe_supported(char *text, size_t capacity)
{
	uint32_t first = UINT32_MAX;
	uint32_t last = 0;

	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		uint32_t version = pyi_known_layouts[i].layout.python_version;

		first = version < first ? version : first;
		last = version > last ? version : last;
	}
	snprintf(text, capacity, "this pyinspect knows CPython %u.%u to %u.%u, with GIL",
		 first >> 8, first & 255, last >> 8, last & 255);
}

static struct pyi_error *unsupported(const struct pyi_process *process, const char *what)
{
	char supported[96];

	describe_supported(supported, sizeof(supported));
	return pyi_error_hint(pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_PYTHON_UNSUPPORTED,
					       "process %d runs %s, which is not supported",
					       process->pid, what),
			      "%s", supported);
}

static struct pyi_error *load_symbols(struct pyi_elf_module *module, struct pyi_runtime *runtime)
{
	struct pyi_elf_symbol symbol;

	for (size_t i = 0; i < sizeof(builtin_types) / sizeof(builtin_types[0]); i++) {
		if (!pyi_elf_module_find_symbol(module, builtin_types[i].name, &symbol))
			continue;
		runtime->builtin_types[runtime->builtin_type_count++] = (struct pyi_builtin_type){
			.kind = builtin_types[i].kind,
			.addr = symbol.addr,
		};
	}
	if (pyi_elf_module_find_symbol(module, "PyType_Type", &symbol))
		runtime->type_type_addr = symbol.addr;
	if (pyi_elf_module_find_symbol(module, "PyDict_Type", &symbol))
		runtime->dict_type_addr = symbol.addr;
	if (pyi_elf_module_find_symbol(module, "PyUnicode_Type", &symbol))
		runtime->str_type_addr = symbol.addr;
	if (pyi_elf_module_find_symbol(module, "PyBaseObject_Type", &symbol))
		runtime->object_type_addr = symbol.addr;
	if (pyi_elf_module_find_symbol(module, "PyThreadState_Swap", &symbol))
		runtime->thread_swap_addr = symbol.addr;
	if (pyi_elf_module_find_symbol(module, "_PyEval_EvalFrameDefault", &symbol))
		runtime->evaluator = (struct pyi_elf_range){ symbol.addr, symbol.size_bytes };
	if (!runtime->type_type_addr || !runtime->dict_type_addr || !runtime->str_type_addr)
		return pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_LAYOUT_MISMATCH,
					"%s exports no PyType_Type, PyDict_Type or PyUnicode_Type",
					pyi_elf_module_path(module));
	return NULL;
}

/* The module has a _PyRuntime, or what there was before: everything about it. */
static struct pyi_error *load(const struct pyi_process *process, struct pyi_elf_module *module,
			      const struct pyi_elf_symbol *symbol, struct pyi_memory_reader *reader,
			      const struct pyi_statics *statics, struct pyi_runtime *ret_runtime)
{
	struct pyi_runtime runtime = { .addr = symbol->addr, .statics = *statics };
	struct pyi_elf_symbol marker;
	struct pyi_error *error;
	char what[96];

	if (!read_version(module, reader, runtime.version))
		return pyi_error_hint(
			pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_PYTHON_NOT_STARTED,
					 "process %d has CPython loaded (%s), but not "
					 "started",
					 process->pid, pyi_elf_module_path(module)),
			"try again in a moment");
	/* Only free-threaded builds have this function. */
	if (pyi_elf_module_find_symbol(module, "_Py_MergeZeroLocalRefcount", &marker)) {
		snprintf(what, sizeof(what), "free-threaded CPython %s", runtime.version);
		return unsupported(process, what);
	}
	runtime.layout = pyi_runtime_choose_layout(runtime.version, symbol, reader);
	if (!runtime.layout) {
		snprintf(what, sizeof(what), "CPython %s", runtime.version);
		return unsupported(process, what);
	}
	error = load_symbols(module, &runtime);
	if (!error)
		error = check_layouts(&runtime, reader);
	if (!error)
		error = pyi_runtime_find_static_types(&runtime, reader);
	if (error)
		return error;
	runtime.path = strdup(pyi_elf_module_path(module));
	if (!runtime.path)
		return pyi_error_no_memory();
	*ret_runtime = runtime;
	return NULL;
}

/* Each symbol is looked for once: it takes a pass over all of a module's. */
static bool find_python(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
			struct sighting *sighting, struct pyi_elf_symbol *ret_symbol,
			struct pyi_statics *ret_statics)
{
	struct pyi_elf_symbol marker;
	bool python2;
	bool old;

	*ret_statics = (struct pyi_statics){ 0 };
	if (pyi_elf_module_find_symbol(module, "_PyRuntime", ret_symbol))
		return true;
	python2 = pyi_elf_module_find_symbol(module, "PyString_Type", &marker);
	/* CPython 2 has the same. */
	old = pyi_elf_module_find_symbol(module, "_PyGC_generation0", ret_symbol);
	if (!python2 && old && pyi_statics_find(module, reader, ret_statics))
		return true;
	sighting->python2 |= python2;
	sighting->python3_old |= old && !sighting->python2;
	sighting->pypy |= pyi_elf_module_find_symbol(module, "pypy_execute_source", &marker) ||
			  pyi_elf_module_find_symbol(module, "pypy_main_startup", &marker);
	return false;
}

static struct pyi_error *no_runtime(const struct pyi_process *process,
				    const struct sighting *sighting)
{
	PYI_CLEANUP(pyi_guard_free) char *exe = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	char supported[96];

	if (sighting->pypy)
		return unsupported(process, "PyPy");
	if (sighting->python2)
		return unsupported(process, "CPython 2");
	if (sighting->python3_old)
		return unsupported(process,
				   "CPython 3.5 or older, or a 3.6 of a kind that is not known");
	error = pyi_process_read_exe(process, &exe);
	describe_supported(supported, sizeof(supported));
	return pyi_error_hint(pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NOT_PYTHON,
					       "process %d (%s) does not run CPython", process->pid,
					       exe ? exe : "?"),
			      "%s", supported);
}

/* The program first, then what is called python, then the rest: an embedding program loads it from
 * anywhere. */
static int rank_of(const struct pyi_map *map, const char *exe)
{
	const char *base = strrchr(map->path, '/');

	if (exe && strcmp(map->path, exe) == 0)
		return 0;
	return base && strstr(base, "python") ? 1 : 2;
}

static bool is_candidate(const struct pyi_maps *maps, size_t index)
{
	const struct pyi_map *map = &maps->items[index];

	if (map->path[0] != '/' || !map->executable || map->shared)
		return false;
	for (size_t i = 0; i < index; i++)
		if (maps->items[i].executable && pyi_map_same_file(&maps->items[i], map))
			return false;
	return true;
}

struct pyi_error *pyi_runtime_find(const struct pyi_process *process, const struct pyi_maps *maps,
				   struct pyi_memory_reader *reader,
				   struct pyi_runtime *ret_runtime)
{
	PYI_CLEANUP(pyi_guard_free) char *exe = NULL;
	struct sighting sighting = { 0 };
	struct pyi_error *found_but = NULL;
	struct pyi_error *error;
	unsigned opened = 0;

	error = pyi_process_read_exe(process, &exe);
	if (error)
		return error;
	for (int rank = 0; rank <= 2; rank++) {
		for (size_t m = 0; m < maps->count; m++) {
			struct pyi_elf_module *module;
			struct pyi_elf_symbol symbol;
			struct pyi_statics statics;

			/* The program itself first, whatever else is mapped. */
			if (rank_of(&maps->items[m], exe) != rank || !is_candidate(maps, m))
				continue;
			if (++opened > MODULE_LIMIT)
				break;
			error = pyi_elf_module_open(process, maps, &maps->items[m], &module);
			if (error && rank == 0) {
				pyi_error_destroy(found_but);
				return error;
			}
			if (error) {
				pyi_error_destroy(error);
				continue;
			}
			if (find_python(module, reader, &sighting, &symbol, &statics)) {
				error = load(process, module, &symbol, reader, &statics,
					     ret_runtime);
				pyi_elf_module_close(module);
				if (!error) {
					pyi_error_destroy(found_but);
					return NULL;
				}
				/* A second copy of the file may be mapped as data, e.g. by ctypes.
				 */
				pyi_error_destroy(found_but);
				found_but = error;
				continue;
			}
			pyi_elf_module_close(module);
		}
		/* What is called python has been seen: nothing else needs to be opened to say no.
		 */
		if (found_but)
			return found_but;
	}
	return no_runtime(process, &sighting);
}

void pyi_runtime_deinit(struct pyi_runtime *runtime)
{
	free(runtime->path);
	*runtime = (struct pyi_runtime){ 0 };
}
