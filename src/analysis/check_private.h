/*
 * What the files that judge share. For nobody else.
 */
#ifndef PYI_ANALYSIS_CHECK_PRIVATE_H
#define PYI_ANALYSIS_CHECK_PRIVATE_H

#include "analysis/check.h"
#include "analysis/quantity.h"

enum {
	/* Bytes of a name in a sentence; whole names are in `subject`. */
	PYI_JUDGE_NAME_SHOWN = 300,
};

/* What judging needs, and what it has found so far. */
struct pyi_judge {
	const struct pyi_rules *rules;
	const struct pyi_sample *sample;
	const struct pyi_check_history *history;
	struct pyi_check check;
	size_t capacity;
};

/* A finding that is OK and has no value yet; it belongs to the check at once. NULL: no memory. */
struct pyi_check_finding *pyi_judge_add(struct pyi_judge *judge, const struct pyi_rule *rule,
					const char *subject);

/* Sets the sentence of a finding. */
struct pyi_error *pyi_judge_say(struct pyi_check_finding *finding, const char *format, ...)
	PYI_PRINTF(2, 3) PYI_MUST_CHECK;

/* "WHAT: WHY", and unknown. */
struct pyi_error *pyi_judge_unknown(struct pyi_check_finding *finding, const char *what,
				    const char *why) PYI_MUST_CHECK;

/* "A has 3 entries, more than 2", from the words before and behind the number. */
struct pyi_error *pyi_judge_value(struct pyi_judge *judge, struct pyi_check_finding *finding,
				  double value, bool may_be_too_low, const char *before,
				  const char *behind) PYI_MUST_CHECK;

/* A number in the unit of a finding. */
const char *pyi_judge_quantity(char text[PYI_QUANTITY_TEXT], enum pyi_check_unit unit,
			       double value);

enum pyi_check_status pyi_judge_status_of(const struct pyi_check_finding *finding, double value);

/* The limit that a value is above, or the lowest one that it is not above. */
double pyi_judge_limit_of(const struct pyi_check_finding *finding);

/* NULL: there is a history. */
const char *pyi_judge_why_no_history(const struct pyi_judge *judge);

/*
 * The figure of the type that a rule is about; NULL: there is none of it. `*ret_judged`: that is
 * not clear, and the finding says why.
 */
struct pyi_error *pyi_judge_find_type(struct pyi_judge *judge, struct pyi_check_finding *finding,
				      const struct pyi_rule *rule,
				      const struct pyi_figure **ret_figure,
				      bool *ret_judged) PYI_MUST_CHECK;

/* In check_growth.c: of one figure; of any container; of any type. */
struct pyi_error *pyi_judge_growth(struct pyi_judge *judge,
				   const struct pyi_rule *rule) PYI_MUST_CHECK;
struct pyi_error *pyi_judge_growing_containers(struct pyi_judge *judge,
					       const struct pyi_rule *rule) PYI_MUST_CHECK;
struct pyi_error *pyi_judge_growing_types(struct pyi_judge *judge,
					  const struct pyi_rule *rule) PYI_MUST_CHECK;

#endif
