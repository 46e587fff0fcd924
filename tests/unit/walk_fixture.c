/*
 * Builds the heap that tests break. Does not break it.
 */
#include "walk_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

int fixture_set_up(void **state)
{
	const struct pyi_layout *layout = *state;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct pyi_layout invented;

	if (!layout) {
		invented_layout_init(&invented);
		layout = &invented;
	} else {
		layout = invented_layout_of((uint32_t)(uintptr_t)layout);
	}
	invented_heap_create(&fixture->heap, layout, FIXTURE_HEAP_BYTES);
	for (int i = 0; i < NODES; i++) {
		fixture->texts[i] = invented_str(&fixture->heap, "x");
		fixture->nodes[i] = invented_node(&fixture->heap, fixture->texts[i]);
		fixture->heads[i] = invented_head_of(&fixture->heap, fixture->nodes[i]);
		invented_track(&fixture->heap, fixture->nodes[i], 1);
	}
	/* A list that is whole comes behind the one that will be broken. */
	invented_track(&fixture->heap, invented_list(&fixture->heap, NULL, 0), 2);
	*state = fixture;
	return 0;
}

int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	invented_heap_destroy(&fixture->heap);
	free(fixture);
	return 0;
}

struct invented_run census(const struct fixture *fixture, uint64_t flags)
{
	struct invented_run run;

	invented_census(&fixture->heap, &(struct invented_request){ .flags = flags }, &run);
	assert_int_equal(run.status, PYI_PAYLOAD_OK);
	return run;
}
