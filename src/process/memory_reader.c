/*
 * Reads a process's memory in pages or at once, with an optional cache of pages.
 *
 * Does not follow changes of cached memory and is not for several threads at a time.
 */
#include "process/memory_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/page.h"

enum {
	/* What the cache keeps is in pieces of this, readable as a whole or not at all. */
	PAGE_BYTES = PYI_PAGE_LEAST_BYTES,
	/* From here on a read is not worth a place in the cache. */
	LARGE_BYTES = 64 << 10,
	CACHE_PAGES = (64 << 20) / PAGE_BYTES,
	/* At most half full, so that probing always ends soon. */
	SLOT_COUNT = CACHE_PAGES * 2,
	PAGES_PER_BLOCK = 256,
	BLOCK_COUNT = CACHE_PAGES / PAGES_PER_BLOCK,
	STRING_STEP_BYTES = 256,
};

enum source {
	/* process_vm_readv(), until its first answer tells whether it can be used. */
	SOURCE_UNDECIDED,
	SOURCE_CALL,
	SOURCE_FILE,
	SOURCE_MOCK,
	SOURCE_MADE,
};

struct slot {
	/* Address of the page plus 1; 0 is an empty slot. */
	uint64_t tag;
	uint32_t page_index;
};

struct cache {
	struct slot slots[SLOT_COUNT];
	unsigned char *blocks[BLOCK_COUNT];
	uint32_t page_count;
};

struct pyi_memory_reader {
	enum source source;
	pid_t pid;
	int mem_fd;
	/* NULL for a reader that is not cached. */
	struct cache *cache;
	/* For the mock. */
	const unsigned char *bytes;
	size_t size_bytes;
	uint64_t addr;
	const struct pyi_made_memory *made;
	/* NULL: nobody watches. */
	struct pyi_memory_watch *watch;
	/* Where a read over several pages is completed before the caller sees it. */
	unsigned char bounce[LARGE_BYTES];
};

struct pyi_error *pyi_memory_reader_create(pid_t pid, bool cached,
					   struct pyi_memory_reader **ret_reader)
{
	struct pyi_memory_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return pyi_error_no_memory();
	reader->pid = pid;
	reader->mem_fd = -1;
	if (cached) {
		reader->cache = calloc(1, sizeof(*reader->cache));
		if (!reader->cache) {
			free(reader);
			return pyi_error_no_memory();
		}
	}
	*ret_reader = reader;
	return NULL;
}

struct pyi_error *pyi_memory_reader_open(const struct pyi_process *process, bool cached,
					 struct pyi_memory_reader **ret_reader)
{
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	struct pyi_error *error = NULL;

	if (process->door)
		error = pyi_process_open_file(process, "mem", O_RDONLY, &fd);
	if (!error)
		error = pyi_memory_reader_create(process->pid, cached, ret_reader);
	if (error || !process->door)
		return error;
	(*ret_reader)->source = SOURCE_FILE;
	(*ret_reader)->mem_fd = fd;
	fd = -1;
	return NULL;
}

struct pyi_error *pyi_memory_reader_create_mock(const void *bytes, size_t size_bytes, uint64_t addr,
						struct pyi_memory_reader **ret_reader)
{
	struct pyi_memory_reader *reader;
	uint64_t end_addr;

	if (__builtin_add_overflow(addr, size_bytes, &end_addr))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_ADDRESS,
					"invented memory wraps around");
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return pyi_error_no_memory();
	reader->source = SOURCE_MOCK;
	reader->mem_fd = -1;
	reader->bytes = bytes;
	reader->size_bytes = size_bytes;
	reader->addr = addr;
	*ret_reader = reader;
	return NULL;
}

struct pyi_error *pyi_memory_reader_create_made(const struct pyi_made_memory *made,
						struct pyi_memory_reader **ret_reader)
{
	struct pyi_error *error = pyi_memory_reader_create(-1, false, ret_reader);

	if (error)
		return error;
	(*ret_reader)->source = SOURCE_MADE;
	(*ret_reader)->made = made;
	return NULL;
}

const struct pyi_made_memory *pyi_memory_reader_made(const struct pyi_memory_reader *reader)
{
	return reader->made;
}

bool pyi_memory_reader_is_narrow(const struct pyi_memory_reader *reader)
{
	return reader->made || reader->watch;
}

void pyi_memory_reader_watch(struct pyi_memory_reader *reader, struct pyi_memory_watch *watch)
{
	reader->watch = watch;
}

void pyi_memory_text_begin(struct pyi_memory_reader *reader)
{
	if (reader->watch)
		reader->watch->paused = true;
}

void pyi_memory_text_end(struct pyi_memory_reader *reader, uint64_t addr, const char *text)
{
	if (!reader->watch)
		return;
	reader->watch->paused = false;
	if (text)
		reader->watch->text(reader->watch->argument, addr, text);
}

static void tell(const struct pyi_memory_reader *reader, uint64_t addr, const void *bytes,
		 size_t size_bytes)
{
	if (reader->watch && !reader->watch->paused)
		reader->watch->read(reader->watch->argument, addr, bytes, size_bytes);
}

void pyi_memory_reader_destroy(struct pyi_memory_reader *reader)
{
	size_t i;

	if (!reader)
		return;
	if (reader->cache) {
		for (i = 0; i < BLOCK_COUNT; i++)
			free(reader->cache->blocks[i]);
		free(reader->cache);
	}
	if (reader->mem_fd >= 0)
		close(reader->mem_fd);
	free(reader);
}

/* One system call: how many bytes were read, at least 1, or a negative errno. */
static ssize_t read_file_once(const struct pyi_memory_reader *reader, uint64_t addr, void *to,
			      size_t size)
{
	ssize_t got;

	if (addr > INT64_MAX)
		return -EFAULT;
	got = pread(reader->mem_fd, to, size, (off_t)addr);
	if (got > 0)
		return got;
	/* The file reads as empty once the process has given up its memory. */
	if (got == 0)
		return -ESRCH;
	return errno == EIO ? -EFAULT : -errno;
}

static ssize_t read_call_once(const struct pyi_memory_reader *reader, uint64_t addr, void *to,
			      size_t size)
{
	struct iovec local = { .iov_base = to, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = size };
	ssize_t got = process_vm_readv(reader->pid, &local, 1, &remote, 1, 0);

	if (got > 0)
		return got;
	return got == 0 ? -EFAULT : -errno;
}

static ssize_t read_once(struct pyi_memory_reader *reader, uint64_t addr, void *to, size_t size)
{
	char path[32];
	ssize_t got;

	if (reader->source == SOURCE_FILE)
		return read_file_once(reader, addr, to, size);
	got = read_call_once(reader, addr, to, size);
	if (reader->source == SOURCE_CALL)
		return got;
	if (got != -ENOSYS && got != -EPERM && got != -EACCES) {
		reader->source = SOURCE_CALL;
		return got;
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)reader->pid);
	reader->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	/* What the call said is the better reason. */
	if (reader->mem_fd < 0)
		return got;
	reader->source = SOURCE_FILE;
	return read_file_once(reader, addr, to, size);
}

/* 0 or an errno; on failure the bytes before the unreadable one may have been set. */
static int read_direct(struct pyi_memory_reader *reader, uint64_t addr, unsigned char *to,
		       size_t size)
{
	/* A short read is not the end: the kernel also stops at 2 GB. The next call tells. */
	while (size) {
		ssize_t got = read_once(reader, addr, to, size);

		if (got == -EINTR)
			continue;
		if (got < 0)
			return (int)-got;
		addr += (size_t)got;
		to += got;
		size -= (size_t)got;
	}
	return 0;
}

static struct slot *find_slot(struct cache *cache, uint64_t tag)
{
	size_t at = (size_t)((tag * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % SLOT_COUNT;

	while (cache->slots[at].tag && cache->slots[at].tag != tag)
		at = (at + 1) % SLOT_COUNT;
	return &cache->slots[at];
}

static unsigned char *page_bytes(struct cache *cache, uint32_t index)
{
	return cache->blocks[index / PAGES_PER_BLOCK] +
	       (size_t)(index % PAGES_PER_BLOCK) * PAGE_BYTES;
}

/* The cached copy of a page, valid until the next call. A page enters only when it was read whole.
 */
static int load_page(struct pyi_memory_reader *reader, uint64_t page_addr,
		     const unsigned char **ret_page)
{
	struct cache *cache = reader->cache;
	struct slot *slot = find_slot(cache, page_addr + 1);
	unsigned char **block;
	int failure;

	if (slot->tag) {
		*ret_page = page_bytes(cache, slot->page_index);
		return 0;
	}
	if (cache->page_count == CACHE_PAGES) {
		memset(cache->slots, 0, sizeof(cache->slots));
		cache->page_count = 0;
		slot = find_slot(cache, page_addr + 1);
	}
	block = &cache->blocks[cache->page_count / PAGES_PER_BLOCK];
	if (!*block) {
		*block = malloc((size_t)PAGES_PER_BLOCK * PAGE_BYTES);
		if (!*block)
			return ENOMEM;
	}
	failure = read_direct(reader, page_addr, page_bytes(cache, cache->page_count), PAGE_BYTES);
	if (failure)
		return failure;
	slot->tag = page_addr + 1;
	slot->page_index = cache->page_count++;
	*ret_page = page_bytes(cache, slot->page_index);
	return 0;
}

/* Most are one word; for a size that is not known, a compiler may take what is slow for so few. */
static void copy(unsigned char *to, const unsigned char *from, size_t size)
{
	if (size == sizeof(uint64_t))
		memcpy(to, from, sizeof(uint64_t));
	else
		memcpy(to, from, size);
}

static int read_cached(struct pyi_memory_reader *reader, uint64_t addr, unsigned char *to,
		       size_t size)
{
	while (size) {
		size_t within = (size_t)(addr % PAGE_BYTES);
		size_t run = PAGE_BYTES - within < size ? PAGE_BYTES - within : size;
		const unsigned char *page;
		int failure = load_page(reader, addr - within, &page);

		if (failure)
			return failure;
		copy(to, page + within, run);
		addr += run;
		to += run;
		size -= run;
	}
	return 0;
}

/* 0 or an errno. */
static int read_memory(struct pyi_memory_reader *reader, uint64_t addr, void *to, size_t size)
{
	uint64_t end_addr;
	bool one_page;
	void *first;
	int failure;

	if (!size)
		return 0;
	if (__builtin_add_overflow(addr, size, &end_addr))
		return EFAULT;
	if (reader->source == SOURCE_MOCK) {
		if (addr < reader->addr || end_addr > reader->addr + reader->size_bytes)
			return EFAULT;
		memcpy(to, reader->bytes + (addr - reader->addr), size);
		return 0;
	}
	if (reader->source == SOURCE_MADE)
		return reader->made->read(reader->made->argument, addr, to, size) ? 0 : EFAULT;
	if (size >= LARGE_BYTES)
		return read_direct(reader, addr, to, size);
	/* What lies in one page fails as a whole anyway. */
	one_page = addr / PAGE_BYTES == (end_addr - 1) / PAGE_BYTES;
	first = one_page ? to : reader->bounce;
	if (reader->cache)
		failure = read_cached(reader, addr, first, size);
	else
		failure = read_direct(reader, addr, first, size);
	if (!failure && !one_page)
		memcpy(to, reader->bounce, size);
	return failure;
}

bool pyi_memory_try_read(struct pyi_memory_reader *reader, uint64_t addr, void *ret_bytes,
			 size_t size_bytes)
{
	if (read_memory(reader, addr, ret_bytes, size_bytes) != 0)
		return false;
	tell(reader, addr, ret_bytes, size_bytes);
	return true;
}

struct pyi_error *pyi_memory_read(struct pyi_memory_reader *reader, uint64_t addr, void *ret_bytes,
				  size_t size_bytes)
{
	int failure = read_memory(reader, addr, ret_bytes, size_bytes);

	switch (failure) {
	case 0:
		return NULL;
	case ENOMEM:
		return pyi_error_no_memory();
	case ESRCH:
		return pyi_error_create(PYI_EXIT_ACCESS, PYI_ERROR_NO_SUCH_PROCESS,
					"process %d has exited", (int)reader->pid);
	case EPERM:
	case EACCES:
	case ENOSYS:
		return pyi_error_create_errno(PYI_EXIT_ACCESS, PYI_ERROR_NO_PERMISSION, failure,
					      "cannot read the memory of process %d",
					      (int)reader->pid);
	default:
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_ADDRESS,
					"%zu bytes at 0x%llx are not all readable memory",
					size_bytes, (unsigned long long)addr);
	}
}

static size_t limit_mock_step(const struct pyi_memory_reader *reader, uint64_t addr, size_t step)
{
	uint64_t end_addr = reader->addr + reader->size_bytes;

	return addr < end_addr && end_addr - addr < step ? (size_t)(end_addr - addr) : step;
}

bool pyi_memory_try_read_string(struct pyi_memory_reader *reader, uint64_t addr, char *ret_text,
				size_t limit_bytes)
{
	size_t length = 0;

	if (!limit_bytes)
		return false;
	while (length < limit_bytes - 1) {
		/* Never over the end of a page: the string may end just before an unmapped one. */
		size_t step = PAGE_BYTES - (size_t)((addr + length) % PAGE_BYTES);

		if (step > STRING_STEP_BYTES)
			step = STRING_STEP_BYTES;
		if (step > limit_bytes - 1 - length)
			step = limit_bytes - 1 - length;
		/* Invented memory need not end with a page. */
		if (reader->source == SOURCE_MOCK)
			step = limit_mock_step(reader, addr + length, step);
		/* Only the string itself is known. */
		if (reader->source == SOURCE_MADE)
			step = 1;
		if (addr + length < addr ||
		    read_memory(reader, addr + length, ret_text + length, step) != 0) {
			ret_text[0] = '\0';
			return false;
		}
		if (memchr(ret_text + length, '\0', step)) {
			tell(reader, addr, ret_text, strlen(ret_text) + 1);
			return true;
		}
		length += step;
	}
	ret_text[length] = '\0';
	tell(reader, addr, ret_text, length);
	return true;
}
