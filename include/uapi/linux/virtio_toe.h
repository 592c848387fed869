/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * virtio-toe: a TCP offload engine as a virtio device. docs/virtio-toe.md
 * specifies it; this file gives its structures. Little-endian throughout.
 */
#ifndef _UAPI_LINUX_VIRTIO_TOE_H
#define _UAPI_LINUX_VIRTIO_TOE_H

#include <linux/types.h>
#include <linux/virtio_types.h>

/* No id is assigned; 38 is one that QEMU's vhost-user-test-device can carry. */
#define VIRTIO_ID_TOE			38

/* Feature bits */
#define VIRTIO_TOE_F_IPV6		0	/* the device carries IPv6 flows */
#define VIRTIO_TOE_F_MARKER		1	/* the device sends struct virtio_toe_marker */

#define VIRTIO_TOE_F_CAPTURE		2	/* the device shows frames: the capture queue */
#define VIRTIO_TOE_F_INFO		3	/* the device sends VIRTIO_TOE_RX_INFO */
#define VIRTIO_TOE_F_ECN		4	/* the device carries flows with RFC 3168 ECN */

/* Queues: 0 control, 1 event, then rx and tx pairs, then capture if agreed */
#define VIRTIO_TOE_VQ_CONTROL		0
#define VIRTIO_TOE_VQ_EVENT		1
#define VIRTIO_TOE_VQ_RX(pair)		(2 + 2 * (pair))
#define VIRTIO_TOE_VQ_TX(pair)		(3 + 2 * (pair))
#define VIRTIO_TOE_VQ_CAPTURE(pairs)	VIRTIO_TOE_VQ_RX(pairs)

/**
 * struct virtio_toe_config - device configuration, read once at probe
 * @version: version of docs/virtio-toe.md the device follows
 * @max_flows: flows the device can carry at once
 * @max_tx_len: most payload bytes one tx message may have
 * @num_pairs: rx/tx pairs
 * @mac: address of the port the device serves; the host's interface has it
 * @reserved: zero
 */
struct virtio_toe_config {
	__le32	version;
	__le32	max_flows;
	__le32	max_tx_len;
	__le16	num_pairs;
	__u8	mac[6];
	__u8	reserved[44];
};
#define VIRTIO_TOE_VERSION		1

/* Commands on the control queue: struct virtio_toe_cmd.cmd */
#define VIRTIO_TOE_CMD_PREPARE		1	/* hold the flow's frames */
#define VIRTIO_TOE_CMD_OPEN		2	/* restore it from cmd.state */
#define VIRTIO_TOE_CMD_CLOSE		3	/* stop, hold, report reply.state */
#define VIRTIO_TOE_CMD_RELEASE		4	/* forget it, frames go to the host */
#define VIRTIO_TOE_CMD_INJECT		5	/* an IP packet that reached the host late */
#define VIRTIO_TOE_CMD_PING		6	/* are you there */
#define VIRTIO_TOE_CMD_CAPTURE_START	7	/* show the flow's frames */
#define VIRTIO_TOE_CMD_CAPTURE_STOP	8	/* and no more */

/* struct virtio_toe_reply.status */
#define VIRTIO_TOE_S_OK			0
#define VIRTIO_TOE_S_INVAL		1	/* malformed or impossible command */
#define VIRTIO_TOE_S_NOENT		2	/* no such flow */
#define VIRTIO_TOE_S_EXIST		3	/* id or tuple in use */
#define VIRTIO_TOE_S_FULL		4	/* no room for another flow */
#define VIRTIO_TOE_S_UNSUPP		5	/* state that the device cannot carry */
#define VIRTIO_TOE_S_FAIL		6	/* the device could not do it */

/* Bytes before a reply's end that only CLOSE fills are zero in the others. */
struct virtio_toe_tuple {
	__be32	local_addr[4];
	__be32	remote_addr[4];
	__be16	local_port;
	__be16	remote_port;
	__le16	family;			/* 2: IPv4, 10: IPv6 */
	__le16	zero;
};

/* Field by field struct toe_state of include/toe/state.h */
struct virtio_toe_state {
	struct virtio_toe_tuple tuple;
	__u8	src_mac[6];
	__u8	dst_mac[6];
	__le32	options;		/* VIRTIO_TOE_OPT_* == TOE_OPT_* */
	__le32	snd_una;
	__le32	snd_nxt;
	__le32	snd_wnd;
	__le32	snd_wl1;
	__le32	max_window;
	__le32	rcv_nxt;
	__le32	rcv_wup;
	__le32	rcv_wnd;
	__le32	tsval;
	__le32	ts_recent;
	__le32	snd_cwnd;
	__le32	snd_ssthresh;
	__le32	srtt_us;
	__le32	rttvar_us;
	__le32	mss_cache;
	__le32	mss_clamp;
	__le32	advmss;
	__le32	rcv_mss;
	__le32	pmtu;
	__le32	sndbuf;
	__le32	rcvbuf;
	__le32	retrans;
	__u8	snd_wscale;
	__u8	rcv_wscale;
	__u8	tos;
	__u8	ttl;
	__u8	ca_name[16];
	__le32	flow_label;
	__le16	ip_id;
	__le16	zero;
};

/**
 * struct virtio_toe_cmd - device-readable part of a control chain
 * @cmd: VIRTIO_TOE_CMD_*
 * @reserved: zero
 * @flow: the flow's id, chosen by the driver, not 0, not reused while the
 *	device may know it; 0 for PING
 * @len: bytes that follow in the chain: an IP packet for INJECT, struct
 *	virtio_toe_capture for CAPTURE_START, else 0
 * @state: for PREPARE only .tuple counts, for OPEN all; else zero
 */
struct virtio_toe_cmd {
	__le16	cmd;
	__le16	reserved;
	__le32	flow;
	__le32	len;
	struct virtio_toe_state state;
};

/**
 * struct virtio_toe_reply - device-writable part of a control chain
 * @status: VIRTIO_TOE_S_*
 * @flow: as in the command
 * @state: for CLOSE the final state; else zero
 */
struct virtio_toe_reply {
	__le32	status;
	__le32	flow;
	struct virtio_toe_state state;
};

/* struct virtio_toe_tx_hdr.type */
#define VIRTIO_TOE_TX_DATA		1	/* payload follows */
#define VIRTIO_TOE_TX_CREDIT		2	/* only rcv_edge counts */

/**
 * struct virtio_toe_tx_hdr - head of a tx chain, device-readable
 * @flow: the flow's id
 * @type: VIRTIO_TOE_TX_*
 * @reserved: zero
 * @seq: TCP sequence number of the first payload byte
 * @len: payload bytes that follow in the chain
 * @rcv_edge: the device may deliver bytes before this sequence number
 */
struct virtio_toe_tx_hdr {
	__le32	flow;
	__le16	type;
	__le16	reserved;
	__le32	seq;
	__le32	len;
	__le32	rcv_edge;
};

/* struct virtio_toe_rx_hdr.type */
#define VIRTIO_TOE_RX_DATA		1	/* payload follows */
#define VIRTIO_TOE_RX_ACK		2	/* no payload */
#define VIRTIO_TOE_RX_INFO		3	/* struct virtio_toe_info follows */

/**
 * struct virtio_toe_rx_hdr - head of an rx chain, device-writable; the first
 *	descriptor of the chain has exactly this size, the payload starts in the
 *	next
 * @flow: the flow's id
 * @type: VIRTIO_TOE_RX_*
 * @reserved: zero
 * @seq: TCP sequence number of the first payload byte; rcv_nxt for ACK and INFO
 * @len: payload bytes; the structure's for INFO
 * @snd_una: first byte the peer has not acknowledged
 * @snd_wnd: peer's window from @snd_una, bytes
 * @srtt_us: smoothed round-trip time, microseconds
 * @reserved2: zero
 */
struct virtio_toe_rx_hdr {
	__le32	flow;
	__le16	type;
	__le16	reserved;
	__le32	seq;
	__le32	len;
	__le32	snd_una;
	__le32	snd_wnd;
	__le32	srtt_us;
	__le32	reserved2;
};

/**
 * struct virtio_toe_info - what the device's TCP knows of a flow
 * @rttvar_us: mean deviation of the round-trip time, microseconds
 * @segs_out: segments sent, retransmissions and acknowledgements among them
 * @segs_in: segments received
 * @data_segs_in: those with payload
 * @retrans: segments sent again
 * @retrans_bytes: their payload
 * @timeouts: of the retransmission timer
 * @unanswered: of these since the peer last acknowledged something
 *
 * The counters count from OPEN on, modulo 2^32.
 */
struct virtio_toe_info {
	__le32	rttvar_us;
	__le32	segs_out;
	__le32	segs_in;
	__le32	data_segs_in;
	__le32	retrans;
	__le32	retrans_bytes;
	__le32	timeouts;
	__le32	unanswered;
};

/* struct virtio_toe_event.type */
#define VIRTIO_TOE_EV_RETURN		1	/* the device wants the flow closed */
#define VIRTIO_TOE_EV_FAILED		2	/* the device fails; flow is 0 */

/**
 * struct virtio_toe_event - an event buffer, device-writable
 * @type: VIRTIO_TOE_EV_*
 * @reserved: zero
 * @flow: the flow's id
 */
struct virtio_toe_event {
	__le16	type;
	__le16	reserved;
	__le32	flow;
};

/**
 * struct virtio_toe_capture - what follows CAPTURE_START
 * @snaplen: most bytes of a frame to show, at least 1
 * @reserved: zero
 */
struct virtio_toe_capture {
	__le32	snaplen;
	__le32	reserved;
};

/* struct virtio_toe_capture_hdr.type */
#define VIRTIO_TOE_CAPTURE_RECEIVED	1	/* a frame came from the wire */
#define VIRTIO_TOE_CAPTURE_SENT		2	/* a frame went to the wire */
#define VIRTIO_TOE_CAPTURE_END		3	/* no more of this flow */

/**
 * struct virtio_toe_capture_hdr - head of a capture chain, device-writable
 * @flow: the flow's id
 * @type: VIRTIO_TOE_CAPTURE_*
 * @reserved: zero
 * @len: bytes of the frame on the wire; 0 for END
 * @caplen: of these follow; 0 for END
 * @time_ns: when, by the device's clock, nanoseconds since 1970-01-01 UTC
 * @dropped: frames of this flow that could not be shown, since CAPTURE_START
 */
struct virtio_toe_capture_hdr {
	__le32	flow;
	__le16	type;
	__le16	reserved;
	__le32	len;
	__le32	caplen;
	__le64	time_ns;
	__le64	dropped;
};

#define VIRTIO_TOE_MARKER_ETHERTYPE	0x88b5	/* IEEE 802, local experimental */
#define VIRTIO_TOE_MARKER_MAGIC		0x31656f74	/* "toe1" */

/**
 * struct virtio_toe_marker - a frame on the host's port that says that the
 *	frames of a flow end here
 * @dst: the host's address
 * @src: the same
 * @ethertype: VIRTIO_TOE_MARKER_ETHERTYPE
 * @magic: VIRTIO_TOE_MARKER_MAGIC
 * @flow: the flow's id
 * @zero: up to the shortest frame
 *
 * Sent for each PREPARE that succeeds, by the way that the flow's frames take to
 * the host, behind the last of them. With VIRTIO_TOE_F_MARKER the driver takes
 * a flow as prepared when it has both the reply and the marker.
 */
struct virtio_toe_marker {
	__u8	dst[6];
	__u8	src[6];
	__be16	ethertype;
	__le32	magic;
	__le32	flow;
	__u8	zero[38];
} __attribute__((packed));

#endif /* _UAPI_LINUX_VIRTIO_TOE_H */
