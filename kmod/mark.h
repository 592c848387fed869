/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks by which the firewall says what may be offloaded: that of the conntrack
 * entry and that of the packets. BPF sees neither when it decides, so a rule
 * brings its conditions along (struct toe_signal), and they are tested here.
 */
#ifndef _TOE_MARK_H
#define _TOE_MARK_H

#include <linux/types.h>
#include <toe/signal.h>

/**
 * toe_mark_set_never() - choose the mark that is never offloaded
 * @mark: the mark, no bit outside of @mask
 * @mask: the bits that count; 0: there is no such mark
 */
void toe_mark_set_never(u32 mark, u32 mask);
void toe_mark_get_never(u32 *mark, u32 *mask);

/**
 * toe_mark_valid() - do the conditions of a rule make sense?
 * @sig: the rule
 */
bool toe_mark_valid(const struct toe_signal *sig);

/**
 * toe_mark_asks_packets() - do the packets' marks matter?
 * @sig: the rule; NULL: none
 */
bool toe_mark_asks_packets(const struct toe_signal *sig);

/**
 * toe_mark_same_packets() - do two rules ask the same of the packets' marks?
 * @a: one
 * @b: the other
 */
bool toe_mark_same_packets(const struct toe_signal *a,
			   const struct toe_signal *b);

/**
 * toe_mark_ct_ok() - may a connection with this entry be offloaded?
 * @sig: the rule; NULL: none
 * @mark: its mark; NULL: it has no entry, and a condition is met only by that
 *	which must not be there
 */
bool toe_mark_ct_ok(const struct toe_signal *sig, const u32 *mark);

/**
 * toe_mark_packets_ok() - may a connection with these packets be offloaded?
 * @sig: the rule; NULL: none
 * @in: mark of a packet that came in
 * @out: of one that went out
 *
 * A mark is there when a packet has it, in whichever direction.
 */
bool toe_mark_packets_ok(const struct toe_signal *sig, u32 in, u32 out);

#endif /* _TOE_MARK_H */
