/*
 * Renders paths from roots to objects as tables, JSON, NDJSON or a picture.
 *
 * Does not search for paths, and does not name their steps.
 */
#include "report/paths.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/dot.h"
#include "report/ndjson.h"
#include "report/table.h"
#include "report/ways.h"

enum {
	/* Of a long path (a linked list has millions of steps) the table shows both ends. */
	HEAD_STEPS = 20,
	TAIL_STEPS = 20,
	/* An expression is cut when it fills more than so many lines of the terminal. */
	EXPRESSION_LINES = 4,
	/* "0xffffffffffffffff" */
	ADDRESS_BYTES = 19,
};

/* Columns of the steps of one path. */
struct widths {
	size_t edge;
	size_t type;
};

/* "local x *", as it is in the table. */
static char *make_edge(const struct pyi_path_step *step, size_t room)
{
	PYI_CLEANUP(pyi_guard_free) char *edge = NULL;

	if (asprintf(&edge, "%s%s", step->edge, step->internal ? " *" : "") < 0) {
		edge = NULL;
		return NULL;
	}
	return pyi_output_fit(edge, room);
}

/* Whether step `index` is at one of the ends of a long path. */
static bool is_at_end(const struct pyi_path *path, size_t index)
{
	return path->step_count <= HEAD_STEPS + TAIL_STEPS + 1 || index < HEAD_STEPS ||
	       index >= path->step_count - TAIL_STEPS;
}

/* Whether the table shows step `index`: on a terminal not the middle of a long path. */
static bool is_shown(const struct pyi_table *table, const struct pyi_path *path, size_t index)
{
	return !table->columns || is_at_end(path, index);
}

/* Gives each column what it needs, or its share of a line that is too short for both. */
static void share(const struct pyi_table *table, struct widths *widths)
{
	size_t room = pyi_table_room(table, strlen("    ") + ADDRESS_BYTES - 1 + strlen("  "));
	size_t half = room / 2;

	if (!table->columns || widths->edge + widths->type <= room)
		return;
	if (half < PYI_TABLE_NARROWEST)
		half = PYI_TABLE_NARROWEST;
	if (widths->edge <= half && room > widths->edge + PYI_TABLE_NARROWEST) {
		widths->type = room - widths->edge;
		return;
	}
	if (widths->type <= half && room > widths->type + PYI_TABLE_NARROWEST) {
		widths->edge = room - widths->type;
		return;
	}
	if (widths->edge > half)
		widths->edge = half;
	if (widths->type > half)
		widths->type = half;
}

static bool measure(const struct pyi_table *table, const struct pyi_path *path,
		    struct widths *ret_widths)
{
	struct widths widths = { .edge = strlen("EDGE"), .type = strlen("TYPE") };

	for (size_t i = 0; i < path->step_count; i++) {
		PYI_CLEANUP(pyi_guard_free) char *edge = NULL;
		PYI_CLEANUP(pyi_guard_free) char *type = NULL;
		size_t width;

		if (!is_shown(table, path, i))
			continue;
		edge = make_edge(&path->steps[i], 0);
		type = pyi_output_fit(path->steps[i].type, 0);
		if (!edge || !type)
			return false;
		width = pyi_output_width(edge);
		if (width > widths.edge)
			widths.edge = width;
		width = pyi_output_width(type);
		if (width > widths.type)
			widths.type = width;
	}
	share(table, &widths);
	*ret_widths = widths;
	return true;
}

/* printf() pads by bytes, not by columns. */
static void put_padded(FILE *stream, const char *text, size_t width)
{
	size_t columns = pyi_output_width(text);

	fprintf(stream, "%s%*s  ", text, (int)(columns < width ? width - columns : 0), "");
}

static bool put_step(const struct pyi_table *table, const struct pyi_path_step *step,
		     const struct widths *widths)
{
	PYI_CLEANUP(pyi_guard_free) char *edge = make_edge(step, widths->edge);
	PYI_CLEANUP(pyi_guard_free) char *type = pyi_output_fit(step->type, widths->type);

	if (!edge || !type)
		return false;
	fputs("  ", table->stream);
	put_padded(table->stream, edge, widths->edge);
	put_padded(table->stream, type, widths->type);
	/* A root may be no object itself. */
	if (step->addr)
		fprintf(table->stream, "0x%" PRIx64 "\n", step->addr);
	else
		fputs("-\n", table->stream);
	return true;
}

static bool put_path(const struct pyi_table *table, const struct pyi_path *path, size_t number)
{
	size_t room = table->columns ? pyi_table_room(table, 0) * EXPRESSION_LINES : 0;
	PYI_CLEANUP(pyi_guard_free) char *expression = pyi_output_fit(path->expression, room);
	char figure[PYI_TABLE_FIGURE_BYTES];
	struct widths widths;

	if (!expression || !measure(table, path, &widths))
		return false;
	/* In one piece, as it is going to be copied; a terminal breaks it by itself. */
	fprintf(table->stream, "%s%s\n\n  ", number ? "\n" : "", expression);
	put_padded(table->stream, "EDGE", widths.edge);
	put_padded(table->stream, "TYPE", widths.type);
	fputs("ADDRESS\n", table->stream);
	for (size_t i = 0; i < path->step_count; i++) {
		if (is_shown(table, path, i)) {
			if (!put_step(table, &path->steps[i], &widths))
				return false;
		} else if (i == HEAD_STEPS) {
			fprintf(table->stream, "  %s %s more steps\n", pyi_output_ellipsis(),
				pyi_table_figure(figure,
						 path->step_count - HEAD_STEPS - TAIL_STEPS));
		}
	}
	return true;
}

static bool put_head(const struct pyi_table *table, const struct pyi_paths *paths)
{
	PYI_CLEANUP(pyi_guard_free) char *subject = NULL;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	int length;

	subject = pyi_table_subject(table, paths->type, paths->exact, paths->address);
	if (!subject || !pyi_table_put_target(table))
		return false;
	if (paths->address || paths->count < 2)
		length = asprintf(&text, "Shortest path from a root to %s%s",
				  paths->address ? "" : "an instance of ", subject);
	else
		length = asprintf(&text, "Shortest paths from the roots to %zu instances of %s",
				  paths->count, subject);
	if (length < 0) {
		text = NULL;
		return false;
	}
	pyi_table_put_words(table, text);
	fputc('\n', table->stream);
	return true;
}

/* Those that are shown step by step: of merged ways one each. */
static const struct pyi_path *shown_path(const struct pyi_paths *paths, size_t index)
{
	const struct pyi_path *path = NULL;

	if (paths->ways.count && !paths->address)
		path = index < paths->ways.count ? &paths->ways.items[index].example : NULL;
	else if (index < paths->count)
		path = &paths->paths[index];
	return path && path->step_count ? path : NULL;
}

static bool put_notes(const struct pyi_table *table, const struct pyi_paths *paths,
		      uint64_t skipped_objects)
{
	const struct pyi_path *path;
	bool internal = false;
	bool ok = true;

	for (size_t i = 0; (path = shown_path(paths, i)); i++)
		for (size_t step = 0; step < path->step_count; step++)
			internal |= is_shown(table, path, step) && path->steps[step].internal;
	if (internal)
		ok = pyi_table_put_note(table,
					"*: real, but gc.get_referents() does not know of it");
	return ok && pyi_table_put_warnings(table, skipped_objects);
}

static bool put_examples(const struct pyi_table *table, const struct pyi_paths *paths)
{
	const struct pyi_path *path;
	bool ok = true;

	if (paths->ways.count && !paths->address)
		fputs(shown_path(paths, 1) ? "\nOne object of each of the first:\n\n"
					   : "\nOne object of the first:\n\n",
		      table->stream);
	for (size_t i = 0; ok && (path = shown_path(paths, i)); i++)
		ok = put_path(table, path, i);
	return ok;
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_paths *paths, uint64_t skipped_objects)
{
	struct pyi_table table = { .stream = stream, .columns = columns, .envelope = envelope };
	bool merged = paths->ways.count && !paths->address;
	bool ok = merged ? pyi_ways_put(&table, paths) : put_head(&table, paths);

	if (ok && !paths->count && !paths->ways.count)
		ok = pyi_table_put_note(&table,
					"No path was found: what there is is held only by C code "
					"or by something that is not visited, or it is garbage "
					"that has not been collected yet.");
	ok = ok && put_examples(&table, paths);
	if (!ok)
		return pyi_error_no_memory();
	fputc('\n', stream);
	if (!pyi_ways_put_also(&table, paths) || !pyi_ways_put_notes(&table, paths) ||
	    !put_notes(&table, paths, skipped_objects))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

/* A chain of nodes, as far as they are not there yet; the number of the last. */
static size_t draw_path(struct pyi_dot *dot, const struct pyi_path *path)
{
	size_t last = PYI_DOT_NONE;

	for (size_t i = 0; i < path->step_count; i++) {
		const struct pyi_path_step *step = &path->steps[i];
		size_t node;

		if (!is_at_end(path, i)) {
			if (i != HEAD_STEPS)
				continue;
			node = pyi_dot_put_others(dot, path->step_count - HEAD_STEPS - TAIL_STEPS,
						  "more steps");
			pyi_dot_put_edge(dot, last, node, PYI_DOT_VAGUE);
			last = node;
			continue;
		}
		/* The first one says what the root is, which may be no object. */
		if (!i)
			pyi_dot_say(dot, "%s%s", step->edge, step->internal ? " *" : "");
		pyi_dot_say(dot, "%s", step->type);
		if (step->addr)
			pyi_dot_say(dot, "0x%" PRIx64, step->addr);
		node = pyi_dot_put_node(dot, step->addr, PYI_DOT_USUAL);
		if (i) {
			pyi_dot_say(dot, "%s%s", step->edge, step->internal ? " *" : "");
			pyi_dot_put_edge(dot, last, node,
					 step->internal ? PYI_DOT_INTERNAL : PYI_DOT_USUAL);
		}
		last = node;
	}
	return last;
}

/* One way of several objects: the path of one of them, or its expression. */
static void draw_way(struct pyi_dot *dot, const struct pyi_way *way, bool also, size_t subject)
{
	size_t from = also ? PYI_DOT_NONE : draw_path(dot, &way->example);
	char objects[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];

	if (also || !way->example.step_count) {
		pyi_dot_say(dot, "%s", way->expression);
		from = pyi_dot_put_node(dot, 0, PYI_DOT_VAGUE);
	} else if (way->instances != 1) {
		pyi_dot_say(dot, "one of");
	}
	if (also) {
		pyi_dot_say(dot, "also %s reference%s", pyi_table_figure(objects, way->references),
			    way->references == 1 ? "" : "s");
	} else {
		pyi_dot_say(dot, "%s object%s", pyi_table_figure(objects, way->instances),
			    way->instances == 1 ? "" : "s");
		pyi_dot_say(dot, "retained %s", pyi_table_figure(bytes, way->retained_bytes));
	}
	pyi_dot_put_edge(dot, from, subject, PYI_DOT_VAGUE);
}

static void draw_ways(struct pyi_dot *dot, const struct pyi_way_list *list, bool also,
		      size_t subject)
{
	size_t shown = list->count < PYI_WAYS_SHOWN ? list->count : PYI_WAYS_SHOWN;
	uint64_t left_out = list->count - shown + list->other_ways;

	for (size_t w = 0; w < shown; w++)
		draw_way(dot, &list->items[w], also, subject);
	if (left_out)
		pyi_dot_put_edge(dot, pyi_dot_put_others(dot, left_out, "more"), subject,
				 PYI_DOT_VAGUE);
}

/* The objects that are asked about, as one. */
static size_t draw_subject(struct pyi_dot *dot, const struct pyi_paths *paths)
{
	char figure[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];

	if (paths->address) {
		pyi_dot_say(dot, "0x%" PRIx64, paths->address);
	} else {
		pyi_dot_say(dot, "%s", paths->type);
		pyi_dot_say(dot, "%s instance%s", pyi_table_figure(figure, paths->instances),
			    paths->instances == 1 ? "" : "s");
	}
	pyi_table_estimate(bytes, paths->freed_bytes, paths->estimated);
	pyi_dot_say(dot, "%s bytes would be freed", bytes);
	return pyi_dot_put_node(dot, paths->address, PYI_DOT_SUBJECT);
}

static struct pyi_error *render_dot(FILE *stream, const struct pyi_envelope *envelope,
				    const struct pyi_paths *paths, uint64_t skipped_objects)
{
	bool merged = paths->ways.count && !paths->address;
	struct pyi_dot dot;
	size_t subject;
	bool ok;

	pyi_dot_begin(&dot, stream, envelope);
	if (paths->address && paths->count) {
		subject = draw_path(&dot, &paths->paths[0]);
	} else {
		subject = draw_subject(&dot, paths);
		draw_ways(&dot, &paths->ways, false, subject);
	}
	draw_ways(&dot, &paths->also, true, subject);
	ok = (merged ? pyi_ways_put_head(&dot.words, paths) : put_head(&dot.words, paths)) &&
	     pyi_ways_put_notes(&dot.words, paths) && put_notes(&dot.words, paths, skipped_objects);
	return pyi_dot_end(&dot, ok);
}

static bool add_step(cJSON *json, const struct pyi_path_step *step)
{
	return json && pyi_output_add_text(json, "edge", step->edge) &&
	       pyi_output_add_text(json, "kind", pyi_step_kind_name(step->kind)) &&
	       (!step->name || pyi_output_add_text(json, "name", step->name)) &&
	       (step->kind != PYI_STEP_INDEX ||
		pyi_output_add_unsigned(json, "index", step->index)) &&
	       (!step->key_addr || pyi_output_add_address(json, "key_address", step->key_addr)) &&
	       cJSON_AddBoolToObject(json, "internal", step->internal) &&
	       pyi_output_add_address(json, "address", step->addr) &&
	       pyi_output_add_text(json, "type", step->type);
}

static bool add_path(cJSON *json, const struct pyi_path *path)
{
	const struct pyi_path_step *last =
		path->step_count ? &path->steps[path->step_count - 1] : NULL;
	bool ok = json && pyi_output_add_address(json, "address", last ? last->addr : 0) &&
		  pyi_output_add_text(json, "type", last ? last->type : NULL) &&
		  pyi_output_add_unsigned(json, "length", path->step_count) &&
		  pyi_output_add_text(json, "expression", path->expression);
	cJSON *steps = ok ? cJSON_AddArrayToObject(json, "steps") : NULL;

	ok = steps != NULL;
	for (size_t i = 0; ok && path->steps && i < path->step_count; i++)
		ok = add_step(pyi_output_append_object(steps), &path->steps[i]);
	return ok;
}

static bool add_ways(cJSON *result, const char *key, const struct pyi_way_list *list, bool also)
{
	cJSON *array = cJSON_AddArrayToObject(result, key);
	bool ok = array != NULL;

	for (size_t i = 0; ok && i < list->count; i++)
		ok = pyi_ways_add(pyi_output_append_object(array), &list->items[i], also);
	return ok;
}

static bool add_result(cJSON *json, const struct pyi_paths *paths, uint64_t skipped_objects,
		       bool with_paths)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	bool ok = result && pyi_output_add_text(result, "type", paths->type) &&
		  cJSON_AddBoolToObject(result, "exact", paths->exact) &&
		  pyi_output_add_address(result, "address", paths->address) &&
		  pyi_output_add_unsigned(result, "skipped", skipped_objects) &&
		  pyi_ways_add_sums(result, paths);
	cJSON *list;

	if (!ok || !with_paths)
		return ok;
	ok = add_ways(result, "ways", &paths->ways, false) &&
	     add_ways(result, "also", &paths->also, true);
	if (!ok)
		return false;
	list = cJSON_AddArrayToObject(result, "paths");
	ok = list != NULL;
	for (size_t i = 0; ok && i < paths->count; i++)
		ok = add_path(pyi_output_append_object(list), &paths->paths[i]);
	return ok;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_paths *paths, uint64_t skipped_objects)
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error = pyi_ndjson_end(
		stream, json, json && add_result(json, paths, skipped_objects, false));

	for (size_t i = 0; !error && i < paths->ways.count; i++) {
		json = pyi_ndjson_begin_item("way");
		error = pyi_ndjson_end(stream, json,
				       pyi_ways_add(json, &paths->ways.items[i], false));
	}
	for (size_t i = 0; !error && i < paths->also.count; i++) {
		json = pyi_ndjson_begin_item("also");
		error = pyi_ndjson_end(stream, json,
				       pyi_ways_add(json, &paths->also.items[i], true));
	}
	for (size_t i = 0; !error && i < paths->count; i++) {
		json = pyi_ndjson_begin_item("path");
		error = pyi_ndjson_end(stream, json, json && add_path(json, &paths->paths[i]));
	}
	return error;
}

struct pyi_error *pyi_report_paths(FILE *stream, enum pyi_format format, unsigned columns,
				   const struct pyi_envelope *envelope,
				   const struct pyi_paths *paths, uint64_t skipped_objects)
{
	cJSON *json;
	bool ok;

	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		ok = json && add_result(json, paths, skipped_objects, true);
		return pyi_output_json_done(stream, json, ok, true);
	case PYI_FORMAT_NDJSON:
		return render_ndjson(stream, envelope, paths, skipped_objects);
	case PYI_FORMAT_DOT:
		return render_dot(stream, envelope, paths, skipped_objects);
	default:
		break;
	}
	return render_table(stream, columns, envelope, paths, skipped_objects);
}
