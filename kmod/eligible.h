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
 * Return: TOE_REASON_NONE when it is, else why not.
 */
enum toe_reason toe_eligible(const struct sock *sk);

/**
 * toe_calm() - is nothing out of order on the connection at this moment?
 * @sk: locked
 *
 * What is not acknowledged goes with the state as "already sent"; what is known
 * of losses, and data that arrived out of order, cannot go with it.
 *
 * Return: TOE_REASON_NONE when it is calm, TOE_REASON_URGENT, TOE_REASON_NOT_CALM.
 */
enum toe_reason toe_calm(const struct sock *sk);

#endif /* _TOE_ELIGIBLE_H */
