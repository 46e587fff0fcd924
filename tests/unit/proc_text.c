/*
 * Reads with the library's own functions.
 */
#include "proc_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "process/process.h"

char *proc_text_read(pid_t pid, const char *name)
{
	struct pyi_process process = { .proc_fd = -1 };
	char *text = NULL;

	assert_null(pyi_process_open(pid, &process));
	assert_null(pyi_process_read_file(&process, name, 1 << 20, &text, NULL));
	pyi_process_close(&process);
	return text;
}

void proc_text_assert_line(const char *text, const char *line)
{
	if (!text || !strstr(text, line))
		fail_msg("no \"%s\" in\n%s", line, text ? text : "nothing");
}
