/*
 * The rows of layout_rows.h, for this machine.
 *
 * They are those of x86_64. From 3.12 on a PyInterpreterState has its GIL in it, which has two
 * mutexes of pthread (before, _PyRuntime has it, behind all that is read of it): BEHIND() is the
 * offset of what follows them. glibc has 40 bytes for one on x86_64 and 48 on aarch64
 * (sysdeps/aarch64/nptl/bits/pthreadtypes-arch.h), musl has 40 on both: there are two of each row
 * on aarch64, and the live process decides (anchors.c). Nothing else is different: compared with
 * the debug information of Debian's 3.13.5, 3.13.18, 3.14.10 and 3.15.2 for arm64. Of builds
 * without a GIL something is: there is a mi_abandoned_pool_t in an interpreter, which begins at a
 * multiple of 64, and how far it and what is behind it moves nobody has seen yet.
 */
#include "python/layouts.h"

#include <string.h>

/* Most entries of lists. */
#define NONE PYI_ABSENT

#ifdef __aarch64__
#define WITH_GIL_ONLY
#endif

const struct pyi_known_layout pyi_known_layouts[] = {
#define BEHIND(offset) (offset)
#include "python/layout_rows.h"
#ifdef __aarch64__
#undef BEHIND
#define BEHIND(offset) ((offset) + 2 * (48 - 40))
#include "python/layout_rows.h"
#endif
};

_Static_assert(sizeof(struct pyi_layout) == ROW_FIELDS * sizeof(uint32_t),
	       "struct pyi_layout changed after layout_rows.h was generated");

const size_t pyi_known_layout_count = sizeof(pyi_known_layouts) / sizeof(pyi_known_layouts[0]);

bool pyi_layouts_root_name(const struct pyi_layout *layout, uint64_t offset, int *ret_length,
			   const char **ret_name)
{
	const char *name = NULL;

	for (size_t i = 0; i < pyi_known_layout_count && !name; i++)
		if (layout == &pyi_known_layouts[i].layout)
			name = pyi_known_layouts[i].interp_root_names;
	for (size_t i = 0; name && i < PYI_LAYOUT_LIST; i++) {
		size_t length = strcspn(name, " ");

		if (layout->interp_roots[i] == offset && length) {
			*ret_length = (int)length;
			*ret_name = name;
			return true;
		}
		name += length + strspn(name + length, " ");
	}
	return false;
}
