/*
 * Collects groups of references and classes, merges those of the same names, and orders them.
 *
 * Does not read edges and owners, but for telling item edges from others; does not print.
 */
#include "analysis/referrers.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 16,
	/* More different item edges than this say nothing one by one; nor do more types of objects
	   that only have what was asked about as their type. */
	ITEM_EDGES = 16,
	CLASS_EDGES = 16,
};

static const char any_item[] = "[*]";
static const char class_edge[] = ".__class__";
static const char any_instance[] = "(instances)";

/* Figures come from the target: a sum that does not fit stays at the top instead of wrapping. */
static uint64_t add_clamped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void deinit_group(struct pyi_referrer_group *group)
{
	free(group->type);
	free(group->edge);
	free(group->owner);
	free(group->numbers);
	if (group->referrers) {
		pyi_referrer_list_deinit(group->referrers);
		free(group->referrers);
	}
}

static bool make_room(struct pyi_referrer_list *list)
{
	size_t capacity = list->capacity;
	struct pyi_referrer_group *groups;

	if (list->count < capacity)
		return true;
	if (!capacity)
		capacity = FIRST_CAPACITY;
	else if (__builtin_mul_overflow(capacity, 2, &capacity))
		return false;
	groups = reallocarray(list->groups, capacity, sizeof(*groups));
	if (!groups)
		return false;
	list->groups = groups;
	list->capacity = capacity;
	return true;
}

struct pyi_error *pyi_referrers_add(struct pyi_referrer_list *list, struct pyi_referrer_group group)
{
	if (!group.type || !group.edge || !make_room(list)) {
		deinit_group(&group);
		return pyi_error_no_memory();
	}
	list->groups[list->count++] = group;
	return NULL;
}

/* No owner comes before all that have a name. */
static int compare_owners(const char *a, const char *b)
{
	if (!a || !b)
		return !!a - !!b;
	return strcmp(a, b);
}

static int compare_places(const struct pyi_referrer_group *a, const struct pyi_referrer_group *b)
{
	int order = strcmp(a->type, b->type);

	return order ? order : compare_owners(a->owner, b->owner);
}

/* 0: to be merged. Groups of one type and owner are neighbours in this order. */
static int compare_names(const struct pyi_referrer_group *a, const struct pyi_referrer_group *b)
{
	int order = compare_places(a, b);

	if (!order)
		order = strcmp(a->edge, b->edge);
	return order ? order : a->internal - b->internal;
}

bool pyi_referrer_group_is_like(const struct pyi_referrer_group *group,
				const struct pyi_referrer_group *other)
{
	return compare_names(group, other) == 0;
}

/* Bigger first. */
static int compare_figures(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare_sizes(const struct pyi_referrer_group *a, const struct pyi_referrer_group *b)
{
	int order = compare_figures(a->references, b->references);

	return order ? order : compare_figures(a->objects, b->objects);
}

/* Among groups to be merged the one to take the example of comes first, whatever order they had. */
static int compare_for_merge(const void *left, const void *right)
{
	const struct pyi_referrer_group *a = left;
	const struct pyi_referrer_group *b = right;
	int order = compare_names(a, b);

	if (!order)
		order = compare_sizes(a, b);
	return order ? order : compare_figures(b->example_addr, a->example_addr);
}

static int compare_for_report(const void *left, const void *right)
{
	const struct pyi_referrer_group *a = left;
	const struct pyi_referrer_group *b = right;
	int order = compare_sizes(a, b);

	return order ? order : compare_names(a, b);
}

static void order_groups(struct pyi_referrer_list *list, int (*compare)(const void *, const void *))
{
	/* qsort() wants an array even when there is nothing to sort. */
	if (list->count)
		qsort(list->groups, list->count, sizeof(*list->groups), compare);
}

/* "['key']", "[3]", "[<str>]"; long enough to become "[*]" where it is. */
static bool is_item_edge(const char *edge)
{
	size_t length = strlen(edge);

	return length >= sizeof(any_item) - 1 && edge[0] == '[' && edge[length - 1] == ']';
}

/* `groups` are those of one type and owner. Returns whether there were too many item edges. */
static bool fold_items(struct pyi_referrer_group *groups, size_t count)
{
	const char *last = any_item;
	size_t different = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_item_edge(groups[i].edge) && strcmp(groups[i].edge, last) != 0) {
			last = groups[i].edge;
			different += strcmp(last, any_item) != 0;
		}
	}
	if (different <= ITEM_EDGES)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (is_item_edge(groups[i].edge))
			memcpy(groups[i].edge, any_item, sizeof(any_item));
	}
	return true;
}

/* Needs the order of compare_for_merge(). */
static bool fold_all_items(struct pyi_referrer_list *list)
{
	bool folded = false;
	size_t end;

	for (size_t start = 0; start < list->count; start = end) {
		end = start + 1;
		while (end < list->count &&
		       compare_places(&list->groups[start], &list->groups[end]) == 0)
			end++;
		folded |= fold_items(&list->groups[start], end - start);
	}
	return folded;
}

static bool is_class_edge(const struct pyi_referrer_group *group)
{
	return strcmp(group->edge, class_edge) == 0 && group->type[0] != '(';
}

/*
 * Every object has a type: asked who refers to types, that would be most of the answer. Returns
 * whether there were too many; what there is no memory for stays as it is. Needs the order of
 * compare_for_merge().
 */
static bool fold_classes(struct pyi_referrer_list *list)
{
	const char *last = "";
	size_t different = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!is_class_edge(&list->groups[i]) || strcmp(list->groups[i].type, last) == 0)
			continue;
		last = list->groups[i].type;
		different++;
	}
	if (different <= CLASS_EDGES)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		struct pyi_referrer_group *group = &list->groups[i];
		char *type = is_class_edge(group) ? strdup(any_instance) : NULL;

		if (!type)
			continue;
		free(group->type);
		free(group->owner);
		group->type = type;
		group->owner = NULL;
	}
	return true;
}

/* Merges `count` (1 or more) groups into the first; on failure they are as they were. */
static bool merge_groups(struct pyi_referrer_group *groups, size_t count)
{
	size_t number_count = 0;
	uint64_t *numbers = NULL;

	if (count == 1)
		return true;
	for (size_t i = 0; i < count; i++)
		number_count += groups[i].number_count;
	if (number_count) {
		numbers = reallocarray(NULL, number_count, sizeof(*numbers));
		if (!numbers)
			return false;
	}
	number_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct pyi_referrer_group *group = &groups[i];

		if (numbers && group->number_count)
			memcpy(&numbers[number_count], group->numbers,
			       group->number_count * sizeof(*numbers));
		number_count += group->number_count;
		if (!i)
			continue;
		groups->objects = add_clamped(groups->objects, group->objects);
		groups->references = add_clamped(groups->references, group->references);
		groups->bytes = add_clamped(groups->bytes, group->bytes);
		groups->estimated |= group->estimated;
		if (!groups->example_addr)
			groups->example_addr = group->example_addr;
		deinit_group(group);
	}
	free(groups->numbers);
	groups->numbers = numbers;
	groups->number_count = number_count;
	return true;
}

struct pyi_error *pyi_referrers_merge(struct pyi_referrer_list *list)
{
	bool failed = false;
	size_t kept = 0;
	size_t end;
	bool folded;

	order_groups(list, compare_for_merge);
	folded = fold_all_items(list);
	folded |= fold_classes(list);
	if (folded)
		order_groups(list, compare_for_merge);
	for (size_t start = 0; start < list->count; start = end) {
		size_t count = 1;

		while (start + count < list->count &&
		       compare_names(&list->groups[start], &list->groups[start + count]) == 0)
			count++;
		end = start + count;
		if (merge_groups(&list->groups[start], count))
			count = 1;
		else
			failed = true;
		memmove(&list->groups[kept], &list->groups[start], count * sizeof(*list->groups));
		kept += count;
	}
	list->count = kept;
	order_groups(list, compare_for_report);
	return failed ? pyi_error_no_memory() : NULL;
}

struct pyi_error *pyi_referrers_add_class(struct pyi_referrers *referrers, char *type,
					  uint64_t count)
{
	size_t class_count = referrers->class_count;
	struct pyi_class_count *classes;
	size_t capacity;

	if (!type)
		return pyi_error_no_memory();
	/* There is room up to the next power of two, always. */
	if (!(class_count & (class_count - 1))) {
		if (__builtin_mul_overflow(class_count ? class_count : 1, 2, &capacity))
			classes = NULL;
		else
			classes = reallocarray(referrers->classes, capacity, sizeof(*classes));
		if (!classes) {
			free(type);
			return pyi_error_no_memory();
		}
		referrers->classes = classes;
	}
	referrers->classes[referrers->class_count++] =
		(struct pyi_class_count){ .type = type, .count = count };
	return NULL;
}

static int compare_class_names(const void *left, const void *right)
{
	const struct pyi_class_count *a = left;
	const struct pyi_class_count *b = right;

	return strcmp(a->type, b->type);
}

static int compare_classes(const void *left, const void *right)
{
	const struct pyi_class_count *a = left;
	const struct pyi_class_count *b = right;
	int order = compare_figures(a->count, b->count);

	return order ? order : strcmp(a->type, b->type);
}

void pyi_referrers_sort_classes(struct pyi_referrers *referrers)
{
	struct pyi_class_count *classes = referrers->classes;
	size_t kept = 0;

	if (!referrers->class_count)
		return;
	qsort(classes, referrers->class_count, sizeof(*classes), compare_class_names);
	for (size_t i = 0; i < referrers->class_count; i++) {
		if (kept && strcmp(classes[kept - 1].type, classes[i].type) == 0) {
			classes[kept - 1].count =
				add_clamped(classes[kept - 1].count, classes[i].count);
			free(classes[i].type);
		} else {
			classes[kept++] = classes[i];
		}
	}
	referrers->class_count = kept;
	qsort(classes, kept, sizeof(*classes), compare_classes);
}

/* Recursion: as deep as levels were asked for on the command line. */
void pyi_referrer_list_deinit(struct pyi_referrer_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		deinit_group(&list->groups[i]);
	free(list->groups);
	*list = (struct pyi_referrer_list){ 0 };
}

void pyi_referrers_deinit(struct pyi_referrers *referrers)
{
	for (size_t i = 0; i < referrers->class_count; i++)
		free(referrers->classes[i].type);
	free(referrers->classes);
	free(referrers->type);
	pyi_referrer_list_deinit(&referrers->list);
	*referrers = (struct pyi_referrers){ 0 };
}
