/*
 * Judges what slip.dbus.service.Object keeps: which of the senders are gone, and what that means.
 *
 * Plain data and pure functions: names that were read from the heap, names that the bus knows.
 *
 * The leak it knows (python-slip 0.6.2 to 0.6.5, and copies of that code): every D-Bus caller is
 * put into `senders` and `connections_senders`, but only the end of the first caller of a
 * connection is watched. As soon as two callers overlap and the first one goes, nobody is ever
 * taken out again.
 */
#ifndef PYI_ANALYSIS_SLIP_H
#define PYI_ANALYSIS_SLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/name_set.h"
#include "analysis/referrers.h"
#include "analysis/sample.h"
#include "base/error.h"

enum pyi_slip_verdict {
	/* There is no such class in the process. */
	PYI_SLIP_ABSENT,
	PYI_SLIP_OK,
	/* Something points to the leak but does not prove it, or it is yet to come. */
	PYI_SLIP_SUSPECT,
	PYI_SLIP_LEAK,
};

struct pyi_slip_connection {
	/* "dbus._dbus.SystemBus at 0x7f..."; owned. */
	char *name;
	/* "system" or "session": whose names; static. */
	const char *bus;
	/* Names in connections_senders[connection]. */
	struct pyi_name_set senders;
	/* arg1 of the NameOwnerChanged match in connections_smobjs; NULL: no match, or not
	 * readable; owned. */
	char *match_arg1;
	/* There is a match object at all. */
	bool has_match;
	/* It has a rule, which a dump does not keep. */
	bool match_unknown;
	/* Entries whose names a dump does not keep: then there are none in `senders`. */
	uint64_t unnamed;
	/* Filled by pyi_slip_judge(): how many of the names are stale, if that is known. */
	bool stale_known;
	uint64_t stale;
	/* The same: the end of whom its match watches was dealt with, and others were left behind:
	 * nothing will ever be removed. */
	bool match_is_dead;
};

struct pyi_slip {
	/* The class that keeps the senders, e.g. "slip.dbus.service.Object"; owned; NULL: absent.*/
	char *holder;
	uint64_t instances;
	struct pyi_class_count *classes;
	size_t class_count;
	/* Entries of `senders`; the names in them. */
	uint64_t senders;
	struct pyi_name_set sender_names;
	struct pyi_slip_connection *connections;
	size_t connection_count;
	/* Of all containers, tuples and names, each object once. */
	uint64_t objects;
	uint64_t bytes;
	/* Entries that were no names, or could not be read. */
	uint64_t unreadable;
	/* Names are contents, which this dump does not keep: only their entries were counted. */
	bool redacted;

	/* Filled by pyi_slip_judge(): */
	enum pyi_slip_verdict verdict;
	bool stale_known;
	/* Distinct names in `senders` or any connection's set that are gone. */
	uint64_t stale;
	/* Sentences, the weightiest first; owned. */
	char **evidence;
	size_t evidence_count;
};

/* What is known about the bus at the two looks. */
struct pyi_slip_bus {
	/* False: it could not be asked; `why` says why (static or owned by the caller; or NULL). */
	bool reached;
	const char *why;
	/*
	 * ListNames before the first and after the last look at the heap; NULL: not asked. If the
	 * connections are to several buses, the names of all of them.
	 */
	const struct pyi_name_set *before;
	const struct pyi_name_set *after;
	/* Limit of connections to the bus (max_completed_connections); 0: not known, which is taken
	 * for what the bus' own configuration file says (2048). */
	uint64_t connection_limit;
};

/*
 * Judges `slip` with the bus (one for all connections). `again` is what the heap held at a second
 * look a while later (NULL: there was none): a unique name is stale if it was on the bus neither
 * before nor after, and is in the heap at both looks.
 *
 * leak: stale names, confirmed by two looks, and at least one of them is not that one which its
 * connection's match watches: the end of that one may only not have been dealt with yet.
 * suspect: names that are not on the bus, without a second look (`stale_known` is false: look
 *   again, and judge again); or a match whose arg1 is gone while others are still kept: none of
 *   them will be removed; or most entries could not be read; or the bus was not reached, and there
 *   are more names than it admits connections, or a match whose arg1 is not among more than one
 *   senders, or many names spread over a range that is far wider than the limit; or a dump does
 *   not keep what would have told that.
 * ok: else.
 *
 * Sorts the sets of `slip`; those of `again` and `bus` need not be sorted. May be called again: it
 * replaces the judgement. After an error (no memory) there is none.
 */
struct pyi_error *pyi_slip_judge(struct pyi_slip *slip, const struct pyi_slip *again,
				 const struct pyi_slip_bus *bus) PYI_MUST_CHECK;

/* In the set of a connection: names, or entries whose names are not kept. */
uint64_t pyi_slip_count_senders(const struct pyi_slip_connection *connection);

/*
 * Adds what was judged to a sample, as PYI_FIGURE_SLIP_...: nothing if there is no such class, no
 * stale names if they are not known.
 */
struct pyi_error *pyi_slip_add_figures(const struct pyi_slip *slip,
				       struct pyi_sample *sample) PYI_MUST_CHECK;

/* Safe on a zeroed struct. */
void pyi_slip_deinit(struct pyi_slip *slip);

#endif
