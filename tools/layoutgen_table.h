/*
 * The table of layoutgen: which member of CPython's structs each field of struct pyi_layout is.
 * Data only: layoutgen.c reads the debug information.
 */
#ifndef PYI_LAYOUTGEN_TABLE_H
#define PYI_LAYOUTGEN_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum row_kind {
	GIVEN,	  /* not from a member: filled in by layoutgen.c */
	OFFSET,	  /* offset of a member that every supported build has; its absence is an error */
	OPTIONAL, /* the same, but PYI_ABSENT where the build has no such member */
	SIZE,	  /* sizeof a struct that every supported build has */
	OPTIONAL_SIZE,
	LIST, /* offsets of those members that exist and are pointers to objects; at least one */
	OPTIONAL_LIST, /* the same, but there may be none */
};

struct row {
	const char *field;
	enum row_kind kind;
	size_t offset;
	size_t size;
	/*
	 * STRUCT.MEMBER.MEMBER...; '|' separates alternatives, of which the first that exists is
	 * taken; spaces separate the elements of a LIST.
	 */
	const char *paths;
};

struct row_feature {
	const char *name;
	uint32_t bit;
	/* Paths as above: the bit is set where one exists. NULL: the driver measured it. */
	const char *members;
	/* ... and none of these exists. NULL: no exception. */
	const char *unless;
};

/* In the order of the struct, without gaps; layoutgen checks that. */
extern const struct row layout_rows[];
extern const size_t layout_row_count;
extern const struct row_feature layout_features[];
extern const size_t layout_feature_count;

#endif
