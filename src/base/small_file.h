/*
 * The text of a small file, such as those of /proc and of cgroups, in memory of the caller.
 *
 * Does not say what went wrong: errno does. For files of any length there is pyi_file_read_at()
 * and, below /proc/PID, pyi_process_read_file().
 */
#ifndef PYI_BASE_SMALL_FILE_H
#define PYI_BASE_SMALL_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads at most `capacity_bytes` - 1 bytes (what is behind them is cut off) and puts a NUL behind
 * them. `path` is relative to the directory, as with openat(). False, with errno set and "" in
 * `ret_text`, if it cannot be opened or read. `capacity_bytes` is not 0.
 */
bool pyi_small_file_read(int directory_fd, const char *path, char *ret_text, size_t capacity_bytes);

#endif
