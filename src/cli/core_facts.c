/*
 * What a core lacks, in words.
 */
#include "cli/core_facts.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "core/core_plan.h"

static void note(struct pyi_inspection *inspection, const struct pyi_core_facts *facts)
{
	struct pyi_envelope *envelope = inspection->envelope;

	inspection->partial |= facts->truncated;
	if (facts->truncated)
		pyi_envelope_warn(envelope, "cut-off",
				  "the core is cut off: %" PRIu64
				  " MB of memory are missing, and what was in them",
				  (facts->lost_bytes + (1 << 20) - 1) >> 20);
	if (facts->left_out_bytes && !facts->truncated)
		pyi_envelope_warn(envelope, "left-out",
				  "%" PRIu64 " KB of memory were not written to the core "
				  "(/proc/PID/coredump_filter, MADV_DONTDUMP)",
				  facts->left_out_bytes >> 10);
	if (facts->unsure_count)
		pyi_envelope_warn(envelope, "no-build-id",
				  "%" PRIu64 " files have no build id, such as %s: that they are "
				  "those of the core is taken from their first page",
				  facts->unsure_count,
				  facts->unsure_path ? facts->unsure_path : "?");
}

struct pyi_error *pyi_core_facts_begin(struct pyi_inspection *inspection, pid_t *ret_pid)
{
	PYI_CLEANUP(pyi_core_facts_deinit) struct pyi_core_facts facts = { 0 };
	const struct pyi_options *options = inspection->options;
	struct pyi_error *error = pyi_core_plan_send(options->core_fd, options->broker_fd, &facts);

	if (error)
		return pyi_error_context(error, "%s", options->core);
	note(inspection, &facts);
	*ret_pid = facts.pid;
	return NULL;
}

uint64_t pyi_core_facts_taken_ms(const struct pyi_options *options)
{
	struct stat status;

	if (fstat(options->core_fd, &status) != 0 || status.st_mtim.tv_sec < 0)
		return 0;
	return (uint64_t)status.st_mtim.tv_sec * 1000 + (uint64_t)status.st_mtim.tv_nsec / 1000000;
}
