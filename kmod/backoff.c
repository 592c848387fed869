// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times to leave a flow alone. An offload costs an engine and the host some
 * milliseconds of work, and the connection a moment without data: what keeps
 * failing must cost less and less.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "backoff.h"

#define TOE_FIRST_NS	NSEC_PER_SEC
#define TOE_DOUBLINGS	8			/* to 256 s */
#define TOE_NO_ROOM_NS	(4 * NSEC_PER_SEC)
#define TOE_LONG_STAY_NS (10 * NSEC_PER_SEC)

static void toe_backoff_grow(struct toe_backoff *b)
{
	u64 ns = (u64)TOE_FIRST_NS << min(b->fails, TOE_DOUBLINGS);

	if (b->fails < U32_MAX)
		WRITE_ONCE(b->fails, b->fails + 1);
	WRITE_ONCE(b->until_ns, ktime_get_ns() + ns);
}

void toe_backoff_failed(struct toe_backoff *b, enum toe_reason reason)
{
	switch (reason) {
	case TOE_REASON_TABLE_FULL:
	case TOE_REASON_RULE_QUOTA:
	case TOE_REASON_NETNS_QUOTA:
	case TOE_REASON_MEMORY:
	case TOE_REASON_MARK:
	case TOE_REASON_UNSEEN:
		WRITE_ONCE(b->until_ns, ktime_get_ns() + TOE_NO_ROOM_NS);
		break;
	case TOE_REASON_UNTESTED:
	case TOE_REASON_CAREFUL:
		/* Nothing of the flow's doing; candidate.c waits for the end. */
		break;
	default:
		toe_backoff_grow(b);
	}
}

/* Does a return for this reason say that the flow does not belong there? */
static bool toe_backoff_counts(enum toe_reason reason)
{
	switch (reason) {
	case TOE_REASON_ADMIN:
	case TOE_REASON_POLICY:
	case TOE_REASON_UNLOAD:
	case TOE_REASON_ROUTE_CHANGE:
	case TOE_REASON_PEER_FIN:
	case TOE_REASON_PEER_RST:
	case TOE_REASON_LOCAL_FIN:
	case TOE_REASON_LOCAL_RST:
	case TOE_REASON_CONNTRACK:
	case TOE_REASON_MARK:
	case TOE_REASON_NETFILTER:
	case TOE_REASON_CAREFUL:
		return false;
	default:
		return true;
	}
}

void toe_backoff_returned(struct toe_backoff *b, enum toe_reason reason,
			  u64 stay_ns)
{
	if (stay_ns >= TOE_LONG_STAY_NS) {
		WRITE_ONCE(b->fails, 0);
		WRITE_ONCE(b->until_ns, 0);
	} else if (toe_backoff_counts(reason)) {
		toe_backoff_grow(b);
	}
}

void toe_backoff_hasten(struct toe_backoff *b)
{
	u64 until = ktime_get_ns() + TOE_NO_ROOM_NS;

	if (READ_ONCE(b->until_ns) > until)
		WRITE_ONCE(b->until_ns, until);
}

u64 toe_backoff_left(const struct toe_backoff *b)
{
	u64 until = READ_ONCE(b->until_ns);
	u64 now = ktime_get_ns();

	return until > now ? until - now : 0;
}
