/* SPDX-License-Identifier: GPL-2.0-only */
/* What connection tracking knows of a connection, where it is loaded. */
#ifndef _TOE_CONNTRACK_H
#define _TOE_CONNTRACK_H

#include <linux/toe.h>

struct net;

/**
 * toe_conntrack_ask() - may the connection's packets go around conntrack?
 * @net: where
 * @t: its name
 *
 * Context: process.
 * Return: TOE_REASON_NONE, or TOE_REASON_NAT when somebody changes its addresses,
 * ports or sequence numbers on the way, so that the wire shows another
 * connection than the socket.
 */
enum toe_reason toe_conntrack_ask(struct net *net, const struct toe_tuple *t);

#endif /* _TOE_CONNTRACK_H */
