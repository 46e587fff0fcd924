/*
 * What a test finds in a folder.
 */
#ifndef PYI_TESTS_FOLDER_ENTRIES_H
#define PYI_TESTS_FOLDER_ENTRIES_H

#include <stddef.h>

/* How many entries it has, but for "." and "..", hidden ones too; fails the test without it. */
size_t count_entries(const char *path);

#endif
