/*
 * Levenshtein's distance, one row of the table at a time.
 */
#include "base/edit_distance.h"

#include <ctype.h>
#include <string.h>

enum {
	LENGTH_LIMIT = 120,
};

unsigned pyi_edit_distance(const char *a, const char *b, unsigned limit)
{
	size_t a_length = strnlen(a, LENGTH_LIMIT + 1);
	size_t b_length = strnlen(b, LENGTH_LIMIT + 1);
	unsigned row[LENGTH_LIMIT + 1];

	if (a_length > LENGTH_LIMIT || b_length > LENGTH_LIMIT || a_length > b_length + limit ||
	    b_length > a_length + limit)
		return limit + 1;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < a_length; i++) {
		unsigned diagonal = row[0]++;
		unsigned least = row[0];

		for (size_t j = 0; j < b_length; j++) {
			unsigned above = row[j + 1];
			unsigned changed = diagonal + (tolower((unsigned char)a[i]) !=
						       tolower((unsigned char)b[j]));

			row[j + 1] = 1 + (above < row[j] ? above : row[j]);
			if (changed < row[j + 1])
				row[j + 1] = changed;
			if (row[j + 1] < least)
				least = row[j + 1];
			diagonal = above;
		}
		if (least > limit)
			return limit + 1;
	}
	return row[b_length] < limit + 1 ? row[b_length] : limit + 1;
}
