// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a connection, as its next segment would find it: local address, route,
 * IPsec, link, next hop.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/tcp.h>

#include "ipsec.h"
#include "way.h"

/* The route as the next segment would find it: what the socket remembers may be
 * out of date. A failure is not the application's to see.
 */
static const struct dst_entry *toe_route(struct sock *sk, int *err)
{
	int soft = READ_ONCE(sk->sk_err_soft);

	*err = inet_csk(sk)->icsk_af_ops->rebuild_header(sk);
	WRITE_ONCE(sk->sk_err_soft, soft);
	return *err ? NULL : __sk_dst_get(sk);
}

#if IS_ENABLED(CONFIG_IPV6)
/* An address of an interface, or one that a route makes local. */
static bool toe_local6(struct net *net, const struct in6_addr *addr)
{
	struct rt6_info *rt;
	bool local;

	if (ipv6_chk_addr(net, addr, NULL, 0))
		return true;
	rt = rt6_lookup(net, addr, NULL, 0, NULL, 0);
	if (!rt)
		return false;
	local = !rt->dst.error && rt->rt6i_flags & RTF_LOCAL;
	ip6_rt_put(rt);
	return local;
}
#endif

/* Do packets for the connection's local address end here? IPv6 sends from an
 * address that is gone, and only hears nothing any more.
 */
static bool toe_local(const struct sock *sk, const struct toe_tuple *t,
		      const struct net_device *dev)
{
	/* Those need not be the host's. */
	if (inet_test_bit(TRANSPARENT, sk) || inet_test_bit(FREEBIND, sk))
		return true;
#if IS_ENABLED(CONFIG_IPV6)
	if (t->family == AF_INET6)
		return toe_local6(sock_net(sk),
				  (const struct in6_addr *)t->local_addr);
#endif
	return inet_addr_type_dev_table(sock_net(sk), dev, t->local_addr[0]) ==
	       RTN_LOCAL;
}

/* What the connection's segments would do for the entry on their way out, see
 * sock_confirm_neigh() and ip_finish_output2().
 */
static void toe_keep(struct sock *sk, struct neighbour *n)
{
	if (READ_ONCE(sk->sk_dst_pending_confirm)) {
		WRITE_ONCE(sk->sk_dst_pending_confirm, 0);
		neigh_confirm(n);
	}
	neigh_event_send(n, NULL);
}

static enum toe_reason toe_next_hop(struct sock *sk,
				    const struct dst_entry *dst,
				    const struct toe_tuple *t,
				    struct toe_way *way)
{
	struct neighbour *n = dst_neigh_lookup(dst, t->remote_addr);
	u8 state;

	if (!n)
		return TOE_REASON_NEIGHBOUR;
	state = READ_ONCE(n->nud_state);
	if (state & NUD_VALID)
		neigh_ha_snapshot((char *)way->dst_mac, n, dst->dev);
	way->resolving = !(state & (NUD_VALID | NUD_FAILED));
	if (way->used && !(state & NUD_FAILED))
		toe_keep(sk, n);
	neigh_release(n);
	return state & NUD_VALID ? TOE_REASON_NONE : TOE_REASON_NEIGHBOUR;
}

enum toe_reason toe_way(struct sock *sk, const struct toe_tuple *tuple,
			struct toe_way *way)
{
	const struct net_device *dev;
	const struct dst_entry *dst;
	enum toe_reason reason;
	int err;

	way->resolving = false;
	dst = toe_route(sk, &err);
	if (toe_ipsec_out(sk, dst, err))
		return TOE_REASON_XFRM;
	if (!toe_local(sk, tuple, dst ? dst->dev : NULL))
		return TOE_REASON_ADDRESS;
	if (!dst)
		return TOE_REASON_ROUTE;
	reason = toe_ipsec_in(sk, tuple, dst);
	if (reason)
		return reason;
	dev = dst->dev;
	/* They share an interface's address, but not what is on its wire. */
	if (dev->addr_len != ETH_ALEN || is_vlan_dev(dev) ||
	    netif_is_macsec(dev))
		return TOE_REASON_ROUTE;
	if (!netif_running(dev) || !netif_carrier_ok(dev))
		return TOE_REASON_LINK;
	ether_addr_copy(way->src_mac, dev->dev_addr);
	return toe_next_hop(sk, dst, tuple, way);
}
