/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flows on the card: what the device asks of them. A flow lives
 * HELD (prepared) -> RESTORING (open, waits for the sent-but-unacked bytes)
 * -> RUNNING -> CLOSED (frames held, state reported) -> gone (released).
 */
#ifndef TOECARD_FLOW_H
#define TOECARD_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>

#include <toe/state.h>

#include "device.h"
#include "loop.h"

struct card;

struct card_config {
	const char *wire;	/* interface names */
	const char *host;
	const char *cgroup;	/* cgroup2 directory of toecard, for sockops */
	uint32_t max_flows;
};

/* Creates hold0, attaches the BPF programs. NULL after having logged why. */
struct card *card_new(struct loop *l, const struct card_config *cfg);
/* Detaches and removes everything; all flows go back to the host port. */
void card_free(struct card *c);
/* The device that carries the card's messages; set once, before any message */
void card_set_device(struct card *c, struct device *d);

/* Each of these answers cmd with device_reply(), at once or later. */
void flow_prepare(struct card *c, struct device_cmd *cmd, uint32_t id,
		  const struct toe_tuple *t);
void flow_open(struct card *c, struct device_cmd *cmd, uint32_t id,
	       const struct toe_state *st);
void flow_close(struct card *c, struct device_cmd *cmd, uint32_t id);
void flow_release(struct card *c, struct device_cmd *cmd, uint32_t id);
/* pkt is a copy: an IP packet from its IP header on */
void flow_inject(struct card *c, struct device_cmd *cmd, uint32_t id,
		 const void *pkt, size_t len);

/* Takes tx over; gives it back with device_tx_done(), perhaps at once */
void flow_transmit(struct card *c, struct device_tx *tx);
void flow_credit(struct card *c, uint32_t id, uint32_t rcv_edge);

/* rx buffers are there again */
void flow_rx_ready(struct card *c);

/* The device was reset or the host went away: every flow is released silently;
 * outstanding device_cmd and device_tx are forgotten, not answered.
 */
void flow_reset(struct card *c);

/* One JSON object for the control socket: flows, states, counters */
void card_status_json(struct card *c, FILE *out);

#endif
