/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs of the host that carry the policy. One pin, the link of
 * classify.bpf.c on its cgroup; all else is found from it (toe/policy.h). A
 * lock on the bpf file system's root lets one change happen at a time.
 *
 * Functions return an exit status and have said what is wrong, unless said
 * otherwise.
 */
#ifndef _CLASSIFIER_H
#define _CLASSIFIER_H

#include "policy.h"
#include "toectl.h"

/**
 * struct apply_counts - what an apply did
 * @seen: established connections looked at
 * @offload: of these, a rule wants them offloaded when heavy
 * @never: a rule says never
 * @none: no rule matches
 */
struct apply_counts {
	uint64_t seen;
	uint64_t offload;
	uint64_t never;
	uint64_t none;
};

/**
 * classifier_load() - load the program, attach it to a cgroup, pin the link,
 *	then consider the connections that are open
 * @ctl: the invocation
 * @cgroup: a folder of a cgroup2 file system
 * @policy: the rules
 * @counts: the result
 *
 * When it fails nothing stays behind.
 */
int classifier_load(const struct ctl *ctl, const char *cgroup,
		    const struct toe_policy *policy, struct apply_counts *counts);

/**
 * classifier_lock() - wait until nobody else changes anything
 * @ctl: the invocation
 *
 * Return: a descriptor whose end is the end of the lock, -1 when there can be
 * none.
 */
int classifier_lock(const struct ctl *ctl);

/**
 * classifier_unload() - remove the pin, and with it the program
 * @ctl: the invocation
 *
 * Not while XDP is attached anywhere: that would keep the module.
 */
int classifier_unload(const struct ctl *ctl);

/**
 * classifier_policy() - read the rules that are in force
 * @ctl: the invocation
 * @policy: the result, for toe_policy_free()
 * @hits: NULL, or the result, for free(): by rule, connections that it took
 */
int classifier_policy(const struct ctl *ctl, struct toe_policy *policy,
		      uint64_t **hits);

/* Changes @policy. Return: an exit status; not EXIT_OK: nothing is changed. */
typedef int (*policy_edit_fn)(const struct ctl *ctl, struct toe_policy *policy,
			      void *arg);

/**
 * classifier_edit() - change the rules, all at once
 * @ctl: the invocation
 * @edit: called with the rules in force, under the lock
 * @arg: for @edit
 *
 * Counters of rules that stay as they are go on.
 */
int classifier_edit(const struct ctl *ctl, policy_edit_fn edit, void *arg);

/**
 * classifier_apply() - apply the rules to the connections that are open, in all
 *	network namespaces
 * @ctl: the invocation
 * @counts: the result
 */
int classifier_apply(const struct ctl *ctl, struct apply_counts *counts);

/**
 * classifier_test() - ask the loaded program about a connection made up
 * @ctl: the invocation
 * @facts: the connection
 * @rule: the result: number of the rule in force, or TOE_POLICY_NO_RULE
 */
int classifier_test(const struct ctl *ctl, const struct toe_policy_facts *facts,
		    unsigned int *rule);

/**
 * struct explained - a live connection as the programs see it
 * @found: there is such a connection in this network namespace
 * @facts: as the rules see it
 * @rule: number of the rule that it matches, or TOE_POLICY_NO_RULE
 * @watched: @watch is there: a rule wants it, and it was not signalled yet
 * @watch: what is remembered
 */
struct explained {
	bool found;
	struct toe_policy_facts facts;
	unsigned int rule;
	bool watched;
	struct toe_watch watch;
};

/**
 * classifier_explain() - ask the loaded program about a live connection
 * @ctl: the invocation
 * @tuple: its name
 * @e: the result
 */
int classifier_explain(const struct ctl *ctl, const struct toe_tuple *tuple,
		       struct explained *e);

/**
 * classifier_loaded() - is it loaded?
 */
bool classifier_loaded(void);

#endif /* _CLASSIFIER_H */
