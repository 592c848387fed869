/* SPDX-License-Identifier: GPL-2.0-only */
/* IPsec policies that speak of a connection. */
#ifndef _TOE_IPSEC_H
#define _TOE_IPSEC_H

#include <linux/toe.h>

struct sock;

/**
 * toe_ipsec_ask() - does an IPsec policy ask for what comes in, or does
 *	the socket have one of its own?
 * @sk: its socket, locked
 * @t: its name
 *
 * Context: process, may sleep.
 * Return: TOE_REASON_NONE, TOE_REASON_XFRM, TOE_REASON_MEMORY.
 */
enum toe_reason toe_ipsec_ask(struct sock *sk, const struct toe_tuple *t);

#endif /* _TOE_IPSEC_H */
