/*
 * Reads the notes of an ELF image twice, from the core's memory and from a file, and compares.
 */
#include "core/core_binaries.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "core/core_client.h"

enum {
	SEGMENT_LIMIT = 256,
	NOTES_LIMIT_BYTES = 1 << 16,
	/* So many are listed that are not there. */
	TOLD_LIMIT = 12,
	TOLD_BYTES = 8192,
};

struct build_id {
	uint8_t bytes[PYI_BUILD_ID_BYTES];
	size_t size_bytes;
};

/* An ELF image in memory of the core, or in a file. */
struct image {
	const struct pyi_core_file *core;
	/* Where its first byte is in the core; else `fd`. */
	uint64_t start_addr;
	int fd;
};

static bool read_image(const struct image *image, uint64_t offset, void *bytes, size_t size_bytes)
{
	uint64_t addr;

	if (image->fd >= 0)
		return offset <= INT64_MAX &&
		       pread(image->fd, bytes, size_bytes, (off_t)offset) == (ssize_t)size_bytes;
	return !__builtin_add_overflow(image->start_addr, offset, &addr) &&
	       pyi_core_file_memory(image->core, addr, bytes, size_bytes);
}

/* The one called "GNU" of type NT_GNU_BUILD_ID, in the notes of one segment. */
static bool find_in_notes(const char *bytes, size_t size_bytes, struct build_id *ret_id)
{
	size_t at = 0;

	while (size_bytes - at >= sizeof(Elf64_Nhdr)) {
		size_t name_bytes;
		size_t text_bytes;
		Elf64_Nhdr note;

		memcpy(&note, bytes + at, sizeof(note));
		at += sizeof(note);
		name_bytes = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		text_bytes = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		if (name_bytes > size_bytes - at || text_bytes > size_bytes - at - name_bytes)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    memcmp(bytes + at, "GNU", sizeof("GNU")) == 0 && note.n_descsz &&
		    note.n_descsz <= sizeof(ret_id->bytes)) {
			ret_id->size_bytes = note.n_descsz;
			memcpy(ret_id->bytes, bytes + at + name_bytes, note.n_descsz);
			return true;
		}
		at += name_bytes + text_bytes;
	}
	return false;
}

enum found {
	/* It is an image, and that is its id; or it has none, which is empty then. */
	FOUND,
	NO_IMAGE,
	/* A part of it is not there. */
	NOT_THERE,
};

/* `base` is where the segment begins that has the header: 0 in a file. */
static enum found read_build_id(const struct image *image, struct build_id *ret_id)
{
	PYI_CLEANUP(pyi_guard_free) Elf64_Phdr *segments = NULL;
	uint64_t page_mask = pyi_page_bytes() - 1;
	uint64_t first_addr = 0;
	bool all_read = true;
	Elf64_Ehdr header;

	ret_id->size_bytes = 0;
	if (!read_image(image, 0, &header, sizeof(header)))
		return NOT_THERE;
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr) ||
	    header.e_phnum > SEGMENT_LIMIT)
		return NO_IMAGE;
	segments = calloc((size_t)header.e_phnum + 1, sizeof(*segments));
	if (!segments ||
	    !read_image(image, header.e_phoff, segments, header.e_phnum * sizeof(*segments)))
		return NOT_THERE;
	for (size_t s = header.e_phnum; s--;)
		if (segments[s].p_type == PT_LOAD && !(segments[s].p_offset & ~page_mask))
			first_addr = segments[s].p_vaddr & ~page_mask;
	for (size_t s = 0; s < header.e_phnum; s++) {
		PYI_CLEANUP(pyi_guard_free) char *notes = NULL;
		uint64_t at =
			image->fd >= 0 ? segments[s].p_offset : segments[s].p_vaddr - first_addr;

		if (segments[s].p_type != PT_NOTE || segments[s].p_filesz > NOTES_LIMIT_BYTES)
			continue;
		notes = malloc(segments[s].p_filesz + 1);
		if (!notes || !read_image(image, at, notes, segments[s].p_filesz)) {
			all_read = false;
			continue;
		}
		if (find_in_notes(notes, segments[s].p_filesz, ret_id))
			return FOUND;
	}
	return all_read ? FOUND : NOT_THERE;
}

/* Whether anything of the path was mapped as code, or may have been; and where its first byte is.
 */
struct use {
	bool is_code;
	bool may_be_code;
	bool has_start;
	uint64_t start_addr;
};

static int compare_mappings(const void *a, const void *b)
{
	const struct pyi_core_mapping *one = a;
	const struct pyi_core_mapping *other = b;
	int order = strcmp(one->path, other->path);

	return order ? order
		     : (one->start_addr > other->start_addr) -
			       (one->start_addr < other->start_addr);
}

static void note_use(const struct pyi_core_file *core, const struct pyi_core_mapping *mapping,
		     struct use *use)
{
	const struct pyi_core_segment *segment = pyi_core_file_segment(core, mapping->start_addr);
	char magic[SELFMAG];

	if (segment && segment->protection & PROT_EXEC)
		use->is_code = true;
	if (segment && segment->unsaid)
		use->may_be_code = true;
	/* The program can have been mapped as data as well, by itself. */
	if (mapping->offset == 0 &&
	    (!use->has_start || !pyi_core_file_memory(core, use->start_addr, magic, SELFMAG))) {
		use->has_start = true;
		use->start_addr = mapping->start_addr;
	}
}

/* The list of those that are not there, for the error. */
struct missing {
	char text[TOLD_BYTES];
	size_t length;
	size_t count;
};

static void tell(struct missing *missing, const char *path, const struct build_id *id,
		 const char *why)
{
	char hex[2 * PYI_BUILD_ID_BYTES + 1] = "";
	int written;

	if (missing->count++ >= TOLD_LIMIT)
		return;
	for (size_t b = 0; b < id->size_bytes; b++)
		snprintf(hex + 2 * b, 3, "%02x", id->bytes[b]);
	written = snprintf(missing->text + missing->length, sizeof(missing->text) - missing->length,
			   "%s%.400s (build id %s: %s)", missing->length ? ", " : "", path,
			   hex[0] ? hex : "unknown", why);
	if (written > 0 && (size_t)written < sizeof(missing->text) - missing->length)
		missing->length += (size_t)written;
}

static struct pyi_error *not_there(const struct missing *missing)
{
	struct pyi_error *error;
	size_t more = missing->count > TOLD_LIMIT ? missing->count - TOLD_LIMIT : 0;
	char text[64] = "";

	if (more)
		snprintf(text, sizeof(text), ", and %zu more", more);
	error = pyi_error_create(
		PYI_EXIT_FAILED, PYI_ERROR_NO_BINARIES,
		"%zu of the programs and libraries of the core are not here: %.*s%s",
		missing->count, (int)missing->length, missing->text, text);
	return pyi_error_hint(error, "--sysroot DIR says in which folder they are, at the paths "
				     "that they had; debuginfod-find executable BUILD-ID fetches "
				     "one");
}

static bool same_first_page(const struct image *one, const struct image *other)
{
	char bytes[PYI_PAGE_LEAST_BYTES];
	char others[PYI_PAGE_LEAST_BYTES];

	return read_image(one, 0, bytes, sizeof(bytes)) &&
	       read_image(other, 0, others, sizeof(others)) &&
	       memcmp(bytes, others, sizeof(bytes)) == 0;
}

/* NULL if the file is the one that the core has mapped, else why not. */
static const char *compare(const struct image *memory, const struct build_id *wanted, int fd,
			   bool *ret_unsure)
{
	const struct image file = { .fd = fd };
	struct build_id id;

	if (read_build_id(&file, &id) != FOUND)
		return "the file of that name cannot be read";
	if (id.size_bytes != wanted->size_bytes)
		return "the file of that name has another";
	if (!wanted->size_bytes) {
		*ret_unsure = true;
		return same_first_page(memory, &file) ? NULL
						      : "the file of that name is another one";
	}
	return memcmp(id.bytes, wanted->bytes, id.size_bytes) == 0
		       ? NULL
		       : "the file of that name has another";
}

/* What is where in the file, for a core that does not say which part of it was what. */
static void read_loads(int fd, struct pyi_core_binary *binary)
{
	const struct image file = { .fd = fd };
	Elf64_Ehdr header;

	if (!read_image(&file, 0, &header, sizeof(header)))
		return;
	for (unsigned s = 0; s < header.e_phnum && binary->load_count < PYI_CORE_LOADS; s++) {
		Elf64_Phdr segment;

		if (!read_image(&file, header.e_phoff + s * sizeof(segment), &segment,
				sizeof(segment)))
			return;
		if (segment.p_type != PT_LOAD)
			continue;
		binary->loads[binary->load_count++] = (struct pyi_core_load){
			.offset = segment.p_offset,
			.size_bytes = segment.p_filesz,
			.protection = (segment.p_flags & PF_R ? PROT_READ : 0U) |
				      (segment.p_flags & PF_W ? PROT_WRITE : 0U) |
				      (segment.p_flags & PF_X ? PROT_EXEC : 0U),
		};
	}
}

static bool is_of_no_file(const char *path)
{
	return strncmp(path, "/memfd:", strlen("/memfd:")) == 0;
}

static struct pyi_error *find_one(const struct pyi_core_file *core, int channel_fd,
				  const struct use *use, uint32_t *opened,
				  struct pyi_core_binary *binary, struct missing *missing,
				  bool *ret_unsure)
{
	const struct image memory = { .core = core, .start_addr = use->start_addr, .fd = -1 };
	PYI_CLEANUP(pyi_guard_fd) int fd = -1;
	enum found found = NOT_THERE;
	const char *why = NULL;
	struct build_id id = { .size_bytes = 0 };
	struct pyi_error *error;
	int error_number = 0;
	struct stat status;

	if (use->has_start)
		found = read_build_id(&memory, &id);
	/* Of an image its first page is in the core; and what never had a name is code that was
	   made when it was needed, of which no file knows. */
	if (found == NO_IMAGE ||
	    (found == NOT_THERE && (!use->is_code || is_of_no_file(binary->path))))
		return NULL;
	if (found == NOT_THERE) {
		tell(missing, binary->path, &id, "the core does not have the page that says it");
		return NULL;
	}
	error = pyi_core_client_open_file(channel_fd, binary->path, &fd, &error_number);
	if (error)
		return error;
	if (fd < 0)
		why = error_number == ENOENT ? "there is no such file" : strerror(error_number);
	else
		(*opened)++;
	if (!why)
		why = compare(&memory, &id, fd, ret_unsure);
	if (!why && fstat(fd, &status) != 0)
		why = "the file of that name cannot be read";
	if (why) {
		tell(missing, binary->path, &id, why);
		return NULL;
	}
	read_loads(fd, binary);
	binary->file = *opened;
	binary->size_bytes = (uint64_t)status.st_size;
	return NULL;
}

struct pyi_error *pyi_core_binaries_find(const struct pyi_core_file *core, int channel_fd,
					 struct pyi_core_binaries *ret_binaries)
{
	PYI_CLEANUP(pyi_core_binaries_deinit) struct pyi_core_binaries binaries = { 0 };
	PYI_CLEANUP(pyi_guard_free) struct pyi_core_mapping *mappings = NULL;
	PYI_CLEANUP(pyi_guard_free) struct missing *missing = calloc(1, sizeof(*missing));
	struct pyi_error *error = NULL;
	uint32_t opened = 0;

	mappings = calloc(core->mapping_count + 1, sizeof(*mappings));
	binaries.items = calloc(core->mapping_count + 1, sizeof(*binaries.items));
	if (!mappings || !missing || !binaries.items)
		return pyi_error_no_memory();
	for (size_t m = 0; m < core->mapping_count; m++)
		mappings[m] = core->mappings[m];
	qsort(mappings, core->mapping_count, sizeof(*mappings), compare_mappings);
	for (size_t m = 0; m < core->mapping_count && !error;) {
		struct pyi_core_binary *binary = &binaries.items[binaries.count++];
		struct use use = { 0 };
		bool unsure = false;

		binary->path = mappings[m].path;
		for (; m < core->mapping_count && strcmp(mappings[m].path, binary->path) == 0; m++)
			note_use(core, &mappings[m], &use);
		if (!use.is_code && !use.may_be_code)
			continue;
		error = find_one(core, channel_fd, &use, &opened, binary, missing, &unsure);
		if (binary->file && unsure && !binaries.unsure_count++)
			binaries.unsure_path = binary->path;
	}
	if (!error && missing->count)
		error = not_there(missing);
	if (error)
		return error;
	*ret_binaries = binaries;
	binaries = (struct pyi_core_binaries){ 0 };
	return NULL;
}

const struct pyi_core_binary *pyi_core_binaries_of(const struct pyi_core_binaries *binaries,
						   const char *path)
{
	size_t low = 0;
	size_t high = binaries->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(path, binaries->items[middle].path);

		if (!order)
			return &binaries->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void pyi_core_binaries_deinit(struct pyi_core_binaries *binaries)
{
	free(binaries->items);
	*binaries = (struct pyi_core_binaries){ 0 };
}
