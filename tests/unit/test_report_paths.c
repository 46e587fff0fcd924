/*
 * Tests of the reports of path and top-objects, rendered into memory, and of the data below them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/paths.h"
#include "report_fixture.h"

struct fixture {
	struct pyi_envelope envelope;
	struct pyi_paths paths;
	struct pyi_large_objects objects;
	uint64_t skipped;
	char *text;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->envelope = report_envelope("path");
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_paths_deinit(&fixture->paths);
	pyi_large_objects_deinit(&fixture->objects);
	/* Safe on what they leave behind. */
	pyi_paths_deinit(&fixture->paths);
	pyi_large_objects_deinit(&fixture->objects);
	free(fixture->text);
	free(fixture);
	return 0;
}

static struct pyi_path *add_path(struct fixture *fixture, const char *expression)
{
	struct pyi_paths *paths = &fixture->paths;
	struct pyi_path *path;

	paths->paths = reallocarray(paths->paths, paths->count + 1, sizeof(*paths->paths));
	path = &paths->paths[paths->count++];
	*path = (struct pyi_path){ .expression = strdup(expression) };
	return path;
}

static struct pyi_path_step *add_step(struct pyi_path *path, enum pyi_step_kind kind,
				      const char *edge, const char *type, uint64_t addr)
{
	struct pyi_path_step *step;

	path->steps = reallocarray(path->steps, path->step_count + 1, sizeof(*path->steps));
	step = &path->steps[path->step_count++];
	*step = (struct pyi_path_step){
		.addr = addr,
		.kind = kind,
		.edge = strdup(edge),
		.type = strdup(type),
	};
	return step;
}

static void add_usual_path(struct fixture *fixture)
{
	struct pyi_path *path;

	fixture->paths.type = strdup("slip.Sender");
	path = add_path(fixture, "sys.modules['slip.dbus.service'].Object.senders{*}");
	add_step(path, PYI_STEP_ROOT, "sys.modules", "dict", 0x7f3c00)->name =
		strdup("sys.modules");
	add_step(path, PYI_STEP_ITEM, "['slip.dbus.service']", "module", 0x7f3c10)->key_addr =
		0x7f3cff;
	add_step(path, PYI_STEP_ATTRIBUTE, ".Object", "type", 0x7f3c20)->name = strdup("Object");
	add_step(path, PYI_STEP_ATTRIBUTE, ".senders", "set", 0x7f3c30)->name = strdup("senders");
	add_step(path, PYI_STEP_ELEMENT, "{*}", "slip.Sender", 0x7f3c40);
}

static void add_object(struct pyi_large_object **list, size_t *count,
		       struct pyi_large_object object, const char *type, const char *owner,
		       const char *value)
{
	*list = reallocarray(*list, *count + 1, sizeof(**list));
	object.type = strdup(type);
	object.owner = owner ? strdup(owner) : NULL;
	object.value = value ? strdup(value) : NULL;
	(*list)[(*count)++] = object;
}

static void add_usual_objects(struct fixture *fixture)
{
	struct pyi_large_objects *objects = &fixture->objects;

	fixture->envelope.command = "top-objects";
	objects->objects = 1234567;
	objects->bytes = 98765432;
	add_object(&objects->by_bytes, &objects->by_bytes_count,
		   (struct pyi_large_object){ .addr = 0x7f3c5a102000,
					      .bytes = 41943136,
					      .referents = 2000000,
					      .has_length = true,
					      .length = 1000000 },
		   "dict", "module foo.cache", NULL);
	add_object(&objects->by_bytes, &objects->by_bytes_count,
		   (struct pyi_large_object){ .addr = 0x7f3c5a103000, .bytes = 5000 },
		   "numpy.ndarray", NULL, NULL);
	add_object(&objects->by_referents, &objects->by_referents_count,
		   (struct pyi_large_object){ .addr = 0x7f3c5a104000,
					      .bytes = 100056,
					      .referents = 12500,
					      .has_length = true,
					      .length = 12500 },
		   "list", "instance foo.Session.entries", "['a', 'b', …]");
}

static struct pyi_error *report_paths(FILE *stream, enum pyi_format format, unsigned columns,
				      const struct pyi_envelope *envelope, const void *data)
{
	const struct fixture *fixture = data;

	return pyi_report_paths(stream, format, columns, envelope, &fixture->paths,
				fixture->skipped);
}

static struct pyi_error *report_objects(FILE *stream, enum pyi_format format, unsigned columns,
					const struct pyi_envelope *envelope, const void *data)
{
	const struct fixture *fixture = data;

	return pyi_report_large_objects(stream, format, columns, envelope, &fixture->objects,
					fixture->skipped);
}

static void render(struct fixture *fixture, report_function *report, enum pyi_format format,
		   unsigned columns)
{
	free(fixture->text);
	fixture->text = report_render(report, format, columns, &fixture->envelope, fixture);
}

static void test_path_table(void **state)
{
	struct fixture *fixture = *state;

	add_usual_path(fixture);
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"Shortest path from a root to an instance of slip.Sender and its subclasses\n"
		"\n"
		"sys.modules['slip.dbus.service'].Object.senders{*}\n"
		"\n"
		"  EDGE                   TYPE         ADDRESS\n"
		"  sys.modules            dict         0x7f3c00\n"
		"  ['slip.dbus.service']  module       0x7f3c10\n"
		"  .Object                type         0x7f3c20\n"
		"  .senders               set          0x7f3c30\n"
		"  {*}                    slip.Sender  0x7f3c40\n"
		"\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
}

static struct pyi_way *add_way(struct pyi_way_list *list, enum pyi_way_start start,
			       const char *expression)
{
	struct pyi_way *way;

	list->items = reallocarray(list->items, list->count + 1, sizeof(*list->items));
	way = &list->items[list->count++];
	*way = (struct pyi_way){ .expression = strdup(expression),
				 .start = start,
				 .example_addr = 0x7f3c50 };
	return way;
}

/* Two ways, and one besides, to 30,002 senders. */
static void add_usual_ways(struct fixture *fixture)
{
	struct pyi_paths *paths = &fixture->paths;
	struct pyi_way *way;

	add_usual_path(fixture);
	paths->instances = 30002;
	paths->freed_objects = 60004;
	paths->freed_bytes = 12345678;
	way = add_way(&paths->ways, PYI_WAY_ROOT, "app.CACHE[*][1]");
	way->instances = 30000;
	way->retained_bytes = 12340000;
	way->example_addr = 0x7f3c40;
	way->example = paths->paths[0];
	paths->count = 0;
	way = add_way(&paths->ways, PYI_WAY_UNREACHED, "held by nothing: app.Knot");
	way->instances = 2;
	way->retained_bytes = 5678;
	way = add_way(&paths->also, PYI_WAY_ROOT, "app.BUS.subs['done'][*] closure s");
	way->references = 30000;
	way->example_addr = 0x7f3c40;
}

static void test_ways_table(void **state)
{
	struct fixture *fixture = *state;

	add_usual_ways(fixture);
	fixture->paths.held_instances = 1;
	fixture->paths.held_references = 3;
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"Ways from the roots to 30,002 instances of slip.Sender and its subclasses;\n"
		"  without them 12,345,678 bytes would be freed\n"
		"\n"
		"OBJECTS    RETAINED  THROUGH\n"
		" 30,000  12,340,000  app.CACHE[*][1]\n"
		"      2       5,678  held by nothing: app.Knot\n"
		"\n"
		"One object of the first:\n"
		"\n"
		"sys.modules['slip.dbus.service'].Object.senders{*}\n"
		"\n"
		"  EDGE                   TYPE         ADDRESS\n"
		"  sys.modules            dict         0x7f3c00\n"
		"  ['slip.dbus.service']  module       0x7f3c10\n"
		"  .Object                type         0x7f3c20\n"
		"  .senders               set          0x7f3c30\n"
		"  {*}                    slip.Sender  0x7f3c40\n"
		"\n"
		"REFERENCES  ALSO THROUGH\n"
		"    30,000  app.BUS.subs['done'][*] closure s\n"
		"\n"
		"1 of them is also held by C code: 3 references that no object explains\n"
		"held by nothing: garbage that no collection has freed yet, or what holds it is\n"
		"  not seen\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
	assert_lacks(fixture->text, "No path was found");
	fixture->paths.crowded = fixture->paths.estimated = true;
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "without them ~12,345,678 bytes");
	assert_has(fixture->text, "\nwarning: there were too many different ways");
	assert_narrow(fixture->text, 80);
	assert_schema(report_paths, &fixture->envelope, fixture);
	assert_full_disk(report_paths, &fixture->envelope, fixture);
}

static void test_ways_of_an_object(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_paths *paths = &fixture->paths;

	paths->address = 0x7f3c40;
	paths->instances = 1;
	paths->freed_objects = 7;
	paths->freed_bytes = 1234;
	(void)add_way(&paths->ways, PYI_WAY_HELD, "held by C code: app.Knot\x1b");
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, "No path was found");
	assert_lacks(fixture->text, "garbage");
	assert_has(fixture->text, "\nNo path from a root: held by C code: app.Knot\\x1b\n");
	assert_has(fixture->text, "\nheld by C code: it has references that no object explains\n");
	assert_has(fixture->text, "\nwith it 7 objects of 1,234 bytes would be freed");
	assert_narrow(fixture->text, 80);
	assert_schema(report_paths, &fixture->envelope, fixture);
}

static void test_ways_of_many(void **state)
{
	struct fixture *fixture = *state;
	char name[32];
	char wide[200];

	memset(wide, 'w', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	add_usual_ways(fixture);
	fixture->paths.ways.other_ways = 100;
	for (int w = 0; w < 30; w++) {
		snprintf(name, sizeof(name), "app.way%d", w);
		(void)add_way(&fixture->paths.ways, PYI_WAY_ROOT, name);
	}
	(void)add_way(&fixture->paths.also, PYI_WAY_ROOT, wide);
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "app.way17\n… 112 more\n");
	assert_lacks(fixture->text, "app.way18");
	assert_narrow(fixture->text, 80);
	render(fixture, report_paths, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text, "app.way29");
	assert_schema(report_paths, &fixture->envelope, fixture);
}

/* Those of the same name are one, also if their types differ; the most bytes come first. */
static void test_ways_are_merged(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_way_list *list = &fixture->paths.ways;
	static const struct {
		const char *name;
		enum pyi_way_start start;
		uint64_t instances;
		uint64_t bytes;
	} ways[] = { { "a", PYI_WAY_ROOT, 1, 100 },	   { "b", PYI_WAY_ROOT, 2, 150 },
		     { "a", PYI_WAY_ROOT, 3, 100 },	   { "a", PYI_WAY_HELD, 4, 150 },
		     { "c", PYI_WAY_ROOT, 5, UINT64_MAX }, { "c", PYI_WAY_ROOT, 6, 1 } };

	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		struct pyi_way *way = add_way(list, ways[w].start, ways[w].name);

		way->instances = ways[w].instances;
		way->retained_bytes = ways[w].bytes;
	}
	pyi_ways_merge(list, 3);
	assert_int_equal(list->count, 3);
	assert_string_equal(list->items[0].expression, "c");
	assert_int_equal(list->items[0].instances, 11);
	assert_true(list->items[0].retained_bytes == UINT64_MAX);
	assert_string_equal(list->items[1].expression, "a");
	assert_int_equal(list->items[1].start, PYI_WAY_ROOT);
	assert_int_equal(list->items[1].instances, 4);
	assert_int_equal(list->items[2].start, PYI_WAY_HELD);
	assert_int_equal(list->other_ways, 1);
	assert_int_equal(list->other_instances, 2);
	for (enum pyi_way_start start = PYI_WAY_ROOT; start < PYI_WAY_UNREACHED; start++)
		assert_string_not_equal(pyi_way_start_name(start), pyi_way_start_name(start + 1));
}

static void test_path_table_of_several(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_path *path;

	add_usual_path(fixture);
	path = add_path(fixture, "<frame main> local x");
	add_step(path, PYI_STEP_ROOT, "frame", "frame", 0);
	add_step(path, PYI_STEP_LOCAL, "local x", "slip.Sender", 0x7f3c50)->internal = true;
	fixture->paths.exact = true;
	fixture->skipped = 2;
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "Shortest paths from the roots to 2 instances of slip.Sender "
				  "without its\n  subclasses\n");
	assert_has(fixture->text, "  0x7f3c40\n\n<frame main> local x\n\n  EDGE");
	assert_has(fixture->text, "\n  frame      frame        -\n");
	assert_has(fixture->text, "\n  local x *  slip.Sender  0x7f3c50\n");
	assert_has(fixture->text, "\n*: real, but gc.get_referents() does not know of it\n");
	assert_has(fixture->text, "\nwarning: objects that could not be visited: 2\n");
}

static void test_path_of_an_object(void **state)
{
	struct fixture *fixture = *state;

	fixture->paths.address = 0x7f3c40;
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\nShortest path from a root to the object at 0x7f3c40\n\n");
	assert_has(fixture->text, "\nNo path was found: what there is is held only by C code or");
	assert_narrow(fixture->text, 80);
	assert_schema(report_paths, &fixture->envelope, fixture);
}

static void test_path_narrow(void **state)
{
	struct fixture *fixture = *state;
	char name[301];
	struct pyi_path *path;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	add_usual_path(fixture);
	for (unsigned columns = 1; columns < 80; columns++)
		render(fixture, report_paths, PYI_FORMAT_TABLE, columns);

	/* Whichever is too long, the other keeps its room. */
	path = &fixture->paths.paths[0];
	add_step(path, PYI_STEP_ATTRIBUTE, name, "int", UINT64_MAX);
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_narrow(fixture->text, 80);
	assert_has(fixture->text, "n  int          0xffffffffffffffff\n");
	add_step(path, PYI_STEP_ATTRIBUTE, name, name, UINT64_MAX);
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_narrow(fixture->text, 80);
	render(fixture, report_paths, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, name);
	assert_lacks(fixture->text, "…");

	/* A long expression is in one piece, but not longer than some lines. */
	path = add_path(fixture, name);
	add_step(path, PYI_STEP_ATTRIBUTE, ".a", name, 1);
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, name);
	free(path->expression);
	assert_true(asprintf(&path->expression, "%s%s", name, name) > 0);
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, path->expression);
	assert_narrow(fixture->text, 320);
}

static void test_path_long(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_path *path = add_path(fixture, "sys.modules");
	char type[32];

	for (unsigned i = 0; i < 5041; i++) {
		snprintf(type, sizeof(type), "type%u.", i);
		add_step(path, PYI_STEP_ATTRIBUTE, ".next", type, i + 1);
	}
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text,
		   " type19.    0x14\n  … 5,001 more steps\n  .next  type5021.  0x139e\n");
	assert_has(fixture->text, " type5040.  0x13b1\n");
	render(fixture, report_paths, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, " type2500.  ");
	assert_lacks(fixture->text, "more steps");
	render(fixture, report_paths, PYI_FORMAT_JSON, 80);
	assert_has(fixture->text, "\"type2500.\"");
}

static void test_path_escapes(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_path *path = add_path(fixture, "a\n\x1b[2J\xff");

	fixture->paths.type = strdup("t\a");
	add_step(path, PYI_STEP_ATTRIBUTE, ".b\r", "c\b", 1)->name = strdup("\xff");
	render(fixture, report_paths, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\na\\x0a\\x1b[2J\\xff\n");
	assert_has(fixture->text, "\n  .b\\x0d  c\\x08  0x1\n");
	assert_has(fixture->text, " t\\x07 ");
	assert_schema(report_paths, &fixture->envelope, fixture);
}

static void test_path_json(void **state)
{
	struct fixture *fixture = *state;
	const cJSON *path;
	const cJSON *step;
	cJSON *json;

	add_usual_path(fixture);
	add_step(&fixture->paths.paths[0], PYI_STEP_INDEX, "[3]", "str", 0x7f3c60)->index = 3;
	fixture->skipped = 5;
	render(fixture, report_paths, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	assert_text(at(json, "result", "type"), "slip.Sender");
	assert_true(cJSON_IsFalse(at(json, "result", "exact")));
	assert_true(cJSON_IsNull(at(json, "result", "address")));
	assert_number(at(json, "result", "skipped"), 5);
	path = nth(at(json, "result", "paths"), 0);
	assert_text(at(path, "address", NULL), "0x7f3c60");
	assert_text(at(path, "type", NULL), "str");
	assert_number(at(path, "length", NULL), 6);
	assert_text(at(path, "expression", NULL),
		    "sys.modules['slip.dbus.service'].Object.senders{*}");
	step = nth(at(path, "steps", NULL), 0);
	assert_text(at(step, "kind", NULL), "root");
	assert_text(at(step, "name", NULL), "sys.modules");
	assert_false(cJSON_HasObjectItem(step, "index"));
	step = nth(at(path, "steps", NULL), 1);
	assert_text(at(step, "kind", NULL), "item");
	assert_text(at(step, "key_address", NULL), "0x7f3cff");
	assert_text(at(step, "edge", NULL), "['slip.dbus.service']");
	assert_text(at(step, "address", NULL), "0x7f3c10");
	assert_false(cJSON_HasObjectItem(step, "name"));
	step = nth(at(path, "steps", NULL), 5);
	assert_text(at(step, "kind", NULL), "index");
	assert_number(at(step, "index", NULL), 3);
	assert_true(cJSON_IsFalse(at(step, "internal", NULL)));
	cJSON_Delete(json);
	assert_schema(report_paths, &fixture->envelope, fixture);
	assert_full_disk(report_paths, &fixture->envelope, fixture);
}

/* Every kind has a name of its own, which the schema knows. */
static void test_step_kinds(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_path *path = add_path(fixture, "x");

	for (enum pyi_step_kind kind = PYI_STEP_ROOT; kind <= PYI_STEP_INTERNAL; kind++) {
		for (enum pyi_step_kind other = PYI_STEP_ROOT; other < kind; other++)
			assert_string_not_equal(pyi_step_kind_name(kind),
						pyi_step_kind_name(other));
		add_step(path, kind, "x", "int", 1);
	}
	assert_schema(report_paths, &fixture->envelope, fixture);
}

static void test_objects_table(void **state)
{
	struct fixture *fixture = *state;

	add_usual_objects(fixture);
	render(fixture, report_objects, PYI_FORMAT_TABLE, 80);
	assert_string_equal(
		fixture->text,
		"PID 871, Python 3.11.2, /usr/bin/python3.11\n"
		"The biggest of 1,234,567 objects of 98,765,432 bytes\n"
		"\n"
		"The largest\n"
		"     BYTES  REFERENTS     LENGTH         ADDRESS  TYPE\n"
		"41,943,136  2,000,000  1,000,000  0x7f3c5a102000  dict  in module foo.cache\n"
		"     5,000          0          -  0x7f3c5a103000  numpy.ndarray\n"
		"\n"
		"With the most referents\n"
		"  BYTES  REFERENTS  LENGTH         ADDRESS  TYPE\n"
		"100,056     12,500  12,500  0x7f3c5a104000  list\n"
		"                                              in instance foo.Session.entries\n"
		"                                              = ['a', 'b', …]\n"
		"\n"
		"in: the first thing with a name that was found to hold the object; there may be\n"
		"  others\n"
		"what keeps the first: pyinspect 871 path 0x7f3c5a102000\n"
		"paused 0.4 ms (longest 0.4 ms), snapshot 93 ms, elapsed 101 ms, target "
		"unchanged\n");
	assert_narrow(fixture->text, 80);
	render(fixture, report_objects, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "  list  in instance foo.Session.entries\n");
	for (unsigned columns = 1; columns < 80; columns++)
		render(fixture, report_objects, PYI_FORMAT_TABLE, columns);
}

static void test_objects_escapes(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_large_objects *objects = &fixture->objects;

	fixture->envelope.command = "top-objects";
	add_object(&objects->by_bytes, &objects->by_bytes_count,
		   (struct pyi_large_object){ .addr = UINT64_MAX,
					      .bytes = UINT64_MAX,
					      .referents = UINT64_MAX,
					      .has_length = true,
					      .length = UINT64_MAX },
		   "a\n", "b\x1b[2J", "'\xff\r'");
	render(fixture, report_objects, PYI_FORMAT_TABLE, 0);
	assert_has(fixture->text, "  0xffffffffffffffff  a\\x0a  in b\\x1b[2J\n");
	assert_has(fixture->text, "  = '\\xff\\x0d'\n");
	assert_schema(report_objects, &fixture->envelope, fixture);
}

static void test_objects_estimated(void **state)
{
	struct fixture *fixture = *state;

	add_usual_objects(fixture);
	render(fixture, report_objects, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, "~");
	fixture->objects.by_bytes[1].estimated = true;
	render(fixture, report_objects, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\n41,943,136  2,000,000  ");
	assert_has(fixture->text, "~5,000  ");
	assert_has(fixture->text, "\n~: an estimate; the type has a __sizeof__ of its own\n");
	render(fixture, report_objects, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text,
		   "\"bytes\":5000,\"referents\":0,\"length\":null,\"estimated\":true,");
	assert_lacks(fixture->text, "\"length\":1000000,\"estimated\"");
	assert_schema(report_objects, &fixture->envelope, fixture);
}

static void test_objects_json(void **state)
{
	struct fixture *fixture = *state;
	const cJSON *row;
	cJSON *json;

	add_usual_objects(fixture);
	fixture->skipped = 1;
	render(fixture, report_objects, PYI_FORMAT_JSON, 80);
	json = parse(fixture->text);
	assert_number(at(json, "result", "objects"), 1234567);
	assert_number(at(json, "result", "bytes"), 98765432);
	assert_number(at(json, "result", "skipped"), 1);
	row = nth(at(json, "result", "largest"), 0);
	assert_text(at(row, "address", NULL), "0x7f3c5a102000");
	assert_text(at(row, "type", NULL), "dict");
	assert_number(at(row, "bytes", NULL), 41943136);
	assert_number(at(row, "referents", NULL), 2000000);
	assert_number(at(row, "length", NULL), 1000000);
	assert_text(at(row, "owner", NULL), "module foo.cache");
	assert_false(cJSON_HasObjectItem(row, "value"));
	row = nth(at(json, "result", "largest"), 1);
	assert_true(cJSON_IsNull(at(row, "length", NULL)));
	assert_true(cJSON_IsNull(at(row, "owner", NULL)));
	row = nth(at(json, "result", "most_referents"), 0);
	assert_text(at(row, "value", NULL), "['a', 'b', …]");
	cJSON_Delete(json);
	assert_schema(report_objects, &fixture->envelope, fixture);
	assert_full_disk(report_objects, &fixture->envelope, fixture);
	render(fixture, report_objects, PYI_FORMAT_NDJSON, 80);
	assert_has(fixture->text,
		   "\n{\"kind\":\"object\",\"list\":\"most_referents\",\"address\":");
}

static void test_objects_empty(void **state)
{
	struct fixture *fixture = *state;

	fixture->envelope.command = "top-objects";
	render(fixture, report_objects, PYI_FORMAT_TABLE, 80);
	assert_has(fixture->text, "\nThe biggest of 0 objects of 0 bytes\n\npaused ");
	assert_lacks(fixture->text, "what keeps");
	assert_schema(report_objects, &fixture->envelope, fixture);

	/* Of a list that was not asked for nothing is said. */
	add_usual_objects(fixture);
	fixture->objects.by_bytes_count = 0;
	render(fixture, report_objects, PYI_FORMAT_TABLE, 80);
	assert_lacks(fixture->text, "The largest");
	assert_has(fixture->text, "what keeps the first: pyinspect 871 path 0x7f3c5a104000\n");
	fixture->objects.by_bytes_count = 2;
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_path_table),	      WITH_FIXTURE(test_path_table_of_several),
		WITH_FIXTURE(test_path_of_an_object), WITH_FIXTURE(test_path_narrow),
		WITH_FIXTURE(test_path_long),	      WITH_FIXTURE(test_path_escapes),
		WITH_FIXTURE(test_ways_table),	      WITH_FIXTURE(test_ways_of_an_object),
		WITH_FIXTURE(test_ways_of_many),      WITH_FIXTURE(test_ways_are_merged),
		WITH_FIXTURE(test_path_json),	      WITH_FIXTURE(test_step_kinds),
		WITH_FIXTURE(test_objects_table),     WITH_FIXTURE(test_objects_escapes),
		WITH_FIXTURE(test_objects_estimated), WITH_FIXTURE(test_objects_json),
		WITH_FIXTURE(test_objects_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
