/*
 * Names what was found: edges and places, as a Python programmer would write them.
 *
 * Secrets: values are only shown on request (`values`), and cut. Names are not values:
 * attributes, variables, modules, types; and dict keys that look like identifiers (letters, digits,
 * '_', '.', '-', at most 40 of them, not beginning with a digit). Keys and attributes that look
 * like secrets (python/secrets.h) are values.
 */
#ifndef PYI_PYTHON_PLACES_H
#define PYI_PYTHON_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include <pyinspect/payload.h>

#include "process/memory_reader.h"
#include "python/objects.h"
#include "python/runtime.h"

/* What a container is named after: the nearest thing with a name that it was reached through. */
enum pyi_holder_kind {
	PYI_HOLDER_NONE = 0,
	/* `holder_addr` is the module or the class. */
	PYI_HOLDER_MODULE,
	PYI_HOLDER_CLASS,
	/* `holder_addr` is the code object. */
	PYI_HOLDER_FUNCTION,
	PYI_HOLDER_FRAME,
	/* What functools.lru_cache() has made of a function: the code object of that. */
	PYI_HOLDER_CACHE,
	/* `holder_addr` is the type of the instance. */
	PYI_HOLDER_INSTANCE,
	/* The interpreter itself; the edge says where. */
	PYI_HOLDER_ROOT,
	/* There are too many of them. */
	PYI_HOLDER_OTHER,
};

struct pyi_place {
	enum pyi_holder_kind holder;
	uint64_t holder_addr;
	/* Of what is held; PYI_EDGE_NONE: the holder itself is meant. */
	struct pyi_edge edge;
};

struct pyi_places {
	const struct pyi_runtime *runtime;
	struct pyi_memory_reader *reader;
	/* Show values of str, bytes, numbers, tuples of these. */
	bool values;
};

/*
 * An edge from an object of type `type_addr` (0: a root):
 *   ".name"          attribute, field, slot; "['key']" or "[3]" items; "[*]" any item or value;
 *   "{*}"            element of a set (with `values` and PYI_EDGE_ELEMENT of known referent: the
 *                    caller does that); "key" a key of a dict; "closure x"; "local x";
 *   "stack" for a slot of a frame without a name; ".__class__", ".__dict__"; "(internal)" for
 *   ELSEWHERE, "(state)" of a module, "(cached)" of an lru_cache; "sys.modules", "sys.__dict__",
 * "builtins.__dict__", "interpreter state codec_search_cache", "thread state", "frame", "static
 * type" for roots. A key that is not shown reads "[<str>]": the name of its type. A field without a
 * name reads
 * ".<offset 24>", a variable without one "local [3]", "closure [3]"; an attribute whose name is
 * no identifier is written as an item of the __dict__. May contain any characters: output escapes
 * them. malloc'ed; NULL without memory.
 */
char *pyi_places_edge(const struct pyi_places *places, uint64_t type_addr,
		      const struct pyi_edge *edge);

/*
 * A place: "slip.dbus.service.Object.senders" (class), "module foo.cache", "instance foo.X.items",
 * "function foo.f closure x", "function foo.f.__defaults__", "frame foo.f local x", "sys.modules";
 * without an edge the holder only: "class foo.X", "module foo", "function foo.f".
 * "(other)" for PYI_HOLDER_OTHER. malloc'ed, NULL without memory; `*ret_none` is true and the
 * result NULL for PYI_HOLDER_NONE.
 */
char *pyi_places_owner(const struct pyi_places *places, const struct pyi_place *place,
		       bool *ret_none);

/* True if this could be written behind a dot. */
bool pyi_places_is_identifier(const char *text);

/* What may be shown of the keys of a dict though nobody asked for values. */
bool pyi_places_is_harmless_key(const char *text);

/* "package.module"; not what somebody put into sys.modules under another kind of name. */
bool pyi_places_is_module_name(const char *name);

/* The attribute whose name is the str `key`; false if it is not shown as one: it is no identifier,
 * or looks like a secret and nobody asked for values. */
bool pyi_places_attribute_name(const struct pyi_places *places, uint64_t key,
			       char ret_name[PYI_NAME_BYTES]);

/* "foo.f" for a code object: module unknown, so co_qualname or co_name; "?" if unreadable. */
char *pyi_places_code_name(const struct pyi_places *places, uint64_t code_addr);

/* The name of local variable (also cell and free variable) `index` of a code object. */
bool pyi_places_local_name(const struct pyi_places *places, uint64_t code_addr, uint64_t index,
			   char ret_name[PYI_NAME_BYTES]);

/*
 * A short description of an object for people: with `values` a repr()-like text of at most 60
 * characters for str, bytes, int, bool, None, float, and tuples of these ("(':1.1000', …)"),
 * else and for all other types "<TYPE>". malloc'ed; NULL without memory.
 */
char *pyi_places_describe(const struct pyi_places *places, uint64_t object_addr);

/* The full name of a type, malloc'ed; `*ret_builtin` if no Python code made it. NULL: no memory. */
char *pyi_places_type_name(const struct pyi_places *places, uint64_t type_addr, bool *ret_builtin);

/*
 * The same as pyi_places_describe() with values, of an object whose type is builtin and has that
 * name; false if its value is not shown, or cannot be read. *ret_text is NULL without memory.
 */
bool pyi_places_value(const struct pyi_places *places, uint64_t object_addr, const char *type,
		      char **ret_text);

#endif
