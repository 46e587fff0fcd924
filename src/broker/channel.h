/*
 * Messages of fixed size over a socket, with data and a descriptor beside them.
 *
 * A message is a packet; what follows it comes in packets of at most 64 KiB. Believes nothing: a
 * packet that is not exactly as long as it must be, a descriptor that nobody asked for, or more
 * data than the receiver allows end the channel. Does not know what the messages mean.
 */
#ifndef PYI_BROKER_CHANNEL_H
#define PYI_BROKER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes both ends, close-on-exec; false with errno. */
bool pyi_channel_create(int ret_ends[2]);

/*
 * Sends a header and data; `fd` goes along unless it is -1 (it stays open here). False with errno
 * when the other end is gone, or does not take it for ten seconds.
 */
bool pyi_channel_send(int channel_fd, const void *header, size_t header_bytes, const void *data,
		      size_t data_bytes, int fd);

/*
 * Waits for a header. `ret_fd` is -1 unless a descriptor came along; a NULL says that none may.
 * False when the other end is gone (errno 0), or is not as it should be (EPROTO).
 */
bool pyi_channel_receive(int channel_fd, void *ret_header, size_t header_bytes, int *ret_fd);

/* Waits for the data that follows a header. */
bool pyi_channel_receive_data(int channel_fd, void *ret_data, size_t data_bytes);

#endif
