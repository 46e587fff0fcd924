/*
 * What a worker tells the server of a core file before it asks it the requests of a broker
 * (broker/protocol.h): the worker has read the core, and the server has not.
 *
 * Both sides take the other for hostile: a worker may have been taken over by the core, and can
 * have the server make a process without rights, of parts of files that it may see anyway.
 */
#ifndef PYI_CORE_CORE_WIRE_H
#define PYI_CORE_CORE_WIRE_H

#include <stdint.h>

#include "broker/protocol.h"

enum pyi_core_request {
	/*
	 * The ELF file of that name, below the root that was chosen; data: its path. The reply is
	 * that to PYI_REQUEST_MODULE. The server keeps it, too: the N-th that was opened is N from
	 * now on, from 1.
	 */
	PYI_CORE_REQUEST_FILE = PYI_REQUEST_COUNT,
	/* More of a part: `file.file` is an enum pyi_core_part, data what is to be added to it. */
	PYI_CORE_REQUEST_PART,
};

enum pyi_core_part {
	/* Texts as the files of /proc/PID have them. */
	PYI_CORE_STAT,
	PYI_CORE_STATUS,
	PYI_CORE_MAPS,
	/* What /proc/PID/exe would lead to. */
	PYI_CORE_PROGRAM,
	/* struct pyi_core_area, ascending. */
	PYI_CORE_AREAS,
	/* struct pyi_core_module, ascending. */
	PYI_CORE_MODULES,
	/* struct pyi_core_thread */
	PYI_CORE_THREADS,
	PYI_CORE_PARTS,
};

/* Memory, and where its bytes are. */
struct pyi_core_area {
	uint64_t start_addr;
	uint64_t end_addr;
	/* In the file. */
	uint64_t offset;
	/* PROT_... */
	uint32_t protection;
	/* 0: the core; else a file that was opened. */
	uint32_t file;
};

/* What a file is mapped at, as the maps say. */
struct pyi_core_module {
	uint64_t start_addr;
	uint64_t end_addr;
	uint32_t file;
	uint32_t padding;
};

struct pyi_core_thread {
	int32_t tid;
	uint32_t padding;
	/* 0: not known. */
	uint64_t thread_pointer;
	struct pyi_registers registers;
};

#endif
