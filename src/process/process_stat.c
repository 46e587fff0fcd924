/*
 * Cuts the line of a stat file into its fields.
 */
#include "process/process_stat.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/small_file.h"

enum {
	/* 52 numbers of 20 digits and a name are far less. */
	STAT_LIMIT_BYTES = 4096,
	/* PF_KTHREAD of include/linux/sched.h. */
	KERNEL_THREAD_FLAG = 0x00200000,
	FIELD_PARENT = 4,
	FIELD_FLAGS = 9,
	FIELD_USER_TICKS = 14,
	FIELD_KERNEL_TICKS = 15,
	FIELD_THREADS = 20,
	FIELD_START = 22,
	FIELD_EXIT_SIGNAL = 38,
	FIELD_PROCESSOR = 39,
	/* The last one of Linux 3.5 and all since. */
	FIELD_EXIT_CODE = 52,
};

struct number {
	uint64_t magnitude;
	bool negative;
};

/* Parses " 12" or " -12" at *cursor and moves behind it. */
static bool parse_number(const char **cursor, struct number *ret_number)
{
	const char *at = *cursor;
	struct number number = { 0, false };

	if (*at++ != ' ')
		return false;
	number.negative = *at == '-';
	at += number.negative;
	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(number.magnitude, 10, &number.magnitude) ||
		    __builtin_add_overflow(number.magnitude, (uint64_t)(*at - '0'),
					   &number.magnitude))
			return false;
	*cursor = at;
	*ret_number = number;
	return true;
}

static bool take_unsigned(const struct number *number, uint64_t limit, uint64_t *ret_value)
{
	if (number->negative || number->magnitude > limit)
		return false;
	*ret_value = number->magnitude;
	return true;
}

static bool take_int(const struct number *number, int *ret_value)
{
	if (number->magnitude > INT_MAX)
		return false;
	*ret_value = number->negative ? -(int)number->magnitude : (int)number->magnitude;
	return true;
}

/* Takes over one field; those that nobody needs may have any number. */
static bool take_field(int field, const struct number *number, struct pyi_process_stat *stat)
{
	uint64_t value;

	switch (field) {
	case FIELD_PARENT:
		return !number->negative && take_int(number, &stat->parent_pid);
	case FIELD_FLAGS:
		if (!take_unsigned(number, UINT32_MAX, &value))
			return false;
		stat->flags = (uint32_t)value;
		return true;
	case FIELD_USER_TICKS:
		return take_unsigned(number, UINT64_MAX, &stat->user_ticks);
	case FIELD_KERNEL_TICKS:
		return take_unsigned(number, UINT64_MAX, &stat->kernel_ticks);
	case FIELD_THREADS:
		return take_unsigned(number, INT_MAX, &stat->thread_count);
	case FIELD_START:
		return take_unsigned(number, UINT64_MAX, &stat->start_ticks);
	case FIELD_EXIT_SIGNAL:
		return take_int(number, &stat->exit_signal);
	case FIELD_PROCESSOR:
		if (!take_unsigned(number, INT_MAX, &value))
			return false;
		stat->processor = (unsigned)value;
		return true;
	case FIELD_EXIT_CODE:
		return take_int(number, &stat->exit_code);
	default:
		return true;
	}
}

bool pyi_process_stat_parse(const char *text, struct pyi_process_stat *ret_stat)
{
	struct pyi_process_stat stat = { 0 };
	const char *name = strchr(text, '(');
	/*
	 * The name stands in parentheses and may itself contain any of them, spaces and newlines;
	 * only numbers follow it, so the last ')' ends it.
	 */
	const char *at = strrchr(text, ')');

	if (!name || !at || at < name || at[1] != ' ' || !at[2])
		return false;
	name++;
	snprintf(stat.name, sizeof(stat.name), "%.*s", (int)(at - name), name);
	stat.state = at[2];
	at += 3;
	for (int field = FIELD_PARENT; field <= FIELD_EXIT_CODE; field++) {
		struct number number;

		if (!parse_number(&at, &number) || !take_field(field, &number, &stat))
			return false;
	}
	if (*at && *at != ' ' && *at != '\n')
		return false;
	*ret_stat = stat;
	return true;
}

static bool read_at(int directory_fd, const char *path, struct pyi_process_stat *ret_stat)
{
	char text[STAT_LIMIT_BYTES];

	return pyi_small_file_read(directory_fd, path, text, sizeof(text)) &&
	       pyi_process_stat_parse(text, ret_stat);
}

bool pyi_process_stat_read(const struct pyi_process *process, pid_t tid,
			   struct pyi_process_stat *ret_stat)
{
	char path[64];

	if (!tid)
		return read_at(process->proc_fd, "stat", ret_stat);
	snprintf(path, sizeof(path), "task/%d/stat", (int)tid);
	return read_at(process->proc_fd, path, ret_stat);
}

bool pyi_process_stat_is_kernel_thread(const struct pyi_process *process)
{
	struct pyi_process_stat stat;

	return pyi_process_stat_read(process, 0, &stat) && stat.flags & KERNEL_THREAD_FLAG;
}

bool pyi_process_stat_peek(pid_t pid, struct pyi_process_stat *ret_stat)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return read_at(AT_FDCWD, path, ret_stat);
}
