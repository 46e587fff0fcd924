/*
 * The way of a structured message to journald. Without a journal there is nobody to tell, and that
 * is no error.
 */
#ifndef PYI_CLI_JOURNAL_SEND_H
#define PYI_CLI_JOURNAL_SEND_H

#include <sys/uio.h>

/* Fields are "NAME=value", of any bytes. */
void pyi_journal_send(const struct iovec *fields, int count);

#endif
