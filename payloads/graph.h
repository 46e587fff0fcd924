/*
 * What the jobs that follow references share: the references gathered, places, groups.
 */
#ifndef PYI_PAYLOADS_GRAPH_H
#define PYI_PAYLOADS_GRAPH_H

#include "state.h"

enum {
	/* References gathered before they are looked at, so that their memory is on its way. */
	PYI_REFERENCE_BATCH = 128,
	/* Powers of two of slots, at most half full. */
	PYI_PLACE_SLOTS = 1 << 19,
	PYI_PLACE_LIMIT = PYI_PLACE_SLOTS / 2,
	PYI_GROUP_SLOTS = 1 << 18,
	PYI_GROUP_LIMIT = PYI_GROUP_SLOTS / 2,
	/* From here on none is made for a single item of a container. */
	PYI_GROUP_ITEM_LIMIT = PYI_GROUP_LIMIT / 4,
	PYI_LARGE_LIMIT = 1000,
	/* Of a container with more items than this, an item is not told from another. */
	PYI_ITEMS_APART = 16,
};

/* In this order; each begins where nothing is left of the one before. */
enum pyi_graph_phase {
	PYI_PHASE_STARTS,
	PYI_PHASE_ROOTS,
	/* Tracked objects that name what they hold. */
	PYI_PHASE_NAMED,
	/* Tracked objects that nothing with a name leads to. */
	PYI_PHASE_REST,
	PYI_PHASE_END,
};

struct pyi_graph {
	struct pyi_reference references[PYI_REFERENCE_BATCH];
	uint64_t reference_count;
	uint64_t reference_taken;
	struct pyi_label_cursor cursor;

	/* enum pyi_graph_phase */
	uint64_t phase;
	uint64_t start_index;
	uint64_t broken_lists;
	/* Of all levels, the most. */
	struct {
		uint64_t skipped_objects;
		uint64_t broken_lists;
	} worst;

	/* Number 0 of either means: none, or no room. */
	uint32_t *place_slots;
	struct pyi_place *places;
	uint64_t place_count;
	uint32_t *group_slots;
	struct pyi_record_group *groups;
	/* The last object that was added to each, to count every one once. */
	uint64_t *group_last;
	uint64_t group_count;

	/* PYI_JOB_REFERRERS: from the second level on, the objects that are meant are those of
	 * set 0; while `selecting`, the referrers of selected groups go into set 1. */
	bool by_set;
	bool selecting;
	uint8_t *selected;

	/* PYI_JOB_LARGE: two lists, the biggest first; places of their owners. */
	struct pyi_record_large *large[2];
	uint64_t large_count[2];

	/* PYI_JOB_CONTENTS */
	struct pyi_record_contents contents;
};

/* groups.c */

bool pyi_groups_init(struct pyi_walk *walk);
/* The number of a place, made if it is new; 0 when there is no room. */
uint32_t pyi_place_find(struct pyi_walk *walk, const struct pyi_place *place);
/*
 * The group of this type, edge and owner, made if it is new; the one with number 0 when there is no
 * room, which items run out of first.
 */
struct pyi_record_group *pyi_group_find(struct pyi_walk *walk, const struct pyi_record_group *like);
void pyi_groups_send(struct pyi_walk *walk);
/* Keeps the groups, but forgets their figures. */
void pyi_groups_clear(struct pyi_walk *walk);

/* owners.c */

/* A dict, list, tuple, set or deque, or a subclass of one. */
bool pyi_graph_is_plain_container(const struct pyi_walk_type *type);
/* enum pyi_holder_kind: NONE for what is named after where it was found. */
uint32_t pyi_holder_kind(const struct pyi_walk_type *type);
/* The place that a named thing is itself, without an edge; of an instance: its type. */
struct pyi_place pyi_place_of(const struct pyi_walk *walk, uint64_t object,
			      const struct pyi_walk_type *type);
/* The owner to report for what `holder` refers to: none for instances. */
struct pyi_place pyi_owner_of(const struct pyi_walk *walk, uint64_t holder,
			      const struct pyi_walk_type *type, uint32_t tag);

/* referrers.c: PYI_JOB_REFERRERS and PYI_JOB_REFERENTS */

void pyi_referrers_add(struct pyi_walk *walk, const struct pyi_reference *reference,
		       struct pyi_walk_type *target_type);
/* The next level: objects that the host selected by their groups. False when there is none. */
bool pyi_referrers_next_level(struct pyi_walk *walk);

/* large.c: PYI_JOB_LARGE */

/* Counts an object, and keeps it if it is among the biggest. */
void pyi_large_consider(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type,
			uint32_t tag, uint64_t referents);
void pyi_large_send(struct pyi_walk *walk);

/* contents.c: PYI_JOB_CONTENTS */

void pyi_contents_take(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type);
/* Sends the sums of the container that was begun last. */
void pyi_contents_send(struct pyi_walk *walk);

/* graph.c */

/* The type of an object met, NULL (and counted as skipped) if it is none. */
struct pyi_walk_type *pyi_graph_type(struct pyi_walk *walk, uint64_t object);
bool pyi_graph_is_meant(const struct pyi_walk *walk, uint64_t object,
			const struct pyi_walk_type *type);
/*
 * Gathers the references of `source` as those of `object`: of itself, or of the dict with its
 * attributes.
 */
void pyi_graph_visit(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type,
		     uint64_t source, uint32_t tag);
/* An object to be visited later, with the place it was found at. */
void pyi_graph_push(struct pyi_walk *walk, uint64_t object, uint32_t tag);
/* Looks at all references gathered. */
void pyi_graph_take(struct pyi_walk *walk);

#endif
