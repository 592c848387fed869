/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies and connections made up, from few enough values that they meet.
 */
#ifndef _RANDOM_H
#define _RANDOM_H

#include "policy.h"

extern uint64_t seed;

/* Below @below */
uint32_t any(uint32_t below);

/* Cgroups that connections are in; some rules name others. */
extern const char *const cgroups[];
extern const unsigned int n_cgroups;

/**
 * random_policy() - make up a policy
 * @p: the result
 * @n: number of rules
 * @dims: what rules may ask about
 */
void random_policy(struct toe_policy *p, unsigned int n, uint32_t dims);

/**
 * random_facts() - make up a connection that meets most of some rule
 * @p: the policy
 * @facts: the result
 *
 * Return: number of its cgroup.
 */
unsigned int random_facts(const struct toe_policy *p, struct toe_policy_facts *facts);

#endif /* _RANDOM_H */
