/*
 * Which of the processes that a program has started run Python: for who gave the number of a
 * wrapper, such as strace, a shell or the parent of a pre-fork server.
 *
 * Goes by names that the kernel writes, of programs and mapped files, and believes no more of them
 * than that a hint may be built on it. Opens no file of theirs and reads no memory. Nobody looks
 * unless he is asked: a process of its own, which may read /proc and nothing else
 * (broker/reader.h), waits for the worker to ask, whose run has failed then.
 */
#ifndef PYI_CLI_PYTHON_CHILDREN_H
#define PYI_CLI_PYTHON_CHILDREN_H

#include <sys/types.h>

enum {
	PYI_PYTHON_CHILDREN_BYTES = 64,
};

/* Who can be asked. */
struct pyi_python_children {
	/* 0: nobody. */
	pid_t reader_pid;
	/* For the worker; -1: there is none. */
	int fd;
};

/*
 * Starts the process that can be asked about `pid`. It ends when nobody can ask it any more, and
 * with this one. Nobody can be asked where it cannot be started. For programs that have called
 * pyi_wait_init().
 */
void pyi_python_children_offer(pid_t pid, struct pyi_python_children *ret_children);

/*
 * Asks once, and waits half a second at most: "12, 34"; "" if it has started none, if they cannot
 * be seen, or if its program is called python itself. Looks at 64 of those that it has started, and
 * that these have, and so on; tells of four. `fd`: -1 is nobody.
 */
void pyi_python_children_ask(int fd, char ret_text[PYI_PYTHON_CHILDREN_BYTES]);

/* Nobody is to be asked any more. Ends the process. */
void pyi_python_children_end(struct pyi_python_children *children);

#endif
