// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests before an offload, cheap and lasting ones first: what the connection
 * is, its way, calm, the firewall, the quotas, the engine.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <net/dst.h>
#include <net/sock.h>

#include "admit.h"
#include "conntrack.h"
#include "eligible.h"
#include "engine.h"
#include "quota.h"
#include "stats.h"
#include "way.h"

#define TOE_CALM_TRIES		10	/* 1, 2, 4 ms ... half a second in all */

/* What the socket says. @dstp: its route, with a reference, when there is nothing
 * against it
 */
static enum toe_reason toe_admit_sock(struct toe_admission *a,
				      struct dst_entry **dstp)
{
	struct toe_way way = {};
	enum toe_reason reason;

	lock_sock(a->sk);
	reason = toe_eligible(a->sk);
	if (!reason)
		reason = toe_way(a->sk, a->tuple, &way);
	if (!reason)
		reason = toe_calm(a->sk);
	if (!reason)
		*dstp = dst_clone(__sk_dst_get(a->sk));
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
		reason = toe_conntrack_ask(a->net, a->tuple, a->sig,
					   dst->dev->ifindex,
					   a->places ? &a->entry : NULL);
	if (!reason)
		reason = toe_quota_get(a->net, a->sig, a->places);
	if (!reason) {
		reason = toe_engine_get(a, dst->dev);
		if (reason && a->places)
			toe_quota_put(a->places);
	}
	if (reason)
		toe_entry_put(&a->entry);
	dst_release(dst);
	return reason;
}
