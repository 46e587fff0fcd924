/*
 * `--by retained`, of top-types and of top-objects: from the graph to the report.
 */
#ifndef PYI_CLI_RETAINED_H
#define PYI_CLI_RETAINED_H

#include "base/error.h"
#include "cli/inspection.h"

/* As the answers of commands (cli/inspection.h). */
struct pyi_error *pyi_retained_answer_types(struct pyi_inspection *inspection,
					    enum pyi_exit *ret_exit) PYI_MUST_CHECK;
struct pyi_error *pyi_retained_answer_objects(struct pyi_inspection *inspection,
					      enum pyi_exit *ret_exit) PYI_MUST_CHECK;

#endif
