/*
 * The three standard descriptors, which a caller may have closed.
 *
 * Whatever is opened next would get the number of one that is closed: a channel, or a file in
 * memory, and what is printed would end up in there.
 */
#ifndef PYI_CLI_STANDARD_FILES_H
#define PYI_CLI_STANDARD_FILES_H

#include <stdbool.h>

/*
 * Opens /dev/null in the place of each that is closed, so that reading and writing fail as before
 * (EBADF): what cannot be written is still an error. To be called before anything is opened. False
 * with errno.
 */
bool pyi_standard_files_fill(void);

#endif
