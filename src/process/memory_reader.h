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

/*
 * Reads a C string of at most `limit_bytes` - 1 characters into `ret_text` (room for
 * `limit_bytes`), always NUL-terminated; a longer string is cut. False if it is not readable;
 * then `ret_text` is empty.
 */
bool pyi_memory_try_read_string(struct pyi_memory_reader *reader, uint64_t addr, char *ret_text,
				size_t limit_bytes);

#endif
