/*
 * What the page judges by itself: thresholds, and the memory that is left over.
 */
#include "analysis/explanation.h"

#include <stdlib.h>
#include <string.h>

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

/* `way` is `path`, or leads on from there. */
static bool leads_on(const char *way, const char *path)
{
	size_t length = strlen(path);

	return strncmp(way, path, length) == 0 && (!way[length] || strchr(".[{ ", way[length]));
}

const struct pyi_suspect *pyi_explanation_above_way(const struct pyi_explanation *explanation,
						    size_t count, const char *way)
{
	for (size_t s = 0; s < count; s++)
		if (explanation->suspects[s].path && leads_on(way, explanation->suspects[s].path))
			return &explanation->suspects[s];
	return NULL;
}

static void deinit_suspect(struct pyi_suspect *suspect)
{
	free(suspect->type);
	free(suspect->container_type);
	free(suspect->path);
}

void pyi_explanation_drop_behind(struct pyi_explanation *explanation, const char *way,
				 uint64_t retained_bytes)
{
	size_t kept = 0;

	for (size_t s = 0; s < explanation->suspect_count; s++) {
		struct pyi_suspect *suspect = &explanation->suspects[s];

		if (suspect->path && leads_on(suspect->path, way) &&
		    suspect->retained_bytes <= retained_bytes)
			deinit_suspect(suspect);
		else
			explanation->suspects[kept++] = *suspect;
	}
	explanation->suspect_count = kept;
}

void pyi_explanation_deinit(struct pyi_explanation *explanation)
{
	for (size_t s = 0; s < explanation->suspect_count; s++)
		deinit_suspect(&explanation->suspects[s]);
	for (size_t l = 0; l < explanation->largest_count; l++) {
		free(explanation->largest[l].type);
		free(explanation->largest[l].path);
	}
	free(explanation->held_type);
	free(explanation->held_largest_type);
	*explanation = (struct pyi_explanation){ 0 };
}
