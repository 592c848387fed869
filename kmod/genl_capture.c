// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink face: captures.
 */
#include <linux/sizes.h>

#include "capture.h"
#include "genl.h"
#include "genl_msg.h"
#include "stats.h"

/* No wire has longer ones, and a message has to fit the reader's buffer. */
#define TOE_FRAME_MAX	SZ_16K

static const struct nla_policy toe_nl_capture_policy[TOE_A_CAPTURE_MAX + 1] = {
	[TOE_A_CAPTURE_SNAPLEN]	= NLA_POLICY_MIN(NLA_U32, 1),
};

const struct nla_policy toe_capture_cmd_policy[TOE_A_MAX + 1] = {
	[TOE_A_FLOW]		= NLA_POLICY_NESTED(toe_nl_flow_policy),
	[TOE_A_CAPTURE]		= NLA_POLICY_NESTED(toe_nl_capture_policy),
};

static int toe_snaplen_get(struct genl_info *info, u32 *snaplen)
{
	struct nlattr *tb[TOE_A_CAPTURE_MAX + 1];
	int err;

	if (GENL_REQ_ATTR_CHECK(info, TOE_A_CAPTURE))
		return -EINVAL;
	err = nla_parse_nested(tb, TOE_A_CAPTURE_MAX,
			       info->attrs[TOE_A_CAPTURE],
			       toe_nl_capture_policy, info->extack);
	if (err)
		return err;
	if (!tb[TOE_A_CAPTURE_SNAPLEN]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[TOE_A_CAPTURE],
				    "the snaplen is missing");
		return -EINVAL;
	}
	*snaplen = nla_get_u32(tb[TOE_A_CAPTURE_SNAPLEN]);
	return 0;
}

/* What it was, in words. */
static void toe_capture_error(struct genl_info *info, struct toe_flow *flow,
			      int err)
{
	char engine[TOE_ENGINE_NAME_LEN] = "";

	spin_lock_bh(&flow->lock);
	if (flow->engine)
		strscpy(engine, flow->engine->name, sizeof(engine));
	spin_unlock_bh(&flow->lock);
	switch (err) {
	case -ENOENT:
		GENL_SET_ERR_MSG(info, "the flow is not offloaded");
		break;
	case -EBUSY:
		GENL_SET_ERR_MSG(info, "the flow is being captured already");
		break;
	case -EALREADY:
		GENL_SET_ERR_MSG(info, "this socket is capturing already");
		break;
	case -ENOSPC:
		GENL_SET_ERR_MSG(info,
				 "as many flows are being captured as there may be");
		break;
	case -EOPNOTSUPP:
		GENL_SET_ERR_MSG_FMT(info, "engine %s cannot capture", engine);
		break;
	case -ETIMEDOUT:
		GENL_SET_ERR_MSG_FMT(info, "%s",
				     toe_reason_text(TOE_REASON_ENGINE_TIMEOUT));
		break;
	case -ENODEV:
		GENL_SET_ERR_MSG_FMT(info, "%s",
				     toe_reason_text(TOE_REASON_ENGINE_FAILED));
		break;
	case -EIO:
	case -EINVAL:
	case -EEXIST:
		GENL_SET_ERR_MSG_FMT(info, "%s",
				     toe_reason_text(TOE_REASON_ENGINE_REFUSED));
		break;
	}
}

int toe_nl_capture_start(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_flow *flow __free(toe_flow_put) = NULL;
	struct toe_capture *c;
	struct toe_named named;
	u32 snaplen;
	int err;

	/* As for any other look at packets; CAP_NET_ADMIN was asked for. */
	if (!netlink_ns_capable(skb, genl_info_net(info)->user_ns,
				CAP_NET_RAW)) {
		GENL_SET_ERR_MSG(info, "capturing needs CAP_NET_RAW, too");
		return -EPERM;
	}
	err = toe_snaplen_get(info, &snaplen);
	if (err)
		return err;
	err = toe_named_get(info, &named);
	if (err)
		return err;
	flow = named.flow;
	if (!flow) {
		GENL_SET_ERR_MSG(info, "the flow is not offloaded");
		return -ENOENT;
	}
	err = toe_capture_start(flow, info->snd_portid, snaplen);
	if (err) {
		toe_capture_error(info, flow, err);
		return err;
	}
	err = toe_reply_msg(info, TOE_CMD_CAPTURE_START, toe_fill_flow, flow);
	if (err) {
		c = toe_capture_get(named.key.net, info->snd_portid);
		if (c) {
			toe_capture_remove(c);
			toe_capture_put(c);
		}
	}
	return err;
}

static int toe_fill_totals(struct sk_buff *msg, void *arg)
{
	const struct toe_capture *c = arg;
	struct nlattr *nest = nla_nest_start(msg, TOE_A_CAPTURE);

	if (!nest ||
	    nla_put_u64_64bit(msg, TOE_A_CAPTURE_FRAMES, READ_ONCE(c->frames),
			      TOE_A_CAPTURE_PAD) ||
	    nla_put_u64_64bit(msg, TOE_A_CAPTURE_DROPPED,
			      toe_capture_dropped(c), TOE_A_CAPTURE_PAD))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int toe_nl_capture_stop(struct sk_buff *skb, struct genl_info *info)
{
	struct toe_capture *c __free(toe_capture_put) = NULL;
	int err;

	c = toe_capture_get(genl_info_net(info), info->snd_portid);
	if (!c) {
		GENL_SET_ERR_MSG(info, "this socket is not capturing");
		return -ENOENT;
	}
	toe_capture_stop(c);
	/* Without room for the answer it stays, and may be asked again. */
	err = toe_reply_msg(info, TOE_CMD_CAPTURE_STOP, toe_fill_totals, c);
	if (!err)
		toe_capture_remove(c);
	return err;
}

static struct sk_buff *toe_capture_msg(size_t payload, void **hdr,
				       struct nlattr **nest)
{
	struct sk_buff *msg = genlmsg_new(nla_total_size(payload),
					  GFP_ATOMIC | __GFP_NOWARN);

	if (!msg)
		return NULL;
	*hdr = genlmsg_put(msg, 0, 0, &toe_genl_family, 0, TOE_CMD_CAPTURE);
	*nest = *hdr ? nla_nest_start(msg, TOE_A_CAPTURE) : NULL;
	if (*nest)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

int toe_genl_capture_frame(const struct toe_capture *c,
			   const struct toe_engine_frame *frame)
{
	u32 len = min3(frame->caplen, c->snaplen, (u32)TOE_FRAME_MAX);
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;

	msg = toe_capture_msg(2 * nla_total_size_64bit(sizeof(u64)) +
			      nla_total_size(sizeof(u8)) +
			      nla_total_size(sizeof(u32)) +
			      nla_total_size(len), &hdr, &nest);
	if (!msg)
		return -ENOMEM;
	if (nla_put_u64_64bit(msg, TOE_A_CAPTURE_TIME_NS, frame->time_ns,
			      TOE_A_CAPTURE_PAD) ||
	    nla_put_u8(msg, TOE_A_CAPTURE_SENT, frame->sent) ||
	    nla_put_u32(msg, TOE_A_CAPTURE_LEN, frame->len) ||
	    nla_put_u64_64bit(msg, TOE_A_CAPTURE_DROPPED,
			      toe_capture_dropped(c), TOE_A_CAPTURE_PAD) ||
	    nla_put(msg, TOE_A_CAPTURE_FRAME, len, frame->data)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	genlmsg_end(msg, hdr);
	return genlmsg_unicast(c->key.net, msg, c->portid);
}

void toe_genl_capture_over(const struct toe_capture *c, enum toe_reason reason)
{
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;

	msg = toe_capture_msg(nla_total_size(sizeof(u8)), &hdr, &nest);
	if (!msg)
		return;
	if (nla_put_u8(msg, TOE_A_CAPTURE_REASON, reason)) {
		nlmsg_free(msg);
		return;
	}
	nla_nest_end(msg, nest);
	genlmsg_end(msg, hdr);
	genlmsg_unicast(c->key.net, msg, c->portid);
}
