/*
 * Makes up a heap, builds its graph from a stream, and computes all that is computed on graphs. For
 * bench/graph, which runs it; prints one JSON object: nanoseconds and bytes an object.
 *
 * usage: graph_bench OBJECTS fresh|fragmented FOLDER [DUMP]
 *
 * Of two objects one is a leaf. A container has a leaf of its own, one other container (they are a
 * tree), and one of a thousand objects that all share. `fragmented` puts each object anywhere. The
 * graph is in a file without a name in FOLDER, or in memory if that is "-"; DUMP is written and
 * read, and stays.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "analysis/dominators.h"
#include "analysis/entries.h"
#include "analysis/garbage.h"
#include "base/clock.h"
#include "graph/builder.h"
#include "graph/file.h"

enum {
	SHARED = 1000,
	OBJECT_BYTES = 80,
	TYPES = 20,
	/* Of a record, as the payload sends them. */
	RECORD_WORDS = 1 << 17,
};

#define BASE_ADDR UINT64_C(0x7e0000000000)

struct heap {
	uint64_t count;
	unsigned half_bits;
	bool fragmented;
	uint64_t shared_counts[SHARED];
	struct pyi_graph_builder *builder;
	uint64_t words[RECORD_WORDS];
	size_t word_count;
};

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "graph_bench: %s\n", what);
	exit(1);
}

static void check(struct pyi_error *error)
{
	if (error)
		fail(error->message);
}

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

/* A permutation of all objects: rounds of a Feistel network, until it is one of them. */
static uint64_t shuffled(const struct heap *heap, uint64_t object)
{
	const uint64_t mask = (UINT64_C(1) << heap->half_bits) - 1;

	do {
		uint64_t left = object >> heap->half_bits;
		uint64_t right = object & mask;

		for (uint64_t round = 1; round < 4; round++) {
			uint64_t next = left ^ (mix(right + (round << 48)) & mask);

			left = right;
			right = next;
		}
		object = left << heap->half_bits | right;
	} while (object >= heap->count);
	return object;
}

static uint64_t address(const struct heap *heap, uint64_t object)
{
	uint64_t place = heap->fragmented ? shuffled(heap, object) : object;

	return (BASE_ADDR + place * OBJECT_BYTES) << PYI_ENTRY_ADDRESS_SHIFT;
}

static uint64_t shared(const struct heap *heap, uint64_t container)
{
	/* Leaves of the first containers. */
	return 2 * (mix(container) % (heap->count / 4 < SHARED ? heap->count / 4 : SHARED)) + 1;
}

static void flush(struct heap *heap)
{
	check(pyi_graph_builder_feed(heap->builder, heap->words, heap->word_count));
	heap->word_count = 0;
}

static void send_object(struct heap *heap, uint64_t object)
{
	uint64_t *words = heap->words + heap->word_count;
	uint64_t container = object / 2;
	bool leaf = object % 2;
	uint64_t count = 1 + (leaf && container < SHARED ? heap->shared_counts[container] : 0);
	uint64_t addr = address(heap, object);
	uint64_t references = 0;

	words[0] = addr | (leaf ? 0 : PYI_NODE_TRACKED);
	words[1] = (leaf ? 28 + mix(object) % 4 * 4 : 56 + mix(object) % 3 * 8)
			   << PYI_NODE_SIZE_SHIFT |
		   count << PYI_NODE_TYPE_BITS | (leaf ? 0 : 1 + mix(container) % (TYPES - 1));
	heap->word_count += 2;
	if (!leaf) {
		words += 3;
		words[references++] = address(heap, object + 1);
		for (uint64_t child = 2 * container + 1; child <= 2 * container + 2; child++)
			if (2 * child < heap->count)
				words[references++] = address(heap, 2 * child);
		words[references++] = address(heap, shared(heap, container));
		words[-1] = addr | PYI_ENTRY_EDGES | references << PYI_EDGES_COUNT_SHIFT;
		heap->word_count += 1 + references;
	}
	if (heap->word_count > RECORD_WORDS - 16)
		flush(heap);
}

static void send(struct heap *heap)
{
	for (uint64_t container = 0; container < heap->count / 2; container++) {
		uint64_t leaf = shared(heap, container);

		heap->shared_counts[leaf / 2]++;
	}
	for (uint32_t t = 0; t < TYPES; t++)
		check(pyi_graph_builder_add_type(heap->builder, t, 8 * (t + 1), 0, "made.up"));
	for (uint64_t object = 0; object < heap->count; object++)
		send_object(heap, object);
	flush(heap);
	check(pyi_graph_builder_add_root(heap->builder, address(heap, 0) >> PYI_ENTRY_ADDRESS_SHIFT,
					 &(struct pyi_graph_root){ .kind = 1 }));
}

/* Others may run beside it: what counts is the time of the processor. */
static uint64_t processor_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void lap(const struct heap *heap, uint64_t *begun_ns, const char *name)
{
	uint64_t now_ns = processor_ns();

	printf("\"%s_ns\": %.1f, ", name, (double)(now_ns - *begun_ns) / (double)heap->count);
	fflush(stdout);
	*begun_ns = now_ns;
}

static void dump(const struct heap *heap, const struct pyi_graph *graph, const char *path,
		 uint64_t *begun_ns)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		fail("the dump cannot be made");
	check(pyi_graph_write(graph, fd));
	lap(heap, begun_ns, "dump");
	printf("\"dump_bytes\": %.2f, ",
	       (double)lseek(fd, 0, SEEK_END) / (double)graph->node_count);
	close(fd);
}

static void read_back(const struct heap *heap, const char *path, struct pyi_graph_space *space,
		      uint64_t *begun_ns)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct pyi_graph graph;

	if (fd < 0)
		fail("the dump cannot be opened");
	check(pyi_graph_read(fd, space, &graph));
	if (graph.truncated || graph.node_count != heap->count)
		fail("the dump is not whole");
	lap(heap, begun_ns, "read");
	pyi_graph_deinit(&graph);
	close(fd);
}

int main(int argc, char **argv)
{
	struct heap *heap = calloc(1, sizeof(*heap));
	struct pyi_graph_entries entries;
	struct pyi_dominators dominators;
	struct pyi_graph_space space;
	struct pyi_garbage garbage;
	struct pyi_graph graph;
	struct rusage usage;
	uint64_t begun_ns;
	uint64_t started_ns;
	double processor_s;
	double total_s;
	int fd = -1;

	if (argc < 4 || !heap)
		fail("usage: graph_bench OBJECTS fresh|fragmented FOLDER [DUMP]");
	heap->count = strtoull(argv[1], NULL, 10) & ~UINT64_C(1);
	heap->fragmented = !strcmp(argv[2], "fragmented");
	if (heap->count < 8)
		fail("OBJECTS is too small");
	while (UINT64_C(1) << 2 * heap->half_bits < heap->count)
		heap->half_bits++;
	if (strcmp(argv[3], "-"))
		fd = open(argv[3], O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 && strcmp(argv[3], "-"))
		fail("no file can be made in FOLDER");
	pyi_graph_space_init(&space, fd, UINT64_MAX);
	check(pyi_graph_builder_create(&space, &heap->builder));
	begun_ns = processor_ns();
	started_ns = pyi_clock_now_ns();
	printf("{\"objects\": %" PRIu64 ", ", heap->count);
	send(heap);
	lap(heap, &begun_ns, "stream");
	check(pyi_graph_builder_finish(heap->builder, &graph));
	pyi_graph_builder_destroy(heap->builder);
	lap(heap, &begun_ns, "build");
	printf("\"edges\": %.2f, ", (double)graph.edge_count / (double)heap->count);
	check(pyi_graph_reverse(&graph));
	lap(heap, &begun_ns, "reverse");
	printf("\"graph_bytes\": %.1f, ", (double)space.held_bytes / (double)heap->count);
	check(pyi_graph_entries_find(&graph, &entries));
	lap(heap, &begun_ns, "entries");
	check(pyi_dominators_find(&graph, &entries, &dominators));
	lap(heap, &begun_ns, "dominators");
	if (dominators.retained_bytes[entries.nodes[0]] < 28 * heap->count)
		fail("the root does not retain everything");
	pyi_dominators_deinit(&dominators);
	pyi_graph_entries_deinit(&entries);
	check(pyi_garbage_find(&graph, &garbage));
	if (garbage.found_objects)
		fail("there is garbage");
	pyi_garbage_deinit(&garbage);
	lap(heap, &begun_ns, "garbage");
	total_s = pyi_clock_ms_since(started_ns) / 1e3;
	processor_s = (double)processor_ns() / 1e9;
	printf("\"peak_bytes\": %.1f, ", (double)space.peak_bytes / (double)heap->count);
	if (argc > 4)
		dump(heap, &graph, argv[4], &begun_ns);
	pyi_graph_deinit(&graph);
	if (argc > 4)
		read_back(heap, argv[4], &space, &begun_ns);
	getrusage(RUSAGE_SELF, &usage);
	printf("\"resident_bytes\": %.1f, \"processor_s\": %.1f, \"total_s\": %.1f}\n",
	       (double)usage.ru_maxrss * 1024 / (double)heap->count, processor_s, total_s);
	free(heap);
	return 0;
}
