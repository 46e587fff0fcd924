/*
 * An sd-bus connection over a socket that is connected already, and no wait that is longer than
 * until a deadline. Does not look for sockets.
 */
#ifndef PYI_BUS_CONNECTION_H
#define PYI_BUS_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/*
 * Authenticates over `fd`, which is taken over, also on failure; `direct`: the other end is no bus
 * that one says hello to. To be closed with pyi_connection_close(). 0 or a negative errno.
 */
int pyi_connection_open(int fd, bool direct, uint64_t deadline_ns, sd_bus **ret_connection);

/*
 * Serves the connection until `done` says so, or the deadline. Unlike sd_bus_call() it forgets each
 * message at once and looks at the clock after each. 0 or a negative errno; -ETIMEDOUT is the
 * deadline, and never a connection that has ended (-ECONNRESET).
 */
int pyi_connection_serve(sd_bus *connection, uint64_t deadline_ns, bool (*done)(void *argument),
			 void *argument);

/* sd-bus calls a connection that ended before the answer came a timeout; ours is the deadline. */
int pyi_connection_errno(int error_number);

/* Without a flush, which would wait for a bus that does not read. NULL is fine. */
void pyi_connection_close(sd_bus *connection);

#endif
