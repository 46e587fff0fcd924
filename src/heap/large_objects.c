/*
 * Chooses, then finds out what those that were chosen are named after.
 */
#include "heap/large_objects.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/largest_nodes.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/dict_keys.h"
#include "heap/holders.h"
#include "python/attributes.h"

enum {
	/* How often it is asked whether there is still time. */
	NODES_PER_CHECK = 1 << 16,
};

struct run {
	const struct pyi_graph_view *view;
	const struct pyi_graph *graph;
	struct pyi_large_objects_question *question;
	struct pyi_dict_keys keys;
	struct pyi_largest_nodes by_bytes;
	struct pyi_largest_nodes by_referents;
	/* All that were chosen. */
	uint64_t *chosen;
	struct pyi_holders holders;
};

static void free_run(struct run *run)
{
	pyi_holders_deinit(&run->holders);
	pyi_largest_nodes_deinit(&run->by_bytes);
	pyi_largest_nodes_deinit(&run->by_referents);
}

/* len(gc.get_referents()): what tp_traverse reports. */
static uint64_t count_referents(struct run *run, uint32_t node)
{
	const struct pyi_graph *graph = run->graph;
	const struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);
	const uint16_t *labels = pyi_graph_labels(graph, node);
	uint64_t count = 0;

	if (!labels && graph->types[pyi_graph_type(graph, node)].addr ==
			       run->view->session->runtime.dict_type_addr)
		return pyi_dict_keys_are_reported(&run->keys, node) ? referents.count
								    : referents.count / 2;
	for (uint64_t e = 0; e < referents.count; e++)
		count += !labels || !(labels[e] & PYI_LABEL_INTERNAL);
	return count;
}

static struct pyi_error *choose(struct run *run)
{
	const struct pyi_graph *graph = run->graph;
	struct pyi_error *error = NULL;

	for (uint32_t node = 0; node < graph->node_count && !error; node++) {
		uint64_t bytes = pyi_graph_size(graph, node);
		uint64_t references = pyi_graph_referents(graph, node).count;
		uint64_t referents;

		if (node % NODES_PER_CHECK == 0)
			error = pyi_session_check(run->view->session);
		if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
			continue;
		if (bytes)
			pyi_largest_nodes_offer(&run->by_bytes, node, bytes);
		/* To count takes longer than to see that it cannot be so many. */
		if (!references || !pyi_largest_nodes_admit(&run->by_referents, references))
			continue;
		referents = count_referents(run, node);
		if (referents)
			pyi_largest_nodes_offer(&run->by_referents, node, referents);
	}
	pyi_largest_nodes_sort(&run->by_bytes);
	pyi_largest_nodes_sort(&run->by_referents);
	for (size_t i = 0; i < run->by_bytes.count; i++)
		(void)pyi_bits_set(run->chosen, run->by_bytes.items[i].node);
	for (size_t i = 0; i < run->by_referents.count; i++)
		(void)pyi_bits_set(run->chosen, run->by_referents.items[i].node);
	return error;
}

static void free_object(struct pyi_large_object *object)
{
	free(object->type);
	free(object->owner);
	free(object->value);
}

static uint64_t length_of(const char *text)
{
	return text ? strlen(text) : 0;
}

static uint64_t room_of(const struct pyi_large_object *object)
{
	return sizeof(*object) + length_of(object->type) + length_of(object->owner) +
	       length_of(object->value);
}

static struct pyi_error *describe(struct run *run, uint32_t node, struct pyi_large_object *ret)
{
	const struct pyi_graph_type *type = &run->graph->types[pyi_graph_type(run->graph, node)];
	const struct pyi_places *places = &run->view->names->places;
	const struct pyi_place owner = pyi_holders_owner(&run->holders, node);
	bool no_owner = false;
	struct pyi_large_object object = {
		.addr = pyi_graph_address(run->graph, node),
		.type = strdup(type->name ? type->name : "?"),
		.bytes = pyi_graph_size(run->graph, node),
		.estimated = type->estimated,
		.referents = count_referents(run, node),
		.owner = pyi_places_owner(places, &owner, &no_owner),
	};

	object.has_length = pyi_names_length(run->view->names, node, &object.length);
	if (run->question->values)
		object.value = pyi_places_describe(places, object.addr);
	if (!object.type || (!object.owner && !no_owner) ||
	    (run->question->values && !object.value)) {
		free_object(&object);
		return pyi_error_no_memory();
	}
	*ret = object;
	return NULL;
}

static struct pyi_error *tell(struct run *run, const struct pyi_largest_nodes *nodes,
			      struct pyi_large_object **ret_list, size_t *ret_count)
{
	struct pyi_error *error = NULL;

	*ret_list = calloc(nodes->count + 1, sizeof(**ret_list));
	if (!*ret_list)
		return pyi_error_no_memory();
	for (size_t i = 0; i < nodes->count && !error; i++) {
		struct pyi_large_object *object = &(*ret_list)[*ret_count];

		error = describe(run, nodes->items[i].node, object);
		if (error)
			break;
		if (!pyi_session_has_room(run->view->session, room_of(object))) {
			free_object(object);
			*object = (struct pyi_large_object){ 0 };
			break;
		}
		/* A type only: there is nothing to show. */
		if (object->value && object->value[0] == '<') {
			free(object->value);
			object->value = NULL;
		}
		(*ret_count)++;
		if (i % NODES_PER_CHECK == 0)
			error = pyi_session_check(run->view->session);
	}
	return error;
}

static struct pyi_error *answer(struct run *run)
{
	struct pyi_large_objects *objects = &run->question->answer;
	struct pyi_error *error =
		pyi_largest_nodes_init(&run->by_bytes, run->question->by_bytes_limit);

	if (!error)
		error = pyi_largest_nodes_init(&run->by_referents,
					       run->question->by_referents_limit);
	if (!error)
		error = choose(run);
	if (!error)
		error = pyi_findings_dict_owners(run->view);
	if (!error)
		error = pyi_holders_find(&run->holders, run->view, &run->question->found,
					 run->view->findings->dict_owners, run->chosen);
	if (!error)
		error = tell(run, &run->by_bytes, &objects->by_bytes, &objects->by_bytes_count);
	if (!error)
		error = tell(run, &run->by_referents, &objects->by_referents,
			     &objects->by_referents_count);
	objects->objects = run->view->session->summary.objects;
	objects->bytes = run->view->session->summary.bytes;
	return error;
}

static struct pyi_error *prepare(void *argument, const struct pyi_graph_view *view)
{
	struct pyi_large_objects_question *question = argument;
	struct pyi_error *error;

	pyi_large_objects_question_deinit(question);
	error = pyi_subject_find(NULL, view->session, view->snapshot, view->interpreters,
				 &question->found);
	question->is_found = !error;
	return error;
}

static struct pyi_error *ask(void *argument, const struct pyi_graph_view *view)
{
	PYI_CLEANUP(free_run)
	struct run run = {
		.view = view, .graph = view->graph, .question = argument, .keys = { .view = view }
	};
	struct pyi_graph_space *space = view->graph->space;
	const uint64_t chosen_bytes = pyi_bits_bytes(view->graph->node_count);
	void *chosen = NULL;
	struct pyi_error *error = pyi_graph_space_map(space, chosen_bytes, &chosen);

	if (!error) {
		run.chosen = chosen;
		error = answer(&run);
	}
	pyi_graph_space_unmap(space, chosen, chosen_bytes);
	return error;
}

struct pyi_graph_question pyi_large_objects_ask(struct pyi_large_objects_question *question)
{
	return (struct pyi_graph_question){
		.prepare = prepare,
		.ask = ask,
		.argument = question,
		.values = question->values,
		.named = true,
	};
}

void pyi_large_objects_question_deinit(struct pyi_large_objects_question *question)
{
	pyi_large_objects_deinit(&question->answer);
	if (question->is_found)
		pyi_subject_found_deinit(&question->found);
	question->is_found = false;
}
