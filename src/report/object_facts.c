/*
 * Renders what is said of one object as table, JSON or NDJSON.
 *
 * Does not choose what is said.
 */
#include "report/object_facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <pyinspect/graph_stream.h>

#include "base/cleanup.h"
#include "report/dot.h"
#include "report/ndjson.h"
#include "report/table.h"

enum {
	BYTES,
	ADDRESS,
	COLUMNS,
	/* Of a reference, unless the terminal has more. */
	WIDEST_EDGE = 30,
};

static const char *const starts[PYI_PATH_START_COUNT] = {
	[PYI_PATH_FROM_ROOT] = "root",	       [PYI_PATH_FROM_FRAME] = "frame",
	[PYI_PATH_FROM_IMMORTAL] = "immortal", [PYI_PATH_FROM_HELD] = "held",
	[PYI_PATH_FROM_NOTHING] = "nothing",
};

static const struct {
	uint32_t flag;
	const char *name;
} flags[] = {
	{ PYI_NODE_TRACKED, "tracked" },   { PYI_NODE_FROZEN, "frozen" },
	{ PYI_NODE_IMMORTAL, "immortal" }, { PYI_NODE_STATIC, "static" },
	{ PYI_NODE_ROOT, "root" },	   { PYI_NODE_INCOMPLETE, "incomplete" },
};

static struct pyi_table_line line_of(const struct pyi_object_link *link)
{
	struct pyi_table_line line = { 0 };

	pyi_table_figure(line.figures[BYTES], link->bytes);
	if (link->addr)
		snprintf(line.figures[ADDRESS], PYI_TABLE_FIGURE_BYTES, "0x%" PRIx64, link->addr);
	return line;
}

/* printf() pads by bytes, not by columns. */
static void put_padded(FILE *stream, const char *text, size_t width)
{
	size_t columns = pyi_output_width(text);

	fprintf(stream, "%s%*s  ", text, (int)(columns < width ? width - columns : 0), "");
}

static bool measure(struct pyi_table *table, const struct pyi_object_links *links,
		    size_t *ret_width)
{
	const struct pyi_table_line headings = { { "BYTES", "ADDRESS" } };

	*ret_width = strlen("EDGE");
	memset(table->widths, 0, sizeof(table->widths));
	pyi_table_widen(table, &headings);
	for (size_t l = 0; l < links->count; l++) {
		PYI_CLEANUP(pyi_guard_free)
		char *edge = pyi_output_fit(links->items[l].edge, WIDEST_EDGE);
		struct pyi_table_line line = line_of(&links->items[l]);

		if (!edge)
			return false;
		pyi_table_widen(table, &line);
		if (pyi_output_width(edge) > *ret_width)
			*ret_width = pyi_output_width(edge);
	}
	pyi_table_put_figures(table, &headings);
	put_padded(table->stream, "EDGE", *ret_width);
	fputs("TYPE\n", table->stream);
	return true;
}

static bool put_link(const struct pyi_table *table, const struct pyi_object_link *link,
		     size_t width)
{
	PYI_CLEANUP(pyi_guard_free) char *edge = pyi_output_fit(link->edge, WIDEST_EDGE);
	struct pyi_table_line line = line_of(link);
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	int length;

	if (!edge)
		return false;
	pyi_table_put_figures(table, &line);
	put_padded(table->stream, edge, width);
	if (link->value)
		length = asprintf(&text, "%s %s", link->type, link->value);
	else if (link->owner)
		length = asprintf(&text, "%s of %s", link->type, link->owner);
	else
		length = asprintf(&text, "%s", link->type);
	if (length < 0) {
		text = NULL;
		return false;
	}
	return pyi_table_put_label(table, width + 2, 0, text, NULL);
}

static bool put_links(struct pyi_table *table, const char *what,
		      const struct pyi_object_links *links)
{
	char shown[PYI_TABLE_FIGURE_BYTES];
	char all[PYI_TABLE_FIGURE_BYTES];
	size_t width;

	fputc('\n', table->stream);
	if (!links->all)
		return pyi_table_put_note(table, "%s: nothing", what);
	if (!pyi_table_put_note(table, "%s, %s of %s:", what, pyi_table_figure(shown, links->count),
				pyi_table_figure(all, links->all)))
		return false;
	if (!links->count)
		return true;
	if (!measure(table, links, &width))
		return false;
	for (size_t l = 0; l < links->count; l++)
		if (!put_link(table, &links->items[l], width))
			return false;
	return true;
}

static bool put_references(const struct pyi_table *table, const struct pyi_object_facts *facts)
{
	char count[PYI_TABLE_FIGURE_BYTES];
	char explained[PYI_TABLE_FIGURE_BYTES];
	char held[PYI_TABLE_FIGURE_BYTES];

	if (facts->flags & (PYI_NODE_IMMORTAL | PYI_NODE_STATIC) ||
	    facts->reference_count == UINT32_MAX)
		return pyi_table_put_note(table, "references: not counted, for it is never freed");
	pyi_table_figure(count, facts->reference_count);
	pyi_table_figure(explained, facts->explained);
	if (!facts->held)
		return pyi_table_put_note(table, "references: %s, all of them known", count);
	return pyi_table_put_note(table,
				  "references: %s; objects and roots explain %s: only C code, or "
				  "what is not seen, can hold the other %s",
				  count, explained, pyi_table_figure(held, facts->held));
}

static bool put_object(const struct pyi_table *table, const struct pyi_object_facts *facts)
{
	const struct pyi_object_link *object = &facts->object;
	char bytes[PYI_TABLE_FIGURE_BYTES];
	char retained[PYI_TABLE_FIGURE_BYTES];
	char objects[PYI_TABLE_FIGURE_BYTES];
	char length[PYI_TABLE_FIGURE_BYTES];

	pyi_table_estimate(bytes, object->bytes, facts->estimated);
	pyi_table_estimate(retained, facts->retained.bytes, facts->retained.estimated);
	pyi_table_figure(objects, facts->retained.objects);
	if (!pyi_table_put_note(table, "0x%" PRIx64 " is a %s of %s bytes%s%s%s%s", object->addr,
				object->type, bytes, facts->has_length ? ", length " : "",
				facts->has_length ? pyi_table_figure(length, facts->length) : "",
				object->value ? ": " : "", object->value ? object->value : ""))
		return false;
	fputc('\n', table->stream);
	return pyi_table_put_note(table,
				  "retained: %s bytes, of %s object%s that would be freed with it",
				  retained, objects, facts->retained.objects == 1 ? "" : "s") &&
	       put_references(table, facts);
}

static bool put_kept(const struct pyi_table *table, const struct pyi_object_facts *facts)
{
	for (size_t r = 0; r < facts->root_count; r++)
		if (!pyi_table_put_note(table, "root: %s", facts->roots[r]))
			return false;
	if (facts->garbage)
		return pyi_table_put_note(table, "garbage: nothing that is alive leads to it: "
						 "gc.collect() would free it");
	return !facts->dominator.addr ||
	       pyi_table_put_note(table, "kept by: 0x%" PRIx64 " alone, a %s",
				  facts->dominator.addr, facts->dominator.type);
}

/* In one piece, as it is going to be copied; a terminal breaks it by itself. */
static bool put_path(const struct pyi_table *table, const struct pyi_object_facts *facts)
{
	PYI_CLEANUP(pyi_guard_free) char *expression = pyi_output_fit(facts->path_expression, 0);

	if (expression && !facts->garbage)
		fprintf(table->stream, "path: %s\n", expression);
	return expression != NULL;
}

static bool put_notes(const struct pyi_table *table, const struct pyi_object_report *report)
{
	const struct pyi_object_facts *facts = report->facts;
	const struct pyi_object_link *next = NULL;

	fputc('\n', table->stream);
	if ((facts->estimated || facts->retained.estimated) && !pyi_table_put_estimate_note(table))
		return false;
	if (facts->referrers.count)
		next = &facts->referrers.items[0];
	if (next && next->addr &&
	    !pyi_table_put_command(table, "who holds that", "show", next->addr))
		return false;
	return pyi_table_put_warnings(table, report->skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_object_report *report)
{
	const struct pyi_object_facts *facts = report->facts;
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};

	const struct pyi_table sentences = pyi_table_for_sentences(&table);

	if (!pyi_table_put_target(&table) || !put_object(&sentences, facts) ||
	    !put_kept(&sentences, facts) || !put_path(&table, facts) ||
	    !put_links(&table, "refers to", &facts->referents) ||
	    !put_links(&table, "is referred to by", &facts->referrers) ||
	    !put_notes(&table, report))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static void say_object(struct pyi_dot *dot, const struct pyi_object_link *link)
{
	char bytes[PYI_TABLE_FIGURE_BYTES];

	if (link->owner)
		pyi_dot_say(dot, "%s of %s", link->type, link->owner);
	else
		pyi_dot_say(dot, "%s", link->type);
	if (link->value)
		pyi_dot_say(dot, "%s", link->value);
	if (link->addr)
		pyi_dot_say(dot, "0x%" PRIx64, link->addr);
	pyi_dot_say(dot, "%s bytes", pyi_table_figure(bytes, link->bytes));
}

static size_t draw_object(struct pyi_dot *dot, const struct pyi_object_facts *facts)
{
	char retained[PYI_TABLE_FIGURE_BYTES];

	say_object(dot, &facts->object);
	pyi_table_estimate(retained, facts->retained.bytes, facts->retained.estimated);
	pyi_dot_say(dot, "retained %s", retained);
	return pyi_dot_put_node(dot, facts->object.addr, PYI_DOT_SUBJECT);
}

static void draw_way(struct pyi_dot *dot, const struct pyi_object_facts *facts)
{
	const struct pyi_object_links *path = &facts->path;
	size_t last = PYI_DOT_NONE;

	for (size_t l = 0; l < path->count; l++) {
		const struct pyi_object_link *link = &path->items[l];
		enum pyi_dot_look look = PYI_DOT_USUAL;
		size_t node;

		if (l && l == facts->path_gap) {
			node = pyi_dot_put_others(dot, path->all - path->count, "more steps");
			pyi_dot_put_edge(dot, last, node, PYI_DOT_VAGUE);
			last = node;
			look = PYI_DOT_VAGUE;
		}
		/* What it begins with is no reference. */
		if (!l)
			pyi_dot_say(dot, "%s", link->edge);
		say_object(dot, link);
		node = pyi_dot_put_node(dot, link->addr, PYI_DOT_USUAL);
		if (l) {
			pyi_dot_say(dot, "%s", link->edge);
			pyi_dot_put_edge(dot, last, node, look);
		}
		last = node;
	}
}

static void draw_links(struct pyi_dot *dot, const struct pyi_object_links *links, size_t object,
		       bool referrers)
{
	for (size_t l = 0; l < links->count; l++) {
		const struct pyi_object_link *link = &links->items[l];
		size_t node;

		say_object(dot, link);
		node = pyi_dot_put_node(dot, link->addr, PYI_DOT_USUAL);
		pyi_dot_say(dot, "%s", link->edge);
		pyi_dot_put_edge(dot, referrers ? node : object, referrers ? object : node,
				 PYI_DOT_USUAL);
	}
	if (links->all > links->count) {
		size_t others = pyi_dot_put_others(dot, links->all - links->count,
						   referrers ? "more referrers" : "more referents");

		pyi_dot_put_edge(dot, referrers ? others : object, referrers ? object : others,
				 PYI_DOT_VAGUE);
	}
}

static void draw_holders(struct pyi_dot *dot, const struct pyi_object_facts *facts, size_t object)
{
	for (size_t r = 0; r < facts->root_count; r++) {
		size_t root;

		pyi_dot_say(dot, "root: %s", facts->roots[r]);
		root = pyi_dot_put_node(dot, 0, PYI_DOT_VAGUE);
		pyi_dot_put_edge(dot, root, object, PYI_DOT_USUAL);
	}
	if (facts->dominator.addr && !facts->garbage) {
		size_t dominator;

		pyi_dot_say(dot, "%s", facts->dominator.type);
		pyi_dot_say(dot, "0x%" PRIx64, facts->dominator.addr);
		dominator = pyi_dot_put_node(dot, facts->dominator.addr, PYI_DOT_USUAL);
		pyi_dot_say(dot, "alone keeps it");
		pyi_dot_put_edge(dot, dominator, object, PYI_DOT_VAGUE);
	}
}

static bool put_words(const struct pyi_table *table, const struct pyi_object_report *report)
{
	const struct pyi_object_facts *facts = report->facts;

	return pyi_table_put_target(table) && put_references(table, facts) &&
	       (!facts->garbage || put_kept(table, facts)) && put_notes(table, report);
}

static struct pyi_error *render_dot(FILE *stream, const struct pyi_envelope *envelope,
				    const struct pyi_object_report *report)
{
	const struct pyi_object_facts *facts = report->facts;
	struct pyi_dot dot;
	size_t object;

	pyi_dot_begin(&dot, stream, envelope);
	object = draw_object(&dot, facts);
	if (!facts->garbage)
		draw_way(&dot, facts);
	draw_links(&dot, &facts->referrers, object, true);
	draw_links(&dot, &facts->referents, object, false);
	draw_holders(&dot, facts, object);
	return pyi_dot_end(&dot, put_words(&dot.words, report));
}

static bool add_link(cJSON *json, const struct pyi_object_link *link)
{
	return json && pyi_output_add_text(json, "edge", link->edge) &&
	       pyi_output_add_address(json, "address", link->addr) &&
	       pyi_output_add_text(json, "type", link->type) &&
	       pyi_output_add_unsigned(json, "bytes", link->bytes) &&
	       (!link->owner || pyi_output_add_text(json, "owner", link->owner)) &&
	       (!link->value || pyi_output_add_text(json, "value", link->value));
}

static bool add_items(cJSON *json, const char *key, const struct pyi_object_links *links)
{
	cJSON *items = cJSON_AddArrayToObject(json, key);

	for (size_t l = 0; l < links->count && items; l++)
		if (!add_link(pyi_output_append_object(items), &links->items[l]))
			return false;
	return items != NULL;
}

static bool add_links(cJSON *result, const char *key, const struct pyi_object_links *links,
		      bool with_items)
{
	cJSON *json = cJSON_AddObjectToObject(result, key);

	return json && pyi_output_add_unsigned(json, "count", links->all) &&
	       (!with_items || add_items(json, "items", links));
}

static bool add_retained(cJSON *result, const struct pyi_retained *retained)
{
	cJSON *json = cJSON_AddObjectToObject(result, "retained");

	return json && pyi_output_add_unsigned(json, "objects", retained->objects) &&
	       pyi_output_add_unsigned(json, "bytes", retained->bytes) &&
	       (!retained->estimated || cJSON_AddTrueToObject(json, "estimated"));
}

static bool add_references(cJSON *result, const struct pyi_object_facts *facts)
{
	cJSON *json = cJSON_AddObjectToObject(result, "references");
	bool exact = facts->reference_count != UINT32_MAX &&
		     !(facts->flags & (PYI_NODE_IMMORTAL | PYI_NODE_STATIC));

	return json &&
	       (exact ? pyi_output_add_unsigned(json, "count", facts->reference_count)
		      : cJSON_AddNullToObject(json, "count") != NULL) &&
	       pyi_output_add_unsigned(json, "explained", facts->explained) &&
	       (exact ? pyi_output_add_unsigned(json, "held", facts->held)
		      : cJSON_AddNullToObject(json, "held") != NULL);
}

static bool add_flags(cJSON *result, uint32_t set)
{
	cJSON *array = cJSON_AddArrayToObject(result, "flags");

	for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]) && array; f++)
		if (set & flags[f].flag && !pyi_output_append_text(array, flags[f].name))
			return false;
	return array != NULL;
}

static bool add_dominator(cJSON *result, const struct pyi_object_link *dominator)
{
	cJSON *json;

	if (!dominator->type)
		return cJSON_AddNullToObject(result, "dominator") != NULL;
	json = cJSON_AddObjectToObject(result, "dominator");
	return json && pyi_output_add_address(json, "address", dominator->addr) &&
	       pyi_output_add_text(json, "type", dominator->type);
}

static bool add_roots(cJSON *result, const struct pyi_object_facts *facts)
{
	cJSON *array = cJSON_AddArrayToObject(result, "roots");

	for (size_t r = 0; r < facts->root_count && array; r++)
		if (!pyi_output_append_text(array, facts->roots[r]))
			return false;
	return array != NULL;
}

static bool add_path(cJSON *result, const struct pyi_object_facts *facts, bool with_items)
{
	cJSON *json = cJSON_AddObjectToObject(result, "path");

	return json && pyi_output_add_text(json, "start", starts[facts->path_start]) &&
	       pyi_output_add_text(json, "expression", facts->path_expression) &&
	       pyi_output_add_unsigned(json, "length", facts->path.all) &&
	       (!with_items || add_items(json, "steps", &facts->path));
}

static bool add_result(cJSON *json, const struct pyi_object_report *report, bool with_items)
{
	const struct pyi_object_facts *facts = report->facts;
	const struct pyi_object_link *object = &facts->object;
	cJSON *result = cJSON_AddObjectToObject(json, "result");

	return result && pyi_output_add_address(result, "address", object->addr) &&
	       pyi_output_add_text(result, "type", object->type) &&
	       pyi_output_add_unsigned(result, "bytes", object->bytes) &&
	       (!facts->estimated || cJSON_AddTrueToObject(result, "estimated")) &&
	       (!facts->has_length || pyi_output_add_unsigned(result, "length", facts->length)) &&
	       (!object->value || pyi_output_add_text(result, "value", object->value)) &&
	       add_retained(result, &facts->retained) && add_references(result, facts) &&
	       add_flags(result, facts->flags) &&
	       cJSON_AddBoolToObject(result, "garbage", facts->garbage) &&
	       add_dominator(result, &facts->dominator) && add_roots(result, facts) &&
	       add_path(result, facts, with_items) &&
	       add_links(result, "referents", &facts->referents, with_items) &&
	       add_links(result, "referrers", &facts->referrers, with_items) &&
	       cJSON_AddBoolToObject(result, "complete", report->complete) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects);
}

static struct pyi_error *put_lines(FILE *stream, const char *kind,
				   const struct pyi_object_links *links)
{
	struct pyi_error *error = NULL;

	for (size_t l = 0; l < links->count && !error; l++) {
		cJSON *json = pyi_ndjson_begin_item(kind);

		error = pyi_ndjson_end(stream, json, add_link(json, &links->items[l]));
	}
	return error;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_object_report *report)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error =
		pyi_ndjson_end(stream, json, json && add_result(json, report, false));

	if (!error)
		error = put_lines(stream, "step", &report->facts->path);
	if (!error)
		error = put_lines(stream, "referent", &report->facts->referents);
	return error ? error : put_lines(stream, "referrer", &report->facts->referrers);
}

struct pyi_error *pyi_report_object_facts(FILE *stream, enum pyi_format format, unsigned columns,
					  const struct pyi_envelope *envelope,
					  const struct pyi_object_report *report)
{
	cJSON *json;

	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		return pyi_output_json_done(stream, json, json && add_result(json, report, true),
					    true);
	case PYI_FORMAT_NDJSON:
		return render_ndjson(stream, envelope, report);
	case PYI_FORMAT_DOT:
		return render_dot(stream, envelope, report);
	default:
		break;
	}
	return render_table(stream, columns, envelope, report);
}
