/*
 * A chain of structs in memory that may lead in a circle.
 */
#ifndef PYI_PYTHON_CHAIN_H
#define PYI_PYTHON_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed at the beginning. */
struct pyi_chain {
	uint64_t seen_addr;
	uint64_t steps;
};

/*
 * To be asked of each address of a chain, which is not 0. True, sooner or later, if it leads back
 * to where it has been: what is met is compared with one that was met before, which is another one
 * after 1, 2, 4, 8 ... steps (R. Brent).
 */
static inline bool pyi_chain_leads_back(struct pyi_chain *chain, uint64_t addr)
{
	if (addr == chain->seen_addr)
		return true;
	chain->steps++;
	if (!(chain->steps & (chain->steps - 1)))
		chain->seen_addr = addr;
	return false;
}

#endif
