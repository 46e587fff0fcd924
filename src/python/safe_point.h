/*
 * Safe points: whether a thread that was stopped in a native function can have left objects in the
 * middle of a change. Knows functions by name only.
 */
#ifndef PYI_PYTHON_SAFE_POINT_H
#define PYI_PYTHON_SAFE_POINT_H

/*
 * What was going on if `function` is on the stack of the thread that holds the GIL: a static string
 * such as "a container was being resized"; NULL if nothing of the kind is known of it.
 *
 * Names are those of CPython 3.6 to 3.15 and of C libraries. A false alarm costs another snapshot,
 * a missed one is found by the walk.
 */
const char *pyi_safe_point_problem(const char *function);

#endif
