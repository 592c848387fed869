/* SPDX-License-Identifier: GPL-2.0-only */
/* The Internet checksum (RFC 1071), in whole words and in the order in which the
 * bytes lie there.
 */
#ifndef TOECARD_CSUM_H
#define TOECARD_CSUM_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t csum_add(const void *data, size_t len)
{
	const uint8_t *b = data;
	uint64_t s = 0;
	uint32_t word;

	for (; len >= sizeof(word); len -= sizeof(word), b += sizeof(word)) {
		memcpy(&word, b, sizeof(word));
		s += word;
	}
	word = 0;
	memcpy(&word, b, len);
	return s + word;
}

static inline uint16_t csum_fold(uint64_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* RFC 9293 3.1, RFC 8200 8.1: of the addresses, the protocol and the length of TCP's
 * header and payload. The addresses are right in front of TCP: no IP options, no
 * extension headers.
 */
static inline uint16_t csum_pseudo(const void *tcp, bool ipv4, size_t tcp_len)
{
	size_t addresses = 2 * (ipv4 ? sizeof(struct in_addr) : sizeof(struct in6_addr));

	return csum_fold(csum_add((const uint8_t *)tcp - addresses, addresses) +
			 htons(IPPROTO_TCP) + htons((uint16_t)tcp_len));
}

#endif
