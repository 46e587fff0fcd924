/*
 * Fuzzer of src/graph: any bytes for a graph file, of which what it says of itself is made a part
 * of a report and of names of references, and for the stream that a graph is made of. The first
 * byte chooses; checksums are made right, for nothing would come behind them.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/dump_facts.h"
#include "fuzz.h"
#include "graph/builder.h"
#include "graph/file.h"
#include "graph/frame.h"
#include "heap/graph_words.h"
#include "heap/offline.h"
#include "heap/subject.h"
#include "report/output.h"

enum {
	/* Far more than an input can say. */
	SPACE_BYTES = 32 << 20,
	INPUT_BYTES = 1 << 16,
	TYPES = 4,
	NAMED_EDGES = 2000,
};

/* Goes through all of it. */
static uint64_t add_up(struct pyi_graph *graph)
{
	uint64_t sum = 0;

	FUZZ_EXPECT(!fuzz_drop(pyi_graph_reverse(graph)));
	for (uint32_t node = 0; node < graph->node_count; node++) {
		struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);
		struct pyi_graph_nodes referrers = pyi_graph_referrers(graph, node);
		const uint16_t *labels = pyi_graph_labels(graph, node);

		FUZZ_EXPECT(pyi_graph_type(graph, node) < graph->type_count);
		FUZZ_EXPECT(pyi_graph_find(graph, pyi_graph_address(graph, node)) == node);
		for (uint64_t e = 0; e < referents.count; e++) {
			FUZZ_EXPECT(referents.items[e] < graph->node_count);
			sum += labels ? labels[e] : 0;
		}
		for (uint64_t e = 0; e < referrers.count; e++)
			FUZZ_EXPECT(referrers.items[e] < graph->node_count);
		sum += pyi_graph_size(graph, node) + (pyi_graph_text(graph, node) != NULL);
	}
	for (size_t r = 0; r < graph->root_count; r++)
		FUZZ_EXPECT(graph->roots[r].node < graph->node_count);
	return sum;
}

/* Everything that a question may want to know of the names that are kept. */
static void name_all(struct pyi_graph *graph)
{
	const struct pyi_session_options options = { .deadline_ns = PYI_CLOCK_NEVER };
	struct pyi_session session = { .options = &options };
	struct pyi_offline offline = { 0 };
	struct pyi_graph_view view = { .session = &session, .graph = graph };
	struct pyi_subject_found found = { 0 };
	struct pyi_names names = { 0 };
	uint64_t edges = 0;
	uint64_t length;
	bool named;

	pyi_session_begin_offline(&session, graph, 0);
	FUZZ_EXPECT(!fuzz_drop(pyi_offline_begin(graph, &offline, &session.runtime, &named)));
	if (!named)
		return;
	view.snapshot = &offline.snapshot;
	FUZZ_EXPECT(!fuzz_drop(pyi_names_init(&names, graph, &session.runtime,
					      offline.snapshot.reader, graph->node_count % 2)));
	view.names = &names;
	if (!fuzz_drop(
		    pyi_subject_find(NULL, &session, view.snapshot, &offline.interpreters, &found)))
		pyi_subject_found_deinit(&found);
	for (uint32_t node = 0; node < graph->node_count; node++) {
		const struct pyi_graph_nodes referents = pyi_graph_referents(graph, node);

		(void)pyi_names_length(&names, node, &length);
		free(pyi_places_describe(&names.places, pyi_graph_address(graph, node)));
		free(pyi_words_dict_owner(&view, node));
		for (uint64_t e = 0; e < referents.count && edges++ < NAMED_EDGES; e++) {
			char *text = pyi_names_text(&names, node, e);

			FUZZ_EXPECT(text);
			free(text);
			(void)pyi_words_is_dict_of(&view, node, e);
		}
	}
	for (size_t r = 0; r < graph->root_count; r++)
		free(pyi_names_root_text(&names, &graph->roots[r]));
	pyi_names_deinit(&names);
	pyi_offline_end(&offline);
}

static void compare_names(const struct pyi_graph *graph, const struct pyi_graph *again)
{
	FUZZ_EXPECT(!graph->names == !again->names);
	for (uint32_t node = 0; graph->names && node < graph->node_count; node++) {
		FUZZ_EXPECT(graph->names->patterns[node] == again->names->patterns[node]);
		FUZZ_EXPECT(graph->names->lengths[node] == again->names->lengths[node]);
	}
	FUZZ_EXPECT(!graph->names || graph->names->byte_count == again->names->byte_count);
}

static void write_and_read(const struct pyi_graph *graph, uint64_t sum)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct pyi_graph_space space;
	struct pyi_graph again;

	FUZZ_EXPECT(fd >= 0);
	FUZZ_EXPECT(!fuzz_drop(pyi_graph_write(graph, fd)));
	lseek(fd, 0, SEEK_SET);
	pyi_graph_space_init(&space, -1, SPACE_BYTES);
	FUZZ_EXPECT(!fuzz_drop(pyi_graph_read(fd, &space, &again)));
	close(fd);
	FUZZ_EXPECT(!again.truncated);
	FUZZ_EXPECT(again.node_count == graph->node_count);
	FUZZ_EXPECT(again.edge_count == graph->edge_count);
	FUZZ_EXPECT(again.fact_count == graph->fact_count);
	FUZZ_EXPECT(add_up(&again) == sum);
	compare_names(graph, &again);
	pyi_graph_deinit(&again);
	FUZZ_EXPECT(space.held_bytes == 0);
}

static void stream(const uint8_t *bytes, size_t size_bytes)
{
	uint64_t *words = malloc(size_bytes + 8);
	struct pyi_graph_space space;
	struct pyi_graph_builder *builder;
	struct pyi_graph graph;
	bool failed;

	FUZZ_EXPECT(words);
	memcpy(words, bytes, size_bytes / 8 * 8);
	pyi_graph_space_init(&space, -1, SPACE_BYTES);
	FUZZ_EXPECT(!fuzz_drop(pyi_graph_builder_create(&space, &builder)));
	for (uint32_t t = 0; t < TYPES; t++)
		FUZZ_EXPECT(!fuzz_drop(pyi_graph_builder_add_type(builder, t, 8 + t, t, "t")));
	failed = fuzz_drop(pyi_graph_builder_feed(builder, words, size_bytes / 8));
	if (!failed)
		failed = fuzz_drop(pyi_graph_builder_finish(builder, &graph));
	pyi_graph_builder_destroy(builder);
	free(words);
	if (!failed) {
		write_and_read(&graph, add_up(&graph));
		pyi_graph_deinit(&graph);
	}
	FUZZ_EXPECT(space.held_bytes == 0);
}

static void fix_checksums(uint8_t *bytes, size_t size_bytes)
{
	struct pyi_graph_file_head head;
	struct pyi_frame_head frame;

	if (size_bytes < sizeof(head))
		return;
	memcpy(&head, bytes, sizeof(head));
	head.checksum =
		pyi_frame_checksum(0, &head, offsetof(struct pyi_graph_file_head, checksum));
	memcpy(bytes, &head, sizeof(head));
	for (size_t at = sizeof(head); size_bytes - at >= sizeof(frame);) {
		memcpy(&frame, bytes + at, sizeof(frame));
		if (frame.stored_bytes > size_bytes - at - sizeof(frame))
			return;
		frame.checksum =
			pyi_frame_checksum(0, &frame, offsetof(struct pyi_frame_head, checksum));
		frame.checksum = pyi_frame_checksum(frame.checksum, bytes + at + sizeof(frame),
						    frame.stored_bytes);
		memcpy(bytes + at, &frame, sizeof(frame));
		at += sizeof(frame) + frame.stored_bytes;
	}
}

/* What a report on it would say of it. */
static void describe(const struct pyi_graph *graph)
{
	struct pyi_envelope envelope = { .command = "garbage" };
	struct pyi_record_summary summary = { 0 };
	struct pyi_dump_moment moment;
	cJSON *json;
	char *text;

	FUZZ_EXPECT(
		!fuzz_drop(pyi_dump_facts_get(graph, "heap.pyi", &envelope, &summary, &moment)));
	FUZZ_EXPECT(envelope.pid >= 0 && envelope.pid <= 1 << 22);
	json = pyi_envelope_to_json(&envelope);
	text = json ? cJSON_PrintUnformatted(json) : NULL;
	FUZZ_EXPECT(text);
	cJSON_free(text);
	cJSON_Delete(json);
	pyi_envelope_deinit(&envelope);
}

static void file(const uint8_t *bytes, size_t size_bytes)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	uint8_t *copy = malloc(size_bytes + 1);
	struct pyi_graph_space space;
	struct pyi_graph graph;

	FUZZ_EXPECT(copy && fd >= 0);
	memcpy(copy, bytes, size_bytes);
	fix_checksums(copy, size_bytes);
	FUZZ_EXPECT(write(fd, copy, size_bytes) == (ssize_t)size_bytes);
	lseek(fd, 0, SEEK_SET);
	pyi_graph_space_init(&space, -1, SPACE_BYTES);
	if (!fuzz_drop(pyi_graph_read(fd, &space, &graph))) {
		uint64_t sum = add_up(&graph);

		describe(&graph);
		name_all(&graph);
		if (!graph.truncated)
			write_and_read(&graph, sum);
		pyi_graph_deinit(&graph);
	}
	FUZZ_EXPECT(space.held_bytes == 0);
	close(fd);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	if (!size_bytes || size_bytes > INPUT_BYTES)
		return 0;
	if (bytes[0] & 1)
		stream(bytes + 1, size_bytes - 1);
	else
		file(bytes + 1, size_bytes - 1);
	return 0;
}
