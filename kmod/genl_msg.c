// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink face: messages and what is in them.
 */
#include <net/tcp.h>

#include "candidate.h"
#include "engine.h"
#include "genl_msg.h"

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

int toe_put_flow(struct sk_buff *msg, struct toe_flow *flow)
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
	spin_unlock_bh(&flow->lock);
	sig = toe_candidate_rule(flow);

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
	    nla_put_u32(msg, TOE_A_FLOW_DWELL_MS, sig.dwell_ms) ||
	    nla_put_u32(msg, TOE_A_FLOW_FAILS,
			READ_ONCE(flow->backoff.fails)) ||
	    nla_put_u64_64bit(msg, TOE_A_FLOW_RETRY_NS,
			      toe_backoff_left(&flow->backoff),
			      TOE_A_FLOW_PAD)) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

struct toe_dump toe_dump_start(struct sk_buff *skb,
			       struct netlink_callback *cb)
{
	return (struct toe_dump) {
		.skb = skb,
		.cb = cb,
		.net = sock_net(skb->sk),
		.skip = cb->args[0],
	};
}

int toe_dump_end(struct toe_dump *d)
{
	d->cb->args[0] = d->seen;
	return d->skb->len;
}

void *toe_dump_put(struct toe_dump *d, u8 cmd)
{
	return genlmsg_put(d->skb, NETLINK_CB(d->cb->skb).portid,
			   d->cb->nlh->nlmsg_seq, &toe_genl_family,
			   NLM_F_MULTI, cmd);
}

int toe_dump_done(struct toe_dump *d, void *hdr, int err)
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

int toe_reply_msg(struct genl_info *info, u8 cmd,
		  int (*fill)(struct sk_buff *msg, void *arg), void *arg)
{
	struct sk_buff *msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *hdr;
	int err;

	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put_reply(msg, info, &toe_genl_family, 0, cmd);
	err = hdr ? fill(msg, arg) : -EMSGSIZE;
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}
