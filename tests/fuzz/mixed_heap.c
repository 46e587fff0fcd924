/*
 * Fills the invented heaps, and breaks them. The rest of what CPython has is in mixed_types.c.
 */
#include "mixed_heap.h"

#include "mixed_types.h"
#include "python/layouts.h"

enum {
	HEAP_BYTES = 64 << 10,
	/* Behind the interpreter: tables of static types are looked for there. */
	RUNTIME_SLACK_BYTES = 4096,
	/* As far as anything of ours looks into a _PyRuntimeState. */
	RUNTIME_BYTES = 8192,
	VERSIONS = 16,
	UNDO_LIMIT = 64,
	THREAD_BYTES = 1024,
	THREADS = 2,
	GENERATIONS = 3,
};

/* The code of this program: a heap may call none of it but what it was given. */
extern const char __executable_start[];
extern const char etext[];

/* tests/unit/invented_heap.c knows the layout of the heap that was made last, by its address. */
static struct invented_heap active;
static struct mixed_heap *heaps[VERSIONS];
static struct {
	uint64_t addr;
	uint64_t value;
} undo[UNDO_LIMIT];
static size_t undo_count;

uint64_t mixed_keep(struct mixed_heap *mixed, uint64_t object)
{
	FUZZ_EXPECT(mixed->object_count < MIXED_OBJECTS);
	mixed->objects[mixed->object_count++] = object;
	return object;
}

void mixed_set(uint64_t addr, uint32_t offset, uint64_t value)
{
	if (offset != PYI_ABSENT)
		invented_set(addr + offset, value);
}

static void set_all(uint64_t addr, const uint32_t offsets[PYI_LAYOUT_LIST], uint64_t value)
{
	for (int i = 0; i < PYI_LAYOUT_LIST; i++)
		mixed_set(addr, offsets[i], value);
}

/* A thread that executes one frame, and handles an exception. */
static uint64_t make_thread(struct mixed_heap *mixed, uint64_t interpreter, uint64_t frame_object)
{
	const struct pyi_layout *layout = &active.layout;
	uint64_t thread = invented_raw(&active, THREAD_BYTES);
	uint64_t exception = invented_raw(&active, 64);
	uint64_t cframe = invented_raw(&active, 64);
	uint64_t iframe = mixed_make_iframe(mixed);

	set_all(thread, layout->thread_roots, mixed->objects[0]);
	mixed_set(thread, layout->thread_interp, interpreter);
	mixed_set(thread, layout->thread_frame, frame_object);
	mixed_set(thread, layout->thread_cframe, cframe);
	mixed_set(thread, layout->thread_current_frame, iframe);
	mixed_set(cframe, layout->cframe_current_frame, iframe);
	mixed_set(thread, layout->thread_exc_info, exception);
	mixed_set(exception, layout->exc_item_value, mixed->objects[1]);
	return thread;
}

/* An empty one. */
static void make_list(uint64_t head)
{
	invented_set(head + active.layout.gc_head_next, head);
	invented_set(head + active.layout.gc_head_prev, head);
}

/* Before there was a runtime: the same in variables. */
static void make_statics(struct mixed_heap *mixed, uint64_t addr, uint64_t interpreter)
{
	const uint64_t first = addr + 64;

	mixed->runtime.statics = (struct pyi_statics){
		.interpreters_addr = addr,
		.generations_addr = first,
		.collecting_addr = addr + 8,
		.current_thread_addr = addr + 16,
	};
	invented_set(addr, interpreter);
	for (int g = 0; g < GENERATIONS; g++)
		make_list(first + (unsigned)g * active.layout.gc_generation_size);
}

static void make_runtime(struct mixed_heap *mixed, const struct mixed_things *things)
{
	const struct pyi_layout *layout = &active.layout;
	uint64_t runtime = invented_raw(&active, RUNTIME_BYTES);
	uint64_t interpreter = invented_raw(&active, layout->interp_size + RUNTIME_SLACK_BYTES);
	uint64_t gil = invented_raw(&active, 512);
	uint64_t gc = interpreter + layout->interp_gc;
	uint64_t thread = 0;

	if (layout->runtime_gc != PYI_ABSENT)
		gc = runtime + layout->runtime_gc;
	mixed->runtime.addr = runtime;
	mixed->interpreter = interpreter;
	mixed_set(runtime, layout->runtime_interpreters_head, interpreter);
	set_all(interpreter, layout->interp_roots, things->dict);
	mixed_set(interpreter, layout->interp_modules, things->dict);
	mixed_set(interpreter, layout->interp_sysdict, things->dict);
	mixed_set(interpreter, layout->interp_builtins, things->dict);
	mixed_set(interpreter, layout->interp_gil, gil);
	for (int i = 0; i < THREADS; i++) {
		uint64_t next = thread;

		thread = make_thread(mixed, interpreter, things->frame);
		mixed_set(thread, layout->thread_next, next);
	}
	mixed_set(interpreter, layout->interp_threads_head, thread);
	mixed_set(gil, layout->gil_last_holder, thread);
	if (layout->runtime_size == PYI_ABSENT) {
		make_statics(mixed, runtime, interpreter);
		return;
	}
	for (int g = 0; g < GENERATIONS; g++)
		make_list(gc + layout->gc_generations + (unsigned)g * layout->gc_generation_size);
	make_list(gc + layout->gc_permanent);
	mixed_set(gc, layout->gc_generation0, gc + layout->gc_generations);
	mixed_set(gc, layout->gc_garbage, things->list);
	mixed_set(interpreter + layout->interp_static_types, layout->static_type_type,
		  active.object_type);
	mixed_set(interpreter + layout->interp_static_types, layout->static_type_dict,
		  things->dict);
	mixed_set(interpreter + layout->interp_static_types, layout->static_type_subclasses,
		  things->subclasses);
}

static void find_words(struct mixed_heap *mixed)
{
	uint64_t start = active.range.start_addr;
	size_t count = (size_t)(active.next_addr - start) / sizeof(uint64_t);

	mixed->words = calloc(count, sizeof(*mixed->words));
	FUZZ_EXPECT(mixed->words);
	for (size_t i = 0; i < count; i++)
		if (invented_get(start + i * sizeof(uint64_t)))
			mixed->words[mixed->word_count++] = start + i * sizeof(uint64_t);
}

static struct mixed_heap *make(const struct pyi_known_layout *known, bool with_runtime)
{
	struct mixed_heap *mixed = calloc(1, sizeof(*mixed));
	const struct pyi_layout *layout = &known->layout;
	size_t size = HEAP_BYTES;
	struct mixed_things things;

	FUZZ_EXPECT(mixed);
	if (with_runtime)
		size += RUNTIME_BYTES + layout->interp_size + 3 * RUNTIME_SLACK_BYTES;
	invented_heap_create(&active, layout, size);
	mixed_use_layout(layout);
	mixed_make_things(mixed, &active, &things);
	snprintf(mixed->runtime.version, sizeof(mixed->runtime.version), "%s",
		 known->generated_from);
	mixed->runtime.layout = layout;
	mixed->runtime.object_type_addr = active.object_type;
	mixed->runtime.type_type_addr = active.type_type;
	mixed->runtime.dict_type_addr = active.dict_type;
	mixed->runtime.str_type_addr = active.str_type;
	if (with_runtime)
		make_runtime(mixed, &things);
	find_words(mixed);
	FUZZ_EXPECT(!pyi_memory_reader_create_mock(
		(const void *)(uintptr_t)active.range.start_addr,
		(size_t)(active.range.end_addr - active.range.start_addr), active.range.start_addr,
		&mixed->reader));
	mixed->heap = active;
	return mixed;
}

/* Those whose objects are on lists, for these heaps have no others. */
static size_t find_rows(const struct pyi_known_layout *ret_rows[VERSIONS])
{
	size_t count = 0;

	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		if (pyi_known_layouts[i].layout.object_gc_bits != PYI_ABSENT)
			continue;
		FUZZ_EXPECT(count < VERSIONS);
		ret_rows[count++] = &pyi_known_layouts[i];
	}
	return count;
}

struct mixed_heap *mixed_heap_get(unsigned number, bool with_runtime)
{
	const struct pyi_known_layout *rows[VERSIONS];
	size_t version = number % find_rows(rows);

	while (undo_count) {
		undo_count--;
		invented_set(undo[undo_count].addr, undo[undo_count].value);
	}
	if (!heaps[version])
		heaps[version] = make(rows[version], with_runtime);
	active = heaps[version]->heap;
	mixed_use_layout(&active.layout);
	return heaps[version];
}

static uint64_t choose_value(const struct mixed_heap *mixed, unsigned how, uint64_t number,
			     uint64_t before)
{
	static const uint64_t special[] = {
		0,
		1,
		2,
		7,
		8,
		16,
		255,
		4096,
		INT32_MAX,
		UINT32_MAX,
		UINT64_C(1) << 32,
		UINT64_C(1) << 40,
		UINT64_C(1) << 46,
		(UINT64_C(1) << 47) - 8,
		UINT64_C(1) << 47,
		UINT64_C(1) << 48,
		INT64_MAX,
		UINT64_C(1) << 63,
		UINT64_MAX - 7,
		UINT64_MAX,
		UINT64_C(0x4141414141414141),
	};
	const struct pyi_payload_range *range = &mixed->heap.range;
	uint64_t size = range->end_addr - range->start_addr;

	switch (how % 8) {
	case 0:
		return special[number % (sizeof(special) / sizeof(special[0]))];
	case 1:
		/* Also a little in front and behind. */
		return range->start_addr - 64 + number % (size + 128) / 8 * 8;
	case 2:
		return range->start_addr + number % size;
	case 3:
		return invented_get(mixed->words[number % mixed->word_count]);
	case 4:
		return before ^ UINT64_C(1) << number % 64;
	case 5:
		return before + (uint64_t)(int64_t)(int16_t)number;
	case 6:
		return mixed->objects[number % mixed->object_count] + (number >> 8 & 0xf8);
	default:
		return number;
	}
}

/* True for addresses of this program's code, where a call would do anything. */
static bool is_code(uint64_t value)
{
	return value >= (uintptr_t)__executable_start && value < (uintptr_t)etext;
}

void mixed_heap_break(struct mixed_heap *mixed, struct fuzz_input *input, unsigned limit)
{
	FUZZ_EXPECT(limit <= UNDO_LIMIT);
	while (limit-- && input->size_bytes) {
		uint64_t where = fuzz_take(input, 3);
		unsigned how = (unsigned)fuzz_take(input, 1);
		uint64_t number = fuzz_take(input, 4);
		uint64_t addr = mixed->words[where % mixed->word_count];
		uint64_t before;
		uint64_t value;

		/* Words that are 0 now, too. */
		if (how >> 3 & 1)
			addr = mixed->heap.range.start_addr +
			       where * 8 % (mixed->heap.next_addr - mixed->heap.range.start_addr);
		before = invented_get(addr);
		value = choose_value(mixed, how, number, before);
		if (is_code(value) && !mixed_is_function(value))
			continue;
		undo[undo_count].addr = addr;
		undo[undo_count++].value = before;
		invented_set(addr, value);
	}
}

uint64_t mixed_heap_take_address(const struct mixed_heap *mixed, struct fuzz_input *input)
{
	unsigned how = (unsigned)fuzz_take(input, 1);
	uint64_t number = fuzz_take(input, 2);

	if (how < 0xc0)
		return mixed->objects[number % mixed->object_count];
	return choose_value(mixed, how, number, mixed->objects[0]);
}
