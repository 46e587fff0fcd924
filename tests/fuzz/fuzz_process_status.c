/*
 * Fuzzer of src/process/process_status.c: any file /proc/PID/status; and of what reads the names
 * that a process has there and in its stat file, by giving them to our own.
 */
#include <sys/prctl.h>
#include <unistd.h>

#include "fuzz.h"
#include "process/process.h"

enum {
	/* TASK_COMM_LEN of the kernel */
	NAME_BYTES = 16,
};

/* A name of any bytes; the real status file must be understood all the same. */
static void try_own_name(struct fuzz_input *input)
{
	struct pyi_process_status status;
	struct pyi_process process;
	char name[NAME_BYTES] = "";

	for (size_t i = 0; i < NAME_BYTES - 1; i++)
		name[i] = (char)fuzz_take(input, 1);
	FUZZ_EXPECT(!prctl(PR_SET_NAME, name));
	FUZZ_EXPECT(!pyi_process_open(getpid(), &process));
	FUZZ_EXPECT(pyi_process_is_alive(&process));
	FUZZ_EXPECT(!pyi_process_read_status(&process, 0, &status));
	FUZZ_EXPECT(status.thread_group_id == getpid() && status.parent_pid == getppid());
	FUZZ_EXPECT(!strcmp(status.name, name));
	pyi_process_close(&process);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct pyi_process_status status;
	char *text;

	if (size_bytes && size_bytes <= NAME_BYTES) {
		try_own_name(&input);
		return 0;
	}
	text = fuzz_take_text(&input);
	if (!fuzz_drop(pyi_process_parse_status(text, &status))) {
		FUZZ_EXPECT(memchr(status.name, '\0', sizeof(status.name)));
		FUZZ_EXPECT(status.state && status.thread_group_id >= 0 && status.parent_pid >= 0);
		FUZZ_EXPECT(status.tracer_pid >= 0 && status.namespace_pid >= 0);
		FUZZ_EXPECT(status.namespace_count <= PYI_NAMESPACE_LIMIT);
		FUZZ_EXPECT(pyi_process_number_in(&status, status.namespace_count) ==
			    status.namespace_pid);
		FUZZ_EXPECT(status.seccomp_mode >= 0);
	}
	free(text);
	return 0;
}
