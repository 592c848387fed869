// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink face: include/uapi/linux/toe.h, docs/netlink/toe.yaml.
 */
#include <linux/netdevice.h>
#include <net/genetlink.h>
#include <net/tcp.h>

#include "capture.h"
#include "engine.h"
#include "flow.h"
#include "genl.h"
#include "genl_msg.h"
#include "mark.h"
#include "migrate.h"
#include "quota.h"
#include "rule.h"
#include "stats.h"

static const struct nla_policy toe_nl_settings_policy[TOE_A_SETTINGS_MAX + 1] = {
	/* NLA_POLICY_RANGE() holds 16 signed bits: the upper ends are checked
	 * where they are used.
	 */
	[TOE_A_SETTINGS_MAX_FLOWS] = { .type = NLA_U32 },
	[TOE_A_SETTINGS_TIMEOUT_MS] = NLA_POLICY_MIN(NLA_U32, 1),
	[TOE_A_SETTINGS_NETNS_FLOWS] = { .type = NLA_U32 },
	[TOE_A_SETTINGS_NEVER_MARK] = { .type = NLA_U32 },
	[TOE_A_SETTINGS_NEVER_MASK] = { .type = NLA_U32 },
};

static const struct nla_policy toe_flow_cmd_policy[TOE_A_MAX + 1] = {
	[TOE_A_FLOW]		= NLA_POLICY_NESTED(toe_nl_flow_policy),
};

static const struct nla_policy toe_firewall_cmd_policy[TOE_A_MAX + 1] = {
	[TOE_A_FIREWALL]	= NLA_POLICY_NESTED(toe_nl_firewall_policy),
};

static const struct nla_policy toe_settings_cmd_policy[TOE_A_MAX + 1] = {
	[TOE_A_SETTINGS]	= NLA_POLICY_NESTED(toe_nl_settings_policy),
};

static u32 toe_engine_ifindex(struct net *net, const struct toe_engine *e)
{
	struct net_device *dev;
	u32 ifindex = 0;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev)
		if (dev->addr_len == ETH_ALEN &&
		    !memcmp(dev->dev_addr, e->mac, ETH_ALEN)) {
			ifindex = dev->ifindex;
			break;
		}
	rcu_read_unlock();
	return ifindex;
}

static int toe_put_engine(struct sk_buff *msg, struct net *net,
			  struct toe_engine *e)
{
	struct nlattr *nest = nla_nest_start(msg, TOE_A_ENGINE);

	if (!nest ||
	    nla_put_string(msg, TOE_A_ENGINE_NAME, e->name) ||
	    nla_put_string(msg, TOE_A_ENGINE_DRIVER, e->driver) ||
	    nla_put(msg, TOE_A_ENGINE_MAC, ETH_ALEN, e->mac) ||
	    nla_put_u32(msg, TOE_A_ENGINE_IFINDEX, toe_engine_ifindex(net, e)) ||
	    nla_put_u8(msg, TOE_A_ENGINE_ALIVE, READ_ONCE(e->alive)) ||
	    nla_put_u32(msg, TOE_A_ENGINE_FLOWS, atomic_read(&e->flows)) ||
	    nla_put_u32(msg, TOE_A_ENGINE_MAX_FLOWS, e->max_flows) ||
	    nla_put_u64_64bit(msg, TOE_A_ENGINE_TX_BYTES,
			      atomic64_read(&e->tx_bytes), TOE_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_ENGINE_RX_BYTES,
			      atomic64_read(&e->rx_bytes), TOE_A_ENGINE_PAD) ||
	    nla_put_u8(msg, TOE_A_ENGINE_IPV6, e->ipv6))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int toe_dump_engine(struct toe_engine *e, void *arg)
{
	struct toe_dump *d = arg;
	void *hdr;

	if (d->seen++ < d->skip)
		return 0;
	hdr = toe_dump_put(d, TOE_CMD_ENGINE_GET);
	return toe_dump_done(d, hdr, hdr ? toe_put_engine(d->skb, d->net, e) :
					   -EMSGSIZE);
}

static int toe_nl_engine_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct toe_dump d = toe_dump_start(skb, cb);

	toe_engine_walk(toe_dump_engine, &d);
	return toe_dump_end(&d);
}

static int toe_dump_rule(struct toe_rule *rule, void *arg)
{
	struct toe_dump *d = arg;
	struct nlattr *nest;
	void *hdr;

	if (d->seen++ < d->skip)
		return 0;
	hdr = toe_dump_put(d, TOE_CMD_RULE_GET);
	if (!hdr)
		return toe_dump_done(d, hdr, -EMSGSIZE);
	nest = nla_nest_start(d->skb, TOE_A_RULE);
	if (!nest ||
	    nla_put_u32(d->skb, TOE_A_RULE_PRIO, rule->prio) ||
	    nla_put_u32(d->skb, TOE_A_RULE_FLOWS, atomic_read(&rule->flows)) ||
	    nla_put_u64_64bit(d->skb, TOE_A_RULE_OPENS,
			      atomic64_read(&rule->opens), TOE_A_RULE_PAD) ||
	    nla_put_u64_64bit(d->skb, TOE_A_RULE_REFUSED,
			      atomic64_read(&rule->refused), TOE_A_RULE_PAD))
		return toe_dump_done(d, hdr, -EMSGSIZE);
	nla_nest_end(d->skb, nest);
	return toe_dump_done(d, hdr, 0);
}

static int toe_nl_rule_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct toe_dump d = toe_dump_start(skb, cb);

	toe_rule_walk(toe_dump_rule, &d);
	return toe_dump_end(&d);
}

static int toe_fill_stats(struct sk_buff *msg, void *arg)
{
	struct nlattr *nest = nla_nest_start(msg, TOE_A_STATS);
	u32 flows[__TOE_STATE_MAX];
	struct toe_stats *sum;
	int i, err = 0;

	sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	if (!sum)
		return -ENOMEM;
	toe_stats_sum(sum);
	for (i = 0; i < __TOE_STATE_MAX; i++)
		flows[i] = toe_flow_count(i);
	if (!nest ||
	    nla_put_64bit(msg, TOE_A_STATS_COUNTERS, sizeof(sum->counters),
			  sum->counters, TOE_A_STATS_PAD) ||
	    nla_put_64bit(msg, TOE_A_STATS_REFUSED, sizeof(sum->refused),
			  sum->refused, TOE_A_STATS_PAD) ||
	    nla_put_64bit(msg, TOE_A_STATS_RETURNED, sizeof(sum->returned),
			  sum->returned, TOE_A_STATS_PAD) ||
	    nla_put(msg, TOE_A_STATS_FLOWS, sizeof(flows), flows))
		err = -EMSGSIZE;
	else
		nla_nest_end(msg, nest);
	kfree(sum);
	return err;
}

static int toe_nl_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	return toe_reply_msg(info, TOE_CMD_STATS_GET, toe_fill_stats, NULL);
}

static int toe_fill_settings(struct sk_buff *msg, void *arg)
{
	struct nlattr *nest = nla_nest_start(msg, TOE_A_SETTINGS);
	u32 mark, mask;

	toe_mark_get_never(&mark, &mask);
	if (!nest ||
	    nla_put_u32(msg, TOE_A_SETTINGS_MAX_FLOWS,
			READ_ONCE(toe_max_flows)) ||
	    nla_put_u32(msg, TOE_A_SETTINGS_TIMEOUT_MS,
			READ_ONCE(toe_timeout_ms)) ||
	    nla_put_u32(msg, TOE_A_SETTINGS_NETNS_FLOWS,
			READ_ONCE(toe_netns_flows)) ||
	    nla_put_u32(msg, TOE_A_SETTINGS_NEVER_MARK, mark) ||
	    nla_put_u32(msg, TOE_A_SETTINGS_NEVER_MASK, mask))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int toe_nl_settings_get(struct sk_buff *skb, struct genl_info *info)
{
	return toe_reply_msg(info, TOE_CMD_SETTINGS_GET, toe_fill_settings, NULL);
}

static int toe_nl_settings_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[TOE_A_SETTINGS_MAX + 1], *flows, *timeout, *netns;
	struct nlattr *mark, *mask;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, TOE_A_SETTINGS))
		return -EINVAL;
	err = nla_parse_nested(tb, TOE_A_SETTINGS_MAX,
			       info->attrs[TOE_A_SETTINGS],
			       toe_nl_settings_policy, info->extack);
	if (err)
		return err;
	flows = tb[TOE_A_SETTINGS_MAX_FLOWS];
	timeout = tb[TOE_A_SETTINGS_TIMEOUT_MS];
	netns = tb[TOE_A_SETTINGS_NETNS_FLOWS];
	mark = tb[TOE_A_SETTINGS_NEVER_MARK];
	mask = tb[TOE_A_SETTINGS_NEVER_MASK];
	if (!flows && !timeout && !netns && !mark && !mask) {
		GENL_SET_ERR_MSG(info, "no setting given");
		return -EINVAL;
	}
	if (flows && nla_get_u32(flows) > TOE_MAX_MAX_FLOWS) {
		NL_SET_ERR_MSG_ATTR(info->extack, flows,
				    "max-flows is at most 1048576");
		return -ERANGE;
	}
	if (timeout && nla_get_u32(timeout) > TOE_MAX_TIMEOUT_MS) {
		NL_SET_ERR_MSG_ATTR(info->extack, timeout,
				    "timeout is at most 60000 ms");
		return -ERANGE;
	}
	if (netns && nla_get_u32(netns) > TOE_MAX_MAX_FLOWS) {
		NL_SET_ERR_MSG_ATTR(info->extack, netns,
				    "netns-flows is at most 1048576");
		return -ERANGE;
	}
	if (!mark != !mask) {
		GENL_SET_ERR_MSG(info, "a mark and its mask belong together");
		return -EINVAL;
	}
	if (mark && (nla_get_u32(mark) & ~nla_get_u32(mask))) {
		NL_SET_ERR_MSG_ATTR(info->extack, mark,
				    "bits of the mark are outside of its mask");
		return -ERANGE;
	}
	if (flows)
		WRITE_ONCE(toe_max_flows, nla_get_u32(flows));
	if (timeout)
		WRITE_ONCE(toe_timeout_ms, nla_get_u32(timeout));
	if (netns)
		WRITE_ONCE(toe_netns_flows, nla_get_u32(netns));
	if (mark) {
		toe_mark_set_never(nla_get_u32(mark), nla_get_u32(mask));
		/* What was seen of their packets may forbid it now. */
		if (nla_get_u32(mask))
			toe_flow_kick_all(TOE_REASON_POLICY);
	}
	return 0;
}

/* By rising number. */
static const struct genl_split_ops toe_genl_ops[] = {
	{
		.cmd		= TOE_CMD_FLOW_GET,
		.doit		= toe_nl_flow_get,
		.policy		= toe_flow_cmd_policy,
		.maxattr	= TOE_A_MAX,
		.flags		= GENL_CMD_CAP_DO,
	}, {
		.cmd		= TOE_CMD_FLOW_GET,
		.start		= toe_nl_flow_dump_begin,
		.dumpit		= toe_nl_flow_dump,
		.done		= toe_nl_flow_dump_end,
		.flags		= GENL_CMD_CAP_DUMP,
	}, {
		.cmd		= TOE_CMD_FLOW_OFFLOAD,
		.doit		= toe_nl_flow_offload,
		.policy		= toe_flow_cmd_policy,
		.maxattr	= TOE_A_MAX,
		.flags		= GENL_CMD_CAP_DO | GENL_UNS_ADMIN_PERM,
	}, {
		.cmd		= TOE_CMD_FLOW_RETURN,
		.doit		= toe_nl_flow_return,
		.policy		= toe_flow_cmd_policy,
		.maxattr	= TOE_A_MAX,
		.flags		= GENL_CMD_CAP_DO | GENL_UNS_ADMIN_PERM,
	}, {
		.cmd		= TOE_CMD_ENGINE_GET,
		.dumpit		= toe_nl_engine_dump,
		.flags		= GENL_CMD_CAP_DUMP,
	}, {
		.cmd		= TOE_CMD_STATS_GET,
		.doit		= toe_nl_stats_get,
		.flags		= GENL_CMD_CAP_DO,
	}, {
		.cmd		= TOE_CMD_SETTINGS_GET,
		.doit		= toe_nl_settings_get,
		.flags		= GENL_CMD_CAP_DO,
	}, {
		.cmd		= TOE_CMD_SETTINGS_SET,
		.doit		= toe_nl_settings_set,
		.policy		= toe_settings_cmd_policy,
		.maxattr	= TOE_A_MAX,
		.flags		= GENL_CMD_CAP_DO | GENL_ADMIN_PERM,
	}, {
		.cmd		= TOE_CMD_FLOW_WHY,
		.doit		= toe_nl_flow_why,
		.policy		= toe_flow_cmd_policy,
		.maxattr	= TOE_A_MAX,
		.flags		= GENL_CMD_CAP_DO | GENL_UNS_ADMIN_PERM,
	}, {
		.cmd		= TOE_CMD_RULE_GET,
		.dumpit		= toe_nl_rule_dump,
		.flags		= GENL_CMD_CAP_DUMP,
	}, {
		.cmd		= TOE_CMD_CAPTURE_START,
		.doit		= toe_nl_capture_start,
		.policy		= toe_capture_cmd_policy,
		.maxattr	= TOE_A_MAX,
		.flags		= GENL_CMD_CAP_DO | GENL_UNS_ADMIN_PERM,
	}, {
		.cmd		= TOE_CMD_CAPTURE_STOP,
		.doit		= toe_nl_capture_stop,
		.flags		= GENL_CMD_CAP_DO | GENL_UNS_ADMIN_PERM,
	}, {
		.cmd		= TOE_CMD_FIREWALL_GET,
		.doit		= toe_nl_firewall_get,
		.flags		= GENL_CMD_CAP_DO | GENL_UNS_ADMIN_PERM,
	}, {
		.cmd		= TOE_CMD_FIREWALL_SET,
		.doit		= toe_nl_firewall_set,
		.policy		= toe_firewall_cmd_policy,
		.maxattr	= TOE_A_MAX,
		.flags		= GENL_CMD_CAP_DO | GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group toe_genl_groups[] = {
	{ .name = TOE_GENL_MCGRP_EVENTS },
};

struct genl_family toe_genl_family __ro_after_init = {
	.name		= TOE_GENL_NAME,
	.version	= TOE_GENL_VERSION,
	.netnsok	= true,
	/* Requests wait for an engine, so they do not queue up. */
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= toe_genl_ops,
	.n_split_ops	= ARRAY_SIZE(toe_genl_ops),
	.mcgrps		= toe_genl_groups,
	.n_mcgrps	= ARRAY_SIZE(toe_genl_groups),
};

void toe_genl_event(struct toe_flow *flow, enum toe_flow_state from,
		    enum toe_flow_state to, enum toe_reason reason)
{
	bool listeners = genl_has_listeners(&toe_genl_family, flow->key.net, 0);
	u32 portid = toe_capture_portid(&flow->key);
	struct net *net = flow->key.net;
	struct sk_buff *msg, *copy;
	struct nlattr *nest;
	void *hdr;

	if (!listeners && !portid)
		return;
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return;
	hdr = genlmsg_put(msg, 0, 0, &toe_genl_family, 0, TOE_CMD_EVENT);
	if (!hdr || toe_put_flow(msg, flow))
		goto err;
	nest = nla_nest_start(msg, TOE_A_EVENT);
	if (!nest ||
	    nla_put_u64_64bit(msg, TOE_A_EVENT_TIME_NS, ktime_get_real_ns(),
			      TOE_A_EVENT_PAD) ||
	    nla_put_u8(msg, TOE_A_EVENT_FROM, from) ||
	    nla_put_u8(msg, TOE_A_EVENT_TO, to) ||
	    nla_put_u8(msg, TOE_A_EVENT_REASON, reason))
		goto err;
	nla_nest_end(msg, nest);
	genlmsg_end(msg, hdr);
	copy = portid ? skb_clone(msg, GFP_KERNEL) : NULL;
	if (copy)
		genlmsg_unicast(net, copy, portid);
	genlmsg_multicast_netns(&toe_genl_family, net, msg, 0, 0, GFP_KERNEL);
	return;
err:
	nlmsg_free(msg);
}

/* The interface has another number in each namespace, or none there. */
static struct sk_buff *toe_engine_msg(struct toe_engine *e, struct net *net,
				      enum toe_engine_change change)
{
	struct sk_buff *msg = genlmsg_new(NLMSG_GOODSIZE, GFP_ATOMIC);
	struct nlattr *nest;
	void *hdr;

	if (!msg)
		return NULL;
	hdr = genlmsg_put(msg, 0, 0, &toe_genl_family, 0, TOE_CMD_ENGINE_EVENT);
	if (!hdr || toe_put_engine(msg, net, e))
		goto err;
	nest = nla_nest_start(msg, TOE_A_EVENT);
	if (!nest ||
	    nla_put_u64_64bit(msg, TOE_A_EVENT_TIME_NS, ktime_get_real_ns(),
			      TOE_A_EVENT_PAD) ||
	    nla_put_u8(msg, TOE_A_EVENT_CHANGE, change))
		goto err;
	nla_nest_end(msg, nest);
	genlmsg_end(msg, hdr);
	return msg;
err:
	nlmsg_free(msg);
	return NULL;
}

void toe_genl_engine_event(struct toe_engine *e, enum toe_engine_change change)
{
	struct sk_buff *msg;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net) {
		if (!genl_has_listeners(&toe_genl_family, net, 0))
			continue;
		msg = toe_engine_msg(e, net, change);
		if (msg)
			genlmsg_multicast_netns(&toe_genl_family, net, msg, 0,
						0, GFP_ATOMIC);
	}
	rcu_read_unlock();
}

int toe_genl_init(void)
{
	return genl_register_family(&toe_genl_family);
}

void toe_genl_exit(void)
{
	genl_unregister_family(&toe_genl_family);
}
