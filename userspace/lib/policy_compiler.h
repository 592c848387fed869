/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the compiler: what its files share.
 */
#ifndef _TOE_LIB_POLICY_COMPILER_H
#define _TOE_LIB_POLICY_COMPILER_H

#include "policy_compile.h"
#include "policy_sets.h"

/**
 * struct compiler - a policy that is being compiled
 * @p: the policy
 * @img: the result
 * @sets: the sets of all dimensions
 * @any: by dimension, the rules that do not ask about it
 * @why: what cannot be done, TOE_WHY_LEN
 */
struct compiler {
	const struct toe_policy *p;
	struct toe_policy_image *img;
	struct rule_sets sets;
	struct rule_set any[__TOE_DIM_MAX];
	char *why;
};

/* Functions return 0, -EINVAL (then @why says it) or -ENOMEM. */

/**
 * compiler_number() - the number of a set
 */
int compiler_number(struct compiler *c, const struct rule_set *set, uint32_t *number);

/**
 * compiler_add() - add an entry to a table
 * @c: the compiler
 * @nr: the table
 * @key: its key, NULL for an array
 * @value: its value
 */
int compiler_add(struct compiler *c, enum toe_policy_table_nr nr, const void *key,
		 const void *value);

/* policy_ranges.c: prefixes and ports */
int compile_addrs(struct compiler *c, enum toe_policy_dim dim);
int compile_ports(struct compiler *c);

/* policy_values.c: values that must be met exactly */
int compile_values(struct compiler *c);

/* policy_cgroups.c: the tree of names */
int compile_cgroups(struct compiler *c);

#endif /* _TOE_LIB_POLICY_COMPILER_H */
