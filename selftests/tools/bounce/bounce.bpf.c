// SPDX-License-Identifier: GPL-2.0-only
/*
 * bounce: the peer sends back what comes to an address, for tc ingress of its port
 *
 * Source and destination change places, of the frame and of the packet; ports, sequence
 * numbers and payload stay. The host's socket that talks to BOUNCE:q from HOST:p so
 * meets, on the host, one that talks to BOUNCE:p from HOST:q. To the host these are two
 * connections with somebody on the wire, and each has its true name: nobody translates
 * at the host. Checksums stay right, as they are sums.
 *
 * TCP only: ARP and neighbour discovery of BOUNCE are the peer's own.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "bounce.h"

#define SWAP(a, b) do { __typeof__(a) x = a; a = b; b = x; } while (0)

static __always_inline int is_bounce6(const struct in6_addr *a)
{
	return a->s6_addr32[0] == bpf_htonl(NET6_0) && !a->s6_addr32[1] &&
	       !a->s6_addr32[2] && a->s6_addr32[3] == bpf_htonl(BOUNCE6_3);
}

SEC("tc")
int bounce(struct __sk_buff *skb)
{
	struct ethhdr *eth;
	struct ipv6hdr *ip6;
	struct iphdr *ip;
	void *end;

	if (bpf_skb_pull_data(skb, sizeof(*eth) + sizeof(*ip)))
		return TC_ACT_OK;
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ip = (void *)(eth + 1);
	ip6 = (void *)(eth + 1);
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_TCP ||
		    ip->daddr != bpf_htonl(BOUNCE4))
			return TC_ACT_OK;
		SWAP(ip->saddr, ip->daddr);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_pull_data(skb, sizeof(*eth) + sizeof(*ip6)))
			return TC_ACT_OK;
		eth = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
		ip6 = (void *)(eth + 1);
		if ((void *)(ip6 + 1) > end || ip6->nexthdr != IPPROTO_TCP ||
		    !is_bounce6(&ip6->daddr))
			return TC_ACT_OK;
		SWAP(ip6->saddr, ip6->daddr);
	} else {
		return TC_ACT_OK;
	}
	for (int i = 0; i < ETH_ALEN; i++)
		SWAP(eth->h_source[i], eth->h_dest[i]);
	return bpf_redirect(skb->ifindex, 0);
}

char _license[] SEC("license") = "GPL";
