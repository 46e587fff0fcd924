/*
 * How much two names differ. Does not know what they name.
 */
#ifndef PYI_BASE_EDIT_DISTANCE_H
#define PYI_BASE_EDIT_DISTANCE_H

/*
 * How many bytes have to be changed, put in or left out to make one name of the other
 * (Levenshtein's distance), whatever the case of ASCII letters; limit + 1 if more than `limit`, or
 * if one of the names is longer than 120 bytes.
 */
unsigned pyi_edit_distance(const char *a, const char *b, unsigned limit);

#endif
