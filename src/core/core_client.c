/*
 * Asks, and waits for the answer.
 */
#include "core/core_client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/channel.h"

enum { STEP_BYTES = 1 << 20 };

static struct pyi_error *lost(void)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BROKER_LOST,
				"the part of pyinspect that maps the core was ended");
}

static struct pyi_error *ask(int channel_fd, struct pyi_request *request, const void *data,
			     size_t size_bytes, struct pyi_reply *ret_reply, int *ret_fd)
{
	struct pyi_wire_error *wire = &ret_reply->error;
	struct pyi_error *error;

	*ret_fd = -1;
	request->data_bytes = (uint32_t)size_bytes;
	if (!pyi_channel_send(channel_fd, request, sizeof(*request), data, size_bytes, -1) ||
	    !pyi_channel_receive(channel_fd, ret_reply, sizeof(*ret_reply), ret_fd) ||
	    ret_reply->data_bytes || ret_reply->has_fd != (uint32_t)(*ret_fd >= 0))
		return lost();
	if (!wire->exit)
		return NULL;
	wire->message[sizeof(wire->message) - 1] = '\0';
	wire->hint[sizeof(wire->hint) - 1] = '\0';
	if (wire->exit != PYI_EXIT_FAILED || wire->code >= PYI_ERROR_CODE_COUNT)
		return lost();
	error = pyi_error_create(PYI_EXIT_FAILED, (enum pyi_error_code)wire->code, "%s",
				 wire->message);
	return wire->hint[0] ? pyi_error_hint(error, "%s", wire->hint) : error;
}

struct pyi_error *pyi_core_client_open_file(int channel_fd, const char *path, int *ret_fd,
					    int *ret_error_number)
{
	struct pyi_request request = { .kind = PYI_CORE_REQUEST_FILE };
	struct pyi_reply reply = { 0 };
	struct pyi_error *error;

	*ret_fd = -1;
	*ret_error_number = ENAMETOOLONG;
	if (!path[0] || strlen(path) >= PYI_SOCKET_NAME_BYTES)
		return NULL;
	error = ask(channel_fd, &request, path, strlen(path), &reply, ret_fd);
	*ret_error_number = reply.module.error_number;
	return error;
}

struct pyi_error *pyi_core_client_send(int channel_fd, enum pyi_core_part part, const void *bytes,
				       size_t size_bytes)
{
	const char *at = bytes;
	struct pyi_error *error = NULL;

	while (size_bytes && !error) {
		struct pyi_request request = { .kind = PYI_CORE_REQUEST_PART, .file.file = part };
		size_t step = size_bytes < STEP_BYTES ? size_bytes : STEP_BYTES;
		struct pyi_reply reply;
		PYI_CLEANUP(pyi_guard_fd) int fd = -1;

		error = ask(channel_fd, &request, at, step, &reply, &fd);
		at += step;
		size_bytes -= step;
	}
	return error;
}
