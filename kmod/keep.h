/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The conntrack entry of a flow while its packets do not come by: it stays, says
 * [OFFLOAD], and its counters and its window are those of the connection.
 */
#ifndef _TOE_KEEP_H
#define _TOE_KEEP_H

#include <linux/list.h>

#include "conntrack.h"

struct toe_flow;

/**
 * struct toe_kept - of a flow; the work's, what is looked at from time to time
 *	under toe_kept_lock
 * @entry: the flow's from admission until it is home or refused
 * @node: in the list of those that are looked at
 * @looked: it is in that list
 * @liberal: bit per direction: it was liberal before
 * @tx: bytes, on the scale of toe_flow.tx_engine, that are counted
 * @rx: of toe_flow.rx_engine without rx_gate, which conntrack has seen
 */
struct toe_kept {
	struct toe_entry entry;
	struct list_head node;
	bool		looked;
	u8		liberal;
	u64		tx;
	u64		rx;
};

/**
 * toe_keep_take() - the flow goes to an engine
 * @flow: in its work; the gate is still open
 * @entry: its entry, the flow's from now on; empty afterwards
 */
void toe_keep_take(struct toe_flow *flow, struct toe_entry *entry);

/**
 * toe_keep_begin() - the flow's packets do not come by any more
 * @flow: in its work; its @opened is what the engine was given
 */
void toe_keep_begin(struct toe_flow *flow);

/**
 * toe_keep_end() - they will come by again
 * @flow: in its work, before its first packet; its @final says where the
 *	connection stands. toe_keep_begin() need not have been called
 *
 * The entry stays the flow's, for toe_keep_put().
 */
void toe_keep_end(struct toe_flow *flow);

/**
 * toe_keep_put() - the flow is home, or does not go
 * @flow: in its work
 */
void toe_keep_put(struct toe_flow *flow);

/* No flow is kept any more. */
void toe_keep_stop(void);

#endif /* _TOE_KEEP_H */
