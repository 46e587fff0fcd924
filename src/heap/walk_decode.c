/*
 * Decodes the record stream of pyinspect/payload.h. Does not read from a process.
 */
#include "heap/walk_run.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum {
	/* As many as the payload has room for: payloads/state.h. */
	TYPE_LIMIT = 1 << 18,
	/* What is said of an object is shorter than twice the smallest one. */
	STREAM_BYTES = 256 << 20,
	STREAM_SHARE = 4,
};

static struct pyi_error *bad_stream(const char *what)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_PAYLOAD_FAILED,
				"the payload's answer is broken: %s", what);
}

static struct pyi_error *append_type(struct pyi_walk_result *result,
				     const struct pyi_record_type *record)
{
	if (result->type_count >= TYPE_LIMIT)
		return bad_stream("it has too many types");
	if (!pyi_array_reserve(&result->types, result->type_count, &result->type_capacity,
			       sizeof(*result->types)))
		return pyi_error_no_memory();
	result->types[result->type_count++] = *record;
	return NULL;
}

/* Sizes of the records that are handed on as they are. */
static size_t record_size(uint32_t kind)
{
	switch (kind) {
	case PYI_RECORD_GRAPH_TYPE:
		return sizeof(struct pyi_record_graph_type);
	case PYI_RECORD_GRAPH_ROOT:
		return sizeof(struct pyi_record_graph_root);
	default:
		return 0;
	}
}

static struct pyi_error *hand_on(const uint8_t *bytes, uint32_t kind, size_t size_bytes,
				 const struct pyi_walk_request *request,
				 struct pyi_walk_result *result)
{
	union {
		struct pyi_record_graph_type graph_type;
		struct pyi_record_graph_root graph_root;
	} record;

	/* As it is: it may be as long as all. */
	if (kind == PYI_RECORD_GRAPH)
		return request->words ? request->words(request->record_argument,
						       bytes + sizeof(struct pyi_record_graph),
						       size_bytes - sizeof(struct pyi_record_graph))
				      : NULL;
	if (!record_size(kind))
		return bad_stream("a record is of an unknown kind");
	if (size_bytes != record_size(kind))
		return bad_stream("a record has the wrong size");
	if (kind == PYI_RECORD_GRAPH_TYPE && result->graph_types++ >= TYPE_LIMIT)
		return bad_stream("it has too many types");
	if (kind == PYI_RECORD_GRAPH_ROOT && result->graph_roots++ >= result->root_count)
		return bad_stream("it has too many roots");
	memcpy(&record, bytes, size_bytes);
	if (!request->record)
		return NULL;
	return request->record(request->record_argument, kind, &record);
}

struct pyi_error *pyi_walk_decode(const uint8_t *bytes, size_t size_bytes,
				  const struct pyi_walk_request *request,
				  struct pyi_walk_result *result)
{
	size_t at = 0;

	result->stream_bytes += size_bytes;
	if (result->stream_bytes > STREAM_BYTES &&
	    (result->stream_bytes - STREAM_BYTES) / STREAM_SHARE > request->heap_bytes)
		return bad_stream("it does not end");
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
			error = hand_on(bytes + at, header[0], header[1], request, result);
			if (error)
				return error;
			break;
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
