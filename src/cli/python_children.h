/*
 * Which of the processes that a program has started run Python: for who gave the number of a
 * wrapper, such as strace, a shell or the parent of a pre-fork server.
 *
 * Goes by names that the kernel writes, of programs and mapped files, and believes no more of them
 * than that a hint may be built on it. Opens no file of theirs and reads no memory.
 */
#ifndef PYI_CLI_PYTHON_CHILDREN_H
#define PYI_CLI_PYTHON_CHILDREN_H

#include <stddef.h>
#include <sys/types.h>

enum {
	PYI_PYTHON_CHILDREN_BYTES = 64,
};

/*
 * Writes "12, 34": those that `pid` has started, and that these have, and so on; "" if there is
 * none, if they cannot be seen, or if the program of `pid` is called python itself. For a process
 * that may look into /proc. Looks at 64 of them, and tells of four. Who named several processes has
 * named their children, and needs no hint.
 */
void pyi_python_children_list(pid_t pid, char ret_text[PYI_PYTHON_CHILDREN_BYTES]);

#endif
