/*
 * mapping FOLDER COUNT: no Python, but so many different ELF files are mapped as if they were its
 * libraries.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
};

int main(int argc, char **argv)
{
	struct image image = { .segment = { .p_type = PT_LOAD, .p_flags = PF_R | PF_X } };
	int count = argc == 3 ? atoi(argv[2]) : 0;
	char byte;
	int self;

	/* For this machine. */
	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (read(self, &image.header, sizeof(image.header)) != sizeof(image.header))
		return 1;
	image.header.e_type = ET_DYN;
	image.header.e_phoff = sizeof(image.header);
	image.header.e_phnum = 1;
	image.header.e_shoff = 0;
	image.header.e_shnum = 0;
	image.header.e_shstrndx = 0;
	image.segment.p_filesz = image.segment.p_memsz = sizeof(image);
	for (int i = 0; i < count; i++) {
		char path[4096];
		int fd;

		snprintf(path, sizeof(path), "%s/libpython%d.so", argv[1], i);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
		if (fd < 0 || write(fd, &image, sizeof(image)) != sizeof(image) ||
		    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED) {
			perror(path);
			return 1;
		}
		close(fd);
	}
	if (write(1, "READY\n", 6) != 6 || read(0, &byte, 1) < 0)
		return 1;
	return 0;
}
