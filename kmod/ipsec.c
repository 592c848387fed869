// SPDX-License-Identifier: GPL-2.0-only
/*
 * IPsec policies, those of the system and of the socket. Which one applies is the
 * kernel's own business (priorities, marks, sub-policies, interfaces), so it is
 * asked:
 *
 * Out: the route of a socket is found by way of the policies, and is bound to what
 *	transforms the packets. Where a policy forbids them, or keys are not
 *	there yet, there is no route, or one that discards.
 * In:	there is no route to look at. A plain packet of the peer is made up and
 *	the policies judge it, as they would if it came. An engine's packets do
 *	not come by here.
 */
#include <net/dst.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include <net/xfrm.h>

#include "ipsec.h"

#ifdef CONFIG_XFRM

static bool toe_ipsec_policies(const struct sock *sk, int dir)
{
	struct net *net = sock_net(sk);

	return READ_ONCE(net->xfrm.policy_count[dir]) ||
	       READ_ONCE(net->xfrm.policy_default[dir]) !=
	       XFRM_USERPOLICY_ACCEPT ||
	       rcu_access_pointer(sk->sk_policy[dir]);
}

bool toe_ipsec_out(const struct sock *sk, const struct dst_entry *dst, int err)
{
	if (dst && dst_xfrm(dst))
		return true;
	if (!toe_ipsec_policies(sk, XFRM_POLICY_OUT))
		return false;
	if (dst)
		return dst->output == dst_discard_out;
	/* What routing does not say: forbidden; nobody to get keys from; not yet. */
	return err == -EPERM || err == -ESRCH || err == -EAGAIN ||
	       err == -EREMOTE;
}

/* A segment without data, as far as the policies look at it. */
static struct sk_buff *toe_ipsec_segment(const struct toe_tuple *t)
{
	bool v4 = t->family == AF_INET;
	unsigned int ip_len = v4 ? sizeof(struct iphdr) :
				   sizeof(struct ipv6hdr);
	struct sk_buff *skb = alloc_skb(ip_len + sizeof(struct tcphdr),
					GFP_ATOMIC);
	struct tcphdr *th;

	if (!skb)
		return NULL;
	skb_reset_network_header(skb);
	skb_put_zero(skb, ip_len + sizeof(*th));
	skb_set_transport_header(skb, ip_len);
	th = tcp_hdr(skb);
	th->source = t->remote_port;
	th->dest = t->local_port;
	th->doff = sizeof(*th) / 4;
	th->ack = 1;
	if (v4) {
		struct iphdr *iph = ip_hdr(skb);

		iph->version = 4;
		iph->ihl = sizeof(*iph) / 4;
		iph->tot_len = htons(skb->len);
		iph->protocol = IPPROTO_TCP;
		iph->saddr = t->remote_addr[0];
		iph->daddr = t->local_addr[0];
		skb->protocol = htons(ETH_P_IP);
	} else {
		struct ipv6hdr *ip6h = ipv6_hdr(skb);

		ip6h->version = 6;
		ip6h->payload_len = htons(sizeof(*th));
		ip6h->nexthdr = IPPROTO_TCP;
		memcpy(&ip6h->saddr, t->remote_addr, sizeof(ip6h->saddr));
		memcpy(&ip6h->daddr, t->local_addr, sizeof(ip6h->daddr));
		skb->protocol = htons(ETH_P_IPV6);
		IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
	}
	return skb;
}

enum toe_reason toe_ipsec_in(struct sock *sk, const struct toe_tuple *t,
			     const struct dst_entry *dst)
{
	struct sk_buff *skb;
	int ok;

	if (!toe_ipsec_policies(sk, XFRM_POLICY_IN))
		return TOE_REASON_NONE;
	skb = toe_ipsec_segment(t);
	if (!skb)
		return TOE_REASON_MEMORY;
	skb->dev = dst->dev;
	local_bh_disable();
	rcu_read_lock();
	ok = xfrm_policy_check(sk, XFRM_POLICY_IN, skb, t->family);
	rcu_read_unlock();
	local_bh_enable();
	kfree_skb(skb);
	return ok ? TOE_REASON_NONE : TOE_REASON_XFRM;
}

#else

bool toe_ipsec_out(const struct sock *sk, const struct dst_entry *dst, int err)
{
	return false;
}

enum toe_reason toe_ipsec_in(struct sock *sk, const struct toe_tuple *t,
			     const struct dst_entry *dst)
{
	return TOE_REASON_NONE;
}

#endif
