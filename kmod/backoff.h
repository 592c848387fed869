/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a flow is left alone after an offload that failed or did not last.
 */
#ifndef _TOE_BACKOFF_H
#define _TOE_BACKOFF_H

#include <linux/toe.h>

/**
 * struct toe_backoff - of a flow
 * @fails: offloads that failed or did not last, in a row
 * @until_ns: left alone until then, ktime; 0: it is not
 */
struct toe_backoff {
	u32	fails;
	u64	until_ns;
};

/**
 * toe_backoff_failed() - an offload came to nothing
 * @b: of the flow
 * @reason: why
 *
 * That there was no room, or that a mark or silence kept it away for now, says
 * nothing about the flow: it waits a fixed, short time and no fail is counted.
 */
void toe_backoff_failed(struct toe_backoff *b, enum toe_reason reason);

/**
 * toe_backoff_returned() - a flow came back
 * @b: of the flow
 * @reason: why
 * @stay_ns: how long it was on the engine
 *
 * Soon counts as a fail, unless the connection ended, people wanted it, or the
 * firewall or the routes changed, which says nothing about the flow; a long stay
 * makes up for all fails.
 */
void toe_backoff_returned(struct toe_backoff *b, enum toe_reason reason,
			  u64 stay_ns);

/**
 * toe_backoff_hasten() - what was in the way may be gone
 * @b: of the flow
 *
 * It waits no longer than one for which there was no room.
 */
void toe_backoff_hasten(struct toe_backoff *b);

/**
 * toe_backoff_left() - nanoseconds for which a flow is still left alone
 * @b: of the flow
 */
u64 toe_backoff_left(const struct toe_backoff *b);

#endif /* _TOE_BACKOFF_H */
