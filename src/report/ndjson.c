/*
 * Begins and ends lines of NDJSON.
 */
#include "report/ndjson.h"

#include "report/output.h"

static cJSON *with_kind(cJSON *line, const char *kind)
{
	if (line && pyi_output_add_text(line, "kind", kind))
		return line;
	cJSON_Delete(line);
	return NULL;
}

cJSON *pyi_ndjson_begin_report(const struct pyi_envelope *envelope)
{
	return with_kind(pyi_envelope_to_json(envelope), "report");
}

cJSON *pyi_ndjson_begin_item(const char *kind)
{
	return with_kind(cJSON_CreateObject(), kind);
}

struct pyi_error *pyi_ndjson_end(FILE *stream, cJSON *line, bool complete)
{
	return pyi_output_json_done(stream, line, complete, false);
}
