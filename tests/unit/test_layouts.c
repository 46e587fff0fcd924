/*
 * Tests that the generated table of layouts agrees with a second source and with itself.
 *
 * Does not look at interpreters: tools/update-layouts --check does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include <pyinspect/stack_ref.h>

#include "base/small_file.h"
#include "python/layouts.h"

enum {
	/* The oracle knows more than this; fewer compared means that it was not read. */
	MIN_COMPARED = 125,
	/* Where there is no runtime, there are fewer fields. */
	MIN_COMPARED_WITHOUT_RUNTIME = 105,
	/* ... and in the headers of 2.7 alone. */
	MIN_COMPARED_OLD = 90,
	FIRST_MINOR = 6,
	LAST_MINOR = 15,
	ORACLE_LIMIT_BYTES = 1 << 20,
};

struct field {
	const char *name;
	size_t offset;
	bool list;
};

/* clang-format off */
#define FIELD(name) { #name, offsetof(struct pyi_layout, name), false }
#define LIST(name) { #name, offsetof(struct pyi_layout, name), true }
#define BOUND(member, size) { FIELD(member), FIELD(size) }
/* clang-format on */

static const struct field fields[] = {
	FIELD(runtime_interpreters_head),
	FIELD(runtime_gc),
	FIELD(runtime_gil_locked),
	FIELD(runtime_gil_last_holder),
	FIELD(interp_size),
	FIELD(interp_next),
	FIELD(interp_threads_head),
	FIELD(interp_gc),
	FIELD(interp_modules),
	FIELD(interp_sysdict),
	FIELD(interp_builtins),
	FIELD(interp_gil),
	FIELD(interp_static_types),
	FIELD(static_type_size),
	FIELD(static_type_type),
	FIELD(static_type_dict),
	FIELD(static_type_subclasses),
	LIST(interp_roots),
	FIELD(gil_locked),
	FIELD(gil_last_holder),
	FIELD(thread_next),
	FIELD(thread_interp),
	FIELD(thread_frame),
	FIELD(thread_cframe),
	FIELD(thread_current_frame),
	FIELD(cframe_current_frame),
	FIELD(thread_id),
	FIELD(thread_native_id),
	FIELD(thread_exc_info),
	FIELD(exc_item_value),
	FIELD(exc_item_type),
	FIELD(exc_item_traceback),
	FIELD(exc_item_previous),
	LIST(thread_roots),
	FIELD(iframe_code),
	FIELD(iframe_function),
	FIELD(iframe_globals),
	FIELD(iframe_builtins),
	FIELD(iframe_locals),
	FIELD(iframe_object),
	FIELD(iframe_previous),
	FIELD(iframe_stacktop),
	FIELD(iframe_owner),
	FIELD(iframe_localsplus),
	FIELD(gc_generations),
	FIELD(gc_generation_size),
	FIELD(gc_permanent),
	FIELD(gc_collecting),
	FIELD(gc_garbage),
	FIELD(gc_callbacks),
	FIELD(runtime_size),
	FIELD(gc_size),
	FIELD(gc_generation0),
	FIELD(gc_enabled),
	FIELD(gc_generation_threshold),
	FIELD(gc_generation_count),
	FIELD(gc_head_size),
	FIELD(gc_head_next),
	FIELD(gc_head_prev),
	FIELD(gc_head_refs),
	FIELD(object_size),
	FIELD(object_type),
	FIELD(var_size),
	FIELD(type_size),
	FIELD(type_name),
	FIELD(type_basicsize),
	FIELD(type_itemsize),
	FIELD(type_flags),
	FIELD(type_traverse),
	FIELD(type_base),
	FIELD(type_dict),
	FIELD(type_dictoffset),
	FIELD(type_members),
	FIELD(type_is_gc),
	FIELD(type_bases),
	FIELD(type_mro),
	FIELD(type_cache),
	FIELD(type_subclasses),
	FIELD(heap_type_size),
	FIELD(heap_type_name),
	FIELD(heap_type_slots),
	FIELD(heap_type_qualname),
	FIELD(heap_type_cached_keys),
	FIELD(member_size),
	FIELD(member_name),
	FIELD(member_offset),
	FIELD(tuple_items),
	FIELD(list_items),
	FIELD(list_allocated),
	FIELD(dict_size),
	FIELD(dict_used),
	FIELD(dict_keys),
	FIELD(dict_values),
	FIELD(set_size),
	FIELD(set_used),
	FIELD(set_mask),
	FIELD(set_table),
	FIELD(set_smalltable),
	FIELD(keys_refcnt),
	FIELD(keys_size),
	FIELD(keys_log2_size),
	FIELD(keys_log2_index_bytes),
	FIELD(keys_kind),
	FIELD(keys_usable),
	FIELD(keys_nentries),
	FIELD(keys_indices),
	FIELD(values_items),
	FIELD(values_valid),
	FIELD(str_length),
	FIELD(str_state),
	FIELD(str_ascii_size),
	FIELD(str_compact_size),
	FIELD(str_legacy_size),
	FIELD(str_wstr),
	FIELD(str_wstr_length),
	FIELD(str_utf8),
	FIELD(str_utf8_length),
	FIELD(str_data),
	FIELD(bytes_value),
	FIELD(bytearray_allocated),
	FIELD(int_tag),
	FIELD(int_digits),
	FIELD(float_value),
	FIELD(cell_contents),
	FIELD(weakref_object),
	FIELD(function_code),
	FIELD(function_globals),
	FIELD(function_builtins),
	FIELD(function_name),
	FIELD(function_qualname),
	FIELD(function_defaults),
	FIELD(function_kwdefaults),
	FIELD(function_closure),
	FIELD(function_doc),
	FIELD(function_dict),
	FIELD(function_module),
	FIELD(function_annotations),
	FIELD(odict_fast_nodes_size),
	FIELD(deque_size),
	FIELD(deque_leftindex),
	FIELD(deque_length),
	FIELD(deque_block_size),
	FIELD(dict_mask),
	FIELD(dict_table),
	FIELD(dict_smalltable),
	FIELD(int_value),
	FIELD(instance_class),
	FIELD(instance_dict),
	FIELD(class_bases),
	FIELD(class_dict),
	FIELD(class_name),
	FIELD(frame_size),
	FIELD(frame_code),
	FIELD(frame_localsplus),
	FIELD(frame_iframe),
	FIELD(frame_data),
	FIELD(generator_iframe),
	FIELD(generator_code),
	FIELD(code_size),
	FIELD(code_nlocals),
	FIELD(code_nlocalsplus),
	FIELD(code_stacksize),
	FIELD(code_cellvars),
	FIELD(code_freevars),
	FIELD(code_varnames),
	FIELD(code_localsplusnames),
	FIELD(code_name),
	FIELD(code_qualname),
	FIELD(code_filename),
	FIELD(code_cell2arg),
	FIELD(code_opcache_map),
	FIELD(code_opcache),
	FIELD(code_opcache_size),
	FIELD(code_extra),
	LIST(code_references),
	LIST(heap_type_references),
	LIST(generator_references),
	LIST(descriptor_references),
	LIST(module_references),
	LIST(range_references),
	FIELD(object_gc_bits),
	FIELD(object_ref_local),
	FIELD(object_ref_shared),
	FIELD(thread_attached),
	FIELD(thread_heaps),
	FIELD(thread_heaps_ready),
	FIELD(mi_pool_abandoned),
	FIELD(mi_pool_visited),
	FIELD(mi_heap_size),
	FIELD(mi_heap_pages),
	FIELD(mi_page_size),
	FIELD(mi_page_capacity),
	FIELD(mi_page_free),
	FIELD(mi_page_block_size),
	FIELD(mi_page_local_free),
	FIELD(mi_page_thread_free),
	FIELD(mi_page_next),
	FIELD(mi_segment_next),
	FIELD(mi_segment_slice_count),
	FIELD(mi_segment_slices),
};

/* Lists of offsets into a struct of known size. */
static const struct {
	struct field list;
	size_t size;
} bounded_lists[] = {
	{ LIST(interp_roots), offsetof(struct pyi_layout, interp_size) },
	{ LIST(code_references), offsetof(struct pyi_layout, code_size) },
	{ LIST(heap_type_references), offsetof(struct pyi_layout, heap_type_size) },
};

/* Each member that a build has must be inside its struct. */
static const struct {
	struct field member;
	struct field size;
} bounded_members[] = {
	BOUND(interp_next, interp_size),
	BOUND(interp_threads_head, interp_size),
	BOUND(interp_gc, interp_size),
	BOUND(interp_modules, interp_size),
	BOUND(interp_sysdict, interp_size),
	BOUND(interp_builtins, interp_size),
	BOUND(interp_gil, interp_size),
	BOUND(interp_static_types, interp_size),
	BOUND(static_type_type, static_type_size),
	BOUND(static_type_dict, static_type_size),
	BOUND(static_type_subclasses, static_type_size),
	BOUND(gc_generations, gc_size),
	BOUND(gc_permanent, gc_size),
	BOUND(gc_generation0, gc_size),
	BOUND(gc_enabled, gc_size),
	BOUND(gc_generation_threshold, gc_generation_size),
	BOUND(gc_generation_count, gc_generation_size),
	BOUND(gc_collecting, gc_size),
	BOUND(gc_garbage, gc_size),
	BOUND(gc_callbacks, gc_size),
	BOUND(gc_head_next, gc_head_size),
	BOUND(gc_head_prev, gc_head_size),
	BOUND(gc_head_refs, gc_head_size),
	BOUND(object_type, object_size),
	BOUND(type_name, type_size),
	BOUND(type_basicsize, type_size),
	BOUND(type_itemsize, type_size),
	BOUND(type_flags, type_size),
	BOUND(type_traverse, type_size),
	BOUND(type_base, type_size),
	BOUND(type_dict, type_size),
	BOUND(type_dictoffset, type_size),
	BOUND(type_members, type_size),
	BOUND(type_is_gc, type_size),
	BOUND(type_bases, type_size),
	BOUND(type_mro, type_size),
	BOUND(type_cache, type_size),
	BOUND(type_subclasses, type_size),
	BOUND(heap_type_name, heap_type_size),
	BOUND(heap_type_slots, heap_type_size),
	BOUND(heap_type_qualname, heap_type_size),
	BOUND(heap_type_cached_keys, heap_type_size),
	BOUND(member_name, member_size),
	BOUND(member_offset, member_size),
	BOUND(dict_used, dict_size),
	BOUND(dict_keys, dict_size),
	BOUND(dict_values, dict_size),
	BOUND(set_used, set_size),
	BOUND(set_mask, set_size),
	BOUND(set_table, set_size),
	BOUND(set_smalltable, set_size),
	BOUND(dict_mask, dict_size),
	BOUND(dict_table, dict_size),
	BOUND(dict_smalltable, dict_size),
	BOUND(deque_length, deque_size),
	BOUND(str_length, str_legacy_size),
	BOUND(str_state, str_ascii_size),
	BOUND(str_wstr, str_ascii_size),
	BOUND(str_wstr_length, str_compact_size),
	BOUND(str_utf8, str_compact_size),
	BOUND(str_utf8_length, str_compact_size),
	BOUND(str_data, str_legacy_size),
	BOUND(deque_leftindex, deque_size),
	BOUND(frame_code, frame_size),
	BOUND(frame_localsplus, frame_size),
	BOUND(frame_iframe, frame_size),
	BOUND(frame_data, frame_size),
	BOUND(code_nlocals, code_size),
	BOUND(code_nlocalsplus, code_size),
	BOUND(code_stacksize, code_size),
	BOUND(code_cellvars, code_size),
	BOUND(code_freevars, code_size),
	BOUND(code_varnames, code_size),
	BOUND(code_localsplusnames, code_size),
	BOUND(code_name, code_size),
	BOUND(code_qualname, code_size),
	BOUND(code_filename, code_size),
	BOUND(code_cell2arg, code_size),
	BOUND(code_code, code_size),
	BOUND(code_opcache_map, code_size),
	BOUND(code_opcache, code_size),
	BOUND(code_opcache_size, code_size),
	BOUND(code_extra, code_size),
};

static uint32_t value_of(const struct pyi_layout *layout, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)layout + offset, sizeof(value));
	return value;
}

static const uint32_t *list_of(const struct pyi_layout *layout, size_t offset)
{
	return (const uint32_t *)(const void *)((const char *)layout + offset);
}

static const struct pyi_known_layout *find_layout(const char *minor)
{
	bool without_gil = minor[strlen(minor) - 1] == 't';
	size_t length = strlen(minor) - without_gil;

	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const char *from = pyi_known_layouts[i].generated_from;

		if ((pyi_known_layouts[i].layout.object_gc_bits != PYI_ABSENT) == without_gil &&
		    strncmp(from, minor, length) == 0 && (from[length] == '.' || !from[length]))
			return &pyi_known_layouts[i];
	}
	fail_msg("no layout of %s", minor);
	return NULL;
}

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	fail_msg("the oracle has %s, this test has not", name);
	return NULL;
}

static char *read_oracle(void)
{
	const char *folder = getenv("PYI_TEST_DATA");
	char *text = malloc(ORACLE_LIMIT_BYTES);
	char path[4096];

	snprintf(path, sizeof(path), "%s/layout-oracle.json", folder ? folder : "tests/data");
	assert_non_null(text);
	if (!pyi_small_file_read(AT_FDCWD, path, text, ORACLE_LIMIT_BYTES))
		fail_msg("%s: cannot be read; set PYI_TEST_DATA", path);
	return text;
}

static bool list_has(const uint32_t *list, uint32_t value)
{
	for (size_t i = 0; i < PYI_LAYOUT_LIST; i++)
		if (list[i] == value)
			return true;
	return false;
}

/* Returns how many numbers of one version agree; names those that do not. */
static unsigned compare_version(const cJSON *version, unsigned *wrong)
{
	const struct pyi_known_layout *known = find_layout(version->string);
	const cJSON *item, *element;
	unsigned compared = 0;

	cJSON_ArrayForEach(item, version)
	{
		const struct field *field = find_field(item->string);
		bool agrees = cJSON_IsNumber(item) || cJSON_IsArray(item);

		assert_int_equal(cJSON_IsArray(item), field->list);
		if (!field->list)
			agrees = agrees &&
				 value_of(&known->layout, field->offset) == item->valuedouble;
		/* A number has no children. */
		cJSON_ArrayForEach(element, item)
		{
			agrees = agrees && list_has(list_of(&known->layout, field->offset),
						    (uint32_t)element->valuedouble);
		}
		if (agrees) {
			compared++;
			continue;
		}
		print_error("%s: %s is not what the oracle says\n", version->string, item->string);
		(*wrong)++;
	}
	return compared;
}

static void test_oracle(void **state)
{
	char *text = read_oracle();
	cJSON *oracle = cJSON_Parse(text);
	const cJSON *version;
	unsigned versions = 0, wrong = 0;
	struct utsname host;

	(void)state;
	assert_non_null(oracle);
	/* Of builds without a GIL there are rows for one machine only (src/python/layouts.c). */
	if (uname(&host) == 0 && strcmp(host.machine, "x86_64") != 0) {
		cJSON_DeleteItemFromObject(oracle, "3.13t");
		versions++;
	}
	cJSON_ArrayForEach(version, oracle)
	{
		unsigned compared = compare_version(version, &wrong);
		const struct pyi_layout *layout = &find_layout(version->string)->layout;
		unsigned least = layout->dict_keys == PYI_ABSENT      ? MIN_COMPARED_OLD
				 : layout->runtime_size == PYI_ABSENT ? MIN_COMPARED_WITHOUT_RUNTIME
								      : MIN_COMPARED;

		if (compared < least) {
			print_error("%s: only %u numbers agree\n", version->string, compared);
			wrong++;
		}
		versions++;
	}
	assert_int_equal(wrong, 0);
	/* And one of CPython 2, and one without a GIL. */
	assert_int_equal(versions, LAST_MINOR - FIRST_MINOR + 3);
	cJSON_Delete(oracle);
	free(text);
}

/* In the order of versions; on some machines all of them twice, for two C libraries. */
static void test_versions(void **state)
{
	unsigned major, minor, previous = 0;

	(void)state;
	assert_true(pyi_known_layout_count >= LAST_MINOR - FIRST_MINOR + 1);
	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_known_layout *known = &pyi_known_layouts[i];

		assert_int_equal(sscanf(known->generated_from, "%3u.%3u.", &major, &minor), 2);
		assert_int_equal(known->layout.python_version, major << 8 | minor);
		assert_true(known->layout.python_version >= previous ||
			    2 * i == pyi_known_layout_count);
		previous = known->layout.python_version;
	}
}

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_layout *layout = &pyi_known_layouts[i].layout;

		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++) {
			const uint32_t *list = list_of(layout, fields[k].offset);
			size_t used = 0;

			if (!fields[k].list)
				continue;
			while (used < PYI_LAYOUT_LIST && list[used] != PYI_ABSENT)
				used++;
			/* Modules and ranges of 2.7 have no such members. */
			assert_true(used > 0 ||
				    fields[k].offset ==
					    offsetof(struct pyi_layout, module_references) ||
				    fields[k].offset ==
					    offsetof(struct pyi_layout, range_references));
			for (size_t a = 0; a < used; a++) {
				assert_int_equal(list[a] % sizeof(uint64_t), 0);
				for (size_t b = 0; b < a; b++)
					assert_int_not_equal(list[a], list[b]);
			}
			for (size_t rest = used; rest < PYI_LAYOUT_LIST; rest++)
				assert_int_equal(list[rest], PYI_ABSENT);
		}
	}
}

static void test_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_known_layout *known = &pyi_known_layouts[i];
		const struct pyi_layout *layout = &known->layout;

		for (size_t k = 0; k < sizeof(bounded_members) / sizeof(bounded_members[0]); k++) {
			uint32_t member = value_of(layout, bounded_members[k].member.offset);
			uint32_t size = value_of(layout, bounded_members[k].size.offset);

			/* The head of objects that have none. */
			if (bounded_members[k].size.offset ==
				    offsetof(struct pyi_layout, gc_head_size) &&
			    layout->object_gc_bits != PYI_ABSENT) {
				assert_int_equal(size, 0);
				continue;
			}
			if (member != PYI_ABSENT && (size == PYI_ABSENT || member >= size))
				fail_msg("%s: %s is not inside %s", known->generated_from,
					 bounded_members[k].member.name,
					 bounded_members[k].size.name);
		}
		for (size_t k = 0; k < sizeof(bounded_lists) / sizeof(bounded_lists[0]); k++) {
			const uint32_t *list = list_of(layout, bounded_lists[k].list.offset);
			uint32_t size = value_of(layout, bounded_lists[k].size);

			for (size_t n = 0; n < PYI_LAYOUT_LIST && list[n] != PYI_ABSENT; n++)
				assert_true(list[n] < size);
		}
	}
}

/* Fields that stand for each other, one for older and one for newer versions: one is there. */
static void test_alternatives(void **state)
{
	(void)state;
	for (size_t i = 0; i < pyi_known_layout_count; i++) {
		const struct pyi_layout *layout = &pyi_known_layouts[i].layout;
		int frames = (layout->thread_frame != PYI_ABSENT) +
			     (layout->thread_cframe != PYI_ABSENT) +
			     (layout->thread_current_frame != PYI_ABSENT);
		bool one_digit = layout->features & PYI_FEATURE_INT_ONE_DIGIT;
		bool by_type = layout->features & PYI_FEATURE_PRESIZE_BY_TYPE;
		bool gc_only = layout->features & PYI_FEATURE_PRESIZE_GC_ONLY;
		bool embedded = layout->features & PYI_FEATURE_EMBEDDED_FRAMES;
		bool static_state = layout->features & PYI_FEATURE_STATIC_TYPE_STATE;
		bool inline_values = layout->features & PYI_FEATURE_INLINE_VALUES;
		int managed_dicts = !!(layout->features & PYI_FEATURE_MANAGED_DICT_AND_VALUES) +
				    !!(layout->features & PYI_FEATURE_MANAGED_DICT_OR_VALUES) +
				    !!(layout->features & PYI_FEATURE_MANAGED_DICT);

		/* All of what is known of builds without a GIL, or nothing. */
		for (size_t at = PYI_LAYOUT_FREE_THREADED; at < sizeof(*layout);
		     at += sizeof(uint32_t))
			assert_int_equal(value_of(layout, at) == PYI_ABSENT,
					 layout->object_gc_bits == PYI_ABSENT);
		assert_int_equal(frames, 1);
		assert_int_equal(layout->thread_cframe == PYI_ABSENT,
				 layout->cframe_current_frame == PYI_ABSENT);
		assert_int_equal(layout->thread_frame == PYI_ABSENT,
				 layout->iframe_code != PYI_ABSENT);
		/* Before there was a runtime, its state was in variables. */
		if (layout->runtime_size == PYI_ABSENT) {
			assert_int_equal(layout->runtime_interpreters_head, PYI_ABSENT);
			assert_int_equal(layout->runtime_gc, PYI_ABSENT);
			assert_int_equal(layout->interp_gc, PYI_ABSENT);
			assert_int_equal(layout->interp_gil, PYI_ABSENT);
		} else {
			assert_int_not_equal(layout->runtime_gc == PYI_ABSENT,
					     layout->interp_gc == PYI_ABSENT);
			assert_int_not_equal(layout->runtime_gil_locked == PYI_ABSENT,
					     layout->interp_gil == PYI_ABSENT);
		}
		if (layout->dict_keys != PYI_ABSENT)
			assert_int_not_equal(layout->keys_size == PYI_ABSENT,
					     layout->keys_log2_size == PYI_ABSENT);
		assert_int_not_equal(layout->dict_keys == PYI_ABSENT,
				     layout->dict_table == PYI_ABSENT);
		assert_int_not_equal(layout->int_value == PYI_ABSENT,
				     layout->str_state == PYI_ABSENT);
		assert_int_equal(layout->str_state == PYI_ABSENT,
				 !!(layout->features & PYI_FEATURE_BYTES_NAMES));
		assert_int_not_equal(layout->code_code == PYI_ABSENT,
				     layout->code_nlocalsplus == PYI_ABSENT);
		assert_int_not_equal(layout->code_varnames == PYI_ABSENT,
				     layout->code_localsplusnames == PYI_ABSENT);
		assert_int_equal(layout->code_nlocalsplus == PYI_ABSENT,
				 layout->code_localsplusnames == PYI_ABSENT);
		assert_int_equal(layout->code_nlocalsplus == PYI_ABSENT,
				 layout->code_qualname == PYI_ABSENT);
		/* With a struct for values came attributes without a dict: kept in one way. */
		assert_int_equal(managed_dicts, layout->values_items != PYI_ABSENT);
		assert_int_equal(inline_values, layout->values_valid != PYI_ABSENT);
		assert_int_equal(inline_values, !!(layout->features & PYI_FEATURE_MANAGED_DICT));
		assert_int_not_equal(by_type, gc_only);
		assert_int_equal(embedded, layout->generator_iframe != PYI_ABSENT);
		assert_int_equal(embedded, (layout->iframe_stacktop != PYI_ABSENT) +
						   (layout->iframe_stackpointer != PYI_ABSENT));
		assert_int_equal(!!(layout->features & PYI_FEATURE_STACK_REFS),
				 layout->iframe_stackpointer != PYI_ABSENT);
		assert_int_equal(static_state, layout->interp_static_types != PYI_ABSENT);
		if (layout->int_tag != PYI_ABSENT)
			assert_true(one_digit);
	}
}

/* Which way is not a matter of offsets: a wrong one reads a dict as something else. */
static void test_managed_dicts(void **state)
{
	static const struct {
		const char *minor;
		uint32_t feature;
	} expected[] = {
		{ "3.6", 0 },
		{ "3.7", 0 },
		{ "3.8", 0 },
		{ "3.9", 0 },
		{ "3.10", 0 },
		{ "3.11", PYI_FEATURE_MANAGED_DICT_AND_VALUES },
		{ "3.12", PYI_FEATURE_MANAGED_DICT_OR_VALUES },
		{ "3.13", PYI_FEATURE_MANAGED_DICT },
		{ "3.14", PYI_FEATURE_MANAGED_DICT },
		{ "3.15", PYI_FEATURE_MANAGED_DICT },
	};
	const uint32_t all = PYI_FEATURE_MANAGED_DICT_AND_VALUES |
			     PYI_FEATURE_MANAGED_DICT_OR_VALUES | PYI_FEATURE_MANAGED_DICT;

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(find_layout(expected[i].minor)->layout.features & all,
				 expected[i].feature);
}

static void test_stack_refs(void **state)
{
	const struct pyi_layout plain = { 0 };
	const struct pyi_layout tagged = { .features = PYI_FEATURE_STACK_REFS };
	static const struct {
		uint64_t word;
		uint64_t object;
	} expected[] = {
		{ 0, 0 },
		{ 1, 0 },
		/* A mark of the interpreter's, an integer. */
		{ 2, 0 },
		{ 0x1236, 0 },
		{ 3, 0 },
		{ UINT64_MAX, 0 },
		/* Owned, borrowed. */
		{ 0x7f0012345670, 0x7f0012345670 },
		{ 0x7f0012345671, 0x7f0012345670 },
		{ 0x7f001234567c, 0x7f001234567c },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(pyi_stack_ref_object(&plain, expected[i].word) == expected[i].word);
		assert_true(pyi_stack_ref_object(&tagged, expected[i].word) == expected[i].object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle),	     cmocka_unit_test(test_versions),
		cmocka_unit_test(test_lists),	     cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_alternatives), cmocka_unit_test(test_managed_dicts),
		cmocka_unit_test(test_stack_refs),
	};

	return cmocka_run_group_tests_name("layouts", tests, NULL, NULL);
}
