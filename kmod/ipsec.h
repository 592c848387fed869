/* SPDX-License-Identifier: GPL-2.0-only */
/* Does IPsec have a say in a connection? */
#ifndef _TOE_IPSEC_H
#define _TOE_IPSEC_H

#include <linux/toe.h>

struct dst_entry;
struct sock;

/**
 * toe_ipsec_out() - does a policy transform or stop what the connection sends?
 * @sk: locked, or in its spinlock
 * @dst: its route, NULL when it has none
 * @err: why it has none
 */
bool toe_ipsec_out(const struct sock *sk, const struct dst_entry *dst, int err);

/**
 * toe_ipsec_in() - would a policy refuse plain packets of the peer?
 * @sk: locked, or in its spinlock
 * @t: its name
 * @dst: its route
 *
 * Return: TOE_REASON_NONE, TOE_REASON_XFRM or TOE_REASON_MEMORY.
 */
enum toe_reason toe_ipsec_in(struct sock *sk, const struct toe_tuple *t,
			     const struct dst_entry *dst);

#endif /* _TOE_IPSEC_H */
