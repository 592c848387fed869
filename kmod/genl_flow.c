// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink face: what is asked about flows, and for them.
 */
#include <linux/sched/signal.h>
#include <net/tcp.h>

#include "candidate.h"
#include "genl_msg.h"
#include "stats.h"

const struct nla_policy toe_nl_flow_policy[TOE_A_FLOW_MAX + 1] = {
	[TOE_A_FLOW_ID]		= NLA_POLICY_MIN(NLA_U32, 1),
	[TOE_A_FLOW_TUPLE]	= NLA_POLICY_EXACT_LEN(sizeof(struct toe_tuple)),
	[TOE_A_FLOW_REASON]	= { .type = NLA_U8 },
};

int toe_named_get(struct genl_info *info, struct toe_named *named)
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

int toe_fill_flow(struct sk_buff *msg, void *flow)
{
	return toe_put_flow(msg, flow);
}

int toe_nl_flow_get(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_named named;
	int err;

	err = toe_named_get(info, &named);
	if (err)
		return err;
	if (!named.flow) {
		GENL_SET_ERR_MSG(info, "toe does not know this flow");
		return -ENOENT;
	}
	err = toe_reply_msg(info, TOE_CMD_FLOW_GET, toe_fill_flow, named.flow);
	toe_flow_put(named.flow);
	return err;
}

/* The table of flows is long and moves: each round goes on where the last one
 * stood, instead of counting from the beginning.
 */
int toe_nl_flow_dump_begin(struct netlink_callback *cb)
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

int toe_nl_flow_dump(struct sk_buff *skb, struct netlink_callback *cb)
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

int toe_nl_flow_dump_end(struct netlink_callback *cb)
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

int toe_nl_flow_offload(struct sk_buff *skb, struct genl_info *info)
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
	err = toe_candidate_signal(sk, NULL, &flow);
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
	/* Who moves many does not want to wait for each. */
	if (!(info->nlhdr->nlmsg_flags & NLM_F_ACK))
		goto out;
	err = wait_event_killable(flow->wait, toe_settled(flow));
	if (!err && READ_ONCE(flow->state) != TOE_STATE_ENGINE &&
	    READ_ONCE(flow->error)) {
		err = READ_ONCE(flow->error);
		GENL_SET_ERR_MSG_FMT(info, "%s", toe_reason_text(flow->reason));
	}
out:
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

int toe_nl_flow_return(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_named named;
	bool first;
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
		/* It was about to go back by itself. */
		if (named.flow && named.reason == TOE_REASON_ADMIN)
			toe_candidate_stay(named.flow);
		GENL_SET_ERR_MSG(info, "the flow is not offloaded");
		err = -ENOENT;
		goto out;
	}
	first = toe_flow_kick(named.flow, named.reason);
	/* as above */
	if (info->nlhdr->nlmsg_flags & NLM_F_ACK) {
		err = wait_event_killable(named.flow->wait,
					  !READ_ONCE(named.flow->busy));
	} else if (!first) {
		GENL_SET_ERR_MSG(info, "the flow is on its way back");
		err = -ENOENT;
	}
out:
	if (named.flow)
		toe_flow_put(named.flow);
	return err;
}

/* The answer of TOE_CMD_FLOW_WHY */
struct toe_why {
	struct toe_flow *flow;	/* NULL when it is not known */
	enum toe_reason reason;
	u64 bytes;
	char engine[TOE_ENGINE_NAME_LEN];
};

static int toe_fill_why(struct sk_buff *msg, void *arg)
{
	const struct toe_why *why = arg;
	struct nlattr *nest = nla_nest_start(msg, TOE_A_WHY);

	if (!nest ||
	    nla_put_u8(msg, TOE_A_WHY_REASON, why->reason) ||
	    nla_put_u64_64bit(msg, TOE_A_WHY_BYTES, why->bytes,
			      TOE_A_WHY_PAD) ||
	    (why->engine[0] &&
	     nla_put_string(msg, TOE_A_WHY_ENGINE, why->engine)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return why->flow ? toe_put_flow(msg, why->flow) : 0;
}

int toe_nl_flow_why(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_why why = {};
	struct toe_named named;
	struct sock *sk;
	int err;

	err = toe_named_get(info, &named);
	if (err)
		return err;
	sk = toe_sock_lookup(named.key.net, &named.key.tuple);
	if (!sk) {
		GENL_SET_ERR_MSG_FMT(info, "%s",
				     toe_reason_text(TOE_REASON_UNKNOWN));
		err = -ENOENT;
		goto out;
	}
	why.flow = named.flow;
	why.bytes = toe_sock_bytes(sk);
	why.reason = toe_candidate_why(sk, named.flow, why.engine);
	sock_put(sk);
	err = toe_reply_msg(info, TOE_CMD_FLOW_WHY, toe_fill_why, &why);
out:
	if (named.flow)
		toe_flow_put(named.flow);
	return err;
}
