/*
 * Reads the memory of another process, bounds-checked once, here.
 *
 * Everything it returns is untrusted: a value read is never a host pointer. Small
 * reads can go through a page cache, which is only right for memory that does not
 * change (a snapshot, a stopped process); a live process is read without it.
 */
#ifndef PYI_PROCESS_MEMORY_READER_H
#define PYI_PROCESS_MEMORY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <pyinspect/memory.h>

#include "base/error.h"
#include "process/process.h"

struct pyi_memory_reader;

/*
 * A reader of process `pid` through process_vm_readv(), falling back to /proc/PID/mem where
 * the call is not there (ENOSYS) or not allowed. `cached` keeps pages (at most 64 MB of them).
 */
struct pyi_error *pyi_memory_reader_create(pid_t pid, bool cached,
					   struct pyi_memory_reader **ret_reader) PYI_MUST_CHECK;

/* The same for a process whose files come through a door: always through its "mem". */
struct pyi_error *pyi_memory_reader_open(const struct pyi_process *process, bool cached,
					 struct pyi_memory_reader **ret_reader) PYI_MUST_CHECK;

/*
 * A reader of invented memory, for tests: `bytes` (not copied) appear at `addr`; everything else
 * is unmapped.
 */
struct pyi_error *
pyi_memory_reader_create_mock(const void *bytes, size_t size_bytes, uint64_t addr,
			      struct pyi_memory_reader **ret_reader) PYI_MUST_CHECK;

/* Memory that is made up from what is known of it (heap/offline.h). */
struct pyi_made_memory {
	/* False, and nothing is set, if one byte of it is not known. */
	bool (*read)(void *argument, uint64_t addr, void *ret_bytes, size_t size_bytes);
	/* What the str at `addr` says (python/objects.h), or of what value the object there is
	   (python/places.h); NULL: it is not known. */
	const char *(*text)(void *argument, uint64_t addr);
	const char *(*value)(void *argument, uint64_t addr);
	void *argument;
};

/* A reader of that; `made` must outlive it. */
struct pyi_error *
pyi_memory_reader_create_made(const struct pyi_made_memory *made,
			      struct pyi_memory_reader **ret_reader) PYI_MUST_CHECK;

/* NULL: it reads real memory. */
const struct pyi_made_memory *pyi_memory_reader_made(const struct pyi_memory_reader *reader);

/* Is told what pyi_memory_try_read() and pyi_memory_try_read_string() have read. */
struct pyi_memory_watch {
	void (*read)(void *argument, uint64_t addr, const void *bytes, size_t size_bytes);
	/* A str, in the place of its bytes. */
	void (*text)(void *argument, uint64_t addr, const char *text);
	void *argument;
	/* Nothing is told. */
	bool paused;
};

/* True if it reads memory that is made up, or is watched: what is not wanted is not to be read. */
bool pyi_memory_reader_is_narrow(const struct pyi_memory_reader *reader);

/* `watch` must outlive that; NULL ends it. */
void pyi_memory_reader_watch(struct pyi_memory_reader *reader, struct pyi_memory_watch *watch);
/* For who reads a str, or more than is wanted: nothing is told until the second call, which tells
 * `text` (NULL: nothing). */
void pyi_memory_text_begin(struct pyi_memory_reader *reader);
void pyi_memory_text_end(struct pyi_memory_reader *reader, uint64_t addr, const char *text);

void pyi_memory_reader_destroy(struct pyi_memory_reader *reader);

/*
 * Reads exactly `size_bytes` at `addr` into `ret_bytes`.
 * Error "bad-address" (exit 1) if one byte of it is not mapped or wraps around; then nothing is
 * set, unless `size_bytes` is 64 KiB or more: then the bytes in front may have been set. Also
 * "no-such-process" and "no-permission" (exit 3).
 */
struct pyi_error *pyi_memory_read(struct pyi_memory_reader *reader, uint64_t addr, void *ret_bytes,
				  size_t size_bytes) PYI_MUST_CHECK;

/*
 * As pyi_memory_read(), without making an error (for loops over untrusted pointers): false on
 * failure, and then nothing is set (with the same exception).
 */
bool pyi_memory_try_read(struct pyi_memory_reader *reader, uint64_t addr, void *ret_bytes,
			 size_t size_bytes);

static inline bool pyi_memory_try_read_u64(struct pyi_memory_reader *reader, uint64_t addr,
					   uint64_t *ret_value)
{
	return pyi_memory_try_read(reader, addr, ret_value, sizeof(*ret_value));
}

static inline bool pyi_memory_try_read_u32(struct pyi_memory_reader *reader, uint64_t addr,
					   uint32_t *ret_value)
{
	return pyi_memory_try_read(reader, addr, ret_value, sizeof(*ret_value));
}

/* For the decoder (pyinspect/memory.h): 0 where it cannot be read. */
static inline uint64_t pyi_memory_u64(struct pyi_memory_reader *reader, uint64_t addr)
{
	uint64_t value;

	return pyi_memory_try_read_u64(reader, addr, &value) ? value : 0;
}

static inline uint32_t pyi_memory_u32(struct pyi_memory_reader *reader, uint64_t addr)
{
	uint32_t value;

	return pyi_memory_try_read_u32(reader, addr, &value) ? value : 0;
}

static inline uint8_t pyi_memory_u8(struct pyi_memory_reader *reader, uint64_t addr)
{
	uint8_t value;

	return pyi_memory_try_read(reader, addr, &value, sizeof(value)) ? value : 0;
}

/* What cannot be read is found out by reading it. */
static inline bool pyi_memory_can_hold(struct pyi_memory_reader *reader, uint64_t addr)
{
	(void)reader;
	return addr != 0;
}

/*
 * Reads a C string of at most `limit_bytes` - 1 characters into `ret_text` (room for
 * `limit_bytes`), always NUL-terminated; a longer string is cut. False if it is not readable;
 * then `ret_text` is empty.
 */
bool pyi_memory_try_read_string(struct pyi_memory_reader *reader, uint64_t addr, char *ret_text,
				size_t limit_bytes);

#endif
