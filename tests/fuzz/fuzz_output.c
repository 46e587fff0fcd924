/*
 * Fuzzer of src/report/output.c: texts of a target, made fit for a terminal and for JSON.
 */
#include "fuzz.h"
#include "report/output.h"

/* One line of valid UTF-8, without anything that drives a terminal. */
static void expect_line(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		int more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;

		FUZZ_EXPECT(*at >= ' ' && *at != 0x7f && (*at < 0x80 || *at >= 0xc2) && *at < 0xf5);
		/* U+0080 to U+009F */
		FUZZ_EXPECT(*at != 0xc2 || at[1] >= 0xa0);
		at++;
		while (more--)
			FUZZ_EXPECT((*at++ & 0xc0) == 0x80);
	}
}

static void try_json(const char *text)
{
	cJSON *object = cJSON_CreateObject();
	cJSON *again;
	char *printed = NULL;
	size_t size;
	FILE *stream = open_memstream(&printed, &size);

	FUZZ_EXPECT(stream);
	FUZZ_EXPECT(object && pyi_output_add_text(object, "text", text));
	FUZZ_EXPECT(pyi_output_add_unsigned(object, "count", UINT64_MAX));
	FUZZ_EXPECT(!pyi_output_json(stream, object, false) && !fclose(stream));
	printed[size - 1] = '\0';
	again = cJSON_Parse(printed);
	FUZZ_EXPECT(again);
	FUZZ_EXPECT(!strcmp(cJSON_GetObjectItem(again, "text")->valuestring,
			    cJSON_GetObjectItem(object, "text")->valuestring));
	expect_line(printed);
	cJSON_Delete(again);
	cJSON_Delete(object);
	free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	size_t room = (size_t)fuzz_take(&input, 1);
	char *text = fuzz_take_text(&input);
	char *whole = pyi_output_fit(text, 0);
	char *fitted = pyi_output_fit(text, room);

	FUZZ_EXPECT(whole && fitted);
	expect_line(whole);
	expect_line(fitted);
	if (room)
		FUZZ_EXPECT(pyi_output_width(fitted) <= room);
	if (!room || pyi_output_width(whole) <= room)
		FUZZ_EXPECT(!strcmp(whole, fitted));
	try_json(text);
	free(whole);
	free(fitted);
	free(text);
	return 0;
}
