// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate: a netfilter LOCAL_IN hook. A frame of an offloaded flow that
 * reaches the host is late (the engine's card held its fellows) or it is one
 * that belongs to the host: SYN, FIN, RST, and what no engine reads: one with IP
 * options or extension headers.
 *
 * Notes:
 * 1. The hook is the last one of LOCAL_IN, so the firewall judges first, and a
 *    parked frame is let in where it left: at state->okfn.
 * 2. A namespace gets its hooks with its first flow and keeps them: taking them
 *    out patches code on all CPUs, and a gate without flows costs one load.
 * 3. The gate and tcp_v4_rcv() run in one RCU read-side section (the receive
 *    path's). So a grace period after the gate was set, every frame that passed
 *    it earlier is in the socket or in its backlog: toe_gate_settle(). All flows
 *    that wait for one when it begins share it.
 */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netns/generic.h>
#include <net/tcp.h>

#include "gate.h"
#include "stats.h"

#define TOE_MAX_PARKED	1024

struct toe_gate_net {
	struct mutex	lock;	/* of what follows */
	bool		hooked;
	bool		closing;	/* no flow opens any more */
};

static unsigned int toe_gate_net_id __read_mostly;
/* Flows whose gate is not open, all namespaces. */
static atomic_t toe_gates_shut;

static void toe_settle(struct work_struct *work);
static DECLARE_WORK(toe_settle_work, toe_settle);
/* Flows that wait for a grace period, each with a reference */
static LIST_HEAD(toe_settling);
/* Somebody sees to them. */
static bool toe_settle_busy;
static DEFINE_SPINLOCK(toe_settle_lock);	/* of both */

#if IS_ENABLED(CONFIG_IPV6)
/* Behind the extension headers. A fragment that is not the first one has none. */
static int toe_gate_tcp6(struct sk_buff *skb)
{
	u8 nexthdr = ipv6_hdr(skb)->nexthdr;
	__be16 frag_off;
	int at;

	if (likely(nexthdr == IPPROTO_TCP))
		return skb_transport_offset(skb);
	at = ipv6_skip_exthdr(skb, skb_network_offset(skb) +
			      sizeof(struct ipv6hdr), &nexthdr, &frag_off);
	return nexthdr == IPPROTO_TCP ? at : -EPROTO;
}
#endif

/* Reads the addresses and the ports, both checked by the stack before it
 * delivers locally but for the ports' presence. Returns the TCP header.
 */
const struct tcphdr *toe_gate_key(struct toe_flow_key *key, struct sk_buff *skb,
				  u8 family, struct net *net)
{
	const struct tcphdr *th;
	int at;

	memset(key, 0, sizeof(*key));
	key->net = net;
	key->tuple.family = family;
	if (family == AF_INET) {
		const struct iphdr *iph = ip_hdr(skb);

		if (iph->protocol != IPPROTO_TCP || ip_is_fragment(iph))
			return NULL;
		at = skb_transport_offset(skb);
		key->tuple.local_addr[0] = iph->daddr;
		key->tuple.remote_addr[0] = iph->saddr;
#if IS_ENABLED(CONFIG_IPV6)
	} else {
		const struct ipv6hdr *ip6h = ipv6_hdr(skb);

		at = toe_gate_tcp6(skb);
		if (at < 0)
			return NULL;
		memcpy(key->tuple.local_addr, &ip6h->daddr,
		       sizeof(key->tuple.local_addr));
		memcpy(key->tuple.remote_addr, &ip6h->saddr,
		       sizeof(key->tuple.remote_addr));
#endif
	}
	if (!pskb_may_pull(skb, at + sizeof(*th)))
		return NULL;
	th = (const struct tcphdr *)(skb->data + at);
	key->tuple.local_port = th->dest;
	key->tuple.remote_port = th->source;
	return th;
}

static u32 toe_gate_payload(const struct sk_buff *skb, const struct tcphdr *th)
{
	u32 header = skb_transport_offset(skb) + __tcp_hdrlen(th);

	return skb->len > header ? skb->len - header : 0;
}

/* IP options, or extension headers, a fragment's among them */
static bool toe_gate_options(const struct sk_buff *skb, u8 family)
{
	if (family == AF_INET)
		return ip_hdr(skb)->ihl > sizeof(struct iphdr) / 4;
	return ipv6_hdr(skb)->nexthdr != IPPROTO_TCP;
}

/* Why the flow has to come back for a frame; none: the engine takes it. */
static enum toe_reason toe_gate_reason(const struct tcphdr *th,
				       const struct sk_buff *skb, u8 family)
{
	if (th->rst)
		return TOE_REASON_PEER_RST;
	if (th->syn)
		return TOE_REASON_PEER_SYN;
	if (th->fin)
		return TOE_REASON_PEER_FIN;
	if (toe_gate_options(skb, family))
		return TOE_REASON_OPTIONS;
	return TOE_REASON_NONE;
}

static void toe_gate_park(struct toe_flow *flow, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	lockdep_assert_held(&flow->lock);
	if (skb_queue_len(&flow->parked) >= TOE_MAX_PARKED) {
		toe_stats_inc(TOE_STAT_GATE_DROPPED);
		kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
		return;
	}
	/* The early demultiplexer's dst is not counted, parking outlives RCU. */
	if (!skb_dst_force(skb)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
		return;
	}
	/* The socket is looked up anew when the frame goes on. */
	skb_orphan(skb);
	dev_hold(skb->dev);
	flow->okfn = state->okfn;
	__skb_queue_tail(&flow->parked, skb);
	toe_stats_inc(TOE_STAT_GATE_PARKED);
}

/* A frame, while some gate is shut */
static noinline unsigned int toe_gate_frame(struct sk_buff *skb,
					    const struct nf_hook_state *state)
{
	u8 family = state->pf == NFPROTO_IPV6 ? AF_INET6 : AF_INET;
	enum toe_reason reason;
	const struct tcphdr *th;
	struct toe_engine *e;
	struct toe_flow_key key;
	struct toe_flow *flow;
	u32 id;

	th = toe_gate_key(&key, skb, family, state->net);
	if (!th)
		return NF_ACCEPT;
	/* The receive path's RCU read-side section keeps the flow. */
	flow = toe_flow_find(&key);
	if (!flow || READ_ONCE(flow->gate) == TOE_GATE_OPEN)
		return NF_ACCEPT;
	/* The same link-local addresses and ports, on another link */
	if (flow->scope && flow->scope != skb->dev->ifindex)
		return NF_ACCEPT;

	reason = toe_gate_reason(th, skb, family);
	spin_lock_bh(&flow->lock);
	if (flow->gate == TOE_GATE_OPEN) {
		spin_unlock_bh(&flow->lock);
		return NF_ACCEPT;
	}
	if (reason || flow->gate == TOE_GATE_PARK || !flow->engine) {
		toe_gate_park(flow, skb, state);
		spin_unlock_bh(&flow->lock);
		if (reason && toe_flow_hold(flow)) {
			toe_flow_kick(flow, reason);
			toe_flow_put(flow);
		}
		return NF_STOLEN;
	}
	e = flow->engine;
	id = flow->id;
	flow->rx_gate += toe_gate_payload(skb, th);
	/* The engine's reference is the flow's, which unbinds under the lock
	 * and, before the engine can go, waits for an RCU grace period.
	 */
	spin_unlock_bh(&flow->lock);

	toe_stats_inc(TOE_STAT_GATE_INJECTED);
	skb_orphan(skb);
	skb_dst_drop(skb);
	/* The card has no checksum offload for what the host hands it. */
	skb_gso_reset(skb);
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		kfree_skb(skb);
	else
		e->ops->inject(e, id, skb);
	return NF_STOLEN;
}

/* Every frame for the host passes here: nothing before the test. */
static unsigned int toe_gate(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	if (likely(!atomic_read(&toe_gates_shut)))
		return NF_ACCEPT;
	return toe_gate_frame(skb, state);
}

static const struct nf_hook_ops toe_gate_ops[] = {
	{
		.hook		= toe_gate,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_LOCAL_IN,
		.priority	= NF_IP_PRI_LAST,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook		= toe_gate,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_LOCAL_IN,
		.priority	= NF_IP6_PRI_LAST,
	},
#endif
};

int toe_gate_hook(struct net *net)
{
	struct toe_gate_net *gn = net_generic(net, toe_gate_net_id);
	int err = 0;

	mutex_lock(&gn->lock);
	if (gn->closing) {
		err = -ESHUTDOWN;
	} else if (!gn->hooked) {
		err = nf_register_net_hooks(net, toe_gate_ops,
					    ARRAY_SIZE(toe_gate_ops));
		gn->hooked = !err;
	}
	mutex_unlock(&gn->lock);
	return err;
}

void toe_gate_set(struct toe_flow *flow, enum toe_gate_mode mode)
{
	spin_lock_bh(&flow->lock);
	if (flow->gate == TOE_GATE_OPEN)
		atomic_inc(&toe_gates_shut);
	WRITE_ONCE(flow->gate, mode);
	spin_unlock_bh(&flow->lock);
}

/* Those that have come meanwhile wait for the next grace period. */
static void toe_settle_end(void)
{
	spin_lock(&toe_settle_lock);
	toe_settle_busy = !list_empty(&toe_settling);
	if (toe_settle_busy)
		queue_work(toe_wq, &toe_settle_work);
	spin_unlock(&toe_settle_lock);
}

static void toe_settle(struct work_struct *work)
{
	struct toe_flow *flow, *next;
	LIST_HEAD(list);

	spin_lock(&toe_settle_lock);
	list_splice_init(&toe_settling, &list);
	spin_unlock(&toe_settle_lock);
	synchronize_rcu_expedited();
	list_for_each_entry_safe(flow, next, &list, settling) {
		list_del(&flow->settling);
		WRITE_ONCE(flow->settled, true);
		toe_flow_queue(flow);
		toe_flow_put(flow);
	}
	toe_settle_end();
}

bool toe_gate_settle(struct toe_flow *flow)
{
	bool alone;

	spin_lock(&toe_settle_lock);
	alone = !toe_settle_busy;
	toe_settle_busy = true;
	WRITE_ONCE(flow->settled, alone);
	if (!alone) {
		refcount_inc(&flow->refs);
		list_add_tail(&flow->settling, &toe_settling);
	}
	spin_unlock(&toe_settle_lock);
	if (!alone)
		return false;
	synchronize_rcu_expedited();
	toe_settle_end();
	return true;
}

void toe_gate_open(struct toe_flow *flow)
{
	struct net *net = flow->key.net;
	struct net_device *dev;
	struct sk_buff *skb;

	/* Softirqs are off for the receive path, and a frame that comes in
	 * meanwhile parks behind the others because the mode changes last.
	 */
	local_bh_disable();
	rcu_read_lock();
	spin_lock(&flow->lock);
	while ((skb = __skb_dequeue(&flow->parked))) {
		spin_unlock(&flow->lock);
		dev = skb->dev;
		flow->okfn(net, NULL, skb);
		dev_put(dev);
		spin_lock(&flow->lock);
	}
	if (flow->gate != TOE_GATE_OPEN)
		atomic_dec(&toe_gates_shut);
	WRITE_ONCE(flow->gate, TOE_GATE_OPEN);
	spin_unlock(&flow->lock);
	rcu_read_unlock();
	local_bh_enable();
}

static int __net_init toe_gate_net_init(struct net *net)
{
	struct toe_gate_net *gn = net_generic(net, toe_gate_net_id);

	mutex_init(&gn->lock);
	return 0;
}

/* A socket of the kernel's own need not hold its namespace. Its flow comes back
 * while there still are links and, should it be in one, conntrack.
 */
static void __net_exit toe_gate_net_pre_exit(struct net *net)
{
	struct toe_gate_net *gn = net_generic(net, toe_gate_net_id);

	mutex_lock(&gn->lock);
	gn->closing = true;
	mutex_unlock(&gn->lock);
	toe_flow_return_net(net);
}

static void __net_exit toe_gate_net_exit(struct net *net)
{
	struct toe_gate_net *gn = net_generic(net, toe_gate_net_id);

	/* Those that were signalled while the namespace lived */
	toe_flow_return_net(net);
	toe_flow_forget_net(net);
	if (gn->hooked)
		nf_unregister_net_hooks(net, toe_gate_ops,
					ARRAY_SIZE(toe_gate_ops));
}

static struct pernet_operations toe_gate_net_ops = {
	.init	= toe_gate_net_init,
	.pre_exit = toe_gate_net_pre_exit,
	.exit	= toe_gate_net_exit,
	.id	= &toe_gate_net_id,
	.size	= sizeof(struct toe_gate_net),
};

int toe_gate_init(void)
{
	return register_pernet_subsys(&toe_gate_net_ops);
}

void toe_gate_exit(void)
{
	unregister_pernet_subsys(&toe_gate_net_ops);
}
