/*
 * The two looks at what python-slip keeps and at who is on the bus, which tell a stale name from
 * one that has only just gone. Does not judge by itself.
 */
#ifndef PYI_CLI_SLIP_LOOKS_H
#define PYI_CLI_SLIP_LOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/slip.h"
#include "bus/bus.h"
#include "cli/inspection.h"

enum {
	PYI_SLIP_BUSES = 2,
};

/* One of the buses that connections of the target may be to. */
struct pyi_asked_bus {
	bool wanted;
	struct pyi_bus *bus;
	/* Why it cannot be asked; NULL: it can, or has not been tried. */
	struct pyi_error *error;
};

/* What was seen, in the order in which it was. */
struct pyi_slip_looks {
	/* When the first look at the heap was over, and how old its snapshot was then. */
	uint64_t looked_ns;
	double snapshot_ms;
	/* By enum pyi_bus_kind. */
	struct pyi_asked_bus buses[PYI_SLIP_BUSES];
	struct pyi_name_set before;
	/* Judged; the look that counts. */
	struct pyi_slip slip;
	struct pyi_name_set after;
	struct pyi_slip again;
};

/*
 * Looks at the heap and the bus once, and if names are missing on the bus, again half a second
 * later; judges. `looks` is zeroed, and to be deinitialized also after a failure. A bus that cannot
 * be asked is no error: pyi_slip_looks_warn(). `also` (NULL: none) is examined in the snapshot of
 * the first look. Of all examinations but the last the inspection is told (pyi_inspection_note()).
 * Errors: those of pyi_session_slip(), "interrupted".
 */
struct pyi_error *pyi_slip_looks_take(struct pyi_inspection *inspection,
				      const struct pyi_examination *also,
				      struct pyi_slip_looks *looks) PYI_MUST_CHECK;

/* Warning "no-bus" if there is such a failure; "no-values" of a dump without contents. */
void pyi_slip_looks_warn(const struct pyi_slip_looks *looks, struct pyi_envelope *envelope);

/* The report of `slip-dbus`, once the inspection is concluded. */
struct pyi_error *pyi_slip_looks_report(struct pyi_slip_looks *looks,
					const struct pyi_inspection *inspection, FILE *stream,
					enum pyi_format format, unsigned columns) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_slip_looks_deinit(struct pyi_slip_looks *looks);

#endif
