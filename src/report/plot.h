/*
 * A series as a plot in a terminal, and as a line of a few characters.
 *
 * Braille and block characters, or with `plain` ASCII only. No colour. Does not choose what is
 * plotted; times are local.
 */
#ifndef PYI_REPORT_PLOT_H
#define PYI_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/sample.h"

enum {
	/* Columns of a line of a few characters, and the bytes it needs. */
	PYI_PLOT_SPARK_COLUMNS = 10,
	PYI_PLOT_SPARK_BYTES = 3 * PYI_PLOT_SPARK_COLUMNS + 1,
	/* "2026-01-31 23:59" */
	PYI_PLOT_TIME_BYTES = 40,
};

/* Local time; returns `text`. */
const char *pyi_plot_time(char text[PYI_PLOT_TIME_BYTES], int64_t time_s);

/* Equal times side by side, each the last value known then, from the lowest to the highest of the
 * series; returns `text`. */
const char *pyi_plot_spark(char text[PYI_PLOT_SPARK_BYTES], const struct pyi_series *series,
			   bool bytes, bool plain);

/* With axes; as wide as `columns` (0: 80). Needs two points or more. False without memory. */
bool pyi_plot_put(FILE *stream, const struct pyi_series *series, bool bytes, bool plain,
		  unsigned columns);

#endif
