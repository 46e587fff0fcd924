/*
 * Fuzzer of src/tracee/seccomp_filter.c: any program, any call. Input: which arguments are known,
 * the call, and instructions, the last of which may be a part of one.
 */
#include "fuzz.h"
#include "tracee/seccomp_filter.h"

enum {
	/* More than the kernel takes, too. */
	CODE_LIMIT = PYI_SECCOMP_INSTRUCTION_LIMIT + 2,
};

/* Of its own memory, so that it is found out who reads beyond the end. */
static struct sock_filter *take_code(struct fuzz_input *input, size_t *ret_count)
{
	size_t count =
		(input->size_bytes + sizeof(struct sock_filter) - 1) / sizeof(struct sock_filter);
	struct sock_filter *code;

	count = count < CODE_LIMIT ? count : CODE_LIMIT;
	code = malloc(count * sizeof(*code) + !count);
	FUZZ_EXPECT(code);
	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = fuzz_take(input, sizeof(*code));

		memcpy(&code[i], &bytes, sizeof(*code));
	}
	*ret_count = count;
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	unsigned known = (unsigned)fuzz_take(&input, 1) & PYI_SECCOMP_ALL_KNOWN;
	struct seccomp_data other;
	struct seccomp_data data;
	struct sock_filter *code;
	uint32_t value = 0;
	uint32_t another = 0;
	size_t count;

	data.nr = (int)fuzz_take(&input, sizeof(data.nr));
	data.arch = (uint32_t)fuzz_take(&input, sizeof(data.arch));
	data.instruction_pointer = fuzz_take(&input, sizeof(data.instruction_pointer));
	for (size_t a = 0; a < sizeof(data.args) / sizeof(data.args[0]); a++)
		data.args[a] = fuzz_take(&input, sizeof(data.args[a]));
	code = take_code(&input, &count);
	if (pyi_seccomp_filter_is_valid(code, count) &&
	    pyi_seccomp_filter_run(code, count, &data, known, &value)) {
		/* Then it is the same whatever the others are. */
		FUZZ_EXPECT(pyi_seccomp_filter_run(code, count, &data, PYI_SECCOMP_ALL_KNOWN,
						   &another));
		FUZZ_EXPECT(another == value);
		other = data;
		for (size_t a = 0; a < sizeof(data.args) / sizeof(data.args[0]); a++)
			if (!(known >> a & 1))
				other.args[a] = ~data.args[a];
		/* A shift by what is not known may now be too long. */
		FUZZ_EXPECT(pyi_seccomp_filter_run(code, count, &other, known, &another));
		FUZZ_EXPECT(another == value);
		FUZZ_EXPECT(pyi_seccomp_effect(value)[0]);
		FUZZ_EXPECT(pyi_seccomp_stronger(value, value) == value);
		FUZZ_EXPECT(!pyi_seccomp_is_harmless(
			pyi_seccomp_stronger(value, SECCOMP_RET_KILL_PROCESS)));
	}
	free(code);
	return 0;
}
