/*
 * Fuzzer of src/incidents: the file that is kept of a process, and a check after it.
 */
#include "fuzz.h"
#include "incidents/incidents.h"
#include "incidents/kept_folder.h"

static const char boot_id[] = "11111111-2222-4333-8444-555555555555";

static void expect_whole(const struct pyi_incidents *incidents)
{
	FUZZ_EXPECT(incidents->count <= PYI_INCIDENT_LIMIT);
	for (size_t i = 0; i < incidents->count; i++) {
		const struct pyi_incident *incident = &incidents->items[i];

		FUZZ_EXPECT(incident->rule);
		FUZZ_EXPECT(incident->status != PYI_CHECK_OK &&
			    incident->status <= PYI_CHECK_UNKNOWN);
		FUZZ_EXPECT(incident->since_s >= 0);
		FUZZ_EXPECT(!incident->evidence || pyi_kept_folder_is_name(incident->evidence));
	}
}

static bool has_incident(const struct pyi_incidents *incidents, const char *rule)
{
	for (size_t i = 0; i < incidents->count; i++)
		if (strcmp(incidents->items[i].rule, rule) == 0)
			return true;
	return false;
}

/* The next check finds one rule broken, or fine again. */
static void check_again(struct pyi_incidents *incidents, enum pyi_check_status status)
{
	char rule[] = "max-rss";
	struct pyi_check_finding finding = {
		.rule = rule,
		.kind = PYI_RULE_MAX_RSS,
		.status = status,
	};
	const struct pyi_check check = { .findings = &finding, .count = 1, .status = status };
	size_t before = incidents->count;

	FUZZ_EXPECT(!fuzz_drop(pyi_incidents_update(incidents, &check, false, 5)));
	expect_whole(incidents);
	FUZZ_EXPECT(incidents->count <= before + 1);
	FUZZ_EXPECT(has_incident(incidents, rule) == (status != PYI_CHECK_OK) ||
		    before == PYI_INCIDENT_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input input = { bytes, size_bytes };
	struct pyi_incidents incidents = { .lock_fd = -1, .start_ticks = 9 };
	char *text = fuzz_take_text(&input);
	bool full;

	memcpy(incidents.boot_id, boot_id, sizeof(boot_id));
	if (!pyi_incidents_parse(text, &incidents))
		FUZZ_EXPECT(!incidents.count);
	free(text);
	expect_whole(&incidents);
	full = incidents.count == PYI_INCIDENT_LIMIT;
	check_again(&incidents, PYI_CHECK_CRITICAL);
	check_again(&incidents, PYI_CHECK_OK);
	FUZZ_EXPECT(incidents.status_changed || full);
	FUZZ_EXPECT(incidents.status_before == PYI_CHECK_CRITICAL || full);
	check_again(&incidents, PYI_CHECK_OK);
	FUZZ_EXPECT(!incidents.status_changed);
	pyi_incidents_close(&incidents);
	return 0;
}
