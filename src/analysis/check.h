/*
 * Judges a sample, and the history before it, by rules.
 *
 * Plain data and pure functions.
 */
#ifndef PYI_ANALYSIS_CHECK_H
#define PYI_ANALYSIS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/rule.h"
#include "analysis/sample.h"
#include "analysis/trend.h"

/* As monitoring plugins exit; the worst of several is CRITICAL, WARNING, UNKNOWN, OK in that order.
 */
enum pyi_check_status {
	PYI_CHECK_OK = 0,
	PYI_CHECK_WARNING = 1,
	PYI_CHECK_CRITICAL = 2,
	PYI_CHECK_UNKNOWN = 3,
};

enum pyi_check_unit {
	PYI_CHECK_COUNT,
	PYI_CHECK_BYTES,
	PYI_CHECK_COUNT_PER_HOUR,
	PYI_CHECK_BYTES_PER_HOUR,
};

/* What came of one rule (of PYI_RULE_GROWING_CONTAINERS: one for each container that grows, or one
 * that says that none does). */
struct pyi_check_finding {
	/* pyi_rule_name(); owned. */
	char *rule;
	enum pyi_rule_kind kind;
	/* Type or container that was measured; NULL: the process; owned. */
	char *subject;
	enum pyi_check_status status;
	/* The process has no type or container of that name, and had none before. */
	bool absent;
	/* False: not measured, or not enough history (status OK while it is being gathered). */
	bool value_known;
	/* Of growth: the slope, which may be negative. */
	double value;
	enum pyi_check_unit unit;
	/* INFINITY: none. */
	double warning;
	double critical;
	/* One sentence for people; owned. */
	char *message;
};

struct pyi_check {
	enum pyi_check_status status;
	/* The worst first, then in the order of the rules. */
	struct pyi_check_finding *findings;
	size_t count;
};

/* Where judging gets the series of a figure from: the history including the sample of now, of this
 * process alone. NULL as `ret_series->points` when there is none. */
struct pyi_check_history {
	struct pyi_error *(*series)(void *argument, enum pyi_figure_kind kind, const char *name,
				    struct pyi_series *ret_series);
	/* Whether a type or container was seen before, in this process or in one that the same
	 * target was before it. NULL: that cannot be known. */
	struct pyi_error *(*seen)(void *argument, enum pyi_figure_kind kind, const char *name,
				  bool *ret_seen);
	void *argument;
	/* NULL, or why there is no history: rules that need it are UNKNOWN and say so. */
	const char *unavailable;
	/* NULL, or why the sample could not be added to it. Unless others add to it, rules that
	 * need it and see no growth are UNKNOWN and say so. */
	const char *unwritten;
	/* NULL, or why resident memory was not measured. */
	const char *no_rss;
};

/*
 * Judges `sample` (ordered) by `rules`.
 *
 * - A type or container that is not in the process counts 0 if it was seen before, or its rule says
 *   that it may be absent; else the rule is UNKNOWN: the name may be wrong. A type may be given by
 *   its bare name if only one type has it; if more have it, that rule is UNKNOWN.
 * - A figure of the process that is missing makes its rule UNKNOWN; those of python-slip are OK in
 * a process that has no slip_senders.
 * - A value of an incomplete look that is above a limit counts; one below is UNKNOWN.
 * - A rule of growth alarms only if the figure grows (trend.h) and the lower bound of its slope is
 *   above the limit. While there is too little history, it is OK, with `value_known` false; if for
 *   two hours no more of it is gathered, because looks are incomplete or cannot be added, UNKNOWN.
 * - No rules at all are UNKNOWN.
 */
struct pyi_error *pyi_check_judge(const struct pyi_rules *rules, const struct pyi_sample *sample,
				  const struct pyi_check_history *history,
				  struct pyi_check *ret_check) PYI_MUST_CHECK;

/*
 * Of a process that is one of several of a service: what it does not have, another one may have, as
 * the workers of a master do. So what is absent is OK here, and stays marked as absent: what is
 * absent in all of them is for the one who adds up.
 */
struct pyi_error *pyi_check_excuse_absent(struct pyi_check *check) PYI_MUST_CHECK;

/* CRITICAL is worse than WARNING, that than UNKNOWN, and that than OK. */
bool pyi_check_status_is_worse(enum pyi_check_status left, enum pyi_check_status right);

/* "ok", "warning", "critical", "unknown" */
const char *pyi_check_status_name(enum pyi_check_status status);

/* Safe on a zeroed struct. */
void pyi_check_deinit(struct pyi_check *check);

#endif
