/*
 * Starts and ends processes for the tests of src/bus: targets and dbus-daemons.
 *
 * Does not outlive the test, also if that is killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus_fixture.h"

int bus_fixture_be_target(const char *mode)
{
	const char *root = getenv("TEST_ROOT");
	int kind = atoi(mode);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kind != TARGET_PLAIN && geteuid() && unshare(CLONE_NEWUSER))
		return 1;
	if (kind == TARGET_OTHER_NETWORK && unshare(CLONE_NEWNET))
		return 1;
	if (kind == TARGET_CHROOT && (!root || chroot(root) || chdir("/")))
		return 1;
	if (write(STDOUT_FILENO, "r", 1) != 1)
		return 1;
	for (;;)
		pause();
}

void bus_fixture_start_target(struct bus_fixture_target *ret_target, int kind,
			      char *const environment[])
{
	char mode[] = { (char)('0' + kind), '\0' };
	char name[] = "target";
	char *const arguments[] = { name, mode, NULL };
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	ret_target->pid = fork();
	assert_true(ret_target->pid >= 0);
	if (!ret_target->pid) {
		dup2(ready[1], STDOUT_FILENO);
		execve("/proc/self/exe", arguments, environment);
		_exit(127);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		fail_msg("the target could not get its own root or network namespace");
	close(ready[0]);
	assert_null(pyi_process_open(ret_target->pid, &ret_target->process));
}

void bus_fixture_end_target(struct bus_fixture_target *target)
{
	pyi_process_close(&target->process);
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
}

void bus_fixture_start_daemon(struct bus_fixture_daemon *ret_daemon, const char *folder,
			      const char *name, const char *listen_on, const char *policy)
{
	char config[128], option[160];
	int printed[2];
	size_t length = 0;
	FILE *file;

	snprintf(config, sizeof(config), "%s/%s.conf", folder, name);
	file = fopen(config, "we");
	assert_non_null(file);
	fprintf(file,
		"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\""
		" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
		"<busconfig><listen>%s</listen><auth>EXTERNAL</auth>"
		"<policy context=\"default\"><allow send_destination=\"*\"/><allow "
		"receive_sender=\"*\"/><allow own=\"*\"/>"
		"</policy>%s</busconfig>\n",
		listen_on, policy);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(pipe(printed), 0);
	ret_daemon->pid = fork();
	assert_true(ret_daemon->pid >= 0);
	if (!ret_daemon->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(printed[0]);
		snprintf(option, sizeof(option), "--config-file=%s", config);
		snprintf(config, sizeof(config), "--print-address=%d", printed[1]);
		execlp("dbus-daemon", "dbus-daemon", option, config, "--nofork", "--nopidfile",
		       NULL);
		_exit(127);
	}
	close(printed[1]);
	while (length < sizeof(ret_daemon->address) - 1) {
		ssize_t got = read(printed[0], ret_daemon->address + length, 1);

		if (got != 1)
			fail_msg("dbus-daemon does not start (is the package dbus installed?)");
		if (ret_daemon->address[length] == '\n')
			break;
		length++;
	}
	ret_daemon->address[length] = '\0';
	close(printed[0]);
}

void bus_fixture_end_daemon(struct bus_fixture_daemon *daemon)
{
	if (daemon->pid <= 0)
		return;
	kill(daemon->pid, SIGKILL);
	waitpid(daemon->pid, NULL, 0);
	daemon->pid = 0;
}

void bus_fixture_expect_error(struct pyi_error *error, const char *code, const char *words)
{
	if (!error)
		fail_msg("no error instead of %s", code);
	if (strcmp(pyi_error_code_name(error->code), code) || error->exit != PYI_EXIT_FAILED ||
	    !strstr(error->message, words))
		fail_msg("%s (%s) instead of %s (%s)", pyi_error_code_name(error->code),
			 error->message, code, words);
	pyi_error_destroy(error);
}
