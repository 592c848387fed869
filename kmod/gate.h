/* SPDX-License-Identifier: GPL-2.0-only */
/* The gate: wire frames of offloaded flows that reach the host. */
#ifndef _TOE_GATE_H
#define _TOE_GATE_H

#include "flow.h"

/**
 * toe_gate_hook() - make sure that a network namespace has its hooks
 * @net: the namespace
 *
 * Context: process, may sleep.
 * Return: 0, -ESHUTDOWN when the namespace goes away, or the error of
 * nf_register_net_hooks().
 */
int toe_gate_hook(struct net *net);

/**
 * toe_gate_key() - whose frame is this?
 * @key: the result; names a flow if there is one
 * @skb: in a LOCAL_IN hook
 * @family: AF_INET or AF_INET6
 * @net: where
 *
 * Return: its TCP header, or NULL when it cannot be an offloaded flow's.
 */
const struct tcphdr *toe_gate_key(struct toe_flow_key *key, struct sk_buff *skb,
				  u8 family, struct net *net);

/**
 * toe_gate_set() - change what the gate does with a flow's frames
 * @flow: in its work
 * @mode: TOE_GATE_INJECT or TOE_GATE_PARK
 */
void toe_gate_set(struct toe_flow *flow, enum toe_gate_mode mode);

/**
 * toe_gate_settle() - wait until every frame that passed the gate before the
 *	last toe_gate_set() has reached the socket or its backlog
 * @flow: in its work
 *
 * Flows that come while another one waits share the next grace period.
 *
 * Context: process; may sleep for a grace period.
 * Return: true when that is so; else @flow's work will be queued then, with
 * @flow->settled set.
 */
bool toe_gate_settle(struct toe_flow *flow);

/**
 * toe_gate_open() - let parked frames into the stack, then all others
 * @flow: in its work, its socket not locked by the caller
 */
void toe_gate_open(struct toe_flow *flow);

int toe_gate_init(void);
void toe_gate_exit(void);

#endif /* _TOE_GATE_H */
