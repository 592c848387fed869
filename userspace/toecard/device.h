/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The face towards the host: the virtio-toe device (docs/virtio-toe.md). It
 * takes messages from the rings, checks them, and calls flow.h; what stands
 * here is what the flows call back.
 */
#ifndef TOECARD_DEVICE_H
#define TOECARD_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>

#include <linux/virtio_toe.h>
#include <toe/state.h>

#include "loop.h"

struct card;
struct device;
struct device_cmd;	/* a control chain that waits for its reply */

/* Payload of a tx message, by reference in the host's memory */
#define DEVICE_TX_IOV	64

/**
 * struct device_tx - a DATA message from the host, still in its memory
 * @next: for the flow's use, to queue it
 * @id: flow id, as the host said it
 * @seq: sequence number of the first byte
 * @len: payload bytes in iov
 * @rcv_edge: credit
 * @iov: the payload; already bounds-checked; the host may change the bytes at
 *	any time, so never read a byte twice and decide on it
 * @niov: how many
 */
struct device_tx {
	struct device_tx *next;
	uint32_t id;
	uint32_t seq;
	uint32_t len;
	uint32_t rcv_edge;
	struct iovec iov[DEVICE_TX_IOV];
	unsigned int niov;
	/* device.c's own */
	uint16_t head;
	uint16_t pair;
};

struct device_config {
	const char *socket_path;	/* vhost-user, listening */
	uint32_t max_flows;
	uint8_t mac[6];
	bool ipv6;			/* offer VIRTIO_TOE_F_IPV6 */
};

struct device *device_new(struct loop *l, struct card *c,
			  const struct device_config *cfg);
/* Tells the host that the device fails, then resets the flows. */
void device_free(struct device *d);

/* Answers a command; cmd is gone afterwards. st may be NULL. Every command gets
 * exactly one reply, but may get it much later.
 */
void device_reply(struct device *d, struct device_cmd *cmd, uint32_t status,
		  const struct toe_state *st);

/* Gives a tx message back: its bytes were copied out or thrown away. */
void device_tx_done(struct device *d, struct device_tx *tx);

/* Looks at the next posted rx buffer without taking it: fills iov (at most
 * max entries) with its payload room, returns how many, or -EAGAIN when there is none
 * (flow_rx_ready() is called when there is one again). What is written there
 * counts only if device_rx_send() follows before the next device_rx_send() and
 * before the loop gets control back.
 */
int device_rx_peek(struct device *d, struct iovec *iov, int max);

/* Takes that buffer and sends it to the host with this head; msg->len bytes of
 * payload have been written to its iov (0 for an ACK; then peek need not have been called).
 * -EAGAIN when there is no buffer. Host-endian fields, converted here.
 */
struct device_rx {
	uint32_t id;
	uint16_t type;		/* VIRTIO_TOE_RX_* */
	uint32_t seq;
	uint32_t len;
	uint32_t snd_una;
	uint32_t snd_wnd;
	uint32_t srtt_us;
};
int device_rx_send(struct device *d, const struct device_rx *msg);
/* A message of type INFO. 0 also when the driver's buffer is too small for it. */
struct repair_counts;
int device_rx_info(struct device *d, const struct device_rx *msg,
		   const struct repair_counts *counts);
/* Has the driver agreed to VIRTIO_TOE_RX_INFO? */
bool device_wants_info(struct device *d);

/* A frame on the wire, or VIRTIO_TOE_CAPTURE_END. Host-endian, converted here. */
struct device_frame {
	uint32_t id;
	uint16_t type;		/* VIRTIO_TOE_CAPTURE_* */
	uint32_t len;		/* on the wire */
	uint32_t caplen;	/* of these are at data */
	uint64_t time_ns;	/* since 1970 */
	uint64_t dropped;
	const void *data;
};

/* Bytes of a frame for which the next capture buffer has room, or -EAGAIN when
 * there is none (capture_ready() is called when there is one again).
 */
int device_capture_room(struct device *d);
/* Sends it in that buffer; -EAGAIN as above, -EINVAL when it does not fit. */
int device_capture_send(struct device *d, const struct device_frame *f);

/* VIRTIO_TOE_EV_*. Without a buffer for it the event waits here; -EAGAIN when
 * as many as there may be flows wait already, or when the device does not run.
 */
int device_event(struct device *d, uint16_t type, uint32_t id);

/* One JSON object for the control socket: counters */
void device_status_json(struct device *d, FILE *out);

/* Interrupts are gathered: the device tells the host of what was done once the
 * loop's current round is over.
 */

#endif
