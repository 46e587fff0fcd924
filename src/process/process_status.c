/*
 * Parses the text of a status file of a process or thread.
 *
 * Does not read the file; lines that nobody here needs are passed over.
 */
#include "process/process.h"

#include <limits.h>
#include <string.h>

/* Parses the decimal number at *cursor and moves behind it. False if there is none above `limit`.
 */
static bool parse_decimal(const char **cursor, uint64_t limit, uint64_t *ret_value)
{
	const char *at = *cursor;
	uint64_t value = 0;

	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	}
	if (value > limit)
		return false;
	*cursor = at;
	*ret_value = value;
	return true;
}

/* Undoes the kernel's escapes ("\n", "\\", octal) of the name that ends at `end`. */
static void parse_name(const char *at, const char *end, char *name, size_t room)
{
	size_t length = 0;

	while (at < end && length < room - 1) {
		char byte = *at++;

		if (byte == '\\' && at < end) {
			if (*at == 'n') {
				byte = '\n';
				at++;
			} else if (*at == '\\') {
				at++;
			} else if (end - at >= 3 && at[0] >= '0' && at[0] <= '3' && at[1] >= '0' &&
				   at[1] <= '7' && at[2] >= '0' && at[2] <= '7') {
				byte = (char)((at[0] - '0') << 6 | (at[1] - '0') << 3 |
					      (at[2] - '0'));
				at += 3;
			}
		}
		name[length++] = byte;
	}
	name[length] = '\0';
}

/* Parses all numbers of a line, at least one and at most `capacity`. */
static bool parse_numbers(const char *at, uint64_t limit, unsigned capacity, uint64_t *ret_values,
			  unsigned *ret_count)
{
	unsigned count = 0;

	for (;;) {
		while (*at == ' ' || *at == '\t')
			at++;
		if (*at == '\n')
			break;
		if (count == capacity || !parse_decimal(&at, limit, &ret_values[count]))
			return false;
		count++;
	}
	*ret_count = count;
	return count;
}

static bool parse_one_number(const char *at, uint64_t limit, uint64_t *ret_value)
{
	uint64_t value;

	while (*at == ' ' || *at == '\t')
		at++;
	if (!parse_decimal(&at, limit, &value) || *at != '\n')
		return false;
	*ret_value = value;
	return true;
}

static bool parse_pid(const char *at, pid_t *ret_pid)
{
	uint64_t value;

	if (!parse_one_number(at, INT_MAX, &value))
		return false;
	*ret_pid = (pid_t)value;
	return true;
}

static bool parse_kilobytes(const char *at, uint64_t *ret_bytes)
{
	uint64_t value;

	while (*at == ' ' || *at == '\t')
		at++;
	if (!parse_decimal(&at, UINT64_MAX / 1024, &value) || strncmp(at, " kB\n", 4))
		return false;
	*ret_bytes = value * 1024;
	return true;
}

static bool parse_mask(const char *at, uint64_t *ret_mask)
{
	uint64_t mask = 0;
	int digits;

	while (*at == ' ' || *at == '\t')
		at++;
	for (digits = 0; *at != '\n'; digits++, at++) {
		int digit;

		if (*at >= '0' && *at <= '9')
			digit = *at - '0';
		else if (*at >= 'a' && *at <= 'f')
			digit = *at - 'a' + 10;
		else
			return false;
		/* MIPS has 128 signals; nobody else prints more than 16 digits. */
		if (digits == 16)
			return false;
		mask = mask << 4 | (unsigned)digit;
	}
	if (!digits)
		return false;
	*ret_mask = mask;
	return true;
}

static bool has_word(const char *at, const char *end, const char *word)
{
	size_t length = strlen(word);

	while (at < end) {
		size_t run = strcspn(at, " \t\n");

		if (run == length && !memcmp(at, word, length))
			return true;
		at += run + 1;
	}
	return false;
}

enum {
	/* Real, effective, saved, and that of the file system. */
	UIDS = 4,
};

enum field {
	FIELD_NAME = 1 << 0,
	FIELD_STATE = 1 << 1,
	FIELD_TGID = 1 << 2,
	FIELD_PID = 1 << 3,
	FIELD_PPID = 1 << 4,
	FIELD_UID = 1 << 5,
	FIELD_THREADS = 1 << 6,
	FIELD_NSPID = 1 << 7,
	FIELD_OTHER = 1 << 8,
	/* Every kernel prints these. */
	FIELDS_REQUIRED = FIELD_NAME | FIELD_STATE | FIELD_TGID | FIELD_PID | FIELD_PPID |
			  FIELD_UID | FIELD_THREADS,
};

/* Takes over one line, "key:" with `value` behind it. Returns 0 if the value is malformed. */
static unsigned parse_field(const char *key, size_t key_length, const char *value, const char *end,
			    struct pyi_process_status *status, pid_t *pid)
{
	uint64_t values[PYI_NAMESPACE_LIMIT];
	uint64_t first;
	unsigned count;

#define KEY_IS(name) (key_length == sizeof(name) - 1 && !memcmp(key, name, key_length))
	if (KEY_IS("Name")) {
		if (*value != '\t')
			return 0;
		parse_name(value + 1, end, status->name, sizeof(status->name));
		return FIELD_NAME;
	}
	if (KEY_IS("State")) {
		if (value[0] != '\t' || value[1] == '\n')
			return 0;
		status->state = value[1];
		return FIELD_STATE;
	}
	if (KEY_IS("Tgid"))
		return parse_pid(value, &status->thread_group_id) ? FIELD_TGID : 0;
	if (KEY_IS("Pid"))
		return parse_pid(value, pid) ? FIELD_PID : 0;
	if (KEY_IS("PPid"))
		return parse_pid(value, &status->parent_pid) ? FIELD_PPID : 0;
	if (KEY_IS("TracerPid"))
		return parse_pid(value, &status->tracer_pid) ? FIELD_OTHER : 0;
	if (KEY_IS("Uid")) {
		if (!parse_numbers(value, UINT32_MAX, UIDS, values, &count) || count < UIDS)
			return 0;
		status->real_uid = (uid_t)values[0];
		status->effective_uid = (uid_t)values[1];
		return FIELD_UID;
	}
	if (KEY_IS("NSpid")) {
		if (!parse_numbers(value, INT_MAX, PYI_NAMESPACE_LIMIT, values, &count))
			return 0;
		for (unsigned v = 0; v < count; v++)
			status->namespace_pids[v] = (pid_t)values[v];
		status->namespace_count = count;
		status->namespace_pid = (pid_t)values[count - 1];
		return FIELD_NSPID;
	}
	if (KEY_IS("Threads")) {
		if (!parse_one_number(value, UINT_MAX, &first))
			return 0;
		status->thread_count = (unsigned)first;
		return FIELD_THREADS;
	}
	if (KEY_IS("Seccomp")) {
		if (!parse_one_number(value, INT_MAX, &first))
			return 0;
		status->seccomp_mode = (int)first;
		return FIELD_OTHER;
	}
	if (KEY_IS("x86_Thread_features")) {
		status->shadow_stack = has_word(value, end, "shstk");
		return FIELD_OTHER;
	}
	if (KEY_IS("VmRSS"))
		return parse_kilobytes(value, &status->rss_bytes) ? FIELD_OTHER : 0;
	if (KEY_IS("RssAnon"))
		return parse_kilobytes(value, &status->anonymous_bytes) ? FIELD_OTHER : 0;
	if (KEY_IS("VmSwap"))
		return parse_kilobytes(value, &status->swapped_bytes) ? FIELD_OTHER : 0;
	if (KEY_IS("HugetlbPages"))
		return parse_kilobytes(value, &status->huge_pool_bytes) ? FIELD_OTHER : 0;
	if (KEY_IS("VmPTE"))
		return parse_kilobytes(value, &status->page_table_bytes) ? FIELD_OTHER : 0;
	if (KEY_IS("SigBlk"))
		return parse_mask(value, &status->signals_blocked) ? FIELD_OTHER : 0;
	if (KEY_IS("SigIgn"))
		return parse_mask(value, &status->signals_ignored) ? FIELD_OTHER : 0;
	if (KEY_IS("SigCgt"))
		return parse_mask(value, &status->signals_caught) ? FIELD_OTHER : 0;
	if (KEY_IS("SigPnd"))
		return parse_mask(value, &status->signals_pending) ? FIELD_OTHER : 0;
	if (KEY_IS("ShdPnd"))
		return parse_mask(value, &status->shared_signals_pending) ? FIELD_OTHER : 0;
	if (KEY_IS("voluntary_ctxt_switches"))
		return parse_one_number(value, UINT64_MAX, &status->voluntary_switches)
			       ? FIELD_OTHER
			       : 0;
	if (KEY_IS("CapEff"))
		return parse_mask(value, &status->capabilities_effective) ? FIELD_OTHER : 0;
#undef KEY_IS
	return FIELD_OTHER;
}

struct pyi_error *pyi_process_parse_status(const char *text, struct pyi_process_status *ret_status)
{
	struct pyi_process_status status = { 0 };
	const char *line = text;
	unsigned seen = 0;
	unsigned number;
	pid_t pid = 0;

	for (number = 1; *line; number++) {
		const char *end = strchr(line, '\n');
		const char *colon = end ? memchr(line, ':', (size_t)(end - line)) : NULL;
		unsigned field = colon ? parse_field(line, (size_t)(colon - line), colon + 1, end,
						     &status, &pid)
				       : 0;

		if (!field)
			return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_STATUS,
						"line %u of the process status is malformed",
						number);
		seen |= field;
		line = end + 1;
	}
	if ((seen & FIELDS_REQUIRED) != FIELDS_REQUIRED)
		return pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_STATUS,
					"the process status is incomplete");
	/* Before Linux 4.1, and in kernels without pid namespaces, there is one number. */
	if (!(seen & FIELD_NSPID)) {
		status.namespace_pid = pid;
		status.namespace_pids[0] = pid;
		status.namespace_count = 1;
	}
	*ret_status = status;
	return NULL;
}

pid_t pyi_process_number_in(const struct pyi_process_status *status, unsigned count)
{
	return count && count <= status->namespace_count ? status->namespace_pids[count - 1] : 0;
}

uint64_t pyi_process_used_bytes(const struct pyi_process_status *status)
{
	return status->rss_bytes + status->swapped_bytes + status->huge_pool_bytes;
}
