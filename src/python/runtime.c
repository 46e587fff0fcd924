/*
 * Finds _PyRuntime among the mapped files, asks it for its version, chooses the layout. Does not
 * trust names of files.
 */
#include "python/runtime.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "python/builtin_types.h"
#include "python/layouts.h"
#include "python/scope.h"
#include "python/search.h"
#include "python/version.h"

enum {
	/* A smaller one has hardly room for the payload, or is not all of it: the rest are
	 * functions that call each other at their end. */
	EVALUATOR_LEAST_BYTES = 40 << 10,
	SUPPORTED_BYTES = 128,
	/* A _PyRuntime that is larger is none. */
	RUNTIME_MOST_BYTES = 16 << 20,
};

/* Where a runtime may be. */
struct candidate {
	/* The module that its _PyRuntime, or the code of one without, is in. */
	size_t home;
	struct pyi_elf_symbol symbol;
	struct pyi_statics statics;
	/* Symbols of `home` say what is where. */
	bool has_symbols;
};

struct finder {
	const struct pyi_process *process;
	struct pyi_memory_reader *reader;
	const struct pyi_runtime_wish *wish;
	struct pyi_scope scope;
	/* Those that live, in the order of the scope. */
	struct pyi_runtime found[PYI_SCOPE_LIMIT];
	size_t count;
	/* Why another one is not among them: the reason that says most; NULL if there is none. */
	struct pyi_error *error;
	/* Sorts of files that are something like Python. */
	bool has_python2;
	bool has_old_python3;
};

/* Known since 3.13, when there were the first of them; _Py_DebugOffsets.free_threaded. */
static bool is_free_threaded(uint64_t runtime_addr, struct pyi_memory_reader *reader)
{
	struct pyi_debug_offsets offsets;

	return pyi_version_read_debug_offsets(runtime_addr, reader, &offsets) &&
	       offsets.free_threaded;
}

/* What the build says of itself, where it does, is not what a layout says. */
static bool is_contradicted(const struct pyi_layout *layout, uint64_t runtime_addr,
			    struct pyi_memory_reader *reader)
{
	uint64_t size;

	if ((layout->object_gc_bits != PYI_ABSENT) != is_free_threaded(runtime_addr, reader))
		return true;
	return layout->debug_gc_size != PYI_ABSENT &&
	       pyi_memory_try_read_u64(reader, runtime_addr + layout->debug_gc_size, &size) &&
	       size != layout->gc_size;
}

/*
 * Patched builds of one version may differ in what their numbers do not show (3.6, with the heads
 * of 3.7): then the live process decides.
 */
static struct pyi_error *check(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	struct pyi_error *error = pyi_runtime_check_anchors(runtime, reader);

	return error ? error : pyi_runtime_check_objects(runtime, reader);
}

static struct pyi_error *check_layouts(struct pyi_runtime *runtime,
				       struct pyi_memory_reader *reader)
{
	struct pyi_error *error = check(runtime, reader);
	const struct pyi_layout *chosen = runtime->layout;

	for (size_t i = 0; error && i < pyi_known_layout_count; i++) {
		const struct pyi_layout *other = &pyi_known_layouts[i].layout;
		struct pyi_error *other_error;

		if (other == chosen || other->python_version != chosen->python_version ||
		    is_contradicted(other, runtime->addr, reader))
			continue;
		runtime->layout = other;
		other_error = check(runtime, reader);
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

		if (known->layout.python_version != pyi_version_number(version) ||
		    is_contradicted(&known->layout, symbol->addr, reader))
			continue;
		if (known->layout.runtime_size == symbol->size_bytes)
			return &known->layout;
		/* They are in the order of their versions. */
		if (!best || pyi_version_patch_level(known->generated_from) <=
				     pyi_version_patch_level(version))
			best = known;
	}
	return best ? &best->layout : NULL;
}

/* "2.7 and 3.6 to 3.15": the rows are in the order of their versions. */
static void describe_supported(char *text, size_t capacity)
{
	uint32_t without_gil = 0;
	size_t length = 0;

	length += (size_t)snprintf(text, capacity, "this pyinspect knows CPython");
	for (size_t i = 0; i < pyi_known_layout_count && length < capacity;) {
		uint32_t first = pyi_known_layouts[i].layout.python_version;
		uint32_t last = first;
		bool begins = !i;

		for (; i < pyi_known_layout_count &&
		       pyi_known_layouts[i].layout.python_version >> 8 == first >> 8;
		     i++)
			last = pyi_known_layouts[i].layout.python_version;
		length += (size_t)snprintf(text + length, capacity - length, "%s %u.%u",
					   begins ? "" : " and", first >> 8, first & 255);
		if (last != first && length < capacity)
			length += (size_t)snprintf(text + length, capacity - length, " to %u.%u",
						   last >> 8, last & 255);
	}
	if (length < capacity)
		length += (size_t)snprintf(text + length, capacity - length, ", with GIL");
	for (size_t i = 0; i < pyi_known_layout_count && length < capacity; i++) {
		const struct pyi_layout *layout = &pyi_known_layouts[i].layout;

		/* On aarch64 there are two rows of each. */
		if (layout->object_gc_bits != PYI_ABSENT && layout->python_version != without_gil)
			length += (size_t)snprintf(
				text + length, capacity - length, "%s %u.%u",
				without_gil ? "," : "; without:", layout->python_version >> 8,
				layout->python_version & 255);
		if (layout->object_gc_bits != PYI_ABSENT)
			without_gil = layout->python_version;
	}
}

static struct pyi_error *unsupported(const struct pyi_process *process, const char *what)
{
	char supported[SUPPORTED_BYTES];

	describe_supported(supported, sizeof(supported));
	return pyi_error_hint(pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_PYTHON_UNSUPPORTED,
					       "process %d runs %s, which is not supported",
					       process->pid, what),
			      "%s", supported);
}

/* The newest row with a GIL there is for this machine. */
static const struct pyi_layout *newest_layout(void)
{
	const struct pyi_layout *newest = &pyi_known_layouts[0].layout;

	for (size_t i = 0; i < pyi_known_layout_count; i++)
		if (pyi_known_layouts[i].layout.python_version >= newest->python_version &&
		    pyi_known_layouts[i].layout.object_gc_bits == PYI_ABSENT)
			newest = &pyi_known_layouts[i].layout;
	return newest;
}

static bool is_newer(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	struct pyi_debug_offsets offsets;

	return pyi_version_read_debug_offsets(runtime->addr, reader, &offsets) &&
	       !offsets.free_threaded && offsets.version >> 16 > newest_layout()->python_version;
}

/*
 * The newest layout, but for what lies behind _Py_DebugOffsets in a _PyRuntime: they grow with each
 * release, and say where the list of interpreters is now.
 */
static struct pyi_error *guess_layout(struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	struct pyi_debug_offsets offsets;
	struct pyi_layout *layout = malloc(sizeof(*layout));
	uint32_t grown;

	if (!layout)
		return pyi_error_no_memory();
	*layout = *newest_layout();
	if (pyi_version_read_debug_offsets(runtime->addr, reader, &offsets) &&
	    offsets.interpreters_head < RUNTIME_MOST_BYTES) {
		grown = (uint32_t)offsets.interpreters_head - layout->runtime_interpreters_head;
		layout->runtime_interpreters_head += grown;
		layout->runtime_initialized += grown;
		layout->runtime_finalizing = (uint32_t)offsets.finalizing;
	}
	runtime->guessed = layout;
	runtime->layout = layout;
	return NULL;
}

/* Known since 3.13, of versions too that are not: it has no interpreter, so it holds nothing. */
static bool has_no_interpreter(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader)
{
	struct pyi_debug_offsets offsets;
	uint64_t first_addr;

	return pyi_version_read_debug_offsets(runtime->addr, reader, &offsets) &&
	       offsets.interpreters_head < offsets.runtime_size &&
	       offsets.runtime_size <= RUNTIME_MOST_BYTES &&
	       pyi_memory_try_read_u64(reader, runtime->addr + offsets.interpreters_head,
				       &first_addr) &&
	       !first_addr;
}

static void find_code(struct finder *finder, size_t home, struct pyi_runtime *runtime)
{
	struct pyi_elf_symbol symbols[PYI_SCOPE_LIMIT];

	if (pyi_scope_find(&finder->scope, home, "PyThreadState_Swap", symbols))
		runtime->thread_swap_addr = symbols[0].addr;
	if (pyi_scope_find(&finder->scope, home, "_PyEval_EvalFrameDefault", symbols))
		runtime->evaluator = (struct pyi_elf_range){
			symbols[0].addr,
			symbols[0].size_bytes,
		};
}

static struct pyi_error *find_types(struct finder *finder, const struct candidate *candidate,
				    struct pyi_runtime *runtime)
{
	if (!candidate->has_symbols)
		return pyi_builtin_types_by_name(runtime, finder->reader);
	find_code(finder, candidate->home, runtime);
	return pyi_builtin_types_by_symbol(runtime, &finder->scope, candidate->home,
					   finder->reader);
}

static struct pyi_error *not_started(const struct finder *finder,
				     const struct pyi_elf_module *module, const char *what)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_PYTHON_NOT_STARTED,
					       "process %d has CPython loaded (%s), %s",
					       finder->process->pid, pyi_elf_module_path(module),
					       what),
			      "try again in a moment");
}

/* Everything about a runtime, if there is a live one. */
static struct pyi_error *load(struct finder *finder, const struct candidate *candidate,
			      struct pyi_runtime *ret_runtime)
{
	struct pyi_elf_module *module = finder->scope.modules[candidate->home];
	struct pyi_runtime runtime = {
		.addr = candidate->symbol.addr,
		.statics = candidate->statics,
	};
	struct pyi_error *error;
	char what[96];

	if (!pyi_version_read(&finder->scope, candidate->home, runtime.addr, finder->reader,
			      runtime.version))
		return not_started(finder, module, "but not started");
	if (has_no_interpreter(&runtime, finder->reader))
		return not_started(finder, module,
				   "but no interpreter: it has not started, or has ended");
	runtime.layout =
		pyi_runtime_choose_layout(runtime.version, &candidate->symbol, finder->reader);
	if (!runtime.layout && finder->wish->guess && is_newer(&runtime, finder->reader)) {
		error = guess_layout(&runtime, finder->reader);
	} else if (!runtime.layout) {
		snprintf(what, sizeof(what), "%sCPython %s",
			 is_free_threaded(runtime.addr, finder->reader) ? "free-threaded " : "",
			 runtime.version);
		error = unsupported(finder->process, what);
		if (is_newer(&runtime, finder->reader))
			error = pyi_error_hint(error,
					       "it is newer than this pyinspect: --force tries it "
					       "with the layout of %u.%u, without promise",
					       newest_layout()->python_version >> 8,
					       newest_layout()->python_version & 255);
	} else {
		error = NULL;
	}
	if (!error)
		error = find_types(finder, candidate, &runtime);
	if (!error)
		error = check_layouts(&runtime, finder->reader);
	if (!error)
		error = pyi_runtime_find_static_types(&runtime, finder->reader);
	if (!error) {
		runtime.path = strdup(pyi_elf_module_path(module));
		error = runtime.path ? NULL : pyi_error_no_memory();
	}
	if (error) {
		free(runtime.guessed);
		return error;
	}
	*ret_runtime = runtime;
	return NULL;
}

/* Of the reasons why there is no runtime, one that did not start says least: there may be a dead
 * copy of each. */
static void keep_reason(struct finder *finder, struct pyi_error *error)
{
	if (!finder->error || (finder->error->code == PYI_ERROR_PYTHON_NOT_STARTED &&
			       error->code != PYI_ERROR_PYTHON_NOT_STARTED)) {
		pyi_error_destroy(finder->error);
		finder->error = error;
		return;
	}
	pyi_error_destroy(error);
}

static void try(struct finder *finder, const struct candidate *candidate)
{
	struct pyi_error *error;

	for (size_t i = 0; i < finder->count; i++)
		if (finder->found[i].addr == candidate->symbol.addr)
			return;
	if (finder->count == PYI_SCOPE_LIMIT)
		return;
	error = load(finder, candidate, &finder->found[finder->count]);
	if (error)
		keep_reason(finder, error);
	else
		finder->count++;
}

/* What a module defines: each symbol is looked for once, as it takes a pass over all of them. */
static void try_module(struct finder *finder, size_t home)
{
	struct pyi_elf_module *module = finder->scope.modules[home];
	struct candidate candidate = { .home = home, .has_symbols = true };
	struct pyi_elf_range section;
	struct pyi_elf_symbol marker;

	if (pyi_elf_module_find_symbol(module, "_PyRuntime", &candidate.symbol)) {
		try(finder, &candidate);
		return;
	}
	if (pyi_elf_module_find_section(module, ".PyRuntime", &section)) {
		candidate.has_symbols = false;
		candidate.symbol.addr = section.addr;
		candidate.symbol.size_bytes = section.size_bytes;
		try(finder, &candidate);
		return;
	}
	if (!pyi_elf_module_find_symbol(module, "_PyGC_generation0", &marker))
		return;
	if (pyi_statics_find(&finder->scope, home, finder->reader, &candidate.statics))
		try(finder, &candidate);
	else if (pyi_elf_module_find_symbol(module, "PyString_Type", &marker))
		finder->has_python2 = true;
	else
		finder->has_old_python3 = true;
}

/* Nothing says where it is, but perhaps that it is there. */
static void search_module(struct finder *finder, size_t home)
{
	struct pyi_elf_module *module = finder->scope.modules[home];
	struct candidate candidate = { .home = home };
	char version[PYI_VERSION_BYTES];
	char what[128];

	if (!pyi_version_scan(module, finder->reader, version))
		return;
	if (pyi_search_runtime(module, finder->reader, version, &candidate.symbol)) {
		try(finder, &candidate);
		return;
	}
	snprintf(what, sizeof(what), "CPython %s without symbols and sections", version);
	keep_reason(finder, unsupported(finder->process, what));
}

/* There may be one, in a file that could not be opened. */
static struct pyi_error *unknown_runtime(struct finder *finder)
{
	struct pyi_error *error = finder->scope.unknown;

	finder->scope.unknown = NULL;
	return pyi_error_context(error, "whether process %d runs CPython cannot be seen",
				 finder->process->pid);
}

static struct pyi_error *no_runtime(struct finder *finder)
{
	const struct pyi_process *process = finder->process;
	PYI_CLEANUP(pyi_guard_free) char *exe = NULL;
	PYI_CLEANUP(pyi_guard_error) struct pyi_error *error = NULL;
	char supported[SUPPORTED_BYTES];

	if (finder->scope.has_pypy)
		return unsupported(process, "PyPy");
	if (finder->has_python2)
		return unsupported(process, "a CPython 2 of a kind that is not known");
	if (finder->has_old_python3)
		return unsupported(process,
				   "CPython 3.5 or older, or a 3.6 of a kind that is not known");
	if (finder->scope.unknown)
		return unknown_runtime(finder);
	error = pyi_process_read_exe(process, &exe);
	describe_supported(supported, sizeof(supported));
	return pyi_error_hint(pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_NOT_PYTHON,
					       "process %d (%s) does not run CPython", process->pid,
					       exe ? exe : "?"),
			      "%s", supported);
}

/* "1: 3.11.2 (/usr/bin/python3.11), 2: ..." */
static void list_found(const struct finder *finder, char *text, size_t capacity)
{
	size_t length = 0;

	for (size_t i = 0; i < finder->count && length < capacity; i++)
		length += (size_t)snprintf(text + length, capacity - length, "%s%zu: %s (%s)",
					   i ? ", " : "", i + 1, finder->found[i].version,
					   finder->found[i].path);
}

/* The one that is wanted, by its number from 1; 0: the only one. */
static struct pyi_error *choose(struct finder *finder, unsigned wanted, size_t *ret_index)
{
	char list[1024] = "";

	if (wanted ? wanted <= finder->count : finder->count == 1) {
		*ret_index = wanted ? wanted - 1 : 0;
		return NULL;
	}
	list_found(finder, list, sizeof(list));
	if (wanted)
		return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_SEVERAL_PYTHONS,
						       "process %d has no runtime of CPython with "
						       "the number %u",
						       finder->process->pid, wanted),
				      "it has %s", list);
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_SEVERAL_PYTHONS,
					       "process %d has %zu runtimes of CPython: %s",
					       finder->process->pid, finder->count, list),
			      "choose one by its number: --runtime 1");
}

static struct pyi_error *find(struct finder *finder, struct pyi_runtime *ret)
{
	struct pyi_error *error;
	size_t index = 0;
	bool nothing;

	for (size_t home = 0; home < finder->scope.count; home++)
		try_module(finder, home);
	/* One that was refused is not found again in another way. */
	nothing = !finder->count &&
		  (!finder->error || finder->error->code == PYI_ERROR_PYTHON_NOT_STARTED);
	for (size_t home = 0; home < finder->scope.count && nothing; home++)
		search_module(finder, home);
	if (!finder->count && finder->error) {
		error = finder->error;
		finder->error = NULL;
		return error;
	}
	if (!finder->count)
		return no_runtime(finder);
	error = choose(finder, finder->wish->number, &index);
	if (error)
		return error;
	*ret = finder->found[index];
	finder->found[index] = (struct pyi_runtime){ 0 };
	ret->passed_over = finder->scope.passed_over;
	if (finder->error && finder->error->code != PYI_ERROR_PYTHON_NOT_STARTED)
		ret->other = strdup(finder->error->message);
	return NULL;
}

/*
 * Without symbols nobody knows where the bytecode interpreter is, and one that is many functions
 * has no room. The mathematical library is code that no tp_traverse can need, either; if it is
 * another file of that name, only the snapshot is harmed.
 */
static struct pyi_elf_range find_spare_text(const struct pyi_maps *maps)
{
	for (size_t m = 0; m < maps->count; m++) {
		const struct pyi_map *map = &maps->items[m];
		const char *base = strrchr(map->path, '/');

		if (base && map->executable && !map->shared &&
		    (!strncmp(base, "/libm.so.", 9) || !strncmp(base, "/libm-", 6)))
			return (struct pyi_elf_range){ map->start_addr,
						       map->end_addr - map->start_addr };
	}
	return (struct pyi_elf_range){ 0 };
}

static void choose_text(const struct pyi_maps *maps, struct pyi_runtime *runtime)
{
	struct pyi_elf_range spare = find_spare_text(maps);

	if (spare.size_bytes > runtime->evaluator.size_bytes)
		runtime->evaluator = spare;
}

struct pyi_error *pyi_runtime_find(const struct pyi_process *process, const struct pyi_maps *maps,
				   struct pyi_memory_reader *reader,
				   const struct pyi_runtime_wish *wish,
				   struct pyi_runtime *ret_runtime)
{
	struct finder finder = { .process = process, .reader = reader, .wish = wish };
	struct pyi_error *error = pyi_scope_open(process, maps, reader, &finder.scope);

	if (!error)
		error = find(&finder, ret_runtime);
	if (!error && ret_runtime->evaluator.size_bytes < EVALUATOR_LEAST_BYTES)
		choose_text(maps, ret_runtime);
	for (size_t i = 0; i < finder.count; i++)
		pyi_runtime_deinit(&finder.found[i]);
	pyi_error_destroy(finder.error);
	pyi_scope_close(&finder.scope);
	return error;
}

void pyi_runtime_deinit(struct pyi_runtime *runtime)
{
	free(runtime->path);
	free(runtime->other);
	free(runtime->guessed);
	*runtime = (struct pyi_runtime){ 0 };
}
