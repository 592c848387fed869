/* SPDX-License-Identifier: GPL-2.0-only */
/* The way that a connection's segments take to the wire. */
#ifndef _TOE_WAY_H
#define _TOE_WAY_H

#include <linux/if_ether.h>
#include <linux/toe.h>

struct sock;

/**
 * struct toe_way - the interface and the next hop
 * @used: question: an engine sends and receives by this way, and the next hop's
 *	entry is to be kept as the segments themselves would keep it
 * @resolving: answer: with TOE_REASON_NEIGHBOUR, the address is being asked for
 * @src_mac: answer: link-layer address of the interface
 * @dst_mac: answer: of the next hop
 */
struct toe_way {
	bool	used;
	bool	resolving;
	u8	src_mac[ETH_ALEN];
	u8	dst_mac[ETH_ALEN];
};

/**
 * toe_way() - find it
 * @sk: locked, or in its spinlock with nobody owning it; its route is looked up
 *	if what it remembers is out of date, and that sets its capabilities
 * @tuple: its name
 * @way: the question, and the answer
 *
 * Return: TOE_REASON_NONE, and then it has a route; TOE_REASON_ADDRESS, ROUTE,
 * LINK, NEIGHBOUR, XFRM or MEMORY when there is no way that an engine could take.
 */
enum toe_reason toe_way(struct sock *sk, const struct toe_tuple *tuple,
			struct toe_way *way);

/* Is it the way that is missing, which says nothing of the connection? */
static inline bool toe_way_missing(enum toe_reason reason)
{
	return reason == TOE_REASON_ROUTE || reason == TOE_REASON_LINK ||
	       reason == TOE_REASON_ADDRESS || reason == TOE_REASON_NEIGHBOUR;
}

#endif /* _TOE_WAY_H */
