/*
 * A graph, or a cJSON tree, and what both say of their process.
 */
#include "cli/diff_input.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "analysis/heap_types.h"
#include "base/cleanup.h"
#include "cli/add_up.h"
#include "graph/file.h"

enum {
	/* All types of a large program are some 200 KB. */
	REPORT_BYTES = 16 << 20,
};

PYI_DEFINE_GUARD(json, cJSON, cJSON_Delete)

static struct pyi_error *read_dump(int fd, struct pyi_graph_space *space,
				   struct pyi_diff_input *input)
{
	struct pyi_record_summary summary = { 0 };
	struct pyi_error *error = pyi_graph_read(fd, space, &input->graph);

	if (error)
		return error;
	error = pyi_dump_facts_get(&input->graph, input->file, &input->envelope, &summary,
				   &input->moment);
	if (!error)
		error = pyi_heap_types(&input->graph, NULL, &input->census);
	if (error)
		return error;
	if (input->envelope.dump.host) {
		input->host = strdup(input->envelope.dump.host);
		if (!input->host)
			return pyi_error_no_memory();
	}
	if (input->graph.truncated)
		pyi_envelope_warn(&input->envelope, "cut-off",
				  "it is cut off or damaged: objects are missing");
	input->is_dump = true;
	input->scope = "all";
	input->taken_s = (int64_t)(input->moment.taken_ms / 1000);
	input->partial =
		input->graph.truncated || summary.skipped_objects || !input->envelope.consistent;
	return NULL;
}

static struct pyi_error *is_neither(const struct pyi_diff_input *input)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_DUMP,
					       "%s is neither a dump nor a report of top-types",
					       input->file),
			      "diff wants what `pyinspect TARGET dump FILE` or `pyinspect TARGET "
			      "top-types -n 0 --json` has written");
}

static struct pyi_error *read_text(int fd, char **ret_text, size_t *ret_size)
{
	struct stat status;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	size_t size;

	if (fstat(fd, &status) != 0)
		return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED, errno,
					      "the report cannot be read");
	*ret_text = NULL;
	if (status.st_size > REPORT_BYTES)
		return NULL;
	size = (size_t)status.st_size;
	text = malloc(size + 1);
	if (!text)
		return pyi_error_no_memory();
	if (pread(fd, text, size, 0) != status.st_size)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED,
					"the report cannot be read");
	*ret_text = pyi_return_ptr(text);
	*ret_size = size;
	return NULL;
}

static bool is_report(const cJSON *json, const cJSON *types)
{
	const char *schema = pyi_part_text(json, "schema");
	const char *command = pyi_part_text(json, "command");

	return schema && strcmp(schema, "pyinspect/1") == 0 && command &&
	       strcmp(command, "top-types") == 0 && cJSON_IsArray(types);
}

static struct pyi_error *add_types(struct pyi_diff_input *input, const cJSON *types)
{
	struct pyi_error *error = NULL;
	const cJSON *type;

	cJSON_ArrayForEach(type, types)
	{
		const char *name = pyi_part_text(type, "type");

		if (!error && name)
			error = pyi_census_add(
				&input->census, strdup(name), pyi_part_unsigned(type, "count"),
				pyi_part_unsigned(type, "bytes"),
				cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(type, "estimated")));
	}
	if (!error)
		pyi_census_merge(&input->census);
	return error;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int64_t moment_of(const char *text)
{
	struct tm parts = { 0 };
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts) : NULL;
	time_t moment_s = end && !*end ? timegm(&parts) : 0;

	return moment_s > 0 ? moment_s : 0;
}

static void describe(struct pyi_diff_input *input, const cJSON *json, const cJSON *result)
{
	const cJSON *target = cJSON_GetObjectItemCaseSensitive(json, "target");
	const cJSON *access = cJSON_GetObjectItemCaseSensitive(json, "access");
	const cJSON *dump = cJSON_GetObjectItemCaseSensitive(json, "dump");
	const cJSON *other = cJSON_GetObjectItemCaseSensitive(result, "other");
	const char *scope = pyi_part_text(result, "scope");
	uint64_t pid = pyi_part_unsigned(target, "pid");
	struct pyi_envelope *envelope = &input->envelope;

	envelope->pid = pid < INT32_MAX ? (int64_t)pid : 0;
	envelope->exe = copy(pyi_part_text(target, "exe"));
	envelope->python = copy(pyi_part_text(target, "python"));
	envelope->interpreters = pyi_part_unsigned(target, "interpreters");
	envelope->rss_bytes = pyi_part_unsigned(target, "rss_bytes");
	envelope->consistent = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(access, "consistent"));
	input->host = copy(pyi_part_text(dump ? dump : json, "host"));
	input->taken_s = moment_of(pyi_part_text(dump ? dump : json, "time"));
	input->scope = scope && strcmp(scope, "tracked") == 0 ? "tracked" : "all";
	input->cut = pyi_part_unsigned(other, "types") > 0;
	input->partial = !envelope->consistent || pyi_part_unsigned(result, "skipped");
}

static struct pyi_error *read_report(int fd, struct pyi_diff_input *input)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	PYI_CLEANUP(pyi_guard_json) cJSON *json = NULL;
	const cJSON *result;
	const cJSON *types;
	size_t size = 0;
	struct pyi_error *error = read_text(fd, &text, &size);

	if (error)
		return error;
	json = text ? cJSON_ParseWithLength(text, size) : NULL;
	result = cJSON_GetObjectItemCaseSensitive(json, "result");
	types = cJSON_GetObjectItemCaseSensitive(result, "types");
	if (!is_report(json, types))
		return is_neither(input);
	describe(input, json, result);
	return add_types(input, types);
}

struct pyi_error *pyi_diff_input_read(const char *file, int fd, struct pyi_graph_space *space,
				      struct pyi_diff_input *ret_input)
{
	char magic[sizeof(PYI_GRAPH_FILE_MAGIC) - 1];

	*ret_input = (struct pyi_diff_input){ .file = file };
	if (pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, PYI_GRAPH_FILE_MAGIC, sizeof(magic)) == 0)
		return pyi_error_context(read_dump(fd, space, ret_input), "%s", file);
	return read_report(fd, ret_input);
}

struct pyi_diff_side pyi_diff_input_side(const struct pyi_diff_input *input)
{
	return (struct pyi_diff_side){
		.file = input->file,
		.taken_s = input->taken_s,
		.pid = input->envelope.pid,
		.host = input->host,
		.rss_bytes = input->envelope.rss_bytes,
		.graph = input->is_dump ? &input->graph : NULL,
	};
}

bool pyi_diff_input_is_same_process(const struct pyi_diff_input *one,
				    const struct pyi_diff_input *other)
{
	return one->is_dump && other->is_dump && one->envelope.pid > 0 &&
	       one->envelope.pid == other->envelope.pid && one->moment.start_ticks &&
	       one->moment.start_ticks == other->moment.start_ticks && one->host && other->host &&
	       strcmp(one->host, other->host) == 0;
}

void pyi_diff_input_deinit(struct pyi_diff_input *input)
{
	pyi_graph_deinit(&input->graph);
	pyi_envelope_deinit(&input->envelope);
	pyi_census_deinit(&input->census);
	free(input->host);
	*input = (struct pyi_diff_input){ 0 };
}
