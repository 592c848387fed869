// SPDX-License-Identifier: GPL-2.0-only
/* The packets inside the frames */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <string.h>

#include "wire.h"

#define IP4		20
#define IP6		40
#define ICMP		8
#define ICMP_QUOTE	68	/* bytes of the packet that an error speaks of */
#define ICMP6_QUOTE	1232	/* RFC 4443: as much as fits into 1280 */

#define FLAG_SYN	0x02
#define FLAG_RST	0x04
#define FLAG_ACK	0x10

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum(const uint8_t *p, uint32_t len, uint32_t s)
{
	for (; len > 1; len -= 2, p += 2)
		s += get16(p);
	return len ? s + (uint32_t)(*p << 8) : s;
}

static uint16_t folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* A field of 16 bits changes, the checksum with it (RFC 1624). */
static void change16(uint8_t *field, uint32_t v, uint8_t *check)
{
	uint32_t s = (uint16_t)~get16(check);

	s += (uint16_t)~get16(field);
	s += v & 0xffff;
	put16(check, folded(s));
	put16(field, v);
}

bool packet_parse(struct packet *p, uint8_t *frame, uint32_t len)
{
	uint32_t header, proto;

	memset(p, 0, sizeof(*p));
	if (len < ETH_HLEN + IP4)
		return false;
	p->ip = frame + ETH_HLEN;
	len -= ETH_HLEN;
	if (get16(frame + 12) == ETH_P_IP) {
		header = (p->ip[0] & 15) * 4;
		proto = p->ip[9];
		p->ip_len = get16(p->ip + 2);
		p->fragile = p->ip[6] & 0x40;
	} else if (get16(frame + 12) == ETH_P_IPV6 && len >= IP6) {
		header = IP6;
		proto = p->ip[6];
		p->ip_len = get16(p->ip + 4) + IP6;
		p->fragile = true;
		p->v6 = true;
	} else {
		return false;
	}
	if (p->ip_len > len)
		return false;
	if (proto == IPPROTO_TCP && p->ip_len >= header + 20)
		p->tcp = p->ip + header;
	return true;
}

static void read_wscale(struct conn *c, const uint8_t *tcp)
{
	const uint8_t *o = tcp + 20, *end = tcp + (tcp[12] >> 4) * 4;

	c->wscale = 0;
	while (o + 1 < end && *o) {
		if (*o == 1) {
			o++;
			continue;
		}
		if (o[1] < 2 || o + o[1] > end)
			return;
		if (*o == 3 && o[1] == 3)
			c->wscale = o[2];
		o += o[1];
	}
}

void packet_watch(struct side *s, const struct packet *p)
{
	const uint8_t *tcp = p->tcp;
	struct conn *c = &s->conns[(get16(tcp) ^ get16(tcp + 2)) & 255];
	uint32_t edge, seq = get32(tcp + 4), len;

	if (tcp[13] & FLAG_SYN) {
		read_wscale(c, tcp);
		c->edge_known = false;
		c->max_seq = seq;
		c->seq_known = true;
		return;
	}
	len = p->ip_len - (uint32_t)(tcp - p->ip) - (tcp[12] >> 4) * 4;
	if (c->seq_known && (int32_t)(seq + len - c->max_seq) > 0) {
		s->count.wraps += seq + len < c->max_seq;
		c->max_seq = seq + len;
	}
	if (!(tcp[13] & FLAG_ACK) || (tcp[13] & FLAG_RST))
		return;
	/* the scale rounds it */
	edge = get32(tcp + 8) + ((uint32_t)get16(tcp + 14) << c->wscale);
	if (c->edge_known && (int32_t)(edge + (1u << c->wscale) - c->edge) <= 0) {
		s->count.shrunk++;
		return;
	}
	c->edge = edge;
	c->edge_known = true;
}

/* All of it, an eighth, all, a sixty-fourth */
void packet_narrow(struct side *s, struct packet *p, uint64_t now_ns, bool sum_due)
{
	static const uint8_t shift[] = { 0, 3, 0, 6 };
	uint32_t win = get16(p->tcp + 14), n;
	uint8_t unused[2] = { 0 };

	if (p->tcp[13] & FLAG_SYN)
		return;
	n = win >> shift[now_ns / 1000 / s->fault.narrow_us % 4];
	if (n == win)
		return;
	s->count.narrowed++;
	/* what is still to be summed up needs no change */
	change16(p->tcp + 14, n, sum_due ? unused : p->tcp + 16);
}

bool packet_mark(struct packet *p)
{
	uint32_t word = get16(p->ip);

	if (p->v6) {
		if (!(word & 0x30))
			return false;
		put16(p->ip, word | 0x30);
		return true;
	}
	if (!(word & 3))
		return false;
	change16(p->ip, word | 3, p->ip + 10);
	return true;
}

static void ethernet(uint8_t *frame, const uint8_t *about)
{
	memcpy(frame, about + ETH_ALEN, ETH_ALEN);
	memcpy(frame + ETH_ALEN, about, ETH_ALEN);
	memcpy(frame + 12, about + 12, 2);
}

/* From the one that the packet was for, since the lab has no router to say it */
uint32_t packet_too_big(const struct packet *p, const uint8_t *about, uint32_t mtu,
			uint8_t *frame)
{
	uint32_t quote = p->v6 ? ICMP6_QUOTE : ICMP_QUOTE, len;
	uint8_t *ip = frame + ETH_HLEN, *icmp;

	if (quote > p->ip_len)
		quote = p->ip_len;
	ethernet(frame, about);
	if (p->v6) {
		icmp = ip + IP6;
		len = ICMP + quote;
		memset(ip, 0, IP6 + ICMP);
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = IPPROTO_ICMPV6;
		ip[7] = 64;
		memcpy(ip + 8, p->ip + 24, 16);
		memcpy(ip + 24, p->ip + 8, 16);
		icmp[0] = 2;
		put16(icmp + 6, mtu);
		memcpy(icmp + ICMP, p->ip, quote);
		put16(icmp + 2, folded(sum(icmp, len, sum(ip + 8, 32,
							  len + IPPROTO_ICMPV6))));
		return ETH_HLEN + IP6 + len;
	}
	icmp = ip + IP4;
	len = ICMP + quote;
	memset(ip, 0, IP4 + ICMP);
	ip[0] = 0x45;
	put16(ip + 2, IP4 + len);
	ip[8] = 64;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, p->ip + 16, 4);
	memcpy(ip + 16, p->ip + 12, 4);
	put16(ip + 10, folded(sum(ip, IP4, 0)));
	icmp[0] = 3;
	icmp[1] = 4;
	put16(icmp + 6, mtu);
	memcpy(icmp + ICMP, p->ip, quote);
	put16(icmp + 2, folded(sum(icmp, len, 0)));
	return ETH_HLEN + IP4 + len;
}
