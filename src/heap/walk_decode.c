/*
 * Decodes the record stream of pyinspect/payload.h. Does not read from a process.
 */
#include "heap/walk_run.h"

#include <stdlib.h>
#include <string.h>

static struct pyi_error *bad_stream(const char *what)
{
	return pyi_error_create(PYI_EXIT_FAILED, "payload-failed",
				"the payload's answer is broken: %s", what);
}

static struct pyi_error *append_type(struct pyi_walk_result *result,
				     const struct pyi_record_type *record)
{
	if (result->type_count == result->type_capacity) {
		size_t capacity = result->type_capacity ? 2 * result->type_capacity : 1024;
		struct pyi_record_type *types = realloc(result->types, capacity * sizeof(*types));

		if (!types)
			return pyi_error_no_memory();
		result->types = types;
		result->type_capacity = capacity;
	}
	result->types[result->type_count++] = *record;
	return NULL;
}

struct pyi_error *pyi_walk_decode(const uint8_t *bytes, size_t size_bytes,
				  const struct pyi_walk_request *request,
				  struct pyi_walk_result *result)
{
	size_t at = 0;

	while (at < size_bytes) {
		struct pyi_record_object object;
		struct pyi_record_type type;
		struct pyi_error *error;
		uint32_t header[2];

		if (size_bytes - at < sizeof(header))
			return bad_stream("a record is cut off");
		memcpy(header, bytes + at, sizeof(header));
		if (header[1] < sizeof(header) || header[1] % 8 || header[1] > size_bytes - at)
			return bad_stream("a record has an impossible size");
		switch (header[0]) {
		case PYI_RECORD_TYPE:
			if (header[1] != sizeof(type))
				return bad_stream("a type record has the wrong size");
			memcpy(&type, bytes + at, sizeof(type));
			error = append_type(result, &type);
			if (error)
				return error;
			break;
		case PYI_RECORD_OBJECT:
			if (header[1] != sizeof(object))
				return bad_stream("an object record has the wrong size");
			memcpy(&object, bytes + at, sizeof(object));
			if (request->object)
				request->object(request->object_argument, &object);
			break;
		case PYI_RECORD_SUMMARY:
			if (header[1] != sizeof(result->summary))
				return bad_stream("the summary has the wrong size");
			memcpy(&result->summary, bytes + at, sizeof(result->summary));
			break;
		default:
			return bad_stream("a record is of an unknown kind");
		}
		at += header[1];
	}
	return NULL;
}

void pyi_walk_result_deinit(struct pyi_walk_result *result)
{
	free(result->types);
	*result = (struct pyi_walk_result){ 0 };
}
