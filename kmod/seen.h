/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Has the stack seen packets of a connection, in both directions, under the
 * firewall's rules as they are?
 */
#ifndef _TOE_SEEN_H
#define _TOE_SEEN_H

#include <linux/types.h>

struct sock;

/**
 * struct toe_seen - of a flow
 * @generation: of the firewall, under which it was admitted last; 0: none
 * @home_ns: ktime when it came home last
 * @from_ns: @snd_nxt and @edge are of then, or of soon after
 * @snd_nxt: what was sent before lies below
 * @edge: the right window edge that the peer was promised
 */
struct toe_seen {
	u32	generation;
	u64	home_ns;
	u64	from_ns;
	u32	snd_nxt;
	u32	edge;
};

/**
 * toe_seen_home() - a flow comes home
 * @seen: of the flow; its lock held
 * @sk: its socket, locked, native again
 */
void toe_seen_home(struct toe_seen *seen, const struct sock *sk);

/**
 * toe_seen() - has it been seen?
 * @seen: of the flow; its lock held
 * @generation: of the rules
 * @changed_ns: ktime of their last change
 * @sk: its socket; if it is not locked the answer may be late
 *
 * Return: true when the rules are those of its last admission, or the stack has
 * since sent a packet of it that reached the peer, and received one that says so.
 */
bool toe_seen(struct toe_seen *seen, u32 generation, u64 changed_ns,
	      const struct sock *sk);

#endif /* _TOE_SEEN_H */
