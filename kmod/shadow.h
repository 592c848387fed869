/* SPDX-License-Identifier: GPL-2.0-only */
/* The shadow socket: the host's face of an offloaded connection. */
#ifndef _TOE_SHADOW_H
#define _TOE_SHADOW_H

#include "flow.h"

/**
 * toe_shadow_snapshot() - the state of a connection, for an engine
 * @flow: in its work
 * @sk: locked, calm
 * @st: filled in; the link-layer addresses are the caller's
 */
void toe_shadow_snapshot(struct toe_flow *flow, struct sock *sk,
			 struct toe_state *st);

/**
 * toe_shadow_install() - turn a socket into a shadow
 * @flow: in its work, bound to an engine, @flow->opened filled in
 * @sk: locked
 *
 * Return: 0, or -EAFNOSUPPORT when the socket's operations are not known.
 */
int toe_shadow_install(struct toe_flow *flow, struct sock *sk);

/**
 * toe_shadow_caps() - let a shadow's segments be as large as the engine takes
 * @flow: on an engine
 * @sk: its socket, locked; a new route has set other sizes
 */
void toe_shadow_caps(const struct toe_flow *flow, struct sock *sk);

/**
 * toe_shadow_resend() - give the engine the sent but unacknowledged bytes
 * @flow: in its work, @flow->opened given to the engine
 * @sk: locked
 *
 * Return: 0 or -ENOMEM.
 */
int toe_shadow_resend(struct toe_flow *flow, struct sock *sk);

/**
 * toe_shadow_remove() - make the socket native again
 * @flow: in its work; its up-calls only queue (toe_shadow_drain())
 * @sk: locked
 * @final: the connection's state, checked by the caller
 *
 * Takes back what the engine never sent, feeds what it received, and lets the
 * stack send.
 */
void toe_shadow_remove(struct toe_flow *flow, struct sock *sk,
		       const struct toe_state *final);

/**
 * toe_shadow_abandon() - the connection has ended, the socket need not have
 * @flow: the flow
 * @sk: locked, in TCP_CLOSE
 *
 * The socket is native afterwards; toe_shadow_remove() leaves it alone.
 */
void toe_shadow_abandon(struct toe_flow *flow, struct sock *sk);

/**
 * toe_shadow_header_changed() - has the application asked for another header?
 * @flow: the flow
 * @sk: its socket, a shadow
 *
 * Return: true when IP_TOS, IP_TTL, IPV6_TCLASS or IPV6_UNICAST_HOPS is not what
 * the engine was told.
 */
bool toe_shadow_header_changed(const struct toe_flow *flow,
			       const struct sock *sk);

/**
 * toe_shadow_drain() - from now on up-calls queue and do not feed
 * @flow: in its work
 */
void toe_shadow_drain(struct toe_flow *flow);

/**
 * toe_shadow_flush() - transmit again what the engine had no room for
 * @flow: in its work
 */
void toe_shadow_flush(struct toe_flow *flow);

/* Is there something that the engine had no room for? Without the socket lock. */
static inline bool toe_shadow_flush_due(const struct toe_flow *flow)
{
	return !skb_queue_empty_lockless(&flow->shadow.tx_pending) ||
	       READ_ONCE(flow->credit_owed);
}

/**
 * toe_shadow_push() - let the stack send what waits in its queue
 * @flow: in its work, on an engine
 */
void toe_shadow_push(struct toe_flow *flow);

/* toe_engine_receive() for a flow that the caller holds */
int toe_shadow_receive(struct toe_flow *flow, struct toe_engine *e, u32 id,
		       const struct toe_engine_rx *rx);

void toe_shadow_timer(struct timer_list *t);

#endif /* _TOE_SHADOW_H */
