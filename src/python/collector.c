/*
 * The state of the collector lies around the heads of its lists, which the anchors have checked.
 */
#include "python/collector.h"

#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "python/attributes.h"
#include "python/members.h"

/* An int of C that is not negative. */
static bool read_count(struct pyi_memory_reader *reader, uint64_t addr, uint32_t *ret_count)
{
	return pyi_memory_try_read_u32(reader, addr, ret_count) && *ret_count <= INT_MAX;
}

static void read_counters(const struct pyi_layout *layout, struct pyi_memory_reader *reader,
			  const struct pyi_gc_list *lists, struct pyi_collector *collector)
{
	bool known =
		pyi_has(layout->gc_generation_threshold) && pyi_has(layout->gc_generation_count);

	for (int g = 0; g < PYI_COLLECTOR_GENERATIONS && known; g++)
		known = read_count(reader, lists[g].head_addr + layout->gc_generation_threshold,
				   &collector->thresholds[g]) &&
			read_count(reader, lists[g].head_addr + layout->gc_generation_count,
				   &collector->counts[g]);
	collector->counters_known = known;
}

/* gc.garbage is made when it is needed. */
static void read_garbage(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t addr, struct pyi_collector *collector)
{
	uint64_t list;

	if (!pyi_memory_try_read_u64(reader, addr, &list))
		return;
	collector->garbage_known =
		!list || pyi_attributes_length(runtime, reader, list, &collector->garbage_length);
}

void pyi_collector_read(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			const struct pyi_interpreters *interpreters,
			struct pyi_collector *ret_collector)
{
	const struct pyi_layout *layout = runtime->layout;
	PYI_CLEANUP(pyi_guard_free) struct pyi_gc_list *lists = NULL;
	struct pyi_collector collector = { 0 };
	size_t count = 0;
	struct pyi_error *error =
		pyi_interpreters_gc_lists(runtime, reader, interpreters, &lists, &count);
	uint32_t enabled;
	uint64_t state;

	*ret_collector = collector;
	if (error || count < PYI_COLLECTOR_GENERATIONS) {
		pyi_error_destroy(error);
		return;
	}
	read_counters(layout, reader, lists, &collector);
	/* Behind the generations is the permanent list, which is at a known place of the state; up
	   to 3.6 there is none, and the state is a number of variables. */
	if (count > PYI_COLLECTOR_GENERATIONS && lists[PYI_COLLECTOR_GENERATIONS].frozen) {
		state = lists[PYI_COLLECTOR_GENERATIONS].head_addr - layout->gc_permanent;
		if (pyi_has(layout->gc_enabled) &&
		    pyi_memory_try_read_u32(reader, state + layout->gc_enabled, &enabled) &&
		    enabled <= 1) {
			collector.enabled_known = true;
			collector.enabled = enabled;
		}
		if (pyi_has(layout->gc_garbage))
			read_garbage(runtime, reader, state + layout->gc_garbage, &collector);
	}
	*ret_collector = collector;
}
