// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "pattern.h"

/* splitmix64: the word at an index, without those before it */
static inline uint64_t word_at(uint64_t seed, uint64_t index)
{
	uint64_t z = (seed << 32) + (index + 1) * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline uint8_t byte_at(uint64_t seed, uint64_t pos)
{
	return word_at(seed, pos / 8) >> (pos % 8 * 8);
}

void pattern_fill(uint8_t *buf, size_t len, uint64_t pos, uint64_t seed)
{
	uint64_t word;
	size_t i = 0;

	for (; i < len && (pos + i) % 8; i++)
		buf[i] = byte_at(seed, pos + i);
	for (; i + 8 <= len; i += 8) {
		word = word_at(seed, (pos + i) / 8);
		memcpy(buf + i, &word, 8);
	}
	for (; i < len; i++)
		buf[i] = byte_at(seed, pos + i);
}

size_t pattern_check(const uint8_t *buf, size_t len, uint64_t pos, uint64_t seed)
{
	uint64_t word;
	size_t i = 0;

	for (; i < len && (pos + i) % 8; i++)
		if (buf[i] != byte_at(seed, pos + i))
			return i;
	for (; i + 8 <= len; i += 8) {
		memcpy(&word, buf + i, 8);
		if (word != word_at(seed, (pos + i) / 8))
			break;
	}
	for (; i < len; i++)
		if (buf[i] != byte_at(seed, pos + i))
			return i;
	return len;
}
