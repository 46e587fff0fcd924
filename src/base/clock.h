/*
 * The monotonic clock, and deadlines on it.
 */
#ifndef PYI_BASE_CLOCK_H
#define PYI_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* A deadline that never comes. */
#define PYI_CLOCK_NEVER UINT64_MAX

static inline uint64_t pyi_clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The moment `ms` milliseconds from now, or `limit_ns` if that is earlier. */
static inline uint64_t pyi_clock_deadline(uint64_t ms, uint64_t limit_ns)
{
	uint64_t deadline = pyi_clock_now_ns() + ms * 1000000u;

	return deadline < limit_ns ? deadline : limit_ns;
}

static inline bool pyi_clock_passed(uint64_t deadline_ns)
{
	return deadline_ns != PYI_CLOCK_NEVER && pyi_clock_now_ns() >= deadline_ns;
}

/* Microseconds until the deadline, rounded up; UINT64_MAX for PYI_CLOCK_NEVER. */
static inline uint64_t pyi_clock_left_us(uint64_t deadline_ns)
{
	uint64_t now_ns = pyi_clock_now_ns();

	if (deadline_ns == PYI_CLOCK_NEVER)
		return UINT64_MAX;
	return deadline_ns > now_ns ? (deadline_ns - now_ns + 999) / 1000 : 0;
}

static inline double pyi_clock_ms_since(uint64_t start_ns)
{
	return (double)(pyi_clock_now_ns() - start_ns) / 1e6;
}

#endif
