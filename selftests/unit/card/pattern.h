/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes that depend on their position in the stream, and on its direction. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_MAX	(1u << 20)	/* contiguous bytes of one call */

enum direction { TO_PEER, TO_HOST };

void pattern_init(void);
/* len <= PATTERN_MAX bytes, not to be changed */
uint8_t *pattern_at(enum direction dir, uint64_t off);
bool pattern_is(enum direction dir, uint64_t off, const void *p, size_t len);

#endif
