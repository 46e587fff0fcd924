/*
 * Fuzzer of src/process/process_stat.c: any file /proc/PID/stat.
 */
#include "fuzz.h"
#include "process/process_stat.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	char *text = fuzz_take_text(&input);
	struct pyi_process_stat stat;

	if (pyi_process_stat_parse(text, &stat)) {
		FUZZ_EXPECT(memchr(stat.name, '\0', sizeof(stat.name)));
		FUZZ_EXPECT(stat.state && stat.parent_pid >= 0);
		FUZZ_EXPECT(strstr(text, stat.name));
	}
	free(text);
	return 0;
}
