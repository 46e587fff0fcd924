/*
 * Requests to a broker out of random bytes: any kind, with numbers at their borders.
 */
#include "broker_requests.h"

#include "process/mapped_file.h"

static bool choose(struct fuzz_input *input)
{
	return fuzz_take(input, 1) & 1;
}

uint64_t broker_take_number(struct fuzz_input *input, uint64_t limit)
{
	uint64_t choice = fuzz_take(input, 1);

	if (choice < 64)
		return choice;
	if (choice < 96)
		return limit + choice - 80;
	if (choice < 128)
		return limit / 2 + choice - 112;
	if (choice < 160)
		return UINT64_MAX + choice - 159;
	if (choice < 192)
		return UINT64_C(1) << (choice % 64);
	return fuzz_take(input, 8);
}

void broker_make_request(struct fuzz_input *input, pid_t bound_pid, struct pyi_request *request)
{
	request->kind = (uint32_t)(fuzz_take(input, 1) % (PYI_REQUEST_COUNT + 1));
	switch (request->kind) {
	case PYI_REQUEST_OPEN:
		request->open.pid =
			choose(input) ? (pid_t)broker_take_number(input, INT32_MAX) : bound_pid;
		break;
	case PYI_REQUEST_FILE:
		request->file.file = (uint32_t)broker_take_number(input, PYI_FILE_COUNT);
		break;
	case PYI_REQUEST_MODULE:
		request->module.start_addr = broker_take_number(input, 0x1000);
		request->module.end_addr = broker_take_number(input, 0x2000);
		request->module.place = (uint32_t)broker_take_number(input, PYI_MAPPED_PLACES);
		break;
	case PYI_REQUEST_CONNECT:
		request->data_bytes = (uint32_t)broker_take_number(input, PYI_SOCKET_NAME_BYTES);
		request->connect.is_abstract = (uint32_t)fuzz_take(input, 1) % 3;
		request->connect.deadline_ns = broker_take_number(input, UINT64_MAX);
		break;
	case PYI_REQUEST_PREPARE:
		request->prepare.source = (uint32_t)fuzz_take(input, 1) % (PYI_SOURCE_MIRROR + 2);
		request->prepare.max_pause_ms =
			choose(input) ? 250 : (double)(int64_t)broker_take_number(input, 0);
		if (fuzz_take(input, 1) == 1)
			request->prepare.max_pause_ms = __builtin_nan("");
		break;
	case PYI_REQUEST_TAKE:
		request->data_bytes =
			(uint32_t)(choose(input) ? fuzz_take(input, 1)
						 : broker_take_number(input, PYI_GATE_LIMIT)) *
			(uint32_t)sizeof(struct pyi_gate_word);
		request->take.extent = (uint32_t)fuzz_take(input, 1) % (PYI_STOP_ALL + 2);
		request->take.anyway = (uint32_t)fuzz_take(input, 1) % 3;
		break;
	case PYI_REQUEST_PAGES:
		request->data_bytes =
			(uint32_t)fuzz_take(input, 1) * (uint32_t)sizeof(struct pyi_wire_range);
		break;
	case PYI_REQUEST_MAP:
		request->map.size_bytes =
			broker_take_number(input, UINT64_C(1) << PYI_MAP_LIMIT_SHIFT);
		request->map.guard_offset = broker_take_number(input, request->map.size_bytes);
		request->map.guard_bytes = broker_take_number(input, request->map.size_bytes);
		break;
	case PYI_REQUEST_UNMAP:
		request->unmap.addr = broker_take_number(input, UINT64_MAX);
		request->unmap.size_bytes = broker_take_number(input, UINT64_MAX);
		break;
	case PYI_REQUEST_WRITE:
		request->data_bytes =
			(uint32_t)(fuzz_take(input, 1) ? fuzz_take(input, 1) + 1
						       : broker_take_number(input, PYI_DATA_LIMIT));
		request->write.addr = broker_take_number(input, UINT64_MAX);
		break;
	case PYI_REQUEST_BECOME:
		request->become.pthread_id = broker_take_number(input, UINT64_MAX);
		break;
	case PYI_REQUEST_CALL:
		request->call.pc = broker_take_number(input, UINT64_MAX);
		request->call.stack_end_addr = broker_take_number(input, UINT64_MAX);
		break;
	case PYI_REQUEST_RUN:
		request->run.reply = (uint32_t)fuzz_take(input, 1) % 3;
		request->run.deadline_ns = broker_take_number(input, UINT64_MAX);
		break;
	default:
		break;
	}
	/* Data that does not belong there. */
	if (fuzz_take(input, 1) == 77)
		request->data_bytes = (uint32_t)broker_take_number(input, PYI_DATA_LIMIT);
}
