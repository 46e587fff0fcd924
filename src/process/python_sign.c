/*
 * Looks at the last parts of a path.
 */
#include "process/python_sign.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "python"
#define LIBRARY "libpython"
#define MODULES "/lib-dynload/"
#define DIGITS "0123456789"

bool pyi_python_sign_is_called(const char *path, const char *name)
{
	const char *base = strrchr(path, '/');

	return base && strncmp(base + 1, name, strlen(name)) == 0;
}

/* "3.11", and the letters of a build without GIL or for debugging: "3.14td". */
static void take_version(const char *text, char ret_version[PYI_PYTHON_VERSION_BYTES])
{
	size_t length = strspn(text, DIGITS);

	ret_version[0] = '\0';
	if (!length)
		return;
	if (text[length] == '.' && strspn(text + length + 1, DIGITS)) {
		length += 1 + strspn(text + length + 1, DIGITS);
		length += strspn(text + length, "td");
	}
	if (length < PYI_PYTHON_VERSION_BYTES)
		snprintf(ret_version, PYI_PYTHON_VERSION_BYTES, "%.*s", (int)length, text);
}

/* Behind the last "/python" that is a whole folder before the modules; NULL: there is none. */
static const char *version_of_modules(const char *path)
{
	const char *modules = strstr(path, MODULES);
	const char *folder = modules;

	while (folder && folder > path && folder[-1] != '/')
		folder--;
	if (!folder || strncmp(folder, PROGRAM, strlen(PROGRAM)) != 0)
		return NULL;
	return folder + strlen(PROGRAM);
}

enum pyi_python_sign pyi_python_sign_of(const char *path,
					char ret_version[PYI_PYTHON_VERSION_BYTES])
{
	const char *base = strrchr(path, '/');
	const char *version = version_of_modules(path);

	ret_version[0] = '\0';
	if (version) {
		take_version(version, ret_version);
		return PYI_PYTHON_MODULE;
	}
	if (pyi_python_sign_is_called(path, LIBRARY)) {
		take_version(base + 1 + strlen(LIBRARY), ret_version);
		return PYI_PYTHON_LIBRARY;
	}
	if (pyi_python_sign_is_called(path, PROGRAM)) {
		take_version(base + 1 + strlen(PROGRAM), ret_version);
		return PYI_PYTHON_PROGRAM;
	}
	return PYI_PYTHON_NO_SIGN;
}

/* "3" is the beginning of "3.11", and so is "3.14" of "3.14t"; but not "3.1". */
static bool is_less_of(const char *one, const char *other)
{
	size_t length = strlen(one);

	return strncmp(one, other, length) == 0 && (other[length] < '0' || other[length] > '9');
}

void pyi_python_sign_add_version(char version[PYI_PYTHON_VERSION_BYTES], const char *other)
{
	if (!*other || is_less_of(other, version) || version[0] == '?')
		return;
	if (*version && !is_less_of(version, other))
		other = "?";
	snprintf(version, PYI_PYTHON_VERSION_BYTES, "%s", other);
}
