/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the compiler: sets of rules. A set is words of 64 bits, a bit for each
 * rule. Equal sets are kept once.
 */
#ifndef _TOE_LIB_POLICY_SETS_H
#define _TOE_LIB_POLICY_SETS_H

#include <stddef.h>
#include <stdint.h>
#include <toe/policy.h>

/* A bound for the memory of a policy: 65536 sets of 4096 rules are 34 MiB. */
#define POLICY_MAX_SETS		65536

/* A set that is being made */
struct rule_set {
	uint64_t word[TOE_POLICY_MAX_WORDS];
};

/**
 * struct rule_sets - the sets that are in use
 * @words: of a set
 * @n: number of sets
 * @data: the sets, each preceded by a word that says which of its words are not
 *	zero
 * @room: sets that @data has room for
 * @slots: hash table of numbers of sets plus one, twice @room
 */
struct rule_sets {
	unsigned int words;
	size_t n;
	uint64_t *data;
	size_t room;
	uint32_t *slots;
};

static inline void set_add(struct rule_set *set, unsigned int rule)
{
	set->word[rule / 64] |= 1ULL << rule % 64;
}

static inline void set_remove(struct rule_set *set, unsigned int rule)
{
	set->word[rule / 64] &= ~(1ULL << rule % 64);
}

/**
 * rule_sets_number() - the number of a set, kept from now on
 * @sets: the sets
 * @set: the set
 * @number: the result
 *
 * Return: 0, -ENOSPC when there are too many, -ENOMEM.
 */
int rule_sets_number(struct rule_sets *sets, const struct rule_set *set,
		     uint32_t *number);

static inline const uint64_t *rule_sets_words(const struct rule_sets *sets, uint32_t number)
{
	return sets->data + (size_t)number * (1 + sets->words) + 1;
}

void rule_sets_free(struct rule_sets *sets);

#endif /* _TOE_LIB_POLICY_SETS_H */
