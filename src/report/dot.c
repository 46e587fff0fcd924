/*
 * Writes nodes and edges in the language of Graphviz, each once. Does not lay anything out.
 */
#include "report/dot.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/output.h"

static const char *const node_looks[] = {
	[PYI_DOT_USUAL] = "",
	[PYI_DOT_SUBJECT] = ", style=bold",
	[PYI_DOT_INTERNAL] = ", style=dashed",
	[PYI_DOT_VAGUE] = ", shape=plaintext",
};

static const char *const edge_looks[] = {
	[PYI_DOT_USUAL] = "",
	[PYI_DOT_SUBJECT] = "",
	[PYI_DOT_INTERNAL] = ", style=dashed",
	[PYI_DOT_VAGUE] = ", style=dotted",
};

enum {
	/* "&" becomes "&amp;". */
	LONGEST_REPLACEMENT = 5,
};

/* In strings of dot a backslash begins an escape, and in labels "&" an entity. */
static char *quote(const char *safe)
{
	char *quoted = calloc(strlen(safe) + 1, LONGEST_REPLACEMENT);

	for (char *to = quoted; to && *safe; safe++) {
		if (*safe == '&') {
			to = stpcpy(to, "&amp;");
			continue;
		}
		if (*safe == '"' || *safe == '\\')
			*to++ = '\\';
		*to++ = *safe;
	}
	return quoted;
}

void pyi_dot_begin(struct pyi_dot *dot, FILE *stream, const struct pyi_envelope *envelope)
{
	*dot = (struct pyi_dot){
		.stream = stream,
		.words = { .columns = PYI_TABLE_SENTENCE_COLUMNS, .envelope = envelope },
		.addrs = calloc(PYI_DOT_NODES, sizeof(*dot->addrs)),
		.edges = calloc(PYI_DOT_EDGES, sizeof(*dot->edges)),
	};
	dot->words.stream = open_memstream(&dot->text, &dot->text_bytes);
	/* Somewhere the words must go. */
	if (!dot->words.stream)
		dot->words.stream = stream;
	dot->no_memory = !dot->addrs || !dot->edges || dot->words.stream == stream;
	fputs("digraph pyinspect {\n"
	      "  graph [rankdir=LR, labelloc=t, labeljust=l, fontname=\"monospace\"];\n"
	      "  node [shape=box, fontname=\"monospace\"];\n"
	      "  edge [fontname=\"monospace\"];\n",
	      stream);
}

/* Adds a line that is safe already to the label. */
static bool add_line(struct pyi_dot *dot, const char *safe)
{
	PYI_CLEANUP(pyi_guard_free) char *before = dot->label;
	PYI_CLEANUP(pyi_guard_free) char *line = quote(safe);

	dot->label = NULL;
	if (!line ||
	    asprintf(&dot->label, "%s%s%s", before ? before : "", before ? "\\n" : "", line) < 0) {
		dot->label = NULL;
		return false;
	}
	return true;
}

void pyi_dot_say(struct pyi_dot *dot, const char *format, ...)
{
	PYI_CLEANUP(pyi_guard_free) char *line = NULL;
	PYI_CLEANUP(pyi_guard_free) char *safe = NULL;
	va_list arguments;

	if (dot->no_memory || dot->line_count++ >= PYI_DOT_LINES)
		return;
	va_start(arguments, format);
	if (vasprintf(&line, format, arguments) < 0)
		line = NULL;
	va_end(arguments);
	safe = line ? pyi_output_fit(line, PYI_DOT_COLUMNS) : NULL;
	dot->no_memory = !safe || !add_line(dot, safe);
}

/* The label that was said, which is then the caller's; NULL: none was. */
static char *take_label(struct pyi_dot *dot)
{
	char *label = dot->label;

	dot->label = NULL;
	dot->line_count = 0;
	return label;
}

size_t pyi_dot_put_node(struct pyi_dot *dot, uint64_t addr, enum pyi_dot_look look)
{
	PYI_CLEANUP(pyi_guard_free) char *label = take_label(dot);

	if (dot->no_memory)
		return PYI_DOT_NONE;
	for (size_t n = 0; addr && n < dot->node_count; n++)
		if (dot->addrs[n] == addr)
			return n;
	if (dot->node_count == PYI_DOT_NODES) {
		dot->left_out = true;
		return PYI_DOT_NONE;
	}
	fprintf(dot->stream, "  n%zu [label=\"%s\"%s];\n", dot->node_count, label ? label : "",
		node_looks[look]);
	dot->addrs[dot->node_count] = addr;
	return dot->node_count++;
}

size_t pyi_dot_put_others(struct pyi_dot *dot, uint64_t count, const char *what)
{
	char figure[PYI_TABLE_FIGURE_BYTES];

	pyi_dot_say(dot, "%s %s %s", pyi_output_ellipsis(), pyi_table_figure(figure, count), what);
	return pyi_dot_put_node(dot, 0, PYI_DOT_VAGUE);
}

static bool is_there(const struct pyi_dot *dot, size_t from, size_t to, const char *label)
{
	for (size_t e = 0; e < dot->edge_count; e++)
		if (dot->edges[e].from == from && dot->edges[e].to == to &&
		    strcmp(dot->edges[e].label, label) == 0)
			return true;
	return false;
}

void pyi_dot_put_edge(struct pyi_dot *dot, size_t from, size_t to, enum pyi_dot_look look)
{
	PYI_CLEANUP(pyi_guard_free) char *label = take_label(dot);

	if (!label)
		label = strdup("");
	dot->no_memory |= !label;
	if (dot->no_memory || from == PYI_DOT_NONE || to == PYI_DOT_NONE ||
	    is_there(dot, from, to, label))
		return;
	if (dot->edge_count == PYI_DOT_EDGES) {
		dot->left_out = true;
		return;
	}
	fprintf(dot->stream, "  n%zu -> n%zu [label=\"%s\"%s];\n", from, to, label,
		edge_looks[look]);
	dot->edges[dot->edge_count++] = (struct pyi_dot_edge){ from, to, label };
	label = NULL;
}

/* Lines that are safe already, from left to right. */
static void put_words(struct pyi_dot *dot)
{
	char *state = NULL;

	fputs("  label=\"", dot->stream);
	for (char *line = strtok_r(dot->text, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		PYI_CLEANUP(pyi_guard_free)
		char *cut = pyi_output_cut(line, PYI_DOT_WORD_COLUMNS);
		PYI_CLEANUP(pyi_guard_free) char *quoted = cut ? quote(cut) : NULL;

		dot->no_memory |= !quoted;
		fprintf(dot->stream, "%s\\l", quoted ? quoted : "");
	}
	fputs("\";\n}\n", dot->stream);
}

struct pyi_error *pyi_dot_end(struct pyi_dot *dot, bool complete)
{
	if (complete && dot->left_out)
		complete = pyi_table_put_note(&dot->words,
					      "warning: a picture has at most %d nodes and %d "
					      "edges: there is more, which is left out",
					      PYI_DOT_NODES, PYI_DOT_EDGES);
	if (complete)
		pyi_table_put_cost(&dot->words);
	if (dot->words.stream != dot->stream && fclose(dot->words.stream) != 0)
		dot->no_memory = true;
	if (complete && !dot->no_memory)
		put_words(dot);
	for (size_t e = 0; e < dot->edge_count; e++)
		free(dot->edges[e].label);
	free(dot->edges);
	free(dot->addrs);
	free(dot->label);
	free(dot->text);
	return complete && !dot->no_memory ? pyi_output_finish(dot->stream) : pyi_error_no_memory();
}
