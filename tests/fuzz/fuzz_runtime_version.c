/*
 * Fuzzer of src/python/runtime.c: the version of Python, looked for in any memory.
 */
#include "fuzz.h"
#include "python/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	char version[32];
	size_t length;

	memset(version, 'x', sizeof(version));
	if (!pyi_version_find((const char *)bytes, size_bytes, version))
		return 0;
	FUZZ_EXPECT(memchr(version, '\0', sizeof(version)));
	length = strlen(version);
	FUZZ_EXPECT(length >= 5 && (version[0] == '2' || version[0] == '3') && version[1] == '.');
	FUZZ_EXPECT(strspn(version, "0123456789.abrc+") == length);
	FUZZ_EXPECT(memmem(bytes, size_bytes, version, length));
	return 0;
}
