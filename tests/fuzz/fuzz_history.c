/*
 * Fuzzer of src/history: a history with changed bytes, read and written to; and packed figures.
 *
 * An input whose first byte is even is a list of changes to a small history: place (three bytes)
 * and new value. Else it is the packed figures of a sample.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "base/clock.h"
#include "history/store.h"

enum {
	SAMPLES = 12,
	FIGURES = 30,
	LIMIT_BYTES = 1 << 18,
};

/* In memory, if there is such a place: each sample is synced. */
static char folder[] = "/dev/shm/pyinspect-fuzz-XXXXXX";
static char other_folder[] = "/tmp/pyinspect-fuzz-XXXXXX";
static char path[64];
static uint8_t whole[LIMIT_BYTES];
static size_t whole_bytes;

static const struct pyi_history_process process = {
	.boot_id = "11111111-2222-4333-8444-555555555555",
	.pid = 7,
	.start_ticks = 9,
};

static struct pyi_error *add(struct pyi_history *history, int64_t number)
{
	struct pyi_sample sample = { .time_s = 1000 + number, .age_s = (uint64_t)number };
	struct pyi_error *error = NULL;
	char name[32];

	for (int f = 0; f < FIGURES; f++) {
		snprintf(name, sizeof(name), "module.Class%d", f);
		FUZZ_EXPECT(!fuzz_drop(
			pyi_sample_add(&sample, PYI_FIGURE_TYPE, name, (uint64_t)number, 1000)));
	}
	pyi_sample_sort(&sample);
	error = pyi_history_add(history, &process, &sample);
	pyi_sample_deinit(&sample);
	return error;
}

static void clean_up(void)
{
	unlink(path);
	rmdir(folder);
}

static void make_whole(void)
{
	struct pyi_history *history = NULL;
	int fd;

	if (!mkdtemp(folder)) {
		strcpy(folder, other_folder);
		FUZZ_EXPECT(mkdtemp(folder));
	}
	snprintf(path, sizeof(path), "%s/history", folder);
	FUZZ_EXPECT(!fuzz_drop(pyi_history_open(path, false, PYI_CLOCK_NEVER, &history)));
	for (int64_t number = 1; number <= SAMPLES; number++)
		FUZZ_EXPECT(!fuzz_drop(add(history, number)));
	pyi_history_close(history);
	fd = open(path, O_RDONLY);
	whole_bytes = (size_t)read(fd, whole, sizeof(whole));
	close(fd);
	FUZZ_EXPECT(whole_bytes && whole_bytes < sizeof(whole));
	atexit(clean_up);
}

/* What is not left out is as it was written. */
static void expect_right(const struct pyi_series *series)
{
	for (size_t p = 0; p < series->point_count; p++) {
		const struct pyi_point *point = &series->points[p];

		FUZZ_EXPECT(!p || series->points[p - 1].time_s < point->time_s);
		FUZZ_EXPECT(point->time_s == 1000 + (int64_t)point->age_s);
		FUZZ_EXPECT(point->count == point->age_s && point->bytes == 1000);
	}
}

static void read_all(void)
{
	struct pyi_history_process *processes = NULL;
	struct pyi_history *history = NULL;
	struct pyi_series *series = NULL;
	size_t count = 0;

	if (fuzz_drop(pyi_history_open(path, true, PYI_CLOCK_NEVER, &history)))
		return;
	if (!fuzz_drop(pyi_history_processes(history, &processes, &count)))
		pyi_history_processes_free(processes, count);
	count = 0;
	if (!fuzz_drop(pyi_history_all_series(history, &process, 0, &series, &count)))
		for (size_t s = 0; s < count; s++) {
			expect_right(&series[s]);
			pyi_series_deinit(&series[s]);
		}
	free(series);
	pyi_history_close(history);
}

static void write_one(void)
{
	struct pyi_history *history = NULL;

	if (fuzz_drop(pyi_history_open(path, false, PYI_CLOCK_NEVER, &history)))
		return;
	fuzz_drop(add(history, SAMPLES + 1));
	pyi_history_close(history);
}

static void try_changes(struct fuzz_input *input)
{
	static uint8_t changed[LIMIT_BYTES];
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	memcpy(changed, whole, whole_bytes);
	while (input->size_bytes) {
		size_t place = fuzz_take(input, 3) % whole_bytes;

		changed[place] = (uint8_t)fuzz_take(input, 1);
	}
	FUZZ_EXPECT(write(fd, changed, whole_bytes) == (ssize_t)whole_bytes);
	close(fd);
	read_all();
	write_one();
}

static void try_figures(const uint8_t *bytes, size_t size_bytes)
{
	struct pyi_history_packed figure = { 0 };
	struct pyi_history_packed figures[64];
	uint8_t packed[64 * PYI_HISTORY_PACKED_BYTES];
	const uint8_t *at = bytes;
	size_t left = size_bytes;
	size_t count = 0;
	size_t size;

	while (count < 64 && pyi_history_unpack(&at, &left, &figure)) {
		FUZZ_EXPECT(!count || figures[count - 1].name < figure.name);
		figures[count++] = figure;
	}
	FUZZ_EXPECT(at + left == bytes + size_bytes);
	/* There and back again. */
	size = pyi_history_pack(figures, count, packed);
	FUZZ_EXPECT(size <= sizeof(packed));
	at = packed;
	figure = (struct pyi_history_packed){ 0 };
	for (size_t f = 0; f < count; f++) {
		FUZZ_EXPECT(pyi_history_unpack(&at, &size, &figure));
		FUZZ_EXPECT(memcmp(&figure, &figures[f], sizeof(figure)) == 0);
	}
	FUZZ_EXPECT(!size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };

	if (!whole_bytes)
		make_whole();
	if (fuzz_take(&input, 1) & 1)
		try_figures(input.bytes, input.size_bytes);
	else
		try_changes(&input);
	return 0;
}
