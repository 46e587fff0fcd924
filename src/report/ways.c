/*
 * Renders merged ways as tables and JSON. Does not order them.
 */
#include "report/ways.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "report/output.h"

bool pyi_ways_put_head(const struct pyi_table *table, const struct pyi_paths *paths)
{
	PYI_CLEANUP(pyi_guard_free) char *subject = NULL;
	char instances[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];

	subject = pyi_table_subject(table, paths->type, paths->exact, paths->address);
	pyi_table_estimate(bytes, paths->freed_bytes, paths->estimated);
	return subject && pyi_table_put_target(table) &&
	       pyi_table_put_note(
		       table,
		       "Ways from the roots to %s instance%s of %s; without them %s bytes "
		       "would be freed",
		       pyi_table_figure(instances, paths->instances),
		       paths->instances == 1 ? "" : "s", subject, bytes);
}

static struct pyi_table_line make_line(const struct pyi_way *way, bool also)
{
	struct pyi_table_line line = { 0 };

	if (also) {
		pyi_table_figure(line.figures[0], way->references);
	} else {
		pyi_table_figure(line.figures[0], way->instances);
		pyi_table_figure(line.figures[1], way->retained_bytes);
	}
	return line;
}

static bool put_list(const struct pyi_table *like, const struct pyi_way_list *list, bool also)
{
	static const struct pyi_table_line headings[] = { { { "OBJECTS", "RETAINED" } },
							  { { "REFERENCES" } } };
	struct pyi_table table = {
		.stream = like->stream,
		.columns = like->columns,
		.envelope = like->envelope,
		.figure_count = also ? 1 : 2,
	};
	size_t shown = list->count;
	uint64_t left_out = list->other_ways;
	char figure[PYI_TABLE_FIGURE_BYTES];

	if (shown > PYI_WAYS_SHOWN)
		shown = PYI_WAYS_SHOWN;
	left_out += list->count - shown;
	pyi_table_widen(&table, &headings[also]);
	for (size_t w = 0; w < shown; w++) {
		struct pyi_table_line line = make_line(&list->items[w], also);

		pyi_table_widen(&table, &line);
	}
	if (!also)
		fputc('\n', table.stream);
	pyi_table_put_figures(&table, &headings[also]);
	fputs(also ? "ALSO THROUGH\n" : "THROUGH\n", table.stream);
	for (size_t w = 0; w < shown; w++) {
		struct pyi_table_line line = make_line(&list->items[w], also);

		pyi_table_put_figures(&table, &line);
		if (!pyi_table_put_label(&table, 0, 0, list->items[w].expression, NULL))
			return false;
	}
	if (left_out)
		fprintf(table.stream, "%s %s more\n", pyi_output_ellipsis(),
			pyi_table_figure(figure, left_out));
	return true;
}

bool pyi_ways_put(const struct pyi_table *table, const struct pyi_paths *paths)
{
	return pyi_ways_put_head(table, paths) && put_list(table, &paths->ways, false);
}

static bool put_of_one(const struct pyi_table *table, const struct pyi_paths *paths)
{
	char objects[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];

	pyi_table_estimate(bytes, paths->freed_bytes, paths->estimated);
	if (paths->ways.count && !paths->count &&
	    !pyi_table_put_note(table, "No path from a root: %s", paths->ways.items[0].expression))
		return false;
	return pyi_table_put_note(table,
				  "with it %s object%s of %s bytes would be freed, itself included",
				  pyi_table_figure(objects, paths->freed_objects),
				  paths->freed_objects == 1 ? "" : "s", bytes);
}

/* What is meant by ways that do not begin at a root. */
static bool put_starts(const struct pyi_table *table, const struct pyi_paths *paths)
{
	bool starts[PYI_WAY_UNREACHED + 1] = { false };

	for (size_t w = 0; w < paths->ways.count && w < PYI_WAYS_SHOWN; w++)
		starts[paths->ways.items[w].start] = true;
	for (size_t w = 0; w < paths->also.count && w < PYI_WAYS_SHOWN; w++)
		starts[paths->also.items[w].start] = true;
	if (starts[PYI_WAY_HELD] &&
	    !pyi_table_put_note(table, "held by C code: it has references that no object explains"))
		return false;
	return !starts[PYI_WAY_UNREACHED] ||
	       pyi_table_put_note(table, "held by nothing: garbage that no collection has freed "
					 "yet, or what holds it is not seen");
}

bool pyi_ways_put_also(const struct pyi_table *table, const struct pyi_paths *paths)
{
	if (!paths->instances || !paths->also.count)
		return true;
	if (!put_list(table, &paths->also, true))
		return false;
	fputc('\n', table->stream);
	return true;
}

bool pyi_ways_put_notes(const struct pyi_table *table, const struct pyi_paths *paths)
{
	char instances[PYI_TABLE_FIGURE_BYTES];
	char references[PYI_TABLE_FIGURE_BYTES];

	if (!paths->instances)
		return true;
	if (paths->held_instances &&
	    !pyi_table_put_note(table,
				"%s of them %s also held by C code: %s %s that no object explains",
				pyi_table_figure(instances, paths->held_instances),
				paths->held_instances == 1 ? "is" : "are",
				pyi_table_figure(references, paths->held_references),
				paths->held_references == 1 ? "reference" : "references"))
		return false;
	if ((paths->address && !put_of_one(table, paths)) || !put_starts(table, paths))
		return false;
	if (paths->estimated &&
	    !pyi_table_put_note(table, "~: an estimate; a type has a __sizeof__ of its own"))
		return false;
	return !paths->crowded ||
	       pyi_table_put_note(table, "warning: there were too many different ways: some are "
					 "merged that are not alike");
}

bool pyi_ways_add_sums(cJSON *result, const struct pyi_paths *paths)
{
	cJSON *freed = cJSON_AddObjectToObject(result, "freed");
	cJSON *held = cJSON_AddObjectToObject(result, "held");
	cJSON *ways = cJSON_AddObjectToObject(result, "other_ways");
	cJSON *also = cJSON_AddObjectToObject(result, "other_also");

	return freed && held && ways && also &&
	       pyi_output_add_unsigned(result, "instances", paths->instances) &&
	       pyi_output_add_unsigned(freed, "objects", paths->freed_objects) &&
	       pyi_output_add_unsigned(freed, "bytes", paths->freed_bytes) &&
	       (!paths->estimated || cJSON_AddTrueToObject(freed, "estimated")) &&
	       pyi_output_add_unsigned(held, "instances", paths->held_instances) &&
	       pyi_output_add_unsigned(held, "references", paths->held_references) &&
	       cJSON_AddBoolToObject(result, "merged_unlike", paths->crowded) &&
	       pyi_output_add_unsigned(ways, "ways", paths->ways.other_ways) &&
	       pyi_output_add_unsigned(ways, "instances", paths->ways.other_instances) &&
	       pyi_output_add_unsigned(also, "ways", paths->also.other_ways) &&
	       pyi_output_add_unsigned(also, "references", paths->also.other_references);
}

bool pyi_ways_add(cJSON *json, const struct pyi_way *way, bool also)
{
	if (!json || !pyi_output_add_text(json, "through", way->expression) ||
	    !pyi_output_add_text(json, "start", pyi_way_start_name(way->start)))
		return false;
	if (also ? !pyi_output_add_unsigned(json, "references", way->references)
		 : !pyi_output_add_unsigned(json, "instances", way->instances) ||
			    !pyi_output_add_unsigned(json, "retained", way->retained_bytes))
		return false;
	return pyi_output_add_address(json, "example", way->example_addr);
}
