/*
 * A table of names.
 */
#include "heap/path_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

enum {
	SLOTS = 4 * PYI_PATH_STEPS_LIMIT,
	/* How far back a step is looked for that comes again, and how often it may. */
	LOOK_BACK = 8,
	REPEATS = 2,
};

#define DICT ".__dict__"

struct pyi_error *pyi_path_steps_init(struct pyi_path_steps *steps, const char *const *wanted,
				      size_t wanted_count)
{
	*steps = (struct pyi_path_steps){
		.wanted = wanted,
		.wanted_count = wanted_count,
		.slots = calloc(SLOTS, sizeof(*steps->slots)),
	};
	return steps->slots ? NULL : pyi_error_no_memory();
}

void pyi_path_steps_deinit(struct pyi_path_steps *steps)
{
	for (size_t s = 0; s < steps->count; s++)
		free(steps->items[s].name);
	free(steps->items);
	free(steps->slots);
	*steps = (struct pyi_path_steps){ 0 };
}

static uint32_t hash_of(const char *name, bool dict)
{
	uint64_t hash = dict ? 1 : 2;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 40) % SLOTS;
}

static uint32_t slot_of(const struct pyi_path_steps *steps, const char *name, bool dict)
{
	uint32_t slot = hash_of(name, dict);

	while (steps->slots[slot]) {
		const struct pyi_path_step *found = &steps->items[steps->slots[slot] - 1];

		if (found->dict == dict && strcmp(found->name, name) == 0)
			break;
		slot = (slot + 1) % SLOTS;
	}
	return slot;
}

/* Of a chain, whose links would make a name each. */
static uint32_t find_repeated(const struct pyi_path_steps *steps, const struct pyi_path_step *like,
			      const char *part)
{
	uint32_t found = PYI_PATH_NONE;
	uint32_t at = like->above;
	int repeats = 0;

	if (!*part)
		return PYI_PATH_NONE;
	for (int back = 0; back < LOOK_BACK && at != PYI_PATH_NONE; back++) {
		const struct pyi_path_step *step = &steps->items[at];

		if (step->type == like->type && step->dict == like->dict &&
		    strcmp(step->name + step->part, part) == 0) {
			found = found == PYI_PATH_NONE ? at : found;
			repeats++;
		}
		at = step->above;
	}
	return repeats >= REPEATS ? found : PYI_PATH_NONE;
}

bool pyi_path_steps_want(const struct pyi_path_steps *steps, const char *text)
{
	size_t length = strlen(text);

	for (size_t w = 0; w < steps->wanted_count; w++)
		if (strncmp(steps->wanted[w], text, length) == 0)
			return true;
	return false;
}

char *pyi_path_step_name(const struct pyi_path_step *step)
{
	char *name;

	return asprintf(&name, "%s%s", step->name, step->dict ? DICT : "") < 0 ? NULL : name;
}

static struct pyi_error *note_wanted(const struct pyi_path_steps *steps, struct pyi_path_step *step)
{
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;

	if (!steps->wanted_count)
		return NULL;
	name = pyi_path_step_name(step);
	if (!name)
		return pyi_error_no_memory();
	step->leads_to_wanted = pyi_path_steps_want(steps, step->name);
	for (size_t w = 0; w < steps->wanted_count; w++)
		step->wanted |= strcmp(steps->wanted[w], name) == 0;
	return NULL;
}

static struct pyi_error *add(struct pyi_path_steps *steps, const struct pyi_path_step *like,
			     char **name, uint32_t *ret_number)
{
	struct pyi_path_step step = *like;
	struct pyi_error *error;

	if (!pyi_array_reserve(&steps->items, steps->count, &steps->capacity, sizeof(step)))
		return pyi_error_no_memory();
	step.name = *name;
	error = note_wanted(steps, &step);
	if (error)
		return error;
	steps->items[steps->count] = step;
	*name = NULL;
	*ret_number = (uint32_t)steps->count++;
	return NULL;
}

struct pyi_error *pyi_path_steps_find(struct pyi_path_steps *steps,
				      const struct pyi_path_step *like, const char *base,
				      const char *part, uint32_t *ret_number)
{
	PYI_CLEANUP(pyi_guard_free) char *name = NULL;
	struct pyi_path_step step = *like;
	struct pyi_error *error;
	uint32_t slot;

	*ret_number = find_repeated(steps, like, part);
	if (*ret_number != PYI_PATH_NONE)
		return NULL;
	if (asprintf(&name, "%s%s", base, part) < 0) {
		name = NULL;
		return pyi_error_no_memory();
	}
	step.part = (uint32_t)strlen(base);
	slot = slot_of(steps, name, step.dict);
	if (!steps->slots[slot] && steps->count >= PYI_PATH_STEPS_LIMIT) {
		steps->full = true;
		return NULL;
	}
	if (!steps->slots[slot]) {
		error = add(steps, &step, &name, ret_number);
		if (error)
			return error;
		steps->slots[slot] = *ret_number + 1;
	}
	*ret_number = steps->slots[slot] - 1;
	return NULL;
}
