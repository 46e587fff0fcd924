/*
 * Names and descriptors.
 */
#include "cli/core_target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/dump_target.h"
#include "cli/progress.h"
#include "cli/room.h"
#include "cli/worker_memory.h"
#include "core/core_unpack.h"

/* Where nobody says how much memory there is. */
#define COPY_LIMIT_BYTES (UINT64_C(4) << 30)

static struct pyi_error *take(struct pyi_options *options, struct pyi_error *error)
{
	if (error)
		return error;
	options->core = options->target;
	options->graph_bytes = pyi_room_of_graph(options->core_bytes, pyi_room_available_bytes());
	return NULL;
}

struct pyi_error *pyi_core_target_open(struct pyi_options *options)
{
	return take(options, pyi_dump_target_open_file(options->target, "core", &options->core_fd,
						       &options->core_bytes));
}

static void show_progress(void *progress, uint64_t bytes)
{
	char stage[64];

	snprintf(stage, sizeof(stage), "unpacking the core: %" PRIu64 " MB", bytes >> 20);
	pyi_progress_report(progress, stage, 0);
}

struct pyi_error *pyi_core_target_unpack(struct pyi_options *options)
{
	PYI_CLEANUP(pyi_guard_fd) int packed_fd = -1;
	const char *folder = getenv("TMPDIR");
	struct pyi_progress progress;
	struct pyi_core_packed packed = {
		.folder = folder && folder[0] == '/' ? folder : "/var/tmp",
		.memory_bytes = pyi_worker_memory(),
		.deadline_ns = options->deadline_ns,
		.progress = show_progress,
		.argument = &progress,
	};
	uint64_t packed_bytes;
	struct pyi_error *error =
		pyi_dump_target_open_file(options->target, "core", &packed_fd, &packed_bytes);

	if (error)
		return error;
	packed.fd = packed_fd;
	pyi_progress_begin(&progress);
	error = pyi_core_unpack(&packed, &options->core_fd, &options->core_bytes);
	pyi_progress_end(&progress);
	return take(options, error);
}

struct pyi_error *pyi_core_target_refuse_compressed(const char *name)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
					       "%s is compressed, and not by zstd: a core is "
					       "mapped as it is",
					       name),
			      "unpack it first; of a core that systemd keeps: coredumpctl dump PID "
			      "-o core");
}

struct pyi_error *pyi_core_target_serve(struct pyi_options *options,
					struct pyi_core_server *ret_server)
{
	PYI_CLEANUP(pyi_guard_free) char *root = NULL;
	uint64_t available_bytes = pyi_room_available_bytes();
	struct pyi_core_place place = {
		.core_fd = options->core_fd,
		.root = "",
		.copy_limit_bytes = available_bytes ? available_bytes / 2 : COPY_LIMIT_BYTES,
	};
	struct stat status;
	struct pyi_error *error;

	*ret_server = (struct pyi_core_server){ .channel_fd = -1 };
	if (!options->core)
		return options->sysroot
			       ? pyi_error_hint(
					 pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
							  "--sysroot is for a core, and %s is "
							  "none",
							  options->target),
					 "see pyinspect --help")
			       : NULL;
	if (options->sysroot) {
		root = realpath(options->sysroot, NULL);
		if (root && (stat(root, &status) != 0 || !S_ISDIR(status.st_mode))) {
			free(pyi_return_ptr(root));
			errno = ENOTDIR;
		}
		if (!root)
			return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED,
						      errno, "cannot look for files in %s",
						      options->sysroot);
		place.root = root;
	}
	error = pyi_core_server_start(&place, ret_server);
	if (!error)
		options->broker_fd = ret_server->channel_fd;
	return error;
}
