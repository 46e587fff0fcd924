/*
 * Modes that wait for System V semaphores and messages, and for POSIX messages.
 */
#include "blocking.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	QUEUE_MESSAGES = 2,
	MESSAGE_BYTES = 64,
};

struct message {
	long type;
	char text[MESSAGE_BYTES];
};

static bool prepare_semaphore(struct job *job)
{
	job->id = semget(IPC_PRIVATE, 1, 0600);
	return job->id >= 0;
}

static long call_semop(struct job *job)
{
	struct sembuf down = { .sem_op = -1 };

	return syscall(SYS_semop, (int)job->id, &down, 1UL);
}

static long semtimedop_with(struct job *job, uint64_t timeout_ns)
{
	struct timespec timeout = timespec_of(timeout_ns);
	struct sembuf down = { .sem_op = -1 };

	return syscall(SYS_semtimedop, (int)job->id, &down, 1UL, &timeout);
}

static long call_semtimedop(struct job *job)
{
	return semtimedop_with(job, job->timeout_ns);
}

static long call_semtimedop_event(struct job *job)
{
	return semtimedop_with(job, 100 * NS_PER_S);
}

static void wake_semaphore(struct job *job)
{
	struct sembuf up = { .sem_op = 1 };

	semop((int)job->id, &up, 1);
}

static void check_semaphore(struct job *job)
{
	say(job, "value %d", semctl((int)job->id, 0, GETVAL));
	semctl((int)job->id, 0, IPC_RMID);
}

static bool prepare_messages(struct job *job)
{
	job->id = msgget(IPC_PRIVATE, 0600);
	return job->id >= 0;
}

static long call_msgrcv(struct job *job)
{
	struct message message = { 0 };
	long result = syscall(SYS_msgrcv, (int)job->id, &message, sizeof(message.text), 0L, 0);

	say(job, "type %ld '%s'", message.type, message.text);
	return result;
}

static void send_message(struct job *job, long type, int flags)
{
	struct message message = { .type = type, .text = "event" };

	if (msgsnd((int)job->id, &message, sizeof(message.text), flags) != 0)
		say(job, "[cannot send: errno %d]", errno);
}

static void wake_message(struct job *job)
{
	send_message(job, 7, 0);
}

/* Room for no more than one message. */
static bool prepare_full(struct job *job)
{
	struct msqid_ds setting;

	if (!prepare_messages(job) || msgctl((int)job->id, IPC_STAT, &setting) != 0)
		return false;
	setting.msg_qbytes = MESSAGE_BYTES;
	if (msgctl((int)job->id, IPC_SET, &setting) != 0)
		return false;
	send_message(job, 1, IPC_NOWAIT);
	return !job->data[0];
}

static long call_msgsnd(struct job *job)
{
	struct message message = { .type = 2, .text = "second" };

	return syscall(SYS_msgsnd, (int)job->id, &message, sizeof(message.text), 0);
}

static void wake_full(struct job *job)
{
	struct message message;

	msgrcv((int)job->id, &message, sizeof(message.text), 1, IPC_NOWAIT);
}

static void check_messages(struct job *job)
{
	struct msqid_ds state = { 0 };

	msgctl((int)job->id, IPC_STAT, &state);
	say(job, "%d in the queue", (int)state.msg_qnum);
	msgctl((int)job->id, IPC_RMID, NULL);
}

static bool prepare_posix(struct job *job)
{
	struct mq_attr attributes = { .mq_maxmsg = QUEUE_MESSAGES, .mq_msgsize = MESSAGE_BYTES };
	char name[64];

	snprintf(name, sizeof(name), "/pyinspect-%d-%p", getpid(), (void *)job);
	job->fds[0] = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
	if (job->fds[0] < 0)
		return false;
	mq_unlink(name);
	return true;
}

static long receive_posix(struct job *job, const struct timespec *moment)
{
	char text[MESSAGE_BYTES + 1] = { 0 };
	unsigned priority = 0;
	long result = syscall(SYS_mq_timedreceive, job->fds[0], text, (size_t)MESSAGE_BYTES,
			      &priority, moment);

	if (result >= 0)
		say(job, "priority %u '%s'", priority, text);
	return result;
}

static long call_receive(struct job *job)
{
	return receive_posix(job, NULL);
}

static long call_receive_timed(struct job *job)
{
	struct timespec moment = moment_in(CLOCK_REALTIME, job->timeout_ns);

	return receive_posix(job, &moment);
}

static void wake_receive(struct job *job)
{
	mq_send(job->fds[0], "event", 6, 3);
}

static bool prepare_posix_full(struct job *job)
{
	if (!prepare_posix(job))
		return false;
	for (int m = 0; m < QUEUE_MESSAGES; m++)
		if (mq_send(job->fds[0], "first", 6, 2) != 0)
			return false;
	return true;
}

static long call_send(struct job *job)
{
	return syscall(SYS_mq_timedsend, job->fds[0], "second", (size_t)7, 1U, NULL);
}

static long call_send_timed(struct job *job)
{
	struct timespec moment = moment_in(CLOCK_REALTIME, job->timeout_ns);

	return syscall(SYS_mq_timedsend, job->fds[0], "second", (size_t)7, 1U, &moment);
}

static void wake_send(struct job *job)
{
	char text[MESSAGE_BYTES];

	mq_receive(job->fds[0], text, sizeof(text), NULL);
}

static void check_posix(struct job *job)
{
	struct mq_attr attributes = { 0 };

	mq_getattr(job->fds[0], &attributes);
	say(job, "%ld in the queue", attributes.mq_curmsgs);
}

/* clang-format off */
const struct mode queue_modes[] = {
	{ "semop", ENDS_BY_EVENT, CARE_NONE, prepare_semaphore, call_semop, NULL, wake_semaphore, check_semaphore },
	{ "semtimedop", ENDS_IN_TIME, CARE_LEAVE, prepare_semaphore, call_semtimedop, NULL, NULL, check_semaphore },
	{ "semtimedop_event", ENDS_BY_EVENT, CARE_LEAVE, prepare_semaphore, call_semtimedop_event, NULL, wake_semaphore, check_semaphore },
	{ "msgrcv", ENDS_BY_EVENT, CARE_NONE, prepare_messages, call_msgrcv, NULL, wake_message, check_messages },
	{ "msgsnd_full", ENDS_BY_EVENT, CARE_LEAVE, prepare_full, call_msgsnd, NULL, wake_full, check_messages },
	{ "mq_receive", ENDS_BY_EVENT, CARE_LEAVE, prepare_posix, call_receive, NULL, wake_receive, check_posix },
	{ "mq_timedreceive", ENDS_IN_TIME, CARE_LEAVE, prepare_posix, call_receive_timed, NULL, NULL, check_posix },
	{ "mq_send_full", ENDS_BY_EVENT, CARE_LEAVE, prepare_posix_full, call_send, NULL, wake_send, check_posix },
	{ "mq_timedsend_full", ENDS_IN_TIME, CARE_LEAVE, prepare_posix_full, call_send_timed, NULL, NULL, check_posix },
	{ 0 },
};
/* clang-format on */
