/*
 * Puts the processes of a service into a report. Does not compare them.
 */
#include "report/group.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/quantity.h"
#include "base/cleanup.h"
#include "report/output.h"
#include "report/table.h"

/* Which of them a process is, from 1. */
static size_t place_of(const struct pyi_group *group, int64_t pid)
{
	for (size_t m = 0; m < group->member_count; m++)
		if (group->members[m].pid == pid)
			return m + 1;
	return 0;
}

char *pyi_group_tell(const struct pyi_group *group, const struct pyi_group_difference *difference)
{
	PYI_CLEANUP(pyi_guard_free) char *what = pyi_output_fit(difference->what, 0);
	char count[PYI_QUANTITY_TEXT];
	char others[PYI_QUANTITY_TEXT];
	char factor[PYI_QUANTITY_TEXT];
	char *text;
	int length;

	if (!what)
		return NULL;
	pyi_quantity_count(count, difference->count);
	pyi_quantity_count(others, difference->others);
	if (difference->others > 0)
		length = asprintf(
			&text,
			"process %" PRId64 " (%zu of %zu) has %s times the %s of the "
			"others: %s to %s",
			difference->pid, place_of(group, difference->pid), group->member_count,
			pyi_quantity_count(factor, difference->count / difference->others), what,
			count, others);
	else
		length = asprintf(&text,
				  "process %" PRId64 " (%zu of %zu) has %s %s, most of the others "
				  "have none",
				  difference->pid, place_of(group, difference->pid),
				  group->member_count, count, what);
	return length < 0 ? NULL : text;
}

static void put_member(FILE *stream, const struct pyi_group_member *member)
{
	PYI_CLEANUP(pyi_guard_free)
	char *python = pyi_output_fit(member->python ? member->python : "?", 0);
	char rss[PYI_QUANTITY_TEXT];
	char objects[PYI_QUANTITY_TEXT];

	pyi_quantity_bytes(rss, (double)member->rss_bytes);
	pyi_quantity_count(objects, (double)member->objects);
	fprintf(stream, "  PID %-8" PRId64 "Python %-8s %10s resident, %12s objects%s%s\n",
		member->pid, python ? python : "?", rss, objects, member->status ? ", " : "",
		member->status ? member->status : "");
}

bool pyi_group_put(FILE *stream, const struct pyi_group *group)
{
	PYI_CLEANUP(pyi_guard_free) char *name = pyi_output_fit(group->name, 0);

	if (!name)
		return false;
	fprintf(stream, "%s: %zu Python process%s", name, group->member_count,
		group->member_count == 1 ? "" : "es");
	if (group->left_out)
		fprintf(stream, ", %zu other%s left out", group->left_out,
			group->left_out == 1 ? "" : "s");
	fputc('\n', stream);
	for (size_t m = 0; m < group->member_count; m++)
		put_member(stream, &group->members[m]);
	for (size_t d = 0; d < group->difference_count; d++) {
		PYI_CLEANUP(pyi_guard_free)
		char *text = pyi_group_tell(group, &group->differences[d]);

		if (!text)
			return false;
		fprintf(stream, "%s\n", text);
	}
	return true;
}

static bool add_member(cJSON *json, const struct pyi_group_member *member)
{
	return json && pyi_output_add_unsigned(json, "pid", (uint64_t)member->pid) &&
	       pyi_output_add_text(json, "exe", member->exe) &&
	       pyi_output_add_text(json, "python", member->python) &&
	       pyi_output_add_unsigned(json, "rss_bytes", member->rss_bytes) &&
	       pyi_output_add_unsigned(json, "objects", member->objects) &&
	       pyi_output_add_unsigned(json, "bytes", member->bytes) &&
	       (!member->status || pyi_output_add_text(json, "status", member->status));
}

static bool add_difference(cJSON *json, const struct pyi_group_difference *difference)
{
	return json && pyi_output_add_unsigned(json, "pid", (uint64_t)difference->pid) &&
	       pyi_output_add_text(json, "of", difference->what) &&
	       cJSON_AddNumberToObject(json, "count", difference->count) &&
	       cJSON_AddNumberToObject(json, "others", difference->others);
}

bool pyi_group_add_json(cJSON *json, const struct pyi_group *group)
{
	cJSON *object = cJSON_AddObjectToObject(json, "group");
	bool ok = object && pyi_output_add_text(object, "name", group->name) &&
		  pyi_output_add_unsigned(object, "left_out", group->left_out);
	cJSON *list = ok ? cJSON_AddArrayToObject(object, "processes") : NULL;

	ok = list != NULL;
	for (size_t m = 0; ok && m < group->member_count; m++)
		ok = add_member(pyi_output_append_object(list), &group->members[m]);
	list = ok ? cJSON_AddArrayToObject(object, "differences") : NULL;
	ok = list != NULL;
	for (size_t d = 0; ok && d < group->difference_count; d++)
		ok = add_difference(pyi_output_append_object(list), &group->differences[d]);
	return ok;
}

void pyi_group_deinit(struct pyi_group *group)
{
	for (size_t m = 0; m < group->member_count; m++) {
		free(group->members[m].exe);
		free(group->members[m].python);
	}
	for (size_t d = 0; d < group->difference_count; d++)
		free(group->differences[d].what);
	free(group->members);
	free(group->differences);
	*group = (struct pyi_group){ 0 };
}
