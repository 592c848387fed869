/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpf/policy.bpf.h in C: the same lookups, in the compiled policy itself.
 */
#ifndef _MODEL_H
#define _MODEL_H

#include "policy_compile.h"

/**
 * model_match() - the first rule that matches
 * @img: the compiled policy
 * @facts: the connection
 * @cgroup: path of its cgroup
 *
 * Return: number of the rule, or TOE_POLICY_NO_RULE.
 */
unsigned int model_match(const struct toe_policy_image *img,
			 const struct toe_policy_facts *facts, const char *cgroup);

#endif /* _MODEL_H */
