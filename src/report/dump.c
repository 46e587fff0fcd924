/*
 * Renders what was written into a dump.
 *
 * Does not write dumps.
 */
#include "report/dump.h"

#include <string.h>

#include "base/cleanup.h"
#include "report/ndjson.h"
#include "report/table.h"

static struct pyi_error *render_table(FILE *stream, unsigned columns,
				      const struct pyi_envelope *envelope,
				      const struct pyi_dump_report *report)
{
	const struct pyi_table table = {
		.stream = stream,
		.columns = columns,
		.envelope = envelope,
	};
	PYI_CLEANUP(pyi_guard_free) char *file = pyi_output_fit(report->file, 0);
	char objects[PYI_TABLE_FIGURE_BYTES];
	char references[PYI_TABLE_FIGURE_BYTES];
	char bytes[PYI_TABLE_FIGURE_BYTES];
	char file_bytes[PYI_TABLE_FIGURE_BYTES];

	if (!file || !pyi_table_put_target(&table) ||
	    !pyi_table_put_note(&table, "%s objects of %s bytes, and %s references",
				pyi_table_figure(objects, report->objects),
				pyi_table_figure(bytes, report->bytes),
				pyi_table_figure(references, report->references)) ||
	    !pyi_table_put_note(&table, "%s bytes in %s; pyinspect %s%s top-types reads it",
				pyi_table_figure(file_bytes, report->file_bytes), file,
				strchr(file, '/') ? "" : "./", file) ||
	    !pyi_table_put_warnings(&table, report->skipped_objects))
		return pyi_error_no_memory();
	pyi_table_put_cost(&table);
	return pyi_output_finish(stream);
}

static bool add_result(cJSON *json, const struct pyi_dump_report *report)
{
	cJSON *result = json ? cJSON_AddObjectToObject(json, "result") : NULL;

	return result && pyi_output_add_text(result, "file", report->file) &&
	       pyi_output_add_unsigned(result, "file_bytes", report->file_bytes) &&
	       pyi_output_add_unsigned(result, "objects", report->objects) &&
	       pyi_output_add_unsigned(result, "bytes", report->bytes) &&
	       pyi_output_add_unsigned(result, "references", report->references) &&
	       cJSON_AddBoolToObject(result, "complete", report->complete) &&
	       pyi_output_add_unsigned(result, "skipped", report->skipped_objects);
}

struct pyi_error *pyi_report_dump(FILE *stream, enum pyi_format format, unsigned columns,
				  const struct pyi_envelope *envelope,
				  const struct pyi_dump_report *report)
{
	cJSON *json;

	switch (format) {
	case PYI_FORMAT_JSON:
		json = pyi_envelope_to_json(envelope);
		return pyi_output_json_done(stream, json, add_result(json, report), true);
	case PYI_FORMAT_NDJSON:
		json = pyi_ndjson_begin_report(envelope);
		return pyi_ndjson_end(stream, json, add_result(json, report));
	default:
		break;
	}
	return render_table(stream, columns, envelope, report);
}
