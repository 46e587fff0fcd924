/*
 * Goes through the attributes of modules and classes, and of the objects there, for containers.
 */
#include "python/containers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "python/attributes.h"
#include "python/members.h"
#include "python/objects.h"
#include "python/objects_private.h"
#include "python/places.h"
#include "python/secrets.h"
#include "tracee/wait.h"

enum {
	/* Attributes looked at, of all kinds: a heap in which everything leads to everything has
	   an end. */
	STEP_LIMIT = 1 << 23,
	/* Names found, before doubles are dropped. */
	FOUND_LIMIT = 1 << 16,
	NAMES_LIMIT_BYTES = 32 << 20,
	STEPS_PER_LOOK = 256,
	/* A holder's name, an attribute's, and an attribute's. */
	PATH_BYTES = 3 * PYI_NAME_BYTES,
};

/* What instances of a type are here. */
enum trait {
	TRAIT_KNOWN = 1 << 0,
	TRAIT_CONTAINER = 1 << 1,
	/* As long as the container `data`. */
	TRAIT_WRAPPER = 1 << 2,
	/* They can hold containers in a __dict__, or in slots. */
	TRAIT_ATTRIBUTES = 1 << 3,
	TRAIT_SLOTS = 1 << 4,
};

struct found {
	struct pyi_container container;
	/* Held by an object. */
	bool nested;
	bool wanted;
	/* The order in which it was found. */
	size_t number;
};

struct search {
	const struct pyi_runtime *runtime;
	struct pyi_memory_reader *reader;
	const struct pyi_type_list *types;
	const struct pyi_container_request *request;
	uint64_t deadline_ns;

	/* enum trait, of each of `types`. */
	uint8_t *traits;
	/* The same types in alphabetical order; their names are those of `types`. */
	struct pyi_type *by_name;
	uint64_t steps;
	struct found *found;
	size_t count;
	size_t capacity;
	/* Of all names that were found. */
	uint64_t name_bytes;
	bool truncated;
	struct pyi_error *error;

	/* Where it is: the name of a module or class; of what it holds, the key; the object there,
	 * if that is being looked into. */
	const char *holder;
	uint64_t key;
	uint64_t object;
};

static bool may_go_on(struct search *search)
{
	if (search->error || search->steps >= STEP_LIMIT || search->count >= FOUND_LIMIT ||
	    search->name_bytes > NAMES_LIMIT_BYTES) {
		search->truncated = true;
		return false;
	}
	if (search->steps++ % STEPS_PER_LOOK)
		return true;
	if (pyi_wait_is_cancelled())
		search->error = pyi_wait_interrupted();
	else if (pyi_clock_passed(search->deadline_ns))
		search->error =
			pyi_error_timeout("the containers could not be listed in the time allowed");
	return !search->error;
}

/* Classes of the standard library that keep their items in an attribute `data`. */
static bool is_wrapper_name(const char *name)
{
	static const char *const names[] = {
		"_weakrefset.WeakSet",	"weakref.WeakKeyDictionary", "weakref.WeakValueDictionary",
		"collections.UserDict", "collections.UserList",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_wrapper(const struct search *search, uint64_t type_addr)
{
	uint64_t base;

	for (uint64_t i = 0;
	     (base = pyi_members_mro_type(search->runtime, search->reader, type_addr, i)); i++) {
		const struct pyi_type *type = pyi_type_list_find(search->types, base);

		if (type && is_wrapper_name(type->name))
			return true;
	}
	return false;
}

static bool see_slot(void *argument, const struct pyi_member *member)
{
	bool *seen = argument;

	*seen |= member->is_object;
	return !*seen;
}

static uint8_t find_traits(const struct search *search, uint64_t type)
{
	const struct pyi_runtime *runtime = search->runtime;
	uint8_t traits = TRAIT_KNOWN;
	bool slots = false;

	/* Types and modules are looked at anyway, each under its own name. */
	if (pyi_types_is_subclass(runtime, search->reader, type, runtime->type_type_addr) ||
	    pyi_members_kind(runtime, search->reader, type) == PYI_KIND_MODULE)
		return traits;
	pyi_members_each_slot(runtime, search->reader, type, see_slot, &slots);
	traits |= slots ? TRAIT_SLOTS : 0;
	if (pyi_attributes_are_possible(runtime, search->reader, type))
		traits |= TRAIT_ATTRIBUTES;
	if (pyi_attributes_is_container(runtime, search->reader, type))
		traits |= TRAIT_CONTAINER;
	else if (traits & TRAIT_ATTRIBUTES && is_wrapper(search, type))
		traits |= TRAIT_WRAPPER;
	return traits;
}

/* Of the type of an object; 0 if it has none that is known: it is no object. */
static unsigned traits_of(struct search *search, uint64_t object, uint64_t *ret_type)
{
	const struct pyi_type *type;
	uint8_t *traits;
	uint64_t addr;

	if (!pyi_memory_try_read_u64(search->reader, object + search->runtime->layout->object_type,
				     &addr))
		return 0;
	type = pyi_type_list_find(search->types, addr);
	if (!type)
		return 0;
	traits = &search->traits[type - search->types->types];
	if (!*traits)
		*traits = find_traits(search, addr);
	*ret_type = addr;
	return *traits;
}

static void keep(struct search *search, const char *name, uint64_t addr, uint64_t length,
		 bool wanted)
{
	struct found found = {
		.container = { strdup(name), addr, length },
		.nested = search->object,
		.wanted = wanted,
		.number = search->count,
	};

	if (!found.container.name ||
	    !pyi_array_reserve(&search->found, search->count, &search->capacity,
			       sizeof(*search->found))) {
		free(found.container.name);
		search->error = pyi_error_no_memory();
		return;
	}
	search->found[search->count++] = found;
	search->name_bytes += strlen(name) + 1;
}

/* Reads the name of an attribute; false if it is none. It may look like a secret. */
static bool read_name(const struct search *search, uint64_t key, char ret_name[PYI_NAME_BYTES])
{
	return pyi_objects_read_str(search->runtime, search->reader, key, ret_name) &&
	       ret_name[0] && pyi_places_is_identifier(ret_name);
}

/* A container that the holder, or the object that it holds, has as an attribute. */
static void take(struct search *search, const char *name, uint64_t addr, uint64_t length)
{
	const struct pyi_container_request *request = search->request;
	char outer[PYI_NAME_BYTES] = "";
	char path[PATH_BYTES];
	bool wanted = false;

	if (search->object && !read_name(search, search->key, outer))
		return;
	snprintf(path, sizeof(path), "%s.%s%s%s", search->holder, outer, outer[0] ? "." : "", name);
	for (size_t w = 0; w < request->wanted_count && !wanted; w++)
		wanted = strcmp(request->wanted[w], path) == 0;
	/* What is asked for by its name is known already. */
	if (wanted || (length >= request->least && !pyi_secrets_looks_secret(name) &&
		       !pyi_secrets_looks_secret(outer)))
		keep(search, path, addr, length, wanted);
}

/* len() of a weak set or dict: it drops what has died a little later. */
static bool measure_wrapper(const struct search *search, uint64_t wrapper, uint64_t *ret_data,
			    uint64_t *ret_length)
{
	const struct pyi_runtime *runtime = search->runtime;
	uint64_t pending = 0;
	uint64_t list;

	if (!pyi_attributes_get(runtime, search->reader, wrapper, "data", ret_data) ||
	    !pyi_attributes_length(runtime, search->reader, *ret_data, ret_length))
		return false;
	if (pyi_attributes_get(runtime, search->reader, wrapper, "_pending_removals", &list) &&
	    pyi_attributes_length(runtime, search->reader, list, &pending) &&
	    pending <= *ret_length)
		*ret_length -= pending;
	return true;
}

/* What is there if it is a container; `name` NULL: it is that of `key`. */
static void take_value(struct search *search, unsigned traits, const char *name, uint64_t key,
		       uint64_t value)
{
	bool everything = search->request->wanted_count;
	char text[PYI_NAME_BYTES];
	uint64_t addr = value;
	uint64_t length;

	/* A wrapper goes by the address of what is in it, which is not to be found twice. */
	if (!(traits & TRAIT_CONTAINER
		      ? pyi_attributes_length(search->runtime, search->reader, value, &length)
	      : traits & TRAIT_WRAPPER ? measure_wrapper(search, value, &addr, &length)
				       : false))
		return;
	if (length < search->request->least && !everything)
		return;
	if (!name && !read_name(search, key, text))
		return;
	take(search, name ? name : text, addr, length);
}

/* An attribute of an object that a module or class holds. */
static bool visit_inner(void *argument, uint64_t key, uint64_t value)
{
	struct search *search = argument;
	uint64_t type;

	if (!may_go_on(search))
		return false;
	take_value(search, traits_of(search, value, &type), NULL, key, value);
	return true;
}

static bool visit_slot(void *argument, const struct pyi_member *member)
{
	struct search *search = argument;
	char name[PYI_NAME_BYTES];
	uint64_t value;
	uint64_t type;

	if (!may_go_on(search))
		return false;
	if (!member->is_object ||
	    !pyi_memory_try_read_u64(search->reader, search->object + member->offset, &value) ||
	    !value)
		return true;
	if (pyi_memory_try_read_string(search->reader, member->name_addr, name, sizeof(name)) &&
	    name[0] && pyi_places_is_identifier(name))
		take_value(search, traits_of(search, value, &type), name, 0, value);
	return true;
}

/* An attribute of a module or class. */
static bool visit_outer(void *argument, uint64_t key, uint64_t value)
{
	struct search *search = argument;
	unsigned traits;
	uint64_t type;

	if (!may_go_on(search))
		return false;
	traits = traits_of(search, value, &type);
	take_value(search, traits, NULL, key, value);
	search->key = key;
	search->object = value;
	if (traits & TRAIT_ATTRIBUTES &&
	    !pyi_attributes_each(search->runtime, search->reader, value, visit_inner, search))
		search->truncated = true;
	if (traits & TRAIT_SLOTS)
		pyi_members_each_slot(search->runtime, search->reader, type, visit_slot, search);
	search->object = 0;
	return !search->error;
}

static bool visit_module(void *argument, uint64_t key, uint64_t value)
{
	struct search *search = argument;
	char name[PYI_NAME_BYTES];

	if (!may_go_on(search))
		return false;
	if (!pyi_objects_read_str(search->runtime, search->reader, key, name) ||
	    !pyi_places_is_module_name(name))
		return true;
	search->holder = name;
	if (!pyi_attributes_each(search->runtime, search->reader, value, visit_outer, search))
		search->truncated = true;
	search->holder = NULL;
	return !search->error;
}

static void visit_modules(struct search *search, const struct pyi_interpreters *interpreters)
{
	for (size_t i = 0; i < interpreters->count && !search->error; i++) {
		uint64_t modules;

		if (!pyi_memory_try_read_u64(search->reader,
					     interpreters->addr[i] +
						     search->runtime->layout->interp_modules,
					     &modules))
			search->truncated = true;
		/* An interpreter that is being made or ended has none. */
		else if (modules && !pyi_attributes_each_item(search->runtime, search->reader,
							      modules, visit_module, search))
			search->truncated = true;
	}
}

static int compare_type_names(const void *a, const void *b)
{
	const struct pyi_type *first = a;
	const struct pyi_type *second = b;
	int order = strcmp(first->name, second->name);

	return order ? order : (first->addr > second->addr) - (first->addr < second->addr);
}

/* Their addresses say nothing: another run of the same program would have them elsewhere. */
static void visit_classes(struct search *search)
{
	if (!search->types->count)
		return;
	memcpy(search->by_name, search->types->types,
	       search->types->count * sizeof(search->by_name[0]));
	qsort(search->by_name, search->types->count, sizeof(search->by_name[0]),
	      compare_type_names);
	for (size_t t = 0; t < search->types->count && may_go_on(search); t++) {
		search->holder = search->by_name[t].name;
		if (!pyi_attributes_each_of_class(search->runtime, search->reader,
						  search->by_name[t].addr, visit_outer, search))
			search->truncated = true;
	}
}

/* The names of one container together, the best in front. */
static int compare_found(const void *a, const void *b)
{
	const struct found *first = a;
	const struct found *second = b;

	if (first->container.addr != second->container.addr)
		return first->container.addr < second->container.addr ? -1 : 1;
	if (first->nested != second->nested)
		return first->nested ? 1 : -1;
	return (first->number > second->number) - (first->number < second->number);
}

static int compare_containers(const void *a, const void *b)
{
	const struct pyi_container *first = a;
	const struct pyi_container *second = b;
	int order = strcmp(first->name, second->name);

	return order ? order : (first->addr > second->addr) - (first->addr < second->addr);
}

/* Whether one of the containers from `from` on, which are all the same one, has this name. */
static bool has_name(const struct pyi_container_list *list, size_t from, const char *name)
{
	for (size_t i = from; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return true;
	return false;
}

static struct pyi_error *choose_names(struct search *search, struct pyi_container_list *list)
{
	uint64_t least = search->request->least;
	size_t same = 0;

	list->items = calloc(search->count + 1, sizeof(*list->items));
	if (!list->items)
		return pyi_error_no_memory();
	if (search->count)
		qsort(search->found, search->count, sizeof(*search->found), compare_found);
	for (size_t f = 0; f < search->count; f++) {
		struct found *found = &search->found[f];
		bool first = !f || found[-1].container.addr != found->container.addr;

		if (first)
			same = list->count;
		/* Of a short one only the wanted names are here. */
		if ((!(first && found->container.length >= least) && !found->wanted) ||
		    has_name(list, same, found->container.name))
			continue;
		list->items[list->count++] = found->container;
		found->container.name = NULL;
	}
	qsort(list->items, list->count, sizeof(*list->items), compare_containers);
	return NULL;
}

struct pyi_error *pyi_containers_find(const struct pyi_runtime *runtime,
				      struct pyi_memory_reader *reader,
				      const struct pyi_interpreters *interpreters,
				      const struct pyi_type_list *types,
				      const struct pyi_container_request *request,
				      uint64_t deadline_ns, struct pyi_container_list *ret_list)
{
	PYI_CLEANUP(pyi_guard_free) uint8_t *traits = calloc(types->count + 1, sizeof(*traits));
	PYI_CLEANUP(pyi_guard_free)
	struct pyi_type *by_name = calloc(types->count + 1, sizeof(*by_name));
	struct pyi_container_list list = { 0 };
	struct search search = {
		.runtime = runtime,
		.reader = reader,
		.types = types,
		.request = request,
		.deadline_ns = deadline_ns,
		.traits = traits,
		.by_name = by_name,
		.truncated = types->truncated,
	};
	struct pyi_error *error;

	if (!traits || !by_name)
		return pyi_error_no_memory();
	visit_modules(&search, interpreters);
	if (!search.error)
		visit_classes(&search);
	error = search.error;
	if (!error)
		error = choose_names(&search, &list);
	for (size_t f = 0; f < search.count; f++)
		free(search.found[f].container.name);
	free(search.found);
	if (error)
		return error;
	list.truncated = search.truncated;
	*ret_list = list;
	return NULL;
}

void pyi_container_list_deinit(struct pyi_container_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct pyi_container_list){ 0 };
}
