/*
 * A memory file. Does not write to it.
 */
#include "cli/handover.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_replace.h"
#include "report/output.h"

struct pyi_error *pyi_handover_begin(struct pyi_options *options)
{
	if (!options->output)
		return NULL;
	options->output_fd = memfd_create("report", MFD_CLOEXEC);
	return options->output_fd < 0 ? pyi_error_no_memory() : NULL;
}

struct pyi_error *pyi_handover_put(const struct pyi_options *options)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct stat status;

	if (options->output_fd < 0 || fstat(options->output_fd, &status) != 0 || !status.st_size)
		return NULL;
	text = malloc((size_t)status.st_size);
	if (!text || pread(options->output_fd, text, (size_t)status.st_size, 0) != status.st_size)
		return pyi_error_no_memory();
	return pyi_file_replace(options->output, PYI_OUTPUT_MODE, text, (size_t)status.st_size);
}

void pyi_handover_end(struct pyi_options *options)
{
	if (options->output_fd >= 0)
		close(options->output_fd);
	options->output_fd = -1;
}
