/*
 * A seccomp filter from a text of rules, made by libseccomp: see data/seccomp.
 *
 * One rule a line: an action, the name of a call, and perhaps conditions on arguments.
 *
 *     default fail 1
 *     allow clone 0 & 0x7e020000 == 0x0
 *     allow personality 0 == 0x8
 *     fail clone3 38
 *     fail ptrace 5 0 == 0x1f
 *
 * Actions: allow, log, fail (ERRNO), kill, kill-thread, trap, trace, notify. Calls that this
 * processor or this libseccomp does not know are left out.
 */
#ifndef PYI_TESTS_SECCOMP_PROFILE_H
#define PYI_TESTS_SECCOMP_PROFILE_H

#include <seccomp.h>

/* Ends the process with a message if the file cannot be read or a line is wrong. */
scmp_filter_ctx seccomp_profile_read(const char *path);

#endif
