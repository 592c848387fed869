// SPDX-License-Identifier: GPL-2.0-only
/*
 * Held frames that become one (userspace/toecard/merge.c): what is merged has the
 * bytes of all in order and headers that fit; what differs in anything is not.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdlib.h>

#include "check.h"
#include "csum.h"
#include "merge.h"

#define SEQ	0xffffff00u	/* wraps on the way */
#define SIZE	1448
#define HDR(v6)	(ETH_HLEN + ((v6) ? 40 : 20) + 32)

static struct merge m;

static uint8_t byte_at(uint32_t seq)
{
	return (uint8_t)(seq * 7 + (seq >> 8) * 3);
}

/* Right in every field, the checksums too. @b has room. Returns the length. */
static size_t sums(uint8_t *b, bool v6, size_t len)
{
	struct iphdr *ip = (void *)(b + ETH_HLEN);
	size_t l4 = ETH_HLEN + (v6 ? 40 : 20);
	struct tcphdr *th = (void *)(b + l4);

	if (!v6) {
		ip->check = 0;
		ip->check = (uint16_t)~csum_fold(csum_add(ip, 20));
	}
	th->check = 0;
	th->check = (uint16_t)~csum_fold(csum_pseudo(th, !v6, len - l4) +
					csum_add(th, len - l4));
	return len;
}

static size_t make(uint8_t *b, bool v6, uint32_t seq, uint32_t payload, bool psh)
{
	size_t l4 = ETH_HLEN + (v6 ? 40 : 20), len = HDR(v6) + payload;
	struct ethhdr *eth = (void *)b;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *th = (void *)(b + l4);
	uint32_t i;

	memset(b, 0, HDR(v6));
	eth->h_proto = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (v6) {
		ip6->version = 6;
		ip6->nexthdr = IPPROTO_TCP;
		ip6->payload_len = htons((uint16_t)(len - l4));
		ip6->hop_limit = 64;
		ip6->daddr.s6_addr[15] = 1;
	} else {
		ip->version = 4;
		ip->ihl = 5;
		ip->protocol = IPPROTO_TCP;
		ip->tot_len = htons((uint16_t)(len - ETH_HLEN));
		ip->id = htons((uint16_t)seq);
		ip->frag_off = htons(0x4000);
		ip->ttl = 64;
		ip->saddr = htonl(0x0a4d0002);
	}
	th->source = htons(1);
	th->seq = htonl(seq);
	th->doff = 8;
	th->ack = 1;
	th->psh = psh;
	th->window = htons(77);
	memcpy(th + 1, "\1\1\10\12tsvlecho", 12);
	for (i = 0; i < payload; i++)
		b[HDR(v6) + i] = byte_at(seq + i);
	return sums(b, v6, len);
}

static uint8_t frame[2 + 65536] __attribute__((aligned(4)));
#define F	(frame + 2)

static bool add(bool v6, uint32_t seq, uint32_t payload, bool psh)
{
	return merge_add(&m, F, make(F, v6, seq, payload, psh));
}

/* Is what was merged a packet that is right, of so many bytes from SEQ on? */
static bool right(bool v6, uint32_t payload)
{
	size_t l4 = ETH_HLEN + (v6 ? 40 : 20);
	struct ipv6hdr *ip6 = (void *)(m.frame + ETH_HLEN);
	struct iphdr *ip = (void *)ip6;
	struct tcphdr *th = (void *)(m.frame + l4);
	uint32_t i;

	merge_end(&m);
	for (i = 0; i < payload; i++)
		if (m.frame[HDR(v6) + i] != byte_at(SEQ + i))
			return false;
	if (m.len != HDR(v6) + payload || ntohl(th->seq) != SEQ)
		return false;
	if (v6)
		return ntohs(ip6->payload_len) == m.len - l4;
	return ntohs(ip->tot_len) == m.len - ETH_HLEN &&
	       csum_fold(csum_add(ip, 20)) == 0xffff;
}

static void in_a_row(bool v6)
{
	const struct tcphdr *th = (void *)(m.frame + ETH_HLEN + (v6 ? 40 : 20));

	m.len = 0;
	CHECK(add(v6, SEQ, SIZE, false));
	CHECK(add(v6, SEQ + SIZE, SIZE, false));
	CHECK(add(v6, SEQ + 2 * SIZE, 100, true));
	CHECK(m.segments == 3 && m.size == SIZE);
	CHECK(!add(v6, SEQ + 2 * SIZE + 100, 100, false));
	CHECK(th->psh);
	CHECK(right(v6, 2 * SIZE + 100));
}

static void test_ipv4(void)
{
	in_a_row(false);
}

static void test_ipv6(void)
{
	in_a_row(true);
}

static void test_alone(void)
{
	size_t len;

	m.len = 0;
	len = make(F, false, SEQ, SIZE, true);
	CHECK(merge_add(&m, F, len));
	merge_end(&m);
	CHECK(m.segments == 1 && m.len == len && !memcmp(m.frame, F, len));
}

static void test_ends(void)
{
	m.len = 0;
	CHECK(add(false, SEQ, SIZE, true));
	CHECK(!add(false, SEQ + SIZE, SIZE, false));
	m.len = 0;
	CHECK(add(false, SEQ, 100, false));
	CHECK(!add(false, SEQ + 100, 101, false));
	CHECK(add(false, SEQ + 100, 99, false));
	CHECK(!add(false, SEQ + 199, 99, false));
	CHECK(right(false, 199));
}

static void test_gap(void)
{
	m.len = 0;
	CHECK(add(false, SEQ, SIZE, false));
	CHECK(!add(false, SEQ + SIZE + 1, SIZE, false));
	CHECK(!add(false, SEQ, SIZE, false));
	CHECK(!add(true, SEQ + SIZE, SIZE, false));
	CHECK(right(false, SIZE));
}

static void test_as_long_as_it_can(void)
{
	uint32_t n = 0;

	m.len = 0;
	while (n < 100 && add(false, SEQ + n * SIZE, SIZE, false))
		n++;
	CHECK(n == (65535 - HDR(false)) / SIZE);
	CHECK(right(false, n * SIZE));
}

/* The next frame has another byte somewhere in its headers, and right checksums. */
static bool other_header(bool v6, size_t at, uint8_t flip)
{
	size_t len;

	m.len = 0;
	CHECK(add(v6, SEQ, SIZE, false));
	len = make(F, v6, SEQ + SIZE, SIZE, false);
	F[at] ^= flip;
	sums(F, v6, len);
	return merge_add(&m, F, len);
}

static void test_headers(void)
{
	const size_t ip = ETH_HLEN, th4 = ip + 20, th6 = ip + 40;
	size_t i;

	CHECK(!other_header(false, 0, 1));		/* Ethernet */
	CHECK(!other_header(false, ip + 1, 1));		/* TOS */
	CHECK(other_header(false, ip + 4, 1));		/* identification */
	CHECK(!other_header(false, ip + 6, 0x40));	/* DF */
	CHECK(!other_header(false, ip + 6, 0x20));	/* a fragment */
	CHECK(!other_header(false, ip + 8, 1));		/* TTL */
	CHECK(!other_header(false, ip + 9, 1));		/* protocol */
	CHECK(!other_header(false, ip + 15, 1));	/* address */
	for (i = 0; i < 6; i++)				/* class, label; next, hops */
		CHECK(!other_header(true, ip + (i < 4 ? i : i + 2), 1));
	CHECK(!other_header(true, ip + 39, 1));		/* address */
	for (i = 0; i < 2; i++) {
		size_t th = i ? th6 : th4;

		CHECK(!other_header(i, th, 1));		/* port */
		CHECK(!other_header(i, th + 11, 1));	/* acknowledgement */
		CHECK(!other_header(i, th + 12, 1));	/* AE */
		CHECK(!other_header(i, th + 13, 1));	/* FIN */
		CHECK(!other_header(i, th + 13, 2));	/* SYN */
		CHECK(!other_header(i, th + 13, 4));	/* RST */
		CHECK(!other_header(i, th + 13, 0x10));	/* ACK */
		CHECK(!other_header(i, th + 13, 0x20));	/* URG */
		CHECK(!other_header(i, th + 13, 0x40));	/* ECE */
		CHECK(!other_header(i, th + 13, 0x80));	/* CWR */
		CHECK(!other_header(i, th + 15, 1));	/* window */
		CHECK(!other_header(i, th + 27, 1));	/* timestamp */
	}
}

static void test_checksums(void)
{
	size_t len;

	m.len = 0;
	len = make(F, false, SEQ, SIZE, false);
	F[len - 1] ^= 1;
	CHECK(!merge_add(&m, F, len));
	make(F, false, SEQ, SIZE, false);
	F[ETH_HLEN + 10] ^= 1;
	CHECK(!merge_add(&m, F, len));
	len = make(F, true, SEQ, SIZE, false);
	F[len - 1] ^= 1;
	CHECK(!merge_add(&m, F, len));
}

/* Every length that is too short, of a buffer that is no longer: a sanitizer or
 * valgrind would see a read behind it.
 */
static void test_short(void)
{
	size_t len, i;
	uint8_t *b;

	m.len = 0;
	len = make(F, true, SEQ, 8, false);
	for (i = 0; i < len; i++) {
		b = malloc(i + 2);
		memcpy(b + 2, F, i);
		CHECK(!merge_add(&m, b + 2, i));
		free(b);
	}
	/* padded to Ethernet's least */
	len = make(F, false, SEQ, 1, false);
	CHECK(!merge_add(&m, F, len + 3));
	CHECK(!m.len);
}

static const struct test tests[] = {
	{ "IPv4", test_ipv4 },
	{ "IPv6", test_ipv6 },
	{ "one alone is as it came", test_alone },
	{ "PSH and a shorter one end it", test_ends },
	{ "a gap, a repetition, another connection", test_gap },
	{ "as long as it can be", test_as_long_as_it_can },
	{ "headers that differ", test_headers },
	{ "checksums that are wrong", test_checksums },
	{ "frames that are cut off", test_short },
};

int main(void)
{
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
