/*
 * Fuzzer of src/analysis/slip.c and name_set.c: names that were read from a heap, and names that a
 * bus gave, whatever they are.
 */
#include "analysis/slip.h"
#include "fuzz.h"

enum {
	NAME_LIMIT = 31,
};

/* Names up to one that is empty; many of them the usual ones. */
static void take_names(struct fuzz_input *input, struct pyi_name_set *set)
{
	while (input->size_bytes) {
		unsigned head = (unsigned)fuzz_take(input, 1);
		char name[NAME_LIMIT + 1] = "";

		if (!head)
			return;
		if (head & 0x80)
			snprintf(name, sizeof(name), ":1.%u", head & 0x7f);
		else
			for (unsigned i = 0; i < head % NAME_LIMIT; i++)
				name[i] = (char)fuzz_take(input, 1);
		FUZZ_EXPECT(!fuzz_drop(pyi_name_set_add(set, name)));
		pyi_name_set_sort(set);
		FUZZ_EXPECT(pyi_name_set_has(set, name));
	}
}

static void expect_sorted(const struct pyi_name_set *set)
{
	char text[2][PYI_NAME_SET_TEXT];

	FUZZ_EXPECT(set->count == set->number_count + set->other_count);
	for (size_t i = 0; i < set->count; i++) {
		const char *name = pyi_name_set_get(set, i, text[0]);

		FUZZ_EXPECT(pyi_name_set_has(set, name));
		if (i)
			FUZZ_EXPECT(strcmp(name, pyi_name_set_get(set, i - 1, text[1])));
	}
	FUZZ_EXPECT(pyi_name_set_count_common(set, set) == set->count);
}

static void expect_judged(const struct pyi_slip *slip, bool again)
{
	FUZZ_EXPECT(slip->verdict <= PYI_SLIP_LEAK);
	FUZZ_EXPECT(slip->verdict != PYI_SLIP_LEAK || (again && slip->stale_known && slip->stale));
	FUZZ_EXPECT(slip->stale <= slip->sender_names.count + slip->connections[0].senders.count);
	for (size_t e = 0; e < slip->evidence_count; e++)
		FUZZ_EXPECT(slip->evidence[e] && slip->evidence[e][0]);
}

static struct pyi_slip make_slip(struct fuzz_input *input)
{
	struct pyi_slip slip = {
		.holder = strdup("slip.dbus.service.Object"),
		.connections = calloc(1, sizeof(*slip.connections)),
		.connection_count = 1,
	};

	FUZZ_EXPECT(slip.holder && slip.connections);
	take_names(input, &slip.sender_names);
	take_names(input, &slip.connections[0].senders);
	slip.senders = slip.sender_names.count;
	slip.unreadable = fuzz_take(input, 1);
	slip.connections[0].name = strdup("dbus._dbus.SystemBus at 0x1000");
	slip.connections[0].bus = "system";
	slip.connections[0].has_match = fuzz_take(input, 1) & 1;
	if (slip.connections[0].has_match && slip.connections[0].senders.count) {
		char text[PYI_NAME_SET_TEXT];

		slip.connections[0].match_arg1 =
			strdup(pyi_name_set_get(&slip.connections[0].senders, 0, text));
	}
	return slip;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	unsigned how = (unsigned)fuzz_take(&input, 1);
	struct pyi_slip slip = make_slip(&input);
	struct pyi_slip again = make_slip(&input);
	struct pyi_name_set sets[2] = { 0 };
	const struct pyi_slip_bus bus = {
		.reached = how & 1,
		.why = "it did not answer",
		.before = how & 1 ? &sets[0] : NULL,
		.after = how & 1 ? &sets[1] : NULL,
		.connection_limit = how >> 4,
	};

	take_names(&input, &sets[0]);
	take_names(&input, &sets[1]);
	FUZZ_EXPECT(!fuzz_drop(pyi_slip_judge(&slip, how & 2 ? &again : NULL, &bus)));
	expect_judged(&slip, how & 2);
	expect_sorted(&slip.sender_names);
	expect_sorted(&slip.connections[0].senders);
	pyi_name_set_remove(&slip.sender_names, &sets[0]);
	FUZZ_EXPECT(!pyi_name_set_count_common(&slip.sender_names, &sets[0]));
	pyi_name_set_keep(&again.sender_names, &sets[1]);
	FUZZ_EXPECT(pyi_name_set_count_common(&again.sender_names, &sets[1]) ==
		    again.sender_names.count);
	pyi_name_set_deinit(&sets[0]);
	pyi_name_set_deinit(&sets[1]);
	pyi_slip_deinit(&again);
	pyi_slip_deinit(&slip);
	return 0;
}
