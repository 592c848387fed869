// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connection tracking is a module that need not be there, and this one must not
 * pull it in. So nothing here links to it: its one function that is needed is
 * looked up when it is needed, and that holds the module until the entry is
 * given back, through the kernel's own nf_conntrack_put(). All else that is used
 * of it are members of its structures, or inline.
 *
 * Notes:
 * 1. The name that is looked up is that of an outgoing packet. Whoever changes
 *    the connection's packets, and in whichever direction it was made, that is
 *    how one side of its entry reads: the host's own packets enter conntrack as
 *    the socket sends them.
 * 2. By name only the default zone can be asked. When it has no entry although
 *    conntrack works in the namespace, a packet of the connection tells
 *    (sight.c): its entry may be in a zone of its own, it may be none of
 *    conntrack's business (notrack), or it is invalid.
 * 3. An invalid connection stays in the stack: rules that drop what is invalid are
 *    about to end it, and if they do not, nobody would know what its packets are
 *    when it comes back. One that is not tracked goes: its administrator has
 *    said that conntrack is not to look at it.
 */
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_l4proto.h>

#include "conntrack.h"
#include "mark.h"
#include "sight.h"

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

/* Looks the entry up. Return: is conntrack loaded? Then it is held. */
static bool toe_conntrack_find(struct net *net, const struct toe_tuple *t,
			       struct toe_entry *entry)
{
	static const struct nf_conntrack_zone zone = {
		.id	= NF_CT_DEFAULT_ZONE_ID,
		.dir	= NF_CT_DEFAULT_ZONE_DIR,
	};
	typeof(&nf_conntrack_find_get) find;
	struct nf_conntrack_tuple_hash *h;
	struct nf_conntrack_tuple tuple;

	/* To look a name up among all symbols takes long: is it there at all? It sets
	 * this before its symbols can be had, and clears it after they are gone.
	 */
	if (!rcu_access_pointer(nf_ct_hook))
		return false;
	find = symbol_get(nf_conntrack_find_get);
	if (!find)
		return false;
	toe_conntrack_tuple(&tuple, t);
	h = find(net, &zone, &tuple);
	if (h) {
		entry->ct = nf_ct_tuplehash_to_ctrack(h);
		entry->dir = NF_CT_DIRECTION(h);
	}
	return true;
}

/* Does conntrack see the namespace's packets? It has its hooks only where a rule
 * or somebody else asked for it.
 */
static bool toe_conntrack_works(struct net *net, u16 family)
{
	struct nf_hook_entries __rcu **hooks = family == AF_INET6 ?
					       net->nf.hooks_ipv6 :
					       net->nf.hooks_ipv4;
	const struct nf_hook_entries *e;
	struct nf_hook_ops **ops;
	bool works = false;
	int i;

	rcu_read_lock();
	e = rcu_dereference(hooks[NF_INET_PRE_ROUTING]);
	if (e) {
		ops = nf_hook_entries_get_hook_ops(e);
		/* A chain of nftables may have the same priority. */
		for (i = 0; i < e->num_hook_entries && !works; i++)
			works = ops[i]->priority == NF_IP_PRI_CONNTRACK &&
				ops[i]->hook_ops_type == NF_HOOK_OP_UNDEFINED;
	}
	rcu_read_unlock();
	return works;
}

static bool toe_conntrack_helped(const struct nf_conn *ct, unsigned long status)
{
	const struct nf_conn_help *help = nfct_help(ct);

	return (status & IPS_HELPER) ||
	       (help && rcu_access_pointer(help->helper));
}

/* What an entry says */
static enum toe_reason toe_conntrack_entry(const struct nf_conn *ct)
{
	unsigned long status = READ_ONCE(ct->status);

	if (status & (IPS_NAT_MASK | IPS_SEQ_ADJUST))
		return TOE_REASON_NAT;
	if (toe_conntrack_helped(ct, status))
		return TOE_REASON_HELPER;
	if (status & IPS_EXPECTED)
		return TOE_REASON_EXPECTED;
	if (!(status & IPS_CONFIRMED) || (status & IPS_DYING) ||
	    !nf_conntrack_tcp_established(ct))
		return TOE_REASON_INVALID;
	return TOE_REASON_NONE;
}

static u32 toe_conntrack_mark(const struct nf_conn *ct)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	return READ_ONCE(ct->mark);
#else
	return 0;
#endif
}

static void toe_conntrack_put(struct nf_conn *ct)
{
	if (ct)
		nf_conntrack_put(&ct->ct_general);
}

/* Nobody else, a flowtable for example, has taken the entry's packets away. */
static bool toe_entry_claim(const struct toe_entry *entry)
{
	return !entry->ct ||
	       !test_and_set_bit(IPS_OFFLOAD_BIT, &entry->ct->status);
}

static void toe_conntrack_release(bool loaded)
{
	if (loaded)
		symbol_put(nf_conntrack_find_get);
}

void toe_entry_put(struct toe_entry *entry)
{
	struct nf_conn *ct = entry->ct;

	if (!ct)
		return;
	entry->ct = NULL;
	clear_bit(IPS_OFFLOAD_BIT, &ct->status);
	toe_conntrack_put(ct);
	toe_conntrack_release(true);
}

#else

static bool toe_conntrack_find(struct net *net, const struct toe_tuple *t,
			       struct toe_entry *entry)
{
	return false;
}

static bool toe_conntrack_works(struct net *net, u16 family)
{
	return false;
}

static enum toe_reason toe_conntrack_entry(const struct nf_conn *ct)
{
	return TOE_REASON_NONE;
}

static u32 toe_conntrack_mark(const struct nf_conn *ct)
{
	return 0;
}

static void toe_conntrack_put(struct nf_conn *ct)
{
}

static bool toe_entry_claim(const struct toe_entry *entry)
{
	return true;
}

static void toe_conntrack_release(bool loaded)
{
}

void toe_entry_put(struct toe_entry *entry)
{
}

#endif

/* What packets say, when the entry does not say all. @loaded: conntrack is */
static enum toe_reason toe_conntrack_look(struct net *net,
					  const struct toe_tuple *t,
					  const struct toe_signal *sig,
					  int ifindex, bool loaded,
					  struct toe_entry *entry)
{
	bool lacks = loaded && !entry->ct && toe_conntrack_works(net, t->family);
	enum toe_reason reason;
	struct toe_sight s;

	if (!lacks && !toe_mark_asks_packets(sig))
		return TOE_REASON_NONE;
	reason = toe_sight(net, t, &s);
	if (lacks && s.ct) {
		entry->ct = s.ct;
		entry->dir = s.ct_dir;
	} else {
		toe_conntrack_put(s.ct);
	}
	if (reason)
		return reason;
	if (lacks && !entry->ct && s.invalid)
		return TOE_REASON_INVALID;
	/* A rule may have routed its packets anew. */
	if (s.ifindex != ifindex)
		return TOE_REASON_ROUTE;
	if (!toe_mark_packets_ok(sig, s.mark[TOE_SIGHT_IN],
				 s.mark[TOE_SIGHT_OUT]))
		return TOE_REASON_MARK;
	return TOE_REASON_NONE;
}

static enum toe_reason toe_conntrack_judge(const struct toe_signal *sig,
					   const struct toe_entry *entry)
{
	const struct nf_conn *ct = entry->ct;
	enum toe_reason reason;
	u32 mark;

	if (!ct)
		return toe_mark_ct_ok(sig, NULL) ? TOE_REASON_NONE :
						   TOE_REASON_MARK;
	reason = toe_conntrack_entry(ct);
	mark = toe_conntrack_mark(ct);
	if (!reason && !toe_mark_ct_ok(sig, &mark))
		reason = TOE_REASON_MARK;
	return reason;
}

enum toe_reason toe_conntrack_ask(struct net *net, const struct toe_tuple *t,
				  const struct toe_signal *sig, int ifindex,
				  struct toe_entry *entry)
{
	enum toe_reason reason = TOE_REASON_NONE;
	struct toe_entry e = {};
	bool loaded = toe_conntrack_find(net, t, &e);

	/* What lasts, first: packets may have to be waited for. */
	if (e.ct)
		reason = toe_conntrack_judge(sig, &e);
	if (!reason)
		reason = toe_conntrack_look(net, t, sig, ifindex, loaded, &e);
	if (!reason)
		reason = toe_conntrack_judge(sig, &e);
	if (!reason && entry && !toe_entry_claim(&e))
		reason = TOE_REASON_CONNTRACK;
	if (!reason && entry && e.ct) {
		*entry = e;
		return TOE_REASON_NONE;
	}
	toe_conntrack_put(e.ct);
	toe_conntrack_release(loaded);
	return reason;
}
