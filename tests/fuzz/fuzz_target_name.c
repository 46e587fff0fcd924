/*
 * Fuzzer of src/process/target_name.c: any name for a target, where no unit runs.
 */
#include "fuzz.h"
#include "process/target_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	char *name = fuzz_take_text(&input);
	struct pyi_error *error;
	pid_t pid = -1;

	error = pyi_target_name_resolve(name, "/proc/self/no-such-folder", NULL, &pid);
	if (error) {
		bool unit = error->code == PYI_ERROR_NO_SUCH_UNIT;

		FUZZ_EXPECT(pid == -1 && error->hint);
		FUZZ_EXPECT(unit || error->code == PYI_ERROR_BAD_TARGET);
		FUZZ_EXPECT(!unit || (!strncmp(name, "unit:", 5) && !strchr(name, '/')));
		fuzz_drop(error);
	} else {
		FUZZ_EXPECT(pid > 0 && strspn(name, "0123456789") == strlen(name));
		FUZZ_EXPECT(strtoull(name, NULL, 10) == (uint64_t)pid);
	}
	free(name);
	return 0;
}
