/*
 * Two lists in the order of names, side by side.
 */
#include "analysis/type_changes.h"

#include <stdlib.h>
#include <string.h>

/* Figures come from targets: a sum that does not fit stays at the top. */
static void add_clamped(uint64_t *sum, uint64_t value)
{
	if (__builtin_add_overflow(*sum, value, sum))
		*sum = UINT64_MAX;
}

static void set(struct pyi_type_change *change, const struct pyi_census_type *type, bool after)
{
	*(after ? &change->count.after : &change->count.before) = type->count;
	*(after ? &change->bytes.after : &change->bytes.before) = type->bytes;
	change->estimated |= type->estimated;
}

struct pyi_error *pyi_type_changes_find(const struct pyi_census *before,
					const struct pyi_census *after,
					struct pyi_type_changes *ret_changes)
{
	struct pyi_type_changes changes = { 0 };
	size_t b = 0;
	size_t a = 0;

	changes.items = calloc(before->type_count + after->type_count + 1, sizeof(*changes.items));
	if (!changes.items)
		return pyi_error_no_memory();
	while (b < before->type_count || a < after->type_count) {
		struct pyi_type_change *change = &changes.items[changes.count];
		int order = 0;

		if (b == before->type_count)
			order = 1;
		else if (a == after->type_count)
			order = -1;
		else
			order = strcmp(before->types[b].name, after->types[a].name);
		change->name = strdup(order <= 0 ? before->types[b].name : after->types[a].name);
		if (!change->name) {
			pyi_type_changes_deinit(&changes);
			return pyi_error_no_memory();
		}
		if (order <= 0)
			set(change, &before->types[b++], false);
		if (order >= 0)
			set(change, &after->types[a++], true);
		changes.count++;
	}
	*ret_changes = changes;
	return NULL;
}

static bool is_same(const struct pyi_type_change *change)
{
	return change->count.before == change->count.after &&
	       change->bytes.before == change->bytes.after &&
	       change->retained.before == change->retained.after && !change->added.count &&
	       !change->gone.count;
}

void pyi_type_changes_drop_same(struct pyi_type_changes *changes)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->count; i++) {
		if (is_same(&changes->items[i]))
			free(changes->items[i].name);
		else
			changes->items[kept++] = changes->items[i];
	}
	changes->count = kept;
}

int pyi_change_compare(struct pyi_change left, struct pyi_change right)
{
	bool left_grows = left.after > left.before;
	bool right_grows = right.after > right.before;
	uint64_t by_left = left_grows ? left.after - left.before : left.before - left.after;
	uint64_t by_right = right_grows ? right.after - right.before : right.before - right.after;

	if (left_grows != right_grows)
		return right_grows - left_grows;
	return left_grows ? (by_left < by_right) - (by_left > by_right)
			  : (by_left > by_right) - (by_left < by_right);
}

static int compare_by_bytes(const void *left, const void *right)
{
	const struct pyi_type_change *a = left;
	const struct pyi_type_change *b = right;
	int order = pyi_change_compare(a->bytes, b->bytes);

	if (!order)
		order = pyi_change_compare(a->count, b->count);
	return order ? order : strcmp(a->name, b->name);
}

static int compare_by_count(const void *left, const void *right)
{
	int order = pyi_change_compare(((const struct pyi_type_change *)left)->count,
				       ((const struct pyi_type_change *)right)->count);

	return order ? order : compare_by_bytes(left, right);
}

static int compare_by_retained(const void *left, const void *right)
{
	int order = pyi_change_compare(((const struct pyi_type_change *)left)->retained,
				       ((const struct pyi_type_change *)right)->retained);

	return order ? order : compare_by_bytes(left, right);
}

void pyi_type_changes_sort(struct pyi_type_changes *changes, enum pyi_change_order order)
{
	int (*const by[])(const void *, const void *) = {
		[PYI_CHANGE_BY_BYTES] = compare_by_bytes,
		[PYI_CHANGE_BY_COUNT] = compare_by_count,
		[PYI_CHANGE_BY_RETAINED] = compare_by_retained,
	};

	if (changes->count)
		qsort(changes->items, changes->count, sizeof(*changes->items), by[order]);
}

static void add_change(struct pyi_change *sum, struct pyi_change change)
{
	add_clamped(&sum->before, change.before);
	add_clamped(&sum->after, change.after);
}

struct pyi_type_change pyi_type_changes_sum(const struct pyi_type_changes *changes, size_t first)
{
	struct pyi_type_change sum = { 0 };

	for (size_t i = first; i < changes->count; i++) {
		const struct pyi_type_change *change = &changes->items[i];

		add_change(&sum.count, change->count);
		add_change(&sum.bytes, change->bytes);
		add_clamped(&sum.added.count, change->added.count);
		add_clamped(&sum.added.bytes, change->added.bytes);
		add_clamped(&sum.gone.count, change->gone.count);
		add_clamped(&sum.gone.bytes, change->gone.bytes);
		sum.estimated |= change->estimated;
	}
	return sum;
}

void pyi_type_changes_deinit(struct pyi_type_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		free(changes->items[i].name);
	free(changes->items);
	*changes = (struct pyi_type_changes){ 0 };
}
