/*
 * Tests of src/analysis/largest_nodes.c: against a list of all that is offered, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/largest_nodes.h"

enum {
	ROUNDS = 2000,
	OFFERS = 60,
	LIMITS = 70,
};

static int by_figure(const void *left, const void *right)
{
	const struct pyi_largest_node *one = left;
	const struct pyi_largest_node *other = right;

	if (one->figure != other->figure)
		return one->figure < other->figure ? 1 : -1;
	return one->node > other->node ? 1 : -1;
}

static void test_random(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		struct pyi_largest_node all[OFFERS];
		struct pyi_largest_nodes kept;
		size_t limit = (size_t)(rand() % LIMITS);
		size_t expected;

		assert_null(pyi_largest_nodes_init(&kept, limit));
		for (uint32_t n = 0; n < OFFERS; n++) {
			all[n].node = 3 * n;
			all[n].figure = (uint64_t)rand() % (round % 2 ? 8 : UINT64_MAX);
		}
		for (uint32_t n = 0; n < OFFERS; n++) {
			bool admitted = pyi_largest_nodes_admit(&kept, all[n].figure);
			size_t better = 0;

			for (uint32_t m = 0; m < n; m++)
				better += all[m].figure >= all[n].figure;
			assert_int_equal(admitted, better < limit);
			pyi_largest_nodes_offer(&kept, all[n].node, all[n].figure);
		}
		pyi_largest_nodes_sort(&kept);
		qsort(all, OFFERS, sizeof(*all), by_figure);
		expected = limit < OFFERS ? limit : OFFERS;
		assert_int_equal(kept.count, expected);
		for (size_t i = 0; i < expected; i++) {
			assert_true(kept.items[i].figure == all[i].figure);
			assert_int_equal(kept.items[i].node, all[i].node);
		}
		pyi_largest_nodes_deinit(&kept);
		pyi_largest_nodes_deinit(&kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
