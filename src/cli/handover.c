/*
 * A memory file, or a draft. Does not write to it.
 */
#include "cli/handover.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file_draft.h"
#include "base/file_replace.h"
#include "cli/relay.h"
#include "report/output.h"

/* On standard output there is nothing else then. */
static bool is_for_output(const struct pyi_options *options)
{
	return strcmp(options->dump_file, "-") == 0;
}

static struct pyi_error *begin_dump(struct pyi_options *options)
{
	struct pyi_error *error;

	if (is_for_output(options)) {
		if (isatty(STDOUT_FILENO))
			return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
							       "a dump is nothing for a terminal"),
					      "name a file, or send standard output to one");
		options->output_fd = memfd_create("dump", MFD_CLOEXEC);
		return options->output_fd < 0 ? pyi_error_no_memory() : NULL;
	}
	error = pyi_file_draft_begin(options->dump_file, &options->draft);
	if (!error)
		options->output_fd = options->draft.fd;
	return error;
}

static struct pyi_error *put_dump(struct pyi_options *options, int exit_code, uint64_t deadline_ns)
{
	if (exit_code != (int)PYI_EXIT_OK && exit_code != (int)PYI_EXIT_INCOMPLETE)
		return NULL;
	return is_for_output(options) ? pyi_relay_pass(options->output_fd, deadline_ns)
				      : pyi_file_draft_put(&options->draft);
}

struct pyi_error *pyi_handover_begin(struct pyi_options *options)
{
	struct pyi_error *error;

	if (options->dump_file)
		return begin_dump(options);
	if (!options->output)
		return NULL;
	/* Before anything is stopped for it. */
	error = pyi_file_check_place(AT_FDCWD, options->output, options->output);
	if (error)
		return error;
	options->output_fd = memfd_create("report", MFD_CLOEXEC);
	return options->output_fd < 0 ? pyi_error_no_memory() : NULL;
}

struct pyi_error *pyi_handover_put(struct pyi_options *options, int exit_code, uint64_t deadline_ns)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct stat status;

	if (options->output_fd >= 0 && options->dump_file)
		return put_dump(options, exit_code, deadline_ns);
	if (options->output_fd < 0 || fstat(options->output_fd, &status) != 0 || !status.st_size)
		return NULL;
	text = malloc((size_t)status.st_size);
	if (!text || pread(options->output_fd, text, (size_t)status.st_size, 0) != status.st_size)
		return pyi_error_no_memory();
	return pyi_file_replace(options->output, PYI_OUTPUT_MODE, text, (size_t)status.st_size);
}

void pyi_handover_end(struct pyi_options *options)
{
	if (options->output_fd >= 0 && options->output_fd == options->draft.fd)
		pyi_file_draft_end(&options->draft);
	else if (options->output_fd >= 0)
		close(options->output_fd);
	options->output_fd = -1;
}
