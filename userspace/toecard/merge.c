// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the port would have done: frames are held as the wire has them, one by one,
 * and those that go to the host never meet the GRO that merges them natively. The
 * host's stack has an order of magnitude more work with each of them alone, and
 * while it is at a whole window of them the peer waits for its first acknowledgement.
 *
 * The rules are those of the kernel (net/ipv4/tcp_offload.c, af_inet.c): same headers but
 * for length, identification, sequence number and PSH, which ends it; segments of one
 * size, the last may be shorter; checksums that are right, since nobody looks at them
 * behind this.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <string.h>

#include "csum.h"
#include "merge.h"

#define FLAG_ACK	0x10
#define FLAG_PSH	0x08

/* Where TCP begins in a frame that may be merged, or 0 */
static size_t find_tcp(const uint8_t *frame, size_t len)
{
	const struct ethhdr *eth = (const void *)frame;
	const struct iphdr *ip = (const void *)(eth + 1);
	const struct ipv6hdr *ip6 = (const void *)(eth + 1);
	size_t l3 = len - ETH_HLEN;

	if (len < ETH_HLEN + sizeof(*ip) + sizeof(struct tcphdr))
		return 0;
	if (eth->h_proto == htons(ETH_P_IP)) {
		if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP ||
		    ip->frag_off & htons(0xbfff) || ntohs(ip->tot_len) != l3 ||
		    csum_fold(csum_add(ip, sizeof(*ip))) != 0xffff)
			return 0;
		return ETH_HLEN + sizeof(*ip);
	}
	if (eth->h_proto != htons(ETH_P_IPV6) ||
	    len < ETH_HLEN + sizeof(*ip6) + sizeof(struct tcphdr) || ip6->version != 6 ||
	    ip6->nexthdr != IPPROTO_TCP || ntohs(ip6->payload_len) + sizeof(*ip6) != l3)
		return 0;
	return ETH_HLEN + sizeof(*ip6);
}

/* Bytes of headers of a frame with data that may be merged, or 0 */
static uint32_t headers(const uint8_t *frame, size_t len)
{
	size_t l4 = find_tcp(frame, len), hdr;
	const uint8_t *th = frame + l4;

	if (!l4 || th[12] & 0x0f || (th[13] & ~FLAG_PSH) != FLAG_ACK)
		return 0;
	hdr = (size_t)(th[12] >> 4) * 4;
	if (hdr < sizeof(struct tcphdr) || l4 + hdr >= len ||
	    csum_fold(csum_pseudo(th, l4 == ETH_HLEN + sizeof(struct iphdr), len - l4) +
		      csum_add(th, len - l4)) != 0xffff)
		return 0;
	return (uint32_t)(l4 + hdr);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	return !memcmp(a + from, b + from, to - from);
}

/* Length of the IP header of what is there */
static size_t ip_len(const struct merge *m)
{
	return m->frame[ETH_HLEN] >> 4 == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static uint8_t *flags(struct merge *m)
{
	return m->frame + ETH_HLEN + ip_len(m) + 13;
}

/* Both are frames that may be merged, with headers of one length. */
static bool follows(const struct merge *m, const uint8_t *frame)
{
	const uint8_t *a = m->frame + ETH_HLEN, *b = frame + ETH_HLEN;
	size_t l4 = ip_len(m);
	struct tcphdr ta, tb;

	if (!same(m->frame, frame, 0, ETH_HLEN))
		return false;
	if (l4 == sizeof(struct iphdr) ?
	    !same(a, b, 0, 2) || !same(a, b, 6, 10) || !same(a, b, 12, l4) :
	    !same(a, b, 0, 4) || !same(a, b, 6, l4))
		return false;
	memcpy(&ta, a + l4, sizeof(ta));
	memcpy(&tb, b + l4, sizeof(tb));
	return ntohl(tb.seq) == ntohl(ta.seq) + (m->len - m->hdr) &&
	       ta.source == tb.source && ta.dest == tb.dest && ta.ack_seq == tb.ack_seq &&
	       ta.doff == tb.doff && ta.window == tb.window && ta.urg_ptr == tb.urg_ptr &&
	       same(a, b, l4 + sizeof(ta), m->hdr - ETH_HLEN);
}

bool merge_add(struct merge *m, const uint8_t *frame, size_t len)
{
	uint32_t hdr = headers(frame, len), payload;

	if (!hdr || len > sizeof(m->frame))
		return false;
	payload = (uint32_t)len - hdr;
	if (!m->len) {
		memcpy(m->frame, frame, len);
		m->len = (uint32_t)len;
		m->hdr = hdr;
		m->size = payload;
		m->segments = 1;
		m->full = *flags(m) & FLAG_PSH;
		return true;
	}
	if (m->full || hdr != m->hdr || payload > m->size ||
	    m->len + payload > sizeof(m->frame) || !follows(m, frame))
		return false;
	*flags(m) |= frame[flags(m) - m->frame] & FLAG_PSH;
	m->full = payload < m->size || *flags(m) & FLAG_PSH;
	memcpy(m->frame + m->len, frame + hdr, payload);
	m->len += payload;
	m->segments++;
	return true;
}

void merge_end(struct merge *m)
{
	struct iphdr *ip = (void *)(m->frame + ETH_HLEN);
	struct ipv6hdr *ip6 = (void *)ip;

	if (m->segments < 2)
		return;
	if (ip->version == 4) {
		ip->tot_len = htons((uint16_t)(m->len - ETH_HLEN));
		ip->check = 0;
		ip->check = (uint16_t)~csum_fold(csum_add(ip, sizeof(*ip)));
	} else {
		ip6->payload_len = htons((uint16_t)(m->len - ETH_HLEN - sizeof(*ip6)));
	}
}
