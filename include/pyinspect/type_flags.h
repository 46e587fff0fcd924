/*
 * Bits of tp_flags, Include/object.h. Shared by the host and by payloads. Those that came with a
 * version are only looked at where a feature of the layout says that they mean this.
 */
#ifndef PYINSPECT_TYPE_FLAGS_H
#define PYINSPECT_TYPE_FLAGS_H

#include <stdint.h>

enum {
	PYI_TPFLAG_STATIC_BUILTIN = 1 << 1,
	PYI_TPFLAG_INLINE_VALUES = 1 << 2,
	PYI_TPFLAG_MANAGED_WEAKREF = 1 << 3,
	PYI_TPFLAG_MANAGED_DICT = 1 << 4,
	PYI_TPFLAG_HEAP_TYPE = 1 << 9,
	PYI_TPFLAG_HAVE_GC = 1 << 14,
};
#define PYI_TPFLAG_BYTES_SUBCLASS (UINT64_C(1) << 27)
#define PYI_TPFLAG_TYPE_SUBCLASS (UINT64_C(1) << 31)

#endif
