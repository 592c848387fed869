// SPDX-License-Identifier: GPL-2.0-only
/*
 * An engine sends and takes clear text. What leaves by a transformation has it in
 * its route, and eligible.c looks there. What should have come in by one shows only when a packet comes: so
 * one is made up, as the peer would send it in the clear, and the policies are
 * asked whether they would let it in.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "ipsec.h"

/* The headers of a packet from the peer, without data. */
static struct sk_buff *toe_ipsec_packet(const struct toe_tuple *t,
					struct dst_entry *dst)
{
	struct sk_buff *skb = alloc_skb(MAX_HEADER + sizeof(struct ipv6hdr) +
					sizeof(struct tcphdr), GFP_KERNEL);
	struct tcphdr *th;

	if (!skb)
		return NULL;
	skb_reserve(skb, MAX_HEADER);
	skb_reset_network_header(skb);
	if (t->family == AF_INET) {
		struct iphdr *iph = skb_put_zero(skb, sizeof(*iph));

		iph->version = 4;
		iph->ihl = sizeof(*iph) / 4;
		iph->protocol = IPPROTO_TCP;
		iph->tot_len = htons(sizeof(*iph) + sizeof(*th));
		iph->saddr = t->remote_addr[0];
		iph->daddr = t->local_addr[0];
		skb->protocol = htons(ETH_P_IP);
	} else {
		struct ipv6hdr *ip6h = skb_put_zero(skb, sizeof(*ip6h));

		ip6h->version = 6;
		ip6h->nexthdr = IPPROTO_TCP;
		ip6h->payload_len = htons(sizeof(*th));
		memcpy(&ip6h->saddr, t->remote_addr, sizeof(ip6h->saddr));
		memcpy(&ip6h->daddr, t->local_addr, sizeof(ip6h->daddr));
		skb->protocol = htons(ETH_P_IPV6);
	}
	skb_set_transport_header(skb, skb->len);
	th = skb_put_zero(skb, sizeof(*th));
	th->source = t->remote_port;
	th->dest = t->local_port;
	th->doff = sizeof(*th) / 4;
	th->ack = 1;
	skb->dev = dst->dev;
	return skb;
}

enum toe_reason toe_ipsec_ask(struct sock *sk, const struct toe_tuple *t)
{
#ifdef CONFIG_XFRM
	struct dst_entry *dst = __sk_dst_get(sk);
	struct sk_buff *skb;
	bool clear;

	sock_owned_by_me(sk);
	if (rcu_access_pointer(sk->sk_policy[XFRM_POLICY_IN]) ||
	    rcu_access_pointer(sk->sk_policy[XFRM_POLICY_OUT]))
		return TOE_REASON_XFRM;
	if (!READ_ONCE(sock_net(sk)->xfrm.policy_count[XFRM_POLICY_IN]) &&
	    READ_ONCE(sock_net(sk)->xfrm.policy_default[XFRM_POLICY_IN]) ==
	    XFRM_USERPOLICY_ACCEPT)
		return TOE_REASON_NONE;
	if (!dst)
		return TOE_REASON_ROUTE;
	skb = toe_ipsec_packet(t, dst);
	if (!skb)
		return TOE_REASON_MEMORY;
	local_bh_disable();
	clear = xfrm_policy_check(sk, XFRM_POLICY_IN, skb, t->family);
	local_bh_enable();
	kfree_skb(skb);
	return clear ? TOE_REASON_NONE : TOE_REASON_XFRM;
#else
	return TOE_REASON_NONE;
#endif
}
