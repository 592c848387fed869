/* SPDX-License-Identifier: GPL-2.0-only */
/* The congestion control of a shadow socket. */
#ifndef _TOE_CC_H
#define _TOE_CC_H

#include <linux/types.h>

struct sock;
struct toe_flow;

/**
 * toe_cc_mute() - no tail loss probe from now on
 * @sk: locked, native; or soon a shadow
 *
 * The retransmission timer stands. toe_cc_install() goes on with it.
 */
void toe_cc_mute(struct sock *sk);

/**
 * toe_cc_unmute() - tail loss probes again
 * @sk: locked; it may be closed, or another connection by now
 */
void toe_cc_unmute(struct sock *sk);

/**
 * toe_cc_install() - put the shadow's congestion control in
 * @flow: keeps the old one
 * @sk: locked
 */
void toe_cc_install(struct toe_flow *flow, struct sock *sk);

/**
 * toe_cc_sent() - data goes out
 * @sk: locked
 *
 * The retransmission timer is at its longest while data is out, and what the stack
 * makes of the round-trip time while none is.
 */
void toe_cc_sent(struct sock *sk);

/**
 * toe_cc_remove() - put the old congestion control back
 * @flow: has it
 * @sk: locked
 *
 * Does nothing when the stack or the application has replaced ours.
 */
void toe_cc_remove(struct toe_flow *flow, struct sock *sk);

/**
 * toe_cc_flow() - the flow of a shadow socket
 * @sk: locked
 *
 * Return: the flow, or NULL when ours is not the congestion control.
 */
struct toe_flow *toe_cc_flow(const struct sock *sk);

#endif /* _TOE_CC_H */
