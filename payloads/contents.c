/*
 * PYI_JOB_CONTENTS: what a container holds, without what has a name of its own.
 */
#include "graph.h"

static void send_text(struct pyi_walk *walk, uint64_t object)
{
	enum {
		COMPACT_ASCII = 3 << 5,
	};
	const struct pyi_layout *layout = walk->layout;
	uint64_t length = pyi_field(object, layout->str_length);
	struct pyi_record_text record;

	record.kind = PYI_RECORD_TEXT;
	record.size_bytes = offsetof(struct pyi_record_text, text);
	record.start = (uint32_t)(walk->graph->start_index - 1);
	record.length = UINT32_MAX;
	if ((pyi_load8(object + layout->str_state) & COMPACT_ASCII) == COMPACT_ASCII &&
	    length <= sizeof(record.text)) {
		record.length = (uint32_t)length;
		/* A word at a time: what is behind the end is not looked at by the host. */
		for (uint64_t i = 0; i < length; i += PYI_POINTER_BYTES) {
			uint64_t word = pyi_load64(object + layout->str_ascii_size + i);

			__builtin_memcpy(record.text + i, &word, sizeof(word));
			record.size_bytes += (uint32_t)sizeof(word);
		}
	}
	pyi_walk_put(walk, &record, record.size_bytes);
}

static bool is_content(const struct pyi_walk_type *type)
{
	return pyi_graph_is_plain_container(type) ||
	       (!type->traverse && !(type->flags & PYI_TPFLAG_HEAP_TYPE) &&
		!pyi_walk_is_container(type));
}

void pyi_contents_take(struct pyi_walk *walk, uint64_t object, struct pyi_walk_type *type)
{
	struct pyi_graph *graph = walk->graph;

	if (type->kind == PYI_KIND_STR)
		send_text(walk, object);
	if (!is_content(type) || !pyi_marks_set(walk, object))
		return;
	graph->contents.objects++;
	graph->contents.bytes += pyi_size_of(walk, object, type);
	pyi_walk_progress(walk);
	if (pyi_graph_is_plain_container(type))
		pyi_graph_push(walk, object, 0);
}

void pyi_contents_send(struct pyi_walk *walk)
{
	struct pyi_graph *graph = walk->graph;

	graph->contents.kind = PYI_RECORD_CONTENTS;
	graph->contents.size_bytes = sizeof(graph->contents);
	graph->contents.start = graph->start_index - 1;
	pyi_walk_put(walk, &graph->contents, sizeof(graph->contents));
	graph->contents = (struct pyi_record_contents){ 0 };
}
