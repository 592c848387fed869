// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests before an offload, cheap and lasting ones first: what the connection
 * is, its way, calm, NAT, the quotas, the engine.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <net/dst.h>
#include <net/neighbour.h>
#include <net/sock.h>

#include "admit.h"
#include "conntrack.h"
#include "eligible.h"
#include "engine.h"
#include "quota.h"
#include "stats.h"

#define TOE_CALM_TRIES		10	/* 1, 2, 4 ms ... half a second in all */

/* Interface and next hop. @dstp: the route, with a reference */
static enum toe_reason toe_admit_route(struct toe_admission *a,
				       struct dst_entry **dstp)
{
	struct dst_entry *dst = __sk_dst_get(a->sk);
	struct neighbour *n;
	bool valid;

	if (dst->dev->addr_len != ETH_ALEN)
		return TOE_REASON_ROUTE;
	n = dst_neigh_lookup(dst, a->tuple->remote_addr);
	if (!n)
		return TOE_REASON_NEIGHBOUR;
	valid = READ_ONCE(n->nud_state) & NUD_VALID;
	if (valid) {
		neigh_ha_snapshot((char *)a->dst_mac, n, dst->dev);
		ether_addr_copy(a->src_mac, dst->dev->dev_addr);
		*dstp = dst_clone(dst);
	}
	neigh_release(n);
	return valid ? TOE_REASON_NONE : TOE_REASON_NEIGHBOUR;
}

/* What the socket says. @dstp: as above, when there is nothing against it */
static enum toe_reason toe_admit_sock(struct toe_admission *a,
				      struct dst_entry **dstp)
{
	enum toe_reason reason;

	lock_sock(a->sk);
	reason = toe_eligible(a->sk, a->tuple);
	if (!reason)
		reason = toe_admit_route(a, dstp);
	if (!reason) {
		reason = toe_calm(a->sk);
		if (reason) {
			dst_release(*dstp);
			*dstp = NULL;
		}
	}
	release_sock(a->sk);
	return reason;
}

enum toe_reason toe_admit(struct toe_admission *a)
{
	struct dst_entry *dst = NULL;
	enum toe_reason reason;
	int i;

	reason = toe_admit_sock(a, &dst);
	for (i = 1; a->places && toe_may_pass(reason) && i < TOE_CALM_TRIES;
	     i++) {
		toe_stats_inc(TOE_STAT_CALM_RETRIES);
		msleep(1 << (i - 1));
		reason = toe_admit_sock(a, &dst);
	}
	if (!reason)
		reason = toe_conntrack_ask(a->net, a->tuple);
	if (!reason)
		reason = toe_quota_get(a->net, a->sig, a->places);
	if (!reason) {
		reason = toe_engine_get(a, dst->dev);
		if (reason && a->places)
			toe_quota_put(a->places);
	}
	dst_release(dst);
	return reason;
}
