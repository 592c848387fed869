// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests before an offload, cheap and lasting ones first: the firewall's rules,
 * what the connection is, its way, calm, what the firewall says of it, the quotas,
 * the engine.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <net/dst.h>
#include <net/sock.h>

#include "admit.h"
#include "conntrack.h"
#include "eligible.h"
#include "engine.h"
#include "firewall.h"
#include "flow.h"
#include "quota.h"
#include "stats.h"
#include "way.h"

#define TOE_CALM_TRIES		10	/* 1, 2, 4 ms ... half a second in all */

/* Have the firewall's rules let it pass? @fw: as they are now */
static enum toe_reason toe_admit_firewall(struct toe_admission *a,
					  const struct toe_firewall *fw)
{
	struct toe_seen fresh = {};
	bool seen;

	if (a->sig && !toe_firewall_quiet(fw))
		return TOE_REASON_UNTESTED;
	if (a->flow)
		spin_lock_bh(&a->flow->lock);
	seen = toe_seen(a->flow ? &a->flow->seen : &fresh, fw->generation,
			fw->changed_ns, a->sk);
	if (a->flow)
		spin_unlock_bh(&a->flow->lock);
	if (!seen)
		return TOE_REASON_UNTESTED;
	if (a->sig && (a->sig->flags & TOE_SIGNAL_CAREFUL) &&
	    !toe_firewall_clear(a->net))
		return TOE_REASON_CAREFUL;
	return TOE_REASON_NONE;
}

/* What the socket says. @dstp: its route, with a reference, when there is nothing
 * against it
 */
static enum toe_reason toe_admit_sock(struct toe_admission *a,
				      struct dst_entry **dstp)
{
	struct toe_way way = {};
	enum toe_reason reason;

	/* Nobody has accepted it yet. A listener that is closed takes it for
	 * its own and warns when it is locked: inet_csk_listen_stop(). Once
	 * accepted it is so for good.
	 */
	if (!READ_ONCE(a->sk->sk_socket) && !sock_flag(a->sk, SOCK_DEAD))
		return TOE_REASON_NOT_CALM;
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

/* What may be otherwise in a moment. A lasting reason is the one to tell. */
static enum toe_reason toe_admit_now(struct toe_admission *a,
				     struct toe_firewall *fw,
				     struct dst_entry **dstp)
{
	enum toe_reason reason, untested;

	*fw = toe_firewall_get(a->net);
	reason = toe_admit_sock(a, dstp);
	if (reason && !toe_may_pass(reason))
		return reason;
	untested = toe_admit_firewall(a, fw);
	if (!untested)
		return reason;
	dst_release(*dstp);
	*dstp = NULL;
	return untested;
}

/* Is it worth a pause? Somebody waits for what an administrator asks; what a rule
 * wants comes by itself.
 */
static bool toe_admit_later(const struct toe_admission *a,
			    enum toe_reason reason)
{
	return a->places && (toe_may_pass(reason) ||
			     (reason == TOE_REASON_UNTESTED && !a->sig));
}

enum toe_reason toe_admit(struct toe_admission *a)
{
	struct dst_entry *dst = NULL;
	struct toe_firewall fw;
	enum toe_reason reason;
	int i;

	reason = toe_admit_now(a, &fw, &dst);
	for (i = 1; toe_admit_later(a, reason) && i < TOE_CALM_TRIES; i++) {
		if (toe_may_pass(reason))
			toe_stats_inc(TOE_STAT_CALM_RETRIES);
		msleep(1 << (i - 1));
		reason = toe_admit_now(a, &fw, &dst);
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
	/* Rules that change from now on bring it back: toe_firewall_changed(). */
	if (!reason && a->places)
		WRITE_ONCE(a->flow->seen.generation, fw.generation);
	dst_release(dst);
	return reason;
}
