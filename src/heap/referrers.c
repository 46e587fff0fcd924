/*
 * Goes through all references of a graph, adds up those that are asked about, and puts them into
 * words. An object and its __dict__ are one. Merging and ordering is analysis/referrers.h's.
 */
#include "heap/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/referrer_tree.h"
#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/dict_keys.h"
#include "heap/holders.h"
#include "heap/reference_groups.h"

enum {
	/* Of a container with more items than this, an item is not told from another. */
	ITEMS_APART = 16,
	/* How often it is asked whether there is still time. */
	NODES_PER_CHECK = 1 << 16,
	REGIONS = 3,
	/* Of a tree: also branches. */
	TREE_REGIONS = 5,
};

/* Groups that are shown as one. */
struct joined {
	struct pyi_referrer_group *group;
	/* The last object that was met in any of them. */
	uint32_t last;
};

/* One answer being made; all of it belongs to the graph. */
struct run {
	const struct pyi_graph_view *view;
	const struct pyi_graph *graph;
	struct pyi_referrers_question *question;
	const uint32_t *dict_owners;
	struct pyi_holders holders;
	/* Objects that are asked about; the next ones; and referents that have been counted. */
	uint64_t *set;
	uint64_t *next;
	/* Of a tree: of each object the branches that ask about it, as bits; else, and on the first
	   level, NULL: it is one. The next ones, and what becomes these. */
	uint32_t *branches;
	uint32_t *next_branches;
	uint32_t *spare_branches;
	struct pyi_reference_groups groups;
	/* Of the groups of the level before those whose objects are the next ones: one more than
	   their branch; else NULL. */
	uint8_t *selected;
	/* Objects with references of several groups; the last object, and the group that its first
	   reference is of. */
	uint64_t *several;
	uint32_t object;
	uint32_t object_group;
	/* By the number of a group: what it was joined to, or NULL. NULL while groups are counted.
	 */
	struct joined **joined;
	struct pyi_dict_keys keys;
};

static const struct pyi_graph_type *type_of(const struct run *run, uint32_t node)
{
	return &run->graph->types[pyi_graph_type(run->graph, node)];
}

/* Of one of many items of a container only what kind it is; false if it has to be looked for. */
static bool find_item(struct run *run, uint32_t source, uint64_t place, struct pyi_edge *ret_edge)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(run->graph, source);
	const uint16_t *labels = pyi_graph_labels(run->graph, source);
	const struct pyi_graph_type *type = type_of(run, source);

	if (labels && labels[place])
		return false;
	switch (type->kind) {
	case PYI_KIND_LIST:
	case PYI_KIND_TUPLE:
		ret_edge->kind = PYI_EDGE_ELEMENT;
		return referents.count > ITEMS_APART &&
		       pyi_names_is_item(run->view->names, source, place);
	case PYI_KIND_DICT:
	case PYI_KIND_ORDERED_DICT:
		/* Of a subclass it is not known which are keys. */
		ret_edge->kind = PYI_EDGE_VALUES;
		return type->addr != run->view->session->runtime.dict_type_addr &&
		       referents.count > 4 * (size_t)ITEMS_APART;
	default:
		return false;
	}
}

/* How `object`, by itself or by its __dict__ (`source`), refers to something. */
static struct pyi_edge edge_of(struct run *run, uint32_t object, uint32_t source, uint64_t place)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(run->graph, source);
	const struct pyi_graph_type *type = type_of(run, source);
	bool is_dict = type->kind == PYI_KIND_DICT || type->kind == PYI_KIND_ORDERED_DICT;
	uint64_t items = is_dict && !pyi_graph_labels(run->graph, source) ? referents.count / 2
									  : referents.count;
	struct pyi_edge edge = { 0 };

	if (referents.items[place] == type->node)
		return (struct pyi_edge){ .kind = PYI_EDGE_TYPE,
					  .internal = pyi_graph_labels(run->graph, source) &&
						      pyi_graph_labels(run->graph, source)[place] &
							      PYI_LABEL_INTERNAL };
	if (!find_item(run, source, place, &edge))
		edge = pyi_names_edge(run->view->names, source, place);
	if (edge.kind == PYI_EDGE_KEY && type->addr == run->view->session->runtime.dict_type_addr &&
	    !edge.internal)
		edge.internal = !pyi_dict_keys_are_reported(&run->keys, source);
	if (object != source) {
		if (edge.kind == PYI_EDGE_ITEM)
			edge.kind = PYI_EDGE_ATTRIBUTE;
	} else if (items > ITEMS_APART && edge.kind == PYI_EDGE_ITEM) {
		edge.kind = PYI_EDGE_VALUES;
	} else if (items > ITEMS_APART && edge.kind == PYI_EDGE_INDEX) {
		edge.kind = PYI_EDGE_ELEMENT;
	}
	if (edge.kind == PYI_EDGE_VALUES || edge.kind == PYI_EDGE_ELEMENT ||
	    edge.kind == PYI_EDGE_KEY)
		edge.detail = 0;
	return edge;
}

static void add(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

/* An object of several groups that are one was counted in each of them. */
static void uncount(struct run *run, uint32_t number, uint32_t object)
{
	struct pyi_reference_group *group = &run->groups.items[number];
	struct joined *joined = run->joined[number];

	if (!joined || group->last == object)
		return;
	group->last = object;
	if (joined->last == object) {
		joined->group->objects--;
		if (!run->question->referents && joined->group->bytes != UINT64_MAX)
			joined->group->bytes -= pyi_graph_size(run->graph, object);
	}
	joined->last = object;
}

/* One reference by `object` (PYI_GRAPH_NONE: by a root) to `target`. */
static struct pyi_error *count(struct run *run, struct pyi_reference_group *like, uint32_t object,
			       uint32_t target)
{
	bool referents = run->question->referents;
	struct pyi_reference_group *group;
	struct pyi_error *error;
	uint32_t number;

	like->example = PYI_GRAPH_NONE;
	like->last = PYI_GRAPH_NONE;
	error = pyi_reference_groups_find(&run->groups, like, &number);
	if (!error && number == like->branch && like->edge.kind == PYI_EDGE_ITEM) {
		/* No more room to tell items apart. */
		like->edge.kind = PYI_EDGE_VALUES;
		like->edge.detail = 0;
		error = pyi_reference_groups_find(&run->groups, like, &number);
	}
	if (error)
		return error;
	if (run->selected) {
		if (!run->selected[number] || object == PYI_GRAPH_NONE)
			return NULL;
		(void)pyi_bits_set(run->next, object);
		if (run->next_branches)
			run->next_branches[object] |= UINT32_C(1) << (run->selected[number] - 1);
		return NULL;
	}
	if (run->joined) {
		uncount(run, number, object);
		return NULL;
	}
	if (object == PYI_GRAPH_NONE || run->object != object) {
		run->object = object;
		run->object_group = number;
	} else if (number != run->object_group) {
		(void)pyi_bits_set(run->several, object);
	}
	group = &run->groups.items[number];
	group->references++;
	if (group->example == PYI_GRAPH_NONE)
		group->example = object;
	if (referents && pyi_bits_set(run->next, target))
		add(&group->bytes, pyi_graph_size(run->graph, target));
	/* The references of one object come one after the other. */
	if (group->last == object && object != PYI_GRAPH_NONE)
		return NULL;
	group->last = object;
	group->objects++;
	if (!referents && object != PYI_GRAPH_NONE)
		add(&group->bytes, pyi_graph_size(run->graph, object));
	return NULL;
}

/* The same for each branch that asks about `target`. */
static struct pyi_error *count_branches(struct run *run, struct pyi_reference_group *like,
					uint32_t object, uint32_t target)
{
	struct pyi_error *error = NULL;

	if (!run->branches)
		return count(run, like, object, target);
	for (uint32_t left = run->branches[target]; left && !error; left &= left - 1) {
		struct pyi_reference_group of_branch = *like;

		of_branch.branch = (uint32_t)__builtin_ctz(left);
		error = count(run, &of_branch, object, target);
	}
	return error;
}

static struct pyi_error *count_reference(struct run *run, uint32_t object, uint32_t source,
					 uint64_t place)
{
	uint32_t target = pyi_graph_referents(run->graph, source).items[place];
	struct pyi_reference_group like = {
		.type = pyi_graph_type(run->graph, object),
		.edge = edge_of(run, object, source, place),
	};

	if (run->question->referents)
		like.referent_type = pyi_graph_type(run->graph, target);
	else if (like.edge.context)
		like.owner = (struct pyi_place){ .holder = PYI_HOLDER_FRAME,
						 .holder_addr = like.edge.context };
	else
		like.owner = pyi_holders_owner(&run->holders, object);
	/* Every function has these, and there are many: not a group for each. */
	if (like.owner.holder == PYI_HOLDER_FUNCTION && like.owner.edge.kind == PYI_EDGE_NONE &&
	    like.edge.kind == PYI_EDGE_FIELD)
		like.owner = (struct pyi_place){ 0 };
	return count_branches(run, &like, object, target);
}

/* What refers to objects of the set, or what these refer to. */
static struct pyi_error *count_referents(struct run *run, uint32_t object, uint32_t source)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(run->graph, source);
	bool all = run->question->referents;
	struct pyi_error *error = NULL;

	for (uint64_t e = 0; e < referents.count && !error; e++) {
		uint32_t target = referents.items[e];

		if (!all && !pyi_bits_has(run->set, target))
			continue;
		if (!(pyi_graph_flags(run->graph, target) & PYI_NODE_KEYS))
			error = count_reference(run, object, source, e);
		else if (all)
			/* The keys are the dict's. */
			error = count_referents(run, object, target);
	}
	return error;
}

/* An object with its __dict__. */
static struct pyi_error *count_object(struct run *run, uint32_t object)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(run->graph, object);
	const bool has_dict = pyi_names_type(run->view->names, pyi_graph_type(run->graph, object))
				      ->has_attributes;
	struct pyi_error *error = NULL;

	for (uint64_t e = 0; e < referents.count && has_dict && !error; e++)
		if (run->dict_owners[referents.items[e]] == object) {
			error = count_referents(run, object, referents.items[e]);
			break;
		}
	return error ? error : count_referents(run, object, object);
}

static struct pyi_error *count_roots(struct run *run)
{
	struct pyi_error *error = NULL;

	for (size_t r = 0; r < run->graph->root_count && !error; r++) {
		const struct pyi_graph_root *root = &run->graph->roots[r];
		struct pyi_reference_group like = {
			.type = PYI_GRAPH_NONE,
			.edge = { .kind = root->kind,
				  .internal = 1,
				  .detail = root->detail,
				  .context = root->context },
		};

		if (!pyi_bits_has(run->set, root->node))
			continue;
		if (root->context)
			like.owner = (struct pyi_place){ .holder = PYI_HOLDER_FRAME,
							 .holder_addr = root->context };
		error = count_branches(run, &like, PYI_GRAPH_NONE, root->node);
	}
	return error;
}

static struct pyi_error *count_all(struct run *run)
{
	struct pyi_error *error = run->question->referents ? NULL : count_roots(run);

	for (uint32_t node = 0; node < run->graph->node_count && !error; node++) {
		/* A __dict__ is looked at with its object; but it may be the one that is asked
		 * about. */
		bool own = run->dict_owners[node] == PYI_GRAPH_NONE;

		if (run->question->referents)
			own = pyi_bits_has(run->set, node) &&
			      (own || run->question->subject->address);
		if (own)
			error = count_object(run, node);
		if (!error && node % NODES_PER_CHECK == 0)
			error = pyi_session_check(run->view->session);
	}
	return error;
}

static char *type_name(const struct run *run, uint32_t number)
{
	const char *name = run->graph->types[number].name;

	return strdup(name ? name : "?");
}

static uint64_t size_of(const struct pyi_referrer_group *group)
{
	return sizeof(*group) + strlen(group->type) + strlen(group->edge) +
	       (group->owner ? strlen(group->owner) : 0);
}

static void free_names(struct pyi_referrer_group *group)
{
	free(group->type);
	free(group->edge);
	free(group->owner);
}

static struct pyi_error *tell_group(struct run *run, uint32_t number,
				    struct pyi_referrer_list *list)
{
	const struct pyi_reference_group *counted = &run->groups.items[number];
	const struct pyi_places *places = &run->view->names->places;
	bool other = counted->owner.holder == PYI_HOLDER_OTHER;
	bool root = counted->type == PYI_GRAPH_NONE;
	uint32_t type = run->question->referents ? counted->referent_type : counted->type;
	struct pyi_referrer_group group = {
		.internal = counted->edge.internal,
		.objects = counted->objects,
		.references = counted->references,
		.bytes = counted->bytes,
		.estimated = other || (!root && run->graph->types[type].estimated),
		.example_addr = counted->example == PYI_GRAPH_NONE
					? 0
					: pyi_graph_address(run->graph, counted->example),
		.numbers = malloc(sizeof(*group.numbers)),
		.number_count = 1,
	};
	bool no_owner = other;

	if (!group.numbers)
		return pyi_error_no_memory();
	group.numbers[0] = number;
	if (!other) {
		group.type = root ? strdup("") : type_name(run, type);
		group.edge = pyi_places_edge(
			places, root ? 0 : run->graph->types[counted->type].addr, &counted->edge);
		group.owner = pyi_places_owner(places, &counted->owner, &no_owner);
		if (!group.type || !group.edge || (!group.owner && !no_owner)) {
			free_names(&group);
			free(group.numbers);
			return pyi_error_no_memory();
		}
	}
	if (!other && !pyi_session_has_room(run->view->session, size_of(&group))) {
		free_names(&group);
		other = true;
	}
	if (other) {
		group.type = strdup("(other)");
		group.edge = strdup("");
		group.owner = NULL;
		run->question->answer.truncated = true;
	}
	return pyi_referrers_add(list, group);
}

/* So that who has several references of what is shown as one group is one object there. */
static struct pyi_error *uncount_joined(struct run *run, const struct pyi_referrer_level *level)
{
	PYI_CLEANUP(pyi_guard_free)
	struct joined **by_number = calloc(run->groups.count + 1, sizeof(struct joined *));
	PYI_CLEANUP(pyi_guard_free)
	struct joined *items = calloc(run->groups.count + 1, sizeof(*items));
	struct pyi_error *error = NULL;
	size_t count = 0;

	if (!by_number || !items)
		return pyi_error_no_memory();
	for (size_t b = 0; b < level->count; b++) {
		const struct pyi_referrer_list *list = level->branches[b].list;

		for (size_t g = 0; g < list->count; g++) {
			struct pyi_referrer_group *group = &list->groups[g];

			if (group->number_count < 2)
				continue;
			items[count] = (struct joined){ .group = group, .last = PYI_GRAPH_NONE };
			for (size_t n = 0; n < group->number_count; n++)
				by_number[group->numbers[n]] = &items[count];
			count++;
		}
	}
	if (!count)
		return NULL;
	for (uint32_t g = 0; g < run->groups.count; g++)
		run->groups.items[g].last = PYI_GRAPH_NONE;
	run->joined = by_number;
	for (uint32_t node = 0; node < run->graph->node_count && !error; node++) {
		if (pyi_bits_has(run->several, node))
			error = count_object(run, node);
		if (!error && node % NODES_PER_CHECK == 0)
			error = pyi_session_check(run->view->session);
	}
	run->joined = NULL;
	return error;
}

static struct pyi_error *tell_level(struct run *run, const struct pyi_referrer_level *level)
{
	struct pyi_error *error = NULL;

	for (uint32_t g = 0; g < run->groups.count && !error; g++)
		if (run->groups.items[g].references)
			error = tell_group(run, g,
					   level->branches[run->groups.items[g].branch].list);
	for (size_t b = 0; b < level->count && !error; b++)
		error = pyi_referrers_merge(level->branches[b].list);
	return error ? error : uncount_joined(run, level);
}

/* The objects of the groups that lead to the next level become those that are asked about. */
static struct pyi_error *select_groups(struct run *run, const struct pyi_referrer_level *next)
{
	const uint64_t node_count = run->graph->node_count;
	PYI_CLEANUP(pyi_guard_free) uint8_t *selected = calloc(run->groups.count + 1, 1);
	uint32_t *branches = run->branches;
	struct pyi_error *error;
	uint64_t *set;

	if (!selected)
		return pyi_error_no_memory();
	for (size_t b = 0; b < next->count; b++) {
		const struct pyi_referrer_group *group = next->branches[b].above[next->level - 1];

		for (size_t n = 0; n < group->number_count; n++)
			selected[group->numbers[n]] = (uint8_t)(b + 1);
	}
	memset(run->next, 0, pyi_bits_bytes(node_count));
	if (run->next_branches)
		memset(run->next_branches, 0, node_count * sizeof(*run->next_branches));
	run->selected = selected;
	error = count_all(run);
	run->selected = NULL;
	set = run->set;
	run->set = run->next;
	run->next = set;
	if (run->next_branches) {
		run->branches = run->next_branches;
		run->next_branches = branches ? branches : run->spare_branches;
	}
	return error;
}

static struct pyi_error *ask_levels(struct run *run)
{
	const struct pyi_referrer_tree_request request = {
		.depth = run->question->depth,
		.tree = run->question->tree,
		.width = run->question->width,
	};
	struct pyi_referrer_level level = { .branches = { { .list = &run->question->answer.list } },
					    .count = 1 };
	struct pyi_error *error = NULL;

	while (level.count && !error) {
		struct pyi_referrer_level next = { 0 };

		error = pyi_reference_groups_init(&run->groups, (uint32_t)level.count);
		memset(run->several, 0, pyi_bits_bytes(run->graph->node_count));
		run->object = PYI_GRAPH_NONE;
		if (!error)
			error = count_all(run);
		if (!error)
			error = tell_level(run, &level);
		if (!error)
			error = pyi_referrer_tree_follow(&level, &request, &next);
		if (!error && next.count)
			error = select_groups(run, &next);
		pyi_reference_groups_deinit(&run->groups);
		level = next;
	}
	return error;
}

static struct pyi_error *count_classes(struct run *run)
{
	const struct pyi_graph *graph = run->graph;
	struct pyi_referrers *answer = &run->question->answer;
	PYI_CLEANUP(pyi_guard_free)
	uint64_t *counts = calloc((size_t)graph->type_count + 1, sizeof(*counts));
	struct pyi_error *error = NULL;

	if (!counts)
		return pyi_error_no_memory();
	for (uint32_t node = 0; node < graph->node_count; node++)
		if (pyi_bits_has(run->set, node))
			counts[pyi_graph_type(graph, node)]++;
	for (uint32_t t = 0; t < graph->type_count && !error; t++)
		if (counts[t])
			error = pyi_referrers_add_class(answer, type_name(run, t), counts[t]);
	pyi_referrers_sort_classes(answer);
	return error;
}

static struct pyi_error *answer(struct run *run)
{
	struct pyi_error *error;

	error = pyi_findings_dict_owners(run->view);
	run->dict_owners = run->view->findings->dict_owners;
	if (!error)
		error = pyi_subject_choose(&run->question->found, run->question->subject,
					   run->graph, run->set, &run->question->answer.instances);
	if (!error)
		error = count_classes(run);
	if (!error && !run->question->referents)
		error = pyi_holders_find(&run->holders, run->view, &run->question->found,
					 run->dict_owners, NULL);
	if (!error)
		error = ask_levels(run);
	pyi_holders_deinit(&run->holders);
	return error;
}

static struct pyi_error *answer_with(struct run *run)
{
	struct pyi_graph_space *space = run->graph->space;
	const uint64_t bits_bytes = pyi_bits_bytes(run->graph->node_count);
	const uint64_t branches_bytes = run->graph->node_count * sizeof(*run->branches);
	const uint64_t sizes[TREE_REGIONS] = { bits_bytes, bits_bytes, bits_bytes, branches_bytes,
					       branches_bytes };
	const int count = run->question->tree ? TREE_REGIONS : REGIONS;
	void *regions[TREE_REGIONS] = { NULL };
	struct pyi_error *error = NULL;

	for (int r = 0; r < count && !error; r++)
		error = pyi_graph_space_map(space, sizes[r], &regions[r]);
	if (!error) {
		run->set = regions[0];
		run->next = regions[1];
		run->several = regions[2];
		run->next_branches = regions[3];
		run->spare_branches = regions[4];
		error = answer(run);
	}
	for (int r = 0; r < count; r++)
		pyi_graph_space_unmap(space, regions[r], sizes[r]);
	return error;
}

static struct pyi_error *prepare(void *argument, const struct pyi_graph_view *view)
{
	struct pyi_referrers_question *question = argument;
	struct pyi_error *error;

	pyi_referrers_question_deinit(question);
	error = pyi_subject_find(question->subject, view->session, view->snapshot,
				 view->interpreters, &question->found);
	question->is_found = !error;
	return error;
}

static struct pyi_error *ask(void *argument, const struct pyi_graph_view *view)
{
	struct pyi_referrers_question *question = argument;
	struct run run = {
		.view = view, .graph = view->graph, .question = question, .keys = { .view = view }
	};
	struct pyi_error *error = answer_with(&run);

	question->answer.exact = question->subject->exact;
	question->answer.address = question->subject->address;
	question->answer.type = question->found.name;
	question->found.name = NULL;
	return error;
}

struct pyi_graph_question pyi_referrers_ask(struct pyi_referrers_question *question)
{
	return (struct pyi_graph_question){
		.prepare = prepare,
		.ask = ask,
		.argument = question,
		.values = question->subject->values,
		.named = true,
	};
}

void pyi_referrers_question_deinit(struct pyi_referrers_question *question)
{
	pyi_referrers_deinit(&question->answer);
	if (question->is_found)
		pyi_subject_found_deinit(&question->found);
	question->is_found = false;
}
