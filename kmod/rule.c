// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that flows came with, by priority.
 */
#include <linux/slab.h>
#include <linux/xarray.h>

#include "rule.h"

/* Only ever added to, until the module goes. */
static DEFINE_XARRAY(toe_rules);

struct toe_rule *toe_rule_find(u32 prio)
{
	return xa_load(&toe_rules, prio);
}

struct toe_rule *toe_rule_obtain(u32 prio)
{
	struct toe_rule *rule = toe_rule_find(prio);
	struct toe_rule *old;

	if (rule)
		return rule;
	rule = kzalloc(sizeof(*rule), GFP_KERNEL);
	if (!rule)
		return NULL;
	rule->prio = prio;
	old = xa_cmpxchg(&toe_rules, prio, NULL, rule, GFP_KERNEL);
	if (!old)
		return rule;
	kfree(rule);
	return xa_is_err(old) ? NULL : old;
}

void toe_rule_walk(int (*fn)(struct toe_rule *rule, void *arg), void *arg)
{
	struct toe_rule *rule;
	unsigned long prio;

	xa_for_each(&toe_rules, prio, rule)
		if (fn(rule, arg))
			break;
}

void toe_rule_exit(void)
{
	struct toe_rule *rule;
	unsigned long prio;

	xa_for_each(&toe_rules, prio, rule)
		kfree(rule);
	xa_destroy(&toe_rules);
}
