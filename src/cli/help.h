/*
 * What the program says of itself. Does not know which commands there are.
 */
#ifndef PYI_CLI_HELP_H
#define PYI_CLI_HELP_H

#include <stddef.h>
#include <stdio.h>

#include "cli/command.h"

/* The help of a command; NULL: of all of them. */
void pyi_help_print(FILE *stream, const struct pyi_command *command,
		    const struct pyi_command *const *commands, size_t count);

#endif
