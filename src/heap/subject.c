/*
 * Looks up types, modules and objects that a question is about, or that name things.
 */
#include "heap/subject.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/all_types.h"
#include "python/attributes.h"

enum {
	MODULE_LIMIT = 1 << 20,
	OBJECT_ALIGNMENT = 8,
};

struct gathering {
	struct pyi_subject_found *found;
	size_t capacity;
	bool out_of_memory;
};

static bool gather(void *argument, uint64_t key, uint64_t value)
{
	struct gathering *gathering = argument;
	struct pyi_subject_found *found = gathering->found;

	(void)key;
	if (!pyi_array_reserve(&found->starts, found->start_count, &gathering->capacity,
			       sizeof(*found->starts))) {
		gathering->out_of_memory = true;
		return false;
	}
	found->starts[found->start_count++] = value;
	return found->start_count < MODULE_LIMIT;
}

/* Modules first: what is both in a module and in a class is better known by the module. */
static struct pyi_error *find_starts(struct pyi_session *session,
				     struct pyi_source_snapshot *snapshot,
				     const struct pyi_interpreters *interpreters,
				     struct pyi_subject_found *found)
{
	struct gathering gathering = { .found = found };

	for (size_t i = 0; i < interpreters->count; i++) {
		uint64_t modules;

		if (pyi_memory_try_read_u64(snapshot->reader,
					    interpreters->addr[i] +
						    session->runtime.layout->interp_modules,
					    &modules))
			(void)pyi_attributes_each_item(&session->runtime, snapshot->reader, modules,
						       gather, &gathering);
	}
	for (size_t t = 0; t < found->types.count && !gathering.out_of_memory; t++)
		(void)gather(&gathering, 0, found->types.types[t].addr);
	return gathering.out_of_memory ? pyi_error_no_memory() : NULL;
}

static bool is_object(const struct pyi_session *session, struct pyi_source_snapshot *snapshot,
		      const struct pyi_type_list *types, uint64_t addr)
{
	uint64_t type;

	return addr % OBJECT_ALIGNMENT == 0 &&
	       pyi_memory_try_read_u64(snapshot->reader,
				       addr + session->runtime.layout->object_type, &type) &&
	       pyi_type_list_find(types, type);
}

struct pyi_error *pyi_subject_find(const struct pyi_subject *subject, struct pyi_session *session,
				   struct pyi_source_snapshot *snapshot,
				   const struct pyi_interpreters *interpreters,
				   struct pyi_subject_found *ret_found)
{
	struct pyi_subject_found found = {
		.places = {
			.runtime = &session->runtime,
			.reader = snapshot->reader,
			.values = subject && subject->values,
		},
	};
	struct pyi_error *error;

	error = pyi_session_list_types(session, snapshot, interpreters, &found.types);
	if (!error && subject && subject->type)
		error = pyi_types_choose(&session->runtime, snapshot->reader, &found.types,
					 subject->type, subject->exact, &found.meant,
					 &found.meant_count, &found.name);
	if (!error && subject && subject->address &&
	    !is_object(session, snapshot, &found.types, subject->address))
		error = pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_SUCH_OBJECT,
							"there is no object at 0x%" PRIx64,
							subject->address),
				       "objects come and go: take an address from a report of now");
	if (!error)
		error = find_starts(session, snapshot, interpreters, &found);
	if (error) {
		pyi_subject_found_deinit(&found);
		return error;
	}
	*ret_found = found;
	return NULL;
}

static int compare_addr(const void *one, const void *other)
{
	uint64_t first = *(const uint64_t *)one;
	uint64_t second = *(const uint64_t *)other;

	return (first > second) - (first < second);
}

static bool is_meant(const struct pyi_subject_found *found, uint64_t type_addr)
{
	return found->meant_count && bsearch(&type_addr, found->meant, found->meant_count,
					     sizeof(type_addr), compare_addr);
}

struct pyi_error *pyi_subject_choose(const struct pyi_subject_found *found,
				     const struct pyi_subject *subject,
				     const struct pyi_graph *graph, uint64_t *set,
				     uint64_t *ret_count)
{
	PYI_CLEANUP(pyi_guard_free)
	bool *meant = calloc((size_t)graph->type_count + 1, sizeof(*meant));
	uint32_t one = PYI_GRAPH_NONE;
	uint64_t count = 0;

	if (!meant)
		return pyi_error_no_memory();
	if (subject->address)
		one = pyi_graph_find(graph, subject->address);
	for (uint32_t t = 0; t < graph->type_count; t++)
		meant[t] = is_meant(found, graph->types[t].addr);
	for (uint32_t node = 0; node < graph->node_count; node++)
		if ((meant[pyi_graph_type(graph, node)] || node == one) &&
		    !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS))
			count += pyi_bits_set(set, node);
	*ret_count = count;
	return NULL;
}

char *pyi_subject_type_name(const struct pyi_subject_found *found, uint64_t type_addr)
{
	const struct pyi_type *type = pyi_type_list_find(&found->types, type_addr);

	if (type)
		return strdup(type->name);
	return pyi_objects_type_name(found->places.runtime, found->places.reader, type_addr);
}

void pyi_subject_found_deinit(struct pyi_subject_found *found)
{
	pyi_type_list_deinit(&found->types);
	free(found->meant);
	free(found->name);
	free(found->starts);
	*found = (struct pyi_subject_found){ 0 };
}
