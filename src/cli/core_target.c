/*
 * Names and descriptors.
 */
#include "cli/core_target.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cli/dump_target.h"
#include "cli/room.h"

/* Where nobody says how much memory there is. */
#define COPY_LIMIT_BYTES (UINT64_C(4) << 30)

struct pyi_error *pyi_core_target_open(struct pyi_options *options)
{
	struct pyi_error *error = pyi_dump_target_open_file(
		options->target, "core", &options->core_fd, &options->core_bytes);

	if (error)
		return error;
	options->core = options->target;
	options->graph_bytes = pyi_room_of_graph(options->core_bytes, pyi_room_available_bytes());
	return NULL;
}

struct pyi_error *pyi_core_target_refuse(const char *name, const char *command)
{
	return pyi_error_hint(
		pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
				 "%s asks the process itself, and %s is a core", command, name),
		"of a core can be asked: explain, top-types, top-objects, referrers, referents, "
		"path, show, dominators, garbage; and dump makes a dump of it, which diff knows");
}

struct pyi_error *pyi_core_target_refuse_compressed(const char *name)
{
	return pyi_error_hint(pyi_error_create(PYI_EXIT_USAGE, PYI_ERROR_USAGE,
					       "%s is compressed, and a core is mapped as it is",
					       name),
			      "zstd -d -o core %s; or, of a core that systemd keeps, coredumpctl "
			      "dump PID -o core",
			      name);
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
