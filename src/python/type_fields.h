/*
 * The table of type_fields.c: fields of CPython's own types, and of a few extensions. Data only;
 * type_rules.h looks things up.
 *
 * A row is believed of a type with that name only if its tp_basicsize is the row's, too. Sources:
 * debug information of the interpreters, through tools/update-fields, which also says what
 * __sizeof__ adds.
 */
#ifndef PYI_PYTHON_TYPE_FIELDS_H
#define PYI_PYTHON_TYPE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include <pyinspect/payload.h>

enum pyi_type_field_flag {
	/* A PyObject *, which tp_traverse reports. */
	PYI_FIELD_NAME = 0,
	/* A PyObject *, which tp_traverse may leave out. */
	PYI_FIELD_HIDDEN,
	/* A byte: if it is 0, hidden fields are not there. */
	PYI_FIELD_CONDITION,
	/* What the size rule looks at, in its order. */
	PYI_FIELD_SIZE,
};

enum {
	PYI_TYPE_ROWS_FROM = 0x0300,
};

struct pyi_type_field {
	uint16_t offset;
	/* enum pyi_type_field_flag */
	uint16_t flag;
	const char *name;
};

struct pyi_type_row {
	/* As pyi_objects_type_name() gives it; and "module.attribute" that leads to the type. */
	const char *name;
	const char *where;
	uint32_t basicsize;
	/* Bit n: of the layouts with python_version PYI_TYPE_ROWS_FROM + n. */
	uint32_t versions;
	/* enum pyi_size_rule, and its unit */
	uint16_t size_rule;
	uint16_t unit;
	/* Of pyi_type_fields. */
	uint16_t first_field;
	uint16_t field_count;
};

extern const struct pyi_type_field pyi_type_fields[];
extern const struct pyi_type_row pyi_type_rows[];
extern const size_t pyi_type_row_count;

#endif
