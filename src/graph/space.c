/*
 * Regions are appended to the file; what is given back becomes a hole in it.
 */
#include "graph/space.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	/* A multiple of any page. */
	UNIT_BYTES = 64 << 10,
};

void pyi_graph_space_init(struct pyi_graph_space *space, int fd, uint64_t limit_bytes)
{
	*space = (struct pyi_graph_space){ .fd = fd, .limit_bytes = limit_bytes };
}

static uint64_t whole_units(uint64_t size_bytes)
{
	if (!size_bytes)
		return UNIT_BYTES;
	return (size_bytes + UNIT_BYTES - 1) / UNIT_BYTES * UNIT_BYTES;
}

static struct pyi_error *no_room(const struct pyi_graph_space *space, int error_number,
				 uint64_t size_bytes)
{
	return pyi_error_hint(
		pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_TOO_LARGE, error_number,
				       "there is no room for %llu more MB of the graph",
				       (unsigned long long)(size_bytes >> 20)),
		space->fd < 0 ? "free some memory, or ask for a census only: top-types"
			      : "give it a larger disk for temporary files, or ask for a census "
				"only: top-types");
}

/* Where the file system, or the list of calls, has no fallocate(). */
static bool write_zeros(int fd, uint64_t from, uint64_t size_bytes)
{
	static const uint8_t zeros[UNIT_BYTES];

	if (lseek(fd, (off_t)from, SEEK_SET) < 0)
		return false;
	for (uint64_t done = 0; done < size_bytes;) {
		uint64_t left = size_bytes - done;
		ssize_t written = write(fd, zeros, left < UNIT_BYTES ? left : UNIT_BYTES);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		done += (uint64_t)written;
	}
	return true;
}

static bool reserve(int fd, uint64_t from, uint64_t size_bytes)
{
	int failed;

	do {
		failed = fallocate(fd, 0, (off_t)from, (off_t)size_bytes);
	} while (failed && errno == EINTR);
	if (!failed)
		return true;
	if (errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM)
		return false;
	return write_zeros(fd, from, size_bytes);
}

struct pyi_error *pyi_graph_space_map(struct pyi_graph_space *space, uint64_t size_bytes,
				      void **ret_region)
{
	uint64_t wanted = whole_units(size_bytes);
	void *region;

	if (size_bytes > space->limit_bytes || wanted > space->limit_bytes ||
	    space->held_bytes > space->limit_bytes - wanted)
		return no_room(space, EFBIG, size_bytes);
	if (space->fd < 0) {
		region = mmap(NULL, wanted, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	} else {
		if (!reserve(space->fd, space->end_bytes, wanted))
			return no_room(space, errno, size_bytes);
		region = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, space->fd,
			      (off_t)space->end_bytes);
	}
	if (region == MAP_FAILED)
		return no_room(space, errno, size_bytes);
	/* Where the kernel has none, nothing is lost but speed. */
	madvise(region, wanted, MADV_HUGEPAGE);
	if (space->fd >= 0)
		space->end_bytes += wanted;
	space->held_bytes += wanted;
	if (space->held_bytes > space->peak_bytes)
		space->peak_bytes = space->held_bytes;
	*ret_region = region;
	return NULL;
}

void pyi_graph_space_trim(struct pyi_graph_space *space, void *region, uint64_t size_bytes,
			  uint64_t kept_bytes)
{
	uint64_t size = whole_units(size_bytes);
	uint64_t kept = whole_units(kept_bytes);

	if (kept >= size)
		return;
	/* A file system without holes keeps it until the file is closed. */
	madvise((char *)region + kept, size - kept, space->fd < 0 ? MADV_DONTNEED : MADV_REMOVE);
	space->held_bytes -= size - kept;
}

void pyi_graph_space_unmap_trimmed(struct pyi_graph_space *space, void *region, uint64_t size_bytes,
				   uint64_t kept_bytes)
{
	uint64_t size = whole_units(size_bytes);

	if (!region)
		return;
	if (space->fd >= 0)
		madvise(region, size, MADV_REMOVE);
	munmap(region, size);
	space->held_bytes -= whole_units(kept_bytes);
}

void pyi_graph_space_unmap(struct pyi_graph_space *space, void *region, uint64_t size_bytes)
{
	pyi_graph_space_unmap_trimmed(space, region, size_bytes, size_bytes);
}
