/*
 * Texts of /proc/PID, and what is in them.
 */
#ifndef PYI_TESTS_PROC_TEXT_H
#define PYI_TESTS_PROC_TEXT_H

#include <sys/types.h>

/* The text of a file of a process; freed by the caller. */
char *proc_text_read(pid_t pid, const char *name);

/* Fails unless `line` is somewhere in `text`. */
void proc_text_assert_line(const char *text, const char *line);

#endif
