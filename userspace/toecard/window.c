// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window that the card advertises is the host's.
 *
 * The card's socket has a receive buffer of its own. Were the peer promised that
 * room too, a flow that comes home while its application reads slowly would
 * bring more than the host's socket has memory for. So the guard (card.bpf.c)
 * cuts the window of what the card's stack sends down to the host's credit. The
 * stack does not know of it, and thinks the peer has a window when it has none:
 * it is up to us to tell the peer when credit comes, as far as the stack's own
 * window reaches: beyond it the stack would drop. That is a plain
 * acknowledgement, made of what the guard saw the stack say last, so it can
 * neither acknowledge more nor be older than what the peer has seen.
 */
#include <endian.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <linux/if_ether.h>

#include "card_internal.h"
#include "hold.h"
#include "log.h"
#include "steer.h"
#include "window.h"

#define TS_BYTES	12	/* NOP NOP TIMESTAMP */

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htobe16((uint16_t)~sum);
}

/* Returns the length of the header, and the sum of the pseudo header. */
static size_t ip_header(const struct flow *f, void *l3, size_t l4_len,
			uint32_t *sum)
{
	const struct toe_tuple *t = &f->tuple;

	*sum = IPPROTO_TCP + (uint32_t)l4_len;
	if (t->family == AF_INET) {
		struct iphdr *ip = l3;

		*ip = (struct iphdr){
			.version = 4,
			.ihl = 5,
			.tos = f->st.tos & ~3,	/* not ECN capable: RFC 3168 6.1.4 */
			.tot_len = htobe16((uint16_t)(sizeof(*ip) + l4_len)),
			.frag_off = htobe16(IP_DF),
			.ttl = f->st.ttl,
			.protocol = IPPROTO_TCP,
			.saddr = t->local_addr[0],
			.daddr = t->remote_addr[0],
		};
		ip->check = fold(sum16(ip, sizeof(*ip), 0));
		*sum = sum16(&ip->saddr, 8, *sum);
		return sizeof(*ip);
	} else {
		struct ip6_hdr *ip6 = l3;

		memset(ip6, 0, sizeof(*ip6));
		ip6->ip6_flow = htobe32(6u << 28 |
					(uint32_t)(f->st.tos & ~3) << 20);
		ip6->ip6_plen = htobe16((uint16_t)l4_len);
		ip6->ip6_nxt = IPPROTO_TCP;
		ip6->ip6_hlim = f->st.ttl;
		memcpy(&ip6->ip6_src, t->local_addr, 16);
		memcpy(&ip6->ip6_dst, t->remote_addr, 16);
		*sum = sum16(&ip6->ip6_src, 32, *sum);
		return sizeof(*ip6);
	}
}

static void send_update(struct flow *f, const struct toe_guard *g,
			uint32_t edge)
{
	uint8_t frame[ETH_HLEN + sizeof(struct ip6_hdr) +
		      sizeof(struct tcphdr) + TS_BYTES];
	bool ts = g->sent & TOE_GUARD_SENT_TS;
	size_t l4_len = sizeof(struct tcphdr) + (ts ? TS_BYTES : 0), l3_len;
	struct ethhdr *eth = (void *)frame;
	uint32_t win, sum, opt[3];
	struct tcphdr *th;

	memcpy(eth->h_dest, f->st.dst_mac, ETH_ALEN);
	memcpy(eth->h_source, f->st.src_mac, ETH_ALEN);
	eth->h_proto = htobe16(f->tuple.family == AF_INET ? ETH_P_IP :
			       ETH_P_IPV6);
	l3_len = ip_header(f, eth + 1, l4_len, &sum);

	win = (edge - g->rcv_nxt + (1u << g->rcv_wscale) - 1) >>
	      g->rcv_wscale;
	th = (void *)(frame + ETH_HLEN + l3_len);
	memset(th, 0, sizeof(*th));
	th->source = f->tuple.local_port;
	th->dest = f->tuple.remote_port;
	th->seq = htobe32(g->snd_nxt);
	th->ack_seq = htobe32(g->rcv_nxt);
	th->doff = (uint16_t)(l4_len / 4) & 15;
	th->ack = 1;
	th->window = htobe16((uint16_t)(win < 65535 ? win : 65535));
	if (ts) {
		opt[0] = htobe32(0x0101080a);
		opt[1] = htobe32(g->tsval);
		opt[2] = htobe32(g->tsecr);
		memcpy(th + 1, opt, sizeof(opt));
	}
	th->check = fold(sum16(th, l4_len, sum));
	hold_to_wire(f->card->hold, f->card->wire, frame,
		     ETH_HLEN + l3_len + l4_len);
	f->card->n.window_updates++;
}

void window_open(struct flow *f)
{
	struct steer *s = f->card->steer;
	uint32_t edge = f->rcv_edge;
	struct toe_guard g;

	if (!f->wired || steer_credit_set(s, &f->tuple, f->rcv_edge))
		return;
	/* In this order: what the stack sends from now on has the credit. */
	if (f->state != FLOW_RUNNING || steer_guard_get(s, &f->tuple, &g))
		return;
	if (seq_after(edge, g.own_edge))
		edge = g.own_edge;
	if (!seq_after(edge, g.rcv_edge))
		return;
	/* Nothing was said yet: what the host said last still holds. */
	if (!(g.sent & TOE_GUARD_SENT)) {
		g.rcv_nxt = f->st.rcv_nxt;
		if (f->st.options & TOE_OPT_TIMESTAMPS) {
			g.sent |= TOE_GUARD_SENT_TS;
			g.tsval = f->st.tsval;
			g.tsecr = f->st.ts_recent;
		}
	}
	/* A peer that has more than half left will send, and the answer brings
	 * the rest.
	 */
	if (edge - g.rcv_edge >= g.rcv_edge - g.rcv_nxt)
		send_update(f, &g, edge);
}
