/*
 * Blocks of 64 bytes in a hash table, each with a bit for every byte that is kept.
 */
#include "process/memory_image.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	BLOCK_BYTES = 64,
	BLOCK_LIMIT = (64 << 20) / BLOCK_BYTES,
	FIRST_SLOTS = 1024,
	RANGE_BYTES = 64 << 10,
};

struct block {
	/* The address, in blocks. */
	uint64_t number;
	uint64_t kept;
	uint8_t bytes[BLOCK_BYTES];
};

struct pyi_memory_image {
	struct block *blocks;
	size_t count;
	size_t capacity;
	/* 1 more than the number of a block; 0: empty. At most half full. */
	uint32_t *slots;
	size_t slot_count;
};

struct pyi_memory_image *pyi_memory_image_create(void)
{
	struct pyi_memory_image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->slots = calloc(FIRST_SLOTS, sizeof(*image->slots));
	image->slot_count = FIRST_SLOTS;
	if (image->slots)
		return image;
	free(image);
	return NULL;
}

void pyi_memory_image_destroy(struct pyi_memory_image *image)
{
	if (!image)
		return;
	free(image->blocks);
	free(image->slots);
	free(image);
}

static size_t find_slot(const struct pyi_memory_image *image, uint64_t number)
{
	size_t at =
		(size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 24) & (image->slot_count - 1);

	while (image->slots[at] && image->blocks[image->slots[at] - 1].number != number)
		at = (at + 1) & (image->slot_count - 1);
	return at;
}

static bool grow(struct pyi_memory_image *image)
{
	size_t capacity = image->slot_count;
	struct block *blocks = realloc(image->blocks, capacity * sizeof(*blocks));
	uint32_t *slots;

	if (!blocks)
		return false;
	image->blocks = blocks;
	image->capacity = capacity;
	slots = calloc(2 * capacity, sizeof(*slots));
	if (!slots)
		return false;
	free(image->slots);
	image->slots = slots;
	image->slot_count = 2 * capacity;
	for (size_t b = 0; b < image->count; b++)
		slots[find_slot(image, blocks[b].number)] = (uint32_t)b + 1;
	return true;
}

/* NULL without memory or room. */
static struct block *make(struct pyi_memory_image *image, uint64_t number)
{
	size_t slot = find_slot(image, number);

	if (image->slots[slot])
		return &image->blocks[image->slots[slot] - 1];
	if (image->count == BLOCK_LIMIT)
		return NULL;
	if (image->count == image->capacity) {
		if (!grow(image))
			return NULL;
		slot = find_slot(image, number);
	}
	image->blocks[image->count] = (struct block){ .number = number };
	image->slots[slot] = (uint32_t)++image->count;
	return &image->blocks[image->count - 1];
}

/* The bits of `size` bytes from `within` on. */
static uint64_t bits_of(size_t within, size_t size)
{
	return (size == BLOCK_BYTES ? UINT64_MAX : (UINT64_C(1) << size) - 1) << within;
}

bool pyi_memory_image_add(struct pyi_memory_image *image, uint64_t addr, const void *bytes,
			  size_t size_bytes)
{
	const uint8_t *from = bytes;
	uint64_t end;

	if (__builtin_add_overflow(addr, size_bytes, &end))
		return false;
	while (size_bytes) {
		size_t within = (size_t)(addr % BLOCK_BYTES);
		size_t run = BLOCK_BYTES - within < size_bytes ? BLOCK_BYTES - within : size_bytes;
		struct block *block = make(image, addr / BLOCK_BYTES);

		if (!block)
			return false;
		memcpy(block->bytes + within, from, run);
		block->kept |= bits_of(within, run);
		addr += run;
		from += run;
		size_bytes -= run;
	}
	return true;
}

static const struct block *find(const struct pyi_memory_image *image, uint64_t number)
{
	size_t slot = find_slot(image, number);

	return image->slots[slot] ? &image->blocks[image->slots[slot] - 1] : NULL;
}

static bool has_all(const struct pyi_memory_image *image, uint64_t addr, size_t size_bytes)
{
	while (size_bytes) {
		size_t within = (size_t)(addr % BLOCK_BYTES);
		size_t run = BLOCK_BYTES - within < size_bytes ? BLOCK_BYTES - within : size_bytes;
		const struct block *block = find(image, addr / BLOCK_BYTES);

		if (!block || (block->kept & bits_of(within, run)) != bits_of(within, run))
			return false;
		addr += run;
		size_bytes -= run;
	}
	return true;
}

bool pyi_memory_image_read(const struct pyi_memory_image *image, uint64_t addr, void *ret_bytes,
			   size_t size_bytes)
{
	uint8_t *to = ret_bytes;
	uint64_t end;

	if (__builtin_add_overflow(addr, size_bytes, &end) || !has_all(image, addr, size_bytes))
		return false;
	while (size_bytes) {
		size_t within = (size_t)(addr % BLOCK_BYTES);
		size_t run = BLOCK_BYTES - within < size_bytes ? BLOCK_BYTES - within : size_bytes;

		memcpy(to, find(image, addr / BLOCK_BYTES)->bytes + within, run);
		addr += run;
		to += run;
		size_bytes -= run;
	}
	return true;
}

struct place {
	const struct block *block;
};

static int compare_places(const void *one, const void *other)
{
	uint64_t first = ((const struct place *)one)->block->number;
	uint64_t second = ((const struct place *)other)->block->number;

	return (first > second) - (first < second);
}

struct range {
	struct pyi_error *(*callback)(void *argument, uint64_t addr, const uint8_t *bytes,
				      size_t size_bytes);
	void *argument;
	uint64_t addr;
	size_t size_bytes;
	uint8_t *bytes;
};

static struct pyi_error *end_range(struct range *range)
{
	size_t size_bytes = range->size_bytes;

	range->size_bytes = 0;
	return size_bytes ? range->callback(range->argument, range->addr, range->bytes, size_bytes)
			  : NULL;
}

static struct pyi_error *add_byte(struct range *range, uint64_t addr, uint8_t byte)
{
	struct pyi_error *error = NULL;

	if (range->size_bytes == RANGE_BYTES || range->addr + range->size_bytes != addr)
		error = end_range(range);
	if (!range->size_bytes)
		range->addr = addr;
	range->bytes[range->size_bytes++] = byte;
	return error;
}

struct pyi_error *pyi_memory_image_each(const struct pyi_memory_image *image,
					struct pyi_error *(*range)(void *argument, uint64_t addr,
								   const uint8_t *bytes,
								   size_t size_bytes),
					void *argument)
{
	PYI_CLEANUP(pyi_guard_free)
	struct place *sorted = calloc(image->count + 1, sizeof(*sorted));
	PYI_CLEANUP(pyi_guard_free) uint8_t *bytes = malloc(RANGE_BYTES);
	struct range gathered = { .callback = range, .argument = argument, .bytes = bytes };
	struct pyi_error *error = NULL;

	if (!sorted || !bytes)
		return pyi_error_no_memory();
	for (size_t b = 0; b < image->count; b++)
		sorted[b].block = &image->blocks[b];
	qsort(sorted, image->count, sizeof(*sorted), compare_places);
	for (size_t b = 0; b < image->count && !error; b++)
		for (unsigned i = 0; i < BLOCK_BYTES && !error; i++)
			if (sorted[b].block->kept >> i & 1)
				error = add_byte(&gathered,
						 sorted[b].block->number * BLOCK_BYTES + i,
						 sorted[b].block->bytes[i]);
	return error ? error : end_range(&gathered);
}
