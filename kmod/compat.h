/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels toe runs on (6.12 and 7.3), in one place.
 * Kbuild probes the headers and defines TOE_HAVE_*; a distribution backports,
 * so a version number would lie.
 */
#ifndef _TOE_COMPAT_H
#define _TOE_COMPAT_H

#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/tcp.h>
#if __has_include(<net/tcp_ecn.h>)	/* 6.18: the TCP_ECN_* bits moved */
#include <net/tcp_ecn.h>
#endif

#ifdef TOE_HAVE_LOOKUP_HASHINFO		/* before 6.18 */
#define toe_inet_lookup(net, ...) \
	__inet_lookup_established(net, (net)->ipv4.tcp_death_row.hashinfo, \
				  __VA_ARGS__)
#define toe_inet6_lookup(net, ...) \
	__inet6_lookup_established(net, (net)->ipv4.tcp_death_row.hashinfo, \
				   __VA_ARGS__)
#else
#define toe_inet_lookup		__inet_lookup_established
#define toe_inet6_lookup	__inet6_lookup_established
#endif

/* 7.x remembers the furthest right edge it ever promised. */
static inline void toe_rcv_edge_promised(struct tcp_sock *tp)
{
#ifdef TOE_HAVE_RCV_MWND_SEQ
	tcp_update_max_rcv_wnd_seq(tp);
#endif
}

#endif /* _TOE_COMPAT_H */
