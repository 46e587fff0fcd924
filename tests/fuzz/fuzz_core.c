/*
 * Fuzzer of src/core, but for its server: a core that somebody has made up, and a file that is
 * found for each program that it names. Input: how long the file is, in two bytes, the file, the
 * core.
 *
 * What would go to the server must be what the server asks for, and texts as the kernel writes
 * them.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/page.h"
#include "broker/channel.h"
#include "core/core_plan.h"
#include "core/core_wire.h"
#include "fuzz.h"
#include "process/maps.h"
#include "process/process.h"
#include "process/process_stat.h"

static struct {
	const uint8_t *file;
	size_t file_bytes;
	size_t core_bytes;
	struct pyi_request request;
	/* Files that were opened. */
	uint32_t file_count;
	char *parts[PYI_CORE_PARTS];
	size_t part_bytes[PYI_CORE_PARTS];
} server;

static int memory_file(const uint8_t *bytes, size_t size_bytes)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_EXPECT(fd >= 0 && write(fd, bytes, size_bytes) == (ssize_t)size_bytes);
	return fd;
}

STUB(bool, pyi_channel_send, int channel_fd, const void *header, size_t header_bytes,
     const void *data, size_t data_bytes, int fd)
{
	FUZZ_EXPECT(channel_fd == -2 && fd == -1 && header_bytes == sizeof(server.request));
	memcpy(&server.request, header, sizeof(server.request));
	FUZZ_EXPECT(server.request.data_bytes == data_bytes && data_bytes &&
		    data_bytes <= PYI_DATA_LIMIT);
	if (server.request.kind == PYI_CORE_REQUEST_PART) {
		unsigned part = server.request.file.file;
		char *bytes;

		FUZZ_EXPECT(part < PYI_CORE_PARTS);
		bytes = realloc(server.parts[part], server.part_bytes[part] + data_bytes + 1);
		FUZZ_EXPECT(bytes);
		memcpy(bytes + server.part_bytes[part], data, data_bytes);
		server.parts[part] = bytes;
		server.part_bytes[part] += data_bytes;
		bytes[server.part_bytes[part]] = '\0';
		return true;
	}
	FUZZ_EXPECT(server.request.kind == PYI_CORE_REQUEST_FILE);
	FUZZ_EXPECT(!memchr(data, '\0', data_bytes));
	return true;
}

STUB(bool, pyi_channel_receive, int channel_fd, void *ret_header, size_t header_bytes, int *ret_fd)
{
	struct pyi_reply reply = { 0 };

	FUZZ_EXPECT(channel_fd == -2 && header_bytes == sizeof(reply));
	*ret_fd = -1;
	if (server.request.kind == PYI_CORE_REQUEST_FILE) {
		*ret_fd = memory_file(server.file, server.file_bytes);
		reply.has_fd = 1;
		server.file_count++;
	}
	memcpy(ret_header, &reply, sizeof(reply));
	return true;
}

STUB(bool, pyi_channel_receive_data, int channel_fd, void *ret_data, size_t data_bytes)
{
	(void)channel_fd;
	(void)ret_data;
	(void)data_bytes;
	FUZZ_EXPECT(!"there is no data");
	return false;
}

static void expect_areas(void)
{
	const struct pyi_core_area *areas = (const void *)server.parts[PYI_CORE_AREAS];
	uint64_t page_mask = pyi_page_bytes() - 1;
	uint64_t last_addr = 0;

	for (size_t a = 0; a < server.part_bytes[PYI_CORE_AREAS] / sizeof(*areas); a++) {
		uint64_t size_bytes = areas[a].end_addr - areas[a].start_addr;

		FUZZ_EXPECT(areas[a].start_addr >= last_addr);
		FUZZ_EXPECT(areas[a].start_addr < areas[a].end_addr);
		FUZZ_EXPECT(!((areas[a].start_addr | areas[a].end_addr) & page_mask));
		FUZZ_EXPECT(areas[a].file <= server.file_count);
		FUZZ_EXPECT(areas[a].file || areas[a].offset + size_bytes <= server.core_bytes);
		FUZZ_EXPECT(areas[a].protection <= (PROT_READ | PROT_WRITE | PROT_EXEC));
		last_addr = areas[a].end_addr;
	}
}

static void expect_texts(void)
{
	struct pyi_process_status status;
	struct pyi_process_stat stat;
	struct pyi_maps maps = { 0 };

	FUZZ_EXPECT(server.parts[PYI_CORE_MAPS] && server.parts[PYI_CORE_STATUS]);
	FUZZ_EXPECT(!fuzz_drop(pyi_maps_parse(server.parts[PYI_CORE_MAPS], &maps)));
	server.parts[PYI_CORE_MAPS] = NULL;
	pyi_maps_deinit(&maps);
	FUZZ_EXPECT(!fuzz_drop(pyi_process_parse_status(server.parts[PYI_CORE_STATUS], &status)));
	FUZZ_EXPECT(pyi_process_stat_parse(server.parts[PYI_CORE_STAT], &stat));
	FUZZ_EXPECT(server.part_bytes[PYI_CORE_PROGRAM]);
	FUZZ_EXPECT(server.part_bytes[PYI_CORE_THREADS] % sizeof(struct pyi_core_thread) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct pyi_core_facts facts = { 0 };
	int fd;

	server.file_count = 0;
	server.file_bytes = (size_t)fuzz_take(&input, 2);
	if (server.file_bytes > input.size_bytes)
		server.file_bytes = input.size_bytes;
	server.file = input.bytes;
	server.core_bytes = input.size_bytes - server.file_bytes;
	fd = memory_file(input.bytes + server.file_bytes, server.core_bytes);
	if (!fuzz_drop(pyi_core_plan_send(fd, -2, &facts))) {
		FUZZ_EXPECT(facts.pid > 0);
		expect_areas();
		expect_texts();
	}
	pyi_core_facts_deinit(&facts);
	close(fd);
	for (size_t p = 0; p < PYI_CORE_PARTS; p++) {
		free(server.parts[p]);
		server.parts[p] = NULL;
		server.part_bytes[p] = 0;
	}
	return 0;
}
