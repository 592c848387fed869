/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF programs and the processes that load them share.
 */
#ifndef _TOE_BPF_H
#define _TOE_BPF_H

#include <linux/types.h>
#include <linux/toe.h>

/*
 * card.bpf.c: steering on the card's wire port. Two maps, both keyed by struct
 * toe_tuple, because they have different writers: user space replaces elements
 * of "steer" while packets flow, the programs write into elements of "guard".
 */

/* Map "steer": where the frames of a flow go. No element: to the host. */
enum toe_steer {
	TOE_STEER_HOLD = 1,	/* to the tap hold0, all of them, in order */
	TOE_STEER_CARD = 2,	/* into the card's stack, but not SYN, FIN, RST */
};

/**
 * struct toe_guard - map "guard": what the card's stack may say for a flow, and
 *	what it said; no element: nothing
 * @iw: congestion window that the restored socket starts with, segments
 * @rcv_wscale: shift of the window in what the card sends
 * @zero: zero
 * @ip_id: identification of the next IPv4 packet
 * @snd_nxt: one past the highest sequence number seen on the wire; at first
 *	what the host had sent
 * @rcv_edge: the highest right window edge advertised; at first the host's
 * @own_edge: the highest right window edge that the card's stack chose, before
 *	it was cut down to the host's credit; at first the host's
 * @rcv_nxt: the newest acknowledgement sent
 * @tsval: the newest timestamp sent
 * @tsecr: the timestamp echoed with it; at first what the host echoed
 * @flow_label: the host's flow label
 * @label_xor: makes it of that of the card's stack; see TOE_GUARD_LABEL
 * @sent: TOE_GUARD_*
 * @refused: SYN, FIN and RST of the card's stack that were dropped
 */
struct toe_guard {
	__u32	iw;
	__u8	rcv_wscale;
	__u8	zero;
	__u16	ip_id;
	__u32	snd_nxt;
	__u32	rcv_edge;
	__u32	own_edge;
	__u32	rcv_nxt;
	__u32	tsval;
	__u32	tsecr;
	__u32	flow_label;
	__u32	label_xor;
	__u32	sent;
	__u32	refused;
};
#define TOE_GUARD_SENT		(1u << 0)	/* anything was sent */
#define TOE_GUARD_SENT_TS	(1u << 1)	/* and with timestamps */
#define TOE_GUARD_LABEL		(1u << 2)	/* label_xor is known */

/**
 * struct toe_credit - map "credit", keyed by struct toe_tuple
 * @edge: the right window edge that the host has room for. The card's stack has
 *	memory of its own and would promise the peer more; what it advertises is cut
 *	down to this
 * @tell: the next probe of the card's stack is to tell the peer of its window: it
 *	goes out with a sequence number that the peer does not discard
 */
struct toe_credit {
	__u32	edge;
	__u32	tell;
};

/*
 * Map "heartbeat", one element: CLOCK_MONOTONIC when toecard last said that it
 * lives. Older than this and the card counts as dead: everything goes to the
 * host, nothing of the card's stack goes out.
 */
#define TOE_HEARTBEAT_NS	2000000000ULL

/**
 * struct toe_card_capture - map "capture", keyed by struct toe_tuple: flows whose
 *	frames are shown, while "capturing" is not 0
 * @flow: its id
 * @zero: zero
 * @dropped: frames for which the ring "frames" had no room
 */
struct toe_card_capture {
	__u32	flow;
	__u32	zero;
	__u64	dropped;
};
#define TOE_CARD_CAPTURES	16	/* elements of "capture" */

/**
 * struct toe_card_frame - a record of the ring "frames": a frame on the wire, and
 *	@caplen bytes of it behind
 * @time_ns: CLOCK_MONOTONIC
 * @dropped: toe_card_capture.dropped then
 * @flow: toe_card_capture.flow
 * @len: bytes on the wire
 * @caplen: bytes here, at most TOE_FRAME_MAX
 * @segment: of a packet that the port cuts into frames, the how manieth this is
 * @gso_size: payload of each of these frames but the last, 0: it is none such
 * @sent: it goes to the wire, else it comes from there
 * @last: it is the last one of its packet
 * @zero: zero
 *
 * A packet that the port cuts stands here as frames already, but the headers of
 * all are the packet's: who reads them sets lengths, numbers and checksums.
 */
struct toe_card_frame {
	__u64	time_ns;
	__u64	dropped;
	__u32	flow;
	__u32	len;
	__u32	caplen;
	__u32	segment;
	__u16	gso_size;
	__u8	sent;
	__u8	last;
	__u32	zero;
};
#define TOE_FRAME_MAX		16384
#define TOE_FRAMES_BYTES	(16u << 20)	/* of the ring */

/* Map "card_count", per CPU, indexed by this */
enum toe_card_count {
	TOE_CARD_HELD,		/* frames redirected to hold0 */
	TOE_CARD_PASSED,	/* frames let into the card's stack */
	TOE_CARD_TO_HOST,	/* frames of an offloaded flow sent to the host */
	TOE_CARD_ICMP_BOTH,	/* ICMP errors shown to both stacks */
	TOE_CARD_HOST_DROPPED,	/* SYN, FIN, RST of the host, flow offloaded */
	TOE_CARD_GUARD_FLAGS,	/* SYN, FIN, RST of the card's stack, dropped */
	TOE_CARD_GUARD_OTHER,	/* anything else it had no business to say */

	__TOE_CARD_COUNT_MAX
};

#endif /* _TOE_BPF_H */
