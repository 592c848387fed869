/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * The state of a TCP connection as it moves between the host and an engine.
 * Shared by the kernel module, its drivers and the card. Names are tcp_sock's.
 */
#ifndef _TOE_STATE_H
#define _TOE_STATE_H

#include <linux/types.h>
#include <linux/toe.h>

/* struct toe_state.options */
#define TOE_OPT_TIMESTAMPS	(1u << 0)  /* RFC 7323 timestamps agreed */
#define TOE_OPT_TS_USEC		(1u << 1)  /* tsval counts microseconds, not ms */
#define TOE_OPT_SACK		(1u << 2)  /* RFC 2018 */
#define TOE_OPT_WSCALE		(1u << 3)  /* RFC 7323 window scaling agreed */
#define TOE_OPT_ECN		(1u << 4)  /* RFC 3168 agreed */
#define TOE_OPT_NODELAY		(1u << 5)  /* TCP_NODELAY set by the application */

/**
 * struct toe_state - a connection between two stacks
 * @tuple: its name
 * @src_mac: link-layer address the host sends from
 * @dst_mac: link-layer address of the next hop
 * @options: TOE_OPT_*
 * @snd_una: first byte the peer has not acknowledged
 * @snd_nxt: the next sequence number to send. In: what the host has sent. Out:
 *	one past the highest the engine has put on the wire; never too small
 * @snd_wnd: peer's window from @snd_una, bytes
 * @snd_wl1: sequence number of the segment that last updated @snd_wnd
 * @max_window: largest window the peer ever advertised, bytes
 * @rcv_nxt: next byte expected from the peer
 * @rcv_wup: @rcv_nxt when the window was last advertised
 * @rcv_wnd: window advertised then; @rcv_wup + @rcv_wnd is the right edge that
 *	was promised to the peer and must not shrink
 * @tsval: In: the timestamp the host would send now. Out: one the host may
 *	send, not older than any the engine sent
 * @ts_recent: the peer's last timestamp to echo
 * @snd_cwnd: congestion window, segments
 * @snd_ssthresh: slow start threshold, segments
 * @srtt_us: smoothed round-trip time, microseconds (not shifted)
 * @rttvar_us: its variance, microseconds (not shifted)
 * @mss_cache: payload of a full segment, bytes
 * @mss_clamp: the peer's MSS option (RFC 9293 3.7.1), bytes
 * @advmss: MSS advertised to the peer, bytes
 * @rcv_mss: estimate of the peer's segment size, bytes
 * @pmtu: path MTU, bytes
 * @sndbuf: sk_sndbuf, bytes
 * @rcvbuf: sk_rcvbuf, bytes
 * @retrans: Out: segments the engine has retransmitted
 * @snd_wscale: shift of the peer's window
 * @rcv_wscale: shift of our window
 * @tos: IPv4 TOS or IPv6 traffic class
 * @ttl: IPv4 TTL or IPv6 hop limit
 * @ca_name: congestion control the application wants
 * @flow_label: of IPv6
 * @ip_id: identification of the next IPv4 packet
 * @zero: zero
 */
struct toe_state {
	struct toe_tuple tuple;
	__u8	src_mac[6];
	__u8	dst_mac[6];
	__u32	options;
	__u32	snd_una;
	__u32	snd_nxt;
	__u32	snd_wnd;
	__u32	snd_wl1;
	__u32	max_window;
	__u32	rcv_nxt;
	__u32	rcv_wup;
	__u32	rcv_wnd;
	__u32	tsval;
	__u32	ts_recent;
	__u32	snd_cwnd;
	__u32	snd_ssthresh;
	__u32	srtt_us;
	__u32	rttvar_us;
	__u32	mss_cache;
	__u32	mss_clamp;
	__u32	advmss;
	__u32	rcv_mss;
	__u32	pmtu;
	__u32	sndbuf;
	__u32	rcvbuf;
	__u32	retrans;
	__u8	snd_wscale;
	__u8	rcv_wscale;
	__u8	tos;
	__u8	ttl;
	char	ca_name[TOE_CA_NAME_LEN];
	__u32	flow_label;
	__u16	ip_id;
	__u16	zero;
};

#endif /* _TOE_STATE_H */
