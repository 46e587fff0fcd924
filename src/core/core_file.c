/*
 * Reads the table of segments, and the notes.
 */
#include "core/core_file.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"

enum {
	SEGMENT_LIMIT = 1 << 20,
	THREAD_LIMIT = 1 << 16,
	/* Of all notes: each thread takes some KB, vector registers among them. */
	NOTES_LIMIT_BYTES = 1 << 30,
	/* Of the one that lists files: the kernel writes no more than 4 MB. */
	FILES_LIMIT_BYTES = 16 << 20,
	NOTE_ALIGNMENT = 4,
	/* From where no process has memory. */
	ADDRESS_BITS = 52,
};

/* Our own header, from the linker: it knows best which machine we are made for. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static struct pyi_error *bad(const char *what)
{
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_CORE, "the core is damaged: %s",
				what);
}

static bool read_at(int fd, uint64_t offset, void *bytes, size_t size_bytes)
{
	char *at = bytes;

	while (size_bytes) {
		ssize_t got = offset > INT64_MAX ? -1 : pread(fd, at, size_bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		offset += (uint64_t)got;
		size_bytes -= (size_t)got;
	}
	return true;
}

static struct pyi_error *refused(struct pyi_error *error)
{
	return pyi_error_hint(error,
			      "a file in the place of TARGET is a core of a process on such a "
			      "machine as this, or was written by pyinspect TARGET dump");
}

#define refused(...)                                                                               \
	refused(pyi_error_create(PYI_EXIT_UNSUPPORTED, PYI_ERROR_BAD_CORE, __VA_ARGS__))

static struct pyi_error *check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return refused("it is no ELF file");
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return refused("it is of 32 bits, and only 64-bit processes are supported");
	if (header->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
	    header->e_machine != __ehdr_start.e_machine)
		return refused("it is for another architecture (ELF machine %u, ours is %u)",
			       header->e_machine, __ehdr_start.e_machine);
	if (header->e_type != ET_CORE)
		return refused("it is an ELF file, but no core (type %u)", header->e_type);
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return bad("its table of segments has entries of another size");
	return NULL;
}

/* With more of them than fit into its field, the number is in the first section. */
static struct pyi_error *count_segments(int fd, const Elf64_Ehdr *header, size_t *ret_count)
{
	Elf64_Shdr section;

	*ret_count = header->e_phnum;
	if (header->e_phnum != PN_XNUM)
		return NULL;
	if (!header->e_shoff || !read_at(fd, header->e_shoff, &section, sizeof(section)))
		return bad("it does not say how many segments it has");
	*ret_count = section.sh_info;
	return section.sh_info <= SEGMENT_LIMIT ? NULL : bad("it has too many segments");
}

static uint32_t protection_of(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0U) | (flags & PF_W ? PROT_WRITE : 0U) |
	       (flags & PF_X ? PROT_EXEC : 0U);
}

/* What there is of it before the file ends. */
static struct pyi_error *add_segment(struct pyi_core_file *core, const Elf64_Phdr *header,
				     uint64_t size_bytes)
{
	struct pyi_core_segment *segment = &core->segments[core->segment_count];
	uint64_t page_mask = pyi_page_bytes() - 1;
	uint64_t bytes = header->p_filesz;
	uint64_t end;

	if (!header->p_memsz)
		return NULL;
	if (header->p_filesz > header->p_memsz || header->p_vaddr & page_mask ||
	    header->p_memsz & page_mask ||
	    __builtin_add_overflow(header->p_vaddr, header->p_memsz, &end) ||
	    __builtin_add_overflow(header->p_offset, header->p_filesz, &(uint64_t){ 0 }))
		return bad("a segment of it is none");
	/* That is the kernel's: [vsyscall]. */
	if (end >> ADDRESS_BITS)
		return NULL;
	if (header->p_offset + bytes > size_bytes) {
		bytes = header->p_offset < size_bytes ? size_bytes - header->p_offset : 0;
		core->truncated = true;
		core->lost_bytes += header->p_filesz - bytes;
	}
	*segment = (struct pyi_core_segment){
		.start_addr = header->p_vaddr,
		.end_addr = end,
		.offset = header->p_offset,
		.file_bytes = bytes & ~page_mask,
		.protection = protection_of(header->p_flags),
	};
	core->segment_count++;
	return NULL;
}

static int compare_segments(const void *a, const void *b)
{
	const struct pyi_core_segment *one = a;
	const struct pyi_core_segment *other = b;

	return (one->start_addr > other->start_addr) - (one->start_addr < other->start_addr);
}

static bool segments_are_disjoint(const struct pyi_core_file *core)
{
	for (size_t s = 1; s < core->segment_count; s++)
		if (core->segments[s].start_addr < core->segments[s - 1].end_addr)
			return false;
	return true;
}

/* Where files were mapped that no segment is about. */
static struct pyi_error *add_unsaid(struct pyi_core_file *core)
{
	size_t room = core->segment_count + core->mapping_count;
	size_t said_count = core->segment_count;
	struct pyi_core_segment *segments = core->segments;
	size_t s = 0;

	/* At most one before each segment, and one at the end of each mapping. */
	if (__builtin_add_overflow(room, core->segment_count + 1, &room))
		return pyi_error_no_memory();
	segments = reallocarray(core->segments, room, sizeof(*segments));
	if (!segments)
		return pyi_error_no_memory();
	core->segments = segments;
	for (size_t m = 0; m < core->mapping_count; m++) {
		uint64_t addr = core->mappings[m].start_addr;
		uint64_t end_addr = core->mappings[m].end_addr;

		while (addr < end_addr) {
			uint64_t next_addr = end_addr;

			while (s < said_count && segments[s].end_addr <= addr)
				s++;
			if (s < said_count && segments[s].start_addr <= addr) {
				addr = segments[s].end_addr;
				continue;
			}
			if (s < said_count && segments[s].start_addr < end_addr)
				next_addr = segments[s].start_addr;
			segments[core->segment_count++] = (struct pyi_core_segment){
				.start_addr = addr,
				.end_addr = next_addr,
				.unsaid = true,
			};
			addr = next_addr;
		}
	}
	qsort(segments, core->segment_count, sizeof(*segments), compare_segments);
	return NULL;
}

static struct pyi_error *add_thread(struct pyi_core_file *core, const void *bytes,
				    size_t size_bytes)
{
	struct pyi_core_thread *thread;
	struct elf_prstatus status;

	if (size_bytes < sizeof(status) || core->thread_count >= THREAD_LIMIT)
		return NULL;
	memcpy(&status, bytes, sizeof(status));
	if (!pyi_array_reserve(&core->threads, core->thread_count, &core->thread_room,
			       sizeof(*core->threads)))
		return pyi_error_no_memory();
	thread = &core->threads[core->thread_count++];
	*thread = (struct pyi_core_thread){ .tid = status.pr_pid };
	_Static_assert(sizeof(status.pr_reg) == sizeof(thread->registers),
		       "a note has the registers that ptrace shows");
	memcpy(&thread->registers, &status.pr_reg, sizeof(thread->registers));
	/* Where it is one of the general registers; else another note says it. */
	thread->thread_pointer = pyi_arch_thread_pointer(0, &thread->registers);
	if (core->thread_count == 1 && !core->pid)
		core->pid = status.pr_pid;
	return NULL;
}

static void take_process(struct pyi_core_file *core, const void *bytes, size_t size_bytes)
{
	struct elf_prpsinfo info;

	if (size_bytes < sizeof(info))
		return;
	memcpy(&info, bytes, sizeof(info));
	core->pid = info.pr_pid;
	core->uid = info.pr_uid;
	memcpy(core->name, info.pr_fname, sizeof(core->name));
	core->name[sizeof(core->name) - 1] = '\0';
}

static void take_vector(struct pyi_core_file *core, const char *bytes, size_t size_bytes)
{
	for (size_t at = 0; at + sizeof(Elf64_auxv_t) <= size_bytes; at += sizeof(Elf64_auxv_t)) {
		Elf64_auxv_t entry;

		memcpy(&entry, bytes + at, sizeof(entry));
		if (entry.a_type == AT_PHDR)
			core->program_headers_addr = entry.a_un.a_val;
	}
}

/* Count, size of a unit, then start, end and offset (in units) of each, then the paths of all. */
static struct pyi_error *take_files(struct pyi_core_file *core, const char *bytes,
				    size_t size_bytes)
{
	uint64_t head[2];
	uint64_t table_bytes;
	const char *path;
	const char *end;

	if (core->text || size_bytes < sizeof(head))
		return NULL;
	memcpy(head, bytes, sizeof(head));
	if (__builtin_mul_overflow(head[0], 3 * sizeof(uint64_t), &table_bytes) ||
	    table_bytes > size_bytes - sizeof(head))
		return bad("its list of mapped files");
	core->text = malloc(size_bytes + 1);
	core->mappings = calloc(head[0] + 1, sizeof(*core->mappings));
	if (!core->text || !core->mappings)
		return pyi_error_no_memory();
	memcpy(core->text, bytes, size_bytes);
	core->text[size_bytes] = '\0';
	path = core->text + sizeof(head) + table_bytes;
	end = core->text + size_bytes;
	for (uint64_t m = 0; m < head[0] && path < end; m++) {
		struct pyi_core_mapping *mapping = &core->mappings[core->mapping_count];
		uint64_t words[3];

		memcpy(words, bytes + sizeof(head) + m * sizeof(words), sizeof(words));
		*mapping = (struct pyi_core_mapping){
			.start_addr = words[0],
			.end_addr = words[1],
			.path = path,
		};
		if (words[0] >= words[1] || (words[0] | words[1]) & (pyi_page_bytes() - 1) ||
		    words[1] >> ADDRESS_BITS ||
		    __builtin_mul_overflow(words[2], head[1], &mapping->offset) ||
		    (core->mapping_count && words[0] < mapping[-1].end_addr))
			return bad("its list of mapped files");
		core->mapping_count++;
		path += strlen(path) + 1;
	}
	return NULL;
}

static struct pyi_error *take_note(struct pyi_core_file *core, uint32_t type, const char *bytes,
				   size_t size_bytes)
{
	struct pyi_error *error = NULL;

	switch (type) {
	case NT_PRSTATUS:
		error = add_thread(core, bytes, size_bytes);
		break;
	case NT_PRPSINFO:
		take_process(core, bytes, size_bytes);
		break;
	case NT_AUXV:
		take_vector(core, bytes, size_bytes);
		break;
	case NT_FILE:
		error = take_files(core, bytes, size_bytes);
		break;
	case NT_ARM_TLS:
		/* Of the thread whose status came last. */
		if (core->thread_count && size_bytes >= sizeof(uint64_t))
			memcpy(&core->threads[core->thread_count - 1].thread_pointer, bytes,
			       sizeof(uint64_t));
		break;
	default:
		break;
	}
	return error;
}

static bool is_wanted(uint32_t type)
{
	return type == NT_PRSTATUS || type == NT_PRPSINFO || type == NT_AUXV || type == NT_FILE ||
	       type == NT_ARM_TLS;
}

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + NOTE_ALIGNMENT - 1) & ~(uint64_t)(NOTE_ALIGNMENT - 1);
}

/* One after the other; what nobody wants is not read. */
static struct pyi_error *read_notes(struct pyi_core_file *core, const Elf64_Phdr *header,
				    uint64_t size_bytes)
{
	uint64_t at = header->p_offset;
	uint64_t end;

	if (__builtin_add_overflow(at, header->p_filesz, &end) ||
	    header->p_filesz > NOTES_LIMIT_BYTES)
		return bad("its notes");
	if (end > size_bytes) {
		core->truncated = true;
		end = size_bytes;
	}
	while (at < end && end - at >= sizeof(Elf64_Nhdr)) {
		PYI_CLEANUP(pyi_guard_free) char *bytes = NULL;
		struct pyi_error *error;
		Elf64_Nhdr note;
		uint64_t next;

		if (!read_at(core->fd, at, &note, sizeof(note)))
			return bad("its notes cannot be read");
		at += sizeof(note) + aligned(note.n_namesz);
		next = at + aligned(note.n_descsz);
		if (next > end)
			return core->truncated ? NULL : bad("its notes");
		if (is_wanted(note.n_type) && note.n_descsz <= FILES_LIMIT_BYTES) {
			bytes = malloc((size_t)note.n_descsz + 1);
			if (!bytes)
				return pyi_error_no_memory();
			if (!read_at(core->fd, at, bytes, note.n_descsz))
				return bad("its notes cannot be read");
			error = take_note(core, note.n_type, bytes, note.n_descsz);
			if (error)
				return error;
		}
		at = next;
	}
	return NULL;
}

static struct pyi_error *read_all(struct pyi_core_file *core)
{
	PYI_CLEANUP(pyi_guard_free) Elf64_Phdr *headers = NULL;
	struct stat status;
	Elf64_Ehdr header;
	struct pyi_error *error;
	size_t count = 0;

	if (fstat(core->fd, &status) != 0 || !read_at(core->fd, 0, &header, sizeof(header)))
		return bad("it ends within its header");
	error = check_header(&header);
	if (!error)
		error = count_segments(core->fd, &header, &count);
	if (error)
		return error;
	headers = calloc(count + 1, sizeof(*headers));
	core->segments = calloc(count + 1, sizeof(*core->segments));
	if (!headers || !core->segments)
		return pyi_error_no_memory();
	if (!read_at(core->fd, header.e_phoff, headers, count * sizeof(*headers)))
		return bad("it ends within its table of segments");
	for (size_t s = 0; s < count && !error; s++) {
		if (headers[s].p_type == PT_LOAD)
			error = add_segment(core, &headers[s], (uint64_t)status.st_size);
		else if (headers[s].p_type == PT_NOTE)
			error = read_notes(core, &headers[s], (uint64_t)status.st_size);
	}
	if (error)
		return error;
	qsort(core->segments, core->segment_count, sizeof(*core->segments), compare_segments);
	if (!segments_are_disjoint(core))
		return bad("two of its segments overlap");
	if (!core->segment_count || !core->thread_count)
		return bad(core->segment_count ? "it has no threads" : "it has no memory");
	if (!core->mapping_count)
		return pyi_error_hint(
			bad("it does not say which files were mapped (a note NT_FILE)"),
			"the kernel and gdb's gcore write it");
	if (core->pid <= 0)
		core->pid = 1;
	return add_unsaid(core);
}

struct pyi_error *pyi_core_file_read(int fd, struct pyi_core_file *ret_core)
{
	struct pyi_core_file core = { .fd = fd };
	struct pyi_error *error = read_all(&core);

	if (error) {
		pyi_core_file_deinit(&core);
		return error;
	}
	*ret_core = core;
	return NULL;
}

const struct pyi_core_segment *pyi_core_file_segment(const struct pyi_core_file *core,
						     uint64_t addr)
{
	size_t low = 0;
	size_t high = core->segment_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pyi_core_segment *segment = &core->segments[middle];

		if (addr < segment->start_addr)
			high = middle;
		else if (addr >= segment->end_addr)
			low = middle + 1;
		else
			return segment;
	}
	return NULL;
}

bool pyi_core_file_memory(const struct pyi_core_file *core, uint64_t addr, void *ret_bytes,
			  size_t size_bytes)
{
	char *at = ret_bytes;

	while (size_bytes) {
		const struct pyi_core_segment *segment = pyi_core_file_segment(core, addr);
		uint64_t inside = segment ? addr - segment->start_addr : 0;
		size_t step;

		if (!segment || inside >= segment->file_bytes)
			return false;
		step = segment->file_bytes - inside < size_bytes
			       ? (size_t)(segment->file_bytes - inside)
			       : size_bytes;
		if (!read_at(core->fd, segment->offset + inside, at, step))
			return false;
		at += step;
		addr += step;
		size_bytes -= step;
	}
	return true;
}

void pyi_core_file_deinit(struct pyi_core_file *core)
{
	free(core->segments);
	free(core->mappings);
	free(core->text);
	free(core->threads);
	*core = (struct pyi_core_file){ .fd = -1 };
}
