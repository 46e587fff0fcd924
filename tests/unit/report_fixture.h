/*
 * What the tests of all reports share: an envelope, rendering into memory, looking at what came
 * out. Does not know any report.
 */
#ifndef PYI_TESTS_REPORT_FIXTURE_H
#define PYI_TESTS_REPORT_FIXTURE_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "report/envelope.h"
#include "report/output.h"

/* The envelope of a usual run. Nothing of it is owned: never pass it to pyi_envelope_deinit(). */
struct pyi_envelope report_envelope(const char *command);

/* Prints `data` with `columns`, in the way of the report that is tested. */
typedef struct pyi_error *report_function(FILE *stream, enum pyi_format format, unsigned columns,
					  const struct pyi_envelope *envelope, const void *data);

/* Renders into memory; the caller frees the text. A test fails if there is an error. */
char *report_render(report_function *report, enum pyi_format format, unsigned columns,
		    const struct pyi_envelope *envelope, const void *data);

/* Every form must say "output-failed" on a full disk, with and without a buffer in between. */
void assert_full_disk(report_function *report, const struct pyi_envelope *envelope,
		      const void *data);

/*
 * Both machine forms must be what doc/schema/COMMAND.schema.json says (tests/schema/validate.py),
 * where COMMAND is that of the envelope; and so must an error in their place.
 */
void assert_schema(report_function *report, const struct pyi_envelope *envelope, const void *data);

void assert_has(const char *text, const char *expected);
void assert_lacks(const char *text, const char *unwanted);
/* No line is wider. */
void assert_narrow(const char *text, size_t columns);

/* A member, or a member of a member (`second` may be NULL); the test fails if there is none. */
const cJSON *at(const cJSON *json, const char *first, const char *second);
/* The same for an item of an array. */
const cJSON *nth(const cJSON *array, int index);
void assert_text(const cJSON *item, const char *expected);
void assert_number(const cJSON *item, double expected);
cJSON *parse(const char *text);

#endif
