// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink face: include/uapi/linux/toe.h, docs/netlink/toe.yaml.
 */
#include <linux/netdevice.h>
#include <linux/sched/signal.h>
#include <net/genetlink.h>
#include <net/tcp.h>

#include "engine.h"
#include "flow.h"
#include "genl.h"
#include "migrate.h"
#include "stats.h"

static struct genl_family toe_genl_family;

static const struct nla_policy toe_nl_flow_policy[TOE_A_FLOW_MAX + 1] = {
	[TOE_A_FLOW_ID]		= NLA_POLICY_MIN(NLA_U32, 1),
	[TOE_A_FLOW_TUPLE]	= NLA_POLICY_EXACT_LEN(sizeof(struct toe_tuple)),
	[TOE_A_FLOW_REASON]	= { .type = NLA_U8 },
};

static const struct nla_policy toe_nl_settings_policy[TOE_A_SETTINGS_MAX + 1] = {
	/* NLA_POLICY_RANGE() holds 16 signed bits: the upper ends are checked
	 * where they are used.
	 */
	[TOE_A_SETTINGS_MAX_FLOWS] = { .type = NLA_U32 },
	[TOE_A_SETTINGS_TIMEOUT_MS] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy toe_flow_cmd_policy[TOE_A_MAX + 1] = {
	[TOE_A_FLOW]		= NLA_POLICY_NESTED(toe_nl_flow_policy),
};

static const struct nla_policy toe_settings_cmd_policy[TOE_A_MAX + 1] = {
	[TOE_A_SETTINGS]	= NLA_POLICY_NESTED(toe_nl_settings_policy),
};

/* The connection's own byte counters, while it exists. */
static void toe_flow_totals(struct toe_flow *flow, u64 *tx, u64 *rx)
{
	struct sock *sk = toe_flow_sock(flow);

	*tx = flow->tx_engine;
	*rx = flow->rx_engine;
	if (!sk)
		return;
	*tx = max(*tx, READ_ONCE(tcp_sk(sk)->bytes_acked));
	*rx = max(*rx, READ_ONCE(tcp_sk(sk)->bytes_received));
	sock_put(sk);
}

static int toe_put_flow(struct sk_buff *msg, struct toe_flow *flow)
{
	struct nlattr *nest = nla_nest_start(msg, TOE_A_FLOW);
	char engine[TOE_ENGINE_NAME_LEN] = "";
	u64 tx_engine, rx_engine, tx, rx;
	struct toe_signal sig;
	u32 id;

	if (!nest)
		return -EMSGSIZE;
	toe_flow_totals(flow, &tx, &rx);
	spin_lock_bh(&flow->lock);
	id = flow->id;
	if (flow->engine)
		strscpy(engine, flow->engine->name, sizeof(engine));
	tx_engine = flow->tx_engine;
	rx_engine = flow->rx_engine;
	sig = flow->sig;
	spin_unlock_bh(&flow->lock);

	if (nla_put_u32(msg, TOE_A_FLOW_ID, id) ||
	    nla_put(msg, TOE_A_FLOW_TUPLE, sizeof(flow->key.tuple),
		    &flow->key.tuple) ||
	    nla_put_u8(msg, TOE_A_FLOW_STATE, READ_ONCE(flow->state)) ||
	    nla_put_u8(msg, TOE_A_FLOW_REASON, READ_ONCE(flow->reason)) ||
	    (engine[0] && nla_put_string(msg, TOE_A_FLOW_ENGINE, engine)) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_TX_ENGINE, tx_engine,
			      TOE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_RX_ENGINE, rx_engine,
			      TOE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_TX_TOTAL, max(tx, tx_engine),
			      TOE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_RX_TOTAL, max(rx, rx_engine),
			      TOE_A_FLOW_PAD) ||
	    nla_put_u32(msg, TOE_A_FLOW_SRTT, READ_ONCE(flow->srtt_us)) ||
	    nla_put_u32(msg, TOE_A_FLOW_OPENS, READ_ONCE(flow->opens)) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_OPEN_NS, READ_ONCE(flow->open_ns),
			      TOE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_CLOSE_NS,
			      READ_ONCE(flow->close_ns), TOE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_AGE_NS,
			      ktime_get_ns() - READ_ONCE(flow->since_ns),
			      TOE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_NETNS, flow->key.net->ns.inum,
			      TOE_A_FLOW_PAD) ||
	    nla_put_u32(msg, TOE_A_FLOW_RULE, sig.prio) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_THRESHOLD, sig.threshold,
			      TOE_A_FLOW_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_MIN_RATE, sig.min_rate,
			      TOE_A_FLOW_PAD) ||
	    nla_put_u32(msg, TOE_A_FLOW_DWELL_MS, sig.dwell_ms)) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

/* What a request names: a connection, and the flow of it if there is one. */
struct toe_named {
	struct toe_flow_key key;
	struct toe_flow *flow;	/* referenced, or NULL */
	enum toe_reason reason;	/* TOE_REASON_ADMIN when none was given */
};

static int toe_named_get(struct genl_info *info, struct toe_named *named)
{
	struct nlattr *tb[TOE_A_FLOW_MAX + 1];
	int err;

	memset(named, 0, sizeof(*named));
	named->key.net = genl_info_net(info);
	named->reason = TOE_REASON_ADMIN;
	if (GENL_REQ_ATTR_CHECK(info, TOE_A_FLOW))
		return -EINVAL;
	err = nla_parse_nested(tb, TOE_A_FLOW_MAX, info->attrs[TOE_A_FLOW],
			       toe_nl_flow_policy, info->extack);
	if (err)
		return err;
	if (tb[TOE_A_FLOW_REASON])
		named->reason = nla_get_u8(tb[TOE_A_FLOW_REASON]);
	if (tb[TOE_A_FLOW_ID]) {
		named->flow = toe_flow_by_id(nla_get_u32(tb[TOE_A_FLOW_ID]));
		if (named->flow && named->flow->key.net != named->key.net) {
			toe_flow_put(named->flow);
			named->flow = NULL;
		}
		if (named->flow) {
			named->key = named->flow->key;
			return 0;
		}
		NL_SET_ERR_MSG_ATTR(info->extack, tb[TOE_A_FLOW_ID],
				    "no offloaded flow has this id");
		return -ENOENT;
	}
	if (!tb[TOE_A_FLOW_TUPLE]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[TOE_A_FLOW],
				    "a flow is named by its addresses and ports or by its id");
		return -EINVAL;
	}
	nla_memcpy(&named->key.tuple, tb[TOE_A_FLOW_TUPLE],
		   sizeof(named->key.tuple));
	named->key.tuple.zero = 0;
	if (named->key.tuple.family != AF_INET &&
	    named->key.tuple.family != AF_INET6) {
		NL_SET_ERR_MSG_ATTR(info->extack, tb[TOE_A_FLOW_TUPLE],
				    "the address family is neither IPv4 nor IPv6");
		return -EAFNOSUPPORT;
	}
	named->flow = toe_flow_lookup(&named->key);
	return 0;
}

static int toe_nl_flow_get(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_named named;
	struct sk_buff *msg;
	void *hdr;
	int err;

	err = toe_named_get(info, &named);
	if (err)
		return err;
	if (!named.flow) {
		GENL_SET_ERR_MSG(info, "toe does not know this flow");
		return -ENOENT;
	}
	err = -ENOMEM;
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		goto out;
	hdr = genlmsg_put_reply(msg, info, &toe_genl_family, 0,
				TOE_CMD_FLOW_GET);
	err = hdr ? toe_put_flow(msg, named.flow) : -EMSGSIZE;
	if (err) {
		nlmsg_free(msg);
		goto out;
	}
	genlmsg_end(msg, hdr);
	err = genlmsg_reply(msg, info);
out:
	toe_flow_put(named.flow);
	return err;
}

struct toe_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct net *net;
	long skip;
	long seen;
};

static struct toe_dump toe_dump_start(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	return (struct toe_dump) {
		.skb = skb,
		.cb = cb,
		.net = sock_net(skb->sk),
		.skip = cb->args[0],
	};
}

static int toe_dump_end(struct toe_dump *d)
{
	d->cb->args[0] = d->seen;
	return d->skb->len;
}

/* One message of a dump: begun with toe_dump_put(), filled, and ended here. A
 * message that does not fit is dumped again first thing in the next round.
 */
static void *toe_dump_put(struct toe_dump *d, u8 cmd)
{
	return genlmsg_put(d->skb, NETLINK_CB(d->cb->skb).portid,
			   d->cb->nlh->nlmsg_seq, &toe_genl_family,
			   NLM_F_MULTI, cmd);
}

static int toe_dump_done(struct toe_dump *d, void *hdr, int err)
{
	if (!err) {
		genlmsg_end(d->skb, hdr);
		return 0;
	}
	if (hdr)
		genlmsg_cancel(d->skb, hdr);
	d->seen--;
	return -EMSGSIZE;
}

/* The table of flows is long and moves: each round goes on where the last one
 * stood, instead of counting from the beginning.
 */
static int toe_nl_flow_dump_begin(struct netlink_callback *cb)
{
	struct toe_flow_iter *it = kzalloc(sizeof(*it), GFP_KERNEL);

	if (!it)
		return -ENOMEM;
	toe_flow_iter_begin(it);
	cb->args[0] = (long)it;
	cb->seq = 1;
	return 0;
}

static int toe_dump_flow(struct sk_buff *skb, struct netlink_callback *cb,
			 struct toe_flow *flow)
{
	void *hdr;

	if (flow->key.net != sock_net(skb->sk))
		return 0;
	if (READ_ONCE(flow->state) == TOE_STATE_HOST &&
	    !READ_ONCE(flow->busy) && !toe_flow_alive(flow))
		return 0;
	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &toe_genl_family, NLM_F_MULTI, TOE_CMD_FLOW_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (toe_put_flow(skb, flow)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int toe_nl_flow_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct toe_flow_iter *it = (void *)cb->args[0];
	struct toe_flow *flow;
	int err = 0;

	while (!err && (flow = toe_flow_iter_next(it))) {
		/* Some come twice: the reader is told. */
		if (it->changed)
			cb->seq++;
		it->changed = false;
		err = toe_dump_flow(skb, cb, flow);
		toe_flow_put(flow);
	}
	/* What did not fit comes first in the next round. */
	it->again = err;
	return skb->len;
}

static int toe_nl_flow_dump_end(struct netlink_callback *cb)
{
	struct toe_flow_iter *it = (void *)cb->args[0];

	toe_flow_iter_end(it);
	kfree(it);
	return 0;
}

/* Is the signalled flow's fate known? */
static bool toe_settled(struct toe_flow *flow)
{
	return !READ_ONCE(flow->busy) ||
	       READ_ONCE(flow->state) == TOE_STATE_ENGINE;
}

static int toe_nl_flow_offload(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_flow *flow = NULL;
	struct toe_named named;
	struct sock *sk;
	int err;

	err = toe_named_get(info, &named);
	if (err)
		return err;
	if (named.flow)
		toe_flow_put(named.flow);
	sk = toe_sock_lookup(named.key.net, &named.key.tuple);
	if (!sk) {
		toe_stats_refused(TOE_REASON_UNKNOWN);
		GENL_SET_ERR_MSG_FMT(info, "%s",
				     toe_reason_text(TOE_REASON_UNKNOWN));
		return -ENOENT;
	}
	err = toe_flow_signal(sk, NULL, &flow);
	sock_put(sk);
	if (err) {
		if (err == -EEXIST) {
			toe_stats_refused(TOE_REASON_DUPLICATE);
			GENL_SET_ERR_MSG(info, "the flow is offloaded, or on its way");
		} else if (err == -ENOSPC) {
			GENL_SET_ERR_MSG_FMT(info, "%s",
					     toe_reason_text(TOE_REASON_TABLE_FULL));
		}
		if (flow)
			toe_flow_put(flow);
		return err;
	}
	err = wait_event_killable(flow->wait, toe_settled(flow));
	if (!err && READ_ONCE(flow->state) != TOE_STATE_ENGINE &&
	    READ_ONCE(flow->error)) {
		err = READ_ONCE(flow->error);
		GENL_SET_ERR_MSG_FMT(info, "%s", toe_reason_text(flow->reason));
	}
	toe_flow_put(flow);
	return err;
}

/* What user space may bring a flow back for; the others are the module's own. */
static bool toe_return_reason(enum toe_reason reason)
{
	switch (reason) {
	case TOE_REASON_ADMIN:
	case TOE_REASON_RATE:
	case TOE_REASON_NETFILTER:
	case TOE_REASON_ROUTE_CHANGE:
	case TOE_REASON_POLICY:
		return true;
	default:
		return false;
	}
}

static int toe_nl_flow_return(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_named named;
	int err;

	err = toe_named_get(info, &named);
	if (err)
		return err;
	if (!toe_return_reason(named.reason)) {
		GENL_SET_ERR_MSG(info, "user space does not return flows for this reason");
		err = -EINVAL;
		goto out;
	}
	if (!named.flow || !READ_ONCE(named.flow->busy)) {
		GENL_SET_ERR_MSG(info, "the flow is not offloaded");
		err = -ENOENT;
		goto out;
	}
	toe_flow_kick(named.flow, named.reason);
	/* Who brings back many does not want to wait for each. */
	if (info->nlhdr->nlmsg_flags & NLM_F_ACK)
		err = wait_event_killable(named.flow->wait,
					  !READ_ONCE(named.flow->busy));
out:
	if (named.flow)
		toe_flow_put(named.flow);
	return err;
}

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

/* A reply of one nest: allocated, its header put, and sent or freed. */
static int toe_reply_nest(struct genl_info *info, u8 cmd,
			  int (*fill)(struct sk_buff *msg))
{
	struct sk_buff *msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *hdr;

	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put_reply(msg, info, &toe_genl_family, 0, cmd);
	if (!hdr || fill(msg)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static int toe_fill_stats(struct sk_buff *msg)
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
	return toe_reply_nest(info, TOE_CMD_STATS_GET, toe_fill_stats);
}

static int toe_fill_settings(struct sk_buff *msg)
{
	struct nlattr *nest = nla_nest_start(msg, TOE_A_SETTINGS);

	if (!nest ||
	    nla_put_u32(msg, TOE_A_SETTINGS_MAX_FLOWS,
			READ_ONCE(toe_max_flows)) ||
	    nla_put_u32(msg, TOE_A_SETTINGS_TIMEOUT_MS,
			READ_ONCE(toe_timeout_ms)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int toe_nl_settings_get(struct sk_buff *skb, struct genl_info *info)
{
	return toe_reply_nest(info, TOE_CMD_SETTINGS_GET, toe_fill_settings);
}

static int toe_nl_settings_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[TOE_A_SETTINGS_MAX + 1], *flows, *timeout;
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
	if (!flows && !timeout) {
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
	if (flows)
		WRITE_ONCE(toe_max_flows, nla_get_u32(flows));
	if (timeout)
		WRITE_ONCE(toe_timeout_ms, nla_get_u32(timeout));
	return 0;
}

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
	},
};

static const struct genl_multicast_group toe_genl_groups[] = {
	{ .name = TOE_GENL_MCGRP_EVENTS },
};

static struct genl_family toe_genl_family __ro_after_init = {
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
	struct net *net = flow->key.net;
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;

	if (!genl_has_listeners(&toe_genl_family, net, 0))
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
	genlmsg_multicast_netns(&toe_genl_family, net, msg, 0, 0, GFP_KERNEL);
	return;
err:
	nlmsg_free(msg);
}

int toe_genl_init(void)
{
	return genl_register_family(&toe_genl_family);
}

void toe_genl_exit(void)
{
	genl_unregister_family(&toe_genl_family);
}
