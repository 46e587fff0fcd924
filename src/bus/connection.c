/*
 * sd-bus, served by hand.
 */
#include "bus/connection.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"

int pyi_connection_errno(int error_number)
{
	return error_number == ETIMEDOUT ? ECONNRESET : error_number;
}

int pyi_connection_serve(sd_bus *connection, uint64_t deadline_ns, bool (*done)(void *argument),
			 void *argument)
{
	for (;;) {
		int result = sd_bus_process(connection, NULL);

		if (result < 0)
			return -pyi_connection_errno(-result);
		if (done(argument))
			return 0;
		if (pyi_clock_passed(deadline_ns))
			return -ETIMEDOUT;
		if (result > 0)
			continue;
		result = sd_bus_wait(connection, pyi_clock_left_us(deadline_ns));
		if (result < 0 && result != -EINTR)
			return result;
	}
}

static bool is_ready(void *argument)
{
	return sd_bus_is_ready(argument) > 0;
}

int pyi_connection_open(int fd, bool direct, uint64_t deadline_ns, sd_bus **ret_connection)
{
	sd_bus *connection;
	int result = sd_bus_new(&connection);

	if (result < 0) {
		close(fd);
		return result;
	}
	result = sd_bus_set_fd(connection, fd, fd);
	if (result < 0)
		close(fd);
	else
		result = sd_bus_set_bus_client(connection, !direct);
	if (result >= 0)
		result = sd_bus_start(connection);
	if (result >= 0)
		result = pyi_connection_serve(connection, deadline_ns, is_ready, connection);
	if (result < 0) {
		pyi_connection_close(connection);
		return result;
	}
	*ret_connection = connection;
	return 0;
}

void pyi_connection_close(sd_bus *connection)
{
	sd_bus_close_unref(connection);
}
