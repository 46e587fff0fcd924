/*
 * The form of tasks and answers, for their two sides: cli/tasks.c and cli/tasks_serve.c.
 *
 * MEASURE: deadline_ns, slip, container_least, reach, types (number, texts), containers (number,
 * texts). Answer: envelope, error; without one: start_ticks, skipped_objects, sample. EVIDENCE:
 * deadline_ns, types (number, texts). Answer: envelope, error; without one, for each value of enum
 * pyi_evidence_part: whether the report was made, and its text (none: there is no such report).
 */
#ifndef PYI_CLI_TASKS_PRIVATE_H
#define PYI_CLI_TASKS_PRIVATE_H

#include <stdint.h>

#include "base/pack.h"

enum pyi_task_kind {
	PYI_TASK_MEASURE = 1,
	PYI_TASK_EVIDENCE,
};

enum {
	/* What a check asks for is what its user wrote. */
	PYI_TASK_LIMIT = 16 << 20,
	PYI_TASK_ANSWER_LIMIT = 64 << 20,
	PYI_TASK_TEXT_LIMIT = 64 << 10,
	PYI_TASK_WARNING_LIMIT = 64,
	PYI_TASK_FIGURE_LIMIT = 1 << 20,
	PYI_TASK_NAME_LIMIT = 1 << 16,
};

/* Of a moment or an age: some thousand years, so that sums of them do not overflow. */
#define PYI_TASK_SECONDS_LIMIT (UINT64_C(1) << 40)

struct pyi_task_header {
	uint64_t kind;
	uint64_t data_bytes;
};

#endif
