/*
 * Parses and prints D-Bus addresses.
 *
 * Does not look anything up.
 */
#include "bus/address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
	/* So much of an address is shown in a message. */
	SHOWN_LIMIT = 160,
	ABSTRACT_LIMIT = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
};

/* A part of the text, which is not NUL-terminated. */
struct part {
	const char *begin;
	const char *end;
};

static size_t length_of(struct part part)
{
	return (size_t)(part.end - part.begin);
}

static bool is(struct part part, const char *word)
{
	return length_of(part) == strlen(word) && !memcmp(part.begin, word, length_of(part));
}

/* Takes what is in front of the next `separator`, or all; `rest` is then what is behind it. */
static struct part take(struct part *rest, char separator)
{
	const char *at = memchr(rest->begin, separator, length_of(*rest));
	struct part first = { rest->begin, at ? at : rest->end };

	rest->begin = at ? at + 1 : rest->end;
	return first;
}

static struct pyi_error *refuse(struct part entry, const char *why)
{
	char shown[SHOWN_LIMIT + 1];
	bool cut = length_of(entry) > SHOWN_LIMIT;
	size_t length = cut ? SHOWN_LIMIT : length_of(entry);
	size_t i;

	for (i = 0; i < length; i++)
		shown[i] = (char)(entry.begin[i] >= ' ' && entry.begin[i] <= '~' ? entry.begin[i]
										 : '?');
	shown[length] = '\0';
	return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, "%s%s, %s", shown,
				cut ? "..." : "", why);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Undoes the escapes of a value; NULL, or why it is wrong. Printable bytes that the specification
 * wants to be escaped are taken as they are: GDBus and sd-bus do so, thus a target may be connected
 * to such an address.
 */
static const char *decode(struct part value, char *ret_text, size_t limit)
{
	const char *at = value.begin;
	size_t length = 0;

	while (at < value.end) {
		char c = *at++;

		if (c == '%') {
			int high = at < value.end ? hex_digit(at[0]) : -1;
			int low = at + 1 < value.end ? hex_digit(at[1]) : -1;

			if (high < 0 || low < 0)
				return "has a % without two hexadecimal digits behind it";
			c = (char)(high * 16 + low);
			if (!c)
				return "has a NUL byte in it";
			at += 2;
		} else if (c < ' ' || c > '~') {
			return "has a byte in it that must be escaped";
		}
		if (length + 1 >= limit)
			return "is too long";
		ret_text[length++] = c;
	}
	if (!length)
		return "has an empty value";
	ret_text[length] = '\0';
	return NULL;
}

static const char *decode_guid(struct part value, char *ret_guid)
{
	char guid[PYI_BUS_GUID_LENGTH + 1];
	size_t i;

	if (decode(value, guid, sizeof(guid)) || strlen(guid) != PYI_BUS_GUID_LENGTH)
		return "has a guid that is not 32 hexadecimal digits";
	for (i = 0; i < PYI_BUS_GUID_LENGTH; i++) {
		if (hex_digit(guid[i]) < 0)
			return "has a guid that is not 32 hexadecimal digits";
		ret_guid[i] = "0123456789abcdef"[hex_digit(guid[i])];
	}
	ret_guid[PYI_BUS_GUID_LENGTH] = '\0';
	return NULL;
}

/* The keys of "unix:"; NULL, or why they are refused. */
static const char *parse_keys(struct part keys, struct pyi_bus_address *ret_address)
{
	bool named = false;

	ret_address->guid[0] = '\0';
	while (length_of(keys)) {
		struct part value = take(&keys, ',');
		const char *equals = memchr(value.begin, '=', length_of(value));
		struct part key = { value.begin, equals };
		const char *why = NULL;

		if (!equals || equals == value.begin)
			return "is not of the form unix:KEY=VALUE";
		value.begin = equals + 1;
		if (is(key, "path") || is(key, "abstract")) {
			if (named)
				return "names more than one socket";
			named = true;
			ret_address->transport =
				is(key, "path") ? PYI_BUS_UNIX_PATH : PYI_BUS_UNIX_ABSTRACT;
			why = decode(value, ret_address->name,
				     is(key, "path") ? PYI_BUS_NAME_LIMIT : ABSTRACT_LIMIT + 1);
		} else if (is(key, "guid")) {
			if (ret_address->guid[0])
				return "has two guids";
			why = decode_guid(value, ret_address->guid);
		} else if (is(key, "dir") || is(key, "tmpdir") || is(key, "runtime")) {
			return "is for a bus to listen on and names no socket to connect to";
		}
		/* Any other key does not matter, as for libdbus. */
		if (why)
			return why;
	}
	if (!named)
		return "names no socket";
	if (ret_address->transport == PYI_BUS_UNIX_PATH && ret_address->name[0] != '/')
		return "is a relative path";
	return NULL;
}

struct pyi_error *pyi_bus_address_next(const char **text, struct pyi_bus_address *ret_address)
{
	struct pyi_bus_address address;
	struct part entry, rest;
	struct part transport;
	const char *colon;
	const char *why;

	*text += strspn(*text, ";");
	entry = (struct part){ *text, *text + strcspn(*text, ";") };
	*text = entry.end + strspn(entry.end, ";");
	if (!length_of(entry))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_NO_BUS, "the address is empty");
	colon = memchr(entry.begin, ':', length_of(entry));
	if (!colon)
		return refuse(entry, "is not a D-Bus address");
	rest = entry;
	transport = take(&rest, ':');
	if (!is(transport, "unix"))
		return refuse(entry, "is of a kind that pyinspect does not connect to "
				     "(it does to unix:path= and unix:abstract=)");
	why = parse_keys(rest, &address);
	if (why)
		return refuse(entry, why);
	*ret_address = address;
	return NULL;
}

static bool stands_for_itself(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-_/.\\*", c));
}

char *pyi_bus_address_format(const struct pyi_bus_address *address)
{
	const char *prefix =
		address->transport == PYI_BUS_UNIX_PATH ? "unix:path=" : "unix:abstract=";
	char *text = malloc(strlen(prefix) + 3 * strlen(address->name) + 1);
	const char *at;
	char *end;

	if (!text)
		return NULL;
	end = stpcpy(text, prefix);
	for (at = address->name; *at; at++) {
		if (stands_for_itself(*at)) {
			*end++ = *at;
		} else {
			*end++ = '%';
			*end++ = "0123456789abcdef"[(unsigned char)*at >> 4];
			*end++ = "0123456789abcdef"[(unsigned char)*at & 15];
		}
	}
	*end = '\0';
	return text;
}
