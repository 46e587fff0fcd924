/*
 * A reader of the few statements that pictures are made of.
 */
#include "dot_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/plain_text.h"
#include "base/utf8.h"

static const char head[] =
	"digraph pyinspect {\n"
	"  graph [rankdir=LR, labelloc=t, labeljust=l, fontname=\"monospace\"];\n"
	"  node [shape=box, fontname=\"monospace\"];\n"
	"  edge [fontname=\"monospace\"];\n";

static void expect(const char **at, const char *expected)
{
	if (strncmp(*at, expected, strlen(expected)) != 0)
		fail_msg("\"%s\" expected at: %.200s", expected, *at);
	*at += strlen(expected);
}

static bool take_if(const char **at, const char *expected)
{
	bool there = strncmp(*at, expected, strlen(expected)) == 0;

	if (there)
		*at += strlen(expected);
	return there;
}

/* Inside of quotes: characters that may be shown, escapes of ours and no other one. */
static size_t skip_string(const char **at)
{
	const char *begin = *at;

	while (**at != '"') {
		uint32_t code_point;
		size_t length;

		if (take_if(at, "\\\\") || take_if(at, "\\\"") || take_if(at, "\\n") ||
		    take_if(at, "\\l") || take_if(at, "&amp;"))
			continue;
		length = pyi_utf8_decode(*at, SIZE_MAX, &code_point);
		if (!length || !pyi_plain_text_is_shown(code_point) || **at == '\\' || **at == '&')
			fail_msg("not to be in a string: %.200s", *at);
		*at += length;
	}
	return (size_t)(*at - begin);
}

/* The number of a node that must be there. */
static size_t skip_node(const char **at, size_t nodes)
{
	unsigned long number;
	int length = 0;

	assert_int_equal(sscanf(*at, "n%lu%n", &number, &length), 1);
	assert_true(number < nodes);
	*at += length;
	return number;
}

static void skip_style(const char **at)
{
	expect(at, "\"");
	(void)(take_if(at, ", style=bold") || take_if(at, ", style=dashed") ||
	       take_if(at, ", style=dotted") || take_if(at, ", shape=plaintext"));
	expect(at, "];\n");
}

struct dot_counts assert_dot(const char *text)
{
	struct dot_counts counts = { 0 };

	expect(&text, head);
	while (take_if(&text, "  n")) {
		size_t length;
		size_t number;

		text--;
		number = skip_node(&text, counts.nodes + 1);
		if (take_if(&text, " -> ")) {
			assert_true(number < counts.nodes);
			skip_node(&text, counts.nodes);
			counts.edges++;
		} else {
			assert_int_equal(number, counts.nodes);
			counts.nodes++;
		}
		expect(&text, " [label=\"");
		length = skip_string(&text);
		if (length > counts.longest)
			counts.longest = length;
		skip_style(&text);
	}
	expect(&text, "  label=\"");
	skip_string(&text);
	expect(&text, "\";\n}\n");
	assert_string_equal(text, "");
	return counts;
}
