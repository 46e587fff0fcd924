/*
 * Errors of the host program: what failed, why, and what to do about it.
 *
 * Does not print and does not exit: main() reports an error once. Functions
 * that can fail return `struct pyi_error *`, where NULL is success; their
 * outputs come last, are named `ret...`, and are only set on success.
 */
#ifndef PYI_BASE_ERROR_H
#define PYI_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/error_code.h"

/* The process exit code that an error leads to (documented in README.md). */
enum pyi_exit {
	PYI_EXIT_OK = 0,
	/* It did not work; the target is as it was. */
	PYI_EXIT_FAILED = 1,
	PYI_EXIT_USAGE = 2,
	/* No such process, or no permission to look into it. */
	PYI_EXIT_ACCESS = 3,
	/* Not a CPython that is supported. */
	PYI_EXIT_UNSUPPORTED = 4,
	/* There is a result, labelled, but it is not complete. */
	PYI_EXIT_INCOMPLETE = 5,
	/* The target could not be put back as it was. */
	PYI_EXIT_NOT_RESTORED = 6,
};

struct pyi_error {
	enum pyi_exit exit;
	enum pyi_error_code code;
	/* One line without a full stop: what failed, on what, and why. */
	char *message;
	/* One line: what the user can do; NULL if there is nothing to say. */
	char *hint;
};

#define PYI_PRINTF(string, first) __attribute__((format(printf, string, first)))
#define PYI_MUST_CHECK __attribute__((warn_unused_result))
#define PYI_NEVER_NULL __attribute__((returns_nonnull))

/*
 * Makes an error. Never returns NULL: without memory it returns the static
 * out-of-memory error, which pyi_error_destroy() knows to leave alone.
 */
struct pyi_error *pyi_error_create(enum pyi_exit exit, enum pyi_error_code code, const char *format,
				   ...) PYI_PRINTF(3, 4) PYI_MUST_CHECK PYI_NEVER_NULL;

/* The same, with ": " and the words for `error_number` (an errno) at the end. */
struct pyi_error *pyi_error_create_errno(enum pyi_exit exit, enum pyi_error_code code,
					 int error_number, const char *format, ...)
	PYI_PRINTF(4, 5) PYI_MUST_CHECK PYI_NEVER_NULL;

/* The error "timeout" (exit 1), with the hint how to allow more time. */
struct pyi_error *pyi_error_timeout(const char *format, ...)
	PYI_PRINTF(1, 2) PYI_MUST_CHECK PYI_NEVER_NULL;

/* The one error that needs no memory. */
struct pyi_error *pyi_error_no_memory(void) PYI_MUST_CHECK PYI_NEVER_NULL;

/* Sets or replaces the hint of `error` and returns `error`. NULL stays NULL. */
struct pyi_error *pyi_error_hint(struct pyi_error *error, const char *format, ...)
	PYI_PRINTF(2, 3) PYI_MUST_CHECK;

/* Puts "<words>: " in front of the message and returns `error`. NULL stays NULL. */
struct pyi_error *pyi_error_context(struct pyi_error *error, const char *format, ...)
	PYI_PRINTF(2, 3) PYI_MUST_CHECK;

/* Whether the code of `error` has the flag; NULL has none. */
bool pyi_error_has(const struct pyi_error *error, enum pyi_error_flag flag);

/* Frees an error; NULL is fine. */
void pyi_error_destroy(struct pyi_error *error);

#endif
