/*
 * Fuzzer of src/process/proc_copy.c, and of what a list makes of its texts: any bytes.
 */
#include "fuzz.h"
#include "process/cgroup_place.h"
#include "process/command_words.h"
#include "process/proc_copy.h"
#include "process/python_sign.h"

enum {
	/* Less than some command lines. */
	SHOWN_BYTES = 100,
};

static void look_at(const struct pyi_proc_copy *copy)
{
	char version[PYI_PYTHON_VERSION_BYTES];
	struct pyi_cgroup_place place;
	char shown[SHOWN_BYTES];

	for (int t = 0; t < PYI_PROC_TEXTS; t++)
		FUZZ_EXPECT(!copy->texts[t][copy->sizes[t]]);
	pyi_python_sign_of(copy->texts[PYI_PROC_PROGRAM], version);
	FUZZ_EXPECT(memchr(version, '\0', sizeof(version)));
	pyi_python_sign_add_version(version, "3.12");
	pyi_cgroup_place_of(copy->texts[PYI_PROC_CGROUP], &place);
	FUZZ_EXPECT(memchr(place.name, '\0', sizeof(place.name)));
	pyi_command_words_shown(copy->texts[PYI_PROC_CMDLINE], copy->sizes[PYI_PROC_CMDLINE] + 1,
				shown, sizeof(shown));
	FUZZ_EXPECT(memchr(shown, '\0', sizeof(shown)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	/* Of its very size, so that a sanitizer sees each byte behind it. */
	char *data = malloc(size_bytes + 1);
	char *text = malloc(size_bytes + 1);
	struct pyi_cgroup_place place;
	struct pyi_proc_copy copy;
	char shown[SHOWN_BYTES];
	size_t at = 0;

	FUZZ_EXPECT(data && text);
	memcpy(data, bytes, size_bytes);
	memcpy(text, bytes, size_bytes);
	text[size_bytes] = '\0';
	for (size_t before = 0; pyi_proc_copy_next(data, size_bytes, &at, &copy); before = at) {
		FUZZ_EXPECT(at > before && at <= size_bytes);
		look_at(&copy);
	}
	pyi_cgroup_place_of(text, &place);
	pyi_command_words_shown(text, size_bytes + 1, shown, sizeof(shown));
	free(text);
	free(data);
	return 0;
}
