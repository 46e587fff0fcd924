/*
 * The broker, linked with nothing but the C library: whatever its code needs is among the files
 * that ARCHITECTURE.md names. Output: TAP.
 *
 * Asks one that was started for the process that asks, and for another one.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/channel.h"
#include "broker/protocol.h"
#include "tracee/wait.h"
#include "own_broker.h"

static bool ask(int channel_fd, pid_t pid, struct pyi_reply *ret_reply)
{
	struct pyi_request request = { .kind = PYI_REQUEST_OPEN, .open.pid = pid };

	return pyi_channel_send(channel_fd, &request, sizeof(request), NULL, 0, -1) &&
	       pyi_channel_receive(channel_fd, ret_reply, sizeof(*ret_reply), NULL);
}

int main(void)
{
	struct pyi_reply reply = { 0 };
	struct pyi_error *error;
	int channel_fd;
	bool opened;
	bool bound;

	pyi_wait_init();
	error = own_broker_start(&channel_fd);
	if (error) {
		printf("1..0 # SKIP %s\n", error->message);
		return 1;
	}
	opened = ask(channel_fd, getpid(), &reply) && reply.error.exit == PYI_EXIT_OK &&
		 reply.open.pid == getpid();
	/* Once it is bound to a process, it is about no other. */
	bound = ask(channel_fd, getppid(), &reply) && reply.error.code == PYI_ERROR_NO_PERMISSION;
	close(channel_fd);
	printf("1..2\n%sok 1 - it opens a process\n%sok 2 - and no other one\n",
	       opened ? "" : "not ", bound ? "" : "not ");
	while (wait(NULL) > 0)
		;
	return opened && bound ? 0 : 1;
}
