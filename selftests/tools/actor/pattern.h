/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a stream: each depends on its position and on the direction, so
 * that a lost, repeated, reordered or misdirected byte is seen.
 */
#ifndef ACTOR_PATTERN_H
#define ACTOR_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Writes the stream's bytes [pos, pos + len). */
void pattern_fill(uint8_t *buf, size_t len, uint64_t pos, uint64_t seed);
/* Returns how many bytes are right before the first wrong one. */
size_t pattern_check(const uint8_t *buf, size_t len, uint64_t pos, uint64_t seed);

#endif
