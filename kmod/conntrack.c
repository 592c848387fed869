// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connection tracking is a module that need not be there, and this one must not
 * pull it in. So nothing here links to it: its one function that is needed is
 * looked up when it is needed (and holds the module meanwhile), the entry is
 * given back through the kernel's own nf_conntrack_put().
 *
 * The name that is looked up is that of an outgoing packet. Whoever changes the
 * connection's packets, and in whichever direction it was made, that is how one
 * side of its entry reads: the host's own packets enter conntrack as the socket
 * sends them.
 *
 * Only the default zone is asked. Rules that put connections into zones of their
 * own and then NAT them there are not seen: docs/man/toe.7 says so.
 */
#include <linux/module.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "conntrack.h"

#if IS_ENABLED(CONFIG_NF_CONNTRACK)

/* The name of an outgoing packet */
static void toe_conntrack_tuple(struct nf_conntrack_tuple *tuple,
				const struct toe_tuple *t)
{
	memset(tuple, 0, sizeof(*tuple));
	tuple->src.l3num = t->family;
	memcpy(tuple->src.u3.all, t->local_addr, sizeof(tuple->src.u3.all));
	memcpy(tuple->dst.u3.all, t->remote_addr, sizeof(tuple->dst.u3.all));
	tuple->src.u.tcp.port = t->local_port;
	tuple->dst.u.tcp.port = t->remote_port;
	tuple->dst.protonum = IPPROTO_TCP;
}

#define TOE_CT_CHANGES	(IPS_NAT_MASK | IPS_SEQ_ADJUST)

enum toe_reason toe_conntrack_ask(struct net *net, const struct toe_tuple *t)
{
	static const struct nf_conntrack_zone zone = {
		.id	= NF_CT_DEFAULT_ZONE_ID,
		.dir	= NF_CT_DEFAULT_ZONE_DIR,
	};
	typeof(&nf_conntrack_find_get) find;
	struct nf_conntrack_tuple tuple;
	struct nf_conntrack_tuple_hash *h;
	bool changes = false;

	find = symbol_get(nf_conntrack_find_get);
	if (!find)
		return TOE_REASON_NONE;
	toe_conntrack_tuple(&tuple, t);
	h = find(net, &zone, &tuple);
	if (h) {
		struct nf_conn *ct = nf_ct_tuplehash_to_ctrack(h);

		changes = READ_ONCE(ct->status) & TOE_CT_CHANGES;
		nf_conntrack_put(&ct->ct_general);
	}
	symbol_put(nf_conntrack_find_get);
	return changes ? TOE_REASON_NAT : TOE_REASON_NONE;
}

#else

enum toe_reason toe_conntrack_ask(struct net *net, const struct toe_tuple *t)
{
	return TOE_REASON_NONE;
}

#endif
