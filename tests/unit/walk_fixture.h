/*
 * What the tests of the walk on broken heaps begin with: a small heap that is whole.
 */
#ifndef PYI_TESTS_WALK_FIXTURE_H
#define PYI_TESTS_WALK_FIXTURE_H

#include "invented_census.h"

enum {
	FIXTURE_HEAP_BYTES = 1 << 18,
	NODES = 5,
};

struct fixture {
	struct invented_heap heap;
	/* Tracked in list 1, in this order, each with a str of its own. */
	uint64_t nodes[NODES];
	uint64_t texts[NODES];
	/* Their PyGC_Heads. */
	uint64_t heads[NODES];
};

/* For cmocka; the initial state is a version such as 0x030b, or 0 for the invented layout. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

static inline void *pointer_to(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

/* An address behind the heap: nothing there can be accessed. */
static inline uint64_t unmapped(const struct fixture *fixture)
{
	return fixture->heap.range.end_addr;
}

/* A walk that must end with PYI_PAYLOAD_OK. */
struct invented_run census(const struct fixture *fixture, uint64_t flags);

/* Rows of a table of tests: one in a layout; in three of different kinds. */
#define IN(test, version, label)                                                                   \
	{                                                                                          \
#test " in " label, test, fixture_set_up, fixture_tear_down,                       \
			(void *)(uintptr_t)(version)                                               \
	}
#define IN_ALL(test)                                                                               \
	IN(test, 0, "an invented layout"), IN(test, 0x0308, "3.8"), IN(test, 0x030d, "3.13")

#endif
