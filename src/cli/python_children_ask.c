/*
 * The side of the one who asks.
 */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/python_children.h"

enum {
	ANSWER_MS = 500,
};

void pyi_python_children_ask(int fd, char ret_text[PYI_PYTHON_CHILDREN_BYTES])
{
	char question = '?';
	struct iovec part = { &question, 1 };
	const struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct pollfd answered = { .fd = fd, .events = POLLIN };
	ssize_t got = 0;

	ret_text[0] = '\0';
	/* If it has ended, there is no answer, and no signal. */
	if (fd >= 0 && sendmsg(fd, &message, MSG_NOSIGNAL) == 1 &&
	    poll(&answered, 1, ANSWER_MS) > 0)
		got = read(fd, ret_text, PYI_PYTHON_CHILDREN_BYTES - 1);
	ret_text[got > 0 ? got : 0] = '\0';
}
