/*
 * What a worker may ask of the broker, and what it is answered.
 *
 * The broker has the rights, the worker looks at the bytes of the target. They share a socket that
 * keeps the boundaries of messages. Each request is one fixed struct, perhaps with data behind it;
 * each gets exactly one reply. Both sides take the other for hostile: a worker may have been taken
 * over by what it read, and the broker holds nothing that it would not tell the target itself.
 *
 * Both are the same program: nothing here is stable, and no byte order is fixed.
 */
#ifndef PYI_BROKER_PROTOCOL_H
#define PYI_BROKER_PROTOCOL_H

#include <stdint.h>

#include "snapshot/preflight.h"
#include "snapshot/residue.h"
#include "tracee/arch.h"
#include "tracee/stop.h"

enum {
	/* Data behind a request or a reply, in all. */
	PYI_DATA_LIMIT = 16 << 20,
	/* Words of the target that are read right before and right after a snapshot is taken. */
	PYI_GATE_LIMIT = 4096,
	PYI_WIRE_MESSAGE_BYTES = 1024,
	PYI_WIRE_HINT_BYTES = 512,
	/* PATH_MAX: of a path, or an abstract name. */
	PYI_SOCKET_NAME_BYTES = 4096,
	/* More than any arena, less than what overflows. */
	PYI_MAP_LIMIT_SHIFT = 46,
};

enum pyi_request_kind {
	/*
	 * Binds the channel to one process, for good: a later OPEN must mean the same one, and
	 * begins anew with it. Everything else is about that process.
	 */
	PYI_REQUEST_OPEN = 1,
	/* A descriptor of a file of /proc/PID, or of the snapshot: `file`. */
	PYI_REQUEST_FILE,
	/* Where /proc/PID/exe leads; the reply's data is its text. */
	PYI_REQUEST_PROGRAM,
	/* A descriptor of a regular file that the target has mapped: `module`; there may be none.
	 */
	PYI_REQUEST_MODULE,
	/* A socket connected, as the user of the target, to where a name leads from it; `connect`,
	   data: the name. */
	PYI_REQUEST_CONNECT,
	/* Checks what must be refused, and chooses the source: `prepare`. */
	PYI_REQUEST_PREPARE,
	/* Takes a snapshot: `take`, data: struct pyi_gate_word. */
	PYI_REQUEST_TAKE,
	/* Memory in the snapshot: `map`. */
	PYI_REQUEST_MAP,
	PYI_REQUEST_UNMAP,
	/* Bytes into the snapshot's private memory: `write`, and data. */
	PYI_REQUEST_WRITE,
	/* The snapshot goes on as a thread that was held: `become`. */
	PYI_REQUEST_BECOME,
	/* Sets what the snapshot runs next: `call`. */
	PYI_REQUEST_CALL,
	/* Lets the snapshot run until something happens: `run`. */
	PYI_REQUEST_RUN,
	/* Whether the snapshot is still there; an error if not. */
	PYI_REQUEST_CONFIRM,
	/* Ends the snapshot; fine if there is none. */
	PYI_REQUEST_DESTROY,
	/* Which parts of the snapshot's memory are in use; data: struct pyi_wire_range, ascending,
	   and in the reply one for each run, likewise. */
	PYI_REQUEST_PAGES,
	/* What is left in the target. */
	PYI_REQUEST_RESIDUE,
	PYI_REQUEST_COUNT,
};

enum pyi_wire_file {
	PYI_FILE_STAT,
	PYI_FILE_STATUS,
	PYI_FILE_MAPS,
	/* For reading only. */
	PYI_FILE_MEMORY,
	PYI_FILE_ENVIRONMENT,
	/* Of the snapshot; for reading only. */
	PYI_FILE_SNAPSHOT_MAPS,
	PYI_FILE_SNAPSHOT_MEMORY,
	PYI_FILE_COUNT,
};

/* A word of the target's memory that matters at the moment of a snapshot. */
struct pyi_gate_word {
	uint64_t addr;
	/* 4 or 8 bytes, which are taken as an unsigned number. */
	uint32_t size_bytes;
	/* 1: unless it is 0, no snapshot is taken. */
	uint32_t must_be_zero;
};

/* What it was. */
struct pyi_gate_value {
	uint64_t before;
	uint64_t after;
	/* Both could be read. */
	uint32_t known;
	uint32_t padding;
};

/* Addresses; the end is not part of it. */
struct pyi_wire_range {
	uint64_t start_addr;
	uint64_t end_addr;
};

struct pyi_wire_thread {
	int32_t namespace_tid;
	uint32_t held;
	uint32_t moved;
	uint32_t padding;
	uint64_t thread_pointer;
	/* What it was stopped with, if it was held. */
	struct pyi_registers registers;
};

struct pyi_request {
	uint32_t kind;
	/* What follows this struct. */
	uint32_t data_bytes;
	union {
		struct {
			int32_t pid;
		} open;
		struct {
			uint32_t file;
		} file;
		struct {
			/* As maps has it. */
			uint64_t start_addr;
			uint64_t end_addr;
			/* enum pyi_mapped_place */
			uint32_t place;
		} module;
		struct {
			uint32_t is_abstract;
			uint64_t deadline_ns;
		} connect;
		struct {
			uint32_t source;
			double max_pause_ms;
		} prepare;
		struct {
			uint32_t extent;
			/* 1: even if a word that must be 0 is not. */
			uint32_t anyway;
		} take;
		struct {
			uint64_t size_bytes;
			/* Within it, what shall fault when it is touched; 0 bytes: nothing. */
			uint64_t guard_offset;
			uint64_t guard_bytes;
		} map;
		struct {
			uint64_t addr;
			uint64_t size_bytes;
		} unmap;
		struct {
			uint64_t addr;
		} write;
		struct {
			uint64_t pthread_id;
		} become;
		struct {
			uint64_t pc;
			uint64_t stack_end_addr;
			uint64_t argument;
		} call;
		struct {
			/* 1: the system call that it is stopped at returns `value`. */
			uint32_t reply;
			uint64_t value;
			uint64_t deadline_ns;
		} run;
	};
};

/* An error of the other side; `exit` 0 is none. */
struct pyi_wire_error {
	int32_t exit;
	uint32_t code;
	char message[PYI_WIRE_MESSAGE_BYTES];
	/* "": none. */
	char hint[PYI_WIRE_HINT_BYTES];
};

/* What the target has suffered so far. */
struct pyi_wire_cost {
	uint32_t stop_count;
	/* 1: it should not be stopped for much more in this run (broker/allowance.h). */
	uint32_t is_enough;
	double paused_ms;
	double longest_pause_ms;
};

struct pyi_reply {
	struct pyi_wire_error error;
	struct pyi_wire_cost cost;
	/* What follows this struct. */
	uint32_t data_bytes;
	/* A descriptor comes along. */
	uint32_t has_fd;
	union {
		struct {
			int32_t pid;
			uint64_t start_ticks;
		} open;
		struct {
			/* If no descriptor comes along: why not. */
			int32_t error_number;
		} module;
		struct {
			/* PYI_SOURCE_CLONE or PYI_SOURCE_MIRROR */
			uint32_t source;
		} prepare;
		struct {
			/* 0: a word that must be 0 was not; there is no snapshot. */
			uint32_t taken;
			/* A thread appeared that is not among those described. */
			uint32_t stranger;
			int32_t pid;
			uint32_t thread_count;
			uint64_t created_ns;
			/* Data: struct pyi_gate_value for each word, struct pyi_wire_thread each.
			 */
		} take;
		struct {
			uint64_t addr;
		} map;
		struct {
			/* enum pyi_snapshot_event_kind */
			uint32_t event;
			int32_t signal;
			uint64_t number;
			uint64_t arguments[PYI_SYSCALL_ARGUMENTS];
			uint64_t pc;
		} run;
		struct {
			/* It is known what the target was before. */
			uint32_t known;
			struct pyi_residue residue;
		} residue;
	};
};

#endif
