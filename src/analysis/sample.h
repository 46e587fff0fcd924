/*
 * What one look at a process found, as figures with names: what history keeps and rules judge.
 *
 * Plain data; does not know where the figures came from.
 */
#ifndef PYI_ANALYSIS_SAMPLE_H
#define PYI_ANALYSIS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The numbers are kept in history files: never changed, only added to. */
enum pyi_figure_kind {
	/* Of the process: `name` is one of the PYI_FIGURE_... names below; the value is `count`. */
	PYI_FIGURE_PROCESS = 1,
	/* Objects of exactly this type ("module.qualname"): `count`, and shallow `bytes`. */
	PYI_FIGURE_TYPE = 2,
	/* The same of a type and its subclasses, under the type's full name. */
	PYI_FIGURE_TYPE_TREE = 3,
	/*
	 * A container that a module or class holds by name ("slip.dbus.service.Object.senders"):
	 * `count` is its len(). Or those that are reached by one way ("app.CACHE[*].entries",
	 * heap/container_paths.h), added up.
	 */
	PYI_FIGURE_CONTAINER = 4,
	/*
	 * The longest of several containers whose sum is the PYI_FIGURE_CONTAINER of the same name:
	 * one attribute of all instances of a class ("app.Cache.entries"), or reached by one way.
	 */
	PYI_FIGURE_LONGEST = 5,
};

/* Resident memory in bytes; objects that the garbage collector tracks; all objects, their bytes. */
#define PYI_FIGURE_RSS "rss"
#define PYI_FIGURE_TRACKED "tracked"
#define PYI_FIGURE_OBJECTS "objects"
#define PYI_FIGURE_OBJECT_BYTES "object_bytes"
/* What slip.dbus.service.Object keeps; missing where there is no such class. */
#define PYI_FIGURE_SLIP_SENDERS "slip_senders"
/* Missing as well when the bus could not be asked. */
#define PYI_FIGURE_SLIP_STALE "slip_stale"
/* Connections whose NameOwnerChanged match watches somebody who is gone. */
#define PYI_FIGURE_SLIP_DEAD_MATCHES "slip_dead_matches"

struct pyi_figure {
	enum pyi_figure_kind kind;
	/* Owned by the sample; any bytes that the target chose. */
	char *name;
	uint64_t count;
	/* 0 where there are none. */
	uint64_t bytes;
};

struct pyi_sample {
	/* Wall clock, seconds since the epoch; for how long the process had lived then. */
	int64_t time_s;
	uint64_t age_s;
	/* Ordered by kind and name, each once. */
	struct pyi_figure *figures;
	size_t figure_count;
	size_t capacity;
	/* The look was incomplete, or not of one moment (exit 5): the figures may be too low. */
	bool incomplete;
	/* Not all containers were looked at that should have been: one that is missing may be
	 * there. */
	bool containers_cut;
	/* Containers were looked for wherever they are, not only in modules and classes. */
	bool containers_anywhere;
};

/* Adds a figure; copies `name`. */
struct pyi_error *pyi_sample_add(struct pyi_sample *sample, enum pyi_figure_kind kind,
				 const char *name, uint64_t count, uint64_t bytes) PYI_MUST_CHECK;

/* Orders the figures; two of the same kind and name are added up. */
void pyi_sample_sort(struct pyi_sample *sample);

/* NULL if the (ordered) sample has none of that name. */
const struct pyi_figure *pyi_sample_find(const struct pyi_sample *sample, enum pyi_figure_kind kind,
					 const char *name);

/* Safe on a zeroed struct. */
void pyi_sample_deinit(struct pyi_sample *sample);

/* One figure of one process over time. */
struct pyi_point {
	int64_t time_s;
	uint64_t age_s;
	uint64_t count;
	uint64_t bytes;
};

struct pyi_series {
	enum pyi_figure_kind kind;
	/* Owned by the series. */
	char *name;
	/* Ascending by age, each moment once; owned. Times are told by the clock of the last one.
	 */
	struct pyi_point *points;
	size_t point_count;
};

/* Safe on a zeroed struct. */
void pyi_series_deinit(struct pyi_series *series);

#endif
