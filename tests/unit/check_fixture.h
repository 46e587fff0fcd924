/*
 * What tests of judging begin with: rules, a sample, a made-up history, and the answer.
 */
#ifndef PYI_TESTS_CHECK_FIXTURE_H
#define PYI_TESTS_CHECK_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/check.h"

/* What there is to judge, and the answer. */
struct check_fixture {
	struct pyi_rules rules;
	struct pyi_sample sample;
	struct pyi_check_history history;
	struct pyi_check check;
	/* Of every series: entries an hour, and for how many hours. */
	double an_hour;
	unsigned hours;
	bool broken;
	/* The last point is of now. */
	bool with_now;
	const char *unwritten;
	/* What the history has seen: a type or container of this name. */
	const char *seen;
	/* Of object_bytes alone, if that is not as all others; bytes an hour. */
	bool objects_apart;
	double objects_an_hour;
};

/* For cmocka. */
int check_set_up(void **state);
int check_tear_down(void **state);

void check_add_rule(struct check_fixture *fixture, enum pyi_rule_kind kind, const char *subject,
		    double warning, double critical);
void check_add_figure(struct check_fixture *fixture, enum pyi_figure_kind kind, const char *name,
		      uint64_t count, uint64_t bytes);

/* For pyi_check_history; the argument is a fixture. */
struct pyi_error *check_give_series(void *argument, enum pyi_figure_kind kind, const char *name,
				    struct pyi_series *ret_series);

/* Judges anew; without a history only if `history.unavailable` says so. */
void check_judge(struct check_fixture *fixture);

/* Fails the test unless the finding at `index` says so. */
void check_expect(const struct check_fixture *fixture, size_t index, enum pyi_check_status status,
		  const char *message);

#endif
