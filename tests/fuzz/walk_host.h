/*
 * Runs the walk natively on a mixed heap, and plays the host for it: takes messages, brings it back
 * after faults, decodes its records.
 *
 * The walk must keep the contract of pyinspect/payload.h, whatever the heap: what it breaks ends
 * the program.
 */
#ifndef PYI_TESTS_WALK_HOST_H
#define PYI_TESTS_WALK_HOST_H

#include "heap/walk_run.h"
#include "mixed_heap.h"

/*
 * Does what `request` asks for. Its `record` may be NULL. `roots` are addresses of
 * objects.
 */
enum pyi_payload_status walk_host_run(const struct mixed_heap *mixed,
				      const struct pyi_walk_request *request, const uint64_t *roots,
				      size_t root_count, struct pyi_walk_result *ret_result);

#endif
