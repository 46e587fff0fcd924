/*
 * Picks types by name. Does not guess: similar names are only told.
 */
#include "python/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/edit_distance.h"
#include "python/objects.h"
#include "python/objects_private.h"

enum {
	MRO_LIMIT = 1000,
	/* Above an old-style class, one that is there twice counted twice. */
	OLD_BASE_LIMIT = 256,
	/* Names that a hint shows. */
	SIMILAR_LIMIT = 3,
	AMBIGUOUS_LIMIT = 20,
	/* Similar is what differs in so many letters, if it is not too long to be compared, ... */
	EDIT_LIMIT = 3,
	/* ... what does so but for its module, and what contains a word that is not shorter. */
	ELSEWHERE = EDIT_LIMIT + 1,
	WORD_LENGTH = 3,
	UNLIKE = ELSEWHERE + EDIT_LIMIT + 2,
};

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *first = a;
	const uint64_t *second = b;

	return (*first > *second) - (*first < *second);
}

void pyi_types_each_old_base(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			     uint64_t class_addr, bool (*base)(void *argument, uint64_t class_addr),
			     void *argument)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t queue[OLD_BASE_LIMIT] = { class_addr };
	size_t count = 1;

	for (size_t i = 0; i < count; i++) {
		uint64_t tuple;
		uint64_t items;

		if (!base(argument, queue[i]))
			return;
		if (!pyi_objects_is_old_class(runtime, reader, queue[i]) ||
		    !pyi_memory_try_read_u64(reader, queue[i] + layout->class_bases, &tuple) ||
		    !pyi_objects_has_flag(runtime, reader, tuple, PYI_SUBCLASS_TUPLE_BIT) ||
		    !pyi_memory_try_read_u64(reader, tuple + layout->var_size, &items))
			continue;
		for (uint64_t n = 0; n < items && count < OLD_BASE_LIMIT; n++) {
			uint64_t at = tuple + layout->tuple_items + n * sizeof(at);

			if (!pyi_memory_try_read_u64(reader, at, &queue[count]))
				break;
			count++;
		}
	}
}

struct bases {
	const uint64_t *addrs;
	size_t count;
	bool found;
};

static bool is_other(void *argument, uint64_t class_addr)
{
	struct bases *bases = argument;

	bases->found = bsearch(&class_addr, bases->addrs, bases->count, sizeof(class_addr),
			       compare_addresses) != NULL;
	return !bases->found;
}

static bool has_old_base(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t class_addr, const uint64_t *addrs, size_t count)
{
	struct bases bases = { addrs, count, false };

	pyi_types_each_old_base(runtime, reader, class_addr, is_other, &bases);
	return bases.found;
}

/* True if one of `bases` (ascending) is in the tp_mro of the type. */
static bool has_base(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
		     uint64_t type_addr, const uint64_t *bases, size_t base_count)
{
	const struct pyi_layout *layout = runtime->layout;
	uint64_t items[MRO_LIMIT];
	uint64_t count;
	uint64_t mro;

	if (pyi_objects_is_old_class(runtime, reader, type_addr))
		return has_old_base(runtime, reader, type_addr, bases, base_count);
	if (!pyi_memory_try_read_u64(reader, type_addr + layout->type_mro, &mro) ||
	    !pyi_objects_has_flag(runtime, reader, mro, PYI_SUBCLASS_TUPLE_BIT) ||
	    !pyi_memory_try_read_u64(reader, mro + layout->var_size, &count))
		return false;
	if (count > MRO_LIMIT)
		count = MRO_LIMIT;
	if (!pyi_memory_try_read(reader, mro + layout->tuple_items, items,
				 (size_t)count * sizeof(items[0])))
		return false;
	for (size_t i = 0; i < count; i++)
		if (bsearch(&items[i], bases, base_count, sizeof(*bases), compare_addresses))
			return true;
	return false;
}

bool pyi_types_is_subclass(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t type_addr, uint64_t base_addr)
{
	return has_base(runtime, reader, type_addr, &base_addr, 1);
}

/* "Object", "service.Object" of "slip.dbus.service.Object": the end of it, from a dot on. */
static bool is_bare_name(const char *name, const char *wanted)
{
	size_t length = strlen(name);
	size_t wanted_length = strlen(wanted);

	return wanted_length && length > wanted_length && name[length - wanted_length - 1] == '.' &&
	       strcmp(name + length - wanted_length, wanted) == 0;
}

static const char *last_component(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

/* How far a name is from what was wanted, up to UNLIKE: not similar at all. */
static unsigned difference(const char *name, const char *wanted)
{
	const char *bare = last_component(wanted);
	size_t length = strlen(bare);
	unsigned limit = length / 4 + 1 < EDIT_LIMIT ? (unsigned)(length / 4 + 1) : EDIT_LIMIT;
	unsigned whole = pyi_edit_distance(name, wanted, EDIT_LIMIT);
	unsigned last = pyi_edit_distance(last_component(name), bare, EDIT_LIMIT);

	if (whole <= limit && (whole <= last || bare != wanted))
		return whole;
	if (length && last <= limit)
		return bare == wanted ? last : ELSEWHERE + last;
	return length >= WORD_LENGTH && strcasestr(name, wanted) ? UNLIKE - 1 : UNLIKE;
}

struct similar {
	const char *name;
	unsigned difference;
};

static bool is_nearer(const struct similar *a, const struct similar *b)
{
	size_t a_length = strlen(a->name);
	size_t b_length = strlen(b->name);

	if (a->difference != b->difference)
		return a->difference < b->difference;
	return a_length != b_length ? a_length < b_length : strcmp(a->name, b->name) < 0;
}

static struct pyi_error *no_such_type(const struct pyi_type_list *list, const char *wanted)
{
	struct pyi_error *error = pyi_error_create(
		PYI_EXIT_FAILED, PYI_ERROR_NO_SUCH_TYPE, "there is no type '%s'%s", wanted,
		list->truncated ? " among those that can be read, which are not all" : "");
	struct similar best[SIMILAR_LIMIT + 1];
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct similar found = { list->types[i].name,
					 difference(list->types[i].name, wanted) };
		size_t at = 0;

		if (found.difference == UNLIKE)
			continue;
		while (at < count && is_nearer(&best[at], &found))
			at++;
		if (at == SIMILAR_LIMIT || (at < count && strcmp(best[at].name, found.name) == 0))
			continue;
		memmove(&best[at + 1], &best[at], (count - at) * sizeof(best[0]));
		best[at] = found;
		count += count < SIMILAR_LIMIT;
	}
	if (!count)
		return error;
	return pyi_error_hint(error, "similar names: %s%s%s%s%s", best[0].name,
			      count > 1 ? ", " : "", count > 1 ? best[1].name : "",
			      count > 2 ? ", " : "", count > 2 ? best[2].name : "");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct pyi_error *ambiguous_type(const struct pyi_type_list *list, const char *wanted)
{
	PYI_CLEANUP(pyi_guard_free) const char **names = calloc(list->count, sizeof(*names));
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	size_t distinct = 0;
	size_t count = 0;
	size_t size;
	FILE *stream;

	if (!names)
		return pyi_error_no_memory();
	for (size_t i = 0; i < list->count; i++)
		if (is_bare_name(list->types[i].name, wanted))
			names[count++] = list->types[i].name;
	qsort(names, count, sizeof(*names), compare_names);
	stream = open_memstream(&text, &size);
	if (!stream)
		return pyi_error_no_memory();
	for (size_t i = 0; i < count; i++) {
		if (i && strcmp(names[i], names[i - 1]) == 0)
			continue;
		if (distinct++ < AMBIGUOUS_LIMIT)
			fprintf(stream, "%s%s", i ? ", " : "", names[i]);
	}
	if (distinct > AMBIGUOUS_LIMIT)
		fprintf(stream, " and %zu more", distinct - AMBIGUOUS_LIMIT);
	if (fclose(stream))
		return pyi_error_no_memory();
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_AMBIGUOUS_TYPE,
					       "'%s' is the name of %zu different types", wanted,
					       distinct),
			      "give one of: %s", text);
}

size_t pyi_types_meanings(const struct pyi_type_list *list, const char *wanted,
			  const char **ret_names, size_t limit)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count && count < limit; i++) {
		const char *name = list->types[i].name;
		bool known = !is_bare_name(name, wanted);

		for (size_t before = 0; before < count && !known; before++)
			known = strcmp(ret_names[before], name) == 0;
		if (!known)
			ret_names[count++] = name;
	}
	return count;
}

static bool is_whole_name(const char *name, const char *wanted)
{
	return strcmp(name, wanted) == 0;
}

static size_t pick(const struct pyi_type_list *list, const char *wanted,
		   bool (*matches)(const char *name, const char *wanted), uint64_t *ret_addr,
		   const char **ret_name, bool *ret_ambiguous)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!matches(list->types[i].name, wanted))
			continue;
		if (count)
			*ret_ambiguous |= strcmp(*ret_name, list->types[i].name) != 0;
		*ret_name = list->types[i].name;
		ret_addr[count++] = list->types[i].addr;
	}
	return count;
}

struct pyi_error *pyi_types_choose(const struct pyi_runtime *runtime,
				   struct pyi_memory_reader *reader,
				   const struct pyi_type_list *list, const char *wanted, bool exact,
				   uint64_t **ret_addr, size_t *ret_count, char **ret_name)
{
	PYI_CLEANUP(pyi_guard_free) uint64_t *named = calloc(list->count + 1, sizeof(*named));
	PYI_CLEANUP(pyi_guard_free) uint64_t *chosen = calloc(list->count + 1, sizeof(*chosen));
	const char *name = NULL;
	bool ambiguous = false;
	size_t named_count;
	size_t count = 0;
	char *copy;

	if (!named || !chosen)
		return pyi_error_no_memory();
	named_count = pick(list, wanted, is_whole_name, named, &name, &ambiguous);
	if (!named_count)
		named_count = pick(list, wanted, is_bare_name, named, &name, &ambiguous);
	if (!named_count)
		return no_such_type(list, wanted);
	if (ambiguous)
		return ambiguous_type(list, wanted);
	for (size_t i = 0; i < list->count; i++) {
		uint64_t addr = list->types[i].addr;

		if (bsearch(&addr, named, named_count, sizeof(*named), compare_addresses) ||
		    (!exact && has_base(runtime, reader, addr, named, named_count)))
			chosen[count++] = addr;
	}
	copy = strdup(name);
	if (!copy)
		return pyi_error_no_memory();
	*ret_addr = pyi_return_ptr(chosen);
	*ret_count = count;
	*ret_name = copy;
	return NULL;
}
