/*
 * Everything that `check` wants to know of a target's heap, from one snapshot: a census, types with
 * their subclasses, and the lengths of containers that have a name (python/containers.h).
 */
#ifndef PYI_HEAP_MEASURE_H
#define PYI_HEAP_MEASURE_H

#include "analysis/sample.h"
#include "heap/session.h"

/* How far containers are followed. */
enum pyi_measure_reach {
	/* Only what modules and classes hold, and what is asked for of instances. */
	PYI_REACH_NAMED = 0,
	/* All, if what is asked for is not found so. */
	PYI_REACH_IF_MISSING,
	PYI_REACH_ALL,
};

/* What to measure besides rss, tracked, objects, object_bytes and the census. */
struct pyi_measure_request {
	/* TYPE arguments as the user wrote them: each gives a PYI_FIGURE_TYPE_TREE under the name
	 * that the user wrote; none when there is no such type. A name that several types have
	 * means the one of them that has objects; if more have, or none,
	 * it gives these, under their full names. */
	const char *const *types;
	size_t type_count;
	/* Full names of containers that are wanted however short they are, also if they have
	 * another name, too; the others are listed from `container_least` items on. A name that no
	 * module or class has, but whose front is the name of a class ("app.Cache.entries"), is an
	 * attribute of the instances of it: their lengths are added up, and the longest is a
	 * PYI_FIGURE_LONGEST. A container that is not there gives no figure. */
	const char *const *containers;
	size_t container_count;
	uint64_t container_least;
	/*
	 * Containers wherever they are, from `container_least` items on, and those of `containers`
	 * that nothing else finds (heap/container_paths.h). That takes a graph, for which there is
	 * so much room; 0: none is made.
	 */
	enum pyi_measure_reach reach;
	uint64_t graph_bytes;
};

/*
 * A measurement as an examination, to be made together with another one of the same snapshot. It is
 * to be given to pyi_measuring_end(), whatever became of it.
 */
struct pyi_measuring;
struct pyi_error *pyi_measuring_begin(const struct pyi_measure_request *request,
				      struct pyi_measuring **ret_measuring) PYI_MUST_CHECK;
struct pyi_examination pyi_measuring_examination(struct pyi_measuring *measuring);

/* Fills `ret_sample` as below, or drops what there is (NULL). */
void pyi_measuring_end(struct pyi_measuring *measuring, const struct pyi_session *session,
		       struct pyi_sample *ret_sample);

/*
 * Fills `ret_sample`: figures (ordered), all from one snapshot, the time, and the age of the
 * process. It is incomplete if the session says so, or if not all types or containers could be
 * looked at. If the graph was too large, or what it says too much, `containers_cut` says so. Errors
 * are those of pyi_session_examine().
 */
struct pyi_error *pyi_session_measure(struct pyi_session *session,
				      const struct pyi_measure_request *request,
				      struct pyi_sample *ret_sample) PYI_MUST_CHECK;

#endif
