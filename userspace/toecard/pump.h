/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes between the device's rings and a flow's socket, and the peer's word
 * about them.
 */
#ifndef TOECARD_PUMP_H
#define TOECARD_PUMP_H

#include <stdbool.h>
#include <stdint.h>

struct card;
struct device_tx;
struct flow;

void pump_init(struct card *c);
void pump_exit(struct card *c);

/* The flow's socket is restored: f->lf.fd. 0 or -errno */
int pump_start(struct flow *f);
/* Nothing moves any more; DATA not taken by the socket goes back. The socket
 * stays open.
 */
void pump_stop(struct flow *f);
/* Gives DATA back that nobody wants, or keeps it unanswered (device reset). */
void pump_drop_tx(struct flow *f, bool answer);

/* Asks the socket where it stands. */
void pump_refresh(struct flow *f);
/* The host has been told of f->snd_una and f->snd_wnd. */
void pump_told(struct flow *f);
/* Closing, and there is no rx buffer: flow_drain() is called when there is. */
void pump_starve(struct flow *f);

/* Queues DATA: trimmed to what is new. False after a gap; tx is gone then. */
bool pump_queue(struct flow *f, struct device_tx *tx);
/* The first n bytes of the queue's first message are with the socket. */
void pump_taken(struct flow *f, uint32_t n);
/* Lets the socket take what is queued. */
void pump_send(struct flow *f);

void pump_credit(struct flow *f, uint32_t rcv_edge);
void pump_rx_ready(struct card *c);

/* CLOSING: delivers whatever the socket has, credit or not. 0 when it is
 * empty, -ENOBUFS when there is no rx buffer: flow_drain() will be called.
 */
int pump_empty(struct flow *f);

#endif
