/*
 * Tests of src/python/types.c and types_choose.c: trees of classes in an invented heap, whole and
 * broken.
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
#include "python/types.h"
#include "tracee/wait.h"

enum {
	HEAP_BYTES = 16 << 20,
	CLASS_LIMIT = 8,
	CROWD = 3000,
	TYPE_LIMIT = 1 << 20,
	FUZZ_ROUNDS = 3000,
	/* Where the table of extensions' types is, behind the one of the interpreter's own. */
	EXTENSIONS_FROM = 200 * 48 + 16,
};

struct fixture {
	struct invented_heap heap;
	struct pyi_runtime runtime;
	struct pyi_memory_reader *reader;
	struct pyi_interpreters interpreters;
	uint64_t weakref_type;
	uint64_t none;
	struct pyi_type_list list;
};

static void *set_up_heap(void **state, size_t size_bytes)
{
	uint32_t version = (uint32_t)(uintptr_t)*state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct invented_heap *heap = &fixture->heap;
	struct pyi_layout layout;

	invented_layout_init(&layout);
	if (version)
		layout = *invented_layout_of(version);
	invented_heap_create(heap, &layout, size_bytes);
	fixture->runtime.layout = &heap->layout;
	fixture->runtime.object_type_addr = heap->object_type;
	fixture->runtime.type_type_addr = heap->type_type;
	fixture->runtime.dict_type_addr = heap->dict_type;
	fixture->runtime.str_type_addr = heap->str_type;
	assert_null(pyi_memory_reader_create_mock(
		(const void *)(uintptr_t)heap->range.start_addr,
		(size_t)(heap->range.end_addr - heap->range.start_addr), heap->range.start_addr,
		&fixture->reader));
	fixture->weakref_type =
		invented_static_type(heap, &(struct invented_type){ .name = "weakref" });
	fixture->none = invented_object(
		heap, invented_static_type(heap, &(struct invented_type){ .name = "NoneType" }),
		layout.object_size);
	*state = fixture;
	return fixture;
}

static int set_up(void **state)
{
	struct fixture *fixture = set_up_heap(state, HEAP_BYTES);

	fixture->interpreters.count = 2;
	for (size_t i = 0; i < fixture->interpreters.count; i++)
		fixture->interpreters.addr[i] =
			invented_raw(&fixture->heap, fixture->heap.layout.interp_size + 1);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_type_list_deinit(&fixture->list);
	pyi_memory_reader_destroy(fixture->reader);
	invented_heap_destroy(&fixture->heap);
	free(fixture);
	return 0;
}

static uint64_t unmapped(const struct fixture *fixture)
{
	return fixture->heap.range.end_addr;
}

/* A class whose mro is itself, `base`'s mro and no more. */
static uint64_t class_of(struct fixture *fixture, const char *module, const char *qualname,
			 uint64_t base)
{
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	uint64_t key = invented_str(heap, "__module__");
	uint64_t value = invented_str(heap, module);
	uint64_t addr = invented_heap_type(heap, &(struct invented_type){ .name = "?" },
					   invented_str(heap, qualname));
	uint64_t base_mro = invented_get(base + layout->type_mro);
	uint64_t mro[CLASS_LIMIT] = { addr };
	size_t count = 1;

	invented_set(addr + layout->type_dict, invented_dict(heap, &key, &value, 1, false));
	for (uint64_t i = 0; base_mro && i < invented_get(base_mro + layout->var_size); i++)
		mro[count++] = invented_get(base_mro + layout->tuple_items + i * 8);
	invented_set(addr + layout->type_mro, invented_tuple(heap, mro, count));
	return addr;
}

static uint64_t weakref_to(struct fixture *fixture, uint64_t object)
{
	uint32_t offset = fixture->heap.layout.weakref_object;
	uint64_t addr = invented_object(&fixture->heap, fixture->weakref_type, offset + 8);

	invented_set(addr + offset, object);
	return addr;
}

/* What tp_subclasses leads to. */
static uint64_t subclasses_dict(struct fixture *fixture, const uint64_t *types, size_t count)
{
	uint64_t *keys = calloc(count + 1, sizeof(*keys));
	uint64_t *values = calloc(count + 1, sizeof(*values));
	uint64_t dict;

	for (size_t i = 0; i < count; i++) {
		keys[i] = invented_int(&fixture->heap, (uint32_t)types[i]);
		values[i] = types[i] ? weakref_to(fixture, types[i]) : 0;
	}
	dict = invented_dict(&fixture->heap, keys, values, count, true);
	free(keys);
	free(values);
	return dict;
}

static void set_subclasses(struct fixture *fixture, uint64_t type, const uint64_t *types,
			   size_t count)
{
	invented_set(type + fixture->heap.layout.type_subclasses,
		     subclasses_dict(fixture, types, count));
}

#define SUBCLASSES(fixture, type, ...)                                                             \
	set_subclasses(fixture, type, (const uint64_t[]){ __VA_ARGS__ },                           \
		       sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void list_types(struct fixture *fixture)
{
	pyi_type_list_deinit(&fixture->list);
	assert_null(pyi_types_list(&fixture->runtime, fixture->reader, &fixture->interpreters,
				   PYI_CLOCK_NEVER, &fixture->list));
	for (size_t i = 1; i < fixture->list.count; i++)
		assert_true(fixture->list.types[i - 1].addr < fixture->list.types[i].addr);
}

static void expect_listed(struct fixture *fixture, uint64_t addr, const char *name)
{
	for (size_t i = 0; i < fixture->list.count; i++) {
		if (fixture->list.types[i].addr != addr)
			continue;
		assert_string_equal(fixture->list.types[i].name, name);
		return;
	}
	fail_msg("%s is not on the list", name);
}

static void test_list(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t object = heap->object_type;
	uint64_t base = class_of(fixture, "app", "Base", object);
	uint64_t left = class_of(fixture, "app", "Left", base);
	uint64_t right = class_of(fixture, "app", "Right", base);
	uint64_t both = class_of(fixture, "app.deep", "Both.Inner", left);

	/* Nothing but what it must know anyway. */
	list_types(fixture);
	assert_int_equal(fixture->list.count, 2);
	expect_listed(fixture, object, "object");
	expect_listed(fixture, heap->type_type, "type");

	SUBCLASSES(fixture, object, heap->type_type, heap->dict_type, base);
	/* One was deleted, one has died. */
	SUBCLASSES(fixture, base, right, 0, fixture->none, left);
	SUBCLASSES(fixture, left, both);
	SUBCLASSES(fixture, right, both);
	list_types(fixture);
	assert_false(fixture->list.truncated);
	assert_int_equal(fixture->list.count, 7);
	expect_listed(fixture, object, "object");
	expect_listed(fixture, heap->type_type, "type");
	expect_listed(fixture, heap->dict_type, "dict");
	expect_listed(fixture, base, "app.Base");
	expect_listed(fixture, left, "app.Left");
	expect_listed(fixture, right, "app.Right");
	expect_listed(fixture, both, "app.deep.Both.Inner");
}

static void test_list_cycle(void **state)
{
	struct fixture *fixture = *state;
	uint64_t first = class_of(fixture, "app", "First", fixture->heap.object_type);
	uint64_t second = class_of(fixture, "app", "Second", first);

	SUBCLASSES(fixture, fixture->heap.object_type, first, first);
	SUBCLASSES(fixture, first, second, first);
	SUBCLASSES(fixture, second, first, fixture->heap.object_type);
	list_types(fixture);
	assert_false(fixture->list.truncated);
	assert_int_equal(fixture->list.count, 4);
}

static void expect_truncated(struct fixture *fixture, size_t count)
{
	list_types(fixture);
	assert_true(fixture->list.truncated);
	assert_int_equal(fixture->list.count, count);
}

static void test_list_broken(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t object = fixture->heap.object_type;
	uint64_t bad = class_of(fixture, "app", "Bad", object);
	uint64_t good = class_of(fixture, "app", "Good", object);
	uint64_t key = invented_int(&fixture->heap, 1);
	uint64_t values[] = { unmapped(fixture), UINT64_MAX, weakref_to(fixture, 0),
			      weakref_to(fixture, unmapped(fixture)), weakref_to(fixture, good) };
	uint64_t keys[] = { key, key, key, key, key };

	/* No weak reference, or one to nowhere: the others are found. */
	for (size_t i = 0; i < 4; i++) {
		uint64_t pair[] = { values[i], values[4] };

		invented_set(object + layout->type_subclasses,
			     invented_dict(&fixture->heap, keys, pair, 2, true));
		expect_truncated(fixture, 3);
		expect_listed(fixture, good, "app.Good");
	}
	/* No dict. */
	SUBCLASSES(fixture, object, bad, good);
	invented_set(bad + layout->type_subclasses, fixture->none);
	expect_truncated(fixture, 4);
	invented_set(bad + layout->type_subclasses, unmapped(fixture));
	expect_truncated(fixture, 4);
	/* A dict that claims to be larger than it can be. */
	SUBCLASSES(fixture, bad, good);
	invented_set(invented_get(invented_get(bad + layout->type_subclasses) + layout->dict_keys) +
			     layout->keys_nentries,
		     UINT64_C(1) << 40);
	expect_truncated(fixture, 4);
	/* `object` itself cannot be read. */
	fixture->runtime.object_type_addr = unmapped(fixture);
	expect_truncated(fixture, 2);
}

/* Wide, deep, and many with one name. */
static void test_list_crowd(void **state)
{
	struct fixture *fixture = *state;
	uint64_t object = fixture->heap.object_type;
	uint64_t *types = calloc(CROWD, sizeof(*types));
	uint64_t *addresses;
	size_t count;
	char *name;

	for (size_t i = 0; i < CROWD; i++)
		types[i] = class_of(fixture, "app", "Row", object);
	set_subclasses(fixture, object, types, CROWD);
	list_types(fixture);
	assert_int_equal(fixture->list.count, CROWD + 2);
	assert_null(pyi_types_choose(&fixture->runtime, fixture->reader, &fixture->list, "Row",
				     true, &addresses, &count, &name));
	assert_int_equal(count, CROWD);
	assert_memory_equal(addresses, types, CROWD * sizeof(*types));
	free(addresses);
	free(name);

	SUBCLASSES(fixture, object, types[0]);
	for (size_t i = 1; i < CROWD; i++)
		SUBCLASSES(fixture, types[i - 1], types[i]);
	list_types(fixture);
	assert_int_equal(fixture->list.count, CROWD + 2);
	free(types);
}

static int set_up_large(void **state)
{
	set_up_heap(state, 128 << 20);
	return 0;
}

/* More types than can be: each word of an array is the ob_type of one. */
static void test_list_limit(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	const struct pyi_layout *layout = &heap->layout;
	size_t count = TYPE_LIMIT + 10;
	uint64_t types = invented_raw(heap, count * 8 + layout->heap_type_size);
	uint64_t weakrefs = invented_raw(heap, count * 8 + layout->weakref_object);
	uint64_t key = invented_int(heap, 1);
	uint64_t *values = calloc(count, sizeof(*values));
	uint64_t *keys = calloc(count, sizeof(*keys));

	for (size_t i = 0; i < count; i++) {
		invented_set(types + i * 8 + layout->object_type, heap->type_type);
		invented_set(weakrefs + i * 8 + layout->weakref_object, types + i * 8);
		values[i] = weakrefs + i * 8;
		keys[i] = key;
	}
	invented_set(heap->object_type + layout->type_subclasses,
		     invented_dict(heap, keys, values, count, true));
	free(values);
	free(keys);
	expect_truncated(fixture, TYPE_LIMIT);
}

/* Gives a static type its place in a table of an interpreter. */
static void set_state(struct fixture *fixture, size_t interpreter, uint64_t from, uint64_t index,
		      uint64_t type, uint64_t subclasses)
{
	const struct pyi_layout *layout = &fixture->heap.layout;
	uint64_t state = fixture->interpreters.addr[interpreter] + layout->interp_static_types +
			 from + (index - 1) * layout->static_type_size;

	invented_set(type + layout->type_flags,
		     invented_get(type + layout->type_flags) | INVENTED_FLAG_STATIC_BUILTIN);
	invented_set(type + layout->type_subclasses, index);
	invented_set(state + layout->static_type_type, type);
	invented_set(state + layout->static_type_subclasses, subclasses);
}

/* Each interpreter knows its own subclasses of the types that all share. */
static void test_list_interpreters(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t object = heap->object_type;
	uint64_t first = class_of(fixture, "first", "Row", object);
	uint64_t second = class_of(fixture, "second", "Row", object);
	uint64_t under = class_of(fixture, "second", "Under", heap->dict_type);
	uint64_t date = invented_static_type(heap, &(struct invented_type){ .name = "date.Date" });
	uint64_t mine = class_of(fixture, "second", "Date", date);
	const uint64_t by_first[] = { heap->dict_type, heap->type_type, first };
	const uint64_t by_second[] = { heap->dict_type, heap->type_type, second, date };

	set_state(fixture, 0, 0, 1, object, subclasses_dict(fixture, by_first, 3));
	set_state(fixture, 1, 0, 1, object, subclasses_dict(fixture, by_second, 4));
	set_state(fixture, 0, 0, 2, heap->type_type, 0);
	set_state(fixture, 1, 0, 2, heap->type_type, 0);
	set_state(fixture, 0, 0, 3, heap->dict_type, 0);
	set_state(fixture, 1, 0, 3, heap->dict_type, subclasses_dict(fixture, &under, 1));
	/* A type that one extension module has, in one interpreter: not in the first table. */
	set_state(fixture, 1, EXTENSIONS_FROM, 1, date, subclasses_dict(fixture, &mine, 1));
	list_types(fixture);
	assert_false(fixture->list.truncated);
	assert_int_equal(fixture->list.count, 8);
	expect_listed(fixture, first, "first.Row");
	expect_listed(fixture, second, "second.Row");
	expect_listed(fixture, under, "second.Under");
	expect_listed(fixture, date, "date.Date");
	expect_listed(fixture, mine, "second.Date");

	/* A number that no interpreter gave. */
	set_state(fixture, 1, EXTENSIONS_FROM, 1, object, 0);
	invented_set(date + heap->layout.type_subclasses, UINT64_MAX);
	expect_truncated(fixture, 7);
	/* Interpreters that cannot be read. */
	fixture->interpreters.addr[0] = unmapped(fixture);
	fixture->interpreters.addr[1] = UINT64_MAX - 100;
	expect_truncated(fixture, 2);
}

static void expect_list_error(struct fixture *fixture, uint64_t deadline_ns, const char *code)
{
	struct pyi_error *error =
		pyi_types_list(&fixture->runtime, fixture->reader, &fixture->interpreters,
			       deadline_ns, &fixture->list);

	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	assert_null(fixture->list.types);
	pyi_error_destroy(error);
}

static void test_timeout(void **state)
{
	expect_list_error(*state, 0, "timeout");
}

/* The last of all tests: once asked to end, it stays so. */
static void test_interrupted(void **state)
{
	pyi_wait_init();
	raise(SIGTERM);
	expect_list_error(*state, PYI_CLOCK_NEVER, "interrupted");
}

/* Services as in python-slip, and what else can have their names. */
struct services {
	uint64_t dbus;
	uint64_t slip;
	uint64_t app;
	uint64_t other;
	uint64_t twins[2];
	uint64_t below;
	uint64_t local;
};

static struct services make_services(struct fixture *fixture)
{
	uint64_t object = fixture->heap.object_type;
	struct services all;

	all.dbus = class_of(fixture, "dbus.service", "Object", object);
	all.slip = class_of(fixture, "slip.dbus.service", "Object", all.dbus);
	all.app = class_of(fixture, "fw", "FirewallD", all.slip);
	all.other = class_of(fixture, "fw", "Other", object);
	all.twins[0] = class_of(fixture, "fw", "Twin", all.other);
	all.twins[1] = class_of(fixture, "fw", "Twin", object);
	all.below = class_of(fixture, "fw", "Below", all.twins[1]);
	all.local = class_of(fixture, "fw", "make.<locals>.Local", object);
	SUBCLASSES(fixture, object, all.dbus, all.other, all.twins[1], all.local,
		   fixture->heap.dict_type);
	SUBCLASSES(fixture, all.dbus, all.slip);
	SUBCLASSES(fixture, all.slip, all.app);
	SUBCLASSES(fixture, all.other, all.twins[0]);
	SUBCLASSES(fixture, all.twins[1], all.below);
	list_types(fixture);
	assert_int_equal(fixture->list.count, 11);
	return all;
}

static void expect_choice(struct fixture *fixture, const char *wanted, bool exact, const char *name,
			  const uint64_t *types, size_t count)
{
	uint64_t *addresses;
	size_t found;
	char *found_name;

	assert_null(pyi_types_choose(&fixture->runtime, fixture->reader, &fixture->list, wanted,
				     exact, &addresses, &found, &found_name));
	assert_string_equal(found_name, name);
	assert_int_equal(found, count);
	assert_memory_equal(addresses, types, count * sizeof(*types));
	free(addresses);
	free(found_name);
}

#define EXPECT_CHOICE(fixture, wanted, exact, name, ...)                                           \
	expect_choice(fixture, wanted, exact, name, (const uint64_t[]){ __VA_ARGS__ },             \
		      sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void test_choose(void **state)
{
	struct fixture *fixture = *state;
	struct services all = make_services(fixture);

	EXPECT_CHOICE(fixture, "slip.dbus.service.Object", true, "slip.dbus.service.Object",
		      all.slip);
	EXPECT_CHOICE(fixture, "slip.dbus.service.Object", false, "slip.dbus.service.Object",
		      all.slip, all.app);
	/* The full name of one, and the end of another's. */
	EXPECT_CHOICE(fixture, "dbus.service.Object", true, "dbus.service.Object", all.dbus);
	EXPECT_CHOICE(fixture, "dbus.service.Object", false, "dbus.service.Object", all.dbus,
		      all.slip, all.app);
	EXPECT_CHOICE(fixture, "dict", false, "dict", fixture->heap.dict_type);
	/* Bare names. */
	EXPECT_CHOICE(fixture, "FirewallD", false, "fw.FirewallD", all.app);
	EXPECT_CHOICE(fixture, "Local", false, "fw.make.<locals>.Local", all.local);
	EXPECT_CHOICE(fixture, "make.<locals>.Local", false, "fw.make.<locals>.Local", all.local);
	/* All types of a name, each once. */
	EXPECT_CHOICE(fixture, "Twin", true, "fw.Twin", all.twins[0], all.twins[1]);
	EXPECT_CHOICE(fixture, "fw.Twin", false, "fw.Twin", all.twins[0], all.twins[1], all.below);
	EXPECT_CHOICE(fixture, "fw.Other", false, "fw.Other", all.other, all.twins[0]);
}

static void expect_no_choice(struct fixture *fixture, const char *wanted, const char *code,
			     const char *hint)
{
	uint64_t *addresses;
	size_t count;
	char *name;
	struct pyi_error *error =
		pyi_types_choose(&fixture->runtime, fixture->reader, &fixture->list, wanted, false,
				 &addresses, &count, &name);

	assert_non_null(error);
	assert_string_equal(pyi_error_code_name(error->code), code);
	assert_int_equal(error->exit, PYI_EXIT_FAILED);
	if (hint)
		assert_string_equal(error->hint, hint);
	else
		assert_null(error->hint);
	pyi_error_destroy(error);
}

static void test_choose_errors(void **state)
{
	struct fixture *fixture = *state;
	struct services all = make_services(fixture);
	char longest[4000];

	expect_no_choice(fixture, "Object", "ambiguous-type",
			 "give one of: dbus.service.Object, slip.dbus.service.Object");
	expect_no_choice(fixture, "service.Object", "ambiguous-type",
			 "give one of: dbus.service.Object, slip.dbus.service.Object");
	/* Misspelt, in another module, part of a name. */
	expect_no_choice(fixture, "FirewalD", "no-such-type", "similar names: fw.FirewallD");
	expect_no_choice(fixture, "firewalld", "no-such-type", "similar names: fw.FirewallD");
	expect_no_choice(fixture, "slip.dbus.servise.Object", "no-such-type",
			 "similar names: slip.dbus.service.Object, object, dbus.service.Object");
	expect_no_choice(fixture, "fw.Twn", "no-such-type", "similar names: fw.Twin");
	expect_no_choice(fixture, "app.FirewallD", "no-such-type", "similar names: fw.FirewallD");
	expect_no_choice(fixture, "WALL", "no-such-type", "similar names: fw.FirewallD");
	/* An end of a name, but not from a dot on. */
	expect_no_choice(fixture, "win", "no-such-type", "similar names: fw.Twin");
	expect_no_choice(fixture, "Nothing", "no-such-type", NULL);
	expect_no_choice(fixture, "", "no-such-type", NULL);
	expect_no_choice(fixture, ".", "no-such-type", NULL);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	expect_no_choice(fixture, longest, "no-such-type", NULL);
	/* Too long to be compared, even if it is nearly right. */
	longest[200] = '\0';
	SUBCLASSES(fixture, all.below, class_of(fixture, "fw", longest, all.below));
	list_types(fixture);
	longest[199] = 'y';
	expect_no_choice(fixture, longest, "no-such-type", NULL);
}

/* A hint does not fill the screen. */
static void test_choose_ambiguous_crowd(void **state)
{
	struct fixture *fixture = *state;
	uint64_t types[30];
	char expected[500] = "give one of: ";

	for (size_t i = 0; i < 30; i++) {
		char module[16];

		snprintf(module, sizeof(module), "m%02zu", i / 2 * 2);
		types[i] = class_of(fixture, module, "Row", fixture->heap.object_type);
	}
	set_subclasses(fixture, fixture->heap.object_type, types, 30);
	list_types(fixture);
	for (size_t i = 0; i < 30; i += 2)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
			 "%sm%02zu.Row", i ? ", " : "", i);
	expect_no_choice(fixture, "Row", "ambiguous-type", expected);
	for (size_t i = 0; i < 30; i++) {
		char module[16];

		snprintf(module, sizeof(module), "m%02zu", i);
		types[i] = class_of(fixture, module, "Row", fixture->heap.object_type);
	}
	set_subclasses(fixture, fixture->heap.object_type, types, 30);
	list_types(fixture);
	snprintf(expected, sizeof(expected), "give one of: ");
	for (size_t i = 0; i < 20; i++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
			 "%sm%02zu.Row", i ? ", " : "", i);
	strcat(expected, " and 10 more");
	expect_no_choice(fixture, "Row", "ambiguous-type", expected);
}

static void test_subclasses(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_layout *layout = &fixture->heap.layout;
	struct services all = make_services(fixture);
	struct pyi_runtime *runtime = &fixture->runtime;
	uint64_t mro = invented_get(all.app + layout->type_mro);

	assert_true(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.dbus));
	assert_true(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.app));
	assert_false(pyi_types_is_subclass(runtime, fixture->reader, all.dbus, all.app));
	assert_false(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.other));
	/* More than it has, no tuple, nothing, nowhere. */
	invented_set(mro + layout->var_size, 0);
	assert_false(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.app));
	invented_set(mro + layout->var_size, UINT64_MAX);
	assert_true(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.dbus));
	invented_set(mro + layout->object_type, fixture->heap.list_type);
	assert_false(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.dbus));
	invented_set(all.app + layout->type_mro, 0);
	assert_false(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.dbus));
	invented_set(all.app + layout->type_mro, unmapped(fixture));
	assert_false(pyi_types_is_subclass(runtime, fixture->reader, all.app, all.dbus));
	assert_false(pyi_types_is_subclass(runtime, fixture->reader, UINT64_MAX, all.dbus));
	/* What was asked for is chosen all the same. */
	EXPECT_CHOICE(fixture, "FirewallD", false, "fw.FirewallD", all.app);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever is wrong with the classes, there is an answer. */
static void test_random(void **state)
{
	struct fixture *fixture = *state;
	struct invented_heap *heap = &fixture->heap;
	uint64_t first = heap->next_addr;
	uint64_t seed = UINT64_C(0x2545f4914f6cdd1d);
	uint8_t *before;
	size_t size;

	make_services(fixture);
	size = (size_t)(heap->next_addr - first);
	before = malloc(size);
	memcpy(before, (const void *)(uintptr_t)first, size);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct pyi_error *error;
		uint64_t *addresses;
		size_t count;
		char *name;

		for (int c = 0; c < 8; c++) {
			uint64_t addr = first + next_random(&seed) % (size / 8) * 8;
			uint64_t value = next_random(&seed);

			if (value % 4 == 0)
				value = first + value % size / 8 * 8;
			else if (value % 4 == 1)
				value = invented_get(addr) ^ UINT64_C(1) << value / 4 % 64;
			else if (value % 4 == 2)
				value %= 100;
			invented_set(addr, value);
		}
		list_types(fixture);
		assert_in_range(fixture->list.count, 2, 20);
		error = pyi_types_choose(&fixture->runtime, fixture->reader, &fixture->list,
					 "slip.dbus.service.Object", false, &addresses, &count,
					 &name);
		if (!error) {
			assert_in_range(count, 1, fixture->list.count);
			free(addresses);
			free(name);
		}
		pyi_error_destroy(error);
		memcpy((void *)(uintptr_t)first, before, size);
	}
	free(before);
}

#define IN(test, version, label)                                                                   \
	{                                                                                          \
#test " in " label, test, set_up, tear_down, (void *)(uintptr_t)(version)          \
	}
#define IN_ALL(test)                                                                               \
	IN(test, 0, "an invented version"), IN(test, 0x0307, "3.7"), IN(test, 0x030a, "3.10"),     \
		IN(test, 0x030b, "3.11"), IN(test, 0x030c, "3.12"), IN(test, 0x030d, "3.13")

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ALL(test_list),
		IN_ALL(test_list_cycle),
		IN_ALL(test_list_broken),
		IN_ALL(test_list_crowd),
		{ "test_list_limit", test_list_limit, set_up_large, tear_down, NULL },
		IN(test_list_interpreters, 0x030c, "3.12"),
		IN(test_list_interpreters, 0x030d, "3.13"),
		IN_ALL(test_choose),
		IN_ALL(test_choose_errors),
		IN(test_choose_ambiguous_crowd, 0x030b, "3.11"),
		IN_ALL(test_subclasses),
		IN_ALL(test_random),
		IN(test_timeout, 0x030b, "3.11"),
		IN(test_interrupted, 0x030b, "3.11"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
