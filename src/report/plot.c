/*
 * Draws a series with characters.
 *
 * Each dot column shows the line between the points on both sides of it; where several points fall
 * into one, it reaches from the lowest to the highest, so that no peak gets lost.
 */
#include "report/plot.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "report/table.h"

enum {
	DEFAULT_COLUMNS = 80,
	NARROWEST = 20,
	ROWS = 12,
	/* Dots of a braille character. */
	DOTS_ACROSS = 2,
	DOTS_DOWN = 4,
	LEVELS = 8,
};

const char *pyi_plot_time(char text[PYI_PLOT_TIME_BYTES], int64_t time_s)
{
	time_t seconds = time_s;
	struct tm local;

	if (!localtime_r(&seconds, &local) ||
	    !strftime(text, PYI_PLOT_TIME_BYTES, "%Y-%m-%d %H:%M", &local))
		snprintf(text, PYI_PLOT_TIME_BYTES, "@%lld", (long long)time_s);
	return text;
}

static uint64_t value_of(const struct pyi_point *point, bool bytes)
{
	return bytes ? point->bytes : point->count;
}

static void find_range(const struct pyi_series *series, bool bytes, uint64_t *ret_low,
		       uint64_t *ret_high)
{
	*ret_low = UINT64_MAX;
	*ret_high = 0;
	for (size_t p = 0; p < series->point_count; p++) {
		uint64_t value = value_of(&series->points[p], bytes);

		if (value < *ret_low)
			*ret_low = value;
		if (value > *ret_high)
			*ret_high = value;
	}
}

/* 0 at `low`, `steps` - 1 at `high`; in the middle if these are one. */
static unsigned scale(double value, uint64_t low, uint64_t high, unsigned steps)
{
	double share;

	if (low == high)
		return (steps - 1) / 2;
	share = (value - (double)low) / ((double)high - (double)low);
	if (!(share > 0))
		return 0;
	return share < 1 ? (unsigned)(share * (steps - 1) + 0.5) : steps - 1;
}

const char *pyi_plot_spark(char text[PYI_PLOT_SPARK_BYTES], const struct pyi_series *series,
			   bool bytes, bool plain)
{
	static const char plain_levels[LEVELS + 1] = "_.:-=+*#";
	const struct pyi_point *points = series->points;
	char *to = text;
	uint64_t high;
	uint64_t low;
	size_t p = 0;
	double span;

	*to = '\0';
	if (!series->point_count)
		return text;
	find_range(series, bytes, &low, &high);
	span = (double)points[series->point_count - 1].time_s - (double)points[0].time_s;
	for (int column = 0; column < PYI_PLOT_SPARK_COLUMNS; column++) {
		double until = (double)points[0].time_s +
			       span * (column + 1) / (double)PYI_PLOT_SPARK_COLUMNS;
		unsigned level;

		while (p + 1 < series->point_count && (double)points[p + 1].time_s <= until)
			p++;
		level = low == high ? 0
				    : scale((double)value_of(&points[p], bytes), low, high, LEVELS);
		/* U+2581 and those behind it */
		if (plain)
			to += sprintf(to, "%c", plain_levels[level]);
		else
			to += sprintf(to, "\xe2\x96%c", 0x81 + (int)level);
	}
	return text;
}

/* Dots, row by row from above. */
struct canvas {
	unsigned width;
	unsigned height;
	bool *dots;
};

/* From one height to another in one column; 0 is at the bottom. */
static void draw(const struct canvas *canvas, unsigned x, unsigned from, unsigned to)
{
	if (from > to) {
		unsigned other = from;

		from = to;
		to = other;
	}
	for (unsigned y = from; y <= to; y++)
		canvas->dots[(canvas->height - 1 - y) * canvas->width + x] = true;
}

static void draw_series(const struct canvas *canvas, const struct pyi_series *series, bool bytes,
			uint64_t low, uint64_t high)
{
	const struct pyi_point *points = series->points;
	double first = (double)points[0].time_s;
	double span = (double)points[series->point_count - 1].time_s - first;
	unsigned last_x = 0;
	unsigned last_y = 0;

	for (size_t p = 0; p < series->point_count; p++) {
		double value = (double)value_of(&points[p], bytes);
		unsigned y = scale(value, low, high, canvas->height);
		double share = span > 0 ? ((double)points[p].time_s - first) / span : 0;
		unsigned x = (unsigned)(share * (canvas->width - 1) + 0.5);

		if (p && x > last_x) {
			/* A straight line, a piece for each column. */
			double rise = ((double)y - (double)last_y) / (x - last_x);

			for (unsigned c = last_x; c < x; c++)
				draw(canvas, c, (unsigned)(last_y + rise * (c - last_x) + 0.5),
				     (unsigned)(last_y + rise * (c + 1 - last_x) + 0.5));
		} else if (p) {
			draw(canvas, x, last_y, y);
		}
		draw(canvas, x, y, y);
		last_x = x;
		last_y = y;
	}
}

static bool dot_at(const struct canvas *canvas, unsigned x, unsigned y)
{
	return canvas->dots[y * canvas->width + x];
}

/* U+2800 and a bit for each dot. */
static void put_braille(FILE *stream, const struct canvas *canvas, unsigned column, unsigned row)
{
	static const unsigned char bits[DOTS_DOWN][DOTS_ACROSS] = {
		{ 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
	};
	unsigned pattern = 0;

	for (unsigned y = 0; y < DOTS_DOWN; y++)
		for (unsigned x = 0; x < DOTS_ACROSS; x++)
			if (dot_at(canvas, column * DOTS_ACROSS + x, row * DOTS_DOWN + y))
				pattern |= bits[y][x];
	if (pattern)
		fprintf(stream, "\xe2%c%c", 0xa0 + (int)(pattern >> 6),
			0x80 + (int)(pattern & 0x3f));
	else
		fputc(' ', stream);
}

static void put_rows(FILE *stream, const struct canvas *canvas, bool plain, unsigned columns,
		     const char labels[3][PYI_TABLE_FIGURE_BYTES], int label_width)
{
	for (unsigned row = 0; row < ROWS; row++) {
		const char *label = "";

		if (row == 0)
			label = labels[0];
		else if (row == ROWS / 2)
			label = labels[1];
		else if (row == ROWS - 1)
			label = labels[2];
		fprintf(stream, "%*s %s", label_width, label, plain ? "|" : "│");
		for (unsigned column = 0; column < columns; column++)
			if (!plain)
				put_braille(stream, canvas, column, row);
			else
				fputc(dot_at(canvas, column, row) ? '*' : ' ', stream);
		fputc('\n', stream);
	}
}

static void put_times(FILE *stream, const struct pyi_series *series, bool plain, unsigned columns,
		      int label_width)
{
	char first[PYI_PLOT_TIME_BYTES];
	char last[PYI_PLOT_TIME_BYTES];
	int gap;

	pyi_plot_time(first, series->points[0].time_s);
	pyi_plot_time(last, series->points[series->point_count - 1].time_s);
	fprintf(stream, "%*s %s", label_width, "", plain ? "+" : "└");
	for (unsigned column = 0; column < columns; column++)
		fputs(plain ? "-" : "─", stream);
	gap = (int)columns - (int)strlen(first) - (int)strlen(last);
	if (gap > 0)
		fprintf(stream, "\n%*s  %s%*s%s\n", label_width, "", first, gap, "", last);
	else
		fprintf(stream, "\n%s - %s\n", first, last);
}

bool pyi_plot_put(FILE *stream, const struct pyi_series *series, bool bytes, bool plain,
		  unsigned columns)
{
	PYI_CLEANUP(pyi_guard_free) bool *dots = NULL;
	char labels[3][PYI_TABLE_FIGURE_BYTES];
	struct canvas canvas;
	int label_width = 0;
	unsigned wide;
	uint64_t high;
	uint64_t low;

	find_range(series, bytes, &low, &high);
	pyi_table_figure(labels[0], high);
	pyi_table_figure(labels[1], low + (high - low) / 2);
	pyi_table_figure(labels[2], low);
	/* All that there is to say then is in the middle. */
	if (low == high)
		labels[0][0] = labels[2][0] = '\0';
	for (int l = 0; l < 3; l++)
		if ((int)strlen(labels[l]) > label_width)
			label_width = (int)strlen(labels[l]);
	wide = columns ? columns : DEFAULT_COLUMNS;
	wide = wide > (unsigned)label_width + 2 + NARROWEST ? wide - (unsigned)label_width - 2
							    : NARROWEST;
	canvas.width = wide * (plain ? 1 : DOTS_ACROSS);
	canvas.height = ROWS * (plain ? 1 : DOTS_DOWN);
	canvas.dots = dots = calloc((size_t)canvas.width * canvas.height, sizeof(*dots));
	if (!dots)
		return false;
	draw_series(&canvas, series, bytes, low, high);
	put_rows(stream, &canvas, plain, wide, labels, label_width);
	put_times(stream, series, plain, wide, label_width);
	return true;
}
