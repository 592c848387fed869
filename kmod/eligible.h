/* SPDX-License-Identifier: GPL-2.0-only */
/* May this connection be offloaded, and may it be now? */
#ifndef _TOE_ELIGIBLE_H
#define _TOE_ELIGIBLE_H

#include <linux/toe.h>

struct sock;

/**
 * toe_eligible() - is this the kind of connection that can be offloaded?
 * @sk: locked
 *
 * Its way is another question, see way.h.
 *
 * Return: TOE_REASON_NONE when it is, else why not.
 */
enum toe_reason toe_eligible(const struct sock *sk);

/**
 * toe_unfit() - has the application asked for what an engine cannot do?
 * @sk: locked; in its spinlock with someone owning it the answer may be late
 *
 * The part of toe_eligible() that may change at any time, without a word: no
 * socket option tells the module.
 */
enum toe_reason toe_unfit(const struct sock *sk);

/**
 * toe_calm() - is nothing out of order on the connection at this moment?
 * @sk: locked
 *
 * What is not acknowledged goes with the state as "already sent"; what is known
 * of losses, data that arrived out of order, and urgent data cannot go with it.
 * Nor can the time for which the peer has let something go unanswered: with half
 * a retransmission timeout gone, or a probe out, the stack waits for the rest.
 *
 * Return: TOE_REASON_NONE when nothing is, TOE_REASON_URGENT or
 * TOE_REASON_NOT_CALM. It may pass.
 */
enum toe_reason toe_calm(const struct sock *sk);

/* Was it only this moment that was bad? */
static inline bool toe_may_pass(enum toe_reason reason)
{
	return reason == TOE_REASON_NOT_CALM || reason == TOE_REASON_URGENT;
}

#endif /* _TOE_ELIGIBLE_H */
