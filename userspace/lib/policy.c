// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy.h"

void toe_policy_free(struct toe_policy *p)
{
	free(p->rules);
	p->rules = NULL;
	p->n = 0;
}

/* Number of the first rule whose priority is @prio or more. */
static unsigned int place(const struct toe_policy *p, uint32_t prio)
{
	unsigned int from = 0, to = p->n;

	while (from < to) {
		unsigned int mid = (from + to) / 2;

		if (p->rules[mid].action.prio < prio)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

struct toe_rule *toe_policy_find(const struct toe_policy *p, uint32_t prio)
{
	unsigned int i = place(p, prio);

	if (i == p->n || p->rules[i].action.prio != prio)
		return NULL;
	return &p->rules[i];
}

int toe_policy_insert(struct toe_policy *p, const struct toe_rule *rule)
{
	unsigned int i = place(p, rule->action.prio);
	struct toe_rule *rules;
	size_t room = 1;

	if (toe_policy_find(p, rule->action.prio))
		return -EEXIST;
	if (p->n >= TOE_POLICY_MAX_RULES)
		return -ENOSPC;
	while (room <= p->n)
		room *= 2;
	rules = realloc(p->rules, room * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	p->rules = rules;
	memmove(&rules[i + 1], &rules[i], (p->n - i) * sizeof(*rules));
	rules[i] = *rule;
	p->n++;
	return 0;
}

int toe_policy_remove(struct toe_policy *p, uint32_t prio)
{
	struct toe_rule *rule = toe_policy_find(p, prio);
	unsigned int behind;

	if (!rule)
		return -ENOENT;
	p->n--;
	behind = p->n - (rule - p->rules);
	memmove(rule, rule + 1, behind * sizeof(*rule));
	return 0;
}
