/*
 * Parses three lines of a status file. Does not judge who may do what.
 */
#include "process/credentials.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	STATUS_LIMIT_BYTES = 1 << 20,
	/* NGROUPS_MAX */
	GROUP_LIMIT = 65536,
	ID_COUNT = 4,
};

/* The numbers of the line that begins with `key`; false if it is not of that form. */
static bool parse_line(const char *text, const char *key, uint32_t *ret_numbers, size_t limit,
		       size_t *ret_count)
{
	const char *at = strstr(text, key);
	size_t count = 0;

	if (!at)
		return false;
	for (at += strlen(key);;) {
		uint64_t number = 0;

		while (*at == ' ' || *at == '\t')
			at++;
		if (*at == '\n')
			break;
		if (*at < '0' || *at > '9' || count == limit)
			return false;
		for (; *at >= '0' && *at <= '9'; at++) {
			number = number * 10 + (uint64_t)(*at - '0');
			if (number > UINT32_MAX)
				return false;
		}
		ret_numbers[count++] = (uint32_t)number;
	}
	*ret_count = count;
	return true;
}

struct pyi_error *pyi_credentials_parse(const char *text, struct pyi_credentials *ret_credentials)
{
	PYI_CLEANUP(pyi_guard_free) gid_t *others = calloc(GROUP_LIMIT, sizeof(*others));
	uint32_t users[ID_COUNT];
	uint32_t groups[ID_COUNT];
	size_t other_count;
	size_t count;

	if (!others)
		return pyi_error_no_memory();
	/* The name, which comes first, has no newline in it: the kernel escapes them. */
	if (!parse_line(text, "\nUid:", users, ID_COUNT, &count) || count != ID_COUNT ||
	    !parse_line(text, "\nGid:", groups, ID_COUNT, &count) || count != ID_COUNT ||
	    !parse_line(text, "\nGroups:", others, GROUP_LIMIT, &other_count))
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_STATUS,
					"a status file of /proc does not say whose process it is");
	*ret_credentials = (struct pyi_credentials){
		.users = { users[0], users[1], users[2] },
		.groups = { groups[0], groups[1], groups[2] },
		.others = pyi_return_ptr(others),
		.other_count = other_count,
	};
	return NULL;
}

struct pyi_error *pyi_credentials_read(const struct pyi_process *process,
				       struct pyi_credentials *ret_credentials)
{
	PYI_CLEANUP(pyi_guard_free) char *text = NULL;
	struct pyi_error *error =
		pyi_process_read_file(process, "status", STATUS_LIMIT_BYTES, &text, NULL);

	return error ? error : pyi_credentials_parse(text, ret_credentials);
}

struct pyi_confine_owner pyi_credentials_owner(const struct pyi_credentials *credentials)
{
	return (struct pyi_confine_owner){
		.real_uid = credentials->users[0],
		.effective_uid = credentials->users[1],
		.saved_uid = credentials->users[2],
		.real_gid = credentials->groups[0],
		.effective_gid = credentials->groups[1],
		.saved_gid = credentials->groups[2],
		.groups = credentials->others,
		.group_count = credentials->other_count,
	};
}

void pyi_credentials_deinit(struct pyi_credentials *credentials)
{
	free(credentials->others);
	*credentials = (struct pyi_credentials){ 0 };
}
