/*
 * Tests of src/python/containers.c: modules, classes and objects of an invented heap, whole and
 * broken, and what their containers are called.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "invented_heap.h"
#include "python/containers.h"
#include "tracee/wait.h"

enum {
	HEAP_BYTES = 1 << 24,
	TYPE_LIMIT = 16,
	INTERPRETERS = 2,
	INSTANCE_BYTES = 64,
	/* Where instances have their dict, and their slots. */
	DICT_OFFSET = 48,
	SLOT_OFFSET = 32,
	MEMBER_INT = 1,
	MEMBER_OBJECT_EX = 16,
	MANY = 70000,
};

struct fixture {
	struct invented_heap heap;
	struct pyi_runtime runtime;
	struct pyi_memory_reader *reader;
	struct pyi_interpreters interpreters;
	/* Ordered by address. */
	struct pyi_type types[TYPE_LIMIT];
	struct pyi_type_list type_list;
	uint64_t module_type;
	uint64_t thing_type;
	uint64_t slots_type;
	uint64_t weak_type;
	struct pyi_container_list list;
};

static int compare_types(const void *a, const void *b)
{
	const struct pyi_type *first = a;
	const struct pyi_type *second = b;

	return (first->addr > second->addr) - (first->addr < second->addr);
}

static uint64_t know(struct fixture *fixture, uint64_t type, const char *name)
{
	struct pyi_type_list *list = &fixture->type_list;

	assert_true(list->count < TYPE_LIMIT);
	list->types[list->count++] = (struct pyi_type){ type, (char *)(uintptr_t)name };
	qsort(list->types, list->count, sizeof(list->types[0]), compare_types);
	return type;
}

/* A class of Python; its mro is itself and `object`. */
static uint64_t new_class(struct fixture *fixture, const char *name, uint64_t flags)
{
	struct invented_heap *heap = &fixture->heap;
	uint64_t type = invented_heap_type(heap,
					   &(struct invented_type){
						   .name = name,
						   .basicsize = INSTANCE_BYTES,
						   .flags = flags,
					   },
					   invented_str(heap, name));

	invented_set(type + heap->layout.type_mro,
		     invented_tuple(heap, (uint64_t[]){ type, heap->object_type }, 2));
	return know(fixture, type, name);
}

static uint64_t c_string(struct fixture *fixture, const char *text)
{
	uint64_t addr = invented_raw(&fixture->heap, strlen(text) + 1);

	memcpy((void *)(uintptr_t)addr, text, strlen(text) + 1);
	return addr;
}

static void set_members(struct fixture *fixture, uint64_t type, const char *const *names,
			size_t count, uint32_t kind)
{
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t array = invented_raw(&fixture->heap, (count + 1) * layout->member_size);

	for (size_t i = 0; i < count; i++) {
		uint64_t addr = array + i * layout->member_size;

		invented_set(addr + layout->member_name, c_string(fixture, names[i]));
		memcpy((void *)(uintptr_t)(addr + layout->member_name + 8), &kind, sizeof(kind));
		invented_set(addr + layout->member_offset, SLOT_OFFSET + 8 * i);
	}
	invented_set(type + layout->type_members, array);
}

static int set_up(void **state)
{
	uint32_t version = (uint32_t)(uintptr_t)*state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout;

	assert_non_null(fixture);
	invented_heap_create(heap, invented_layout_of(version), HEAP_BYTES);
	layout = &heap->layout;
	fixture->runtime.layout = layout;
	fixture->runtime.object_type_addr = heap->object_type;
	fixture->runtime.type_type_addr = heap->type_type;
	fixture->runtime.dict_type_addr = heap->dict_type;
	fixture->runtime.str_type_addr = heap->str_type;
	assert_null(pyi_memory_reader_create_mock(
		(const void *)(uintptr_t)heap->range.start_addr,
		(size_t)(heap->range.end_addr - heap->range.start_addr), heap->range.start_addr,
		&fixture->reader));
	fixture->type_list.types = fixture->types;
	know(fixture, heap->object_type, "object");
	know(fixture, heap->type_type, "type");
	know(fixture, heap->dict_type, "dict");
	know(fixture, heap->list_type, "list");
	know(fixture, heap->str_type, "str");
	know(fixture, heap->tuple_type, "tuple");
	know(fixture, heap->int_type, "int");
	fixture->module_type = know(
		fixture, invented_static_type(heap, &(struct invented_type){ .name = "module" }),
		"module");
	invented_set(fixture->module_type + layout->type_dictoffset, layout->module_dict);
	fixture->runtime.builtin_types[fixture->runtime.builtin_type_count++] =
		(struct pyi_builtin_type){ PYI_KIND_MODULE, fixture->module_type };
	/* Later classes have greater addresses: these are not in alphabetical order. */
	fixture->thing_type = new_class(fixture, "app.Thing", 0);
	invented_set(fixture->thing_type + layout->type_dictoffset, DICT_OFFSET);
	fixture->slots_type = new_class(fixture, "app.Slots", 0);
	fixture->weak_type = new_class(fixture, "_weakrefset.WeakSet", 0);
	invented_set(fixture->weak_type + layout->type_dictoffset, DICT_OFFSET);
	fixture->interpreters.count = INTERPRETERS;
	for (size_t i = 0; i < INTERPRETERS; i++)
		fixture->interpreters.addr[i] = invented_raw(heap, layout->interp_size + 8);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_container_list_deinit(&fixture->list);
	pyi_container_list_deinit(&fixture->list);
	pyi_memory_reader_destroy(fixture->reader);
	invented_heap_destroy(&fixture->heap);
	free(fixture);
	return 0;
}

struct item {
	const char *name;
	uint64_t value;
};

static uint64_t new_dict(struct fixture *fixture, const struct item *items, size_t count)
{
	uint64_t *keys = calloc(count + 1, sizeof(*keys));
	uint64_t *values = calloc(count + 1, sizeof(*values));
	uint64_t dict;

	for (size_t i = 0; i < count; i++) {
		keys[i] = invented_str(&fixture->heap, items[i].name);
		values[i] = items[i].value;
	}
	dict = invented_dict(&fixture->heap, keys, values, count, false);
	free(keys);
	free(values);
	return dict;
}

#define DICT(fixture, ...)                                                                         \
	new_dict(fixture, (const struct item[]){ __VA_ARGS__ },                                    \
		 sizeof((const struct item[]){ __VA_ARGS__ }) / sizeof(struct item))

static uint64_t new_list(struct fixture *fixture, uint64_t length)
{
	uint64_t items[8] = { 0 };
	uint64_t list = invented_list(&fixture->heap, items, 8);

	invented_set(list + fixture->heap.layout.var_size, length);
	return list;
}

static uint64_t new_instance(struct fixture *fixture, uint64_t type, uint64_t dict)
{
	uint64_t addr = invented_object(&fixture->heap, type, INSTANCE_BYTES);

	invented_set(addr + DICT_OFFSET, dict);
	return addr;
}

static uint64_t new_module(struct fixture *fixture, uint64_t dict)
{
	uint64_t addr = invented_object(&fixture->heap, fixture->module_type, INSTANCE_BYTES);

	invented_set(addr + fixture->heap.layout.module_dict, dict);
	return addr;
}

static void set_modules(struct fixture *fixture, size_t interpreter, uint64_t modules)
{
	invented_set(fixture->interpreters.addr[interpreter] + fixture->heap.layout.interp_modules,
		     modules);
}

static void set_class_dict(struct fixture *fixture, uint64_t type, uint64_t dict)
{
	invented_set(type + fixture->heap.layout.type_dict, dict);
}

/* Looks for containers; `expected` ends with an item without a name, whose value says whether all
 * could be looked at. */
static void expect(struct fixture *fixture, const struct pyi_container_request *request,
		   const struct item *expected)
{
	size_t count = 0;

	pyi_container_list_deinit(&fixture->list);
	assert_null(pyi_containers_find(&fixture->runtime, fixture->reader, &fixture->interpreters,
					&fixture->type_list, request, PYI_CLOCK_NEVER,
					&fixture->list));
	for (; expected[count].name; count++) {
		const struct pyi_container *found = &fixture->list.items[count];

		assert_true(count < fixture->list.count);
		assert_string_equal(found->name, expected[count].name);
		assert_int_equal(found->length, expected[count].value);
	}
	assert_int_equal(fixture->list.count, count);
	assert_int_equal(fixture->list.truncated, expected[count].value);
}

#define EXPECT(fixture, minimum, ...)                                                              \
	expect(fixture, &(const struct pyi_container_request){ .least = (minimum) },               \
	       (const struct item[]){ __VA_ARGS__ })
#define ALL                                                                                        \
	{                                                                                          \
		NULL, false                                                                        \
	}
#define NOT_ALL                                                                                    \
	{                                                                                          \
		NULL, true                                                                         \
	}

static void test_names(void **state)
{
	static const char *const slots[] = { "items" };
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t shared = new_list(fixture, 5);
	uint64_t kept = new_list(fixture, 6);
	uint64_t thing =
		new_instance(fixture, fixture->thing_type,
			     DICT(fixture, { "data", new_list(fixture, 7) }, { "again", shared },
				  { "kept", kept }, { "text", invented_str(heap, "x") }));
	uint64_t other = new_instance(fixture, fixture->thing_type,
				      DICT(fixture, { "last", new_list(fixture, 7) }));
	uint64_t with_slots = new_instance(fixture, fixture->slots_type, 0);
	uint64_t app = new_module(
		fixture,
		DICT(fixture, { "alias", shared }, { "thing", thing }, { "slots", with_slots },
		     { "no name", new_list(fixture, 8) }, { "9", new_list(fixture, 8) },
		     { "text", invented_str(heap, "y") },
		     { "pair", invented_tuple(heap, &shared, 1) }, { "Thing", fixture->thing_type },
		     { "table", DICT(fixture, { "key", shared }) }));

	set_members(fixture, fixture->slots_type, slots, 1, MEMBER_OBJECT_EX);
	invented_set(with_slots + SLOT_OFFSET, new_list(fixture, 9));
	set_class_dict(fixture, fixture->thing_type,
		       DICT(fixture, { "kept", kept }, { "other", kept },
			    { "held", new_list(fixture, 10) }));
	set_class_dict(fixture, fixture->slots_type, DICT(fixture, { "kept", kept }));
	set_modules(fixture, 0,
		    DICT(fixture, { "app", app }, { "app.again", app }, { "a-b", app },
			 { "app..x", app }, { "none", invented_int(heap, 1) },
			 /* Whatever it is, it has attributes. */
			 { "instance", other }));
	/* What a class holds is called after the first class by name, not after an object. */
	EXPECT(fixture, 0, { "app.Slots.kept", 6 }, { "app.Thing.held", 10 }, { "app.alias", 5 },
	       { "app.slots.items", 9 }, { "app.table", 1 }, { "app.thing.data", 7 },
	       { "instance.last", 7 }, ALL);
	EXPECT(fixture, 7, { "app.Thing.held", 10 }, { "app.slots.items", 9 },
	       { "app.thing.data", 7 }, { "instance.last", 7 }, ALL);
	EXPECT(fixture, 11, ALL);
	/* A member that is no object. */
	set_members(fixture, fixture->slots_type, slots, 1, MEMBER_INT);
	EXPECT(fixture, 9, { "app.Thing.held", 10 }, ALL);
}

static void test_wanted(void **state)
{
	static const char *const wanted[] = {
		"app.again.list", "app.Thing.alias", "app.thing.data",
		"app.short",	  "app.text",	     "nothing.at.all",
	};
	struct fixture *fixture = *state;
	uint64_t list = new_list(fixture, 5);
	uint64_t thing =
		new_instance(fixture, fixture->thing_type, DICT(fixture, { "data", list }));
	uint64_t app = new_module(fixture, DICT(fixture, { "list", list }, { "thing", thing },
						{ "short", new_list(fixture, 1) },
						{ "text", invented_str(&fixture->heap, "y") }));
	const struct pyi_container_request request = { 5, wanted, 6 };

	set_modules(fixture, 0, DICT(fixture, { "app", app }, { "app.again", app }));
	set_class_dict(fixture, fixture->thing_type, DICT(fixture, { "alias", list }));
	expect(fixture, &request,
	       (const struct item[]){ { "app.Thing.alias", 5 },
				      { "app.again.list", 5 },
				      { "app.list", 5 },
				      { "app.short", 1 },
				      { "app.thing.data", 5 },
				      ALL });
	/* Also if it is too short for its first name. */
	invented_set(list + fixture->heap.layout.var_size, 4);
	expect(fixture, &request,
	       (const struct item[]){ { "app.Thing.alias", 4 },
				      { "app.again.list", 4 },
				      { "app.short", 1 },
				      { "app.thing.data", 4 },
				      ALL });
}

/* Each has modules of its own; classes of one name are two. */
static void test_several(void **state)
{
	static const char *const wanted[] = { "app.Thing.kept" };
	struct fixture *fixture = *state;
	uint64_t shared = new_list(fixture, 4);
	const struct pyi_container_request request = { 0, wanted, 1 };

	for (size_t i = 0; i < INTERPRETERS; i++) {
		uint64_t app =
			new_module(fixture, DICT(fixture, { "list", new_list(fixture, 5 + i) }));

		set_modules(fixture, i, DICT(fixture, { "app", app }));
	}
	set_class_dict(fixture, fixture->thing_type, DICT(fixture, { "kept", shared }));
	set_class_dict(fixture, new_class(fixture, "app.Thing", 0),
		       DICT(fixture, { "kept", shared }, { "own", new_list(fixture, 3) }));
	/* One container under one name is listed once, wanted or not. */
	EXPECT(fixture, 0, { "app.Thing.kept", 4 }, { "app.Thing.own", 3 }, { "app.list", 5 },
	       { "app.list", 6 }, ALL);
	expect(fixture, &request,
	       (const struct item[]){ { "app.Thing.kept", 4 },
				      { "app.Thing.own", 3 },
				      { "app.list", 5 },
				      { "app.list", 6 },
				      ALL });
	assert_true(fixture->list.items[2].addr != fixture->list.items[3].addr);
}

static void test_wrapper(void **state)
{
	struct fixture *fixture = *state;
	uint64_t list = new_list(fixture, 6);
	uint64_t pending = new_list(fixture, 2);
	uint64_t weak =
		new_instance(fixture, fixture->weak_type,
			     DICT(fixture, { "data", list }, { "_pending_removals", pending }));
	uint64_t app = new_module(fixture, DICT(fixture, { "weak", weak }));

	set_modules(fixture, 0, DICT(fixture, { "app", app }));
	EXPECT(fixture, 3, { "app.weak", 4 }, ALL);
	/* More is to be removed than there is: then it is not as it should be. */
	invented_set(pending + fixture->heap.layout.var_size, 7);
	EXPECT(fixture, 0, { "app.weak", 6 }, { "app.weak._pending_removals", 7 }, ALL);
	/* Without data it is an object as any. */
	invented_set(weak + DICT_OFFSET, DICT(fixture, { "other", list }));
	EXPECT(fixture, 0, { "app.weak.other", 6 }, ALL);
}

/* Everything leads to everything. */
static void test_circles(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t dict = DICT(fixture, { "one", 0 }, { "two", 0 });
	uint64_t keys = invented_get(dict + heap->layout.dict_keys);
	uint64_t thing = new_instance(fixture, fixture->thing_type, dict);

	invented_set(dict + heap->layout.dict_used, 2);
	invented_set(invented_entry_addr(heap, keys, 0, true), dict);
	invented_set(invented_entry_addr(heap, keys, 1, true), thing);
	set_modules(fixture, 0, dict);
	set_modules(fixture, 1, dict);
	set_class_dict(fixture, fixture->thing_type, dict);
	/* A dict has no attributes; a thing has, wherever it is. */
	EXPECT(fixture, 0, { "two.one", 2 }, ALL);
	invented_set(invented_entry_addr(heap, keys, 0, true), thing);
	EXPECT(fixture, 0, ALL);
}

static void test_broken(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t end = heap->range.end_addr;
	uint64_t endless = new_list(fixture, UINT64_MAX);
	uint64_t untyped = new_list(fixture, 3);
	uint64_t thing = new_instance(fixture, fixture->thing_type, end - 4);
	uint64_t bad = new_module(fixture, 0);
	uint64_t app = new_module(fixture, DICT(fixture, { "list", new_list(fixture, 3) },
						{ "endless", endless }, { "untyped", untyped },
						{ "nowhere", end }, { "far", UINT64_MAX }));
	uint64_t modules = DICT(fixture, { "bad", bad }, { "app", app }, { "nowhere", end });

	invented_set(untyped + layout->object_type, end);
	/* A module that has lost its dict; one that is nowhere. */
	set_modules(fixture, 0, modules);
	EXPECT(fixture, 0, { "app.list", 3 }, NOT_ALL);
	modules = DICT(fixture, { "bad", bad }, { "app", app });
	set_modules(fixture, 0, modules);
	EXPECT(fixture, 0, { "app.list", 3 }, ALL);
	/* Dicts that are none, of a module, of an object and of a class. */
	invented_set(bad + layout->module_dict, app);
	EXPECT(fixture, 0, { "app.list", 3 }, NOT_ALL);
	invented_set(bad + layout->module_dict, DICT(fixture, { "thing", thing }));
	EXPECT(fixture, 0, { "app.list", 3 }, NOT_ALL);
	invented_set(thing + DICT_OFFSET, 0);
	EXPECT(fixture, 0, { "app.list", 3 }, ALL);
	set_class_dict(fixture, fixture->thing_type, end);
	EXPECT(fixture, 0, { "app.list", 3 }, NOT_ALL);
	set_class_dict(fixture, fixture->thing_type, 0);
	/* The types themselves are not all known. */
	fixture->type_list.truncated = true;
	EXPECT(fixture, 0, { "app.list", 3 }, NOT_ALL);
	fixture->type_list.truncated = false;
	EXPECT(fixture, 0, { "app.list", 3 }, ALL);
	/* No modules. */
	set_modules(fixture, 0, app);
	EXPECT(fixture, 0, NOT_ALL);
	fixture->interpreters.addr[0] = end;
	EXPECT(fixture, 0, NOT_ALL);
}

static void test_too_many(void **state)
{
	struct fixture *fixture = *state;
	struct item *items = calloc(MANY, sizeof(*items));
	uint64_t list = new_list(fixture, 3);
	char *names = calloc(MANY, 16);
	uint64_t app;

	assert_true(items && names);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names + 16 * i, 16, "name%zu", i);
		items[i] = (struct item){ names + 16 * i, list };
	}
	app = new_module(fixture, new_dict(fixture, items, MANY));
	set_modules(fixture, 0, DICT(fixture, { "app", app }));
	EXPECT(fixture, 3, { "app.name0", 3 }, NOT_ALL);
	EXPECT(fixture, 4, ALL);
	free(items);
	free(names);
}

static void expect_error(struct fixture *fixture, uint64_t deadline_ns, const char *code)
{
	const struct pyi_container_request request = { 0 };
	uint64_t app = new_module(fixture, DICT(fixture, { "list", new_list(fixture, 3) }));
	struct pyi_error *error;

	set_modules(fixture, 0, DICT(fixture, { "app", app }));
	error = pyi_containers_find(&fixture->runtime, fixture->reader, &fixture->interpreters,
				    &fixture->type_list, &request, deadline_ns, &fixture->list);
	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	assert_null(fixture->list.items);
	pyi_error_destroy(error);
}

static void test_timeout(void **state)
{
	expect_error(*state, 0, "timeout");
}

/* The last of all tests: once asked to end, it stays so. */
static void test_interrupted(void **state)
{
	pyi_wait_init();
	raise(SIGTERM);
	expect_error(*state, PYI_CLOCK_NEVER, "interrupted");
}

#define IN(test, version, label)                                                                   \
	{                                                                                          \
#test " in " label, test, set_up, tear_down, (void *)(uintptr_t)(version)          \
	}
#define IN_ALL(test)                                                                               \
	IN(test, 0x0307, "3.7"), IN(test, 0x0308, "3.8"), IN(test, 0x030b, "3.11"),                \
		IN(test, 0x030c, "3.12"), IN(test, 0x030d, "3.13")

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_names),
		IN_ALL(test_wanted),
		IN_ALL(test_several),
		IN_ALL(test_wrapper),
		IN_ALL(test_circles),
		IN_ALL(test_broken),
		IN(test_too_many, 0x030b, "3.11"),
		IN(test_timeout, 0x030b, "3.11"),
		IN(test_interrupted, 0x030b, "3.11"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
