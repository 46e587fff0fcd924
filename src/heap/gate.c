/*
 * Turns collectors and GILs into words, and values back. Stops nothing: at the moment itself it is
 * the broker who reads.
 */
#include "heap/gate.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "tracee/wait.h"

enum {
	WATCH_NS = 100000,
	NS_PER_MS = 1000000,
};

/* In this order; where only the holder can be found, it is the only one. */
enum {
	GIL_HOLDER,
	GIL_LOCKED,
	GIL_SWITCHES,
	GIL_WORDS,
};

static bool add_word(struct pyi_source_gate *gate, uint64_t addr, uint32_t size_bytes,
		     bool must_be_zero)
{
	if (gate->count == PYI_GATE_LIMIT)
		return false;
	gate->words[gate->count++] = (struct pyi_gate_word){ addr, size_bytes, must_be_zero };
	return true;
}

static bool add_gil(struct pyi_gate *gate, const struct pyi_runtime *runtime,
		    struct pyi_memory_reader *live, size_t i)
{
	struct pyi_gil_addrs *addrs = &gate->gil[i];
	size_t at = gate->source.count;

	gate->gil_at[i] = SIZE_MAX;
	if (!pyi_interpreters_find_gil(runtime, live, gate->interpreters.addr[i], addrs))
		return true;
	if (!add_word(&gate->source, addrs->holder, sizeof(uint64_t), false) ||
	    (addrs->locked && (!add_word(&gate->source, addrs->locked, sizeof(uint32_t), false) ||
			       !add_word(&gate->source, addrs->switches, sizeof(uint64_t), false))))
		return false;
	gate->gil_at[i] = at;
	return true;
}

bool pyi_gate_prepare(struct pyi_gate *gate, const struct pyi_runtime *runtime,
		      struct pyi_memory_reader *live)
{
	uint64_t collecting[PYI_INTERPRETER_LIMIT];
	struct pyi_error *error;
	bool complete = true;
	size_t count;

	gate->source.count = 0;
	error = pyi_interpreters_list(runtime, live, &gate->interpreters);
	if (error) {
		gate->interpreters.count = 0;
		pyi_error_destroy(error);
		return false;
	}
	count = pyi_interpreters_collecting_addrs(runtime, &gate->interpreters, collecting);
	for (size_t c = 0; c < count; c++)
		complete &= add_word(&gate->source, collecting[c], sizeof(uint32_t), true);
	for (size_t i = 0; i < gate->interpreters.count; i++)
		complete &= add_gil(gate, runtime, live, i);
	return complete && !pyi_interpreters_collecting(runtime, live, &gate->interpreters);
}

/* Whether a GIL is not as it was: of those that go from thread to thread while nobody looks, the
 * counter tells. */
static bool came_or_went(const struct pyi_gil_state *before, const struct pyi_gil_state *now)
{
	return before->locked != now->locked || (!now->locked && before->switches != now->switches);
}

bool pyi_gate_gil_comes_and_goes(const struct pyi_runtime *runtime, struct pyi_memory_reader *live,
				 double for_ms)
{
	uint64_t until_ns = pyi_clock_now_ns() + (uint64_t)(for_ms * NS_PER_MS);
	struct pyi_gil_state before[PYI_INTERPRETER_LIMIT];
	struct pyi_interpreters interpreters;
	struct pyi_error *error = pyi_interpreters_list(runtime, live, &interpreters);

	if (error) {
		pyi_error_destroy(error);
		return false;
	}
	for (size_t i = 0; i < interpreters.count; i++)
		if (!pyi_interpreters_read_gil(runtime, live, interpreters.addr[i], &before[i]))
			return false;
	while (!pyi_clock_passed(until_ns) && !pyi_wait_pause(pyi_clock_now_ns() + WATCH_NS)) {
		for (size_t i = 0; i < interpreters.count; i++) {
			struct pyi_gil_state now;

			if (!pyi_interpreters_read_gil(runtime, live, interpreters.addr[i], &now))
				return false;
			if (came_or_went(&before[i], &now))
				return true;
		}
	}
	return false;
}

bool pyi_gate_gil(const struct pyi_gate *gate, size_t i, struct pyi_gil_state *ret_before,
		  struct pyi_gil_state *ret_after)
{
	const struct pyi_gil_addrs *addrs = &gate->gil[i];
	struct pyi_gate_value values[GIL_WORDS] = { { 0 } };
	size_t count = addrs->locked ? GIL_WORDS : 1;

	if (gate->gil_at[i] == SIZE_MAX)
		return false;
	for (size_t w = 0; w < count; w++) {
		values[w] = gate->source.values[gate->gil_at[i] + w];
		if (!values[w].known)
			return false;
	}
	*ret_before =
		pyi_interpreters_decode_gil(addrs, values[GIL_LOCKED].before,
					    values[GIL_HOLDER].before, values[GIL_SWITCHES].before);
	*ret_after =
		pyi_interpreters_decode_gil(addrs, values[GIL_LOCKED].after,
					    values[GIL_HOLDER].after, values[GIL_SWITCHES].after);
	return true;
}

bool pyi_gate_has_same(const struct pyi_gate *gate, const struct pyi_interpreters *interpreters)
{
	return gate->interpreters.count == interpreters->count &&
	       memcmp(gate->interpreters.addr, interpreters->addr,
		      interpreters->count * sizeof(interpreters->addr[0])) == 0;
}
