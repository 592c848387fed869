/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _TOE_CLOCK_H
#define _TOE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL

/**
 * toe_clock_ns() - read a clock
 * @clock: CLOCK_*
 *
 * Return: nanoseconds.
 */
static inline uint64_t toe_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* CLOCK_MONOTONIC, in nanoseconds and in milliseconds */
static inline uint64_t toe_now_ns(void)
{
	return toe_clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t toe_now_ms(void)
{
	return toe_now_ns() / NS_PER_MS;
}

#endif /* _TOE_CLOCK_H */
