/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels toe runs on (6.12 and 7.3), in one place.
 * Kbuild probes the headers and defines TOE_HAVE_*; a distribution backports,
 * so a version number would lie.
 */
#ifndef _TOE_COMPAT_H
#define _TOE_COMPAT_H

#include <linux/btf.h>
#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/tcp.h>

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

/* What every kfunc wants since 7.0 */
#ifndef KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS		0
#endif

/* RFC 3168 ECN is agreed; Accurate ECN counts what cannot be handed over. */
static inline bool toe_ecn_ok(const struct tcp_sock *tp)
{
#ifdef TCP_ECN_MODE_RFC3168
	return tcp_ecn_mode_rfc3168(tp);
#else
	return tp->ecn_flags & TCP_ECN_OK;
#endif
}

static inline bool toe_ecn_accurate(const struct tcp_sock *tp)
{
#ifdef TCP_ECN_MODE_ACCECN
	return tcp_ecn_mode_accecn(tp);
#else
	return false;
#endif
}

/* The right window edge promised to the peer. 7.x remembers the furthest; before,
 * one that the stack took back for want of memory is forgotten.
 */
static inline u32 toe_rcv_edge(const struct tcp_sock *tp)
{
#ifdef TOE_HAVE_RCV_MWND_SEQ
	return tp->rcv_mwnd_seq;
#else
	return tp->rcv_wup + tp->rcv_wnd;
#endif
}

/* To be said after rcv_wnd was changed. */
static inline void toe_rcv_edge_promised(struct tcp_sock *tp)
{
#ifdef TOE_HAVE_RCV_MWND_SEQ
	tcp_update_max_rcv_wnd_seq(tp);
#endif
}

#endif /* _TOE_COMPAT_H */
