/*
 * The host's half, made to be called a thousand times a second: one arena for all walks. Between
 * its parts are bytes that AddressSanitizer knows nobody may touch.
 */
#include "walk_host.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ucontext.h>

#include "payloads/state.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef WITH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

enum {
	/* The largest record fits, not much more: so that there are many messages. */
	RECORDS_BYTES = 512,
	GAP_BYTES = 64,
	GAP_LIMIT = 256,
	SIGNAL_STACK_BYTES = 1 << 17,
	/* More than the walk ever needs. */
	STACK_BYTES = 1 << 18,
	/* No mixed heap has so many objects, items and links. */
	FAULT_LIMIT = 100000,
	MESSAGE_LIMIT = 1000000,
};

/* Most of it is the directory of small chunks, and never touched. */
#define ARENA_BYTES (UINT64_C(2) << 30)

struct host {
	struct pyi_payload_arguments arguments;
	const struct pyi_walk_request *request;
	struct pyi_walk_result *result;
	uint64_t progress;
	uint64_t messages;
	unsigned done_messages;
	uint64_t done_status;
};

static struct pyi_payload_arguments *volatile running;
static volatile unsigned faults;
static uint8_t *arena;
static uint8_t *records;
static void *gaps[GAP_LIMIT];
static size_t gap_count;

void *__real_pyi_walk_allocate(struct pyi_walk *walk, uint64_t size_bytes);
void *__wrap_pyi_walk_allocate(struct pyi_walk *walk, uint64_t size_bytes);

void *__wrap_pyi_walk_allocate(struct pyi_walk *walk, uint64_t size_bytes)
{
	uint8_t *part = __real_pyi_walk_allocate(walk, size_bytes + GAP_BYTES);

	if (part && gap_count < GAP_LIMIT) {
		gaps[gap_count++] = part + size_bytes;
		ASAN_POISON_MEMORY_REGION(part + size_bytes, GAP_BYTES);
	}
	return part;
}

/* A walk reads what it may not; it never writes there. */
static bool is_write(const void *context)
{
#ifdef __x86_64__
	enum {
		/* arch/x86/include/asm/trap_pf.h: X86_PF_WRITE */
		WRITE_BIT = 1 << 1,
	};

	return ((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & WRITE_BIT;
#else
	return !context;
#endif
}

/*
 * Left by a jump that AddressSanitizer is not told of, since it would look into /proc for our stack
 * each time: what the frames in between have poisoned is given back by hand.
 */
__attribute__((no_sanitize("address"))) static void handle_fault(int number, siginfo_t *information,
								 void *context)
{
	struct pyi_payload_arguments *arguments = running;
	uint64_t stack;

	(void)number;
	(void)information;
	/* Of the walk, and not without an end. */
	FUZZ_EXPECT(arguments && arguments->mark[0]);
	FUZZ_EXPECT(++faults <= FAULT_LIMIT && !is_write(context));
	/* On both architectures the stack pointer is the second word of the mark. */
	stack = arguments->mark[1];
	ASAN_UNPOISON_MEMORY_REGION((void *)(uintptr_t)(stack - STACK_BYTES), STACK_BYTES);
	pyi_payload_recover(arguments);
}

static uint64_t take_message(void *argument, uint64_t number, uint64_t first, uint64_t second)
{
	struct host *host = argument;

	/* Nothing after the end. */
	FUZZ_EXPECT(!host->done_messages && ++host->messages < MESSAGE_LIMIT);
	switch (number) {
	case PYI_MESSAGE_RECORDS:
		FUZZ_EXPECT(first == (uintptr_t)records && second && second <= RECORDS_BYTES);
		/* The summary comes last. */
		FUZZ_EXPECT(!host->result->summary.kind);
		FUZZ_EXPECT(!fuzz_drop(
			pyi_walk_decode(records, (size_t)second, host->request, host->result)));
		return 0;
	case PYI_MESSAGE_PROGRESS:
		FUZZ_EXPECT(first > host->progress);
		host->progress = first;
		return 0;
	default:
		FUZZ_EXPECT(number == PYI_MESSAGE_DONE);
		host->done_messages++;
		host->done_status = first;
		return 0;
	}
}

static void set_up(void)
{
	static uint8_t stack[SIGNAL_STACK_BYTES];
	const stack_t own_stack = { .ss_sp = stack, .ss_size = sizeof(stack) };
	/* The handler is left by a jump: the signal must not stay blocked. */
	const struct sigaction action = { .sa_sigaction = handle_fault,
					  .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO };

	arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	FUZZ_EXPECT(arena != MAP_FAILED);
	records = malloc(RECORDS_BYTES);
	FUZZ_EXPECT(records && !sigaltstack(&own_stack, NULL));
	FUZZ_EXPECT(!sigaction(SIGSEGV, &action, NULL) && !sigaction(SIGBUS, &action, NULL));
}

enum pyi_payload_status walk_host_run(const struct mixed_heap *mixed,
				      const struct pyi_walk_request *request, const uint64_t *roots,
				      size_t root_count, struct pyi_walk_result *ret_result)
{
	struct pyi_payload_root root_items[32] = { 0 };
	struct host host = {
		.arguments = {
			.abi = PYI_PAYLOAD_ABI,
			.size_bytes = sizeof(host.arguments),
			.arena_bytes = ARENA_BYTES,
			.records_bytes = RECORDS_BYTES,
			.ranges_addr = (uintptr_t)&mixed->heap.range,
			.range_count = 1,
			.lists_addr = (uintptr_t)mixed->heap.lists,
			.list_count = INVENTED_LISTS,
			.roots_addr = (uintptr_t)root_items,
			.root_count = root_count,
			.job = request->job,
			.mapped_bytes = (UINT64_C(1) << 47) - 1,
			.flags = request->flags,
			.layout = mixed->heap.layout,
		},
		.request = request,
		.result = ret_result,
	};
	enum pyi_payload_status status;

	if (!arena)
		set_up();
	FUZZ_EXPECT(root_count <= sizeof(root_items) / sizeof(root_items[0]));
	for (size_t r = 0; r < root_count; r++)
		root_items[r] = (struct pyi_payload_root){
			.object_addr = roots[r],
			.edge = { .kind = PYI_EDGE_LOCAL,
				  .internal = 1,
				  .detail = r,
				  .context = r & 1 ? mixed->code : 0 },
		};
	*ret_result = (struct pyi_walk_result){ .root_count = root_count };
	host.arguments.arena_addr = (uintptr_t)arena;
	host.arguments.records_addr = (uintptr_t)records;
	memcpy(host.arguments.known_types, mixed->known_types, sizeof(mixed->known_types));

	faults = 0;
	running = &host.arguments;
	status = pyi_walk_do(&host.arguments, take_message, &host);
	running = NULL;
	while (gap_count)
		ASAN_UNPOISON_MEMORY_REGION(gaps[--gap_count], GAP_BYTES);
	FUZZ_EXPECT(!madvise(arena, ARENA_BYTES, MADV_DONTNEED));

	FUZZ_EXPECT(host.done_messages == 1 && host.done_status == status);
	FUZZ_EXPECT(ret_result->summary.kind ==
		    (status == PYI_PAYLOAD_OK ? PYI_RECORD_SUMMARY : 0));
	return status;
}
