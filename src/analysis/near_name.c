/*
 * Compares whole names, and what is behind their last dots.
 */
#include "analysis/near_name.h"

#include <string.h>

#include "base/edit_distance.h"

enum {
	SHORT = 5,
	VERY_SHORT = 2,
};

static const char *behind_last_dot(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static unsigned most_of(const char *bare)
{
	size_t length = strlen(bare);

	if (length <= VERY_SHORT)
		return 0;
	return length <= SHORT ? 1 : 2;
}

void pyi_near_name_offer(struct pyi_near_name *near_name, const char *name)
{
	const char *bare = behind_last_dot(near_name->wanted);
	unsigned most = most_of(bare);
	unsigned whole = pyi_edit_distance(near_name->wanted, name, most);
	unsigned last = pyi_edit_distance(bare, behind_last_dot(name), most);
	/* In another module it is farther away. */
	unsigned distance = whole <= most ? whole : most + 1 + last;

	if ((whole > most && last > most) || (near_name->best && distance >= near_name->distance))
		return;
	near_name->best = name;
	near_name->distance = distance;
}
