// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink face: what is asked and told about the firewall.
 */
#include "candidate.h"
#include "firewall.h"
#include "genl_msg.h"
#include "quota.h"

const struct nla_policy toe_nl_firewall_policy[TOE_A_FIREWALL_MAX + 1] = {
	[TOE_A_FIREWALL_GENERATION] = { .type = NLA_U32 },
	[TOE_A_FIREWALL_CAREFUL] = NLA_POLICY_RANGE(NLA_U8, TOE_CAREFUL_CLEAR,
						    TOE_CAREFUL_RULES),
	[TOE_A_FIREWALL_CHANGED] = { .type = NLA_FLAG },
};

static int toe_fill_firewall(struct sk_buff *msg, void *arg)
{
	struct nlattr *nest = nla_nest_start(msg, TOE_A_FIREWALL);
	struct toe_firewall fw = toe_firewall_get(arg);

	if (!nest ||
	    nla_put_u32(msg, TOE_A_FIREWALL_GENERATION, fw.generation) ||
	    nla_put_u8(msg, TOE_A_FIREWALL_NFTABLES, fw.nftables) ||
	    nla_put_u32(msg, TOE_A_FIREWALL_FLOWS, toe_quota_flows(arg)) ||
	    nla_put_u8(msg, TOE_A_FIREWALL_ASKED, fw.asked) ||
	    nla_put_u8(msg, TOE_A_FIREWALL_CAREFUL, fw.careful))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int toe_nl_firewall_get(struct sk_buff *skb, struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	int err = toe_firewall_watch(net);

	if (err) {
		GENL_SET_ERR_MSG(info, "changes of the firewall cannot be heard");
		return err;
	}
	return toe_reply_msg(info, TOE_CMD_FIREWALL_GET, toe_fill_firewall, net);
}

int toe_nl_firewall_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[TOE_A_FIREWALL_MAX + 1], *generation, *careful;
	struct net *net = genl_info_net(info);
	int err;

	if (GENL_REQ_ATTR_CHECK(info, TOE_A_FIREWALL))
		return -EINVAL;
	err = nla_parse_nested(tb, TOE_A_FIREWALL_MAX,
			       info->attrs[TOE_A_FIREWALL],
			       toe_nl_firewall_policy, info->extack);
	if (err)
		return err;
	generation = tb[TOE_A_FIREWALL_GENERATION];
	careful = tb[TOE_A_FIREWALL_CAREFUL];
	if (tb[TOE_A_FIREWALL_CHANGED] && !generation && !careful) {
		toe_firewall_changed(net);
		return 0;
	}
	if (tb[TOE_A_FIREWALL_CHANGED] || !generation || !careful) {
		GENL_SET_ERR_MSG(info, "either a change is told, or what was found and when");
		return -EINVAL;
	}
	err = toe_firewall_judge(net, nla_get_u32(generation),
				 nla_get_u8(careful));
	if (err)
		GENL_SET_ERR_MSG(info, "the firewall's rules have changed since");
	else
		toe_candidate_again();
	return err;
}
