/*
 * A file that changes under whoever runs it: named like a library, mapped privately and executable,
 * its first instruction is "syscall" at one moment and a jump to code that makes a file at the
 * next.
 *
 * Loaded into a Python process with ctypes. Written for x86_64; elsewhere it begins nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	FILE_BYTES = 4096,
	CODE_OFFSET = 64,
	PATH_OFFSET = 256,
	/* Below all libraries, so that it is found first. */
	TEXT_ADDR = 0x10000000,
};

int toggling_begin(const char *path, const char *marker);
int toggling_allow_all(void);

#ifdef __x86_64__

static volatile uint16_t *instruction;

static void *toggle(void *argument)
{
	/* "syscall", and "jmp" to CODE_OFFSET. */
	const uint16_t system_call = 0x050f;
	const uint16_t jump = (uint16_t)(0xeb | (CODE_OFFSET - 2) << 8);
	unsigned state = 1;

	for (;;) {
		state = state * 1103515245 + 12345;
		*instruction = state >> 16 & 1 ? system_call : jump;
		for (unsigned i = 0; i < (state >> 20); i++)
			__asm__ volatile("pause");
	}
	return argument;
}

/* open(PATH_OFFSET, O_WRONLY | O_CREAT, 0600), then a trap. */
static void write_code(uint8_t *bytes, const char *marker)
{
	uint8_t code[] = {
		0x48, 0x8d, 0x3d, 0, 0, 0, 0, /* lea path(%rip), %rdi */
		0xbe, 0x41, 0,	  0, 0,	      /* mov $0x41, %esi */
		0xba, 0x80, 0x01, 0, 0,	      /* mov $0600, %edx */
		0xb8, 0x02, 0,	  0, 0,	      /* mov $2, %eax */
		0x0f, 0x05,		      /* syscall */
		0xcc,			      /* int3 */
	};
	int32_t distance = PATH_OFFSET - (CODE_OFFSET + 7);

	memcpy(code + 3, &distance, sizeof(distance));
	memcpy(bytes + CODE_OFFSET, code, sizeof(code));
	strncpy((char *)bytes + PATH_OFFSET, marker, FILE_BYTES - PATH_OFFSET - 1);
	memcpy(bytes, "\x0f\x05\xc3", 3);
}

int toggling_begin(const char *path, const char *marker)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	pthread_t thread;
	uint8_t *bytes;

	if (fd < 0 || ftruncate(fd, FILE_BYTES) != 0)
		return errno;
	bytes = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return errno;
	write_code(bytes, marker);
	if (mmap((void *)TEXT_ADDR, FILE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
		 0) == MAP_FAILED)
		return errno;
	instruction = (volatile uint16_t *)(void *)bytes;
	return pthread_create(&thread, NULL, toggle, NULL);
}

#else

int toggling_begin(const char *path, const char *marker)
{
	(void)path;
	(void)marker;
	return ENOSYS;
}

#endif

/* Under any filter of system calls a process is copied rather than cloned. */
int toggling_allow_all(void)
{
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return errno;
	return 0;
}
