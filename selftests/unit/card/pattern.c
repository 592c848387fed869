// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

/* A prime: no segment, page or window has it as a multiple. */
#define PERIOD	2097143u

static uint8_t *bytes;

void pattern_init(void)
{
	uint64_t x = 88172645463325252ull;
	size_t i;

	bytes = malloc(PERIOD + PATTERN_MAX);
	if (!bytes)
		abort();
	for (i = 0; i < PERIOD + PATTERN_MAX; i++) {
		if (i >= PERIOD) {
			bytes[i] = bytes[i - PERIOD];
			continue;
		}
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = (uint8_t)(x >> 32);
	}
}

uint8_t *pattern_at(enum direction dir, uint64_t off)
{
	return bytes + (off + (dir == TO_HOST ? 1000003 : 0)) % PERIOD;
}

bool pattern_is(enum direction dir, uint64_t off, const void *p, size_t len)
{
	return !memcmp(pattern_at(dir, off), p, len);
}
