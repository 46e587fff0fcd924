/*
 * Where reports come from: machine, version, and whether more than ASCII can be shown there.
 */
#ifndef PYI_CLI_ORIGIN_H
#define PYI_CLI_ORIGIN_H

/* Tells the reports (report/output.h); before there is a worker, which cannot ask. */
void pyi_origin_describe(void);

#endif
