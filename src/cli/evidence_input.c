/*
 * cJSON trees; how deep they may be is up to cJSON.
 */
#include "cli/evidence_input.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/add_up.h"

static bool read_all(int fd, off_t at, void *ret_bytes, size_t size)
{
	return pread(fd, ret_bytes, size, at) == (ssize_t)size;
}

static const char *parse(const char *text, size_t size, cJSON **ret_json)
{
	cJSON *json = cJSON_ParseWithLength(text, size);
	const char *schema = pyi_part_text(json, "schema");
	const char *problem = NULL;

	if (!json)
		problem = "it is cut off or damaged: it is no JSON";
	else if (!schema || strcmp(schema, "pyinspect/1") != 0 || !pyi_part_text(json, "command"))
		problem = "it is no report of pyinspect";
	if (problem) {
		cJSON_Delete(json);
		return problem;
	}
	*ret_json = json;
	return NULL;
}

static struct pyi_error *add(struct pyi_evidence_input *input, int fd, off_t at,
			     const struct pyi_evidence_header *header)
{
	struct pyi_kept_report *report = &input->reports[input->count];
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	cJSON *json = NULL;

	*report = (struct pyi_kept_report){ .file = strndup(header->name, sizeof(header->name)) };
	if (!report->file)
		return pyi_error_no_memory();
	input->count++;
	if (header->size > PYI_EVIDENCE_FILE_BYTES) {
		report->problem = "it is longer than 16 MiB";
	} else {
		text = malloc((size_t)header->size + 1);
		if (!text)
			return pyi_error_no_memory();
		if (read_all(fd, at, text, (size_t)header->size))
			report->problem = parse(text, (size_t)header->size, &json);
		else
			report->problem = "it cannot be read";
	}
	report->json = json;
	input->damaged += !json;
	return NULL;
}

struct pyi_error *pyi_evidence_input_read(int fd, struct pyi_evidence_input *ret_input)
{
	struct pyi_evidence_header header;
	struct pyi_error *error = NULL;
	off_t at = 0;

	*ret_input = (struct pyi_evidence_input){ 0 };
	while (!error && ret_input->count < PYI_EVIDENCE_FILES &&
	       read_all(fd, at, &header, sizeof(header))) {
		at += (off_t)sizeof(header);
		error = add(ret_input, fd, at, &header);
		at += header.size <= PYI_EVIDENCE_FILE_BYTES ? (off_t)header.size : 0;
	}
	if (error || ret_input->damaged < ret_input->count)
		return error;
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_DUMP, "%s: %s",
				 ret_input->count ? ret_input->reports[0].file : "evidence",
				 ret_input->count ? ret_input->reports[0].problem : "it is empty"),
		"show wants what check has kept, or a report that was made with --json");
}

void pyi_evidence_input_describe(const struct pyi_evidence_input *input,
				 struct pyi_envelope *envelope)
{
	envelope->source = "history";
	envelope->consistent = true;
	for (size_t r = 0; r < input->count; r++) {
		const cJSON *target =
			cJSON_GetObjectItemCaseSensitive(input->reports[r].json, "target");
		const char *exe = pyi_part_text(target, "exe");
		const char *python = pyi_part_text(target, "python");
		uint64_t pid = pyi_part_unsigned(target, "pid");

		if (!target)
			continue;
		/* PID_MAX_LIMIT of include/linux/threads.h */
		envelope->pid = pid <= 1 << 22 ? (int64_t)pid : 0;
		envelope->exe = exe ? strdup(exe) : NULL;
		if (python && python[0] >= '0' && python[0] <= '9' && strchr(python, '.'))
			envelope->python = strdup(python);
		envelope->interpreters = pyi_part_unsigned(target, "interpreters");
		envelope->rss_bytes = pyi_part_unsigned(target, "rss_bytes");
		return;
	}
}

void pyi_evidence_input_deinit(struct pyi_evidence_input *input)
{
	for (size_t r = 0; r < input->count; r++) {
		free((void *)(uintptr_t)input->reports[r].file);
		cJSON_Delete((cJSON *)(uintptr_t)input->reports[r].json);
	}
	*input = (struct pyi_evidence_input){ 0 };
}
