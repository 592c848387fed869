/* SPDX-License-Identifier: GPL-2.0-only */
/* What connection tracking knows of a connection, where it is loaded. */
#ifndef _TOE_CONNTRACK_H
#define _TOE_CONNTRACK_H

#include <linux/toe.h>

struct net;
struct nf_conn;
struct toe_signal;

/**
 * struct toe_entry - a connection's entry in conntrack
 * @ct: the entry, referenced, its IPS_OFFLOAD ours, and module nf_conntrack is
 *	held; NULL: none
 * @dir: enum ip_conntrack_dir of what the host sends
 */
struct toe_entry {
	struct nf_conn	*ct;
	u8		dir;
};

/**
 * toe_conntrack_ask() - may the connection's packets go around the firewall?
 * @net: where
 * @t: its name
 * @sig: the rule that makes it a candidate; NULL: an administrator asks
 * @ifindex: of the interface that its route leads through
 * @entry: its entry, for toe_entry_put(); NULL: only look
 *
 * May wait for packets of it, half a second at the most.
 *
 * Context: process, sleeps.
 * Return: TOE_REASON_NONE; or TOE_REASON_NAT, HELPER, EXPECTED, INVALID, MARK,
 * CONNTRACK, ROUTE, UNSEEN or MEMORY, and then @entry is empty.
 */
enum toe_reason toe_conntrack_ask(struct net *net, const struct toe_tuple *t,
				  const struct toe_signal *sig, int ifindex,
				  struct toe_entry *entry);

/**
 * toe_entry_put() - let an entry go
 * @entry: of toe_conntrack_ask(); empty afterwards, and may be before
 *
 * Context: process.
 */
void toe_entry_put(struct toe_entry *entry);

#endif /* _TOE_CONNTRACK_H */
