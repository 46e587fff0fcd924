/*
 * Memory is what is in the image of the graph, and words that follow from the graph itself.
 */
#include "heap/offline.h"

#include <string.h>

#include "base/utf8.h"
#include "heap/edge_pattern.h"
#include "python/layouts.h"

static const struct pyi_known_layout *find_layout(const char *from, uint64_t number)
{
	for (size_t i = 0; from && i < pyi_known_layout_count; i++)
		if (strcmp(pyi_known_layouts[i].generated_from, from) == 0 && number-- == 0)
			return &pyi_known_layouts[i];
	return NULL;
}

static struct pyi_error *put_layout(struct pyi_graph *graph, const struct pyi_layout *layout)
{
	const char *from = NULL;
	uint64_t number = 0;

	for (size_t i = 0; i < pyi_known_layout_count && !from; i++)
		if (&pyi_known_layouts[i].layout == layout)
			from = pyi_known_layouts[i].generated_from;
	while (from && find_layout(from, number) && &find_layout(from, number)->layout != layout)
		number++;
	return from ? pyi_graph_add_fact(graph, PYI_OFFLINE_LAYOUT, number, from) : NULL;
}

struct pyi_error *pyi_offline_put(struct pyi_graph *graph, const struct pyi_runtime *runtime,
				  const struct pyi_interpreters *interpreters)
{
	const struct {
		enum pyi_offline_fact key;
		uint64_t number;
	} facts[] = {
		{ PYI_OFFLINE_RUNTIME, runtime->addr },
		{ PYI_OFFLINE_OBJECT_TYPE, runtime->object_type_addr },
		{ PYI_OFFLINE_TYPE_TYPE, runtime->type_type_addr },
		{ PYI_OFFLINE_DICT_TYPE, runtime->dict_type_addr },
		{ PYI_OFFLINE_STR_TYPE, runtime->str_type_addr },
		{ PYI_OFFLINE_STATIC_TYPES_SHIFT, (uint64_t)runtime->static_types_shift },
		{ PYI_OFFLINE_TYPE_BYTES, runtime->type_bytes },
	};
	struct pyi_error *error = put_layout(graph, runtime->layout);

	for (size_t f = 0; f < sizeof(facts) / sizeof(facts[0]) && !error; f++)
		error = pyi_graph_add_fact(graph, facts[f].key, facts[f].number, NULL);
	for (size_t t = 0; t < runtime->builtin_type_count && !error; t++)
		error = pyi_graph_add_fact(graph,
					   PYI_OFFLINE_BUILTIN + runtime->builtin_types[t].kind,
					   runtime->builtin_types[t].addr, NULL);
	for (size_t i = 0; i < interpreters->count && !error; i++)
		error = pyi_graph_add_fact(graph, PYI_OFFLINE_INTERPRETER, interpreters->addr[i],
					   NULL);
	return error;
}

static void get_builtin(const struct pyi_graph_fact *fact, struct pyi_runtime *runtime)
{
	if (runtime->builtin_type_count < PYI_BUILTIN_TYPE_LIMIT)
		runtime->builtin_types[runtime->builtin_type_count++] = (struct pyi_builtin_type){
			.kind = fact->key - PYI_OFFLINE_BUILTIN,
			.addr = fact->number,
		};
}

static void get(const struct pyi_graph_fact *fact, struct pyi_offline *offline,
		struct pyi_runtime *runtime)
{
	const struct pyi_known_layout *known;

	switch (fact->key) {
	case PYI_OFFLINE_LAYOUT:
		known = find_layout(fact->text, fact->number);
		offline->layout = known ? &known->layout : NULL;
		return;
	case PYI_OFFLINE_RUNTIME:
		runtime->addr = fact->number;
		return;
	case PYI_OFFLINE_OBJECT_TYPE:
		runtime->object_type_addr = fact->number;
		return;
	case PYI_OFFLINE_TYPE_TYPE:
		runtime->type_type_addr = fact->number;
		return;
	case PYI_OFFLINE_DICT_TYPE:
		runtime->dict_type_addr = fact->number;
		return;
	case PYI_OFFLINE_STR_TYPE:
		runtime->str_type_addr = fact->number;
		return;
	case PYI_OFFLINE_STATIC_TYPES_SHIFT:
		runtime->static_types_shift = (int64_t)fact->number;
		return;
	case PYI_OFFLINE_TYPE_BYTES:
		runtime->type_bytes = fact->number;
		return;
	case PYI_OFFLINE_INTERPRETER:
		if (offline->interpreters.count < PYI_INTERPRETER_LIMIT)
			offline->interpreters.addr[offline->interpreters.count++] = fact->number;
		return;
	case PYI_OFFLINE_UNNAMED:
		offline->unnamed = fact->number;
		return;
	case PYI_OFFLINE_VALUES:
		offline->values = fact->number != 0;
		return;
	default:
		if (fact->key >= PYI_OFFLINE_BUILTIN && fact->key < PYI_OFFLINE_BUILTIN_END)
			get_builtin(fact, runtime);
	}
}

static bool is_object(const struct pyi_graph *graph, uint32_t node)
{
	return node != PYI_GRAPH_NONE && !(pyi_graph_flags(graph, node) & PYI_NODE_KEYS);
}

static bool find_field(const struct pyi_graph *graph, uint64_t addr, uint64_t *ret_word)
{
	uint32_t node = pyi_graph_last_before(graph, addr);
	uint64_t offset;
	uint64_t place;

	if (!is_object(graph, node))
		return false;
	offset = addr - pyi_graph_address(graph, node);
	if (offset >= pyi_graph_size(graph, node) ||
	    !pyi_pattern_field(graph, node, offset, &place))
		return false;
	*ret_word = pyi_graph_address(graph, pyi_graph_referents(graph, node).items[place]);
	return true;
}

bool pyi_offline_word(const struct pyi_graph *graph, const struct pyi_layout *layout, uint64_t addr,
		      uint64_t *ret_word)
{
	uint32_t node = pyi_graph_find(graph, addr - layout->object_type);
	const char *text;

	if (is_object(graph, node)) {
		*ret_word = graph->types[pyi_graph_type(graph, node)].addr;
		return true;
	}
	node = pyi_graph_find(graph, addr - layout->str_length);
	text = is_object(graph, node) ? pyi_graph_text(graph, node) : NULL;
	if (text) {
		*ret_word = pyi_utf8_width(text);
		return true;
	}
	return find_field(graph, addr, ret_word);
}

static bool read_made(void *argument, uint64_t addr, void *ret_bytes, size_t size_bytes)
{
	const struct pyi_offline *offline = argument;
	uint64_t word;

	if (pyi_memory_image_read(offline->graph->names->image, addr, ret_bytes, size_bytes))
		return true;
	if (size_bytes != sizeof(word) ||
	    !pyi_offline_word(offline->graph, offline->layout, addr, &word))
		return false;
	memcpy(ret_bytes, &word, sizeof(word));
	return true;
}

static const char *text_made(void *argument, uint64_t addr)
{
	const struct pyi_offline *offline = argument;
	uint32_t node = pyi_graph_find(offline->graph, addr);

	return is_object(offline->graph, node) ? pyi_graph_text(offline->graph, node) : NULL;
}

static const char *value_made(void *argument, uint64_t addr)
{
	const struct pyi_offline *offline = argument;
	uint32_t node = pyi_graph_find(offline->graph, addr);

	return is_object(offline->graph, node) ? pyi_graph_value(offline->graph, node) : NULL;
}

struct pyi_error *pyi_offline_begin(const struct pyi_graph *graph, struct pyi_offline *offline,
				    struct pyi_runtime *ret_runtime, bool *ret_named)
{
	struct pyi_runtime runtime = { 0 };

	*offline = (struct pyi_offline){
		.graph = graph,
		.made = { read_made, text_made, value_made, offline },
	};
	for (size_t f = 0; f < graph->fact_count; f++)
		get(&graph->facts[f], offline, &runtime);
	*ret_named = graph->names && offline->layout && runtime.object_type_addr;
	if (!*ret_named)
		return NULL;
	runtime.layout = offline->layout;
	*ret_runtime = runtime;
	return pyi_memory_reader_create_made(&offline->made, &offline->snapshot.reader);
}

void pyi_offline_end(struct pyi_offline *offline)
{
	pyi_memory_reader_destroy(offline->snapshot.reader);
	offline->snapshot.reader = NULL;
}
