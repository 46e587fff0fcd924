/*
 * Reads Py_Version, or looks for a text. Does not believe names of files.
 */
#include "python/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	WRITABLE_LIMIT = 8,
	SCAN_CHUNK_BYTES = 1 << 16,
	SCAN_LIMIT_BYTES = 16 << 20,
	VERSION_OVERLAP = 64,
	COOKIE_BYTES = 8,
	/* PY_VERSION_HEX of the first alpha with them (gh-106045). */
	FIRST_DEBUG_OFFSETS = 0x030d00a0,
};

/* _Py_Debug_Cookie of Include/internal/pycore_debug_offsets.h */
static const char cookie[COOKIE_BYTES] = { 'x', 'd', 'e', 'b', 'u', 'g', 'p', 'y' };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of "3.X.Y[abrc...]" before " (" at `text`, 0 if it is not one. */
static size_t version_length(const char *text, size_t left)
{
	size_t i = 2;
	size_t dots = 1;

	if (left < 10 || (text[0] != '3' && text[0] != '2') || text[1] != '.')
		return 0;
	for (; i < left && i < 31; i++) {
		if (text[i] == '.' && is_digit(text[i - 1]) && i + 1 < left &&
		    is_digit(text[i + 1]))
			dots++;
		else if (!is_digit(text[i]) && (!text[i] || !strchr("abrc+", text[i])))
			break;
	}
	if (dots != 2 || i >= left || text[i] != ' ')
		return 0;
	/*
	 * "3.9.18 (main, ...", "3.13.5 free-threading build (", "3.13.5 experimental
	 * free-threading", "3.10.8 | packaged by conda-forge | ("
	 */
	if (i + 2 < left && text[i + 1] && strchr("(fe|", text[i + 1]))
		return i;
	return 0;
}

bool pyi_version_find(const char *bytes, size_t size_bytes, char ret_version[PYI_VERSION_BYTES])
{
	for (size_t i = 0; i < size_bytes; i++) {
		size_t length;

		/* A buffer of its own begins after a zero byte. */
		if (i && bytes[i - 1] != '\0')
			continue;
		length = version_length(bytes + i, size_bytes - i);
		if (length) {
			memcpy(ret_version, bytes + i, length);
			ret_version[length] = '\0';
			return true;
		}
	}
	return false;
}

bool pyi_version_scan(struct pyi_elf_module *module, struct pyi_memory_reader *reader,
		      char ret_version[PYI_VERSION_BYTES])
{
	struct pyi_elf_range ranges[WRITABLE_LIMIT];
	size_t count = pyi_elf_module_writable_ranges(module, ranges, WRITABLE_LIMIT);
	PYI_CLEANUP(pyi_guard_free) char *chunk = malloc(SCAN_CHUNK_BYTES);

	if (!chunk)
		return false;
	for (size_t r = 0; r < count; r++) {
		uint64_t size = ranges[r].size_bytes < SCAN_LIMIT_BYTES ? ranges[r].size_bytes
									: SCAN_LIMIT_BYTES;

		for (uint64_t at = 0; at < size; at += SCAN_CHUNK_BYTES - VERSION_OVERLAP) {
			uint64_t left = size - at < SCAN_CHUNK_BYTES ? size - at : SCAN_CHUNK_BYTES;

			if (pyi_memory_try_read(reader, ranges[r].addr + at, chunk, left) &&
			    pyi_version_find(chunk, left, ret_version))
				return true;
		}
	}
	return false;
}

uint32_t pyi_version_number(const char *version)
{
	unsigned major = 0;
	unsigned minor = 0;

	if (sscanf(version, "%u.%u", &major, &minor) != 2 || major > 255 || minor > 255)
		return 0;
	return major << 8 | minor;
}

bool pyi_version_is_cookie(const char bytes[8])
{
	return memcmp(bytes, cookie, COOKIE_BYTES) == 0;
}

bool pyi_version_read_debug_offsets(uint64_t runtime_addr, struct pyi_memory_reader *reader,
				    struct pyi_debug_offsets *ret_offsets)
{
	struct pyi_debug_offsets offsets;

	/* A fork of 3.12 has the same cookie, and other things behind it. */
	if (!runtime_addr ||
	    !pyi_memory_try_read(reader, runtime_addr, &offsets, sizeof(offsets)) ||
	    !pyi_version_is_cookie(offsets.cookie) || offsets.version < FIRST_DEBUG_OFFSETS ||
	    offsets.version > UINT32_MAX || offsets.free_threaded > 1)
		return false;
	*ret_offsets = offsets;
	return true;
}

bool pyi_version_read(struct pyi_scope *scope, size_t home, uint64_t runtime_addr,
		      struct pyi_memory_reader *reader, char ret_version[PYI_VERSION_BYTES])
{
	static const char *const levels[16] = { [0xa] = "a", [0xb] = "b", [0xc] = "rc" };
	struct pyi_elf_symbol symbols[PYI_SCOPE_LIMIT];
	struct pyi_debug_offsets offsets;
	uint32_t hex = 0;
	size_t count;

	if (pyi_version_read_debug_offsets(runtime_addr, reader, &offsets))
		hex = (uint32_t)offsets.version;
	count = hex ? 0 : pyi_scope_find(scope, home, "Py_Version", symbols);
	for (size_t i = 0; i < count && !hex; i++)
		(void)pyi_memory_try_read_u32(reader, symbols[i].addr, &hex);
	if (!hex) {
		bool found = pyi_version_scan(scope->modules[home], reader, ret_version);

		for (size_t i = 0; i < scope->count && !found; i++)
			found = pyi_version_scan(scope->modules[i], reader, ret_version);
		return found;
	}
	if (levels[hex >> 4 & 15])
		snprintf(ret_version, PYI_VERSION_BYTES, "%u.%u.%u%s%u", hex >> 24, hex >> 16 & 255,
			 hex >> 8 & 255, levels[hex >> 4 & 15], hex & 15);
	else
		snprintf(ret_version, PYI_VERSION_BYTES, "%u.%u.%u", hex >> 24, hex >> 16 & 255,
			 hex >> 8 & 255);
	return true;
}

unsigned pyi_version_patch_level(const char *version)
{
	unsigned patch = 0;

	return sscanf(version, "%*u.%*u.%u", &patch) == 1 ? patch : 0;
}
