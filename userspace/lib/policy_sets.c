// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy_sets.h"

#define FIRST_ROOM 64

static uint64_t *set_at(const struct rule_sets *sets, size_t number)
{
	return sets->data + number * (1 + sets->words);
}

static uint64_t hash(const uint64_t *word, unsigned int words)
{
	uint64_t h = 0xcbf29ce484222325;	/* FNV-1a, by words */
	unsigned int i;

	for (i = 0; i < words; i++) {
		h = (h ^ word[i]) * 0x100000001b3;
		h ^= h >> 32;
	}
	return h;
}

/* The slot of a set, or the empty one where it belongs. */
static uint32_t *find_slot(const struct rule_sets *sets, const uint64_t *word)
{
	size_t mask = 2 * sets->room - 1;
	size_t i = hash(word, sets->words) & mask;

	while (sets->slots[i] &&
	       memcmp(set_at(sets, sets->slots[i] - 1) + 1, word,
		      sets->words * sizeof(*word)))
		i = (i + 1) & mask;
	return &sets->slots[i];
}

static int grow(struct rule_sets *sets)
{
	size_t room = sets->room ? 2 * sets->room : FIRST_ROOM;
	uint32_t *slots = calloc(2 * room, sizeof(*slots));
	uint64_t *data;
	size_t i;

	data = realloc(sets->data, room * (1 + sets->words) * sizeof(*data));
	if (data)
		sets->data = data;
	if (!slots || !data) {
		free(slots);
		return -ENOMEM;
	}
	free(sets->slots);
	sets->slots = slots;
	sets->room = room;
	for (i = 0; i < sets->n; i++)
		*find_slot(sets, set_at(sets, i) + 1) = i + 1;
	return 0;
}

int rule_sets_number(struct rule_sets *sets, const struct rule_set *set,
		     uint32_t *number)
{
	uint32_t *slot;
	uint64_t *to;
	unsigned int i;

	if (sets->n == sets->room && grow(sets))
		return -ENOMEM;
	slot = find_slot(sets, set->word);
	if (!*slot) {
		if (sets->n == POLICY_MAX_SETS)
			return -ENOSPC;
		to = set_at(sets, sets->n);
		to[0] = 0;
		for (i = 0; i < sets->words && i < TOE_POLICY_MAX_WORDS; i++) {
			to[1 + i] = set->word[i];
			to[0] |= (uint64_t)!!set->word[i] << i;
		}
		*slot = ++sets->n;
	}
	*number = *slot - 1;
	return 0;
}

void rule_sets_free(struct rule_sets *sets)
{
	free(sets->data);
	free(sets->slots);
	memset(sets, 0, sizeof(*sets));
}
