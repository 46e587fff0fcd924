/*
 * The two looks at what python-slip keeps and at who is on the bus, which tell a stale name from
 * one that has only just gone. Does not judge by itself, and does not report.
 */
#ifndef PYI_CLI_SLIP_LOOKS_H
#define PYI_CLI_SLIP_LOOKS_H

#include <stdbool.h>
#include <stdint.h>

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
 * be asked is no error: pyi_slip_looks_failure(). Of all examinations but the last the inspection
 * is told (pyi_inspection_note()). Errors: those of pyi_session_slip(), "interrupted".
 */
struct pyi_error *pyi_slip_looks_take(struct pyi_inspection *inspection,
				      struct pyi_slip_looks *looks) PYI_MUST_CHECK;

/* Why a bus that is wanted cannot be asked; NULL if all can. Owned by `looks`. */
const struct pyi_error *pyi_slip_looks_failure(const struct pyi_slip_looks *looks);

/* Warning "no-bus" if there is such a failure. */
void pyi_slip_looks_warn(const struct pyi_slip_looks *looks, struct pyi_envelope *envelope);

/* Of the buses that were asked: "unix:path=...", malloc'ed; NULL if there is none. */
struct pyi_error *pyi_slip_looks_addresses(const struct pyi_slip_looks *looks,
					   char **ret_addresses) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_slip_looks_deinit(struct pyi_slip_looks *looks);

#endif
