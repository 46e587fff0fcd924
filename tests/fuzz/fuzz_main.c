/*
 * Runs a fuzzer without libFuzzer, as an ordinary test: on the files of a corpus, and on changed
 * copies of them, always the same ones. Output: TAP.
 *
 * Does not look for new paths through the code. An input that ends the program is printed in
 * hexadecimal: xxd -r -p makes a file of it.
 *
 * usage: PROGRAM CORPUS-FOLDER ROUNDS, or PROGRAM FILE
 */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "fuzz.h"

enum {
	FILE_LIMIT = 256,
	/* Bytes of an input that is changed. */
	SIZE_LIMIT = 4096,
	CHANGE_LIMIT = 8,
	MORE_LIMIT = 64,
};

struct file {
	uint8_t *bytes;
	size_t size_bytes;
};

static struct file current;

/* By system calls only: anything may have happened. */
static void show_current(void)
{
	static const char head[] = "# the input, in hexadecimal:\n";
	size_t written = (size_t)write(STDERR_FILENO, head, sizeof(head) - 1);

	for (size_t i = 0; i < current.size_bytes && written; i++) {
		const char digits[2] = { "0123456789abcdef"[current.bytes[i] >> 4],
					 "0123456789abcdef"[current.bytes[i] & 15] };

		written = (size_t)write(STDERR_FILENO, digits, sizeof(digits));
	}
	written = (size_t)write(STDERR_FILENO, "\n", 1);
}

static void die(int number)
{
	show_current();
	signal(number, SIG_DFL);
	raise(number);
}

/* Called by the sanitizers, if the program has any. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static struct file read_file(const char *path)
{
	FILE *stream = fopen(path, "rb");
	struct file file = { NULL, 0 };
	uint8_t chunk[SIZE_LIMIT];
	size_t got;

	FUZZ_EXPECT(stream);
	while ((got = fread(chunk, 1, sizeof(chunk), stream))) {
		file.bytes = realloc(file.bytes, file.size_bytes + got);
		FUZZ_EXPECT(file.bytes);
		memcpy(file.bytes + file.size_bytes, chunk, got);
		file.size_bytes += got;
	}
	FUZZ_EXPECT(!ferror(stream));
	fclose(stream);
	return file;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static size_t read_corpus(const char *folder, struct file files[FILE_LIMIT])
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort);

	FUZZ_EXPECT(count > 0 && count <= FILE_LIMIT);
	for (int i = 0; i < count; i++) {
		char *path;

		FUZZ_EXPECT(asprintf(&path, "%s/%s", folder, entries[i]->d_name) >= 0);
		files[i] = read_file(path);
		free(path);
		free(entries[i]);
	}
	free(entries);
	return (size_t)count;
}

/* With memory of exactly its size, so that reading too far is seen. */
static void run(const uint8_t *bytes, size_t size_bytes)
{
	current = (struct file){ malloc(size_bytes ? size_bytes : 1), size_bytes };
	FUZZ_EXPECT(current.bytes);
	if (size_bytes)
		memcpy(current.bytes, bytes, size_bytes);
	LLVMFuzzerTestOneInput(current.bytes, size_bytes);
	free(current.bytes);
	current = (struct file){ NULL, 0 };
}

static uint64_t next_random(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* A copy of one file with the end of another, some bytes changed, cut or longer or not. */
static void run_changed(const struct file *one, const struct file *other)
{
	uint8_t bytes[SIZE_LIMIT];
	size_t size = one->size_bytes < SIZE_LIMIT ? one->size_bytes : SIZE_LIMIT;
	unsigned changes = 1 + (unsigned)(next_random() % CHANGE_LIMIT);

	if (size)
		memcpy(bytes, one->bytes, size);
	if (next_random() % 4 == 0 && size && other->size_bytes) {
		size_t at = next_random() % size;
		size_t from = next_random() % other->size_bytes;
		size_t count = other->size_bytes - from;

		if (count > SIZE_LIMIT - at)
			count = SIZE_LIMIT - at;
		memcpy(bytes + at, other->bytes + from, count);
		size = at + count;
	}
	while (changes-- && size) {
		uint64_t value = next_random();

		/* One bit, any byte, or one that means something in a text. */
		if (value % 3 == 0)
			bytes[value / 8 % size] ^= (uint8_t)(1 << value / 4096 % 8);
		else if (value % 3 == 1)
			bytes[value / 8 % size] = (uint8_t)(value >> 56);
		else
			bytes[value / 8 % size] = (uint8_t) "\0\n :;,=%/-09af\xff\x80"[value >> 60];
	}
	if (next_random() % 8 == 0 && size)
		size = next_random() % size;
	for (uint64_t more = next_random() % 2 * (next_random() % MORE_LIMIT);
	     more && size < SIZE_LIMIT; more--)
		bytes[size++] = (uint8_t)(next_random() >> 56);
	run(bytes, size);
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGFPE, SIGTRAP };
	static struct file files[FILE_LIMIT];
	size_t count;
	long rounds;

	/* AddressSanitizer has its own, and asks us first. */
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(show_current);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!__sanitizer_set_death_callback || signals[i] == SIGILL)
			signal(signals[i], die);
	if (argc == 2) {
		files[0] = read_file(argv[1]);
		run(files[0].bytes, files[0].size_bytes);
		return 0;
	}
	FUZZ_EXPECT(argc == 3);
	rounds = atol(argv[2]);
	count = read_corpus(argv[1], files);
	printf("1..2\n");
	run(NULL, 0);
	for (size_t i = 0; i < count; i++)
		run(files[i].bytes, files[i].size_bytes);
	printf("ok 1 - %zu files of the corpus\n", count);
	for (long i = 0; i < rounds; i++)
		run_changed(&files[next_random() % count], &files[next_random() % count]);
	printf("ok 2 - %ld changed copies\n", rounds);
	for (size_t i = 0; i < count; i++)
		free(files[i].bytes);
	return 0;
}
