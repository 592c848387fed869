/* SPDX-License-Identifier: GPL-2.0-only */
/* What the card's TCP knows of a flow, told to the host: VIRTIO_TOE_RX_INFO */
#ifndef TOECARD_TELL_H
#define TOECARD_TELL_H

struct card;
struct flow;

void tell_init(struct card *c);
void tell_exit(struct card *c);

/* Something has happened on the flow that counts: the host hears of it soon. */
void tell_soon(struct flow *f);
/* The host hears of it now. 0, also when there is nothing new, or -EAGAIN when
 * there is no rx buffer.
 */
int tell_now(struct flow *f);
/* The flow stops: nothing is told any more but by tell_now(). */
void tell_leave(struct flow *f);

#endif
