/*
 * Tests of pictures: of path, show, referrers and referents, with names that mean harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dot_text.h"
#include "report/dot.h"
#include "report/object_facts.h"
#include "report/paths.h"
#include "report/referrers.h"
#include "report_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* For data that nobody frees. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))

/* What could end a string, a label or a line, is an escape or entity of dot, or reorders text. */
static const char evil[] = "a\"]; x -> y [label=\"\\N\\\n&lt;&#34;\xe2\x80\xae\x1b[2J\xff<b>{|}";

enum {
	ROUNDS = 2000,
	/* Of a label: lines of so many columns, each up to 5 bytes, and what is between them. */
	LABEL_BYTES = PYI_DOT_LINES * (5 * PYI_DOT_COLUMNS + 2),
};

static struct pyi_path_step usual_steps[] = {
	{ .edge = TEXT("sys.modules"), .type = TEXT("dict"), .addr = 0x10, .internal = true },
	{ .edge = TEXT("['foo']"), .type = TEXT("module"), .addr = 0x20 },
	{ .edge = TEXT(".CACHE"), .type = TEXT("dict"), .addr = 0x30 },
	{ .edge = TEXT("['k']"), .type = TEXT("foo.A"), .addr = 0x40 },
};
static struct pyi_path_step other_steps[] = {
	{ .edge = TEXT("sys.modules"), .type = TEXT("dict"), .addr = 0x10, .internal = true },
	{ .edge = TEXT("['foo']"), .type = TEXT("module"), .addr = 0x20 },
	{ .edge = TEXT(".hook"), .type = TEXT("foo.A"), .addr = 0x50, .internal = true },
};

static struct pyi_error *report_paths(FILE *stream, enum pyi_format format, unsigned columns,
				      const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_paths(stream, format, columns, envelope, data, 0);
}

static struct pyi_error *report_referrers(FILE *stream, enum pyi_format format, unsigned columns,
					  const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_referrers(stream, format, columns, envelope, data);
}

static struct pyi_error *report_object(FILE *stream, enum pyi_format format, unsigned columns,
				       const struct pyi_envelope *envelope, const void *data)
{
	return pyi_report_object_facts(stream, format, columns, envelope, data);
}

static char *draw(report_function *report, const void *data, struct dot_counts *ret_counts)
{
	const struct pyi_envelope envelope = report_envelope("path");
	char *text = report_render(report, PYI_FORMAT_DOT, 40, &envelope, data);

	*ret_counts = assert_dot(text);
	assert_true(ret_counts->longest <= LABEL_BYTES);
	return text;
}

static void test_path(void **state)
{
	struct pyi_path path = { .steps = usual_steps, .step_count = COUNT(usual_steps) };
	struct pyi_way also = { .expression = TEXT("foo.hook"), .references = 1 };
	const struct pyi_paths paths = {
		.address = 0x40,
		.paths = &path,
		.count = 1,
		.instances = 1,
		.freed_objects = 2,
		.freed_bytes = 120,
		.also = { .items = &also, .count = 1 },
	};
	struct dot_counts counts;
	char *text = draw(report_paths, &paths, &counts);

	(void)state;
	assert_int_equal(counts.nodes, 5);
	assert_int_equal(counts.edges, 4);
	assert_has(text, "  n0 [label=\"sys.modules *\\ndict\\n0x10\"];\n");
	assert_has(text, "  n3 [label=\"foo.A\\n0x40\"];\n  n2 -> n3 [label=\"['k']\"];\n");
	assert_has(text, "  n4 [label=\"foo.hook\", shape=plaintext];\n"
			 "  n4 -> n3 [label=\"also 1 reference\", style=dotted];\n");
	assert_has(text, "\\lShortest path from a root to the object at 0x40\\l");
	assert_has(text, "of 120 bytes would be freed");
	free(text);
}

/* Ways that begin alike have these nodes and edges once. */
static void test_merged_paths(void **state)
{
	struct pyi_way ways[] = {
		{ .expression = TEXT("foo.CACHE[*]"),
		  .instances = 30000,
		  .retained_bytes = 5000000,
		  .example = { .steps = usual_steps, .step_count = COUNT(usual_steps) } },
		{ .expression = TEXT("foo.hook"),
		  .instances = 1,
		  .retained_bytes = 100,
		  .example = { .steps = other_steps, .step_count = COUNT(other_steps) } },
		{ .expression = TEXT("foo.LIST[*]"), .instances = 2, .retained_bytes = 7 },
	};
	const struct pyi_paths paths = {
		.type = TEXT("foo.A"),
		.instances = 30003,
		.freed_bytes = 5000107,
		.ways = { .items = ways, .count = COUNT(ways), .other_ways = 4 },
	};
	struct dot_counts counts;
	char *text = draw(report_paths, &paths, &counts);

	(void)state;
	/* The subject; 4 and 1 more steps; an expression; what stands for the others. */
	assert_int_equal(counts.nodes, 1 + 5 + 1 + 1);
	assert_int_equal(counts.edges, 3 + 1 + 3 + 1);
	assert_has(text, "[label=\"foo.A\\n30,003 instances\\n5,000,107 bytes would be freed\", "
			 "style=bold]");
	assert_has(text, "  n4 -> n0 [label=\"one of\\n30,000 objects\\nretained 5,000,000\", "
			 "style=dotted];\n");
	assert_has(text, "  n2 -> n5 [label=\".hook *\", style=dashed];\n");
	assert_has(text, "  n6 [label=\"foo.LIST[*]\", shape=plaintext];\n");
	assert_has(text, " 4 more\", shape=plaintext];\n");
	free(text);
}

/* Of a list with a million links both ends. */
static void test_long_path(void **state)
{
	enum { LENGTH = 100000 };
	struct pyi_path path = { .step_count = LENGTH };
	const struct pyi_paths paths = { .address = 1, .paths = &path, .count = 1 };
	struct dot_counts counts;
	char *text;

	(void)state;
	path.steps = calloc(LENGTH, sizeof(*path.steps));
	for (size_t s = 0; s < LENGTH; s++)
		path.steps[s] = (struct pyi_path_step){ .edge = TEXT(".next"),
							.type = TEXT("Link"),
							.addr = 16 * (s + 1) };
	text = draw(report_paths, &paths, &counts);
	assert_int_equal(counts.nodes, 41);
	assert_int_equal(counts.edges, 40);
	assert_has(text, " 99,960 more steps\"");
	free(text);
	free(path.steps);
}

static void test_object(void **state)
{
	struct pyi_object_link steps[] = {
		{ .edge = TEXT("foo"), .addr = 0x20, .type = TEXT("module"), .bytes = 72 },
		{ .edge = TEXT(".CACHE"), .addr = 0x30, .type = TEXT("dict"), .bytes = 232 },
		{ .edge = TEXT("['k']"), .addr = 0x40, .type = TEXT("foo.A"), .bytes = 48 },
	};
	struct pyi_object_link referrers[] = {
		{ .edge = TEXT("['k']"), .addr = 0x30, .type = TEXT("dict"), .bytes = 232 },
		{ .edge = TEXT("['x']"),
		  .addr = 0x60,
		  .type = TEXT("dict"),
		  .bytes = 104,
		  .owner = TEXT("module bar") },
	};
	struct pyi_object_link referents[] = {
		{ .edge = TEXT(".name"),
		  .addr = 0x70,
		  .type = TEXT("str"),
		  .bytes = 52,
		  .value = TEXT("'a\"b'") },
	};
	char *roots[] = { TEXT("local x of main") };
	const struct pyi_object_facts facts = {
		.object = { .addr = 0x40, .type = TEXT("foo.A"), .bytes = 48 },
		.retained = { .objects = 2, .bytes = 100 },
		.reference_count = 3,
		.explained = 2,
		.held = 1,
		.dominator = { .addr = 0x30, .type = TEXT("dict") },
		.roots = roots,
		.root_count = 1,
		.path_expression = TEXT("foo.CACHE['k']"),
		.path = { .items = steps, .count = 3, .all = 9 },
		.path_gap = 1,
		.referents = { .items = referents, .count = 1, .all = 12 },
		.referrers = { .items = referrers, .count = 2, .all = 2 },
	};
	const struct pyi_object_report report = { .facts = &facts, .complete = true };
	struct dot_counts counts;
	char *text = draw(report_object, &report, &counts);

	(void)state;
	assert_has(text, "  n0 [label=\"foo.A\\n0x40\\n48 bytes\\nretained 100\", style=bold];\n");
	/* Not as if one led to the other. */
	assert_has(text, " 6 more steps\", shape=plaintext];\n  n1 -> n2 [label=\"\", "
			 "style=dotted];\n");
	assert_lacks(text, "n1 -> n3");
	/* The last step is the reference of the first referrer. */
	assert_has(text, "  n3 -> n0 [label=\"['k']\"];\n  n4 [label=\"dict of module bar\\n0x60");
	assert_has(text, "[label=\"str\\n'a\\\"b'\\n0x70\\n52 bytes\"];\n");
	assert_has(text, " 11 more referents\", shape=plaintext];\n");
	assert_has(text, "  n7 [label=\"root: local x of main\", shape=plaintext];\n"
			 "  n7 -> n0 [label=\"\"];\n");
	assert_has(text, "  n3 -> n0 [label=\"alone keeps it\", style=dotted];\n");
	assert_has(text, "\\lreferences: 3; objects and roots explain 2");
	assert_int_equal(counts.nodes, 8);
	assert_int_equal(counts.edges, 8);
	free(text);
}

static void test_groups(void **state)
{
	struct pyi_referrer_group above[] = {
		{ .type = TEXT("type"), .edge = TEXT(".pool"), .objects = 1, .references = 1 },
	};
	struct pyi_referrer_list list = { .groups = above, .count = 1 };
	struct pyi_referrer_group groups[] = {
		{ .type = TEXT("set"),
		  .edge = TEXT("{*}"),
		  .owner = TEXT("foo.A.pool"),
		  .objects = 1,
		  .references = 2000,
		  .bytes = 131288,
		  .example_addr = 0x50,
		  .referrers = &list },
		{ .type = TEXT(""), .edge = TEXT("local x"), .internal = true, .references = 2 },
		{ .type = TEXT("list"), .edge = TEXT("[*]"), .references = 1 },
	};
	const struct pyi_referrers referrers = {
		.type = TEXT("foo.B"),
		.instances = 2000,
		.list = { .groups = groups, .count = COUNT(groups) },
	};
	struct pyi_referrers_report report = { .referrers = &referrers, .limit = 2 };
	struct dot_counts counts;
	char *text = draw(report_referrers, &report, &counts);

	(void)state;
	assert_has(text, "  n0 [label=\"foo.B\\n2,000 instances\", style=bold];\n");
	assert_has(text, "  n1 [label=\"set\\nin foo.A.pool\\n1 object\\n131,288 bytes\\n0x50\"];\n"
			 "  n1 -> n0 [label=\"{*}\\n2,000 references\"];\n"
			 "  n2 [label=\"type\\n1 object\\n0 bytes\"];\n"
			 "  n2 -> n1 [label=\".pool\\n1 reference\"];\n"
			 "  n3 [label=\"root\\n0 objects\\n0 bytes\"];\n"
			 "  n3 -> n0 [label=\"local x *\\n2 references\", style=dashed];\n");
	assert_has(text, " 1 other group\", shape=plaintext];\n"
			 "  n4 -> n0 [label=\"1 reference\", style=dotted];\n");
	free(text);
	report.referents = true;
	groups[0].referrers = NULL;
	text = draw(report_referrers, &report, &counts);
	assert_has(text, "  n1 [label=\"set\\nin foo.A.pool\\n131,288 bytes\"];\n"
			 "  n0 -> n1 [label=\"{*}\\n2,000 references\\nof 1 object\"];\n");
	free(text);
}

/* What the picture of one group is, whatever that is called. */
static char *draw_name(const char *name, struct dot_counts *ret_counts)
{
	struct pyi_referrer_group groups[] = {
		{ .type = TEXT(name), .edge = TEXT(name), .owner = TEXT(name), .references = 1 },
	};
	const struct pyi_referrers referrers = {
		.type = TEXT(name),
		.instances = 1,
		.list = { .groups = groups, .count = 1 },
	};
	const struct pyi_referrers_report report = { .referrers = &referrers };

	return draw(report_referrers, &report, ret_counts);
}

static void test_evil_names(void **state)
{
	struct dot_counts counts;
	char *text = draw_name(evil, &counts);
	char name[64];

	(void)state;
	assert_int_equal(counts.nodes, 2);
	assert_int_equal(counts.edges, 1);
	/* All of it that fits is there, as it is. */
	assert_has(text, "Referrers of ");
	assert_has(text, "a\\\"]; x -> y [label");
	free(text);
	text = draw_name("a\"\\N\n&lt;\xe2\x80\xae\xff", &counts);
	assert_has(text, "[label=\"a\\\"\\\\x5cN\\\\x0a&amp;lt;\\\\xe2\\\\x80\\\\xae\\\\xff\\n");
	free(text);
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		size_t length = (size_t)rand() % (sizeof(name) - 1);

		for (size_t c = 0; c < length; c++)
			name[c] = round % 2 ? "\"\\&;\n]<>lN\xe2\x80\xae"[rand() % 13]
					    : (char)(1 + rand() % 255);
		name[length] = '\0';
		text = draw_name(name, &counts);
		assert_int_equal(counts.nodes, 2);
		free(text);
	}
}

static void test_limits(void **state)
{
	enum { MANY = 3 * PYI_DOT_NODES, LONG = 2000 };
	struct pyi_referrer_group *groups = calloc(MANY, sizeof(*groups));
	char *name = calloc(1, LONG + 1);
	const struct pyi_referrers referrers = {
		.type = name,
		.instances = 1,
		.list = { .groups = groups, .count = MANY },
	};
	const struct pyi_referrers_report report = { .referrers = &referrers };
	struct dot_counts counts;
	char *text;

	(void)state;
	memset(name, '&', LONG);
	for (size_t g = 0; g < MANY; g++)
		groups[g] = (struct pyi_referrer_group){
			.type = name, .edge = name, .owner = name, .references = 1
		};
	text = draw(report_referrers, &report, &counts);
	assert_int_equal(counts.nodes, PYI_DOT_NODES);
	assert_int_equal(counts.edges, PYI_DOT_NODES - 1);
	assert_has(text, "warning: a picture has at most 500 nodes");
	free(text);
	free(groups);
	free(name);
}

/* Edges have a limit of their own; what was left out is said. */
static void test_many_edges(void **state)
{
	const struct pyi_envelope envelope = report_envelope("show");
	struct pyi_dot dot;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	size_t node;

	(void)state;
	pyi_dot_begin(&dot, stream, &envelope);
	node = pyi_dot_put_node(&dot, 0x10, PYI_DOT_USUAL);
	assert_int_equal(pyi_dot_put_node(&dot, 0x10, PYI_DOT_USUAL), node);
	for (int e = 0; e < 2 * PYI_DOT_EDGES; e++) {
		/* Each of them twice. */
		pyi_dot_say(&dot, "%d", e / 2 % (PYI_DOT_EDGES / 2));
		pyi_dot_put_edge(&dot, node, node, PYI_DOT_USUAL);
	}
	assert_false(dot.left_out);
	for (int e = 0; e < 2 * PYI_DOT_EDGES; e++) {
		pyi_dot_say(&dot, "%d", e);
		pyi_dot_put_edge(&dot, node, node, PYI_DOT_USUAL);
	}
	assert_true(dot.left_out);
	/* One line more than there is room for. */
	for (int l = 0; l <= PYI_DOT_LINES; l++)
		pyi_dot_say(&dot, "line %d", l);
	pyi_dot_put_node(&dot, 0, PYI_DOT_USUAL);
	assert_null(pyi_dot_end(&dot, true));
	fclose(stream);
	assert_int_equal(assert_dot(text).edges, PYI_DOT_EDGES);
	assert_has(text, "line 5\"");
	free(text);
}

static void test_failing_output(void **state)
{
	struct pyi_path path = { .steps = usual_steps, .step_count = COUNT(usual_steps) };
	const struct pyi_paths paths = { .address = 0x40, .paths = &path, .count = 1 };
	const struct pyi_envelope envelope = report_envelope("path");

	(void)state;
	for (int buffered = 0; buffered < 2; buffered++) {
		FILE *full = fopen("/dev/full", "w");
		struct pyi_error *error;

		assert_non_null(full);
		if (!buffered)
			setvbuf(full, NULL, _IONBF, 0);
		error = pyi_report_paths(full, PYI_FORMAT_DOT, 0, &envelope, &paths, 0);
		assert_non_null(error);
		assert_string_equal(pyi_error_code_name(error->code), "output-failed");
		pyi_error_destroy(error);
		fclose(full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),	       cmocka_unit_test(test_merged_paths),
		cmocka_unit_test(test_long_path),      cmocka_unit_test(test_object),
		cmocka_unit_test(test_groups),	       cmocka_unit_test(test_evil_names),
		cmocka_unit_test(test_limits),	       cmocka_unit_test(test_many_edges),
		cmocka_unit_test(test_failing_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
