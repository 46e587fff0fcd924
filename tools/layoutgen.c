/*
 * Prints the layout of one CPython build, read from its debug information, as a C initializer.
 *
 * Knows no offset and no version: which member of which struct a field of struct pyi_layout comes
 * from is the table in layoutgen_table.c. Does not find interpreters and does not ask them how they
 * behave; the driver, tools/update-layouts, does both and passes the answers (--version,
 * --feature).
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pyinspect/layout.h>

#include "layoutgen_table.h"

enum {
	NO_DEBUG_INFO = 3, /* exit code: the build is fine, but says nothing */
	MAX_INPUTS = 8,
	MAX_PATH = 128,
	MAX_ANONYMOUS = 64, /* anonymous structs and unions pending in one struct */
	MAX_TYPEDEFS = 8,
	MAX_NAMES = 1024,
	WORD = sizeof(uint32_t),
	FIELD_COUNT = sizeof(struct pyi_layout) / sizeof(uint32_t),
};

#define INTERP "PyInterpreterState"
#define RUNTIME "_PyRuntimeState"

/* struct _gil_runtime_state: two of them, with condition variables between (ceval_gil.c). */
static const char INTERP_MUTEX[] = INTERP "._gil.mutex";
static const char RUNTIME_MUTEX[] =
	RUNTIME ".ceval.gil.mutex|" RUNTIME "._main_interpreter._gil.mutex";

/* Offsets of the first; PYI_ABSENT: none. */
struct mutexes {
	uint32_t in_interpreter;
	uint32_t in_runtime;
};

/* A struct, union or typedef at the top level of a compilation unit. */
struct named_type {
	const char *name; /* owned by its Dwarf */
	Dwarf_Die die;
};

struct types {
	struct named_type *items;
	size_t count;
	size_t capacity;
};

static void types_add(struct types *types, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	if (!name)
		return;
	if (types->count == types->capacity) {
		types->capacity = types->capacity ? types->capacity * 2 : 4096;
		types->items = reallocarray(types->items, types->capacity, sizeof(*types->items));
		if (!types->items)
			err(1, "out of memory");
	}
	types->items[types->count++] = (struct named_type){ .name = name, .die = *die };
}

static void types_add_all(struct types *types, Dwarf *dwarf)
{
	Dwarf_Off offset = 0, next;
	size_t header_size;

	for (; dwarf_nextcu(dwarf, offset, &next, &header_size, NULL, NULL, NULL) == 0;
	     offset = next) {
		Dwarf_Die unit, die;
		int more;

		if (!dwarf_offdie(dwarf, offset + header_size, &unit))
			continue;
		for (more = dwarf_child(&unit, &die); more == 0;
		     more = dwarf_siblingof(&die, &die)) {
			int tag = dwarf_tag(&die);

			if (tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
			    tag == DW_TAG_typedef)
				types_add(types, &die);
		}
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named_type *)a)->name, ((const struct named_type *)b)->name);
}

static bool is_record(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_structure_type || dwarf_tag(die) == DW_TAG_union_type;
}

static bool is_complete(Dwarf_Die *die)
{
	return !dwarf_hasattr(die, DW_AT_declaration) && dwarf_bytesize(die) > 0;
}

/* Finds the complete definition of a struct, union or typedef of one. */
static bool find_record(const struct types *types, const char *name, Dwarf_Die *ret)
{
	for (int hops = 0; hops < MAX_TYPEDEFS; hops++) {
		struct named_type key = { .name = name }, *first;
		const char *declared = NULL;
		bool found = false;

		if (types->count == 0)
			return false;
		first = bsearch(&key, types->items, types->count, sizeof(key), compare_names);
		if (!first)
			return false;
		while (first > types->items && strcmp(first[-1].name, name) == 0)
			first--;
		for (; first < types->items + types->count && strcmp(first->name, name) == 0;
		     first++) {
			Dwarf_Die die;

			if (dwarf_peel_type(&first->die, &die) != 0 || !is_record(&die))
				continue;
			if (!is_complete(&die)) {
				declared = dwarf_diename(&die);
				continue;
			}
			if (found && dwarf_bytesize(ret) != dwarf_bytesize(&die))
				errx(1, "%s: two definitions of different size", name);
			*ret = die;
			found = true;
		}
		if (found)
			return true;
		if (!declared || strcmp(declared, name) == 0)
			return false;
		name = declared;
	}
	return false;
}

static uint64_t member_offset(Dwarf_Die *member)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	/* Members of a union have none. */
	if (!dwarf_attr(member, DW_AT_data_member_location, &attribute))
		return 0;
	if (dwarf_formudata(&attribute, &value) != 0)
		errx(1, "%s: offset is not a constant", dwarf_diename(member));
	return value;
}

static bool member_type(Dwarf_Die *member, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	return dwarf_attr(member, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, &type) &&
	       dwarf_peel_type(&type, ret) == 0;
}

/* Finds a member, also inside anonymous structs and unions. */
static bool find_member(Dwarf_Die *record, const char *name, Dwarf_Die *ret_member,
			uint64_t *ret_offset)
{
	struct {
		Dwarf_Die die;
		uint64_t base;
	} pending[MAX_ANONYMOUS];
	size_t count = 0;

	pending[count].die = *record;
	pending[count++].base = 0;
	for (size_t i = 0; i < count; i++) {
		Dwarf_Die member;
		int more = dwarf_child(&pending[i].die, &member);

		for (; more == 0; more = dwarf_siblingof(&member, &member)) {
			const char *member_name = dwarf_diename(&member);
			uint64_t offset;
			Dwarf_Die type;

			if (dwarf_tag(&member) != DW_TAG_member)
				continue;
			offset = pending[i].base + member_offset(&member);
			if (member_name && strcmp(member_name, name) == 0) {
				*ret_member = member;
				*ret_offset = offset;
				return true;
			}
			if (!member_name && member_type(&member, &type) && is_record(&type) &&
			    count < MAX_ANONYMOUS) {
				pending[count].die = type;
				pending[count++].base = offset;
			}
		}
	}
	return false;
}

/* Whether a member is a pointer to an object of any type. */
static bool is_object_pointer(Dwarf_Die *member)
{
	Dwarf_Die pointer, target;
	const char *name;

	if (!member_type(member, &pointer) || dwarf_tag(&pointer) != DW_TAG_pointer_type ||
	    !member_type(&pointer, &target) || !is_record(&target))
		return false;
	name = dwarf_diename(&target);
	return name && (strcmp(name, "_object") == 0 || strcmp(name, "PyCodeObject") == 0);
}

/* Resolves one STRUCT.MEMBER... or STRUCT; a struct alone has the value of its size. */
static bool resolve_path(const struct types *types, const char *path, size_t length,
			 bool only_objects, uint32_t *ret)
{
	char copy[MAX_PATH], *rest = copy, *name;
	uint64_t total = 0, offset;
	Dwarf_Die record, member = { 0 };

	if (length >= sizeof(copy))
		errx(1, "%.*s: path too long", (int)length, path);
	memcpy(copy, path, length);
	copy[length] = '\0';
	name = strsep(&rest, ".");
	if (!find_record(types, name, &record))
		return false;
	if (!rest)
		total = (uint64_t)dwarf_bytesize(&record);
	while ((name = strsep(&rest, ".")) != NULL) {
		if (!find_member(&record, name, &member, &offset))
			return false;
		total += offset;
		if (rest && (!member_type(&member, &record) || !is_record(&record)))
			return false;
	}
	if (only_objects && !is_object_pointer(&member))
		return false;
	if (total >= PYI_ABSENT)
		errx(1, "%.*s: out of range", (int)length, path);
	*ret = (uint32_t)total;
	return true;
}

static bool resolve_alternatives(const struct types *types, const char *paths, size_t length,
				 bool only_objects, uint32_t *ret)
{
	const char *end = paths + length;

	for (;;) {
		const char *bar = memchr(paths, '|', (size_t)(end - paths));

		if (resolve_path(types, paths, (size_t)((bar ? bar : end) - paths), only_objects,
				 ret))
			return true;
		if (!bar)
			return false;
		paths = bar + 1;
	}
}

static bool any_exists(const struct types *types, const char *paths)
{
	uint32_t value;

	return paths && resolve_alternatives(types, paths, strlen(paths), false, &value);
}

/* Appends what the first of some alternatives is called in its struct. */
static void add_name(char *names, const char *paths, size_t length)
{
	size_t used = strlen(names);
	const char *name = memchr(paths, '.', length);
	const char *bar = memchr(paths, '|', length);
	size_t name_length = (size_t)((bar ? bar : paths + length) - ++name);

	if (used + name_length + 2 > MAX_NAMES)
		errx(1, "too many names");
	snprintf(names + used, MAX_NAMES - used, "%s%.*s", used ? " " : "", (int)name_length, name);
}

static bool is_list(const struct row *row)
{
	return row->kind == LIST || row->kind == OPTIONAL_LIST;
}

static void resolve_list(const struct types *types, const struct row *row, uint32_t *list,
			 char *names)
{
	const char *paths = row->paths;
	size_t count = 0;

	while (*paths) {
		size_t length = strcspn(paths, " ");
		uint32_t value;

		if (resolve_alternatives(types, paths, length, true, &value)) {
			if (count == PYI_LAYOUT_LIST)
				errx(1, "%s: more than %d entries", row->field, PYI_LAYOUT_LIST);
			list[count++] = value;
			if (names)
				add_name(names, paths, length);
		}
		paths += length + strspn(paths + length, " ");
	}
	if (count == 0 && row->kind == LIST)
		errx(1, "%s: nothing found in the debug information", row->field);
}

static void resolve_row(const struct types *types, const struct row *row, uint32_t *value,
			char *names)
{
	bool required = row->kind == OFFSET || row->kind == SIZE;

	if (row->kind == GIVEN)
		return;
	if (is_list(row)) {
		resolve_list(types, row, value,
			     row->offset == offsetof(struct pyi_layout, interp_roots) ? names
										      : NULL);
		return;
	}
	if (!resolve_alternatives(types, row->paths, strlen(row->paths), false, value) && required)
		errx(1, "%s: no %s in the debug information", row->field, row->paths);
}

/* Where what is behind the mutexes of a GIL begins, if the struct has one. */
static void resolve_mutexes(const struct types *types, struct mutexes *mutexes)
{
	if (!resolve_alternatives(types, INTERP_MUTEX, strlen(INTERP_MUTEX), false,
				  &mutexes->in_interpreter))
		mutexes->in_interpreter = PYI_ABSENT;
	if (!resolve_alternatives(types, RUNTIME_MUTEX, strlen(RUNTIME_MUTEX), false,
				  &mutexes->in_runtime))
		mutexes->in_runtime = PYI_ABSENT;
}

static void resolve_layout(const struct types *types, struct pyi_layout *layout, char *names)
{
	Dwarf_Die object;

	if (!find_record(types, "PyObject", &object))
		errx(NO_DEBUG_INFO, "no debug information of CPython");
	for (size_t i = 0; i < layout_row_count; i++)
		resolve_row(types, &layout_rows[i],
			    (uint32_t *)(void *)((char *)layout + layout_rows[i].offset), names);
	/* Before it led to a frame (3.10), the cframe only carried a tracing flag. */
	if (layout->cframe_current_frame == PYI_ABSENT)
		layout->thread_cframe = PYI_ABSENT;
	if (layout->object_gc_bits == PYI_ABSENT)
		memset((char *)layout + PYI_LAYOUT_FREE_THREADED, 0xff,
		       sizeof(*layout) - PYI_LAYOUT_FREE_THREADED);
	else
		/* The struct is there, but is in front of no object. */
		layout->gc_head_size = 0;
	for (size_t i = 0; i < layout_feature_count; i++) {
		if (any_exists(types, layout_features[i].members) &&
		    !any_exists(types, layout_features[i].unless))
			layout->features |= layout_features[i].bit;
	}
}

/* The table must say about each word of the struct, once and in order, where it comes from. */
static void check_table(void)
{
	size_t next = 0;

	for (size_t i = 0; i < layout_row_count; i++) {
		size_t words = is_list(&layout_rows[i]) ? PYI_LAYOUT_LIST : 1;

		if (layout_rows[i].offset != next || layout_rows[i].size != words * WORD)
			errx(1, "%s: the table and struct pyi_layout disagree",
			     layout_rows[i].field);
		next += layout_rows[i].size;
	}
	if (next != sizeof(struct pyi_layout))
		errx(1, "struct pyi_layout has fields that the table lacks");
}

/* The offset of the first mutex in the struct that a row is about. */
static uint32_t mutex_of(const struct row *row, const struct mutexes *mutexes)
{
	if (row->paths && strncmp(row->paths, INTERP, strlen(INTERP)) == 0)
		return mutexes->in_interpreter;
	if (row->paths && strncmp(row->paths, RUNTIME, strlen(RUNTIME)) == 0)
		return mutexes->in_runtime;
	return PYI_ABSENT;
}

/* What is behind the mutexes is elsewhere where they are of another size: see layouts.c. */
static void print_value(uint32_t value, uint32_t mutex)
{
	if (value > mutex)
		printf("BEHIND(%" PRIu32 ")", value);
	else
		printf("%" PRIu32, value);
}

static void print_list(const uint32_t *list, uint32_t mutex)
{
	printf("{");
	for (size_t i = 0; i < PYI_LAYOUT_LIST; i++) {
		printf(i % 8 ? " " : "\n\t\t\t\t");
		/* Short for PYI_ABSENT, defined by the driver: most entries are. */
		if (list[i] == PYI_ABSENT)
			printf("NONE,");
		else {
			print_value(list[i], mutex);
			putchar(',');
		}
	}
	printf("\n\t\t\t}");
}

static void print_features(uint32_t bits)
{
	const char *separator = "";

	for (size_t i = 0; i < layout_feature_count; i++) {
		if (!(bits & layout_features[i].bit))
			continue;
		printf("%s%s", separator, layout_features[i].name);
		separator = " |\n\t\t\t\t    ";
	}
	if (!*separator)
		printf("0");
}

static void print_layout(const struct pyi_layout *layout, const struct mutexes *mutexes,
			 const char *names, const char *version)
{
	printf("\t{\n\t\t.generated_from = \"%s\",\n", version);
	printf("\t\t.interp_root_names = \"%s\",\n\t\t.layout = {\n", names);
	for (size_t i = 0; i < layout_row_count; i++) {
		const struct row *row = &layout_rows[i];
		const uint32_t *value =
			(const uint32_t *)(const void *)((const char *)layout + row->offset);

		printf("\t\t\t.%s = ", row->field);
		if (row->offset == offsetof(struct pyi_layout, python_version))
			printf("0x%04" PRIx32, *value);
		else if (row->offset == offsetof(struct pyi_layout, features))
			print_features(*value);
		else if (is_list(row))
			print_list(value, mutex_of(row, mutexes));
		else if (*value == PYI_ABSENT)
			printf("PYI_ABSENT");
		else
			print_value(*value, mutex_of(row, mutexes));
		printf(",\n");
	}
	printf("\t\t},\n\t},\n");
}

static uint32_t parse_version(const char *text)
{
	unsigned major, minor, micro;
	int used = 0;

	if (sscanf(text, "%3u.%3u.%3u%n", &major, &minor, &micro, &used) != 3 || !used ||
	    text[used + (int)strspn(text + used, "abrct+0123456789")] != '\0' || major > 255 ||
	    minor > 255)
		errx(2, "%s: not a version of Python", text);
	return major << 8 | minor;
}

static uint32_t parse_feature(const char *name)
{
	for (size_t i = 0; i < layout_feature_count; i++) {
		if (!layout_features[i].members && strcmp(layout_features[i].name, name) == 0)
			return layout_features[i].bit;
	}
	errx(2, "%s: not a feature that is measured", name);
}

static void usage(FILE *stream)
{
	fprintf(stream,
		"usage: layoutgen --version 3.11.7 [--feature NAME]... FILE...\n"
		"       layoutgen --field-count\n"
		"Reads the debug information of a Python executable or libpython, and of\n"
		"the extension modules that its builds keep apart (array, _collections).\n");
}

int main(int argc, char **argv)
{
	const char *version = NULL;
	struct types types = { 0 };
	struct pyi_layout layout;
	struct mutexes mutexes;
	char names[MAX_NAMES] = "";
	Dwarf *dwarfs[MAX_INPUTS];
	int fds[MAX_INPUTS];
	size_t inputs = 0;

	check_table();
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--field-count") == 0) {
		printf("%zu\n", (size_t)FIELD_COUNT);
		return 0;
	}
	memset(&layout, 0xff, sizeof(layout));
	layout.features = 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--version") == 0 && i + 1 < argc) {
			version = argv[++i];
			layout.python_version = parse_version(version);
		} else if (strcmp(argv[i], "--feature") == 0 && i + 1 < argc) {
			layout.features |= parse_feature(argv[++i]);
		} else if (argv[i][0] == '-' || inputs == MAX_INPUTS) {
			usage(stderr);
			return 2;
		} else {
			fds[inputs] = open(argv[i], O_RDONLY | O_CLOEXEC);
			if (fds[inputs] < 0)
				err(1, "%s", argv[i]);
			dwarfs[inputs] = dwarf_begin(fds[inputs], DWARF_C_READ);
			if (!dwarfs[inputs])
				errx(NO_DEBUG_INFO, "%s: %s", argv[i], dwarf_errmsg(-1));
			types_add_all(&types, dwarfs[inputs++]);
		}
	}
	if (!version || inputs == 0) {
		usage(stderr);
		return 2;
	}
	qsort(types.items, types.count, sizeof(*types.items), compare_names);
	resolve_layout(&types, &layout, names);
	resolve_mutexes(&types, &mutexes);
	print_layout(&layout, &mutexes, names, version);

	free(types.items);
	for (size_t i = 0; i < inputs; i++) {
		dwarf_end(dwarfs[i]);
		close(fds[i]);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
