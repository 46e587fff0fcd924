/*
 * D-Bus addresses as they stand in an environment variable: a list of ways to a bus.
 *
 * Does not connect, and does not know every kind of address: unix:path= and unix:abstract= only.
 */
#ifndef PYI_BUS_ADDRESS_H
#define PYI_BUS_ADDRESS_H

#include "base/error.h"

enum {
	/* Bytes of a socket's name with its NUL: PATH_MAX. */
	PYI_BUS_NAME_LIMIT = 4096,
	/* Hexadecimal digits. */
	PYI_BUS_GUID_LENGTH = 32,
};

enum pyi_bus_transport {
	PYI_BUS_UNIX_PATH,
	PYI_BUS_UNIX_ABSTRACT,
};

struct pyi_bus_address {
	enum pyi_bus_transport transport;
	/* Without escapes: an absolute path, or an abstract name (1 to 107 bytes). */
	char name[PYI_BUS_NAME_LIMIT];
	/* In lower case, or "" if the address names none. */
	char guid[PYI_BUS_GUID_LENGTH + 1];
};

/*
 * Parses the first address of the list `*text`, where empty ones are passed over, and moves
 * `*text` behind it, also on failure. At the end `*text` is "", and nothing but ";" may be before
 * it.
 *
 * `*text` is untrusted; what of it is in a message is printable ASCII and cut.
 * Error "no-bus": not an address, or of a kind that is refused.
 */
struct pyi_error *pyi_bus_address_next(const char **text,
				       struct pyi_bus_address *ret_address) PYI_MUST_CHECK;

/* The address in its usual form with escapes, without the guid; NULL without memory. To be freed.
 */
char *pyi_bus_address_format(const struct pyi_bus_address *address) PYI_MUST_CHECK;

#endif
