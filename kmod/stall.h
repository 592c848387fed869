/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the host's own timers are needed: a peer that does not answer.
 */
#ifndef _TOE_STALL_H
#define _TOE_STALL_H

#include <linux/types.h>

struct sock;
struct toe_flow;

/**
 * struct toe_stall - of a flow on an engine; under the socket's lock
 * @snd_una: first byte the peer had not acknowledged when it was looked at last
 * @since_ns: ktime since which that has not moved while data was out; 0: none was
 */
struct toe_stall {
	u32	snd_una;
	u64	since_ns;
};

/**
 * toe_stalled() - has the peer acknowledged nothing for a while?
 * @flow: on an engine
 * @sk: locked, or in its spinlock
 *
 * The application may have said how long it waits (TCP_USER_TIMEOUT), and the
 * system says it (tcp_retries2): the host's retransmission timer knows, and the
 * engine does not. The timer counts from when the data was first sent (tcp_timer.c,
 * retransmits_timed_out()), so nothing is lost by its starting later.
 */
bool toe_stalled(struct toe_flow *flow, const struct sock *sk);

/**
 * toe_keepalive() - is a probe that the stack sends one of SO_KEEPALIVE?
 * @sk: locked, or in its spinlock
 */
bool toe_keepalive(struct sock *sk);

/**
 * toe_keepalive_repeat() - the stack sends its last keepalive once more
 * @sk: locked; the one that it counts as unanswered has not reached the wire
 */
void toe_keepalive_repeat(struct sock *sk);

#endif /* _TOE_STALL_H */
