/*
 * Fuzzer of src/source/source.c: what a broker answers that does not keep to the protocol.
 *
 * Packets do not go over a socket; descriptors that come along are those of an empty file.
 */
#include <fcntl.h>
#include <unistd.h>

#include "broker/channel.h"
#include "fuzz.h"
#include "process/mapped_file.h"
#include "process/process.h"
#include "source/source.h"

enum {
	DATA_BYTES = 256,
	STEP_LIMIT = 64,
	WORD_LIMIT = 4,
};

static struct {
	struct fuzz_input input;
	/* What was asked last. */
	struct pyi_request request;
	bool asked;
	/* Data that is still to come. */
	size_t data_bytes;
	/* Requests that were sent. */
	unsigned request_count;
} broker;

static uint64_t take(size_t size_bytes)
{
	return fuzz_take(&broker.input, size_bytes);
}

static int new_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	FUZZ_EXPECT(fd >= 0);
	return fd;
}

STUB(bool, pyi_channel_send, int channel_fd, const void *header, size_t header_bytes,
     const void *data, size_t data_bytes, int fd)
{
	char *copy = malloc(data_bytes + 1);

	FUZZ_EXPECT(channel_fd == -2 && fd == -1 && header_bytes == sizeof(broker.request));
	/* Of an answer that was refused something may be left over. */
	broker.data_bytes = 0;
	memcpy(&broker.request, header, sizeof(broker.request));
	FUZZ_EXPECT(broker.request.kind && broker.request.kind < PYI_REQUEST_COUNT);
	FUZZ_EXPECT(broker.request.data_bytes == data_bytes && data_bytes <= PYI_DATA_LIMIT);
	FUZZ_EXPECT(copy);
	if (data_bytes)
		memcpy(copy, data, data_bytes);
	free(copy);
	broker.asked = true;
	broker.request_count++;
	return take(1) != 13;
}

/* Bytes that are as many as they should be, or not. */
static uint32_t answer_bytes(struct pyi_reply *reply)
{
	uint64_t choice = take(1);

	if (choice > 250)
		return (uint32_t)take(4);
	if (choice > 240)
		return PYI_DATA_LIMIT + (uint32_t)choice - 245;
	if (choice > 200)
		return (uint32_t)choice - 200;
	if (broker.request.kind == PYI_REQUEST_PROGRAM)
		return (uint32_t)choice;
	if (broker.request.kind != PYI_REQUEST_TAKE || !reply->take.taken)
		return 0;
	reply->take.thread_count = (uint32_t)choice % 4;
	return broker.request.data_bytes / (uint32_t)sizeof(struct pyi_gate_word) *
		       (uint32_t)sizeof(struct pyi_gate_value) +
	       reply->take.thread_count * (uint32_t)sizeof(struct pyi_wire_thread);
}

static bool brings_descriptor(void)
{
	return broker.request.kind == PYI_REQUEST_FILE ||
	       broker.request.kind == PYI_REQUEST_MODULE ||
	       broker.request.kind == PYI_REQUEST_CONNECT;
}

STUB(bool, pyi_channel_receive, int channel_fd, void *ret_header, size_t header_bytes, int *ret_fd)
{
	struct pyi_reply reply;
	uint64_t choice = take(1);
	bool with_fd = choice & 1 ? brings_descriptor() : take(1) & 1;

	FUZZ_EXPECT(channel_fd == -2 && header_bytes == sizeof(reply) && ret_fd);
	FUZZ_EXPECT(broker.asked && !broker.data_bytes);
	broker.asked = false;
	if (choice == 13)
		return false;
	memset(&reply, choice & 2 ? 0xff : 0, sizeof(reply));
	reply.error.exit = choice & 4 ? (int32_t)take(1) - 8 : 0;
	reply.error.code = (uint32_t)take(1);
	if (!(choice & 2))
		reply.error.message[0] = 'm';
	/* The first words of what is about this request. */
	for (size_t w = 0; w < 4; w++) {
		uint32_t word = (uint32_t)take(choice & 8 ? 4 : 1);

		memcpy((char *)&reply.take + w * sizeof(word), &word, sizeof(word));
	}
	reply.data_bytes = answer_bytes(&reply);
	reply.has_fd = choice & 16 && take(1) > 250 ? (uint32_t)take(1) : with_fd;
	broker.data_bytes = reply.data_bytes;
	*ret_fd = with_fd ? new_descriptor() : -1;
	memcpy(ret_header, &reply, sizeof(reply));
	return true;
}

STUB(bool, pyi_channel_receive_data, int channel_fd, void *ret_data, size_t data_bytes)
{
	FUZZ_EXPECT(channel_fd == -2 && data_bytes == broker.data_bytes);
	FUZZ_EXPECT(data_bytes <= PYI_DATA_LIMIT);
	broker.data_bytes = 0;
	memset(ret_data, 0, data_bytes);
	for (size_t i = 0; i < data_bytes && i < DATA_BYTES; i++)
		((char *)ret_data)[i] = (char)take(1);
	return take(1) != 13;
}

static void look_at_files(struct pyi_source *source)
{
	const struct pyi_map map = { .start_addr = 0x1000, .end_addr = 0x2000, .path = "/lib" };
	struct pyi_error *error;
	char *path = NULL;
	int fd = -1;

	error = pyi_process_open_file(&source->process, "environ", O_RDONLY, &fd);
	FUZZ_EXPECT(!error == (fd >= 0));
	fuzz_drop(error);
	if (fd >= 0)
		close(fd);
	error = pyi_process_open_file(&source->process, "exe", O_RDONLY, &fd);
	FUZZ_EXPECT(error);
	fuzz_drop(error);
	error = pyi_process_read_exe(&source->process, &path);
	FUZZ_EXPECT(!error == (path != NULL));
	FUZZ_EXPECT(!path || strlen(path) <= PYI_DATA_LIMIT);
	fuzz_drop(error);
	free(path);
	fd = pyi_mapped_file_open(&source->process, &map, PYI_MAPPED_BY_RANGE);
	if (fd >= 0)
		close(fd);
	fd = -1;
	error = source->process.door->connect(source->process.door_argument, "/run/bus", false, 1,
					      &fd);
	FUZZ_EXPECT(!error == (fd >= 0));
	fuzz_drop(error);
	if (fd >= 0)
		close(fd);
}

static void use_snapshot(struct pyi_source_snapshot *snapshot)
{
	struct pyi_memory_reader *reader = NULL;
	struct pyi_snapshot_event event;
	static char bytes[3 << 20];
	uint64_t word = 7;
	uint64_t addr = 0;

	for (size_t t = 0; t < snapshot->thread_count; t++)
		word += snapshot->threads[t].thread_pointer + (uint64_t)snapshot->threads[t].held;
	switch (take(1) % 8) {
	case 0:
		fuzz_drop(pyi_source_map(snapshot, 4096, 0, 0, &addr));
		break;
	case 1:
		fuzz_drop(pyi_source_unmap(snapshot, 4096, 4096));
		break;
	case 2:
		fuzz_drop(pyi_source_write(snapshot, 4096, bytes, take(1) & 1 ? 8 : sizeof(bytes)));
		break;
	case 3:
		fuzz_drop(pyi_source_become_thread(snapshot, word));
		break;
	case 4:
		fuzz_drop(pyi_source_call(snapshot, 1, 2, 3));
		break;
	case 5:
		fuzz_drop(pyi_source_run(snapshot, take(1) & 1 ? &word : NULL, 1, NULL, &event));
		break;
	case 6:
		fuzz_drop(pyi_source_open_memory(snapshot, &reader));
		pyi_memory_reader_destroy(reader);
		break;
	default:
		fuzz_drop(pyi_source_confirm(snapshot, NULL));
	}
}

static void inspect(struct pyi_source *source)
{
	static struct pyi_source_gate gate;
	struct pyi_source_snapshot *snapshot = NULL;
	struct pyi_residue residue;
	struct pyi_error *error;
	bool known;

	look_at_files(source);
	error = pyi_source_prepare(source, PYI_SOURCE_AUTO, 250);
	FUZZ_EXPECT(error || source->kind == PYI_SOURCE_CLONE || source->kind == PYI_SOURCE_MIRROR);
	fuzz_drop(error);
	gate.count = take(1) % WORD_LIMIT;
	error = pyi_source_take(source, PYI_STOP_ONE, &gate, &snapshot);
	FUZZ_EXPECT(!error || !snapshot);
	fuzz_drop(error);
	if (snapshot) {
		FUZZ_EXPECT(snapshot->threads && snapshot->reader);
		for (unsigned step = 0; step < STEP_LIMIT && broker.input.size_bytes; step++)
			use_snapshot(snapshot);
		fuzz_drop(pyi_source_destroy(snapshot));
	}
	memset(&residue, 0, sizeof(residue));
	error = pyi_source_residue(source, &residue, &known);
	if (!error || error->code != PYI_ERROR_BROKER_LOST) {
		FUZZ_EXPECT(residue.count <= PYI_RESIDUE_LIMIT);
		for (size_t i = 0; i < residue.count; i++) {
			FUZZ_EXPECT(strnlen(residue.items[i].code, sizeof(residue.items[i].code)) <
				    sizeof(residue.items[i].code));
			FUZZ_EXPECT(strnlen(residue.items[i].message,
					    sizeof(residue.items[i].message)) <
				    sizeof(residue.items[i].message));
		}
	}
	fuzz_drop(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct pyi_source source;
	struct pyi_error *error;
	int before = new_descriptor();
	int after;

	close(before);
	memset(&broker, 0, sizeof(broker));
	broker.input = (struct fuzz_input){ bytes, size_bytes };
	error = pyi_source_open(-2, 1234, &source);
	if (!error) {
		inspect(&source);
		pyi_source_close(&source);
	}
	fuzz_drop(error);
	after = new_descriptor();
	close(after);
	FUZZ_EXPECT(after == before);
	return 0;
}
