/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules under which flows were signalled: what they have on engines. The
 * rules themselves are not here, a flow brings what its rule says (struct
 * toe_signal).
 */
#ifndef _TOE_RULE_H
#define _TOE_RULE_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * struct toe_rule - a rule; it stays as long as the module, there are at most
 *	TOE_RULE_PRIO_MAX
 * @prio: its priority, which is its name; constant
 * @flows: its flows on engines or on their way
 * @opens: its flows that reached an engine
 * @refused: how often its quota kept a flow away
 */
struct toe_rule {
	u32		prio;
	atomic_t	flows;
	atomic64_t	opens;
	atomic64_t	refused;
};

/**
 * toe_rule_find() - a rule by its name
 * @prio: 1 to TOE_RULE_PRIO_MAX
 *
 * Return: the rule, or NULL when none of its flows came so far.
 */
struct toe_rule *toe_rule_find(u32 prio);

/**
 * toe_rule_obtain() - a rule by its name, made when it is new
 * @prio: 1 to TOE_RULE_PRIO_MAX
 *
 * Context: process, may sleep.
 * Return: the rule, or NULL when there is no memory.
 */
struct toe_rule *toe_rule_obtain(u32 prio);

/**
 * toe_rule_walk() - call a function for every rule, by rising priority
 * @fn: a return other than 0 ends it
 * @arg: for @fn
 */
void toe_rule_walk(int (*fn)(struct toe_rule *rule, void *arg), void *arg);

/* Of no flow any more: the module goes away. */
void toe_rule_exit(void);

#endif /* _TOE_RULE_H */
