/*
 * Fuzzer of src/process/pressure.c: any file memory.pressure.
 */
#include "fuzz.h"
#include "process/pressure.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct pyi_pressure pressure;
	char *text = fuzz_take_text(&input);

	if (pyi_pressure_parse(text, &pressure)) {
		const struct pyi_pressure unknown = { .why = "not looked at" };

		FUZZ_EXPECT(pressure.known && !pressure.why);
		FUZZ_EXPECT(pressure.some_percent >= 0 && pressure.some_percent <= 100);
		FUZZ_EXPECT(pressure.full_percent >= 0 && pressure.full_percent <= 100);
		FUZZ_EXPECT(fuzz_drop(pyi_pressure_refusal(&pressure, &unknown, PYI_EXIT_FAILED)) ==
			    (pressure.some_percent >= 20 || pressure.full_percent >= 5));
	}
	free(text);
	return 0;
}
