/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy in the form that the BPF programs ask, see toe/policy.h. Plain data;
 * who loads the programs fills their maps with it.
 */
#ifndef _TOE_LIB_POLICY_COMPILE_H
#define _TOE_LIB_POLICY_COMPILE_H

#include "policy.h"

/**
 * struct toe_policy_table - contents of one map
 * @name: of the map
 * @key_size: bytes; 0: an array, whose keys are 0, 1, ...
 * @value_size: bytes
 * @n: entries
 * @keys: @n times @key_size
 * @values: @n times @value_size
 */
struct toe_policy_table {
	const char *name;
	size_t key_size;
	size_t value_size;
	size_t n;
	void *keys;
	void *values;
};

enum toe_policy_table_nr {
	TOE_TABLE_SETS,
	TOE_TABLE_ACTIONS,
	TOE_TABLE_ADDRS,
	TOE_TABLE_PORTS,
	TOE_TABLE_VALUES,
	TOE_TABLE_CGROUPS,
	TOE_TABLE_TEXT,

	__TOE_TABLE_MAX
};

struct toe_policy_image {
	struct toe_policy_head head;
	struct toe_policy_table table[__TOE_TABLE_MAX];
};

/**
 * toe_policy_compile() - compile a policy
 * @p: the policy
 * @img: the result, for toe_policy_image_free()
 * @why: what cannot be done, TOE_WHY_LEN
 *
 * Return: 0, -EINVAL (@why says which rule has one mask too many and the like),
 * -ENOMEM.
 */
int toe_policy_compile(const struct toe_policy *p, struct toe_policy_image *img,
		       char *why);

void toe_policy_image_free(struct toe_policy_image *img);

#endif /* _TOE_LIB_POLICY_COMPILE_H */
