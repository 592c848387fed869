/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the netlink face share. */
#ifndef _TOE_GENL_MSG_H
#define _TOE_GENL_MSG_H

#include <net/genetlink.h>

#include "flow.h"

extern struct genl_family toe_genl_family;
extern const struct nla_policy toe_nl_flow_policy[TOE_A_FLOW_MAX + 1];
extern const struct nla_policy toe_nl_firewall_policy[TOE_A_FIREWALL_MAX + 1];
extern const struct nla_policy toe_capture_cmd_policy[TOE_A_MAX + 1];

/**
 * struct toe_named - what a request names: a connection, and the flow of it if
 *	there is one
 * @key: the connection
 * @flow: referenced, or NULL
 * @reason: TOE_REASON_ADMIN when none was given
 */
struct toe_named {
	struct toe_flow_key key;
	struct toe_flow *flow;
	enum toe_reason reason;
};

/* Reads TOE_A_FLOW; on success toe_flow_put() is owed for @named->flow. */
int toe_named_get(struct genl_info *info, struct toe_named *named);

/**
 * struct toe_dump - a dump that goes on
 * @skb: this round's
 * @cb: of the dump; args[0] is where the next round begins
 * @net: whose
 * @skip: so many are dumped already
 * @seen: so many have come by in this round
 */
struct toe_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct net *net;
	long skip;
	long seen;
};

struct toe_dump toe_dump_start(struct sk_buff *skb,
			       struct netlink_callback *cb);
int toe_dump_end(struct toe_dump *d);

/* One message of a dump: begun with toe_dump_put(), filled, and ended here. A
 * message that does not fit is dumped again first thing in the next round.
 */
void *toe_dump_put(struct toe_dump *d, u8 cmd);
int toe_dump_done(struct toe_dump *d, void *hdr, int err);

/* A reply: allocated, its header put, filled and sent or freed */
int toe_reply_msg(struct genl_info *info, u8 cmd,
		  int (*fill)(struct sk_buff *msg, void *arg), void *arg);

/* The flow as a nest TOE_A_FLOW; all of it or nothing. The other fills
 * toe_reply_msg().
 */
int toe_put_flow(struct sk_buff *msg, struct toe_flow *flow);
int toe_fill_flow(struct sk_buff *msg, void *flow);

int toe_nl_flow_get(struct sk_buff *skb, struct genl_info *info);
int toe_nl_flow_dump_begin(struct netlink_callback *cb);
int toe_nl_flow_dump(struct sk_buff *skb, struct netlink_callback *cb);
int toe_nl_flow_dump_end(struct netlink_callback *cb);
int toe_nl_flow_offload(struct sk_buff *skb, struct genl_info *info);
int toe_nl_flow_return(struct sk_buff *skb, struct genl_info *info);
int toe_nl_flow_why(struct sk_buff *skb, struct genl_info *info);
int toe_nl_capture_start(struct sk_buff *skb, struct genl_info *info);
int toe_nl_capture_stop(struct sk_buff *skb, struct genl_info *info);
int toe_nl_firewall_get(struct sk_buff *skb, struct genl_info *info);
int toe_nl_firewall_set(struct sk_buff *skb, struct genl_info *info);

#endif /* _TOE_GENL_MSG_H */
