/*
 * Attributes of one object, read from outside: in its __dict__ (or inline values), in slots, in its
 * class. Runs no descriptor: only what is stored is found.
 *
 * Everything is untrusted, as in objects.h.
 */
#ifndef PYI_PYTHON_ATTRIBUTES_H
#define PYI_PYTHON_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process/memory_reader.h"
#include "python/objects.h"
#include "python/runtime.h"

/*
 * The value of slot or instance attribute `name` (at most 64 characters of ASCII) of an object,
 * slots first as getattr() does; false if it has none.
 */
bool pyi_attributes_get(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			uint64_t object_addr, const char *name, uint64_t *ret_value);

/* The value of `name` in the __dict__ of this class itself, not of its bases. */
bool pyi_attributes_get_class(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t type_addr, const char *name, uint64_t *ret_value);

/*
 * The name of the attribute that is stored at `offset` of instances of a type: a slot of a Python
 * class or a member of a C type (tp_members of the type and its bases), or one of the few
 * fields of builtin types that only have a getter (cell_contents, __code__, ...). False if it
 * has no name.
 */
bool pyi_attributes_field_name(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			       uint64_t type_addr, uint64_t offset, char ret_name[PYI_NAME_BYTES]);

/* Calls back for the items of a dict (combined or split); false if it is no dict or is broken.
 * The callback returns false to stop. */
bool pyi_attributes_each_item(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			      uint64_t dict_addr,
			      bool (*item)(void *argument, uint64_t key, uint64_t value),
			      void *argument);

/*
 * The same for what an object has in its __dict__ (or in values without one): the attributes of an
 * instance or a module, but no slots. False if that is broken; none at all is not.
 */
bool pyi_attributes_each(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			 uint64_t object_addr,
			 bool (*item)(void *argument, uint64_t key, uint64_t value),
			 void *argument);

/* Where the attributes of an instance are, other than slots; at most one is not 0. */
struct pyi_attribute_storage {
	uint64_t dict_addr;
	/* An array in the order of the keys that the type keeps. */
	uint64_t values_addr;
};

struct pyi_attribute_storage pyi_attributes_storage(const struct pyi_runtime *runtime,
						    struct pyi_memory_reader *reader,
						    uint64_t object_addr, uint64_t type_addr);

/* True if instances of this type can have such attributes. */
bool pyi_attributes_are_possible(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, uint64_t type_addr);

/* The same for the __dict__ of this class itself, not of its bases. */
bool pyi_attributes_each_of_class(const struct pyi_runtime *runtime,
				  struct pyi_memory_reader *reader, uint64_t type_addr,
				  bool (*item)(void *argument, uint64_t key, uint64_t value),
				  void *argument);

/* True if instances of this type have a length and are neither texts nor tuples. */
bool pyi_attributes_is_container(const struct pyi_runtime *runtime,
				 struct pyi_memory_reader *reader, uint64_t type_addr);

/* len() of a str, bytes, bytearray, list, tuple, dict, set, deque ...; false for other types. */
bool pyi_attributes_length(const struct pyi_runtime *runtime, struct pyi_memory_reader *reader,
			   uint64_t object_addr, uint64_t *ret_length);

#endif
