/*
 * The process with rights: stops, clones, runs, kills and reaps, opens files and hands over
 * descriptors, for a worker that has no rights (broker/protocol.h).
 *
 * Parses nothing but what the kernel writes, and never looks into the target's memory but for the
 * words of a gate and the gadgets. Keeps what is one for a whole process: blocked signals, waiting
 * for tracees, the timer of last resort.
 */
#ifndef PYI_BROKER_BROKER_H
#define PYI_BROKER_BROKER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Serves the worker at the other end until it closes it or breaks the protocol, then gives up what
 * is left (a snapshot is killed and reaped). pyi_wait_init() must have been called. The result is
 * for exit(): PYI_EXIT_OK, or PYI_EXIT_NOT_RESTORED if the target could not be put back as it was;
 * what the worker cannot have heard of is said on stderr. No stop for longer than `max_pause_ms` is
 * made on purpose, whatever the worker asks for.
 *
 * It serves process `pid` that was started at `start_ticks`, and no other; 0: the first one that
 * the worker asks for.
 */
int pyi_broker_serve(int channel_fd, pid_t pid, uint64_t start_ticks, double max_pause_ms);

#endif
