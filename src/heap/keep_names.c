/*
 * Says of each reference what its place does not (heap/edge_pattern.h). Then everything that a
 * question may want to name is named once, and what that reads is kept.
 */
#include "heap/keep_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/bits.h"
#include "heap/dict_keys.h"
#include "heap/dict_places.h"
#include "heap/edge_pattern.h"
#include "heap/offline.h"
#include "heap/subject.h"
#include "python/attributes.h"
#include "python/inner_arrays.h"
#include "python/secrets.h"

enum {
	FIRST_SLOTS = 1 << 12,
	FIELD_SLOTS = 1 << 16,
	/* Of an object with more references than this, so many are looked for one by one. */
	SEARCH_LIMIT = 1 << 12,
	SEARCH_STEPS = 1 << 26,
	VARIABLE_LIMIT = 1 << 12,
	NODES_PER_LOOK = 1 << 12,
};

struct field {
	uint32_t type;
	uint64_t offset;
};

struct keeping {
	const struct pyi_graph_view *view;
	struct pyi_graph *graph;
	struct pyi_kept_names *kept;
	bool values;
	struct pyi_pattern_writer *writer;
	/* Numbers of patterns by what they say; at most half full. */
	uint32_t *slots;
	size_t slot_count;
	/* By node: it has a text; it is the key of something. */
	uint64_t *has_text;
	uint64_t *is_key;
	/* A hash table; offset 0 is an empty slot. */
	struct field *fields;
	size_t field_count;
	struct pyi_dict_keys dict_keys;
	/* The tables of interned strings, one for each interpreter; 0: it has none. */
	uint64_t interned_addrs[PYI_INTERPRETER_LIMIT];
	uint64_t unnamed;
	/* A text is the name of a thing of the program, not one that was made at run time. */
	bool of_program;
	struct pyi_error *error;
};

static struct pyi_names *names_of(const struct keeping *keeping)
{
	return keeping->view->names;
}

static uint64_t hash_of(const uint8_t *bytes, size_t size_bytes)
{
	uint64_t hash = size_bytes;

	for (size_t i = 0; i < size_bytes; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static size_t find_slot(const struct keeping *keeping, const uint8_t *bytes, size_t size_bytes)
{
	size_t slot = (size_t)hash_of(bytes, size_bytes) & (keeping->slot_count - 1);

	for (; keeping->slots[slot]; slot = (slot + 1) & (keeping->slot_count - 1)) {
		const struct pyi_pattern known =
			pyi_kept_names_pattern(keeping->kept, keeping->slots[slot]);

		if (known.size_bytes == size_bytes && memcmp(known.bytes, bytes, size_bytes) == 0)
			break;
	}
	return slot;
}

static bool grow_slots(struct keeping *keeping)
{
	uint32_t *slots;

	if (2 * keeping->kept->pattern_count < keeping->slot_count)
		return true;
	slots = calloc(2 * keeping->slot_count, sizeof(*slots));
	if (!slots)
		return false;
	free(keeping->slots);
	keeping->slots = slots;
	keeping->slot_count *= 2;
	for (uint32_t p = 1; p <= keeping->kept->pattern_count; p++) {
		const struct pyi_pattern known = pyi_kept_names_pattern(keeping->kept, p);

		slots[find_slot(keeping, known.bytes, known.size_bytes)] = p;
	}
	return true;
}

static struct pyi_error *end_pattern(struct keeping *keeping, uint32_t node)
{
	const struct pyi_pattern_writer *writer = keeping->writer;
	size_t slot;

	pyi_pattern_end(keeping->writer);
	keeping->unnamed += writer->full;
	if (!writer->size_bytes)
		return NULL;
	slot = find_slot(keeping, writer->bytes, writer->size_bytes);
	if (!keeping->slots[slot]) {
		if (!pyi_kept_names_add_pattern(keeping->kept, writer->bytes, writer->size_bytes)) {
			keeping->unnamed++;
			return NULL;
		}
		keeping->slots[slot] = (uint32_t)keeping->kept->pattern_count;
	}
	keeping->kept->patterns[node] = keeping->slots[slot];
	return grow_slots(keeping) ? NULL : pyi_error_no_memory();
}

static void note_field(struct keeping *keeping, uint32_t type, uint64_t offset)
{
	size_t slot = (size_t)(((offset << 20) + type) * UINT64_C(0x9e3779b97f4a7c15) >> 40) %
		      FIELD_SLOTS;

	for (; keeping->fields[slot].offset; slot = (slot + 1) % FIELD_SLOTS)
		if (keeping->fields[slot].offset == offset && keeping->fields[slot].type == type)
			return;
	if (2 * keeping->field_count >= FIELD_SLOTS)
		return;
	keeping->fields[slot] = (struct field){ type, offset };
	keeping->field_count++;
}

static void note_key(struct keeping *keeping, uint64_t addr)
{
	uint32_t node = addr ? pyi_graph_find(keeping->graph, addr) : PYI_GRAPH_NONE;

	if (node != PYI_GRAPH_NONE)
		(void)pyi_bits_set(keeping->is_key, node);
}

static void note(struct keeping *keeping, uint32_t node, const struct pyi_edge *edge)
{
	if (edge->kind == PYI_EDGE_FIELD)
		note_field(keeping, pyi_graph_type(keeping->graph, node), edge->detail);
	else if (edge->kind == PYI_EDGE_ITEM || edge->kind == PYI_EDGE_ATTRIBUTE ||
		 edge->kind == PYI_EDGE_KEY)
		note_key(keeping, edge->detail);
}

static bool is_dict(const struct keeping *keeping, uint32_t node)
{
	const struct pyi_graph *graph = keeping->graph;

	return graph->types[pyi_graph_type(graph, node)].addr ==
		       keeping->view->session->runtime.dict_type_addr &&
	       !pyi_graph_labels(graph, node) && !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
}

/* The table of interned strings: many of its keys are contents that only look like names. */
static bool is_interned(const struct keeping *keeping, uint32_t node)
{
	uint64_t addr = pyi_graph_address(keeping->graph, node);

	for (size_t i = 0; i < keeping->view->interpreters->count; i++)
		if (keeping->interned_addrs[i] == addr)
			return true;
	return false;
}

static void find_interned(struct keeping *keeping)
{
	const struct pyi_interpreters *interpreters = keeping->view->interpreters;
	const struct pyi_layout *layout = keeping->view->session->runtime.layout;

	for (size_t i = 0; pyi_has(layout->interp_interned) && i < interpreters->count; i++)
		keeping->interned_addrs[i] =
			pyi_memory_u64(keeping->view->snapshot->reader,
				       interpreters->addr[i] + layout->interp_interned);
}

static bool is_same(const struct pyi_edge *one, const struct pyi_edge *other)
{
	return one->kind == other->kind && one->detail == other->detail &&
	       one->context == other->context;
}

/* True if it need not be looked for in the object what the reference is called. */
static bool is_plain(struct keeping *keeping, const struct pyi_edge *plain, uint32_t node,
		     uint64_t place)
{
	const uint16_t *labels = pyi_graph_labels(keeping->graph, node);

	switch (plain->kind) {
	case PYI_EDGE_ELEMENT:
		return !pyi_names_type(names_of(keeping), pyi_graph_type(keeping->graph, node))
				->has_attributes;
	case PYI_EDGE_KEY:
		return true;
	case PYI_EDGE_ITEM:
		return !labels || pyi_label_kind_of(labels[place]) != PYI_LABEL_VALUE;
	case PYI_EDGE_INDEX:
		return pyi_names_is_item(names_of(keeping), node, place);
	case PYI_EDGE_TYPE:
		return labels && pyi_label_kind_of(labels[place]) == PYI_LABEL_TYPE;
	default:
		return false;
	}
}

static struct pyi_error *keep_references(struct keeping *keeping, uint32_t node)
{
	const struct pyi_graph_nodes referents = pyi_graph_referents(keeping->graph, node);
	bool keys_are_names = !is_dict(keeping, node) || !is_interned(keeping, node);
	PYI_CLEANUP(pyi_guard_dict_places) struct pyi_dict_places *found = NULL;
	struct pyi_error *error =
		pyi_dict_places_find(keeping->view, node, SEARCH_LIMIT / 64, &found);
	/* Each look may go through all of the object. */
	uint64_t limit = referents.count > SEARCH_STEPS / SEARCH_LIMIT
				 ? SEARCH_STEPS / referents.count
				 : SEARCH_LIMIT;
	uint64_t searched = 0;

	if (error)
		return error;
	for (uint64_t place = 0; place < referents.count; place++) {
		const struct pyi_edge plain = pyi_names_plain_edge(names_of(keeping), node, place);
		struct pyi_edge edge = plain;

		if (!is_plain(keeping, &plain, node, place) &&
		    !(found && pyi_dict_places_edge(found, place, &edge))) {
			if (searched++ < limit)
				edge = pyi_names_edge(names_of(keeping), node, place);
			else
				keeping->unnamed += plain.kind == PYI_EDGE_ELSEWHERE;
		}
		if (keys_are_names)
			note(keeping, node, &edge);
		pyi_pattern_put(keeping->writer, place, is_same(&edge, &plain) ? NULL : &edge);
	}
	return NULL;
}

static struct pyi_error *keep_patterns(struct keeping *keeping)
{
	struct pyi_error *error = NULL;

	for (uint32_t node = 0; node < keeping->graph->node_count && !error; node++) {
		pyi_pattern_begin(keeping->writer, keeping->graph, node);
		if (is_dict(keeping, node) && pyi_dict_keys_are_reported(&keeping->dict_keys, node))
			pyi_pattern_put_reported(keeping->writer);
		error = keep_references(keeping, node);
		if (!error)
			error = end_pattern(keeping, node);
		if (!error && node % NODES_PER_LOOK == 0)
			error = pyi_session_check(keeping->view->session);
	}
	return error;
}

static struct pyi_error *keep_lengths(struct keeping *keeping)
{
	struct pyi_graph *graph = keeping->graph;
	PYI_CLEANUP(pyi_guard_free)
	bool *has_none = calloc((size_t)graph->type_count + 1, sizeof(*has_none));
	struct pyi_error *error = NULL;

	if (!has_none)
		return pyi_error_no_memory();
	for (uint32_t node = 0; node < graph->node_count && !error; node++) {
		uint32_t type = pyi_graph_type(graph, node);
		uint64_t length;

		if (has_none[type] || pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
			continue;
		if (!pyi_names_length(names_of(keeping), node, &length))
			has_none[type] = true;
		else if (length < UINT32_MAX)
			keeping->kept->lengths[node] = (uint32_t)length + 1;
		if (node % NODES_PER_LOOK == 0)
			error = pyi_session_check(keeping->view->session);
	}
	return error;
}

/* What the graph says by itself is not kept. */
static void see_read(void *argument, uint64_t addr, const void *bytes, size_t size_bytes)
{
	struct keeping *keeping = argument;
	const struct pyi_layout *layout = keeping->view->session->runtime.layout;
	uint64_t known;
	uint64_t word;
	uint32_t node;
	uint8_t again[8];

	if (size_bytes == sizeof(word)) {
		if (pyi_memory_image_read(keeping->kept->image, addr, again, sizeof(again)))
			return;
		memcpy(&word, bytes, sizeof(word));
		node = pyi_graph_find(keeping->graph, addr - layout->str_length);
		if (node != PYI_GRAPH_NONE && pyi_bits_has(keeping->has_text, node))
			return;
		if (pyi_offline_word(keeping->graph, layout, addr, &known) && known == word)
			return;
	}
	if (!pyi_memory_image_add(keeping->kept->image, addr, bytes, size_bytes))
		keeping->unnamed++;
}

static bool is_name(const struct keeping *keeping, const char *text)
{
	if (keeping->of_program)
		return true;
	if (pyi_places_is_harmless_key(text))
		return true;
	return pyi_places_is_identifier(text) &&
	       (keeping->values || !pyi_secrets_looks_secret(text));
}

static void see_text(void *argument, uint64_t addr, const char *text)
{
	struct keeping *keeping = argument;
	struct pyi_graph *graph = keeping->graph;
	uint32_t node = pyi_graph_find(graph, addr);

	if (node == PYI_GRAPH_NONE || keeping->error || !is_name(keeping, text) ||
	    !pyi_bits_set(keeping->has_text, node))
		return;
	keeping->error = pyi_graph_add_text(&graph->texts, &graph->text_count,
					    &graph->text_capacity, node, text);
}

static void name_edge(const struct pyi_places *places, uint64_t type_addr, uint32_t kind,
		      uint64_t detail, uint64_t context)
{
	const struct pyi_edge edge = { .kind = kind, .detail = detail, .context = context };

	free(pyi_places_edge(places, type_addr, &edge));
}

static void name_holder(const struct pyi_places *places, enum pyi_holder_kind kind, uint64_t addr)
{
	const struct pyi_place place = { .holder = kind, .holder_addr = addr };
	bool none;

	free(pyi_places_owner(places, &place, &none));
}

/* Until there are no more: variables behind the last are "stack", or have no name. */
static void name_variables(const struct pyi_places *places, uint64_t code)
{
	bool known = true;

	free(pyi_places_code_name(places, code));
	for (uint64_t i = 0; i < VARIABLE_LIMIT && known; i++) {
		const struct pyi_edge local = { .kind = PYI_EDGE_LOCAL,
						.detail = i,
						.context = code };
		PYI_CLEANUP(pyi_guard_free) char *text = pyi_places_edge(places, 0, &local);

		known = text && strcmp(text, "stack") != 0;
	}
	known = true;
	for (uint64_t i = 0; i < VARIABLE_LIMIT && known; i++) {
		const struct pyi_edge closure = { .kind = PYI_EDGE_CLOSURE,
						  .detail = i,
						  .context = code };
		PYI_CLEANUP(pyi_guard_free) char *text = pyi_places_edge(places, 0, &closure);

		known = text && !strchr(text, '[');
	}
}

static void name_node(struct keeping *keeping, struct pyi_names *names, uint32_t node)
{
	const struct pyi_graph *graph = keeping->graph;
	uint32_t type = pyi_graph_type(graph, node);
	uint64_t addr = pyi_graph_address(graph, node);

	if (pyi_graph_flags(graph, node) & PYI_NODE_KEYS)
		return;
	switch (graph->types[type].kind) {
	case PYI_KIND_CODE:
		name_variables(&names->places, addr);
		return;
	case PYI_KIND_MODULE:
		name_holder(&names->places, PYI_HOLDER_MODULE, addr);
		return;
	case PYI_KIND_TYPE:
	case PYI_KIND_CLASS:
		name_holder(&names->places, PYI_HOLDER_CLASS, addr);
		return;
	case PYI_KIND_FRAME:
	case PYI_KIND_GENERATOR:
		(void)pyi_references_code(names->places.runtime, names->places.reader,
					  pyi_names_type(names, type), addr);
		return;
	default:
		return;
	}
}

static void name_types(struct keeping *keeping, struct pyi_names *names)
{
	const struct pyi_places *places = &names->places;
	const struct pyi_graph *graph = keeping->graph;

	for (uint32_t t = 0; t < graph->type_count; t++) {
		(void)pyi_names_type(names, t);
		name_holder(places, PYI_HOLDER_INSTANCE, graph->types[t].addr);
		name_edge(places, graph->types[t].addr, PYI_EDGE_ELSEWHERE, 0, 0);
		name_edge(places, graph->types[t].addr, PYI_EDGE_ELEMENT, 0, 0);
		(void)pyi_inner_array_is_cache(places->runtime, places->reader,
					       graph->types[t].addr);
	}
	for (size_t f = 0; f < FIELD_SLOTS; f++)
		if (keeping->fields[f].offset)
			name_edge(places, graph->types[keeping->fields[f].type].addr,
				  PYI_EDGE_FIELD, keeping->fields[f].offset, 0);
	for (size_t r = 0; r < graph->root_count; r++)
		free(pyi_names_root_text(names, &graph->roots[r]));
}

/* Which types there are, and what they are subclasses of; where modules are. */
static struct pyi_error *find_subjects(struct keeping *keeping)
{
	const struct pyi_graph_view *view = keeping->view;
	const struct pyi_runtime *runtime = &view->session->runtime;
	struct pyi_subject_found found = { 0 };
	struct pyi_error *error =
		pyi_subject_find(NULL, view->session, view->snapshot, view->interpreters, &found);

	if (error)
		return error;
	for (size_t t = 0; t < found.types.count; t++)
		(void)pyi_types_is_subclass(runtime, view->snapshot->reader,
					    found.types.types[t].addr, 0);
	pyi_subject_found_deinit(&found);
	return NULL;
}

static struct pyi_error *name_all(struct keeping *keeping, struct pyi_names *names)
{
	struct pyi_graph *graph = keeping->graph;
	struct pyi_error *error;

	keeping->of_program = true;
	error = find_subjects(keeping);
	if (error)
		return error;
	name_types(keeping, names);
	for (uint32_t node = 0; node < graph->node_count && !error && !keeping->error; node++) {
		name_node(keeping, names, node);
		if (node % NODES_PER_LOOK == 0)
			error = pyi_session_check(keeping->view->session);
	}
	keeping->of_program = false;
	for (uint32_t node = 0; node < graph->node_count && !error && !keeping->error; node++) {
		if (!pyi_bits_has(keeping->is_key, node))
			continue;
		name_edge(&names->places, 0, PYI_EDGE_ATTRIBUTE, pyi_graph_address(graph, node), 0);
		name_edge(&names->places, 0, PYI_EDGE_ITEM, pyi_graph_address(graph, node), 0);
		if (node % NODES_PER_LOOK == 0)
			error = pyi_session_check(keeping->view->session);
	}
	return error;
}

/* By names that have not read anything yet: what they read is kept. */
static struct pyi_error *keep_memory(struct keeping *keeping)
{
	const struct pyi_graph_view *view = keeping->view;
	PYI_CLEANUP(pyi_names_deinit) struct pyi_names names = { 0 };
	struct pyi_memory_watch watch = { see_read, see_text, keeping, false };
	struct pyi_error *error = pyi_names_init(&names, view->graph, &view->session->runtime,
						 view->snapshot->reader, false);

	if (error)
		return error;
	pyi_memory_reader_watch(view->snapshot->reader, &watch);
	error = name_all(keeping, &names);
	pyi_memory_reader_watch(view->snapshot->reader, NULL);
	if (!error)
		return keeping->error;
	pyi_error_destroy(keeping->error);
	return error;
}

static struct pyi_error *keep_value(struct keeping *keeping, const struct pyi_places *places,
				    uint32_t node, const char *type)
{
	struct pyi_kept_names *kept = keeping->kept;
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;

	if (!pyi_places_value(places, pyi_graph_address(keeping->graph, node), type, &text))
		return NULL;
	if (!text)
		return pyi_error_no_memory();
	return pyi_graph_add_text(&kept->values, &kept->value_count, &kept->value_capacity, node,
				  text);
}

/* `types` has the names of those that are builtin; of others no value is shown. */
static struct pyi_error *keep_values_of(struct keeping *keeping, const struct pyi_places *places,
					char **types)
{
	const struct pyi_graph *graph = keeping->graph;
	struct pyi_error *error = NULL;

	for (uint32_t t = 0; t < graph->type_count; t++) {
		bool builtin;

		types[t] = pyi_places_type_name(places, graph->types[t].addr, &builtin);
		if (!types[t])
			return pyi_error_no_memory();
		if (builtin)
			continue;
		free(types[t]);
		types[t] = NULL;
	}
	for (uint32_t node = 0; node < graph->node_count && !error; node++) {
		const char *type = types[pyi_graph_type(graph, node)];

		if (type && !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS))
			error = keep_value(keeping, places, node, type);
		if (!error && node % NODES_PER_LOOK == 0)
			error = pyi_session_check(keeping->view->session);
	}
	return error;
}

static struct pyi_error *keep_values(struct keeping *keeping)
{
	struct pyi_kept_names *kept = keeping->kept;
	const uint32_t type_count = keeping->graph->type_count;
	struct pyi_places places = names_of(keeping)->places;
	char **types = calloc((size_t)type_count + 1, sizeof(*types));
	struct pyi_error *error;

	if (!types)
		return pyi_error_no_memory();
	places.values = true;
	error = keep_values_of(keeping, &places, types);
	for (uint32_t t = 0; t < type_count; t++)
		free(types[t]);
	free(types);
	pyi_graph_sort_texts(kept->values, kept->value_count);
	return error;
}

static struct pyi_error *keep(struct keeping *keeping)
{
	struct pyi_graph *graph = keeping->graph;
	struct pyi_error *error = keep_patterns(keeping);

	if (!error)
		error = keep_lengths(keeping);
	if (!error)
		error = keep_memory(keeping);
	pyi_graph_sort_texts(graph->texts, graph->text_count);
	if (!error && keeping->values)
		error = keep_values(keeping);
	if (!error)
		error = pyi_offline_put(graph, &keeping->view->session->runtime,
					keeping->view->interpreters);
	if (!error)
		error = pyi_graph_add_fact(graph, PYI_OFFLINE_UNNAMED, keeping->unnamed, NULL);
	if (!error && keeping->values)
		error = pyi_graph_add_fact(graph, PYI_OFFLINE_VALUES, 1, NULL);
	return error;
}

struct pyi_error *pyi_keep_names(const struct pyi_graph_view *view, bool values)
{
	struct pyi_graph *graph = view->graph;
	const uint64_t bits_bytes = pyi_bits_bytes(graph->node_count);
	PYI_CLEANUP(pyi_guard_free) struct pyi_pattern_writer *writer = calloc(1, sizeof(*writer));
	PYI_CLEANUP(pyi_guard_free) struct field *fields = calloc(FIELD_SLOTS, sizeof(*fields));
	struct keeping keeping = {
		.view = view,
		.graph = graph,
		.values = values,
		.writer = writer,
		.slots = calloc(FIRST_SLOTS, sizeof(*keeping.slots)),
		.slot_count = FIRST_SLOTS,
		.fields = fields,
		.dict_keys = { .view = view },
	};
	struct pyi_error *error;
	void *has_text = NULL;
	void *is_key = NULL;

	if (!writer || !fields || !keeping.slots) {
		free(keeping.slots);
		return pyi_error_no_memory();
	}
	error = pyi_kept_names_create(graph->space, graph->node_count, &graph->names);
	if (!error)
		error = pyi_graph_space_map(graph->space, bits_bytes, &has_text);
	if (!error)
		error = pyi_graph_space_map(graph->space, bits_bytes, &is_key);
	keeping.kept = graph->names;
	keeping.has_text = has_text;
	keeping.is_key = is_key;
	find_interned(&keeping);
	if (!error)
		error = keep(&keeping);
	pyi_graph_space_unmap(graph->space, has_text, bits_bytes);
	pyi_graph_space_unmap(graph->space, is_key, bits_bytes);
	free(keeping.slots);
	return error;
}
