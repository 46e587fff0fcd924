/*
 * What a worker that was taken over may ask of the broker; for fuzz_broker.c.
 */
#ifndef TESTS_FUZZ_BROKER_REQUESTS_H
#define TESTS_FUZZ_BROKER_REQUESTS_H

#include <stdint.h>
#include <sys/types.h>

#include "broker/protocol.h"
#include "fuzz.h"

/* A number that may be at a border. */
uint64_t broker_take_number(struct fuzz_input *input, uint64_t limit);

/* `request` is zeroed; some of its data does not belong there. */
void broker_make_request(struct fuzz_input *input, pid_t bound_pid, struct pyi_request *request);

#endif
