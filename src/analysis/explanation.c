/*
 * What the page judges by itself: thresholds, and the memory that is left over.
 */
#include "analysis/explanation.h"

#include <stdlib.h>

bool pyi_explanation_is_suspect(const struct pyi_explanation *explanation, uint64_t retained_bytes,
				uint64_t objects)
{
	return objects >= PYI_SUSPECT_LEAST_OBJECTS && retained_bytes >= PYI_SUSPECT_LEAST_BYTES &&
	       retained_bytes / PYI_SUSPECT_SHARE >= explanation->object_bytes / 100;
}

bool pyi_explanation_are_large(const struct pyi_explanation *explanation, uint64_t retained_bytes,
			       uint64_t objects)
{
	return objects > 1 && retained_bytes >= PYI_SUSPECT_LEAST_BYTES &&
	       retained_bytes / objects >= PYI_SUSPECT_LARGE_BYTES &&
	       retained_bytes / PYI_SUSPECT_LARGE_SHARE >= explanation->object_bytes / 100;
}

bool pyi_explanation_is_much_held(const struct pyi_explanation *explanation)
{
	return pyi_explanation_is_suspect(explanation, explanation->held_bytes,
					  PYI_SUSPECT_LEAST_OBJECTS) ||
	       (explanation->held_objects >= PYI_HELD_LEAST_OBJECTS &&
		explanation->held_bytes / PYI_HELD_SHARE >= explanation->object_bytes / 100);
}

uint64_t pyi_explanation_other_bytes(const struct pyi_explanation *explanation)
{
	uint64_t own = explanation->anonymous_bytes + explanation->swapped_bytes +
		       explanation->huge_pool_bytes;

	return own > explanation->object_bytes ? own - explanation->object_bytes : 0;
}

void pyi_explanation_deinit(struct pyi_explanation *explanation)
{
	for (size_t s = 0; s < explanation->suspect_count; s++) {
		free(explanation->suspects[s].type);
		free(explanation->suspects[s].container_type);
		free(explanation->suspects[s].path);
	}
	for (size_t l = 0; l < explanation->largest_count; l++) {
		free(explanation->largest[l].type);
		free(explanation->largest[l].path);
	}
	free(explanation->held_type);
	free(explanation->held_largest_type);
	*explanation = (struct pyi_explanation){ 0 };
}
