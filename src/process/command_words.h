/*
 * A command line as it may be shown to others: what is run, without what it was told.
 *
 * Arguments of a program may be passwords, and code behind -c may have them in it. Pure; the result
 * may be any bytes and is to be escaped by whoever shows it.
 */
#ifndef PYI_PROCESS_COMMAND_WORDS_H
#define PYI_PROCESS_COMMAND_WORDS_H

#include <stddef.h>

/*
 * `words`: as in /proc/PID/cmdline, each ended by a NUL, the last one perhaps cut off. The program
 * without its folder; if that is called python also its script ("python3 /srv/app.py"), its module
 * ("python3 -m gunicorn") or that there is code ("python3 -c"). A title that a program has given
 * itself, which is one word with spaces in it, is kept as it is. "" if there is nothing.
 */
void pyi_command_words_shown(const char *words, size_t size_bytes, char *ret_text,
			     size_t capacity_bytes);

#endif
