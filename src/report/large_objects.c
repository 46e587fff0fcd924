/*
 * Renders the two lists of `top-objects`, by size and by referents, as tables, JSON or NDJSON.
 *
 * Does not choose or order the objects.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/paths.h"
#include "report/table.h"

/* The columns before the type, in this order. */
enum column {
	BYTES,
	REFERENTS,
	LENGTH,
	ADDRESS,
	COLUMNS,
};

struct list {
	/* In the table, and in JSON. */
	const char *title;
	const char *key;
	const struct pyi_large_object *objects;
	size_t count;
};

enum {
	LISTS = 2,
};

static void set_lists(const struct pyi_large_objects *objects, struct list lists[LISTS])
{
	lists[0] = (struct list){ "The largest", "largest", objects->by_bytes,
				  objects->by_bytes_count };
	lists[1] = (struct list){ "With the most referents", "most_referents",
				  objects->by_referents, objects->by_referents_count };
}

static struct pyi_table_line make_line(const struct pyi_large_object *object)
{
	struct pyi_table_line line = { 0 };

	pyi_table_estimate(line.figures[BYTES], object->bytes, object->estimated);
	pyi_table_figure(line.figures[REFERENTS], object->referents);
	if (object->has_length)
		pyi_table_figure(line.figures[LENGTH], object->length);
	else
		strcpy(line.figures[LENGTH], "-");
	snprintf(line.figures[ADDRESS], PYI_TABLE_FIGURE_BYTES, "0x%" PRIx64, object->addr);
	return line;
}

static bool put_object(const struct pyi_table *table, const struct pyi_large_object *object,
		       size_t align)
{
	struct pyi_table_line line = make_line(object);
	size_t start = pyi_table_text_start(table);
	PYI_CLEANUP(pyi_guard_free) char *value = NULL;

	pyi_table_put_figures(table, &line);
	if (!pyi_table_put_label(table, 0, align, object->type, object->owner))
		return false;
	if (!object->value)
		return true;
	value = pyi_output_fit(object->value, pyi_table_room(table, start + strlen("  = ")));
	if (value)
		fprintf(table->stream, "%*s  = %s\n", (int)start, "", value);
	return value != NULL;
}

static bool put_list(struct pyi_table *table, const struct list *list)
{
	const struct pyi_table_line headings = { { "BYTES", "REFERENTS", "LENGTH", "ADDRESS" } };
	size_t align = 0;

	memset(table->widths, 0, sizeof(table->widths));
	pyi_table_widen(table, &headings);
	for (size_t i = 0; i < list->count; i++) {
		struct pyi_table_line line = make_line(&list->objects[i]);

		pyi_table_widen(table, &line);
		if (!pyi_table_align(0, list->objects[i].type, &align))
			return false;
	}
	fprintf(table->stream, "\n%s\n", list->title);
	pyi_table_put_figures(table, &headings);
	fputs("TYPE\n", table->stream);
	for (size_t i = 0; i < list->count; i++)
		if (!put_object(table, &list->objects[i], align))
			return false;
	return true;
}

static bool put_notes(const struct pyi_table *table, const struct list lists[LISTS],
		      uint64_t skipped_objects)
{
	const struct pyi_large_object *first = NULL;
	bool estimated = false;
	bool owner = false;
	bool ok = true;

	for (size_t l = 0; l < LISTS; l++) {
		if (!first && lists[l].count)
			first = &lists[l].objects[0];
		for (size_t i = 0; i < lists[l].count; i++) {
			owner |= lists[l].objects[i].owner != NULL;
			estimated |= lists[l].objects[i].estimated;
		}
	}
	if (estimated)
		ok = pyi_table_put_estimate_note(table);
	if (ok && owner)
		ok = pyi_table_put_note(table, "in: the first thing with a name that was found to "
					       "hold the object; there may be others");
	if (ok && first)
		ok = pyi_table_put_command(table, "what keeps the first", "path", first->addr);
	return ok && pyi_table_put_warnings(table, skipped_objects);
}

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_large_objects *objects,
				      uint64_t skipped_objects)
{
	struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
		.figure_count = COLUMNS,
	};
	char count[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];
	struct list lists[LISTS];
	bool ok;

	set_lists(objects, lists);
	ok = pyi_table_put_target(&table) &&
	     pyi_table_put_note(&table, "The biggest of %s objects of %s bytes",
				pyi_table_figure(count, objects->objects),
				pyi_table_figure(bytes, objects->bytes));
	/* --by asks for one of them only. */
	for (size_t i = 0; ok && i < LISTS; i++)
		if (lists[i].count)
			ok = put_list(&table, &lists[i]);
	fputc('\n', stream);
	if (!ok || !put_notes(&table, lists, skipped_objects))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_object(cJSON *json, const struct pyi_large_object *object)
{
	bool ok = json && pyi_output_add_address(json, "address", object->addr) &&
		  pyi_output_add_text(json, "type", object->type) &&
		  pyi_output_add_unsigned(json, "bytes", object->bytes) &&
		  pyi_output_add_unsigned(json, "referents", object->referents);

	if (ok && object->has_length)
		ok = pyi_output_add_unsigned(json, "length", object->length);
	else
		ok = ok && cJSON_AddNullToObject(json, "length");
	return ok && (!object->estimated || cJSON_AddTrueToObject(json, "estimated")) &&
	       pyi_output_add_text(json, "owner", object->owner) &&
	       (!object->value || pyi_output_add_text(json, "value", object->value));
}

static bool add_list(cJSON *result, const struct list *list)
{
	cJSON *array = cJSON_AddArrayToObject(result, list->key);
	bool ok = array != NULL;

	for (size_t i = 0; ok && i < list->count; i++)
		ok = add_object(pyi_output_append_object(array), &list->objects[i]);
	return ok;
}

/* `lists` NULL: without them. */
static bool add_result(cJSON *json, const struct pyi_large_objects *objects,
		       uint64_t skipped_objects, const struct list *lists)
{
	cJSON *result = cJSON_AddObjectToObject(json, "result");
	bool ok = result && pyi_output_add_unsigned(result, "objects", objects->objects) &&
		  pyi_output_add_unsigned(result, "bytes", objects->bytes) &&
		  pyi_output_add_unsigned(result, "skipped", skipped_objects);

	for (size_t i = 0; ok && lists && i < LISTS; i++)
		ok = add_list(result, &lists[i]);
	return ok;
}

static struct pyi_error *render_ndjson(FILE *stream, const struct pyi_envelope *envelope,
				       const struct pyi_large_objects *objects,
				       uint64_t skipped_objects, const struct list lists[LISTS])
{
	cJSON *json = pyi_ndjson_begin_report(envelope);
	struct pyi_error *error = pyi_ndjson_end(
		stream, json, json && add_result(json, objects, skipped_objects, NULL));

	for (size_t l = 0; l < LISTS; l++) {
		for (size_t i = 0; !error && i < lists[l].count; i++) {
			json = pyi_ndjson_begin_item("object");
			error = pyi_ndjson_end(
				stream, json,
				json && pyi_output_add_text(json, "list", lists[l].key) &&
					add_object(json, &lists[l].objects[i]));
		}
	}
	return error;
}

struct pyi_error *pyi_report_large_objects(FILE *stream, enum pyi_format format, unsigned columns,
					   const struct pyi_envelope *envelope,
					   const struct pyi_large_objects *objects,
					   uint64_t skipped_objects)
{
	struct list lists[LISTS];
	cJSON *json;
	bool ok;

	set_lists(objects, lists);
	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		ok = json && add_result(json, objects, skipped_objects, lists);
		return pyi_output_json_done(stream, json, ok, true);
	case PYI_FORMAT_NDJSON:
		return render_ndjson(stream, envelope, objects, skipped_objects, lists);
	default:
		break;
	}
	return render_table(stream, columns, envelope, objects, skipped_objects);
}
