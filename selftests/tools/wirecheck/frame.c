// SPDX-License-Identifier: GPL-2.0-only
/* A frame's headers. Nothing is believed of them. */
#include <string.h>

#include "wirecheck.h"

#define ETHERNET	14
#define IPV4		20
#define IPV6		40
#define TCP		20
#define PROTO_TCP	6

#define OPT_END		0
#define OPT_NOP		1
#define OPT_MSS		2
#define OPT_WSCALE	3
#define OPT_SACK_OK	4
#define OPT_SACK	5
#define OPT_TS		8

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)u16(p) << 16 | u16(p + 2);
}

static uint64_t sum16(const uint8_t *p, size_t len, uint64_t sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += u16(p);
	return len ? sum + ((uint64_t)*p << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static bool options(const uint8_t *p, size_t len, struct segment *s)
{
	const uint8_t *end = p + len;

	while (p < end && *p != OPT_END) {
		unsigned int i;

		if (*p == OPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return false;
		switch (*p) {
		case OPT_MSS:
			if (p[1] != 4)
				return false;
			s->mss = u16(p + 2);
			break;
		case OPT_WSCALE:
			if (p[1] != 3 || p[2] > 14)
				return false;
			s->wscale = p[2];
			break;
		case OPT_SACK_OK:
			s->sack_ok = true;
			break;
		case OPT_SACK:
			if (p[1] % 8 != 2 || p[1] / 8 > SACK_BLOCKS || s->sacks)
				return false;
			s->sacks = p[1] / 8;
			for (i = 0; i < s->sacks; i++) {
				s->sack[i][0] = u32(p + 2 + 8 * i);
				s->sack[i][1] = u32(p + 6 + 8 * i);
			}
			break;
		case OPT_TS:
			if (p[1] != 10)
				return false;
			s->ts = true;
			s->tsval = u32(p + 2);
			s->tsecr = u32(p + 6);
			break;
		}
		p += p[1];
	}
	return true;
}

/* len bytes of TCP, of which caplen are there; sum is the pseudo header's. */
static enum parsed tcp(const uint8_t *p, size_t caplen, size_t len, uint64_t sum,
		       struct segment *s)
{
	uint16_t is;
	size_t head;

	if (len < TCP || caplen < TCP)
		return PARSED_MALFORMED;
	head = (p[12] >> 4) * 4;
	if (head < TCP || head > len || head > caplen)
		return PARSED_MALFORMED;
	s->src.port = u16(p);
	s->dst.port = u16(p + 2);
	s->seq = u32(p + 4);
	s->ack = u32(p + 8);
	s->flags = p[13];
	s->window = u16(p + 14);
	s->data = p + head;
	s->len = (uint32_t)(len - head);
	s->caplen = (uint32_t)((caplen < len ? caplen : len) - head);
	s->sum = true;
	if (caplen >= len) {
		is = u16(p + 16);
		s->sum = fold(sum16(p, len, sum)) == 0xffff || is == fold(sum);
	}
	return options(p + TCP, head - TCP, s) ? PARSED_TCP : PARSED_MALFORMED;
}

static enum parsed ipv4(const uint8_t *p, size_t caplen, size_t len, struct segment *s)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t head, total;

	if (caplen < IPV4)
		return PARSED_MALFORMED;
	head = (p[0] & 15) * 4;
	total = u16(p + 2) ? u16(p + 2) : len;	/* 0: longer than can be said */
	if (p[0] >> 4 != 4 || head < IPV4 || head > caplen || total < head ||
	    total > len)
		return PARSED_MALFORMED;
	if (p[9] != PROTO_TCP || u16(p + 6) & 0x1fff)
		return PARSED_OTHER;
	s->tos = p[1];
	s->id = u16(p + 4);
	s->df = p[6] & 0x40;
	s->ttl = p[8];
	s->ip_sum = fold(sum16(p, head, 0)) == 0xffff;
	memcpy(s->src.addr, mapped, 12);
	memcpy(s->dst.addr, mapped, 12);
	memcpy(s->src.addr + 12, p + 12, 4);
	memcpy(s->dst.addr + 12, p + 16, 4);
	return tcp(p + head, caplen - head, total - head,
		   sum16(p + 12, 8, PROTO_TCP + (total - head)), s);
}

static enum parsed ipv6(const uint8_t *p, size_t caplen, size_t len, struct segment *s)
{
	size_t payload;

	if (caplen < IPV6 || p[0] >> 4 != 6)
		return PARSED_MALFORMED;
	payload = u16(p + 4) ? u16(p + 4) : len - IPV6;
	if (payload > len - IPV6)
		return PARSED_MALFORMED;
	if (p[6] != PROTO_TCP)
		return PARSED_OTHER;
	s->v6 = s->df = s->ip_sum = true;
	s->tos = (uint8_t)(u16(p) >> 4);
	s->label = u32(p) & 0xfffff;
	s->ttl = p[7];
	memcpy(s->src.addr, p + 8, 16);
	memcpy(s->dst.addr, p + 24, 16);
	return tcp(p + IPV6, caplen - IPV6, payload,
		   sum16(p + 8, 32, PROTO_TCP + payload), s);
}

enum parsed frame_parse(const uint8_t *frame, size_t caplen, size_t len,
			struct segment *s)
{
	memset(s, 0, sizeof(*s));
	s->mss = s->wscale = -1;
	if (caplen > len)
		caplen = len;
	if (caplen < ETHERNET)
		return PARSED_MALFORMED;
	memcpy(s->mac, frame + 6, 6);
	switch (u16(frame + 12)) {
	case 0x0800:
		return ipv4(frame + ETHERNET, caplen - ETHERNET, len - ETHERNET, s);
	case 0x86dd:
		return ipv6(frame + ETHERNET, caplen - ETHERNET, len - ETHERNET, s);
	}
	return PARSED_OTHER;
}
