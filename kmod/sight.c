// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two hooks, behind all rules: the end of LOCAL_IN and the end of POST_ROUTING. A
 * namespace gets them when they are needed first and keeps them, as it does the
 * gate's (gate.c, note 2). While nobody looks they cost one load of a counter.
 *
 * A look is in a table under RCU while somebody waits for it. What it records is
 * under its lock, and nothing is recorded once it is over, so no reference to an
 * entry of conntrack is left in it.
 */
#include <linux/completion.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netns/generic.h>
#include <net/netfilter/nf_conntrack.h>

#include "flow.h"
#include "gate.h"
#include "sight.h"

#define TOE_SIGHT_WAIT		(HZ / 2)

/**
 * struct toe_look - somebody waits for packets
 * @node: in toe_looks
 * @key: of this connection; constant
 * @rcu: frees it
 * @lock: protects what follows
 * @over: nobody waits any more
 * @seen: bit per enum toe_sight_dir
 * @sight: what was seen
 * @done: both directions were
 */
struct toe_look {
	struct hlist_node	node;
	struct toe_flow_key	key;
	struct rcu_head		rcu;
	spinlock_t		lock;
	bool			over;
	u8			seen;
	struct toe_sight	sight;
	struct completion	done;
};

#define TOE_SEEN_BOTH	(BIT(TOE_SIGHT_IN) | BIT(TOE_SIGHT_OUT))

struct toe_sight_net {
	struct mutex	lock;	/* of hooked */
	bool		hooked;
};

static unsigned int toe_sight_net_id __read_mostly;
static DEFINE_HASHTABLE(toe_looks, 8);
static DEFINE_SPINLOCK(toe_looks_lock);	/* of changes to the table */
static atomic_t toe_looking;

static u32 toe_look_hash(const struct toe_flow_key *key)
{
	return jhash2((const u32 *)&key->tuple, sizeof(key->tuple) / 4, 0);
}

/* What conntrack has attached to the packet */
static void toe_look_entry(struct toe_sight *s, struct sk_buff *skb,
			   enum toe_sight_dir dir)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	enum ip_conntrack_info info;
	struct nf_conn *ct = nf_ct_get(skb, &info);

	if (!ct) {
		/* "notrack" says that it is nobody's business */
		s->invalid |= info != IP_CT_UNTRACKED;
		return;
	}
	if (s->ct || nf_ct_is_template(ct))
		return;
	nf_conntrack_get(&ct->ct_general);
	s->ct = ct;
	s->ct_dir = CTINFO2DIR(info) ^ (dir == TOE_SIGHT_IN);
#endif
}

static void toe_look_record(struct toe_look *look, struct sk_buff *skb,
			    enum toe_sight_dir dir,
			    const struct nf_hook_state *state)
{
	spin_lock_bh(&look->lock);
	if (!look->over && !(look->seen & BIT(dir))) {
		look->seen |= BIT(dir);
		look->sight.mark[dir] = skb->mark;
		if (dir == TOE_SIGHT_OUT && state->out)
			look->sight.ifindex = state->out->ifindex;
		toe_look_entry(&look->sight, skb, dir);
		if (look->seen == TOE_SEEN_BOTH)
			complete(&look->done);
	}
	spin_unlock_bh(&look->lock);
}

static void toe_look_packet(const struct toe_flow_key *key, struct sk_buff *skb,
			    enum toe_sight_dir dir,
			    const struct nf_hook_state *state)
{
	struct toe_look *look;

	/* Netfilter's hooks run in an RCU read-side section. Two may wait for the
	 * same connection: one who opens, one who only wants to know.
	 */
	hash_for_each_possible_rcu(toe_looks, look, node, toe_look_hash(key))
		if (!memcmp(&look->key, key, sizeof(*key)))
			toe_look_record(look, skb, dir, state);
}

static unsigned int toe_sight_in(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct toe_flow_key key;

	if (atomic_read(&toe_looking) &&
	    toe_gate_key(&key, skb, state->pf == NFPROTO_IPV6 ? AF_INET6 :
			 AF_INET, state->net))
		toe_look_packet(&key, skb, TOE_SIGHT_IN, state);
	return NF_ACCEPT;
}

static bool toe_sight_is_tcp(const struct sk_buff *skb, u8 pf)
{
	return pf == NFPROTO_IPV6 ? ipv6_hdr(skb)->nexthdr == IPPROTO_TCP :
				    ip_hdr(skb)->protocol == IPPROTO_TCP;
}

/* By the socket: NAT may have changed what the packet says. */
static unsigned int toe_sight_out(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	struct toe_flow_key key;
	struct sock *sk;

	if (!atomic_read(&toe_looking))
		return NF_ACCEPT;
	sk = skb_to_full_sk(skb);
	if (!sk || !sk_fullsock(sk) || sk->sk_protocol != IPPROTO_TCP ||
	    (sk->sk_family != AF_INET && sk->sk_family != AF_INET6) ||
	    !toe_sight_is_tcp(skb, state->pf))
		return NF_ACCEPT;
	memset(&key, 0, sizeof(key));
	key.net = state->net;
	toe_tuple_from_sock(&key.tuple, sk);
	toe_look_packet(&key, skb, TOE_SIGHT_OUT, state);
	return NF_ACCEPT;
}

static const struct nf_hook_ops toe_sight_ops[] = {
	{
		.hook		= toe_sight_in,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_IN,
		.priority	= NF_IP_PRI_LAST,
	}, {
		.hook		= toe_sight_out,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_POST_ROUTING,
		.priority	= NF_IP_PRI_LAST,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook		= toe_sight_in,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_IN,
		.priority	= NF_IP6_PRI_LAST,
	}, {
		.hook		= toe_sight_out,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_POST_ROUTING,
		.priority	= NF_IP6_PRI_LAST,
	},
#endif
};

static int toe_sight_hook(struct net *net)
{
	struct toe_sight_net *sn = net_generic(net, toe_sight_net_id);
	int err = 0;

	mutex_lock(&sn->lock);
	if (!sn->hooked) {
		err = nf_register_net_hooks(net, toe_sight_ops,
					    ARRAY_SIZE(toe_sight_ops));
		sn->hooked = !err;
	}
	mutex_unlock(&sn->lock);
	return err;
}

enum toe_reason toe_sight(struct net *net, const struct toe_tuple *t,
			  struct toe_sight *s)
{
	struct toe_look *look;
	bool both;

	memset(s, 0, sizeof(*s));
	if (toe_sight_hook(net))
		return TOE_REASON_MEMORY;
	look = kzalloc(sizeof(*look), GFP_KERNEL);
	if (!look)
		return TOE_REASON_MEMORY;
	look->key.tuple = *t;
	look->key.net = net;
	spin_lock_init(&look->lock);
	init_completion(&look->done);
	spin_lock(&toe_looks_lock);
	hash_add_rcu(toe_looks, &look->node, toe_look_hash(&look->key));
	spin_unlock(&toe_looks_lock);
	atomic_inc(&toe_looking);

	wait_for_completion_timeout(&look->done, TOE_SIGHT_WAIT);

	atomic_dec(&toe_looking);
	spin_lock(&toe_looks_lock);
	hash_del_rcu(&look->node);
	spin_unlock(&toe_looks_lock);
	spin_lock_bh(&look->lock);
	look->over = true;
	both = look->seen == TOE_SEEN_BOTH;
	*s = look->sight;
	spin_unlock_bh(&look->lock);
	kfree_rcu(look, rcu);
	return both ? TOE_REASON_NONE : TOE_REASON_UNSEEN;
}

static int __net_init toe_sight_net_init(struct net *net)
{
	struct toe_sight_net *sn = net_generic(net, toe_sight_net_id);

	mutex_init(&sn->lock);
	return 0;
}

static void __net_exit toe_sight_net_exit(struct net *net)
{
	struct toe_sight_net *sn = net_generic(net, toe_sight_net_id);

	if (sn->hooked)
		nf_unregister_net_hooks(net, toe_sight_ops,
					ARRAY_SIZE(toe_sight_ops));
}

static struct pernet_operations toe_sight_net_ops = {
	.init	= toe_sight_net_init,
	.exit	= toe_sight_net_exit,
	.id	= &toe_sight_net_id,
	.size	= sizeof(struct toe_sight_net),
};

int toe_sight_init(void)
{
	return register_pernet_subsys(&toe_sight_net_ops);
}

void toe_sight_exit(void)
{
	unregister_pernet_subsys(&toe_sight_net_ops);
}
