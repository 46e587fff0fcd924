/*
 * Fuzzer of src/python/anchors.c and interpreters.c: a runtime that is broken, or of another layout
 * than it is taken for.
 */
#include <time.h>

#include "mixed_heap.h"
#include "python/layouts.h"
#include "python/roots.h"

enum {
	CHANGES = 6,
	ROOT_LIMIT = 1 << 22,
};

int __wrap_nanosleep(const struct timespec *duration, struct timespec *left);

/* Lists that a live process is about to change are looked at again, a little later: these are not.
 */
int __wrap_nanosleep(const struct timespec *duration, struct timespec *left)
{
	(void)duration;
	(void)left;
	return 0;
}

static void read_threads(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 const struct pyi_interpreters *interpreters, uint64_t thread_pointer)
{
	const struct pyi_thread_motion motion = {
		.thread_pointer = thread_pointer,
		.namespace_tid = 1,
		.still = true,
	};
	struct pyi_gil_state state = { 0 };

	for (size_t i = 0; i < interpreters->count; i++) {
		(void)pyi_interpreters_gil_holder(runtime, reader, interpreters->addr[i]);
		if (pyi_interpreters_read_gil(runtime, reader, interpreters->addr[i], &state))
			(void)pyi_interpreters_gil_was_still(runtime, reader, &state, &state,
							     &motion, 1);
	}
	(void)pyi_interpreters_is_gil_holder(runtime, reader, interpreters, thread_pointer);
	(void)pyi_interpreters_collecting(runtime, reader, interpreters);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct mixed_heap *mixed = mixed_heap_get((unsigned)fuzz_take(&input, 1), true);
	unsigned other = (unsigned)fuzz_take(&input, 1);
	uint64_t thread_pointer = mixed_heap_take_address(mixed, &input);
	struct pyi_runtime runtime = mixed->runtime;
	struct pyi_interpreters interpreters;
	struct pyi_gc_list *lists;
	struct pyi_root_list roots;
	bool fits;
	size_t count;

	if (other & 0x80)
		runtime.layout = &pyi_known_layouts[other % pyi_known_layout_count].layout;
	mixed_heap_break(mixed, &input, CHANGES);
	fits = !fuzz_drop(pyi_runtime_check_anchors(&runtime, mixed->reader));
	if (size_bytes <= 1)
		FUZZ_EXPECT(fits);
	(void)fuzz_drop(pyi_runtime_check_objects(&runtime, mixed->reader));
	(void)pyi_interpreters_phase(&runtime, mixed->reader);
	/* Another layout is not believed; the right one is, also when the runtime breaks later. */
	if (!fits && runtime.layout != mixed->runtime.layout)
		return 0;
	if (fuzz_drop(pyi_interpreters_list(&runtime, mixed->reader, &interpreters)))
		return 0;
	FUZZ_EXPECT(interpreters.count && interpreters.count <= PYI_INTERPRETER_LIMIT);
	FUZZ_EXPECT(
		!pyi_interpreters_gc_lists(&runtime, mixed->reader, &interpreters, &lists, &count));
	FUZZ_EXPECT(count && count % (runtime.statics.generations_addr ? 3 : 4) == 0);
	free(lists);
	FUZZ_EXPECT(!pyi_roots_find(&runtime, mixed->reader, &interpreters, &roots));
	FUZZ_EXPECT(roots.count <= ROOT_LIMIT);
	pyi_root_list_deinit(&roots);
	read_threads(&runtime, mixed->reader, &interpreters, thread_pointer);
	return 0;
}
