/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands about rules share.
 */
#ifndef _RULES_H
#define _RULES_H

#include "policy.h"
#include "toectl.h"

/**
 * struct rule_counters - what happened because of a rule
 * @hits: connections that it took
 * @flows: of these, on engines or on their way now
 * @opens: that reached an engine
 * @refused: that its quota kept away
 */
struct rule_counters {
	uint64_t hits;
	uint64_t flows;
	uint64_t opens;
	uint64_t refused;
};

/**
 * show_rule() - print a rule: an object, or its words without a line's end
 * @out: the output
 * @key: name of the JSON object, or NULL
 * @rule: the rule
 * @counters: its counters, or NULL
 */
void show_rule(struct toe_out *out, const char *key, const struct toe_rule *rule,
	       const struct rule_counters *counters);

/**
 * dim_key() - the JSON member that holds a condition
 * @dim: the condition
 *
 * Return: its name.
 */
const char *dim_key(enum toe_policy_dim dim);

/**
 * parse_prio() - read "prio NUMBER" and nothing behind it
 * @ctl: the invocation
 * @argc: words
 * @argv: the words
 * @prio: the result
 *
 * Return: EXIT_*.
 */
int parse_prio(const struct ctl *ctl, int argc, char **argv, uint32_t *prio);

/**
 * loaded_id() - which program is loaded
 * @id: the result; a change of policy is another program. 0: none is loaded
 *
 * Return: 0 or a negative errno.
 */
int loaded_id(uint32_t *id);

/**
 * ask_policy() - ask the loaded program something that is about its rules
 * @ctl: the invocation
 * @policy: the result, the rules of that program
 * @ask: asks; again when another program was loaded meanwhile
 * @arg: for @ask
 *
 * Return: EXIT_*.
 */
int ask_policy(const struct ctl *ctl, struct toe_policy *policy,
	       int (*ask)(const struct ctl *ctl, void *arg), void *arg);

/**
 * covered() - does the classifier see the connections of a cgroup?
 * @ctl: the invocation
 * @cgroup: path of the cgroup
 *
 * Return: false when it is attached elsewhere.
 */
bool covered(const struct ctl *ctl, const char *cgroup);

/**
 * read_policy() - read a policy's file
 * @ctl: the invocation
 * @name: its name; "-": standard input
 * @policy: the result, for toe_policy_free()
 *
 * Return: EXIT_*.
 */
int read_policy(const struct ctl *ctl, const char *name, struct toe_policy *policy);

/* policy_file.c */
int policy_save(struct ctl *ctl, int argc, char **argv);
int policy_restore(struct ctl *ctl, int argc, char **argv);

/* policy_test.c */
int policy_test(struct ctl *ctl, int argc, char **argv);

/* policy_monitor.c */
int policy_monitor(struct ctl *ctl, int argc, char **argv);

#endif /* _RULES_H */
