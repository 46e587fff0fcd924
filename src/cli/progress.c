/*
 * Progress on a terminal. Prints nothing anywhere else.
 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	SILENT_MS = 1000,
};

void pyi_progress_begin(struct pyi_progress *progress)
{
	*progress = (struct pyi_progress){
		.begun_ns = pyi_clock_now_ns(),
		.wanted = isatty(STDERR_FILENO),
	};
}

void pyi_progress_report(void *argument, const char *stage, uint64_t objects)
{
	struct pyi_progress *progress = argument;

	if (!progress->wanted || pyi_clock_ms_since(progress->begun_ns) < SILENT_MS)
		return;
	fprintf(stderr, "\r\033[K%s", stage);
	if (objects)
		fprintf(stderr, ": %.1f million objects", (double)objects / 1e6);
	fflush(stderr);
	progress->shown = true;
}

void pyi_progress_end(struct pyi_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
