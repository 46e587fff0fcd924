/*
 * What the tests of src/bus need around them: targets and dbus-daemons of their own.
 */
#ifndef PYI_TESTS_BUS_FIXTURE_H
#define PYI_TESTS_BUS_FIXTURE_H

#include <sys/types.h>

#include "base/error.h"
#include "process/process.h"

enum { TARGET_PLAIN, TARGET_CHROOT, TARGET_OTHER_NETWORK };

struct bus_fixture_target {
	pid_t pid;
	struct pyi_process process;
};

struct bus_fixture_daemon {
	pid_t pid;
	/* As it prints it: with the guid. */
	char address[512];
};

/*
 * Starts this program again with an environment (and nothing else in it) as TARGET_...; a
 * TARGET_CHROOT has its root at $TEST_ROOT. It does nothing until it is ended. main() must begin
 * with handing over to bus_fixture_be_target() if argv[0] is "target".
 */
void bus_fixture_start_target(struct bus_fixture_target *ret_target, int kind,
			      char *const environment[]);
int bus_fixture_be_target(const char *mode);
void bus_fixture_end_target(struct bus_fixture_target *target);

/* Starts a dbus-daemon with a configuration NAME.conf in `folder`; `policy` is XML, or "". */
void bus_fixture_start_daemon(struct bus_fixture_daemon *ret_daemon, const char *folder,
			      const char *name, const char *listen_on, const char *policy);
void bus_fixture_end_daemon(struct bus_fixture_daemon *daemon);

/* Fails unless `error` has the code, exit 1, and the words in its message; frees it. */
void bus_fixture_expect_error(struct pyi_error *error, const char *code, const char *words);

#endif
