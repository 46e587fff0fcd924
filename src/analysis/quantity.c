/*
 * Writes numbers as somebody wants to read them. Does not write what programs read.
 */
#include "analysis/quantity.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	MINUTE_S = 60,
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
};

/* From here on, digits would not fit, and nobody counts that far. */
#define COUNT_LIMIT 1e15

/* "-1234567" to "-1,234,567" */
static void separate_thousands(char text[PYI_QUANTITY_TEXT])
{
	char digits[PYI_QUANTITY_TEXT];
	char *to = text;
	const char *from = digits;
	size_t length;

	memcpy(digits, text, sizeof(digits));
	if (*from == '-')
		*to++ = *from++;
	length = strlen(from);
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = from[i];
	}
	*to = '\0';
}

const char *pyi_quantity_count(char text[PYI_QUANTITY_TEXT], double count)
{
	double whole = round(count);

	if (!isfinite(count) || fabs(count) >= COUNT_LIMIT) {
		snprintf(text, PYI_QUANTITY_TEXT, "%.3g", count);
	} else if (fabs(count) < 10 && fabs(count - whole) >= 0.05) {
		snprintf(text, PYI_QUANTITY_TEXT, "%.1f", count);
	} else {
		/* Never "-0". */
		snprintf(text, PYI_QUANTITY_TEXT, "%.0f", whole == 0 ? 0 : whole);
		separate_thousands(text);
	}
	return text;
}

const char *pyi_quantity_bytes(char text[PYI_QUANTITY_TEXT], double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t unit = 0;

	if (!isfinite(bytes)) {
		snprintf(text, PYI_QUANTITY_TEXT, "%.3g B", bytes);
		return text;
	}
	while (fabs(bytes) >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	/* 512 MiB is not 512.0 MiB, but 1.5 GiB are more than 1. */
	if (fabs(bytes - round(bytes)) < 0.05)
		snprintf(text, PYI_QUANTITY_TEXT, "%.0f %s", round(bytes) == 0 ? 0 : round(bytes),
			 units[unit]);
	else
		snprintf(text, PYI_QUANTITY_TEXT, "%.1f %s", bytes, units[unit]);
	return text;
}

const char *pyi_quantity_duration(char text[PYI_QUANTITY_TEXT], int64_t seconds)
{
	if (seconds < HOUR_S)
		snprintf(text, PYI_QUANTITY_TEXT, "%lld min", (long long)seconds / MINUTE_S);
	else if (seconds < INT64_C(3) * DAY_S)
		snprintf(text, PYI_QUANTITY_TEXT, "%lld h", (long long)seconds / HOUR_S);
	else
		snprintf(text, PYI_QUANTITY_TEXT, "%lld days", (long long)seconds / DAY_S);
	return text;
}
