/*
 * Tests of src/process/elf_module.c and elf_module_open.c on our own program, mapped and copied,
 * and on damaged copies of it.
 *
 * Does not test debug information or symbol versions, which are not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "process/elf_module.h"

/* What is looked up in this program. */
uint32_t pyi_test_numbers[5] = { 1, 2, 3, 4, 5 };
uint64_t pyi_test_zeros[100];
__thread int pyi_test_of_thread = 3;
void pyi_test_function(void);

void pyi_test_function(void)
{
	pyi_test_zeros[1] += pyi_test_numbers[1];
	pyi_test_of_thread++;
}

struct fixture {
	struct pyi_process process;
	struct pyi_maps maps;
	/* The program as it is in its file. */
	unsigned char *file;
	size_t file_bytes;
};

static uint64_t addr_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat status;

	pyi_test_function();
	*state = fixture;
	if (fd < 0 || fstat(fd, &status))
		return -1;
	fixture->file_bytes = (size_t)status.st_size;
	fixture->file = malloc(fixture->file_bytes);
	if (read(fd, fixture->file, fixture->file_bytes) != (ssize_t)fixture->file_bytes)
		return -1;
	close(fd);
	if (pyi_process_open(getpid(), &fixture->process) ||
	    pyi_maps_read(&fixture->process, &fixture->maps))
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pyi_maps_deinit(&fixture->maps);
	pyi_process_close(&fixture->process);
	free(fixture->file);
	free(fixture);
	return 0;
}

static void expect_code(struct pyi_error *error, const char *code, enum pyi_exit exit)
{
	if (!error)
		fail_msg("no error instead of %s", code);
	if (strcmp(pyi_error_code_name(error->code), code))
		fail_msg("%s (%s) instead of %s", pyi_error_code_name(error->code), error->message,
			 code);
	assert_int_equal(error->exit, exit);
	pyi_error_destroy(error);
}

static int memory_file(const void *bytes, size_t size)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, 0), size);
	return fd;
}

static void check_symbols(struct pyi_elf_module *module)
{
	struct pyi_elf_symbol symbol = { 0 };
	struct pyi_elf_range ranges[8];
	bool has_numbers = false, has_zeros = false;
	size_t count;

	assert_true(pyi_elf_module_find_symbol(module, "pyi_test_function", &symbol));
	assert_true(symbol.addr == addr_of(&pyi_test_function));
	assert_true(symbol.is_function && symbol.size_bytes > 0);
	assert_true(pyi_elf_module_find_symbol(module, "pyi_test_numbers", &symbol));
	assert_true(symbol.addr == addr_of(pyi_test_numbers));
	assert_int_equal(symbol.size_bytes, sizeof(pyi_test_numbers));
	assert_false(symbol.is_function);
	assert_true(pyi_elf_module_find_symbol(module, "pyi_test_zeros", &symbol));
	assert_true(symbol.addr == addr_of(pyi_test_zeros));
	assert_false(pyi_elf_module_find_symbol(module, "pyi_test_of_thread", &symbol));
	assert_false(pyi_elf_module_find_symbol(module, "pyi_test_", &symbol));
	assert_false(pyi_elf_module_find_symbol(module, "", &symbol));
	/* Defined elsewhere. */
	assert_false(pyi_elf_module_find_symbol(module, "elf_begin", &symbol));
	count = pyi_elf_module_writable_ranges(module, ranges, 8);
	assert_in_range(count, 1, 4);
	assert_int_equal(pyi_elf_module_writable_ranges(module, ranges, 0), 0);
	while (count--) {
		uint64_t end_addr = ranges[count].addr + ranges[count].size_bytes;

		if (addr_of(pyi_test_numbers) >= ranges[count].addr &&
		    addr_of(pyi_test_numbers + 5) <= end_addr)
			has_numbers = true;
		if (addr_of(pyi_test_zeros) >= ranges[count].addr &&
		    addr_of(pyi_test_zeros + 100) <= end_addr)
			has_zeros = true;
		assert_false(addr_of(&pyi_test_function) >= ranges[count].addr &&
			     addr_of(&pyi_test_function) < end_addr);
	}
	assert_true(has_numbers && has_zeros);
}

static void test_program_from_any_of_its_maps(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_map *text;
	size_t tried = 0;
	size_t i;

	text = pyi_maps_find(&fixture->maps, addr_of(&pyi_test_function));
	assert_non_null(text);
	for (i = 0; i < fixture->maps.count; i++) {
		struct pyi_elf_module *module;
		struct pyi_error *error;

		if (!pyi_map_same_file(&fixture->maps.items[i], text))
			continue;
		error = pyi_elf_module_open(&fixture->process, &fixture->maps,
					    &fixture->maps.items[i], &module);
		if (error)
			fail_msg("%s", error->message);
		check_symbols(module);
		assert_string_equal(pyi_elf_module_path(module), text->path);
		pyi_elf_module_close(module);
		tried++;
	}
	assert_true(tried >= 3);
	pyi_elf_module_close(NULL);
}

static void test_library(void **state)
{
	struct fixture *fixture = *state;
	uint64_t addr = addr_of(dlsym(RTLD_DEFAULT, "elf_begin"));
	const struct pyi_map *map = pyi_maps_find(&fixture->maps, addr);
	struct pyi_elf_module *module;
	struct pyi_elf_symbol symbol;

	assert_non_null(map);
	assert_null(pyi_elf_module_open(&fixture->process, &fixture->maps, map, &module));
	assert_true(pyi_elf_module_find_symbol(module, "elf_begin", &symbol));
	assert_true(symbol.addr == addr);
	assert_true(symbol.is_function);
	pyi_elf_module_close(module);
}

/* A program that reads its own file as data has a second map of its first page. */
static void test_mapped_as_data_too(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/proc/self/exe", O_RDONLY);
	void *data = mmap(NULL, fixture->file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	const struct pyi_map *map;
	struct pyi_elf_module *module;
	struct pyi_maps maps;

	assert_true(data != MAP_FAILED);
	assert_null(pyi_maps_read(&fixture->process, &maps));
	map = pyi_maps_find(&maps, addr_of(data));
	assert_non_null(map);
	assert_null(pyi_elf_module_open(&fixture->process, &maps, map, &module));
	check_symbols(module);
	pyi_elf_module_close(module);
	map = pyi_maps_find(&maps, addr_of(&pyi_test_function));
	assert_null(pyi_elf_module_open(&fixture->process, &maps, map, &module));
	check_symbols(module);
	pyi_elf_module_close(module);
	pyi_maps_deinit(&maps);
	munmap(data, fixture->file_bytes);
	close(fd);
}

static void test_file_alone(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t bias = UINT64_C(0x7f0000000000);
	struct pyi_elf_module *module;
	struct pyi_elf_symbol low, high;

	assert_null(pyi_elf_module_open_fd(memory_file(fixture->file, fixture->file_bytes), 0,
					   &module));
	assert_true(pyi_elf_module_find_symbol(module, "pyi_test_numbers", &low));
	pyi_elf_module_close(module);
	assert_null(pyi_elf_module_open_fd(memory_file(fixture->file, fixture->file_bytes), bias,
					   &module));
	assert_true(pyi_elf_module_find_symbol(module, "pyi_test_numbers", &high));
	pyi_elf_module_close(module);
	assert_true(high.addr - low.addr == bias);
	/* So high that the variable would lie over the end of memory. */
	expect_code(pyi_elf_module_open_fd(memory_file(fixture->file, fixture->file_bytes),
					   0 - low.addr - 8, &module),
		    "module-unreadable", PYI_EXIT_FAILED);
}

static void expect_header(const struct fixture *fixture, size_t at, unsigned char value,
			  const char *code, enum pyi_exit exit)
{
	int fd = memory_file(fixture->file, fixture->file_bytes);
	struct pyi_elf_module *module;

	assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
	expect_code(pyi_elf_module_open_fd(fd, 0, &module), code, exit);
	/* It is closed. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_not_for_us(void **state)
{
	struct fixture *fixture = *state;
	struct pyi_elf_module *module;

	expect_header(fixture, 1, 'e', "not-elf", PYI_EXIT_UNSUPPORTED);
	expect_header(fixture, EI_CLASS, ELFCLASS32, "elf-32-bit", PYI_EXIT_UNSUPPORTED);
	expect_header(fixture, EI_CLASS, 9, "not-elf", PYI_EXIT_UNSUPPORTED);
	expect_header(fixture, EI_DATA, ELFDATA2MSB, "elf-foreign-machine", PYI_EXIT_UNSUPPORTED);
	expect_header(fixture, offsetof(Elf64_Ehdr, e_machine), EM_386, "elf-foreign-machine",
		      PYI_EXIT_UNSUPPORTED);
	expect_header(fixture, offsetof(Elf64_Ehdr, e_type), ET_REL, "not-elf",
		      PYI_EXIT_UNSUPPORTED);
	expect_header(fixture, offsetof(Elf64_Ehdr, e_type), ET_CORE, "not-elf",
		      PYI_EXIT_UNSUPPORTED);
	expect_code(pyi_elf_module_open_fd(memory_file("", 0), 0, &module), "not-elf",
		    PYI_EXIT_UNSUPPORTED);
	expect_code(pyi_elf_module_open_fd(memory_file("#!/bin/sh\nexit 0\n", 17), 0, &module),
		    "not-elf", PYI_EXIT_UNSUPPORTED);
	expect_code(pyi_elf_module_open_fd(memory_file(fixture->file, 63), 0, &module), "not-elf",
		    PYI_EXIT_UNSUPPORTED);
}

/* Opens a damaged file and asks it everything. There is no right answer: it must come back. */
static bool survive(int fd)
{
	struct pyi_elf_module *module;
	struct pyi_elf_symbol symbol;
	struct pyi_elf_range ranges[4];
	struct pyi_error *error = pyi_elf_module_open_fd(dup(fd), 0x10000, &module);
	size_t count;

	if (error) {
		pyi_error_destroy(error);
		return false;
	}
	pyi_elf_module_find_symbol(module, "pyi_test_numbers", &symbol);
	pyi_elf_module_find_symbol(module, "no such symbol", &symbol);
	count = pyi_elf_module_writable_ranges(module, ranges, 4);
	while (count--)
		assert_true(ranges[count].addr + ranges[count].size_bytes >= ranges[count].addr);
	pyi_elf_module_close(module);
	return true;
}

static void test_truncated(void **state)
{
	struct fixture *fixture = *state;
	size_t step = fixture->file_bytes / 150 + 1;
	int fd = memory_file(fixture->file, fixture->file_bytes);
	size_t length;

	assert_true(survive(fd));
	for (length = fixture->file_bytes - 1; length > 1200;
	     length -= length > fixture->file_bytes - 300 ? 1 : step) {
		assert_int_equal(ftruncate(fd, (off_t)length), 0);
		survive(fd);
		if (length < 1200 + step)
			break;
	}
	for (length = 1200; length; length--) {
		assert_int_equal(ftruncate(fd, (off_t)length), 0);
		survive(fd);
	}
	close(fd);
}

static void flip(const struct fixture *fixture, int fd, size_t at, unsigned char mask)
{
	unsigned char byte = fixture->file[at] ^ mask;

	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	survive(fd);
	assert_int_equal(pwrite(fd, &fixture->file[at], 1, (off_t)at), 1);
}

static void test_flipped(void **state)
{
	struct fixture *fixture = *state;
	static const unsigned char masks[] = { 0x01, 0x80, 0xff };
	int fd = memory_file(fixture->file, fixture->file_bytes);
	uint64_t noise = 88172645463325252u;
	Elf64_Ehdr header;
	size_t at, i;

	memcpy(&header, fixture->file, sizeof(header));
	/* The header, the segment table, the section table. */
	for (i = 0; i < 3; i++) {
		for (at = 0; at < sizeof(header); at++)
			flip(fixture, fd, at, masks[i]);
		for (at = 0; at < header.e_phnum * sizeof(Elf64_Phdr); at++)
			flip(fixture, fd, header.e_phoff + at, masks[i]);
		for (at = 0; at < header.e_shnum * sizeof(Elf64_Shdr); at++)
			flip(fixture, fd, header.e_shoff + at, masks[i]);
	}
	/* Anywhere, the same places in every run. */
	for (i = 0; i < 1500; i++) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		flip(fixture, fd, noise % fixture->file_bytes, (unsigned char)(noise >> 32) | 1);
	}
	assert_true(survive(fd));
	close(fd);
}

/* Headers that promise more than any file has. */
static void test_lies(void **state)
{
	struct fixture *fixture = *state;
	int fd = memory_file(fixture->file, fixture->file_bytes);
	Elf64_Ehdr header, lie;

	memcpy(&header, fixture->file, sizeof(header));
	lie = header;
	lie.e_shnum = 0;
	assert_int_equal(pwrite(fd, &lie, sizeof(lie), 0), sizeof(lie));
	assert_false(survive(fd));
	lie = header;
	lie.e_phnum = PN_XNUM;
	assert_int_equal(pwrite(fd, &lie, sizeof(lie), 0), sizeof(lie));
	assert_false(survive(fd));
	lie = header;
	lie.e_phnum = 0;
	assert_int_equal(pwrite(fd, &lie, sizeof(lie), 0), sizeof(lie));
	assert_false(survive(fd));
	lie = header;
	lie.e_shnum = 0xfeff;
	assert_int_equal(pwrite(fd, &lie, sizeof(lie), 0), sizeof(lie));
	/* Sparse: all these sections are there, and empty. */
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	survive(fd);
	close(fd);
}

static void test_no_file(void **state)
{
	struct fixture *fixture = *state;
	const char *folder = getenv("TMPDIR");
	static const char text[] = "not a program\n";
	struct pyi_elf_module *module;
	struct pyi_maps maps;
	char path[128];
	void *page;
	int local;
	int fd;

	snprintf(path, sizeof(path), "%s/text.XXXXXX",
		 folder && strlen(folder) < 100 ? folder : "/tmp");
	fd = mkstemp(path);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	page = mmap(NULL, sizeof(text), PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(page != MAP_FAILED);
	assert_null(pyi_maps_read(&fixture->process, &maps));
	expect_code(pyi_elf_module_open(&fixture->process, &maps,
					pyi_maps_find(&maps, addr_of(&local)), &module),
		    "not-elf", PYI_EXIT_UNSUPPORTED);
	expect_code(pyi_elf_module_open(&fixture->process, &maps,
					pyi_maps_find(&maps, addr_of(page)), &module),
		    "not-elf", PYI_EXIT_UNSUPPORTED);
	pyi_maps_deinit(&maps);
	munmap(page, sizeof(text));
	close(fd);
	unlink(path);
}

static bool write_file(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
	bool written = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;

	close(fd);
	return written;
}

/* In a child: opens what is at `page` and says by its exit code whether that ends with `code`. */
static int open_mapped(const void *page, const char *code)
{
	struct pyi_process process;
	struct pyi_maps maps;
	const struct pyi_map *map;
	struct pyi_elf_module *module;
	struct pyi_elf_symbol symbol;
	struct pyi_error *error;

	/* An ordinary user cannot open files through a process's maps. */
	if (!getuid() && setresuid(65534, 65534, 65534))
		return 1;
	if (pyi_process_open(getpid(), &process) || pyi_maps_read(&process, &maps))
		return 2;
	map = pyi_maps_find(&maps, addr_of(page));
	if (!map)
		return 3;
	error = pyi_elf_module_open(&process, &maps, map, &module);
	if (error && code)
		return strcmp(pyi_error_code_name(error->code), code) ? 4 : 0;
	if (error || code)
		return 5;
	return pyi_elf_module_find_symbol(module, "pyi_test_numbers", &symbol) ? 0 : 6;
}

static void expect_open(const void *page, const char *code)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(open_mapped(page, code));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_replaced_file(void **state)
{
	struct fixture *fixture = *state;
	char folder[128], path[160], other[160];
	const char *temporary = getenv("TMPDIR");
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	bool found = false;
	void *page;
	size_t i;
	int fd;

	snprintf(folder, sizeof(folder), "%s/elf.XXXXXX",
		 temporary && strlen(temporary) < 100 ? temporary : "/tmp");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/a copy", folder);
	/* Not to be mistaken for this program itself. Nobody uses these flags. */
	fixture->file[offsetof(Elf64_Ehdr, e_flags)] ^= 0x0f;
	assert_true(write_file(path, fixture->file, fixture->file_bytes));
	fd = open(path, O_RDONLY);
	page = mmap(NULL, fixture->file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(page != MAP_FAILED);
	expect_open(page, NULL);
	/* Deleted. */
	assert_int_equal(unlink(path), 0);
	expect_open(page, "module-unreadable");
	/* The same again, as by an installation of the same package. */
	assert_true(write_file(path, fixture->file, fixture->file_bytes));
	expect_open(page, NULL);
	/* No ELF file at all. */
	assert_int_equal(unlink(path), 0);
	assert_true(write_file(path, "text", 4));
	expect_open(page, "module-mismatch");
	/* Not even a file: must not wait for a writer. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0755), 0);
	expect_open(page, "not-elf");
	/* Nor follow a link, even if it leads to the same file. */
	assert_int_equal(unlink(path), 0);
	snprintf(other, sizeof(other), "%s/b copy", folder);
	assert_true(write_file(other, fixture->file, fixture->file_bytes));
	assert_int_equal(symlink(other, path), 0);
	expect_open(page, "not-elf");
	assert_int_equal(unlink(other), 0);
	/* Another program. */
	assert_int_equal(unlink(path), 0);
	fixture->file[offsetof(Elf64_Ehdr, e_flags)] ^= 0xff;
	assert_true(write_file(path, fixture->file, fixture->file_bytes));
	fixture->file[offsetof(Elf64_Ehdr, e_flags)] ^= 0xff;
	expect_open(page, "module-mismatch");
	/* The same but for its notes, where the build id is. */
	memcpy(&header, fixture->file, sizeof(header));
	for (i = 0; i < header.e_phnum && !found; i++) {
		memcpy(&segment, fixture->file + header.e_phoff + i * sizeof(segment),
		       sizeof(segment));
		found = segment.p_type == PT_NOTE;
	}
	assert_true(found);
	assert_int_equal(unlink(path), 0);
	fixture->file[segment.p_offset + segment.p_filesz - 1] ^= 1;
	assert_true(write_file(path, fixture->file, fixture->file_bytes));
	fixture->file[segment.p_offset + segment.p_filesz - 1] ^= 1;
	expect_open(page, "module-mismatch");
	fixture->file[offsetof(Elf64_Ehdr, e_flags)] ^= 0x0f;
	munmap(page, fixture->file_bytes);
	close(fd);
	unlink(path);
	rmdir(folder);
}

static void test_names(void **state)
{
	struct fixture *fixture = *state;
	const struct pyi_map *map = pyi_maps_find(&fixture->maps, (uint64_t)(uintptr_t)test_names);
	struct pyi_elf_name names[3] = {
		{ .addr = (uint64_t)(uintptr_t)test_names + 1 },
		{ .addr = (uint64_t)(uintptr_t)expect_code },
		{ .addr = 8 },
	};
	uint64_t budget_bytes = 1 << 24;
	struct pyi_elf_module *module;
	uint64_t left_bytes;

	assert_non_null(map);
	assert_null(pyi_elf_module_open(&fixture->process, &fixture->maps, map, &module));
	pyi_elf_module_find_names(module, names, 3, &budget_bytes);
	assert_string_equal(names[0].name, "test_names");
	assert_int_equal(names[0].start_addr, (uint64_t)(uintptr_t)test_names);
	assert_string_equal(names[1].name, "expect_code");
	assert_null(names[2].name);
	left_bytes = budget_bytes;
	assert_true(left_bytes > 0 && left_bytes < 1 << 24);
	/* More than is left is not read. */
	budget_bytes = 1;
	pyi_elf_module_find_names(module, names, 3, &budget_bytes);
	assert_null(names[0].name);
	assert_int_equal(budget_bytes, 1);
	pyi_elf_module_close(module);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_from_any_of_its_maps),
		cmocka_unit_test(test_library),
		cmocka_unit_test(test_mapped_as_data_too),
		cmocka_unit_test(test_file_alone),
		cmocka_unit_test(test_not_for_us),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_replaced_file),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("elf_module", tests, set_up, tear_down);
}
