/*
 * Fuzzer of src/cli/evidence_input.c and src/report/evidence.c: a file in a folder of evidence,
 * whatever somebody has written into it, beside one that is as it should be.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "cli/evidence_input.h"
#include "fuzz.h"

static const char whole[] = "{\"schema\":\"pyinspect/1\",\"command\":\"check\",\"result\":{}}";

static void put_file(int fd, const char *name, const void *bytes, size_t size)
{
	struct pyi_evidence_header header = { .size = size };

	snprintf(header.name, sizeof(header.name), "%s", name);
	FUZZ_EXPECT(write(fd, &header, sizeof(header)) == (ssize_t)sizeof(header));
	FUZZ_EXPECT(write(fd, bytes, size) == (ssize_t)size);
}

static char *print(const struct pyi_evidence_input *input, enum pyi_format format)
{
	const struct pyi_evidence_shown shown = {
		.name = "folder",
		.reports = input->reports,
		.count = input->count,
		.limit = 3,
	};
	struct pyi_envelope envelope = { .command = "show" };
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	FUZZ_EXPECT(stream);
	pyi_evidence_input_describe(input, &envelope);
	FUZZ_EXPECT(envelope.pid >= 0 && envelope.pid <= 1 << 22);
	FUZZ_EXPECT(!fuzz_drop(pyi_report_evidence(stream, format, 0, &envelope, &shown)));
	FUZZ_EXPECT(fclose(stream) == 0);
	pyi_envelope_deinit(&envelope);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct pyi_evidence_input input;
	char *text;
	cJSON *json;
	int fd = memfd_create("evidence", MFD_CLOEXEC);

	FUZZ_EXPECT(fd >= 0);
	put_file(fd, "path-1.json", bytes, size_bytes);
	put_file(fd, "check.json", whole, strlen(whole));
	FUZZ_EXPECT(!fuzz_drop(pyi_evidence_input_read(fd, &input)));
	FUZZ_EXPECT(input.count == 2 && input.damaged < 2 && input.reports[1].json);
	text = print(&input, PYI_FORMAT_JSON);
	json = cJSON_Parse(text);
	FUZZ_EXPECT(json);
	cJSON_Delete(json);
	free(text);
	text = print(&input, PYI_FORMAT_TABLE);
	for (const char *at = text; *at; at++)
		FUZZ_EXPECT((unsigned char)*at >= ' ' || *at == '\n');
	free(text);
	pyi_evidence_input_deinit(&input);
	/* Alone, or a header that is cut off. */
	FUZZ_EXPECT(ftruncate(fd, (off_t)(sizeof(struct pyi_evidence_header) + size_bytes / 2)) ==
		    0);
	fuzz_drop(pyi_evidence_input_read(fd, &input));
	pyi_evidence_input_deinit(&input);
	close(fd);
	return 0;
}
