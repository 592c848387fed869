/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection's next packets, one in each direction, as the firewall leaves
 * them: what a candidate's entry in conntrack is, where it is not found by name,
 * and which marks the rules have set.
 */
#ifndef _TOE_SIGHT_H
#define _TOE_SIGHT_H

#include <linux/toe.h>

struct net;
struct nf_conn;

enum toe_sight_dir {
	TOE_SIGHT_IN,
	TOE_SIGHT_OUT,

	__TOE_SIGHT_DIR_MAX
};

/**
 * struct toe_sight - what was seen
 * @ct: the entry of a packet, referenced; NULL: none had one
 * @ct_dir: enum ip_conntrack_dir of what the host sends, with @ct
 * @invalid: a packet had no entry although conntrack saw it
 * @mark: by direction
 * @ifindex: where the packet went out
 */
struct toe_sight {
	struct nf_conn	*ct;
	u8		ct_dir;
	bool		invalid;
	u32		mark[__TOE_SIGHT_DIR_MAX];
	int		ifindex;
};

/**
 * toe_sight() - wait for a packet in each direction
 * @net: where
 * @t: the connection
 * @s: what was seen; @s->ct for nf_conntrack_put(), also when it failed.
 *	nf_conntrack must be held by the caller until then, if it is loaded
 *
 * Context: process, sleeps up to half a second.
 * Return: TOE_REASON_NONE; TOE_REASON_UNSEEN when a direction was silent;
 * TOE_REASON_MEMORY.
 */
enum toe_reason toe_sight(struct net *net, const struct toe_tuple *t,
			  struct toe_sight *s);

int toe_sight_init(void);
void toe_sight_exit(void);

#endif /* _TOE_SIGHT_H */
