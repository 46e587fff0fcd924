/*
 * Which of many names somebody may have meant who wrote one that is not there.
 *
 * A guess for a hint: nothing is decided by it. Pure functions.
 */
#ifndef PYI_ANALYSIS_NEAR_NAME_H
#define PYI_ANALYSIS_NEAR_NAME_H

struct pyi_near_name {
	const char *wanted;
	/* The nearest one so far, a pointer that was offered; NULL: none is near. */
	const char *best;
	/* How near that is. */
	unsigned distance;
};

/*
 * Offers a name. It is near if at most 2 letters (1 of short names, none of very short ones) have
 * to be changed, put in or left out, whatever their case, or if what is behind its last dot is near
 * what is behind that of the wanted one. The first of the nearest ones is kept.
 */
void pyi_near_name_offer(struct pyi_near_name *near_name, const char *name);

#endif
