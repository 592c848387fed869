// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's wire port.
 *
 *             toe_wire_xdp      toe_wire_in
 *   wire0 --> HOLD? -> hold0 -> GRO -> HOLD? -> hold0
 *                                      CARD, no SYN/FIN/RST? -> card's stack
 *                                      anything else -> host0
 *   wire0 <-- toe_wire_out <------------------------ card's stack
 *                          <------ toe_host_in <---- host0
 *
 * Notes:
 *
 * 1. A held frame must be caught before GRO, so that it can be put back as it
 *    came. Everything else must be looked at after GRO: the host gets large
 *    frames, with their checksum state, and redirecting costs once per 64 KiB.
 *
 * 2. Between XDP and tc lies time (NAPI, GRO). A frame that passed XDP just
 *    before its flow went to HOLD is therefore caught again by tc. Only a CPU
 *    that is beyond tc at that moment can still reach the socket.
 *
 * 3. The card's stack never has the last word: toe_wire_out lets a packet of
 *    its own through only for a flow in the guard map, and never SYN, FIN or
 *    RST. What toe_host_in redirects is told from it by ingress_ifindex.
 *
 * 4. All programs stay attached when toecard is killed. They look at the
 *    heartbeat; when it stops, frames go to the host as if no flow were known.
 *
 * 5. Urgent data cannot be carried: an application may have it out of line, and
 *    then the card's socket would leave a byte out of the stream. From a frame with
 *    URG on the flow's frames are held, until the host has taken it back.
 *
 * 6. Frames are shown (see toe/bpf.h, "capture") where they are nearest to the
 *    wire: before GRO on their way in, behind the guard on their way out. While
 *    nobody wants to see any that costs one load.
 */
#include <stddef.h>
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <toe/bpf.h>

#define AF_INET		2
#define AF_INET6	10
#define IP_OFFSET_MF	0x3fff	/* more fragments, or an offset */
#define FLOW_LABEL	0xfffff

/* <linux/icmp.h> drags in the C library's headers */
#define ICMP_DEST_UNREACH	3
#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETERPROB	12
#define ICMPV6_INFOMSG_MASK	0x80
#define ICMP_HEADER		8	/* bytes, both families, errors */

#define FLAG_FIN	0x01
#define FLAG_SYN	0x02
#define FLAG_RST	0x04
#define FLAGS_HOST	(FLAG_FIN | FLAG_SYN | FLAG_RST)
#define FLAG_URG	0x20

/* Headers that must be linear: Ethernet, IPv6, TCP with a timestamp */
#define PULL		(14 + 40 + 32)

#define TS_OPTION	bpf_htonl(0x0101080a)	/* NOP NOP TIMESTAMP 10 */

const volatile __u32 hold_ifindex;
const volatile __u32 host_ifindex;
const volatile __u32 wire_ifindex;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);	/* toecard sets its max_flows */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct toe_tuple);
	__type(value, __u32);
} steer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct toe_tuple);
	__type(value, struct toe_guard);
} guard SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct toe_tuple);
	__type(value, struct toe_credit);
} credit SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} heartbeat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __TOE_CARD_COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} card_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TOE_CARD_CAPTURES);
	__type(key, struct toe_tuple);
	__type(value, struct toe_card_capture);
} capture SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TOE_FRAMES_BYTES);
} frames SEC(".maps");

/* Headers, then payload: a record is put together here. */
struct scratch {
	struct toe_card_frame head;
	__u8 data[TOE_FRAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* Elements of "capture"; written by toecard */
volatile __u32 capturing;

static __always_inline void count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&card_count, &what);

	if (n)
		(*n)++;
}

static __always_inline bool alive(void)
{
	__u32 zero = 0;
	__u64 *beat = bpf_map_lookup_elem(&heartbeat, &zero);

	return beat && bpf_ktime_get_ns() - *beat < TOE_HEARTBEAT_NS;
}

enum found { FOUND_OTHER, FOUND_TCP, FOUND_ICMP_ERROR };

struct packet {
	struct toe_tuple t;
	struct tcphdr *th;	/* only when FOUND_TCP */
};

/* Fills the tuple; "out" says that the packet's source is the local side. */
static __always_inline void tuple4(struct toe_tuple *t, __be32 saddr,
				   __be32 daddr, __be16 sport, __be16 dport,
				   bool out)
{
	__builtin_memset(t, 0, sizeof(*t));
	t->local_addr[0] = out ? saddr : daddr;
	t->remote_addr[0] = out ? daddr : saddr;
	t->local_port = out ? sport : dport;
	t->remote_port = out ? dport : sport;
	t->family = AF_INET;
}

static __always_inline void tuple6(struct toe_tuple *t,
				   const struct in6_addr *saddr,
				   const struct in6_addr *daddr, __be16 sport,
				   __be16 dport, bool out)
{
	const struct in6_addr *local = out ? saddr : daddr;
	const struct in6_addr *remote = out ? daddr : saddr;

	__builtin_memset(t, 0, sizeof(*t));
	__builtin_memcpy(t->local_addr, local, 16);
	__builtin_memcpy(t->remote_addr, remote, 16);
	t->local_port = out ? sport : dport;
	t->remote_port = out ? dport : sport;
	t->family = AF_INET6;
}

/*
 * The packet inside an ICMP error was sent by the local side, so its source is
 * the local end. Eight bytes of TCP header are promised: the ports are there.
 */
static __always_inline enum found inner4(void *data, void *end,
					 struct packet *p)
{
	struct iphdr *ip = data;
	__be16 *ports;

	if ((void *)(ip + 1) > end || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_TCP)
		return FOUND_OTHER;
	ports = (void *)(ip + 1);
	if ((void *)(ports + 2) > end)
		return FOUND_OTHER;
	tuple4(&p->t, ip->saddr, ip->daddr, ports[0], ports[1], true);
	return FOUND_ICMP_ERROR;
}

static __always_inline enum found inner6(void *data, void *end,
					 struct packet *p)
{
	struct ipv6hdr *ip = data;
	__be16 *ports;

	if ((void *)(ip + 1) > end || ip->nexthdr != IPPROTO_TCP)
		return FOUND_OTHER;
	ports = (void *)(ip + 1);
	if ((void *)(ports + 2) > end)
		return FOUND_OTHER;
	tuple6(&p->t, &ip->saddr, &ip->daddr, ports[0], ports[1], true);
	return FOUND_ICMP_ERROR;
}

static __always_inline enum found parse4(struct iphdr *ip, void *end,
					 struct packet *p, bool out)
{
	struct tcphdr *th;
	__u8 *icmp;

	if ((void *)(ip + 1) > end || ip->ihl != 5)
		return FOUND_OTHER;
	if (ip->frag_off & bpf_htons(IP_OFFSET_MF))
		return FOUND_OTHER;
	if (ip->protocol == IPPROTO_ICMP && !out) {
		icmp = (void *)(ip + 1);
		if ((void *)(icmp + ICMP_HEADER) > end)
			return FOUND_OTHER;
		if (*icmp != ICMP_DEST_UNREACH &&
		    *icmp != ICMP_TIME_EXCEEDED &&
		    *icmp != ICMP_PARAMETERPROB)
			return FOUND_OTHER;
		return inner4(icmp + ICMP_HEADER, end, p);
	}
	if (ip->protocol != IPPROTO_TCP)
		return FOUND_OTHER;
	th = (void *)(ip + 1);
	if ((void *)(th + 1) > end)
		return FOUND_OTHER;
	tuple4(&p->t, ip->saddr, ip->daddr, th->source, th->dest, out);
	p->th = th;
	return FOUND_TCP;
}

static __always_inline enum found parse6(struct ipv6hdr *ip, void *end,
					 struct packet *p, bool out)
{
	struct tcphdr *th;
	__u8 *icmp;

	if ((void *)(ip + 1) > end)
		return FOUND_OTHER;
	if (ip->nexthdr == IPPROTO_ICMPV6 && !out) {
		icmp = (void *)(ip + 1);
		if ((void *)(icmp + ICMP_HEADER) > end)
			return FOUND_OTHER;
		/* errors have the high bit clear */
		if (*icmp & ICMPV6_INFOMSG_MASK)
			return FOUND_OTHER;
		return inner6(icmp + ICMP_HEADER, end, p);
	}
	if (ip->nexthdr != IPPROTO_TCP)
		return FOUND_OTHER;
	th = (void *)(ip + 1);
	if ((void *)(th + 1) > end)
		return FOUND_OTHER;
	tuple6(&p->t, &ip->saddr, &ip->daddr, th->source, th->dest, out);
	p->th = th;
	return FOUND_TCP;
}

/* IP options, extension headers and VLAN tags make a packet "other": a flow
 * that uses them is not offloaded, or its frame finds the host.
 */
static __always_inline enum found parse(void *data, void *end,
					struct packet *p, bool out)
{
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return FOUND_OTHER;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return parse4((void *)(eth + 1), end, p, out);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return parse6((void *)(eth + 1), end, p, out);
	return FOUND_OTHER;
}

/* A frame of GRO may have its headers in a page. */
static __always_inline enum found parse_skb(struct __sk_buff *skb,
					    struct packet *p, bool out)
{
	__u32 linear = skb->data_end - skb->data;
	__u32 want = skb->len < PULL ? skb->len : PULL;

	if (linear < want)
		bpf_skb_pull_data(skb, want);
	return parse((void *)(long)skb->data, (void *)(long)skb->data_end,
		     p, out);
}

static __always_inline __u8 tcp_flags(const struct tcphdr *th)
{
	return ((const __u8 *)th)[13];
}

/* toecard sees the frame among those that are held, and knows why. */
static __always_inline void hold_urgent(__u32 *where, const struct tcphdr *th)
{
	if ((tcp_flags(th) & FLAG_URG) && *where == TOE_STEER_CARD)
		*where = TOE_STEER_HOLD;
}

/* Frames to show */

#define HEADERS_MAX	128	/* Ethernet, IPv6, the longest TCP header: 114 */
#define SEGMENTS_MAX	1024	/* 64 KiB of the smallest MSS */

static __always_inline struct toe_card_capture *captured(const struct toe_tuple *t)
{
	if (!capturing || !alive())
		return NULL;
	return bpf_map_lookup_elem(&capture, t);
}

static __always_inline struct scratch *frame_begin(struct toe_card_capture *c)
{
	__u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &zero);

	if (!s)
		return NULL;
	__builtin_memset(&s->head, 0, sizeof(s->head));
	s->head.time_ns = bpf_ktime_get_ns();
	s->head.flow = c->flow;
	return s;
}

/* caplen bytes of the frame are in s->data. */
static __always_inline void frame_end(struct scratch *s, struct toe_card_capture *c,
				      __u32 caplen)
{
	s->head.caplen = caplen;
	s->head.dropped = c->dropped;
	if (bpf_ringbuf_output(&frames, s, sizeof(s->head) + caplen, 0))
		__sync_fetch_and_add(&c->dropped, 1);
}

static __always_inline void show_received(struct xdp_md *ctx,
					  struct toe_card_capture *c)
{
	struct scratch *s = frame_begin(c);
	__u32 len = bpf_xdp_get_buff_len(ctx);

	if (!s)
		return;
	s->head.len = len;
	s->head.last = 1;
	if (len > TOE_FRAME_MAX)
		len = TOE_FRAME_MAX;
	barrier_var(len);
	if (len && len <= TOE_FRAME_MAX && !bpf_xdp_load_bytes(ctx, 0, s->data, len))
		frame_end(s, c, len);
}

/* A packet on its way out, and how the port will cut it */
struct cut {
	struct __sk_buff *skb;
	struct scratch *s;
	struct toe_card_capture *c;
	__u32 headers;
	__u32 piece;
};

static long show_segment(__u32 i, struct cut *cut)
{
	__u32 headers = cut->headers, at = headers + i * cut->piece;
	struct scratch *s = cut->s;
	__u32 payload;

	if (i && at >= cut->skb->len)
		return 1;
	payload = cut->skb->len - at;
	s->head.last = payload <= cut->piece;
	if (!s->head.last)
		payload = cut->piece;
	s->head.len = headers + payload;
	s->head.segment = i;
	if (payload > TOE_FRAME_MAX - HEADERS_MAX)
		payload = TOE_FRAME_MAX - HEADERS_MAX;
	barrier_var(headers);
	barrier_var(payload);
	if (!headers || headers > HEADERS_MAX ||
	    payload > TOE_FRAME_MAX - HEADERS_MAX ||
	    bpf_skb_load_bytes(cut->skb, 0, s->data, headers) ||
	    (payload &&
	     bpf_skb_load_bytes(cut->skb, at, s->data + headers, payload)))
		return 1;
	frame_end(s, cut->c, headers + payload);
	return s->head.last ? 1 : 0;
}

/* Behind all that looks at the packet: headers is the length of its own. */
static __always_inline void show_sent(struct __sk_buff *skb,
				      struct toe_card_capture *c, __u32 headers)
{
	struct cut cut = { .skb = skb, .c = c, .headers = headers };

	cut.s = frame_begin(c);
	if (!cut.s || skb->len < headers)
		return;
	cut.s->head.sent = 1;
	cut.s->head.gso_size = skb->gso_size;
	cut.piece = skb->gso_size ?: skb->len;
	bpf_loop(SEGMENTS_MAX, show_segment, &cut, 0);
}

/* parse() takes no IP options and no extension headers. */
static __always_inline __u32 tcp_offset(const struct packet *p)
{
	return sizeof(struct ethhdr) + (p->t.family == AF_INET ?
		sizeof(struct iphdr) : sizeof(struct ipv6hdr));
}

SEC("xdp")
int toe_wire_xdp(struct xdp_md *ctx)
{
	struct toe_card_capture *c;
	struct packet p;
	__u32 *where;

	if (parse((void *)(long)ctx->data, (void *)(long)ctx->data_end,
		  &p, false) != FOUND_TCP)
		return XDP_PASS;
	c = captured(&p.t);
	if (c)
		show_received(ctx, c);
	where = bpf_map_lookup_elem(&steer, &p.t);
	if (!where || !alive())
		return XDP_PASS;
	hold_urgent(where, p.th);
	if (*where != TOE_STEER_HOLD)
		return XDP_PASS;
	count(TOE_CARD_HELD);
	return bpf_redirect(hold_ifindex, 0);
}

SEC("tc")
int toe_wire_in(struct __sk_buff *skb)
{
	enum found found;
	struct packet p;
	__u32 *where;

	found = parse_skb(skb, &p, false);
	if (found == FOUND_OTHER)
		return bpf_redirect(host_ifindex, 0);
	where = bpf_map_lookup_elem(&steer, &p.t);
	if (!where || !alive())
		return bpf_redirect(host_ifindex, 0);

	if (found == FOUND_ICMP_ERROR) {
		count(TOE_CARD_ICMP_BOTH);
		bpf_clone_redirect(skb, host_ifindex, 0);
		return TC_ACT_OK;
	}
	hold_urgent(where, p.th);
	if (*where == TOE_STEER_HOLD) {
		count(TOE_CARD_HELD);
		return bpf_redirect(hold_ifindex, 0);
	}
	if (tcp_flags(p.th) & FLAGS_HOST) {
		count(TOE_CARD_TO_HOST);
		return bpf_redirect(host_ifindex, 0);
	}
	count(TOE_CARD_PASSED);
	return TC_ACT_OK;
}

SEC("tc")
int toe_host_in(struct __sk_buff *skb)
{
	struct toe_card_capture *c;
	struct packet p;
	__u32 *where;

	if (parse_skb(skb, &p, true) != FOUND_TCP)
		return bpf_redirect(wire_ifindex, 0);
	if (tcp_flags(p.th) & FLAGS_HOST) {
		where = bpf_map_lookup_elem(&steer, &p.t);
		if (where && *where == TOE_STEER_CARD && alive()) {
			count(TOE_CARD_HOST_DROPPED);
			return TC_ACT_SHOT;
		}
	}
	c = captured(&p.t);
	if (c)
		show_sent(skb, c, tcp_offset(&p) + p.th->doff * 4);
	return bpf_redirect(wire_ifindex, 0);
}

static __always_inline bool after(__u32 a, __u32 b)
{
	return (__s32)(b - a) < 0;
}

/* The window to advertise: up to the host's credit, never less than the peer has
 * been promised (RFC 9293 3.8.6: the right edge does not move back). Rounded up, as
 * tcp_select_window() does, so that the scale does not make it shrink.
 */
static __always_inline __u16 window(const struct tcphdr *th,
				    const struct toe_guard *g,
				    const struct toe_credit *limit)
{
	__u32 ack = bpf_ntohl(th->ack_seq), win = bpf_ntohs(th->window);
	__u8 scale = g->rcv_wscale & 15;
	__u32 edge = g->rcv_edge;

	if (!limit)
		return win;
	if (after(limit->edge, edge))
		edge = limit->edge;
	if (!after(ack + (win << scale), edge))
		return win;
	if (!after(edge, ack))
		return 0;
	edge = (edge - ack + (1u << scale) - 1) >> scale;
	return edge < win ? edge : win;
}

/* Linux puts the timestamps first. NULL: none are there */
static __always_inline __be32 *stamps(struct tcphdr *th, void *end)
{
	__be32 *ts = (void *)(th + 1);

	if (th->doff < 8 || (void *)(ts + 3) > end || ts[0] != TS_OPTION)
		return NULL;
	return ts;
}

/* What is said otherwise than the card's stack says it: before and after */
struct amended {
	__be16 win[2];
	__be32 seq[2];
	__be32 tsecr[2];
	__be16 id[2];
	__be32 flow[2];		/* the first word of an IPv6 header */
};

/* A restored socket has not seen the peer's timestamps, and echoes 0 until it has:
 * what the host echoed last still holds.
 */
static __always_inline __be32 echo(const struct toe_guard *g, __be32 tsecr)
{
	if (!tsecr || after(g->tsecr, bpf_ntohl(tsecr)))
		return bpf_htonl(g->tsecr);
	return tsecr;
}

/* A probe has a sequence number from before, so that the peer answers and takes
 * nothing else of it. One that is to tell of the window has the next number.
 */
static __always_inline __be32 sequence(const struct __sk_buff *skb,
				       const struct tcphdr *th, __u32 headers,
				       const struct toe_guard *g,
				       const struct toe_credit *limit)
{
	if (limit && limit->tell && skb->len == headers &&
	    after(g->snd_nxt, bpf_ntohl(th->seq)))
		return bpf_htonl(g->snd_nxt);
	return th->seq;
}

/* The IP header goes on as the host's stack began: the identification counts, and
 * the flow label changes when the card's stack changes its own, to look for another
 * path.
 */
static __always_inline void amend_ip(const struct __sk_buff *skb,
				     const struct packet *p, struct toe_guard *g,
				     struct amended *am)
{
	void *data = (void *)(long)skb->data + sizeof(struct ethhdr);
	void *end = (void *)(long)skb->data_end;
	__u32 label;

	if (p->t.family == AF_INET) {
		struct iphdr *ip = data;

		if ((void *)(ip + 1) > end)
			return;
		am->id[0] = ip->id;
		am->id[1] = bpf_htons(g->ip_id);
		g->ip_id += skb->gso_segs ?: 1;
		return;
	}
	if (data + sizeof(struct ipv6hdr) > end)
		return;
	am->flow[0] = *(__be32 *)data;
	label = bpf_ntohl(am->flow[0]) & FLOW_LABEL;
	if (!(g->sent & TOE_GUARD_LABEL)) {
		g->label_xor = label ^ g->flow_label;
		g->sent |= TOE_GUARD_LABEL;
	}
	label = g->flow_label ? label ^ g->label_xor : 0;
	am->flow[1] = (am->flow[0] & ~bpf_htonl(FLOW_LABEL)) |
		      bpf_htonl(label & FLOW_LABEL);
}

#define TCP_AT(field)	(offset + offsetof(struct tcphdr, field))
#define IP_AT(field)	(sizeof(struct ethhdr) + offsetof(struct iphdr, field))

/* No pointer into the packet is good any more behind this. */
static __always_inline void amend(struct __sk_buff *skb, const struct amended *am,
				  __u32 offset)
{
	if (am->win[1] != am->win[0]) {
		bpf_l4_csum_replace(skb, TCP_AT(check), am->win[0], am->win[1],
				    sizeof(am->win[1]));
		bpf_skb_store_bytes(skb, TCP_AT(window), &am->win[1],
				    sizeof(am->win[1]), 0);
	}
	if (am->seq[1] != am->seq[0]) {
		bpf_l4_csum_replace(skb, TCP_AT(check), am->seq[0], am->seq[1],
				    sizeof(am->seq[1]));
		bpf_skb_store_bytes(skb, TCP_AT(seq), &am->seq[1],
				    sizeof(am->seq[1]), 0);
	}
	if (am->tsecr[1] != am->tsecr[0]) {
		bpf_l4_csum_replace(skb, TCP_AT(check), am->tsecr[0], am->tsecr[1],
				    sizeof(am->tsecr[1]));
		bpf_skb_store_bytes(skb, offset + sizeof(struct tcphdr) + 8,
				    &am->tsecr[1], sizeof(am->tsecr[1]), 0);
	}
	if (am->id[1] != am->id[0]) {
		bpf_l3_csum_replace(skb, IP_AT(check), am->id[0], am->id[1],
				    sizeof(am->id[1]));
		bpf_skb_store_bytes(skb, IP_AT(id), &am->id[1],
				    sizeof(am->id[1]), 0);
	}
	/* no checksum covers it */
	if (am->flow[1] != am->flow[0])
		bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &am->flow[1],
				    sizeof(am->flow[1]), 0);
}

/* Notes what a packet of the card's stack says to the peer, as amended. A flow's
 * packets leave under its socket's lock, so nobody else writes its element.
 */
static __always_inline void note(struct __sk_buff *skb, struct tcphdr *th,
				 struct toe_guard *g, const struct amended *am,
				 __u32 headers, const __be32 *ts)
{
	__u32 seq = bpf_ntohl(th->seq), edge, tsval;

	if (skb->len > headers)
		seq += skb->len - headers;
	if (after(seq, g->snd_nxt))
		g->snd_nxt = seq;
	edge = bpf_ntohl(th->ack_seq) +
	       ((__u32)bpf_ntohs(am->win[0]) << (g->rcv_wscale & 15));
	if (after(edge, g->own_edge))
		g->own_edge = edge;
	edge = bpf_ntohl(th->ack_seq) +
	       ((__u32)bpf_ntohs(am->win[1]) << (g->rcv_wscale & 15));
	if (after(edge, g->rcv_edge))
		g->rcv_edge = edge;
	if (!(g->sent & TOE_GUARD_SENT) ||
	    after(bpf_ntohl(th->ack_seq), g->rcv_nxt))
		g->rcv_nxt = bpf_ntohl(th->ack_seq);
	g->sent |= TOE_GUARD_SENT;
	if (!ts)
		return;
	tsval = bpf_ntohl(ts[1]);
	if (!(g->sent & TOE_GUARD_SENT_TS) || !after(g->tsval, tsval)) {
		g->tsval = tsval;
		g->tsecr = bpf_ntohl(am->tsecr[1]);
	}
	g->sent |= TOE_GUARD_SENT_TS;
}

SEC("tc")
int toe_wire_out(struct __sk_buff *skb)
{
	struct amended am = {};
	struct toe_credit *limit;
	struct toe_card_capture *c;
	__u32 offset, headers;
	struct toe_guard *g;
	struct packet p;
	__be32 *ts;

	if (skb->ingress_ifindex)
		return TC_ACT_OK;
	if (parse_skb(skb, &p, true) != FOUND_TCP)
		goto refuse;
	g = bpf_map_lookup_elem(&guard, &p.t);
	if (!g || !alive())
		goto refuse;
	if (tcp_flags(p.th) & FLAGS_HOST) {
		g->refused++;
		count(TOE_CARD_GUARD_FLAGS);
		return TC_ACT_SHOT;
	}
	/* The host's frames have no hash of a socket. With one, this might leave by
	 * another queue, or meet another one behind the wire, and not be behind
	 * them any more.
	 */
	bpf_set_hash_invalid(skb);
	limit = bpf_map_lookup_elem(&credit, &p.t);
	offset = tcp_offset(&p);
	headers = offset + p.th->doff * 4;
	ts = stamps(p.th, (void *)(long)skb->data_end);
	am.win[0] = p.th->window;
	am.win[1] = bpf_htons(window(p.th, g, limit));
	am.seq[0] = p.th->seq;
	am.seq[1] = sequence(skb, p.th, headers, g, limit);
	if (ts) {
		am.tsecr[0] = ts[2];
		am.tsecr[1] = echo(g, ts[2]);
	}
	note(skb, p.th, g, &am, headers, ts);
	amend_ip(skb, &p, g, &am);
	amend(skb, &am, offset);
	c = captured(&p.t);
	if (c)
		show_sent(skb, c, headers);
	return TC_ACT_OK;

refuse:
	count(TOE_CARD_GUARD_OTHER);
	return TC_ACT_SHOT;
}

/*
 * A socket restored with TCP_REPAIR starts with ten segments whatever it had.
 * This runs inside its connect(), the only moment when the congestion window
 * can be given.
 */
SEC("sockops")
int toe_restore(struct bpf_sock_ops *ops)
{
	struct toe_tuple t = {};
	struct toe_guard *g;
	int iw;

	if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		return 1;
	t.local_port = bpf_htons(ops->local_port);
	/* in network order, in the upper half when that is little-endian */
	t.remote_port = bpf_htons(bpf_ntohl(ops->remote_port));
	t.family = ops->family;
	if (ops->family == AF_INET) {
		t.local_addr[0] = ops->local_ip4;
		t.remote_addr[0] = ops->remote_ip4;
		/* Else the compiler joins the two branches behind a computed
		 * offset into ops, which the verifier refuses.
		 */
		barrier();
	} else if (ops->family == AF_INET6) {
		t.local_addr[0] = ops->local_ip6[0];
		t.local_addr[1] = ops->local_ip6[1];
		t.local_addr[2] = ops->local_ip6[2];
		t.local_addr[3] = ops->local_ip6[3];
		t.remote_addr[0] = ops->remote_ip6[0];
		t.remote_addr[1] = ops->remote_ip6[1];
		t.remote_addr[2] = ops->remote_ip6[2];
		t.remote_addr[3] = ops->remote_ip6[3];
	} else {
		return 1;
	}
	g = bpf_map_lookup_elem(&guard, &t);
	if (!g || !g->iw)
		return 1;
	iw = g->iw;
	bpf_setsockopt(ops, IPPROTO_TCP, TCP_BPF_IW, &iw, sizeof(iw));
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
