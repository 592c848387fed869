/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a BPF program tells the module about a connection. Both sides include
 * this; the module trusts nothing in it.
 */
#ifndef _TOE_SIGNAL_H
#define _TOE_SIGNAL_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <linux/toe.h>

/**
 * struct toe_signal - the rule under which a connection is a candidate
 * @threshold: bytes, acknowledged and received together, that make it heavy;
 *	what it has to move again after a return before it is tried again
 * @min_rate: bytes per second; slower than this for @dwell_ms and it may be
 *	returned; 0: never for that
 * @dwell_ms: milliseconds
 * @max_flows: how many flows the rule may have on engines; 0: no limit
 * @prio: the rule's priority, 1 to TOE_RULE_PRIO_MAX, which is its name
 * @flags: TOE_SIGNAL_*
 * @engine: name of the engine, ended by a zero; empty: any
 * @ct_mark: the mark that its conntrack entry must have; no bit outside of
 *	@ct_mask. A sockops program cannot see that: the module looks
 * @ct_mask: the bits that count; 0: none do
 * @pkt_mark: the mark that the firewall must leave on its packets, likewise
 * @pkt_mask: the bits that count; 0: none do
 */
struct toe_signal {
	__u64	threshold;
	__u64	min_rate;
	__u32	dwell_ms;
	__u32	max_flows;
	__u32	prio;
	__u32	flags;
	char	engine[TOE_ENGINE_NAME_LEN];
	__u32	ct_mark;
	__u32	ct_mask;
	__u32	pkt_mark;
	__u32	pkt_mask;
};

/* The rule says never */
#define TOE_SIGNAL_NEVER	(1u << 0)
/* @ct_mark must not be there; @pkt_mark must not be */
#define TOE_SIGNAL_NO_CTMARK	(1u << 1)
#define TOE_SIGNAL_NO_PKTMARK	(1u << 2)
/* The rule says careful: not while a rule of the firewall must see each packet */
#define TOE_SIGNAL_CAREFUL	(1u << 3)

/*
 * A connection that a rule with a higher threshold wants is *light* until it has
 * moved TOE_LIGHT_BYTES. Most never move more. Nothing is stored for one that is
 * light: callback bits of its socket, whose events hardly ever come, say that it is,
 * and how it was made. Only a connection of which no other sockops program hears is
 * marked so: others may want these bits for themselves, and then nobody could tell.
 */
#define TOE_LIGHT_BYTES		65536
#define TOE_CB_LIGHT		BPF_SOCK_OPS_PARSE_UNKNOWN_HDR_OPT_CB_FLAG
#define TOE_CB_ACCEPTED		BPF_SOCK_OPS_RETRANS_CB_FLAG
#define TOE_CB_CONNECTED	BPF_SOCK_OPS_RTO_CB_FLAG

/* @bits: a socket's callback bits */
static inline int toe_cb_light(__u32 bits)
{
	return (bits & TOE_CB_LIGHT) && (bits & (TOE_CB_ACCEPTED | TOE_CB_CONNECTED));
}

#endif /* _TOE_SIGNAL_H */
