// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tuple.h"
#include "units.h"

struct endpoint {
	__be32 addr[4];
	__be16 port;
	__u16 family;
};

static int parse_address(struct endpoint *ep, const char *text, bool bracketed)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct in6_addr v6;

	memset(ep->addr, 0, sizeof(ep->addr));
	if (!bracketed) {
		ep->family = AF_INET;
		return inet_pton(AF_INET, text, ep->addr) == 1 ? 0 : -EINVAL;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return -EINVAL;
	if (!memcmp(&v6, mapped, sizeof(mapped))) {
		ep->family = AF_INET;
		memcpy(ep->addr, v6.s6_addr + 12, 4);
		return 0;
	}
	ep->family = AF_INET6;
	memcpy(ep->addr, &v6, sizeof(v6));
	return 0;
}

static int parse_endpoint(struct endpoint *ep, const char *word)
{
	const char *colon = strrchr(word, ':');
	char addr[TOE_ENDPOINT_LEN];
	bool bracketed = *word == '[';
	const char *first = word + bracketed;
	uint32_t port;
	size_t len;

	if (!colon || colon < first)
		return -EINVAL;
	len = colon - first;
	if (bracketed) {
		if (!len || first[len - 1] != ']')
			return -EINVAL;
		len--;
	}
	if (len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, first, len);
	addr[len] = 0;
	if (toe_parse_u32(colon + 1, &port) || !port || port > 65535)
		return -EINVAL;
	ep->port = htons(port);
	return parse_address(ep, addr, bracketed);
}

int toe_tuple_parse(struct toe_tuple *tuple, const char *local,
		    const char *remote, const char **bad)
{
	struct endpoint l, r;

	*bad = local;
	if (parse_endpoint(&l, local))
		return -EINVAL;
	*bad = remote;
	if (parse_endpoint(&r, remote))
		return -EINVAL;
	if (l.family != r.family)
		return -EAFNOSUPPORT;

	memset(tuple, 0, sizeof(*tuple));
	memcpy(tuple->local_addr, l.addr, sizeof(l.addr));
	memcpy(tuple->remote_addr, r.addr, sizeof(r.addr));
	tuple->local_port = l.port;
	tuple->remote_port = r.port;
	tuple->family = l.family;
	return 0;
}

const char *toe_tuple_addr(const struct toe_tuple *tuple, bool remote,
			   char *buf, size_t len)
{
	const __be32 *addr = remote ? tuple->remote_addr : tuple->local_addr;

	if (!inet_ntop(tuple->family, addr, buf, len))
		snprintf(buf, len, "?");
	return buf;
}

static const char *format_endpoint(const struct toe_tuple *tuple, bool remote,
				   char *buf, size_t len)
{
	__be16 port = remote ? tuple->remote_port : tuple->local_port;
	char addr[INET6_ADDRSTRLEN];

	toe_tuple_addr(tuple, remote, addr, sizeof(addr));
	snprintf(buf, len, tuple->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 addr, ntohs(port));
	return buf;
}

const char *toe_tuple_local(const struct toe_tuple *tuple, char *buf, size_t len)
{
	return format_endpoint(tuple, false, buf, len);
}

const char *toe_tuple_remote(const struct toe_tuple *tuple, char *buf, size_t len)
{
	return format_endpoint(tuple, true, buf, len);
}
