// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places on engines. Nobody is put out of one for somebody else's sake: who finds
 * no place stays in the stack and is tried again later.
 */
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "quota.h"
#include "rule.h"

unsigned int toe_max_flows = 4096;
unsigned int toe_netns_flows;

/**
 * struct toe_quota_net - of a network namespace
 * @flows: its flows on engines or on their way; they hold it by their sockets
 */
struct toe_quota_net {
	atomic_t	flows;
};

static unsigned int toe_quota_net_id __read_mostly;
static atomic_t toe_all_flows;

static atomic_t *toe_quota_of_net(struct net *net)
{
	struct toe_quota_net *qn = net_generic(net, toe_quota_net_id);

	return &qn->flows;
}

enum toe_reason toe_quota_get(struct net *net, const struct toe_signal *sig,
			      struct toe_places *places)
{
	u32 rule_max = sig && sig->max_flows ? sig->max_flows : U32_MAX;
	u32 net_max = READ_ONCE(toe_netns_flows) ?: U32_MAX;
	struct toe_rule *rule = NULL;
	bool take = places;

	if (sig && take) {
		rule = toe_rule_obtain(sig->prio);
		if (!rule)
			return TOE_REASON_MEMORY;
	} else if (sig) {
		rule = toe_rule_find(sig->prio);
	}
	if (rule && !toe_place_free(&rule->flows, rule_max, take)) {
		if (take)
			atomic64_inc(&rule->refused);
		return TOE_REASON_RULE_QUOTA;
	}
	if (!toe_place_free(toe_quota_of_net(net), net_max, take)) {
		if (rule && take)
			atomic_dec(&rule->flows);
		return TOE_REASON_NETNS_QUOTA;
	}
	if (!toe_place_free(&toe_all_flows, READ_ONCE(toe_max_flows), take)) {
		if (rule && take)
			atomic_dec(&rule->flows);
		if (take)
			atomic_dec(toe_quota_of_net(net));
		return TOE_REASON_TABLE_FULL;
	}
	if (take) {
		places->net = net;
		places->rule = rule;
	}
	return TOE_REASON_NONE;
}

void toe_quota_put(struct toe_places *places)
{
	if (places->rule)
		atomic_dec(&places->rule->flows);
	if (places->net) {
		atomic_dec(toe_quota_of_net(places->net));
		atomic_dec(&toe_all_flows);
	}
	places->rule = NULL;
	places->net = NULL;
}

void toe_quota_move(struct toe_places *places, u32 prio)
{
	struct toe_rule *rule;

	if (!places->rule || !prio || places->rule->prio == prio)
		return;
	rule = toe_rule_obtain(prio);
	/* No memory: the old rule goes on counting it. */
	if (!rule)
		return;
	atomic_dec(&places->rule->flows);
	atomic_inc(&rule->flows);
	places->rule = rule;
}

u32 toe_quota_flows(struct net *net)
{
	return atomic_read(toe_quota_of_net(net));
}

static struct pernet_operations toe_quota_net_ops = {
	.id	= &toe_quota_net_id,
	.size	= sizeof(struct toe_quota_net),
};

int toe_quota_init(void)
{
	return register_pernet_subsys(&toe_quota_net_ops);
}

void toe_quota_exit(void)
{
	unregister_pernet_subsys(&toe_quota_net_ops);
	toe_rule_exit();
}
