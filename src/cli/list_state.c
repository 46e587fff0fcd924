/*
 * A line for each process, sorted by number.
 */
#include "cli/list_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

/* Behind it: the boot, and the time. Below it a line for each process. */
#define HEAD "pyinspect-list 1 "

enum {
	BOOT_ID_BYTES = 64,
};

struct kept {
	int64_t pid;
	uint64_t start_ticks;
	uint64_t rss_bytes;
};

static int compare(const void *left, const void *right)
{
	const struct kept *a = left;
	const struct kept *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* False if the text is none of ours to its end. */
static bool parse(const char *text, struct kept **kept, size_t *count)
{
	size_t capacity = 0;

	while (*text) {
		struct kept one;
		int length = 0;

		if (sscanf(text, "%" SCNd64 " %" SCNu64 " %" SCNu64 "%n", &one.pid,
			   &one.start_ticks, &one.rss_bytes, &length) != 3 ||
		    text[length] != '\n' || one.rss_bytes > INT64_MAX ||
		    !pyi_array_reserve(kept, *count, &capacity, sizeof(**kept)))
			return false;
		(*kept)[(*count)++] = one;
		text += length + 1;
	}
	if (*count)
		qsort(*kept, *count, sizeof(**kept), compare);
	return true;
}

void pyi_list_state_compare(const char *text, const char *boot_id, struct pyi_list_report *report)
{
	PYI_CLEANUP(pyi_guard_free) struct kept *kept = NULL;
	char boot[BOOT_ID_BYTES];
	size_t count = 0;
	int64_t time_s = 0;
	int length = 0;

	if (sscanf(text, HEAD "%63s %" SCNd64 "%n", boot, &time_s, &length) != 2 ||
	    text[length] != '\n' || time_s <= 0 || !parse(text + length + 1, &kept, &count)) {
		report->no_growth = "what the last list kept is damaged; this one replaces it";
		return;
	}
	if (strcmp(boot, boot_id) != 0) {
		report->no_growth = "the last list was before the machine was started";
		return;
	}
	report->since_s = time_s;
	for (size_t p = 0; p < report->count; p++) {
		struct pyi_list_process *process = &report->processes[p];
		const struct kept wanted = { .pid = process->pid };
		const struct kept *found =
			count ? bsearch(&wanted, kept, count, sizeof(*kept), compare) : NULL;
		bool same = found && found->start_ticks == process->start_ticks;

		process->growth = same ? PYI_LIST_GROWTH_KNOWN : PYI_LIST_GROWTH_NEW;
		process->old_rss_bytes = same ? found->rss_bytes : 0;
	}
}

char *pyi_list_state_write(const struct pyi_list_report *report, const char *boot_id, int64_t now_s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	bool ok;

	if (!stream)
		return NULL;
	fprintf(stream, HEAD "%s %" PRId64 "\n", boot_id, now_s);
	for (size_t p = 0; p < report->count; p++)
		fprintf(stream, "%" PRId64 " %" PRIu64 " %" PRIu64 "\n", report->processes[p].pid,
			report->processes[p].start_ticks, report->processes[p].rss_bytes);
	ok = !ferror(stream);
	if (fclose(stream) == 0 && ok)
		return text;
	free(text);
	return NULL;
}
