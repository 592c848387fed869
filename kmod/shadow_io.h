/* SPDX-License-Identifier: GPL-2.0-only */
/* What the shadow's parts share: shadow.c, shadow_rx.c, shadow_tx.c, unsend.c. */
#ifndef _TOE_SHADOW_IO_H
#define _TOE_SHADOW_IO_H

#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "flow.h"

/* Room in front of a fed payload for the IP and TCP headers */
#define TOE_HEADROOM	ALIGN(sizeof(struct ipv6hdr) + sizeof(struct tcphdr), 16)

/**
 * toe_segment() - put the headers in front of a payload
 * @flow: its lock held
 * @sk: the flow's socket
 * @skb: the payload, TOE_HEADROOM in front
 * @seq: sequence number of its first byte
 * @len: bytes
 */
void toe_segment(struct toe_flow *flow, const struct sock *sk,
		 struct sk_buff *skb, u32 seq, u32 len);

/**
 * toe_feed() - feed what waits
 * @flow: its lock not held
 * @sk: locked: by bh_lock_sock() and owned by nobody, or by lock_sock() with an
 *	empty backlog and the flow draining
 * @force: whether or not there is room
 */
void toe_feed(struct toe_flow *flow, struct sock *sk, bool force);

/**
 * toe_rx_unwanted() - will nobody read what comes?
 * @sk: locked
 *
 * The stack answers it with a reset, which has to wait until the engine has let go,
 * as it would not let it pass, and until the socket's FIN is out.
 */
bool toe_rx_unwanted(const struct sock *sk);

/**
 * toe_push_due() - does data wait that an acknowledgement would send?
 * @sk: locked
 *
 * Not what is held back (TCP_CORK) or faces a window that is shut: that has a timer,
 * which an acknowledgement would start anew (tcp_ack_probe(), net/ipv4/tcp_input.c).
 */
bool toe_push_due(const struct sock *sk);

/* Looks again in a while. */
void toe_rx_retry(struct toe_flow *flow);

/**
 * toe_queue_xmit() - a shadow's icsk_af_ops->queue_xmit
 * @sk: locked
 * @skb: a segment, skb->data at its TCP header; consumed
 * @fl: the socket's flow key, not used
 *
 * Return: 0.
 */
int toe_queue_xmit(struct sock *sk, struct sk_buff *skb, struct flowi *fl);

/**
 * toe_transmit() - payload to the engine, or behind what already waits
 * @flow: see @sk
 * @sk: locked
 * @skb: consumed
 * @offset: of the payload in it
 * @seq: of the payload's first byte
 */
void toe_transmit(struct toe_flow *flow, struct sock *sk, struct sk_buff *skb,
		  u32 offset, u32 seq);

/**
 * toe_credit() - tell the engine of the window when that is an eighth more than
 *	it knows
 * @flow: on an engine
 *
 * The peer hears of it a message later than from a stack. With much larger steps its
 * window grows slower, a round trip for each time that it would have doubled.
 *
 * Context: the socket locked, or in its spinlock with someone owning it.
 */
void toe_credit(struct toe_flow *flow);

/**
 * toe_unsend() - from the retransmit queue back to the write queue
 * @sk: locked
 * @snd_nxt: everything from this sequence number on
 *
 * Return: bytes taken back.
 */
u32 toe_unsend(struct sock *sk, u32 snd_nxt);

/**
 * toe_no_dupacks() - the peer has sent no duplicate acknowledgement
 * @sk: locked
 *
 * Without SACK the stack counts duplicates as segments that have left the network
 * (tcp_add_reno_sack(), net/ipv4/tcp_input.c). Those that a shadow is fed to make it
 * send are none of the peer's, which the engine's TCP counts; and when what they
 * were counted for is un-sent, there would be more of them than there are segments.
 */
void toe_no_dupacks(struct sock *sk);

#endif /* _TOE_SHADOW_IO_H */
