/*
 * What the name of a file says about Python in the process that runs or has mapped it.
 *
 * A name is no proof: anybody may call a program python. For lists and hints, which say so; what a
 * process really runs is found in its memory (python/runtime.h). Pure: opens nothing.
 */
#ifndef PYI_PROCESS_PYTHON_SIGN_H
#define PYI_PROCESS_PYTHON_SIGN_H

#include <stdbool.h>

enum pyi_python_sign {
	PYI_PYTHON_NO_SIGN,
	/* A module of its standard library, in ".../python3.11/lib-dynload/". */
	PYI_PYTHON_MODULE,
	/* ".../libpython3.11.so.1.0" */
	PYI_PYTHON_LIBRARY,
	/* ".../python3.11" */
	PYI_PYTHON_PROGRAM,
};

enum {
	/* "3.14td" and far more. */
	PYI_PYTHON_VERSION_BYTES = 16,
};

/* Whether the last part of a path begins so. */
bool pyi_python_sign_is_called(const char *path, const char *name);

/*
 * What the path says; it may be any text. `ret_version`: "3.11", "3.14t", "3" or "", as in the
 * name.
 */
enum pyi_python_sign pyi_python_sign_of(const char *path,
					char ret_version[PYI_PYTHON_VERSION_BYTES]);

/*
 * Adds what one more path of a process says. A version that names its minor number is better than
 * one that does not; two that differ are none: then "?" stays. To begin with: "".
 */
void pyi_python_sign_add_version(char version[PYI_PYTHON_VERSION_BYTES], const char *other);

#endif
