/*
 * Goes through segments and mappings side by side.
 */
#include "core/core_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/page.h"
#include "core/core_binaries.h"
#include "core/core_client.h"
#include "core/core_file.h"

enum {
	TEXT_BYTES = 1024,
	KILOBYTE = 1024,
	/* Of the unit of st_blocks. */
	BLOCK_BYTES = 512,
};

struct plan {
	const struct pyi_core_file *core;
	const struct pyi_core_binaries *binaries;
	struct pyi_core_area *areas;
	size_t area_count;
	size_t area_room;
	struct pyi_core_module *modules;
	size_t module_count;
	size_t module_room;
	/* The maps, as text. */
	FILE *maps;
	uint64_t core_bytes;
	uint64_t left_out_bytes;
};

static bool add_area(struct plan *plan, uint64_t start_addr, uint64_t end_addr, uint64_t offset,
		     uint32_t protection, uint32_t file)
{
	if (start_addr >= end_addr)
		return true;
	if (!pyi_array_reserve(&plan->areas, plan->area_count, &plan->area_room,
			       sizeof(*plan->areas)))
		return false;
	plan->areas[plan->area_count++] = (struct pyi_core_area){
		.start_addr = start_addr,
		.end_addr = end_addr,
		.offset = offset,
		.protection = protection,
		.file = file,
	};
	return true;
}

/* As the kernel does: a line for each, in which a path has no end of a line. */
static void print_map(const struct plan *plan, uint64_t start_addr, uint64_t end_addr,
		      const struct pyi_core_segment *segment,
		      const struct pyi_core_mapping *mapping)
{
	const struct pyi_core_binary *binary =
		mapping ? pyi_core_binaries_of(plan->binaries, mapping->path) : NULL;
	uint64_t offset = mapping ? mapping->offset + (start_addr - mapping->start_addr) : 0;

	fprintf(plan->maps, "%" PRIx64 "-%" PRIx64 " %c%c%cp %08" PRIx64 " 00:%02x %zu ",
		start_addr, end_addr, segment->protection & PROT_READ ? 'r' : '-',
		segment->protection & PROT_WRITE ? 'w' : '-',
		segment->protection & PROT_EXEC ? 'x' : '-', offset, mapping ? 1U : 0U,
		binary ? (size_t)(binary - plan->binaries->items) + 1 : 0);
	for (const char *at = mapping ? mapping->path : ""; *at; at++)
		fputc(*at == '\n' ? '?' : *at, plan->maps);
	fputc('\n', plan->maps);
}

static bool add_module(struct plan *plan, uint64_t start_addr, uint64_t end_addr, uint32_t file)
{
	if (!pyi_array_reserve(&plan->modules, plan->module_count, &plan->module_room,
			       sizeof(*plan->modules)))
		return false;
	plan->modules[plan->module_count++] = (struct pyi_core_module){
		.start_addr = start_addr,
		.end_addr = end_addr,
		.file = file,
	};
	return true;
}

/*
 * Of a part that the core does not say more about: what the file says of it. A page can be the end
 * of one segment and the start of the next: then that counts which begins at its very offset.
 */
static uint32_t protection_of(const struct pyi_core_binary *binary, uint64_t offset)
{
	uint64_t page_mask = pyi_page_bytes() - 1;
	uint32_t protection = PROT_READ;

	for (size_t l = 0; binary && l < binary->load_count; l++) {
		const struct pyi_core_load *load = &binary->loads[l];
		uint64_t first = load->offset & ~page_mask;

		if (offset >= first && offset - first < load->size_bytes + (load->offset - first))
			protection = load->protection;
		if (offset == first)
			break;
	}
	/* What was written to would be in the core. */
	return protection & ~(uint32_t)PROT_WRITE;
}

/* What of a program is behind the last page of its file faults, as it did in the process. */
static uint64_t end_of_file_pages(const struct pyi_core_binary *binary)
{
	uint64_t page_mask = pyi_page_bytes() - 1;

	return (binary->size_bytes + page_mask) & ~page_mask;
}

/* A part of a segment that is of one mapping, or of none. */
static bool add_piece(struct plan *plan, const struct pyi_core_segment *segment,
		      uint64_t start_addr, uint64_t end_addr,
		      const struct pyi_core_mapping *mapping)
{
	const struct pyi_core_binary *binary =
		mapping ? pyi_core_binaries_of(plan->binaries, mapping->path) : NULL;
	uint64_t there_addr = segment->start_addr + segment->file_bytes;
	uint64_t offset = mapping ? mapping->offset + (start_addr - mapping->start_addr) : 0;
	struct pyi_core_segment known = *segment;

	if (segment->unsaid) {
		known.protection = protection_of(binary, offset);
		segment = &known;
	}
	print_map(plan, start_addr, end_addr, segment, mapping);
	if (binary && binary->file && !add_module(plan, start_addr, end_addr, binary->file))
		return false;
	if (!segment->protection)
		return true;
	if (there_addr > end_addr)
		there_addr = end_addr;
	if (there_addr > start_addr) {
		plan->core_bytes += there_addr - start_addr;
		if (!add_area(plan, start_addr, there_addr,
			      segment->offset + (start_addr - segment->start_addr),
			      segment->protection, 0))
			return false;
		start_addr = there_addr;
	}
	if (start_addr == end_addr)
		return true;
	/* What was written to would be in the core. */
	if (!binary || !binary->file) {
		if (segment->protection & PROT_WRITE)
			plan->left_out_bytes += end_addr - start_addr;
		return true;
	}
	offset = mapping->offset + (start_addr - mapping->start_addr);
	if (offset >= end_of_file_pages(binary))
		return true;
	if (end_addr - start_addr > end_of_file_pages(binary) - offset)
		end_addr = start_addr + (end_of_file_pages(binary) - offset);
	return add_area(plan, start_addr, end_addr, offset, segment->protection, binary->file);
}

static bool add_all(struct plan *plan)
{
	const struct pyi_core_file *core = plan->core;
	size_t m = 0;

	for (size_t s = 0; s < core->segment_count; s++) {
		const struct pyi_core_segment *segment = &core->segments[s];
		uint64_t addr = segment->start_addr;

		while (addr < segment->end_addr) {
			const struct pyi_core_mapping *mapping;
			uint64_t end_addr = segment->end_addr;
			bool inside;

			while (m < core->mapping_count && core->mappings[m].end_addr <= addr)
				m++;
			mapping = m < core->mapping_count ? &core->mappings[m] : NULL;
			inside = mapping && mapping->start_addr <= addr;
			if (inside && mapping->end_addr < end_addr)
				end_addr = mapping->end_addr;
			else if (!inside && mapping && mapping->start_addr < end_addr)
				end_addr = mapping->start_addr;
			if (!add_piece(plan, segment, addr, end_addr, inside ? mapping : NULL))
				return false;
			addr = end_addr;
		}
	}
	return true;
}

/* The size in memory is what the core has, without its holes: pages that were never touched. */
static uint64_t resident_bytes(const struct plan *plan)
{
	struct stat status;

	if (fstat(plan->core->fd, &status) == 0 && status.st_blocks > 0 &&
	    (uint64_t)status.st_blocks * BLOCK_BYTES < plan->core_bytes)
		return (uint64_t)status.st_blocks * BLOCK_BYTES;
	return plan->core_bytes;
}

static struct pyi_error *send_texts(const struct plan *plan, int channel_fd)
{
	const struct pyi_core_file *core = plan->core;
	uint64_t resident_kb = resident_bytes(plan) / KILOBYTE;
	const char *program = "?";
	struct pyi_error *error;
	char text[TEXT_BYTES];
	int length;

	length = snprintf(text, sizeof(text),
			  "%d (core) t 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 %zu 0 0 0 0 0 0 0 0 0 0 0 "
			  "0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
			  core->pid, core->thread_count);
	error = pyi_core_client_send(channel_fd, PYI_CORE_STAT, text, (size_t)length);
	if (error)
		return error;
	length = snprintf(text, sizeof(text),
			  "Name:\tcore\nState:\tt (tracing stop)\nTgid:\t%d\nPid:\t%d\nPPid:\t1\n"
			  "TracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nNSpid:\t%d\nVmRSS:\t%" PRIu64
			  " kB\nRssAnon:\t%" PRIu64 " kB\nThreads:\t%zu\nSeccomp:\t0\n",
			  core->pid, core->pid, core->uid, core->uid, core->uid, core->uid,
			  core->pid, resident_kb, resident_kb, core->thread_count);
	error = pyi_core_client_send(channel_fd, PYI_CORE_STATUS, text, (size_t)length);
	if (error)
		return error;
	for (size_t m = 0; m < core->mapping_count; m++)
		if (core->program_headers_addr >= core->mappings[m].start_addr &&
		    core->program_headers_addr < core->mappings[m].end_addr)
			program = core->mappings[m].path;
	if (!program[0])
		program = "?";
	return pyi_core_client_send(channel_fd, PYI_CORE_PROGRAM, program, strlen(program));
}

static struct pyi_error *send(const struct plan *plan, const char *maps, size_t maps_bytes,
			      int channel_fd)
{
	const struct {
		enum pyi_core_part part;
		const void *bytes;
		size_t size_bytes;
	} parts[] = {
		{ PYI_CORE_MAPS, maps, maps_bytes },
		{ PYI_CORE_AREAS, plan->areas, plan->area_count * sizeof(*plan->areas) },
		{ PYI_CORE_MODULES, plan->modules, plan->module_count * sizeof(*plan->modules) },
		{ PYI_CORE_THREADS, plan->core->threads,
		  plan->core->thread_count * sizeof(*plan->core->threads) },
	};
	struct pyi_error *error = send_texts(plan, channel_fd);

	for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]) && !error; p++)
		error = pyi_core_client_send(channel_fd, parts[p].part, parts[p].bytes,
					     parts[p].size_bytes);
	return error;
}

static struct pyi_error *make_and_send(struct plan *plan, int channel_fd)
{
	PYI_CLEANUP(pyi_guard_free) char *maps = NULL;
	size_t maps_bytes = 0;
	bool made;

	plan->maps = open_memstream(&maps, &maps_bytes);
	made = plan->maps && add_all(plan);
	if (plan->maps && fclose(plan->maps) != 0)
		made = false;
	return made ? send(plan, maps, maps_bytes, channel_fd) : pyi_error_no_memory();
}

struct pyi_error *pyi_core_plan_send(int core_fd, int channel_fd, struct pyi_core_facts *ret_facts)
{
	PYI_CLEANUP(pyi_core_file_deinit) struct pyi_core_file core = { .fd = -1 };
	PYI_CLEANUP(pyi_core_binaries_deinit) struct pyi_core_binaries binaries = { 0 };
	struct plan plan = { .core = &core, .binaries = &binaries };
	struct pyi_error *error = pyi_core_file_read(core_fd, &core);

	if (!error)
		error = pyi_core_binaries_find(&core, channel_fd, &binaries);
	if (!error)
		error = make_and_send(&plan, channel_fd);
	free(plan.areas);
	free(plan.modules);
	if (error)
		return error;
	*ret_facts = (struct pyi_core_facts){
		.pid = core.pid,
		.truncated = core.truncated,
		.lost_bytes = core.lost_bytes,
		.left_out_bytes = plan.left_out_bytes,
		.unsure_count = binaries.unsure_count,
		.unsure_path = binaries.unsure_path ? strdup(binaries.unsure_path) : NULL,
	};
	return NULL;
}

void pyi_core_facts_deinit(struct pyi_core_facts *facts)
{
	free(facts->unsure_path);
	*facts = (struct pyi_core_facts){ 0 };
}
