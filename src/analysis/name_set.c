/*
 * Keeps names of a message bus in little memory, sorts them, and compares sets of them.
 *
 * Does not check whether a name is one that a bus would give out.
 */
#include "analysis/name_set.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 16,
	/* Below this, a general sort is as fast. */
	FEW_NUMBERS = 512,
	DIGIT_BITS = 8,
	DIGIT_VALUES = 1 << DIGIT_BITS,
};

static const char usual_prefix[] = ":1.";

/*
 * The number of a name ":1.N"; false for all other names, and for a number that does not fit or is
 * not written as a bus does ("+7", "007"): two texts must never become one number.
 */
static bool parse_number(const char *name, uint64_t *ret_number)
{
	const char *digits = name + sizeof(usual_prefix) - 1;
	uint64_t number = 0;

	if (strncmp(name, usual_prefix, sizeof(usual_prefix) - 1) != 0 || !*digits ||
	    (digits[0] == '0' && digits[1]))
		return false;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9' || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *digits - '0', &number))
			return false;
	}
	*ret_number = number;
	return true;
}

/* Room for one more item; NULL without memory, else the array, which may have moved. */
static void *make_room(void *array, size_t count, size_t *capacity, size_t item_bytes)
{
	size_t wanted = *capacity;

	if (count < wanted)
		return array;
	if (!wanted)
		wanted = FIRST_CAPACITY;
	else if (__builtin_mul_overflow(wanted, 2, &wanted))
		return NULL;
	array = reallocarray(array, wanted, item_bytes);
	if (array)
		*capacity = wanted;
	return array;
}

static struct pyi_error *add_number(struct pyi_name_set *set, uint64_t number)
{
	uint64_t *numbers =
		make_room(set->numbers, set->number_count, &set->number_capacity, sizeof(*numbers));

	if (!numbers)
		return pyi_error_no_memory();
	numbers[set->number_count++] = number;
	set->numbers = numbers;
	set->count++;
	set->sorted = false;
	return NULL;
}

static struct pyi_error *add_other(struct pyi_name_set *set, const char *name)
{
	char **others =
		make_room(set->others, set->other_count, &set->other_capacity, sizeof(*others));

	if (!others)
		return pyi_error_no_memory();
	set->others = others;
	others[set->other_count] = strdup(name);
	if (!others[set->other_count])
		return pyi_error_no_memory();
	set->other_count++;
	set->count++;
	set->sorted = false;
	return NULL;
}

struct pyi_error *pyi_name_set_add(struct pyi_name_set *set, const char *name)
{
	uint64_t number;

	return parse_number(name, &number) ? add_number(set, number) : add_other(set, name);
}

struct pyi_error *pyi_name_set_add_unique(struct pyi_name_set *set, const struct pyi_name_set *from)
{
	struct pyi_error *error = NULL;

	for (size_t i = 0; i < from->number_count && !error; i++)
		error = add_number(set, from->numbers[i]);
	for (size_t i = 0; i < from->other_count && !error; i++) {
		if (from->others[i][0] == ':')
			error = add_other(set, from->others[i]);
	}
	return error;
}

static int compare_numbers(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static int compare_others(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* One pass of a radix sort: by the digit at `shift`, otherwise in the order they come. */
static void distribute(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
	size_t starts[DIGIT_VALUES] = { 0 };
	size_t start = 0;

	for (size_t i = 0; i < count; i++)
		starts[(from[i] >> shift) % DIGIT_VALUES]++;
	for (size_t digit = 0; digit < DIGIT_VALUES; digit++) {
		size_t same = starts[digit];

		starts[digit] = start;
		start += same;
	}
	for (size_t i = 0; i < count; i++)
		to[starts[(from[i] >> shift) % DIGIT_VALUES]++] = from[i];
}

/*
 * Millions of numbers come in the order of a hash table, and four such sets are compared: a general
 * sort would take longer than all the rest.
 */
static void sort_numbers(uint64_t *numbers, size_t count)
{
	uint64_t *from = numbers;
	uint64_t *spare = NULL;
	uint64_t *to;
	uint64_t highest = 0;

	if (count >= FEW_NUMBERS)
		spare = reallocarray(NULL, count, sizeof(*spare));
	if (!spare) {
		if (count)
			qsort(numbers, count, sizeof(*numbers), compare_numbers);
		return;
	}
	to = spare;
	for (size_t i = 0; i < count; i++)
		highest |= numbers[i];
	for (unsigned shift = 0; shift < 64 && highest >> shift; shift += DIGIT_BITS) {
		uint64_t *sorted = to;

		distribute(from, sorted, count, shift);
		to = from;
		from = sorted;
	}
	if (from != numbers)
		memcpy(numbers, from, count * sizeof(*numbers));
	free(spare);
}

void pyi_name_set_sort(struct pyi_name_set *set)
{
	size_t kept = 0;

	if (set->sorted)
		return;
	sort_numbers(set->numbers, set->number_count);
	for (size_t i = 0; i < set->number_count; i++) {
		if (!kept || set->numbers[kept - 1] != set->numbers[i])
			set->numbers[kept++] = set->numbers[i];
	}
	set->number_count = kept;

	kept = 0;
	if (set->other_count)
		qsort(set->others, set->other_count, sizeof(*set->others), compare_others);
	for (size_t i = 0; i < set->other_count; i++) {
		if (!kept || strcmp(set->others[kept - 1], set->others[i]) != 0)
			set->others[kept++] = set->others[i];
		else
			free(set->others[i]);
	}
	set->other_count = kept;
	set->count = set->number_count + set->other_count;
	set->sorted = true;
}

const char *pyi_name_set_get(const struct pyi_name_set *set, size_t index,
			     char buffer[PYI_NAME_SET_TEXT])
{
	char *text = buffer + PYI_NAME_SET_TEXT - 1;
	uint64_t number;

	if (index >= set->number_count)
		return set->others[index - set->number_count];
	number = set->numbers[index];
	*text = '\0';
	do {
		*--text = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	text -= sizeof(usual_prefix) - 1;
	memcpy(text, usual_prefix, sizeof(usual_prefix) - 1);
	return text;
}

/* Millions are looked up: bsearch() would call back for every step. */
static bool has_number(const struct pyi_name_set *set, uint64_t number)
{
	size_t from = 0;
	size_t to = set->number_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (set->numbers[middle] < number)
			from = middle + 1;
		else
			to = middle;
	}
	return from < set->number_count && set->numbers[from] == number;
}

static bool has_other(const struct pyi_name_set *set, const char *name)
{
	return set->other_count &&
	       bsearch(&name, set->others, set->other_count, sizeof(*set->others), compare_others);
}

bool pyi_name_set_has(const struct pyi_name_set *set, const char *name)
{
	uint64_t number;

	return parse_number(name, &number) ? has_number(set, number) : has_other(set, name);
}

/*
 * By looking up, not by walking through both: the cost must not grow with `other`, which is the
 * same for each of maybe many small sets.
 */
size_t pyi_name_set_count_common(const struct pyi_name_set *set, const struct pyi_name_set *other)
{
	size_t common = 0;

	for (size_t i = 0; i < set->number_count; i++)
		common += has_number(other, set->numbers[i]);
	for (size_t i = 0; i < set->other_count; i++)
		common += has_other(other, set->others[i]);
	return common;
}

/* Keeps the names of which it is true, or false, that they are in `other`; walks through both. */
static void filter(struct pyi_name_set *set, const struct pyi_name_set *other, bool wanted)
{
	size_t kept = 0;
	size_t at = 0;

	for (size_t i = 0; i < set->number_count; i++) {
		uint64_t number = set->numbers[i];

		while (at < other->number_count && other->numbers[at] < number)
			at++;
		if ((at < other->number_count && other->numbers[at] == number) == wanted)
			set->numbers[kept++] = number;
	}
	set->number_count = kept;

	kept = 0;
	at = 0;
	for (size_t i = 0; i < set->other_count; i++) {
		char *name = set->others[i];
		int order = 1;

		while (at < other->other_count && (order = strcmp(other->others[at], name)) < 0)
			at++;
		if ((at < other->other_count && order == 0) == wanted)
			set->others[kept++] = name;
		else
			free(name);
	}
	set->other_count = kept;
	set->count = set->number_count + set->other_count;
}

void pyi_name_set_remove(struct pyi_name_set *set, const struct pyi_name_set *other)
{
	filter(set, other, false);
}

void pyi_name_set_keep(struct pyi_name_set *set, const struct pyi_name_set *other)
{
	filter(set, other, true);
}

void pyi_name_set_deinit(struct pyi_name_set *set)
{
	for (size_t i = 0; i < set->other_count; i++)
		free(set->others[i]);
	free(set->others);
	free(set->numbers);
	*set = (struct pyi_name_set){ 0 };
}
